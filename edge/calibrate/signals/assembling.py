"""Heads of lamps that take turns: which lights belong together, and which of them are no lamps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from edge.detectors.traffic_signal.settings import Colour, Shape

DISPLAY_SHARE = 0.1
"""Of the more frequent colour's samples, from which the other one at the same place is no misreading."""
PITCH = (0.85, 3.3)
"""Distance of neighbours in diameters: lenses that touch 1, apart 1.2-1.7, with an unlit amber between them twice."""
MISSING_PITCH = 1.75
"""From here on there is room for a lamp between two."""
SAME_RUN_SAMPLES = 6
"""A green that flashes at its end is one green."""
SURELY_MISSING_PITCH = 2.35
"""From here on there is room whatever the lenses show: a walking man fills half of his, which looks like 1.8-2.3."""
OFF_LINE = 0.38
"""Of a diameter: sideways from the head's line."""
LIKE = 1.75
"""Ratio of diameters within a head: an arrow looks smaller than the ball above it."""
TOGETHER_SHARE = 0.15
"""Of the shorter one's lit samples, in which both were lit: afterglow, a blended picture."""
RED_AMBER_SHARE = 0.6
"""Where red and amber together announce green, for 1-2 s of the 4-5 s in which amber is lit in a cycle."""
EVEN_PITCH = 1.5
"""Ratio of the distances between neighbours in a head of three and more: what is further away belongs to another."""
TURNS_SHARE, ALL_COLOURS_SHARE = 0.5, 0.35
"""Of all samples, in which some lamp of a head that is no arrow is lit; and of one that showed three colours in order:
a bus or the shaking of a storm may have hidden it for half of the time."""
UNSURE_SHARE = 0.15
"""Below this it is no head, whatever it looks like."""
LONE_SHARE, LONE_LIKE = (0.05, 0.6), 1.45
"""Share of samples in which a lone arrow is lit, and its size against other heads' lamps: shops' signs are many."""
LONE_GREENS = 2
"""One that was lit once only may be the sun on a window."""
IN_STEP_SAMPLES, IN_STEP_SHARE = 1, 0.75
"""A green arrow begins and ends with a phase: as near to a change of some other head, for this share of its changes."""
RED_SHARE = 0.25
"""Of a warm lamp's samples that look red, from which it is red: low sun and haze make red amber, nothing makes amber
red."""
MIDDLE_SHARE = 0.15
"""Of the way between red and green: how near to its middle a faint light must be to be the amber."""


@dataclass(frozen=True, slots=True)
class FoundLamp:
    """A light that behaves like a lamp. Pixels of the first picture."""

    x: float
    y: float
    diameter: float
    colour: Colour
    shape: Shape
    lit: frozenset[int]
    """Numbers of the samples that showed it."""
    assumed: bool = False
    """Nobody saw it lit: it must be there, between two others."""
    framed: bool = False
    """What is around it is dark, as a housing is."""


@dataclass(frozen=True, slots=True)
class FoundHead:
    """Lamps that take turns, from the top or from the left."""

    lamps: tuple[FoundLamp, ...]
    vertical: bool
    lit_share: float
    """Of the samples, in which any of them was lit."""
    notes: tuple[str, ...] = ()
    sure: bool = True
    """What its lamps do proves it; else somebody must have seen that it looks like a head."""

    @property
    def box(self) -> tuple[float, float, float, float]:
        """(left, top, right, bottom) of the lenses."""
        radius = [lamp.diameter / 2 for lamp in self.lamps]
        return (
            min(lamp.x - r for lamp, r in zip(self.lamps, radius, strict=True)),
            min(lamp.y - r for lamp, r in zip(self.lamps, radius, strict=True)),
            max(lamp.x + r for lamp, r in zip(self.lamps, radius, strict=True)),
            max(lamp.y + r for lamp, r in zip(self.lamps, radius, strict=True)),
        )


