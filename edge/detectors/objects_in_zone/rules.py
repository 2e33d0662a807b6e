"""The rules of a zone over time: who stays too long, how many there are, who goes the wrong way.

Everything is in seconds of media time; looks may come as rarely as the box can give them.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from edge.detectors.objects_in_zone.settings import (
    CountSettings,
    DirectionSettings,
    DwellSettings,
    ObjectsInZoneSettings,
    RuleSettings,
)
from edge.detectors.objects_in_zone.things import BoxPx, Thing

LEAST_LOOKS = 3
"""In which a rule must be seen broken, however rare looks are: one picture proves nothing."""
SAME_PLACE_IOU = 0.5
"""A thing that stands keeps this overlap with where it stood, though its box breathes; a third of its length is out."""
SAME_THING_IOU = 0.65
"""Between where a thing was lost and where one is found: boxes of one standing car overlap by 0.8 and more, the next
car stops a little farther on."""
MOVED_SECONDS = 3.0
"""For so long it must be elsewhere to have moved: a passing lorry cuts a box in two for a second or so."""
FRESH_SECONDS = 2.0
"""Who was not seen for so long (or three looks) is not reported as present, though perhaps only hidden."""
HIDING = 0.4
"""Share of a thing's place that something else covers, from which on a network no longer finds it there."""
MOSTLY = 0.6
"""Share of looks in which there must be too many: things hide each other."""


@dataclass(frozen=True, slots=True)
class Breaking:
    """One thing of a breach. `seconds`: for how long it is there."""

    label: str
    box: BoxPx
    seconds: float


@dataclass(frozen=True, slots=True)
class Breach:
    """A rule that is broken in a look. `since`: media time from which on it was."""

    name: str
    """Tells apart several breaches of one rule; empty if there is only one at a time."""
    since: float
    things: tuple[Breaking, ...]
    """Longest first."""
    limit: float
    confidence: float
    heading_degrees: float | None = None


class Rule(Protocol):
    """One rule's memory."""

    def look(self, t: float, inside: Sequence[Thing], everything: Sequence[Thing]) -> Sequence[Breach]:
        """Takes in what of the rule's classes is in the zone, of a later look than the one before, and what else is in
        the picture."""

    def present(self, t: float) -> Sequence[Breaking]:
        """What is there, for people to look at."""

    def saved(self, t: float) -> Any:
        """What must outlive the stream, as JSON types without media times."""

    def restore(self, saved: Any, t: float) -> None:
        """Takes up what was saved, at the first look of another stream.

        Raises:
            KeyError, TypeError, ValueError: it is not what was saved.
        """


def rule_of(rule: RuleSettings, settings: ObjectsInZoneSettings) -> Rule:
    """The memory for a rule's settings."""
    if rule.dwell is not None:
        return DwellRule(rule.dwell, settings)
    if rule.count is not None:
        return CountRule(rule.count)
    assert rule.direction is not None, "the settings were checked: one of three"
    return DirectionRule(rule.direction, settings.forget_seconds)


@dataclass(slots=True)
class _Stay:
    """One thing's stay in the zone. Its id changes when its track was lost and it is found again by its place."""

    id: int
    """Negative: only remembered from another stream, not yet seen in this one."""
    kin: int
    label: str
    box: BoxPx
    anchor: BoxPx
    """Where it was when it was taken to stand."""
    first: float
    last: float
    looks: int = 1
    """Since `first`, in which it could have been seen; `seen` of them it was."""
    seen: int = 1
    missed_seconds: float = 0.0
    """Since it was last seen, looked at without finding it there …"""
    hidden_seconds: float = 0.0
    """… and with something else before it."""
    scores: float = 0.0
    moved_since: float | None = None

    @property
    def mean_score(self) -> float:
        return self.scores / self.seen

    @property
    def share(self) -> float:
        return self.seen / self.looks


