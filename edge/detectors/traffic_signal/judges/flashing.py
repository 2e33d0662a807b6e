"""FLASHING: a lamp goes on and off about once a second, and the timetable does not allow it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from edge.detectors.traffic_signal.cycles import Change
from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.heads import Edge, Head
from edge.detectors.traffic_signal.junction import Found, Junction, Scope, confidence, ids_of
from edge.detectors.traffic_signal.settings import Colour, HeadKind

MIN_RATE = 4.0
"""Pictures a second: three in the light and dark of one period at the least."""
BEAT_SECONDS = 0.15
"""Shorter gaps are those of LEDs that beat with the shutter."""
GATHER_SECONDS = 3.0
"""From the first head that flashes until heads are counted: all of a junction flash together."""
SEEN_SECONDS = 12.0
UNDECIDED_SECONDS = 20.0
"""Heads that go on and off irregularly, as far as they can be read, are waited for a little longer."""
PEDESTRIAN_GREEN_SECONDS = 40.0
"""A green man flashes before red, in some cities for as long as crossing takes."""


@dataclass(frozen=True, slots=True)
class Flash:
    """A lamp that flashes. `since`: its first period."""

    lamp: int
    since: float
    hz: float
    duty: float
    periods: int
    until: float
    """When it went on last."""


class FlashingJudge:
    """Finds regular edges."""

    def __init__(self) -> None:
        self._first: float | None = None

    def changed(self, junction: Junction, head: Head, change: Change) -> None:
        """Flashing is seen at its edges, which are no changes of label."""

    def judge(self, junction: Junction) -> Iterable[Found]:
        if junction.interval > 1.1 / MIN_RATE:
            self._first = None
            return ()
        flashing = {}
        for head in junction.heads.values():
            flash = find_flash(junction, head) if head.seen else None
            if flash is not None and not self._allowed(junction, head, flash):
                flashing[head.id] = flash
                for key in ("junction", f"head:{head.id}"):
                    junction.open.abnormal(Fault.FLASHING, key, head.id, flash.until + junction.interval)
        if not flashing:
            self._first = None
            return ()
        if self._first is None:
            self._first = junction.now
        if junction.open.is_open(Fault.FLASHING, "junction"):
            return ()
        return self._found(junction, flashing, junction.now - self._first)

    def _found(self, junction: Junction, flashing: dict[str, Flash], waited: float) -> list[Found]:
        watched = [head for head in junction.heads.values() if head.seen]
        vehicles = [h for h in watched if h.kind is HeadKind.VEHICLE and Colour.AMBER in h.colours]
        concerned = [head for head in watched if head.id in flashing]
        undecided = [head for head in vehicles if head.id not in flashing and _undecided(junction, head)]
        if waited < GATHER_SECONDS or (undecided and waited < UNDECIDED_SECONDS):
            return []
        all_of_them = bool(vehicles) and all(head.id in flashing or head in undecided for head in vehicles)
        if len(concerned) >= 2 and all_of_them and 2 * len(undecided) <= len(vehicles):
            return [self._one(junction, "junction", "junction", concerned, flashing)]
        return [
            self._one(junction, f"head:{head.id}", "head", [head], flashing)
            for head in concerned
            if not junction.open.concerning(head.id, (Fault.FLASHING,))
        ]

    def _one(self, junction: Junction, key: str, scope: Scope, heads: list[Head], flashing: dict[str, Flash]) -> Found:
        first = flashing[heads[0].id]
        margin = first.periods / junction.settings.judge.flash_periods
        return Found(
            Fault.FLASHING,
            key,
            scope,
            ids_of(heads),
            min(flashing[head.id].since for head in heads),
            confidence(1.0, margin, len(heads) - 1),
            1.0,
            approach=heads[0].settings.approach or None if scope == "head" else None,
            lamp=first.lamp,
            flash_hz=round(first.hz, 2),
            flash_duty=round(first.duty, 2),
        )

    def _allowed(self, junction: Junction, head: Head, flash: Flash) -> bool:
        colour = head.colours[flash.lamp]
        if head.flash_allowed is not None and head.flash_allowed.colour is colour:
            return True
        if head.kind is HeadKind.ARROW and Colour.RED not in head.colours:
            return True  # a flashing arrow is what some of them do all day
        if head.kind is HeadKind.PEDESTRIAN and colour is Colour.GREEN:
            return junction.now - flash.since < PEDESTRIAN_GREEN_SECONDS
        return False


def find_flash(junction: Junction, head: Head) -> Flash | None:
    """The lamp that flashes now, if one does."""
    for lamp, edges in enumerate(head.edges):
        if len(edges) >= 2 * junction.settings.judge.flash_periods:
            flash = _regular(junction, lamp, _without_beats(tuple(edges)))
            if flash is not None:
                return flash
    return None


def _undecided(junction: Junction, head: Head) -> bool:
    """Whether a lamp of it goes on and off, though not regularly, or it was hidden until now."""
    return head.is_restless(junction.now) or junction.now - head.seen_since < SEEN_SECONDS


def _without_beats(edges: tuple[Edge, ...]) -> list[Edge]:
    """Edges without pairs of them that are too close for anything but a beat or a misread picture."""
    kept: list[Edge] = []
    for edge in edges:
        if kept and edge.time - kept[-1].time < BEAT_SECONDS:
            kept.pop()
        else:
            kept.append(edge)
    return kept


def _regular(junction: Junction, lamp: int, edges: list[Edge]) -> Flash | None:
    judge, interval = junction.settings.judge, junction.interval
    low, high = judge.flash_hz
    ons = [edge.time for edge in edges if edge.on]
    if len(ons) <= judge.flash_periods or junction.now - ons[-1] > 1 / low + 2 * interval:
        return None
    # Each period as the pictures round it; all of them together exactly. One in five may be misread.
    shortest, longest = 1 / high - 1.1 * interval, 1 / low + 1.1 * interval
    good: list[float] = []
    start, bad = len(ons) - 1, 0
    for place in range(len(ons) - 1, 0, -1):
        period = ons[place] - ons[place - 1]
        if shortest <= period <= longest:
            good.append(period)
            start = place - 1
        else:
            bad += 1
            if bad * 5 > len(good) + bad + 3 or period > 3 / low:
                break
    if len(good) < judge.flash_periods:
        return None
    hz = len(good) / sum(good)
    seconds = ons[-1] - ons[start]
    lit = sum(b.time - a.time for a, b in pairwise(edges) if a.on and ons[start] <= a.time < ons[-1])
    duty = lit / seconds
    slack = 0.25 * interval * hz
    if not low * 0.97 <= hz <= high * 1.03:
        return None
    if not judge.flash_duty[0] - slack <= duty <= judge.flash_duty[1] + slack:
        return None
    return Flash(lamp, ons[start], hz, duty, len(good), ons[-1])