def assemble(lamps: list[FoundLamp], samples: int, faint: Sequence[tuple[float, float]] = ()) -> list[FoundHead]:
    """Heads of lamps: nearest first, joined where both parts stay in line and take turns. `faint`: where something
    warm shone too seldom to be a lamp by itself, as an amber does in haze."""
    parts: list[list[FoundLamp]] = [[lamp] for lamp in lamps]
    pairs = sorted(
        (pair for pair in combinations(lamps, 2) if _may_be_neighbours(*pair)),
        key=lambda pair: (_unlikeness(*pair), pair[0].x, pair[0].y),
    )
    for one, other in pairs:
        first = next(part for part in parts if one in part)
        second = next(part for part in parts if other in part)
        if first is not second and _is_head([*first, *second]):
            first += second
            parts = [part for part in parts if part is not second]
    amber_is_seen = any(lamp.colour is Colour.AMBER for part in parts if len(part) > 1 for lamp in part)
    heads = [
        _head(part, samples, faint, amber_is_seen=amber_is_seen)
        for part in parts
        if len({lamp.colour for lamp in part}) >= 2
    ]
    heads = [head for head in heads if head.lit_share >= UNSURE_SHARE]
    return sorted(heads + _lone_arrows(parts, heads, samples), key=reading_order)


def reading_order(head: FoundHead) -> tuple[float, float]:
    """Rows of the picture from the top, and from the left in each: rows are as high as a head."""
    left, top, _, bottom = head.box
    return round((top + bottom) / 2 / 80), left


def one_a_place(lamps: list[FoundLamp]) -> tuple[list[FoundLamp], list[FoundLamp]]:
    """Lamps, and displays. Two colours at one place are one lamp that was seen wrongly now and then, or, where neither
    is rare and they are red and green, digits that count."""
    kept: list[FoundLamp] = []
    displays: list[FoundLamp] = []
    for lamp in sorted(lamps, key=lambda lamp: -len(lamp.lit)):
        other = next((one for one in kept if _distance(lamp, one) <= 0.5 * min(lamp.diameter, one.diameter)), None)
        if other is None:
            kept.append(lamp)
            continue
        both = {lamp.colour, other.colour}
        if both == {Colour.RED, Colour.GREEN}:
            if len(lamp.lit) >= DISPLAY_SHARE * len(other.lit) and other not in displays:
                displays.append(other)
        elif both == {Colour.RED, Colour.AMBER} and LIKE * min(lamp.diameter, other.diameter) >= max(
            lamp.diameter, other.diameter
        ):
            kept[kept.index(other)] = _one_of_two(lamp, other)
    return [lamp for lamp in kept if lamp not in displays], displays


def _one_of_two(rarer: FoundLamp, other: FoundLamp) -> FoundLamp:
    """One lamp that looked red at times and amber at others."""
    lit = rarer.lit | other.lit
    red = rarer.lit if rarer.colour is Colour.RED else other.lit
    colour = Colour.RED if len(red) >= RED_SHARE * len(lit) else Colour.AMBER
    return replace(other, colour=colour, lit=lit)


def _distance(one: FoundLamp, other: FoundLamp) -> float:
    return float(np.hypot(one.x - other.x, one.y - other.y))


def _unlikeness(one: FoundLamp, other: FoundLamp) -> float:
    """Neighbours of one head are near, in line and of one size: the best pairs are joined first."""
    larger = max(one.diameter, other.diameter)
    across = min(abs(one.x - other.x), abs(one.y - other.y))
    return (
        _distance(one, other) / larger
        + 3 * across / larger
        + 2 * float(np.log(larger / min(one.diameter, other.diameter)))
    )


def _may_be_neighbours(one: FoundLamp, other: FoundLamp) -> bool:
    larger, smaller = max(one.diameter, other.diameter), min(one.diameter, other.diameter)
    across = min(abs(one.x - other.x), abs(one.y - other.y))
    return (
        larger <= LIKE * smaller
        and PITCH[0] * smaller <= _distance(one, other) <= PITCH[1] * larger
        and across <= OFF_LINE * larger
        and _take_turns(one, other)
    )