class DwellRule:
    """Who stays for longer than allowed."""

    def __init__(self, settings: DwellSettings, all_settings: ObjectsInZoneSettings) -> None:
        self._settings = settings
        self._all = all_settings
        self._fresh = max(FRESH_SECONDS, 3 * all_settings.look_seconds)
        self._looked: float | None = None
        self._stays: list[_Stay] = []

    def look(self, t: float, inside: Sequence[Thing], everything: Sequence[Thing]) -> Sequence[Breach]:
        known = {stay.id: stay for stay in self._stays}
        strangers = [thing for thing in inside if thing.id not in known]
        for thing in inside:
            if thing.id in known:
                self._see(known[thing.id], thing, t)
        for thing in strangers:
            found = self._lost_at(thing, t)
            if found is None:
                self._stays.append(_begun(thing, t))
            else:
                found.id = thing.id
                self._see(found, thing, t)
        self._miss(t, everything)
        breaking = [stay for stay in self._stays if self._breaks(stay, t)]
        if not breaking:
            return ()
        breaking.sort(key=lambda stay: (stay.first, stay.id))
        limit = self._settings.seconds
        return [
            Breach(
                name="",
                since=breaking[0].first + limit,
                things=tuple(Breaking(stay.label, stay.box, t - stay.first) for stay in breaking),
                limit=limit,
                confidence=max(stay.mean_score * stay.share for stay in breaking),
            )
        ]

    def present(self, t: float) -> Sequence[Breaking]:
        return [Breaking(stay.label, stay.box, t - stay.first) for stay in self._stays if self._is_fresh(stay, t)]

    def saved(self, t: float) -> Any:
        return [
            {
                "kin": stay.kin,
                "label": stay.label,
                "box": list(stay.box),
                "seconds": t - stay.first,
                "looks": stay.looks,
                "seen": stay.seen,
                "scores": stay.scores,
            }
            for stay in self._stays
        ]

    def restore(self, saved: Any, t: float) -> None:
        self._stays = [_restored(entry, t, -1 - number) for number, entry in enumerate(saved)]

    def _breaks(self, stay: _Stay, t: float) -> bool:
        # Its last sight counts, not the present: out of sight it does not stay on.
        long_enough = stay.last - stay.first >= self._settings.seconds
        often = stay.seen >= LEAST_LOOKS and stay.share >= self._all.min_seen
        return long_enough and often and self._is_fresh(stay, t)

    def _is_fresh(self, stay: _Stay, t: float) -> bool:
        return stay.id >= 0 and t - stay.last <= self._fresh

    def _lost_at(self, thing: Thing, t: float) -> _Stay | None:
        """A stay that was not seen in this look, of the same kind of thing, at the same place: its track was lost."""
        best: _Stay | None = None
        best_iou = SAME_THING_IOU
        for stay in self._stays:
            if stay.last < t and stay.kin == thing.kin and (iou := _iou(stay.box, thing.box)) >= best_iou:
                best, best_iou = stay, iou
        return best

    def _miss(self, t: float, everything: Sequence[Thing]) -> None:
        """Forgets who was looked for and not found for too long. Time without looks does not count."""
        passed = 0.0 if self._looked is None else min(t - self._looked, 3 * self._all.look_seconds)
        self._looked = t
        for stay in self._stays:
            if stay.last == t:
                continue
            if any(_covered(stay.box, thing.box) >= HIDING for thing in everything):
                stay.hidden_seconds += passed
            else:
                stay.missed_seconds += passed
                stay.looks += 1
        self._stays = [
            stay
            for stay in self._stays
            if stay.missed_seconds <= self._all.forget_seconds and stay.hidden_seconds <= self._all.hidden_seconds
        ]

    def _see(self, stay: _Stay, thing: Thing, t: float) -> None:
        stay.label, stay.box, stay.last = thing.label, thing.box, t
        stay.missed_seconds = stay.hidden_seconds = 0.0
        stay.looks += 1
        stay.seen += 1
        stay.scores += thing.score
        if not self._settings.still:
            return
        if _iou(stay.anchor, thing.box) >= SAME_PLACE_IOU:
            stay.moved_since = None
            return
        if stay.moved_since is None:
            stay.moved_since = t
        if t - stay.moved_since >= MOVED_SECONDS:
            anew = _begun(thing, t)
            stay.anchor, stay.first, stay.moved_since = anew.anchor, t, None
            stay.looks, stay.seen, stay.scores = anew.looks, anew.seen, anew.scores


class CountRule:
    """Whether there are too many."""

    def __init__(self, settings: CountSettings) -> None:
        self._settings = settings
        self._looks: deque[tuple[float, bool]] = deque()
        self._since: float | None = None
        self._first: dict[int, float] = {}
        self._inside: tuple[Thing, ...] = ()

    def look(self, t: float, inside: Sequence[Thing], everything: Sequence[Thing]) -> Sequence[Breach]:
        self._inside = tuple(inside)
        self._first = {thing.id: self._first.get(thing.id, t) for thing in inside}
        too_many = len(inside) > self._settings.more_than
        self._looks.append((t, too_many))
        while len(self._looks) > LEAST_LOOKS and t - self._looks[0][0] > self._settings.seconds:
            self._looks.popleft()
        above = sum(found for _, found in self._looks)
        share = above / len(self._looks)
        if self._since is None or share < MOSTLY:
            # Begins (anew) with this look: what was before, when there were few, must not hold it back.
            self._since = t if too_many else None
            self._looks.clear()
            self._looks.append((t, too_many))
            return ()
        if not too_many or t - self._since < self._settings.seconds or above < LEAST_LOOKS:
            return ()
        mean = sum(thing.score for thing in inside) / len(inside)
        return [Breach("", self._since, tuple(self.present(t)), self._settings.more_than, confidence=mean * share)]

    def present(self, t: float) -> Sequence[Breaking]:
        there = [Breaking(thing.label, thing.box, t - self._first[thing.id]) for thing in self._inside]
        return sorted(there, key=lambda thing: -thing.seconds)

    def saved(self, t: float) -> Any:
        return None  # seconds of counting are soon counted again

    def restore(self, saved: Any, t: float) -> None:
        pass


