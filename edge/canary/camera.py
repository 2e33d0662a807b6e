"""Drills of one camera: paints a hazard before a copy of a detector, and takes what the copy finds the real way.

The copy begins with the detector's very state (its learned background, its hot cells), so it finds what the detector
would; the detector itself goes on with the real pictures. So a drill can neither hide a real hazard nor be taken for
one, and leaves nothing behind in what the detector has learned.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from contract.base import ContractModel
from contract.details import DETAILS, SourceHealthDetail
from contract.events import Canary, Severity, Tier
from edge.canary.desk import CanaryDesk, Drill
from edge.canary.fork import NotForkableError, forked
from edge.canary.painting import painted, stamped
from edge.detectors.canary import AimedCanary, CameraCanary, NoCanaryError
from edge.detectors.interface import CameraDetector, Frame, Observation, Visibility

log = structlog.get_logger("canary")

CANARY_LOST = "canary_lost"
ATTEMPTS = 2
"""A lorry or a gust at the wrong second loses one drill, at another place a minute later hardly another one."""
RETRY_SECONDS = 20.0
"""Until the second attempt: whatever was in the way has passed."""
STEADY_SECONDS = 4.0
"""After a stream was opened: a background is learned, and the gates refuse what they saw in the first second."""
AFTERWARDS_SECONDS = 1.0
"""For so long after its end what was painted is still looked for: a track may be completed by a second look."""
SYNTHETIC_SECONDS = 2.0

CanaryMaker = Callable[[int], CameraCanary]
"""Makes one for a variant. Raises NoCanaryError."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a drill's detector saw: to be taken as any observation, but marked. `frame` is for evidence."""

    detector: str
    observation: Observation
    canary: Canary
    frame: Frame


@dataclass(slots=True)
class _Running:
    drill: Drill
    detector: str
    canary: Canary
    began: float
    """Media time."""
    maker: CameraCanary | None
    """None: the detector's kind cannot be painted for; an observation is made up behind it."""
    fork: CameraDetector | None
    found: bool = False
    said: bool = False
    """The opening event is committed."""


