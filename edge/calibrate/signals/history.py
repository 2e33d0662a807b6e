"""Heads from history: lights that stand still, are lit for a while and dark for a while, and take turns.

A lit lamp's brightness has two humps. What moves (tail lights), what shines all the time (a shop's sign) or never
stands in the same place twice is no lamp; lights of one head are in line, of like size, and never lit together.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain, combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.calibrate.signals.blobs import Blob, lights
from edge.detectors.interface import Image
from edge.detectors.traffic_signal.settings import Colour, Shape
from edge.vision.registration import Spectrum, orientation_spectrum, shift_between

NEAR_SHARE = 0.3
"""Of its diameter: further from its place than this, a light is another one …"""
NEAR_PX = 1.5
"""… or than this, for small ones."""
SIZE_RATIO = 1.7
"""One lamp looks larger at night than at dusk by less than this."""
MIN_LIT, MIN_DARK = 2, 2
"""Samples in which it was lit, and dark: one is a passing reflection."""
MIN_RUN_SAMPLES = 1.6
"""Samples that a lamp is lit for on average: amber 3 s, and a flashing green sampled at random still makes that."""
DISPLAY_SHARE = 0.1
"""Of the more frequent colour's samples, from which the other one at the same place is no misreading."""
MAX_LIT_SHARE = 0.97
MIN_TURNS = 1
"""Changes between lit and dark that were seen."""
MIN_HUMPS = 25.0
"""Grey levels between the two humps of its brightness."""
MAX_SPREAD_SHARE = 0.16
"""Median deviation from its place, of its diameter: lamps 0.02-0.1, brake lights of cars that stop in a queue more."""
CELL = 48
"""Pixels: further than a cell away nothing is the same light."""
MAX_PLACES = 4000
FORGET_SAMPLES = 40
"""A place where something shone once only is forgotten after so many samples without it."""
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
TURNS_SHARE = 0.5
"""Of all samples, in which some lamp of a head that is no arrow is lit."""
BACKGROUND_RISE_SAMPLES = 2
"""The darkest picture rises by a grey level in so many samples: what a dark bus left there is gone after some minutes,
and a minute of red loses little of its difference."""
OTHER_VIEW_SAMPLES = 5
"""As many pictures in a row that show something else: the camera looks elsewhere now."""
LONE_SHARE, LONE_LIKE = (0.05, 0.6), 1.45
"""Share of samples in which a lone arrow is lit, and its size against a lamp beside it: shops' signs are many."""
SMALL_WIDTH = 480
PEAK = 12.0
"""Standard deviations: below this, how the picture is shifted is not known, and it is left out if it shakes."""
MAX_SHIFT_SHARE = 0.06
"""Of the width: a camera that moved more looks elsewhere."""


@dataclass(slots=True)
class Place:
    """Somewhere something of one colour shone."""

    colour: Colour
    x: float
    y: float
    diameter: float
    seen: list[int] = field(default_factory=list)
    """Numbers of samples."""
    points: list[tuple[float, float, float]] = field(default_factory=list)
    shapes: list[Shape | None] = field(default_factory=list)
    levels: dict[int, float] = field(default_factory=dict)
    """Brightness by sample, from the first sample that showed it on."""


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


@dataclass(frozen=True, slots=True)
class FoundHead:
    """Lamps that take turns, from the top or from the left."""

    lamps: tuple[FoundLamp, ...]
    vertical: bool
    lit_share: float
    """Of the samples, in which any of them was lit."""
    notes: tuple[str, ...] = ()

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