@dataclass(slots=True)
class _Trail:
    label: str
    first: float
    points: deque[tuple[float, float, float, float]] = field(default_factory=deque)
    """(t, x, y, height of the box) of the thing's foot."""
    box: BoxPx = (0.0, 0.0, 0.0, 0.0)
    wrong_since: float | None = None
    wrong_looks: int = 0
    scores: float = 0.0
    name: str = ""
    """Given when it broke the rule."""


class DirectionRule:
    """Who goes against the only way that is allowed."""

    def __init__(self, settings: DirectionSettings, forget_seconds: float) -> None:
        self._settings = settings
        self._forget_seconds = forget_seconds
        self._trails: dict[int, _Trail] = {}
        self._named = 0

    def look(self, t: float, inside: Sequence[Thing], everything: Sequence[Thing]) -> Sequence[Breach]:
        breaches = []
        for thing in inside:
            trail = self._trails.setdefault(thing.id, _Trail(thing.label, t))
            left, top, right, bottom = trail.box = thing.box
            trail.label = thing.label
            trail.points.append((t, (left + right) / 2, bottom, bottom - top))
            while t - trail.points[0][0] > self._settings.over_seconds:
                trail.points.popleft()
            heading = self._heading(trail)
            if heading is None:
                continue
            if _apart(heading, self._settings.allowed_degrees) <= self._settings.tolerance_degrees:
                trail.wrong_since, trail.wrong_looks, trail.scores = None, 0, 0.0
                continue
            if trail.wrong_since is None:
                trail.wrong_since = t
            trail.wrong_looks += 1
            trail.scores += thing.score
            if t - trail.wrong_since >= self._settings.seconds and trail.wrong_looks >= LEAST_LOOKS:
                breaches.append(self._breach(trail, t, heading))
        gone = [key for key, trail in self._trails.items() if t - trail.points[-1][0] > self._forget_seconds]
        for key in gone:
            del self._trails[key]
        return breaches

    def present(self, t: float) -> Sequence[Breaking]:
        fresh = (trail for trail in self._trails.values() if t - trail.points[-1][0] <= FRESH_SECONDS)
        return [Breaking(trail.label, trail.box, t - trail.first) for trail in fresh]

    def saved(self, t: float) -> Any:
        return {"named": self._named}

    def restore(self, saved: Any, t: float) -> None:
        self._named = max(int(saved["named"]), 0)

    def _breach(self, trail: _Trail, t: float, heading: float) -> Breach:
        if not trail.name:
            self._named += 1
            trail.name = str(self._named)
        assert trail.wrong_since is not None, "it goes the wrong way"
        return Breach(
            name=trail.name,
            since=trail.wrong_since,
            things=(Breaking(trail.label, trail.box, t - trail.first),),
            limit=self._settings.tolerance_degrees,
            confidence=trail.scores / trail.wrong_looks,
            heading_degrees=heading,
        )

    def _heading(self, trail: _Trail) -> float | None:
        """Which way it goes: of the line through its last seconds; None: it has hardly moved, or was hardly seen."""
        points = trail.points
        if len(points) < LEAST_LOOKS:
            return None
        mean_t = math.fsum(t for t, *_ in points) / len(points)
        spread = math.fsum((t - mean_t) ** 2 for t, *_ in points)
        along_x = math.fsum((t - mean_t) * x for t, x, _, _ in points) / spread
        along_y = math.fsum((t - mean_t) * y for t, _, y, _ in points) / spread
        lasted = points[-1][0] - points[0][0]
        height = sorted(height for *_, height in points)[len(points) // 2]
        if math.hypot(along_x, along_y) * lasted < self._settings.travel * height:
            return None
        return round(math.degrees(math.atan2(along_x, -along_y)), 1) % 360


def _begun(thing: Thing, t: float) -> _Stay:
    return _Stay(thing.id, thing.kin, thing.label, thing.box, thing.box, t, t, scores=thing.score)


def _restored(entry: Mapping[str, Any], t: float, identity: int) -> _Stay:
    """A stay of another stream, as if it had just been lost: a thing at its place takes it up."""
    left, top, right, bottom = (float(value) for value in entry["box"])
    box = (left, top, right, bottom)
    looks, seen = int(entry["looks"]), int(entry["seen"])
    seconds, scores = float(entry["seconds"]), float(entry["scores"])
    if not (1 <= seen <= looks and 0 <= scores <= seen and 0 <= seconds < math.inf and all(map(math.isfinite, box))):
        raise ValueError(f"found a stay of {seconds} s, {seen} of {looks} looks, {scores} in all")
    before = math.nextafter(t, -math.inf)
    label, kin = str(entry["label"]), int(entry["kin"])
    return _Stay(identity, kin, label, box, box, t - seconds, before, looks=looks, seen=seen, scores=scores)


def _iou(one: BoxPx, other: BoxPx) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    both = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1])
    return shared / (both - shared)


def _covered(box: BoxPx, other: BoxPx) -> float:
    """The share of a box that another one covers."""
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    return max(width, 0.0) * max(height, 0.0) / max((box[2] - box[0]) * (box[3] - box[1]), 1e-9)


def _apart(one: float, other: float) -> float:
    """Between two directions, 0 to 180 degrees."""
    return abs((one - other + 180) % 360 - 180)
