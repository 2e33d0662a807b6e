"""From tubes to what is told: which stages a tube has passed, how grave it is, and which tubes are one fire."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from contract.events import Model
from edge.detectors.fire_smoke.behaviour import Behaviour, contradiction
from edge.detectors.fire_smoke.growth import growth_per_minute
from edge.detectors.fire_smoke.proposals import PictureBox, Proposer, around, gap, iou
from edge.detectors.fire_smoke.score import features, score
from edge.detectors.fire_smoke.settings import FireSmokeSettings, Hazard
from edge.detectors.fire_smoke.tubes import Tube

ALONE_CONFIDENCE = 0.25
"""Where the tube stage is switched off, to be measured: the usual operating point of detectors on stills."""
KEEPS = 0.6
"""Of the score and the votes that open a case keep it open: a flame that a bus hides is no new fire."""
NEAR = 1.5
"""Box lengths: tongues so close are one case, as along the edge of a burning field."""
LEARNED_SHARE = 0.5
"""Of a tube's votes."""
MOST_CASES = 4
"""Of one hazard at one camera: a fifth place that burns joins the nearest, for operators drown otherwise."""
FORGOTTEN_SECONDS = 30.0
"""A case that is not seen for so long has ended; what burns there again is another one."""
MEASUREMENTS = 6
MOST_AGAINST = 0.4
"""Of the last seconds' measurements: orange buses, one after the other, look like fire in one second of four."""
SMOOTHING = 0.4
"""What a second's measurement of a tube's behaviour counts against those before."""


@dataclass(slots=True)
class Watched:
    """A tube with what was measured of it."""

    tube: Tube
    behaviour: Behaviour = field(default_factory=Behaviour)
    measured_at: float | None = None
    score: float = 0.0
    cues: dict[str, float] = field(default_factory=dict)
    refused: str | None = None
    """Why it is not told; None: it is."""

    against: deque[bool] = field(default_factory=lambda: deque(maxlen=MEASUREMENTS))
    """Of the last measurements, each for itself: whether it contradicted fire."""

    def contradiction(self, settings: FireSmokeSettings, behaviour: Behaviour | None = None) -> str | None:
        """Why its behaviour, or that of one measurement, is not a fire's."""
        by_model = sum(Proposer.MODEL in vote.proposers for vote in self.tube.votes)
        learned = by_model >= LEARNED_SHARE * max(len(self.tube.votes), 1)
        found = self.behaviour if behaviour is None else behaviour
        return contradiction(found, self.tube.hazard, settings.behaviour, settings.tubes, learned=learned)

    def measure(self, behaviour: Behaviour, now: float, *, contradicts: bool) -> None:
        """Takes in a measurement, smoothed with those before."""
        self.against.append(contradicts)
        if self.measured_at is None:
            self.behaviour = behaviour
        else:
            changes = {
                name: value if (old := getattr(self.behaviour, name)) is None else old + SMOOTHING * (value - old)
                for name in Behaviour.__dataclass_fields__
                if (value := getattr(behaviour, name)) is not None
            }
            self.behaviour = replace(self.behaviour, **changes)
        self.measured_at = now


@dataclass(slots=True)
class Case:
    """A fire or smoke that is told. `number` is its key."""

    hazard: Hazard
    number: int
    began: float
    seen: float
    box: PictureBox
    score: float
    """As of now: it falls when what burned burns down."""
    watched: Watched
    """The tube that tells most."""
    surest: float = 0.0
    """The highest score so far: that it has burned is no less sure when it has burned out."""
    critical: bool = False
    proposers: set[Proposer] = field(default_factory=set)
    model: Model | None = None

    @property
    def key(self) -> str:
        return f"{self.hazard.value}:{self.number}"


def judge(watched: Watched, settings: FireSmokeSettings, now: float, *, is_told: bool, beside_fire: bool) -> None:
    """Sets a tube's score, and why it is not told."""
    tube, stages = watched.tube, settings.stages
    votes = tube.votes_since(now - settings.tubes.window_seconds)
    mean = sum(vote.confidence for vote in votes) / len(votes) if votes else 0.0
    watched.refused = None
    if not stages.tube:
        latest = votes[-1] if votes and now - votes[-1].media_time <= 1.0 else None
        watched.score = latest.confidence if latest else 0.0
        watched.refused = None if watched.score >= ALONE_CONFIDENCE else "weak"
        return
    watched.score = mean
    ease = KEEPS if is_told else 1.0
    watched.refused = _too_few_votes(watched, settings, now, ease)
    if not stages.behaviour:
        return
    why = watched.contradiction(settings)
    if why is None and sum(watched.against) > MOST_AGAINST * len(watched.against):
        why = "inconstant"
    watched.refused = watched.refused or (why if not is_told or why == "moves" else None)
    if not stages.calibration:
        return
    growth = growth_per_minute(tuple(tube.areas))
    watched.cues = features(tube, watched.behaviour, now, settings.tubes, growth=growth, beside_fire=beside_fire)
    watched.score = score(watched.cues, tube.hazard, settings.score)
    if watched.score < settings.score.review * ease:
        watched.refused = watched.refused or "unlikely"