def _take_turns(one: FoundLamp, other: FoundLamp) -> bool:
    share = RED_AMBER_SHARE if {one.colour, other.colour} == {Colour.RED, Colour.AMBER} else TOGETHER_SHARE
    return len(one.lit & other.lit) <= share * min(len(one.lit), len(other.lit))


def _is_head(lamps: list[FoundLamp]) -> bool:
    if len(lamps) > 5 or not all(_may_share_a_head(one, other) for one, other in combinations(lamps, 2)):
        return False
    faces = [(lamp.colour, lamp.shape) for lamp in lamps if lamp.colour is not Colour.AMBER]
    if len(set(faces)) < len(faces):
        return False  # two reds of one form are two heads; a second amber flashes where one may turn left if it is free
    largest = max(lamp.diameter for lamp in lamps)
    places = np.asarray([(lamp.x, lamp.y) for lamp in lamps])
    spread: NDArray[np.float64] = np.ptp(places, axis=0)
    vertical = bool(spread[1] >= spread[0])
    in_order = _ordered(lamps, vertical=vertical)
    if spread[0 if vertical else 1] > 2 * OFF_LINE * largest or not _evenly_apart(in_order):
        return False
    rank = [(Colour.RED, Colour.AMBER, Colour.GREEN, Colour.WHITE).index(lamp.colour) for lamp in in_order]
    # Red is on top wherever there is a law; lying heads have it left or, where one drives on the left, right.
    return rank == sorted(rank) or (not vertical and rank == sorted(rank, reverse=True))


def _may_share_a_head(one: FoundLamp, other: FoundLamp) -> bool:
    smaller = min(one.diameter, other.diameter)
    return (
        max(one.diameter, other.diameter) <= LIKE * smaller
        and _distance(one, other) >= PITCH[0] * smaller
        and _take_turns(one, other)
    )


def _evenly_apart(lamps: list[FoundLamp]) -> bool:
    """Also if an amber that never lit is missing: between red and green the way may be twice as long."""
    steps = []
    for one, other in pairwise(lamps):
        step = _distance(one, other)
        gap = {one.colour, other.colour} == {Colour.RED, Colour.GREEN}
        steps.append(step / 2 if gap and step >= MISSING_PITCH * max(one.diameter, other.diameter) else step)
    return max(steps) <= EVEN_PITCH * min(steps)


def _ordered(lamps: list[FoundLamp], *, vertical: bool) -> list[FoundLamp]:
    return sorted(lamps, key=lambda lamp: lamp.y if vertical else lamp.x)


def _head(
    lamps: list[FoundLamp], samples: int, faint: Sequence[tuple[float, float]], *, amber_is_seen: bool
) -> FoundHead:
    places = np.asarray([(lamp.x, lamp.y) for lamp in lamps])
    spread = np.ptp(places, axis=0)
    vertical = bool(spread[1] >= spread[0])
    ordered = _ordered(lamps, vertical=vertical)
    lit = frozenset[int]().union(*(lamp.lit for lamp in lamps))
    share = len(lit) / max(samples, 1)
    notes: tuple[str, ...] = ()
    colours = [lamp.colour for lamp in ordered]
    if sorted(colours) == [Colour.GREEN, Colour.RED]:
        middle, notes = _amber_between(ordered[0], ordered[1], faint, amber_is_seen=amber_is_seen)
        ordered[1:1] = middle
    elif colours.count(Colour.AMBER) == 2 and Colour.RED not in colours and len(colours) == 3:
        # Two ambers and no red all the while: the outer one is red, and the sun is on it.
        outer = 0 if colours[-1] is Colour.GREEN else len(colours) - 1
        ordered[outer] = replace(ordered[outer], colour=Colour.RED)
        notes = ("its red looked amber: check its colours",)
    enough = ALL_COLOURS_SHARE if len({lamp.colour for lamp in ordered}) >= len(Colour) - 1 else TURNS_SHARE
    framed = len(ordered) > 2 or any(lamp.framed for lamp in ordered)
    return FoundHead(tuple(ordered), vertical, share, notes, sure=framed and (share >= enough or _has_arrow(ordered)))


