"""Drills of one sensor: made-up readings for a second set of detectors, beside the channel and never in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from contract.events import Canary
from edge.canary.camera import lost_observation
from edge.canary.desk import CanaryDesk, Drill
from edge.detectors.canary import NoCanaryError, SyntheticReading
from edge.detectors.interface import Observation, Reading, SensorDetector

log = structlog.get_logger("canary")

LONGEST_SECONDS = 60.0
"""A drill that needs longer to clear is cleared by then: it has shown what it had to."""

SensorCanary = Callable[[int], tuple[SensorDetector, Sequence[SyntheticReading]]]
"""Makes a fresh detector of a source's settings, and readings that it must find. The number varies them."""


@dataclass(frozen=True, slots=True)
class SensorSighting:
    """What a drill's detector said of a made-up reading: to be taken as any observation, but marked."""

    detector: str
    observation: Observation
    reading: Reading
    canary: Canary


@dataclass(slots=True)
class _Running:
    drill: Drill
    name: str
    canary: Canary
    detector: SensorDetector
    waiting: list[SyntheticReading]
    found: bool = False
    said: bool = False


class SensorDrills:
    """The drills of one sensor; used by the thread that serves it."""

    def __init__(
        self, source_id: str, desk: CanaryDesk, makers: Mapping[str, SensorCanary], units: Mapping[str, str]
    ) -> None:
        self._source_id = source_id
        self._desk = desk
        self._makers = makers
        self._units = units
        self._running: _Running | None = None
        self._turn = 0
        self._history: list[Reading] = []
        self._results: list[Observation] = []

    @property
    def is_running(self) -> bool:
        return self._running is not None

    @property
    def history(self) -> Sequence[Reading]:
        """The made-up readings of the latest drill."""
        return tuple(self._history)

    def step(self, now: datetime, steady_seconds: float) -> Sequence[SensorSighting]:
        """Lets time pass; `steady_seconds` by a clock that nobody sets. Returns what a drill's detector saw."""
        if self._running is None:
            self._perhaps_begin(now, steady_seconds)
        running = self._running
        if running is None:
            return ()
        elapsed = (now - running.canary.injected_at).total_seconds()
        sightings = []
        while running.waiting and running.waiting[0].at_seconds <= elapsed:
            sightings += self._fed(running, running.waiting.pop(0))
        running.found = running.found or any(sighting.observation.active for sighting in sightings)
        if not running.found:
            self._running = None
            reason = f"{running.name} did not find readings beyond its limit"
            self._desk.lost(running.drill, reason)
            self._results.append(lost_observation(running.name, now.timestamp(), reason, lost=True))
        elif running.said and (not running.waiting or elapsed > LONGEST_SECONDS or elapsed < 0):
            self._running = None
        return sightings

    def committed(self) -> None:
        """What the latest step returned is in the outbox."""
        running = self._running
        if running is not None and running.found and not running.said:
            running.said = True
            self._desk.committed(running.drill)
            self._results.append(lost_observation(running.name, 0.0, "", lost=False))

    def results(self, media_time: float) -> Sequence[Observation]:
        """What is to be said of the drills themselves since the last call."""
        results, self._results = self._results, []
        return [replace(result, media_time=media_time, started_media_time=media_time) for result in results]

    def _perhaps_begin(self, now: datetime, steady_seconds: float) -> None:
        drill = self._desk.next(steady_seconds, now)
        if drill is None:
            return
        names = tuple(self._makers)
        name = drill.detector or (names[self._turn % len(names)] if names else None)
        if name is None or name not in self._makers:
            expected = ", ".join(names) or "none: no detector here can make up its hazard"
            self._desk.refused(drill, f"found no detector {name!r} here, expected one of {expected}")
            return
        try:
            detector, readings = self._makers[name](self._turn)
        except NoCanaryError as error:
            self._desk.refused(drill, str(error))
            return
        self._turn += 1
        self._history = []
        canary = Canary(id=drill.canary_id, injected_at=now)
        waiting = sorted(readings, key=lambda reading: reading.at_seconds)
        self._running = _Running(drill, name, canary, detector, waiting)
        self._desk.began(drill, name, now)

    def _fed(self, running: _Running, made_up: SyntheticReading) -> list[SensorSighting]:
        at = running.canary.injected_at + timedelta(seconds=made_up.at_seconds)
        reading = Reading(
            source_id=self._source_id,
            channel=made_up.channel,
            value=made_up.value,
            unit=self._units.get(made_up.channel, ""),
            observed_at=at,
            media_time=at.timestamp(),
        )
        self._history.append(reading)
        key = f"canary-{running.canary.id}"
        return [
            SensorSighting(running.name, replace(observation, key=key), reading, running.canary)
            for observation in running.detector.observe(reading)
        ]