class LampHistory:
    """Takes pictures some tenths of a second to some seconds apart; remembers where lights stood, not the pictures."""

    def __init__(self) -> None:
        self.samples = 0
        self.left_out = 0
        """Pictures in a row of another view, or of none."""
        self.views = 1
        """How often it began anew, counting the first: places are pixels of the present view's first picture."""
        self._places: list[Place] = []
        self._grid: dict[tuple[int, int], list[Place]] = {}
        """Places by where they are, in cells."""
        self._reference: Spectrum | None = None
        self._background: Image | None = None
        self._size: tuple[int, int] | None = None

    def add(self, bgr: Image) -> tuple[float, float] | None:
        """The next picture, (height, width, 3), always of one size. Returns by how many pixels its content lies right
        of and below the view's first one; None if it shows something else and was left out. About 40 ms at 1080p."""
        shift = self._shift(bgr)
        if shift is None:
            self.left_out += 1
            if self.left_out < OTHER_VIEW_SAMPLES:
                return None
            # The camera was turned: what counts is what it looks at now.
            self._reference, self._background = None, None
            self._places, self._grid, self.samples = [], {}, 0
            self.views += 1
            shift = self._shift(bgr) or (0.0, 0.0)
        self.left_out = 0
        number = self.samples
        self.samples += 1
        put_back = _shifted(bgr, shift)
        if self._background is None:
            self._background = put_back.copy()
        else:
            if number % BACKGROUND_RISE_SAMPLES == 0:
                cv2.add(self._background, np.ones(3, np.float64), self._background)
            cv2.min(self._background, put_back, self._background)
        for blob in lights(put_back, self._background):
            self._remember(blob, number)
        self._measure(put_back, number)
        if number % FORGET_SAMPLES == 0 or len(self._places) > MAX_PLACES:
            self._forget(number)
        return shift

    def lamps(self) -> list[FoundLamp]:
        """The places that behave like lamps so far."""
        return self._lamps_and_displays()[0]

    def displays(self) -> list[FoundLamp]:
        """Places that shine red at times and green at others: digits that count."""
        return self._lamps_and_displays()[1]

    def _lamps_and_displays(self) -> tuple[list[FoundLamp], list[FoundLamp]]:
        return _one_a_place([lamp for place in self._places if (lamp := self._lamp(place)) is not None])

    def heads(self) -> list[FoundHead]:
        """Lamps that take turns and stand in line, grouped."""
        return assemble(self.lamps(), self.samples)

    def _shift(self, bgr: Image) -> tuple[float, float] | None:
        height, width = bgr.shape[:2]
        if self._size is None:
            self._size = width, height
        elif self._size != (width, height):
            raise ValueError(f"found a picture of {width} × {height}, expected {self._size[0]} × {self._size[1]}")
        small = cv2.resize(
            cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY),
            (SMALL_WIDTH, max(round(height * SMALL_WIDTH / width), 16)),
            interpolation=cv2.INTER_AREA,
        )
        spectrum = orientation_spectrum(np.asarray(small, np.uint8))
        if self._reference is None:
            self._reference = spectrum
            return 0.0, 0.0
        shift = shift_between(self._reference, spectrum)
        if shift.peak < PEAK or shift.size > MAX_SHIFT_SHARE:
            return None
        return shift.x * width, shift.y * width

    def _remember(self, blob: Blob, number: int) -> None:
        x, y = blob.x, blob.y
        best: Place | None = None
        nearest = 1.0
        column, row = int(x // CELL), int(y // CELL)
        near = (self._grid.get((column + i, row + j), ()) for i in (-1, 0, 1) for j in (-1, 0, 1))
        for place in chain.from_iterable(near):
            if place.colour is not blob.colour:
                continue
            ratio = blob.diameter / place.diameter
            if not 1 / SIZE_RATIO < ratio < SIZE_RATIO:
                continue
            reach = max(NEAR_SHARE * min(place.diameter, blob.diameter), NEAR_PX)
            distance = float(np.hypot(place.x - x, place.y - y)) / reach
            if distance < nearest and (not place.seen or place.seen[-1] != number):
                best, nearest = place, distance
        if best is None:
            best = Place(blob.colour, x, y, blob.diameter)
            self._places.append(best)
            self._grid.setdefault((column, row), []).append(best)
        best.seen.append(number)
        best.points.append((x, y, blob.diameter))
        best.shapes.append(blob.shape)
        if len(best.points) <= 50:
            points = np.asarray(best.points)
            best.x, best.y, best.diameter = (float(value) for value in np.median(points, axis=0))

    def _measure(self, bgr: Image, number: int) -> None:
        height, width = bgr.shape[:2]
        for place in self._places:
            if len(place.seen) < MIN_LIT and number - place.seen[-1] > FORGET_SAMPLES:
                continue
            reach = max(place.diameter / 4, 1.0)
            x, y = place.x, place.y
            left, right = max(int(x - reach), 0), min(int(x + reach) + 1, width)
            top, bottom = max(int(y - reach), 0), min(int(y + reach) + 1, height)
            if right > left and bottom > top:
                place.levels[number] = float(bgr[top:bottom, left:right].max(axis=2).mean())

    def _forget(self, number: int) -> None:
        # What shone once only and long ago was a passing car's light; what is left of many is the latest.
        kept = [
            place for place in self._places if len(place.seen) >= MIN_LIT or number - place.seen[-1] <= FORGET_SAMPLES
        ]
        self._places = sorted(kept, key=lambda place: -len(place.seen))[:MAX_PLACES]
        self._grid = {}
        for place in self._places:
            self._grid.setdefault((int(place.x // CELL), int(place.y // CELL)), []).append(place)

    def _lamp(self, place: Place) -> FoundLamp | None:
        lit = len(place.seen)
        if lit < MIN_LIT or self.samples - lit < MIN_DARK or lit > MAX_LIT_SHARE * self.samples:
            return None
        on = np.zeros(self.samples, bool)
        on[place.seen] = True
        turns = int(np.sum(on[1:] != on[:-1]))
        if turns < MIN_TURNS or lit < MIN_RUN_SAMPLES * turns / 2:
            return None
        points = np.asarray(place.points)
        deviation = np.hypot(points[:, 0] - place.x, points[:, 1] - place.y)
        if float(np.median(deviation)) > max(MAX_SPREAD_SHARE * place.diameter, 0.8):
            return None
        lit_levels = [level for number, level in place.levels.items() if on[number]]
        dark_levels = [level for number, level in place.levels.items() if not on[number]]
        if lit_levels and len(dark_levels) >= MIN_DARK:
            humps = float(np.median(lit_levels) - np.median(dark_levels))
            if humps < MIN_HUMPS:
                return None
        x, y, diameter = (float(value) for value in np.median(points, axis=0))
        shapes = [shape for shape in place.shapes if shape is not None]
        shape = max(set(shapes), key=shapes.count) if shapes else Shape.BALL
        return FoundLamp(x, y, diameter, place.colour, shape, frozenset(place.seen))


def assemble(lamps: list[FoundLamp], samples: int) -> list[FoundHead]:
    """Heads of lamps: nearest first, joined where both parts stay in line and take turns."""
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
        _head(part, samples, amber_is_seen=amber_is_seen) for part in parts if len({lamp.colour for lamp in part}) >= 2
    ]
    heads = [head for head in heads if head.lit_share >= TURNS_SHARE or _has_arrow(head)]
    return sorted(heads + _lone_arrows(parts, heads, samples), key=reading_order)


def _shifted(bgr: Image, shift: tuple[float, float]) -> Image:
    """The picture put back to where the first one was; by less than a third of a pixel it is left as it is."""
    if max(abs(shift[0]), abs(shift[1])) < 0.34:
        return bgr
    matrix = np.asarray([[1, 0, -shift[0]], [0, 1, -shift[1]]], np.float64)
    size = (bgr.shape[1], bgr.shape[0])
    return np.asarray(
        cv2.warpAffine(bgr, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )


def reading_order(head: FoundHead) -> tuple[float, float]:
    """Rows of the picture from the top, and from the left in each: rows are as high as a head."""
    left, top, _, bottom = head.box
    return round((top + bottom) / 2 / 80), left


def _one_a_place(lamps: list[FoundLamp]) -> tuple[list[FoundLamp], list[FoundLamp]]:
    """Lamps, and displays. Two colours at one place are one lamp that was seen wrongly now and then, or, where neither
    is rare and they are red and green, digits that count."""
    kept: list[FoundLamp] = []
    displays: list[FoundLamp] = []
    for lamp in sorted(lamps, key=lambda lamp: -len(lamp.lit)):
        other = next((one for one in kept if _distance(lamp, one) <= 0.5 * min(lamp.diameter, one.diameter)), None)
        if other is None:
            kept.append(lamp)
        elif (
            {lamp.colour, other.colour} == {Colour.RED, Colour.GREEN}
            and len(lamp.lit) >= DISPLAY_SHARE * len(other.lit)
            and other not in displays
        ):
            displays.append(other)
    return [lamp for lamp in kept if lamp not in displays], displays


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
    if len(lamps) > 5 or not all(_take_turns(one, other) for one, other in combinations(lamps, 2)):
        return False
    faces = [(lamp.colour, lamp.shape) for lamp in lamps if lamp.colour is not Colour.AMBER]
    if len(set(faces)) < len(faces):
        return False  # two reds of one form are two heads; a second amber flashes where one may turn left if it is free
    largest = max(lamp.diameter for lamp in lamps)
    if largest > LIKE * min(lamp.diameter for lamp in lamps):
        return False
    places = np.asarray([(lamp.x, lamp.y) for lamp in lamps])
    spread: NDArray[np.float64] = np.ptp(places, axis=0)
    vertical = spread[1] >= spread[0]
    if spread[0 if vertical else 1] > 2 * OFF_LINE * largest:
        return False
    ordered = [lamp.colour for lamp in _ordered(lamps, vertical=bool(vertical))]
    rank = [(Colour.RED, Colour.AMBER, Colour.GREEN, Colour.WHITE).index(colour) for colour in ordered]
    # Red is on top wherever there is a law; lying heads have it left or, where one drives on the left, right.
    return rank == sorted(rank) or (not vertical and rank == sorted(rank, reverse=True))


def _ordered(lamps: list[FoundLamp], *, vertical: bool) -> list[FoundLamp]:
    return sorted(lamps, key=lambda lamp: lamp.y if vertical else lamp.x)


def _head(lamps: list[FoundLamp], samples: int, *, amber_is_seen: bool) -> FoundHead:
    places = np.asarray([(lamp.x, lamp.y) for lamp in lamps])
    spread = np.ptp(places, axis=0)
    vertical = bool(spread[1] >= spread[0])
    ordered = _ordered(lamps, vertical=vertical)
    lit = frozenset[int]().union(*(lamp.lit for lamp in lamps))
    notes: tuple[str, ...] = ()
    colours = {lamp.colour for lamp in ordered}
    if colours == {Colour.RED, Colour.GREEN} and len(ordered) == 2:
        first, last = ordered
        diameter = max(first.diameter, last.diameter)
        greens = _runs(next(lamp.lit for lamp in ordered if lamp.colour is Colour.GREEN))
        # Where others showed their amber, one that had its turns without has none: a walking man in a large lens.
        room = _distance(first, last) / diameter
        if room >= SURELY_MISSING_PITCH or (room >= MISSING_PITCH and (greens < 2 or not amber_is_seen)):
            middle = FoundLamp(
                (first.x + last.x) / 2, (first.y + last.y) / 2, diameter, Colour.AMBER, Shape.BALL, frozenset(), True
            )
            ordered = [first, middle, last]
            notes = ("its amber was not seen lit: drawn half-way between red and green",)
    return FoundHead(tuple(ordered), vertical, len(lit) / max(samples, 1), notes)


def _runs(lit: frozenset[int]) -> int:
    return sum(all(number - back not in lit for back in range(1, SAME_RUN_SAMPLES)) for number in lit)


def _has_arrow(head: FoundHead) -> bool:
    return any(lamp.shape in {Shape.LEFT, Shape.RIGHT, Shape.STRAIGHT, Shape.U_TURN} for lamp in head.lamps)


def _lone_arrows(parts: list[list[FoundLamp]], heads: list[FoundHead], samples: int) -> list[FoundHead]:
    """Single green lights beside a head, of the size of its lamps: green arrows without colours of their own."""
    found = []
    for part in parts:
        lamp = part[0]
        if (
            len(part) > 1
            or lamp.colour is not Colour.GREEN
            or not LONE_SHARE[0] <= len(lamp.lit) / samples <= LONE_SHARE[1]
        ):
            continue
        if any(_beside(lamp, head) for head in heads):
            note = "one green lamp that is dark for a part of every cycle: a green arrow?"
            found.append(FoundHead((lamp,), True, len(lamp.lit) / max(samples, 1), (note,)))
    return found


def _beside(lamp: FoundLamp, head: FoundHead) -> bool:
    return any(
        1 / LONE_LIKE < lamp.diameter / other.diameter < LONE_LIKE
        and abs(lamp.y - other.y) <= 0.6 * other.diameter
        and abs(lamp.x - other.x) <= 4 * other.diameter
        for other in head.lamps
        if not other.assumed
    )