def _too_few_votes(watched: Watched, settings: FireSmokeSettings, now: float, ease: float) -> str | None:
    tube, limits, timing = watched.tube, settings.tubes, settings.timing
    fire = tube.hazard is Hazard.FIRE
    warning = timing.fire_warning_seconds if fire else timing.smoke_warning_seconds
    if tube.seen - tube.began < warning * (1 if ease == 1.0 else 0) - 1e-6:
        return "too short"
    slow = (
        tube.seconds_voted(now, limits) >= limits.votes * ease
        and tube.spread_votes(now, limits) >= limits.spread_votes * ease
    )
    fast = fire and tube.fast_slots(now, limits) >= limits.fast_votes * ease and _is_measured(watched, settings)
    return None if slow or fast else "too few votes"


def _is_measured(watched: Watched, settings: FireSmokeSettings) -> bool:
    """Whether the fast path has all of the behaviour that it asks for."""
    if not settings.stages.behaviour:
        return True
    behaviour = watched.behaviour
    return behaviour.in_band is not None and behaviour.churn is not None and behaviour.drift is not None


class Cases:
    """What is told at the moment."""

    def __init__(self) -> None:
        self._cases: list[Case] = []
        self._numbers: dict[Hazard, int] = {}
        self._remembered: list[tuple[Hazard, int, PictureBox]] = []
        """Cases of the stream before this one."""

    @property
    def all(self) -> Sequence[Case]:
        """By age."""
        return tuple(self._cases)

    def holds(self, tube: Tube) -> bool:
        """Whether a tube belongs to a case."""
        return any(case.hazard is tube.hazard and _near(case.box, tube.box) for case in self._cases)

    def take(self, told: Sequence[Watched], now: float) -> Sequence[Case]:
        """Gives the tubes that are told to cases; returns the cases that were seen now."""
        seen: dict[int, list[Watched]] = {}
        for watched in told:
            case = self._case_of(watched, now)
            seen.setdefault(id(case), []).append(watched)
        for case in self._cases:
            if id(case) in seen:
                _renew(case, seen[id(case)])
        self._cases = [case for case in self._cases if now - case.seen <= FORGOTTEN_SECONDS]
        return [case for case in self._cases if id(case) in seen]

    def clear_times(self) -> None:
        """The stream begins anew, with media time: what is told is remembered by its place."""
        self._remembered = [(case.hazard, case.number, case.box) for case in self._cases]
        self._cases = []

    def save(self) -> dict[str, object]:
        """JSON types."""
        places = [(case.hazard, case.number, case.box) for case in self._cases] or self._remembered
        return {
            "numbers": {hazard.value: number for hazard, number in self._numbers.items()},
            "open": [[hazard.value, number, [round(value, 1) for value in box]] for hazard, number, box in places],
        }

    def load(self, numbers: dict[Hazard, int], places: list[tuple[Hazard, int, PictureBox]]) -> None:
        """Takes up what was saved."""
        self._numbers, self._remembered = numbers, places

    def _case_of(self, watched: Watched, now: float) -> Case:
        tube = watched.tube
        mine = [case for case in self._cases if case.hazard is tube.hazard]
        near = [case for case in mine if _near(case.box, tube.box)]
        if not near and len(mine) >= MOST_CASES:
            near = mine
        if near:
            return min(near, key=lambda case: (gap(case.box, tube.box), -iou(case.box, tube.box), case.number))
        case = Case(tube.hazard, self._number(tube), tube.began, now, tube.box, watched.score, watched)
        self._cases.append(case)
        return case

    def _number(self, tube: Tube) -> int:
        for index, (hazard, number, box) in enumerate(self._remembered):
            if hazard is tube.hazard and _near(box, tube.box):
                del self._remembered[index]
                return number
        number = self._numbers.get(tube.hazard, 0) + 1
        self._numbers[tube.hazard] = number
        return number


def _near(first: PictureBox, second: PictureBox) -> bool:
    length = max(*first[2:], *second[2:])
    return gap(first, second) <= NEAR * length


def _renew(case: Case, members: Sequence[Watched]) -> None:
    best = max(members, key=lambda watched: (watched.score, -watched.tube.number))
    box = members[0].tube.box
    for watched in members[1:]:
        box = around(box, watched.tube.box)
    case.box, case.score, case.watched = box, best.score, best
    case.surest = max(case.surest, best.score)
    case.seen = max(watched.tube.seen for watched in members)
    case.began = min(case.began, *(watched.tube.began for watched in members))
    case.proposers = {proposer for watched in members for proposer in watched.tube.proposers}
    case.model = next((watched.tube.model for watched in members if watched.tube.model is not None), case.model)