class CameraDrills:
    """The drills of one stream; used by its own thread. `desk` outlives it."""

    def __init__(
        self, desk: CanaryDesk, detectors: Mapping[str, CameraDetector], makers: Mapping[str, CanaryMaker]
    ) -> None:
        self._desk = desk
        self._detectors = detectors
        self._makers = makers
        self._running: _Running | None = None
        self._turn = 0
        self._first: float | None = None
        self._not_before = 0.0
        self._results: list[Observation] = []

    @property
    def is_running(self) -> bool:
        return self._running is not None

    def step(self, frame: Frame, seconds: float, inhibited: Container[str]) -> Sequence[Sighting]:
        """Looks at the next frame; `seconds` of the source's time. Returns what a drill's detector saw in it."""
        t = frame.media_time
        if self._first is None:
            self._first, self._not_before = t, t + STEADY_SECONDS
        if self._running is None:
            self._perhaps_begin(frame, seconds, inhibited)
        running = self._running
        if running is None:
            return ()
        if running.detector in inhibited:
            self._interrupted("the source cannot see")
            return ()
        sightings = self._look(running, frame)
        running.found = running.found or bool(sightings)
        self._perhaps_end(running, t)
        return sightings

    def committed(self) -> None:
        """What the latest step returned is in the outbox."""
        running = self._running
        if running is not None and running.found and not running.said:
            running.said = True
            self._desk.committed(running.drill)
            self._results.append(lost_observation(running.detector, running.began, "", lost=False))

    def results(self, media_time: float) -> Sequence[Observation]:
        """What is to be said of the drills themselves since the last call: lost ones, and that one was found again."""
        results, self._results = self._results, []
        return [replace(result, media_time=media_time, started_media_time=media_time) for result in results]

    def finish(self) -> None:
        """The stream is over."""
        if self._running is not None:
            self._interrupted("the stream ended")

    # ---- beginning

    def _perhaps_begin(self, frame: Frame, seconds: float, inhibited: Container[str]) -> None:
        if frame.media_time < self._not_before:
            return
        drill = self._desk.next(seconds, frame.wall_time)
        if drill is None:
            return
        name = drill.detector or self._next_in_turn()
        if name is None or name not in self._detectors:
            expected = ", ".join(self._detectors) or "none: it has no detectors"
            self._desk.refused(drill, f"found no detector {name!r} here, expected one of {expected}")
            return
        detector = self._detectors[name]
        if name in inhibited or detector.visibility is not Visibility.CLEAR:
            drill.reason = "waits until the source can see"
            return
        try:
            running = self._prepared(drill, name, detector, frame)
        except (NoCanaryError, NotForkableError) as error:
            self._desk.refused(drill, str(error))
            return
        self._running = running
        self._desk.began(drill, name, frame.wall_time)

    def _next_in_turn(self) -> str | None:
        names = tuple(self._detectors)
        # One that cannot be drilled has no turn while another can: it would only be refused again and again.
        names = tuple(name for name in names if name in self._makers or name not in DETAILS) or names
        if not names:
            return None
        self._turn += 1
        return names[(self._turn - 1) % len(names)]

    def _prepared(self, drill: Drill, name: str, detector: CameraDetector, frame: Frame) -> _Running:
        canary = Canary(id=drill.canary_id, injected_at=frame.wall_time)
        maker = self._makers.get(name)
        if maker is None:
            _check_synthetic(name)
            return _Running(drill, name, canary, frame.media_time, None, None)
        variant = int(drill.canary_id.replace("-", "")[-8:], 16) + drill.attempts
        made, fork = maker(variant), forked(detector)
        if isinstance(made, AimedCanary):
            made.aim(getattr(fork, "inner", fork))
        return _Running(drill, name, canary, frame.media_time, made, fork)

    # ---- looking

    def _look(self, running: _Running, frame: Frame) -> Sequence[Sighting]:
        seconds = frame.media_time - running.began
        if running.maker is None or running.fork is None:
            return [self._sighting(running, _synthetic(running, frame), frame)] if seconds <= SYNTHETIC_SECONDS else []
        shown = painted(frame, running.maker, seconds)
        try:
            seen = running.fork.observe(shown)
        except Exception as error:
            # The copy breaks where the detector itself would: that is what a drill is for.
            log.exception("a drill's detector broke", detector=running.detector)
            self._running = None
            self._lost(running, f"the detector broke: {type(error).__name__}")
            return []
        ours = [observation for observation in seen if running.maker.recognises(observation, running.began)]
        return [self._sighting(running, observation, stamped(shown)) for observation in ours]

    @staticmethod
    def _sighting(running: _Running, observation: Observation, frame: Frame) -> Sighting:
        marked = replace(observation, key=f"canary-{running.canary.id}")
        return Sighting(running.detector, marked, running.canary, frame)

    # ---- ending

    def _perhaps_end(self, running: _Running, t: float) -> None:
        maker = running.maker
        painted_seconds = SYNTHETIC_SECONDS if maker is None else maker.seconds
        patience = SYNTHETIC_SECONDS if maker is None else maker.patience_seconds
        elapsed = t - running.began
        if running.said and elapsed > painted_seconds + AFTERWARDS_SECONDS:
            self._running = None
        elif not running.found and elapsed > patience:
            self._running = None
            self._missed(running, f"{running.detector} did not find what was painted within {patience:.1f} s")

    def _missed(self, running: _Running, reason: str) -> None:
        if running.drill.attempts < ATTEMPTS:
            self._not_before = running.began + RETRY_SECONDS
            self._desk.again(running.drill, f"{reason}; is tried again")
            return
        self._lost(running, reason)

    def _lost(self, running: _Running, reason: str) -> None:
        self._desk.lost(running.drill, reason)
        self._results.append(lost_observation(running.detector, running.began, reason, lost=True))

    def _interrupted(self, reason: str) -> None:
        """Nobody's fault: it begins anew when that is possible."""
        running, self._running = self._running, None
        assert running is not None
        if not running.said:
            running.drill.attempts -= 1
            self._desk.again(running.drill, reason)


def lost_observation(detector: str, media_time: float, reason: str, *, lost: bool) -> Observation:
    """What a drill says of the way it went: that it was lost, or that drills are found again."""
    return Observation(
        hazard=CANARY_LOST,
        key=detector,
        media_time=media_time,
        started_media_time=media_time,
        severity=Severity.YELLOW,
        tier=Tier.REVIEW,
        confidence=0.9,
        detail=SourceHealthDetail(reason=reason or "a drill was found again"),
        active=lost,
    )


def _check_synthetic(name: str) -> None:
    if name in DETAILS:
        raise NoCanaryError(f"{name} says what its hazard looks like, but not how to make one up")


def _synthetic(running: _Running, frame: Frame) -> Observation:
    return Observation(
        hazard=running.detector,
        key="",
        media_time=frame.media_time,
        started_media_time=running.began,
        severity=Severity.BLUE,
        tier=Tier.REVIEW,
        confidence=0.5,
        detail=ContractModel.model_validate({"synthetic": "made up behind the detector, which was not tried"}),
    )