def _amber_between(
    first: FoundLamp, last: FoundLamp, faint: Sequence[tuple[float, float]], *, amber_is_seen: bool
) -> tuple[list[FoundLamp], tuple[str, ...]]:
    """The amber of a red and a green, if there is room for one and a reason to believe in it; with a note."""
    diameter = max(first.diameter, last.diameter)
    way = _distance(first, last)
    x, y = (first.x + last.x) / 2, (first.y + last.y) / 2
    if way < MISSING_PITCH * diameter:
        return [], ()
    middle = FoundLamp(x, y, diameter, Colour.AMBER, Shape.BALL, frozenset(), True)
    if any(float(np.hypot(at[0] - x, at[1] - y)) <= MIDDLE_SHARE * way for at in faint):
        return [middle], ("its amber was hardly seen lit: check its place",)
    # Where others showed their amber, one that had its turns without has none: a walking man in a large lens.
    greens = _runs((first if first.colour is Colour.GREEN else last).lit)
    if way >= SURELY_MISSING_PITCH * diameter or greens < LONE_GREENS or not amber_is_seen:
        return [middle], ("its amber was not seen lit: drawn half-way between red and green",)
    return [], ()


def _runs(lit: frozenset[int]) -> int:
    return len(_starts(lit))


def _starts(lit: frozenset[int]) -> list[int]:
    """Samples in which it went on; a flashing end is no new start."""
    return [number for number in lit if all(number - back not in lit for back in range(1, SAME_RUN_SAMPLES))]


def _ends(lit: frozenset[int]) -> list[int]:
    return [number for number in lit if all(number + on not in lit for on in range(1, SAME_RUN_SAMPLES))]


def _has_arrow(lamps: Sequence[FoundLamp]) -> bool:
    return any(lamp.shape in {Shape.LEFT, Shape.RIGHT, Shape.STRAIGHT, Shape.U_TURN} for lamp in lamps)


def _lone_arrows(parts: list[list[FoundLamp]], heads: list[FoundHead], samples: int) -> list[FoundHead]:
    """Single green lights of the size of the heads' lamps, that begin and end with the phases of others: green arrows
    without colours of their own. Sure if they stand in something dark as well."""
    proven = [lamp for head in heads if head.sure for lamp in head.lamps if not lamp.assumed]
    changes = {at for lamp in proven for at in (*_starts(lamp.lit), *_ends(lamp.lit))}
    near = {at + off for at in changes for off in range(-IN_STEP_SAMPLES - 1, IN_STEP_SAMPLES + 1)}
    found = []
    for part in parts:
        lamp = part[0]
        if len(part) > 1 or lamp.colour is not Colour.GREEN or not any(_of_a_size(lamp, one) for one in proven):
            continue
        if any(_within(lamp, head.box) for head in heads):
            continue
        starts, ends = _starts(lamp.lit), _ends(lamp.lit)
        if len(starts) < LONE_GREENS or not LONE_SHARE[0] <= len(lamp.lit) / samples <= LONE_SHARE[1]:
            continue
        # A start is seen in the sample in which the other's end is no longer seen.
        inner = [at for at in (*(start - 1 for start in starts), *ends) if 0 <= at < samples - 1]
        if sum(at in near for at in inner) >= IN_STEP_SHARE * len(inner):
            note = "one green lamp that is dark for a part of every cycle: a green arrow?"
            found.append(FoundHead((lamp,), True, len(lamp.lit) / max(samples, 1), (note,), sure=lamp.framed))
    return found


def _within(lamp: FoundLamp, box: tuple[float, float, float, float]) -> bool:
    return box[0] <= lamp.x <= box[2] and box[1] <= lamp.y <= box[3]


def _of_a_size(lamp: FoundLamp, other: FoundLamp) -> bool:
    return 1 / LONE_LIKE < lamp.diameter / other.diameter < LONE_LIKE
