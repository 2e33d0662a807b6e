"""The detector: gate → proposers → tubes → behaviour → score → cases → observations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from contract.details import Box, FireDetail, FireWitness
from contract.events import Severity, Tier
from contract.geometry import Location
from edge.detectors.fire_smoke.allowed import Allowed
from edge.detectors.fire_smoke.behaviour import measured
from edge.detectors.fire_smoke.classical import flame_proposals, smoke_proposals
from edge.detectors.fire_smoke.eye import Eye
from edge.detectors.fire_smoke.growth import growth_per_minute, size_m
from edge.detectors.fire_smoke.judging import Case, Cases, Watched, judge
from edge.detectors.fire_smoke.learned import Answer, Learned
from edge.detectors.fire_smoke.proposals import PictureBox, Proposal, Proposer, gap, inside
from edge.detectors.fire_smoke.saved import read_cases
from edge.detectors.fire_smoke.score import WEAK
from edge.detectors.fire_smoke.settings import FireSmokeSettings, Hazard
from edge.detectors.fire_smoke.steady import Carry
from edge.detectors.fire_smoke.tubes import Tube, Tubes
from edge.detectors.fire_smoke.witnesses import Seconded
from edge.detectors.interface import Frame, Mark, Observation, Visibility
from edge.detectors.registry import CameraContext

NAME = "fire_smoke"
VERSION = "1.0.0"
LOOK_SECONDS = 0.45
"""Between two looks of the classical proposers: a little less than a slot, so that none stays empty by jitter."""
MEASURE_SECONDS = 1.0
"""How often a tube's behaviour is measured: 1-2 ms each."""
MEASURED_FROM = 3
"""Votes: what was proposed once costs nothing more."""
SUSPICIOUS_SECONDS = 5.0
"""A tube that was not seen for so long has passed."""
DENIED_LOOKS = 10
"""Looks of the window in which the model saw nothing: five seconds of asking. The heartbeat goes on looking."""
SECONDED = 0.5
"""Score from which a second witness makes it critical at once: two that each think it likelier than not. With less, the
witness makes an alarm of it, that waits for its time like any other."""
PEOPLE_SECONDS = 3.0
"""For how long a person is believed to stand where a model saw one."""


