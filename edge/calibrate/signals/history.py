"""Heads from history: lights that stand still, are lit for a while and dark for a while, and take turns.

A lit lamp's brightness has two humps. What moves (tail lights), what shines all the time (a shop's sign) or never
stands in the same place twice is no lamp; lights of one head are in line, of like size, and never lit together.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import chain

import cv2
import numpy as np

from edge.calibrate.signals.assembling import FoundHead, FoundLamp, assemble, one_a_place
from edge.calibrate.signals.blobs import Blob, brightest_channel, lights
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
FLOOR_RISE_SAMPLES = 2
"""The darkest picture rises by a grey level in so many samples: what a dark bus left there is gone after some minutes,
and a minute of red loses little of its difference."""
UNCHANGED_SAMPLES, UNCHANGED_LEVELS = 20, 14
"""Samples after which what did not change is told from what did, and grey levels that compression alone moves; a lamp
that goes on moves 50 and more, and so does any edge in a camera that shakes."""
HOUSING_SHARE = 0.6
"""Of its lamp's light, that a housing has in its darkest state: façades by day 0.7 and more, black housings 0.1-0.4."""
HOUSING_RING = (0.62, 0.95)
"""In diameters from a lamp's centre: where its housing is, before the next lens."""
OTHER_VIEW_SAMPLES = 5
"""As many pictures in a row that show something else: the camera looks elsewhere now."""
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
        self._floor: Image | None = None
        """(height, width): the brightest channel of the darkest that was seen at each pixel."""
        self._size: tuple[int, int] | None = None
        self._range: tuple[Image, Image] | None = None
        """(h, w) each, SMALL_WIDTH wide: the darkest and the brightest of the pictures as they came."""
        self._watched = 0

    def add(self, bgr: Image) -> tuple[float, float] | None:
        """The next picture, (height, width, 3), always of one size. Returns by how many pixels its content lies right
        of and below the view's first one; None if it shows something else and was left out. About 55 ms
        of one core at 1080p by day, 75 ms of a handheld clip at dusk, 10-25 ms at 640 × 360."""
        shift = self._shift(bgr)
        if shift is None:
            self.left_out += 1
            if self.left_out < OTHER_VIEW_SAMPLES:
                return None
            # The camera was turned: what counts is what it looks at now.
            self._reference, self._floor = None, None
            self._places, self._grid, self.samples = [], {}, 0
            self._range, self._watched = None, 0
            self.views += 1
            shift = self._shift(bgr) or (0.0, 0.0)
        self.left_out = 0
        number = self.samples
        self.samples += 1
        put_back, rest = _shifted(bgr, shift)
        brightest = brightest_channel(put_back)
        if self._floor is None:
            self._floor = brightest.copy()
        else:
            if number % FLOOR_RISE_SAMPLES == 0:
                cv2.add(self._floor, np.ones(1, np.float64), self._floor)
            cv2.min(self._floor, brightest, self._floor)
        for blob in lights(put_back, self._floor):
            self._remember(replace(blob, x=blob.x - rest[0], y=blob.y - rest[1]), number)
        self._measure(brightest, number)
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
        return one_a_place([lamp for place in self._places if (lamp := self._lamp(place)) is not None])

    def heads(self) -> list[FoundHead]:
        """Lamps that take turns and stand in line, grouped."""
        faint = [
            (place.x, place.y)
            for place in self._places
            if place.colour is not Colour.GREEN and len(place.seen) >= MIN_LIT
        ]
        return assemble(self.lamps(), self.samples, faint)

    def unchanged(self, box: tuple[float, float, float, float]) -> bool:
        """Whether nothing in a box (left, top, right, bottom) ever changed while pictures were watched for long enough:
        then it is drawn into the picture, or a head that nobody saw at work. By the camera's pixels, as they come: what
        is drawn does not shake with the rest."""
        if self._size is None or self._range is None or self._watched < UNCHANGED_SAMPLES:
            return False
        scale = self._range[0].shape[1] / self._size[0]
        left, top, right, bottom = (round(value * scale) for value in box)
        low, high = (part[max(top, 0) : bottom + 1, max(left, 0) : right + 1] for part in self._range)
        return bool(low.size) and float(np.percentile(cv2.subtract(high, low), 90)) <= UNCHANGED_LEVELS

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
        self._widen(np.asarray(small, np.uint8))
        spectrum = orientation_spectrum(np.asarray(small, np.uint8))
        if self._reference is None:
            self._reference = spectrum
            return 0.0, 0.0
        shift = shift_between(self._reference, spectrum)
        if shift.peak < PEAK or shift.size > MAX_SHIFT_SHARE:
            return None
        return shift.x * width, shift.y * width

    def _widen(self, small: Image) -> None:
        self._watched += 1
        if self._range is None:
            self._range = small.copy(), small.copy()
        cv2.min(self._range[0], small, self._range[0])
        cv2.max(self._range[1], small, self._range[1])

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

    def _measure(self, brightest: Image, number: int) -> None:
        height, width = brightest.shape
        sums = cv2.integral(brightest)
        for place in self._places:
            if len(place.seen) < MIN_LIT and number - place.seen[-1] > FORGET_SAMPLES:
                continue
            reach = max(place.diameter / 4, 1.0)
            left, right = max(int(place.x - reach), 0), min(int(place.x + reach) + 1, width)
            top, bottom = max(int(place.y - reach), 0), min(int(place.y + reach) + 1, height)
            if right > left and bottom > top:
                total = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
                place.levels[number] = float(total) / ((right - left) * (bottom - top))

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
        level = float(np.median(lit_levels)) if lit_levels else 255.0
        framed = self._around(x, y, diameter) <= HOUSING_SHARE * level
        return FoundLamp(x, y, diameter, place.colour, shape, frozenset(place.seen), framed=framed)

    def _around(self, x: float, y: float, diameter: float) -> float:
        """How bright the ring around a lamp is in its darkest state, 0-255; 255 if there is none in the picture."""
        if self._floor is None:
            return 255.0
        reach = int(HOUSING_RING[1] * diameter) + 1
        left, top = max(int(x) - reach, 0), max(int(y) - reach, 0)
        part = self._floor[top : int(y) + reach + 1, left : int(x) + reach + 1]
        rows, columns = np.mgrid[: part.shape[0], : part.shape[1]]
        away = np.hypot(columns + left - x, rows + top - y) / diameter
        ring = part[(away >= HOUSING_RING[0]) & (away <= HOUSING_RING[1])]
        return float(np.median(ring)) if ring.size else 255.0


def _shifted(bgr: Image, shift: tuple[float, float]) -> tuple[Image, tuple[float, float]]:
    """The picture put back by whole pixels to where the first one was, and what is left of the shift: interpolating a
    1080p picture would cost more than all else."""
    whole = round(shift[0]), round(shift[1])
    rest = shift[0] - whole[0], shift[1] - whole[1]
    if whole == (0, 0):
        return bgr, rest
    matrix = np.asarray([[1, 0, -whole[0]], [0, 1, -whole[1]]], np.float64)
    size = (bgr.shape[1], bgr.shape[0])
    moved = cv2.warpAffine(bgr, matrix, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8), rest