class FireSmokeDetector:
    """Watches one camera for flames and smoke. Deterministic; not for use by two threads."""

    name = NAME
    version = VERSION

    def __init__(self, settings: FireSmokeSettings, context: CameraContext) -> None:
        """Raises ValueError: the settings name a model that cannot be asked, or that knows nothing of fire."""
        self._settings = settings
        self._size = context.size
        self._ground = context.ground
        self._eye = Eye(settings, context.size, moves=context.moves)
        self._learned = Learned(settings, context.size, context.inference)
        self._seconded = Seconded(context.witnesses, settings.timing)
        self._tubes = Tubes(settings.tubes)
        self._cases = Cases()
        self._watched: dict[tuple[Hazard, int], Watched] = {}
        self._allowed = Allowed(
            settings.allowed, ZoneInfo(settings.timezone), float(context.size.width * context.size.height)
        )
        self._people: tuple[float, tuple[PictureBox, ...]] = (0.0, ())
        self._looked_at: float | None = None
        self._visibility = Visibility.UNKNOWN
        self._report: Mapping[str, Any] = {}

    @property
    def visibility(self) -> Visibility:
        """UNKNOWN while the stream is new, or most of the picture changes at once: fog, rain, a moving camera."""
        return self._visibility

    @property
    def watched(self) -> Sequence[Watched]:
        """The tubes with what was measured of them, for reports and for whoever measures the stages."""
        return tuple(self._watched.values())

    def observe(self, frame: Frame) -> Sequence[Observation]:
        """What the frame adds.

        Raises:
            ValueError: it has another size than the detector was built for.
        """
        if (frame.width, frame.height) != (self._size.width, self._size.height):
            raise ValueError(
                f"{frame.source_id}: found a frame of {frame.width} x {frame.height}, "
                f"expected {self._size.width} x {self._size.height}"
            )
        t = frame.media_time
        if self._looked_at is not None and not 0 <= t - self._looked_at <= 600:
            self._began_anew()
        look = self._eye.look(frame)
        if self._eye.carried is not None:
            self._carry(self._eye.carried)
        self._visibility = Visibility.UNKNOWN if look.flooded or not look.settled else Visibility.CLEAR
        for answer in self._learned.answers():
            self._hear(answer)
        suspicion = self._suspicion(t)
        shown = None if suspicion is None else self._eye.shown(suspicion)
        self._learned.ask(frame, shown, people=bool(self._cases.all))
        for answer in self._learned.answers():  # on replay they come at once
            self._hear(answer)
        if self._looked_at is not None and t - self._looked_at < LOOK_SECONDS:
            return ()
        passed_from, self._looked_at = self._looked_at, t
        if not look.settled:
            return ()
        if self._settings.classical:
            self._tubes.take(self._classical(t, flooded=look.flooded))
        self._tubes.expire(t)
        told = self._judged(t)
        told = self._without_allowed(told, frame.wall_time, learn=passed_from is not None)
        observations = [self._observation(case, frame) for case in self._cases.take(told, t)]
        self._report = self._reported(frame)
        return observations

    def report(self) -> Mapping[str, Any]:
        """What it sees at the moment, as JSON types. From any thread: what is handed out never changes."""
        return self._report

    # ---- what outlives the stream

    def save(self) -> Mapping[str, Any]:
        """What was learned of allowed regions, and where something burns."""
        return {"allowed": self._allowed.save(), "cases": self._cases.save()}

    def load(self, saved: Mapping[str, Any]) -> None:
        """Takes up what an earlier detector saved; what does not fit is left out."""
        if isinstance(saved, Mapping):
            self._allowed.load(saved.get("allowed"))
            self._cases.load(*read_cases(saved.get("cases")))

    def is_open(self, hazard: str, key: str) -> bool:
        """Whether it is being told. Episodes end by time, so nobody needs to ask."""
        return any(case.hazard == hazard and case.key == key for case in self._cases.all)

    # ---- looking

    def _began_anew(self) -> None:
        self._tubes.clear()
        self._watched.clear()
        self._cases.clear_times()
        self._looked_at = None

    def _carry(self, carried: Carry) -> None:
        """The camera flies, and another picture is held: what was known is moved there, or is nowhere any more."""
        if carried.by is None:
            self._began_anew()
            return
        self._tubes.carry(carried.box)
        for case in self._cases.all:
            case.box = carried.box(case.box)
        self._people = (self._people[0], tuple(carried.box(box) for box in self._people[1]))

    def _classical(self, t: float, *, flooded: bool) -> Sequence[Proposal]:
        found: list[Proposal] = []
        if Hazard.FIRE in self._settings.hazards:
            found += flame_proposals(self._eye, self._settings.gate, t)
        if Hazard.SMOKE in self._settings.hazards and not flooded:
            found += smoke_proposals(self._eye, self._settings.gate, t)
        return found

    def _hear(self, answer: Answer) -> None:
        """Takes in a model's answer: votes for what it saw, a look at what it was shown and did not see."""
        if answer.about_people:
            people = tuple(self._eye.held(box, answer.media_time) for box in answer.people)
            self._people = (answer.media_time, people)
            return
        watched = [
            replace(proposal, box=box)
            for proposal in answer.proposals
            if self._is_watched(box := self._eye.held(proposal.box, answer.media_time))
        ]
        region = self._eye.held(answer.region, answer.media_time)
        self._tubes.take(watched)
        for tube in self._tubes.all:
            if answer.media_time < tube.began or inside(tube.box, region) < 0.7:
                continue  # it was not there yet, or not shown
            best = max(
                (
                    proposal.confidence
                    for proposal in watched
                    if proposal.hazard is tube.hazard and self._tubes.matches(proposal.box, tube.box)
                ),
                default=0.0,
            )
            tube.look(answer.media_time, best, self._settings.tubes)

    def _is_watched(self, box: PictureBox) -> bool:
        mask = self._eye.watched
        if mask is None:
            return True
        return float((mask[self._eye.window_of(box)] > 0).mean()) > 0.5

    def _suspicion(self, t: float) -> PictureBox | None:
        """The place to show to the model: what has most votes and is not told yet, then what is."""
        tubes = [tube for tube in self._tubes.all if _is_suspicious(tube, t)]
        if not tubes:
            return None
        return max(tubes, key=lambda tube: (not self._cases.holds(tube), len(tube.votes), -tube.number)).box

    # ---- judging

    def _judged(self, t: float) -> list[Watched]:
        tubes = {(tube.hazard, tube.number): tube for tube in self._tubes.all}
        self._watched = {place: self._watched.get(place) or Watched(tube) for place, tube in tubes.items()}
        fires = [case.box for case in self._cases.all if case.hazard is Hazard.FIRE]
        told = []
        for watched in self._watched.values():
            tube = watched.tube
            due = watched.measured_at is None or t - watched.measured_at >= MEASURE_SECONDS - 0.05
            if self._settings.stages.behaviour and due and len(tube.votes) >= MEASURED_FROM:
                self._measure(watched, t)
            beside = any(gap(tube.box, fire) <= max(tube.box[2], tube.box[3]) for fire in fires)
            judge(watched, self._settings, t, is_told=self._cases.holds(tube), beside_fire=beside)
            if watched.refused is None and t - tube.seen <= 2.0:
                told.append(watched)
        return told

    def _measure(self, watched: Watched, t: float) -> None:
        behaviour = measured(watched.tube, self._eye, t, self._settings.behaviour, self._settings.tubes)
        watched.measure(behaviour, t, contradicts=watched.contradiction(self._settings, behaviour) is not None)

    def _without_allowed(self, told: Sequence[Watched], at: datetime, *, learn: bool) -> list[Watched]:
        """Leaves out what may burn there, as far as it is usual."""
        if not self._settings.allowed:
            return list(told)
        kept: list[Watched] = []
        burning: dict[tuple[str, Hazard], float] = {}
        unusual: set[tuple[str, Hazard]] = set()
        for watched in told:
            tube = watched.tube
            region = self._allowed.region_of(tube.hazard, self._eye.shown(tube.box))
            if region is None:
                kept.append(watched)
                continue
            area = tube.box[2] * tube.box[3]
            place = region.name, tube.hazard
            burning[place] = max(burning.get(place, 0.0), area)
            why = self._allowed.verdict(region, tube.hazard, area, at)
            watched.refused = None if why is not None else f"allowed: {region.name}"
            if why is not None:
                unusual.add(place)
                # What is merely unusual where it may burn is for somebody to look at, not to be woken by.
                watched.score = min(watched.score, self._settings.score.alarm - 0.01)
                kept.append(watched)
        if learn:
            self._allowed.observe(burning, at, unusual)
        return kept

    # ---- observations

    def _observation(self, case: Case, frame: Frame) -> Observation:
        t, timing, fire = frame.media_time, self._settings.timing, case.hazard is Hazard.FIRE
        witnesses = self._seconded.heard(frame)
        lasted = case.seen - case.began
        sure = case.score >= self._settings.score.alarm
        wanted = timing.fire_critical_seconds if fire else timing.smoke_critical_seconds
        if (sure and lasted >= wanted) or (witnesses and case.score >= SECONDED):
            case.critical = True
        red = case.critical or (sure and self._people_near(case.box, t))
        stage = "critical" if case.critical else "warning"
        return Observation(
            hazard=case.hazard.value,
            key=case.key,
            media_time=case.seen,
            started_media_time=case.began,
            severity=Severity.RED if red else Severity.YELLOW,
            tier=Tier.ALARM if sure or case.critical or witnesses else Tier.REVIEW,
            confidence=round(case.surest, 4),
            detail=self._detail(case, stage, witnesses, t),
            marks=(Mark(box=self._eye.shown(case.box), label=f"{case.hazard.value} {case.score:.2f} {stage}"),),
            location=self._place(case, t),
            model=case.model,
            extent=case.box[2] * case.box[3],
        )

    def _detail(self, case: Case, stage: str, witnesses: Sequence[FireWitness], t: float) -> FireDetail:
        x, y, width, height = box = self._eye.shown(case.box)
        size = size_m(box, self._ground, t)
        area = width * height / (self._size.width * self._size.height)
        return FireDetail(
            box=Box(x=round(x, 1), y=round(y, 1), width=round(width, 1), height=round(height, 1)),
            stage="critical" if stage == "critical" else "warning",
            proposers=tuple(sorted(proposer.value for proposer in case.proposers)),
            light=self._eye.light.value,
            seconds=round(case.seen - case.began, 2),
            area_share=round(min(area, 1.0), 5),
            growth_per_minute=growth_per_minute(tuple(case.watched.tube.areas)),
            width_m=None if size is None else size[0],
            height_m=None if size is None else size[1],
            cues=dict(list({**case.watched.behaviour.cues(), **_looks(case.watched.tube)}.items())[:16]),
            witnesses=tuple(witnesses)[:4],
        )

    def _place(self, case: Case, t: float) -> Location | None:
        """Of its foot, in the latest picture."""
        if self._ground is None:
            return None
        box = self._eye.shown(case.box)
        return self._ground.at(box[0] + box[2] / 2, _base(box), t)

    def _people_near(self, box: PictureBox, t: float) -> bool:
        seen_at, people = self._people
        reach = max(box[2], box[3])
        return t - seen_at <= PEOPLE_SECONDS and any(gap(box, person) <= reach for person in people)

    def _reported(self, frame: Frame) -> Mapping[str, Any]:
        return {
            "at": frame.wall_time.isoformat(),
            "visibility": self._visibility.value,
            "light": self._eye.light.value,
            "frames_per_second": round(self._eye.fps, 2),
            "changed_share": round(self._eye.changed_share, 3),
            "model": None if self._learned.model is None else self._learned.model.as_json(),
            "model_answered_seconds_ago": (
                None
                if self._learned.answered_at is None
                else round(max(frame.media_time - self._learned.answered_at, 0.0), 2)
            ),
            "questions_shed": self._learned.shed,
            "tubes": [self._reported_tube(watched) for watched in self._watched.values()],
            "cases": [
                {
                    "key": case.key,
                    "box": _rounded(self._eye.shown(case.box)),
                    "score": round(case.score, 3),
                    "critical": case.critical,
                }
                for case in self._cases.all
            ],
            "allowed": self._allowed.rates(frame.wall_time),
        }

    def _reported_tube(self, watched: Watched) -> Mapping[str, Any]:
        tube = watched.tube
        return {
            "key": f"{tube.hazard.value}:{tube.number}",
            "box": _rounded(self._eye.shown(tube.box)),
            "seconds": round(tube.seen - tube.began, 2),
            "votes": len(tube.votes),
            "proposers": sorted(proposer.value for proposer in tube.proposers),
            "score": round(watched.score, 3),
            "refused": watched.refused,
            "cues": watched.behaviour.cues(),
        }


def _is_suspicious(tube: Tube, t: float) -> bool:
    """Whether the model is to be asked about a place beside its heartbeat: not about what passes, nor again and again
    about what it has been shown in vain."""
    if t - tube.seen > SUSPICIOUS_SECONDS or len(tube.votes) < (
        1 if Proposer.MODEL in tube.proposers else MEASURED_FROM
    ):
        return False
    return len(tube.looks) < DENIED_LOOKS or max(confidence for _, confidence in tube.looks) >= WEAK[tube.hazard]


def _base(box: PictureBox) -> float:
    return box[1] + box[3]


def _rounded(box: PictureBox) -> list[float]:
    return [round(value, 1) for value in box]


def _looks(tube: Tube) -> dict[str, float]:
    if not tube.looks:
        return {}
    recent = [confidence for _, confidence in tube.looks]
    return {"model": round(sum(recent) / len(recent), 3), "model_looks": float(len(recent))}
