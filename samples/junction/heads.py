"""Signal heads: housings painted into the backdrop, and the light of their lamps, digits and reflections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detectors.traffic_signal.settings import Colour, Shape
from samples.junction.backdrop import Backdrop, Linear
from samples.junction.lights import Light
from samples.junction.plans import HeadSpec
from samples.junction.scenario import HeadLook, Make

Mask = NDArray[np.float32]
Tone = tuple[float, float, float]
SHARPER = 4
"""Masks are drawn so many times larger and averaged down."""
LIGHT = {
    Colour.RED: np.array([1.0, 0.05, 0.025], np.float32),
    Colour.AMBER: np.array([1.0, 0.42, 0.02], np.float32),
    Colour.GREEN: np.array([0.04, 0.95, 0.5], np.float32),
    Colour.WHITE: np.array([0.9, 0.95, 1.0], np.float32),
}
PAINT = {
    Make.PLAIN: (0.02, 0.02, 0.022),
    Make.BACKBOARD: (0.015, 0.015, 0.015),
    Make.VISORS: (0.025, 0.025, 0.025),
    Make.YELLOW: (0.55, 0.36, 0.02),
    Make.GREEN: (0.02, 0.09, 0.05),
}
PITCH = 1.28
"""Distance of lamps, in diameters."""
PHANTOM = 0.75
"""Light of an unlit lens in the low sun, against white paper in the sun."""
SEGMENTS = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")


class Caught(IntEnum):
    """How a picture caught a lamp that flickers."""

    WHOLE = 0
    DIM = 1
    OFF = 2
    BAND = 3
    """A rolling shutter: the lower rows were read while it was off."""


@dataclass(frozen=True, slots=True)
class Box:
    """Whole pixels of the canvas; right and bottom are beyond it."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)

    def grown(self, by: int) -> Box:
        return Box(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def inside(self, width: int, height: int) -> Box:
        return Box(max(self.left, 0), max(self.top, 0), min(self.right, width), min(self.bottom, height))

    def gap(self, other: Box) -> int:
        """Pixels between two boxes; negative if they overlap."""
        across = max(other.left - self.right, self.left - other.right)
        down = max(other.top - self.bottom, self.top - other.bottom)
        return max(across, down)


def lamp_centres(spec: HeadSpec, look: HeadLook) -> list[tuple[float, float]]:
    """Pixels of the picture, in the order of the lamps."""
    step = PITCH * look.diameter
    return [
        (look.x + step * index * look.horizontal, look.y + step * index * (not look.horizontal))
        for index in range(len(spec.lamps))
    ]


def housing(spec: HeadSpec, look: HeadLook) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of a head's housing, pixels of the picture."""
    centres = lamp_centres(spec, look)
    rim = 0.72 * look.diameter
    (x0, y0), (x1, y1) = centres[0], centres[-1]
    return x0 - rim, y0 - rim, x1 + rim, y1 + rim


def digits_box(spec: HeadSpec, look: HeadLook) -> tuple[float, float, float, float] | None:
    """The panel of a head's countdown: beside an upright head, above or below a lying one."""
    if spec.countdown_seconds is None:
        return None
    left, top, right, bottom = housing(spec, look)
    d = look.diameter
    width, height = max(1.7 * d, 13.0), max(1.5 * d, 12.0)
    if look.horizontal:
        x, y = (left + right) / 2 - width / 2, bottom + 1 if look.digits_side > 0 else top - height - 1
    else:
        x, y = right + 1 if look.digits_side > 0 else left - width - 1, (top + bottom) / 2 - height / 2
    return x, y, x + width, y + height


def outline(spec: HeadSpec, look: HeadLook) -> tuple[float, float, float, float]:
    """Around housing and countdown."""
    a, b = housing(spec, look), digits_box(spec, look)
    return a if b is None else (min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3]))


def paint_pole(spec: HeadSpec, look: HeadLook, back: Backdrop, offset: int, ground: int) -> None:
    """Paints what a head hangs on, before any head. `offset` pixels of margin; a pole ends at row `ground`."""
    left, top, right, bottom = (value + offset for value in housing(spec, look))
    middle, pole = (left + right) / 2, max(look.diameter * 0.16, 1.0)
    if look.horizontal:
        arm = top - 2.2 * look.diameter
        _bar(back, (middle - pole, arm, middle + pole, top), (0.2, 0.2, 0.2))
        _bar(back, (0, arm - pole, middle, arm + pole), (0.2, 0.2, 0.2))
    else:
        _bar(back, (middle - pole, bottom - 1, middle + pole, max(ground, bottom + 4)), (0.17, 0.17, 0.17))


def paint_head(spec: HeadSpec, look: HeadLook, back: Backdrop, offset: int) -> None:
    """Paints board, housing, panel and unlit lenses into a backdrop with `offset` pixels of margin."""
    left, top, right, bottom = (value + offset for value in housing(spec, look))
    d = look.diameter
    if look.make is Make.BACKBOARD:
        for rim, tone in ((0.45 * d, 0.6), (0.33 * d, 0.015)):
            _bar(back, (left - rim, top - rim, right + rim, bottom + rim), (tone, tone, tone))
    _bar(back, (left, top, right, bottom), PAINT[look.make])
    digits = digits_box(spec, look)
    if digits is not None:
        x0, y0, x1, y1 = (value + offset for value in digits)
        _bar(back, (x0, y0, x1, y1), (0.015, 0.015, 0.017))
    centres = [(x + offset, y + offset) for x, y in lamp_centres(spec, look)]
    for (x, y), (tint, _) in zip(centres, spec.lamps, strict=True):
        box = _on(back, _around(x - d, y - d, x + d, y + d))
        disc = _disc(box, x, y, d / 2)
        lens = 0.035 + 0.07 * LIGHT[tint]
        _blend(back, box, disc, (float(lens[0]), float(lens[1]), float(lens[2])))
        if look.make is Make.VISORS:
            _blend(back, box, disc * _upper(box, y - 0.1 * d), (0.012, 0.012, 0.012))


@dataclass(slots=True, eq=False)
class HeadLight:
    """The light that a head adds to the backdrop around it."""

    spec: HeadSpec
    look: HeadLook
    box: Box
    """Of the canvas: housing, digits and room for the halo."""
    offset: int
    _lenses: list[Mask] = field(default_factory=list)
    _halos: list[Mask] = field(default_factory=list)
    _digits: dict[int, Mask] = field(default_factory=dict)

    def __post_init__(self) -> None:
        fade = _fading(self.box, self.look.diameter)
        centres = [(x + self.offset, y + self.offset) for x, y in lamp_centres(self.spec, self.look)]
        for (x, y), (_, shape) in zip(centres, self.spec.lamps, strict=True):
            lens = _face(self.box, x, y, self.look.diameter, shape)
            if self.look.make is Make.VISORS:
                lens *= 1 - 0.75 * _upper(self.box, y - 0.25 * self.look.diameter)
            self._lenses.append(np.asarray(cv2.GaussianBlur(lens, (0, 0), 0.55), np.float32))
            self._halos.append(_halo(self.box, x, y, self.look.diameter) * fade)

    def light(self, lit: Sequence[int], light: Light, caught: Caught, digits: int | None) -> Linear:
        """(height, width, 3) of `box`: what is added to the linear light of the backdrop."""
        added = np.zeros((self.box.bottom - self.box.top, self.box.right - self.box.left, 3), np.float32)
        strength = light.lamps * self.look.power * (1, 0.3, 0.0, 1)[caught]
        for index, (tint, shape) in enumerate(self.spec.lamps):
            if index in lit:
                lens = self._lenses[index]
                if caught is Caught.BAND:
                    _, y = lamp_centres(self.spec, self.look)[index]
                    lens = lens * _upper(self.box, y + self.offset)
                shine = lens + light.glow * (1 if shape is Shape.BALL else 0.5) * self._halos[index]
                added += (strength * shine)[..., None] * LIGHT[tint]
            if light.phantom * self.look.phantom > 0:
                # A coloured lens throws back its colour, a clear one the sun's.
                tinted = 0.6 * LIGHT[tint] + 0.4 * np.array([1, 0.85, 0.6], np.float32)
                added += (PHANTOM * light.phantom * self.look.phantom * self._lenses[index])[..., None] * tinted
        if digits is not None:
            colour = Colour.RED if lit and self.spec.lamps[lit[0]][0] is Colour.RED else Colour.GREEN
            added += (light.lamps * 0.9 * self._number(digits))[..., None] * LIGHT[colour]
        return added

    def _number(self, digits: int) -> Mask:
        if digits not in self._digits:
            panel = digits_box(self.spec, self.look)
            if panel is None:
                raise ValueError(f"{self.spec.id}: found digits {digits}, expected none: it has no countdown")
            self._digits[digits] = _seven_segments(self.box, panel, self.offset, digits)
        return self._digits[digits]


def _around(x0: float, y0: float, x1: float, y1: float) -> Box:
    return Box(int(np.floor(x0)) - 1, int(np.floor(y0)) - 1, int(np.ceil(x1)) + 2, int(np.ceil(y1)) + 2)


def _sharp(box: Box) -> NDArray[np.uint8]:
    height, width = max(box.bottom - box.top, 1), max(box.right - box.left, 1)
    return np.zeros((height * SHARPER, width * SHARPER), np.uint8)


def _averaged(sharp: NDArray[np.uint8]) -> Mask:
    height, width = sharp.shape[0] // SHARPER, sharp.shape[1] // SHARPER
    small = cv2.resize(sharp, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) / np.float32(255)


def _at(box: Box, x: float, y: float) -> tuple[int, int]:
    return round((x - box.left + 0.5) * SHARPER), round((y - box.top + 0.5) * SHARPER)


def _rectangle(box: Box, x0: float, y0: float, x1: float, y1: float) -> Mask:
    sharp = _sharp(box)
    cv2.rectangle(sharp, _at(box, x0, y0), _at(box, x1, y1), 255, -1)
    return _averaged(sharp)


def _disc(box: Box, x: float, y: float, radius: float) -> Mask:
    sharp = _sharp(box)
    cv2.circle(sharp, _at(box, x, y), max(round(radius * SHARPER), 1), 255, -1)
    return _averaged(sharp)


def _upper(box: Box, y: float) -> Mask:
    """1 in the rows above y."""
    rows = np.arange(box.top, box.bottom, dtype=np.float32)[:, None]
    return np.repeat(np.clip(y - rows, 0, 1).astype(np.float32), box.right - box.left, axis=1)


ARROW = np.array([(-0.42, 0), (0.0, -0.42), (0.0, -0.16), (0.42, -0.16), (0.42, 0.16), (0.0, 0.16), (0.0, 0.42)])
"""Points to the left; in diameters."""
TURNS = {Shape.LEFT: 0, Shape.STRAIGHT: 90, Shape.RIGHT: 180, Shape.U_TURN: 225}


def _face(box: Box, x: float, y: float, diameter: float, shape: Shape) -> Mask:
    """What of a lens shines when it is lit."""
    if shape in (Shape.BALL, Shape.CYCLE):
        face = _disc(box, x, y, diameter / 2)
        return face * _dots(box, x, y, diameter) if diameter > 26 else face
    sharp = _sharp(box)
    if shape is Shape.PEDESTRIAN:
        body = [((-0.14, -0.2), (0.14, 0.12)), ((-0.13, 0.1), (-0.03, 0.45)), ((0.03, 0.1), (0.13, 0.45))]
        for (u0, v0), (u1, v1) in body:
            start, end = _at(box, x + u0 * diameter, y + v0 * diameter), _at(box, x + u1 * diameter, y + v1 * diameter)
            cv2.rectangle(sharp, start, end, 255, -1)
        cv2.circle(sharp, _at(box, x, y - 0.32 * diameter), max(round(0.11 * diameter * SHARPER), 1), 255, -1)
        return _averaged(sharp)
    angle = np.deg2rad(TURNS[shape])
    turn = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    points = [_at(box, x + u * diameter, y + v * diameter) for u, v in ARROW @ turn]
    cv2.fillPoly(sharp, [np.array(points, np.int32)], 255)
    return _averaged(sharp)


def _dots(box: Box, x: float, y: float, diameter: float) -> Mask:
    """Single LEDs, which a large lens shows."""
    pitch = diameter / 9
    rows = (np.arange(box.top, box.bottom, dtype=np.float32) - y)[:, None] / pitch
    columns = (np.arange(box.left, box.right, dtype=np.float32) - x)[None] / pitch
    return np.asarray(0.62 + 0.38 * np.cos(2 * np.pi * rows) * np.cos(2 * np.pi * columns), np.float32)


def _halo(box: Box, x: float, y: float, diameter: float) -> Mask:
    """Scattered light: a narrow and a wide part, each as much as the lens itself sends."""
    rows = (np.arange(box.top, box.bottom, dtype=np.float32) - y)[:, None]
    columns = (np.arange(box.left, box.right, dtype=np.float32) - x)[None]
    squared = rows**2 + columns**2
    total = np.zeros(squared.shape, np.float32)
    for sigma in (0.8 * diameter, 1.8 * diameter):
        total += np.float32(diameter**2 / (8 * sigma**2)) * np.exp(-squared / (2 * sigma**2))
    return total


def _fading(box: Box, diameter: float) -> Mask:
    """Falls to 0 at the border of the box, so that a halo has no edge."""
    reach = max(diameter, 4.0)
    rows = np.arange(box.bottom - box.top, dtype=np.float32)
    columns = np.arange(box.right - box.left, dtype=np.float32)
    down = np.minimum(rows, rows[::-1])[:, None]
    across = np.minimum(columns, columns[::-1])[None]
    return np.clip(np.minimum(down, across) / reach, 0, 1)


def _seven_segments(box: Box, panel: tuple[float, float, float, float], offset: int, number: int) -> Mask:
    x0, y0, x1, y1 = (value + offset for value in panel)
    sharp = _sharp(box)
    text = f"{number:d}"
    cell = (x1 - x0) / 2
    thick = max(round(0.13 * (y1 - y0) * SHARPER), 2)
    for place, digit in enumerate(reversed(text)):
        right = x1 - cell * place - 0.16 * cell
        left = right - 0.64 * cell
        top, bottom = y0 + 0.12 * (y1 - y0), y1 - 0.16 * (y1 - y0)
        middle = (top + bottom) / 2
        ends = {
            "a": ((left, top), (right, top)),
            "b": ((right, top), (right, middle)),
            "c": ((right, middle), (right, bottom)),
            "d": ((left, bottom), (right, bottom)),
            "e": ((left, middle), (left, bottom)),
            "f": ((left, top), (left, middle)),
            "g": ((left, middle), (right, middle)),
        }
        for segment in SEGMENTS[int(digit)]:
            start, end = ends[segment]
            cv2.line(sharp, _at(box, *start), _at(box, *end), 255, thick)
    return _averaged(sharp)


def _on(back: Backdrop, box: Box) -> Box:
    return box.inside(back.sky.shape[1], back.sky.shape[0])


def _bar(back: Backdrop, corners: tuple[float, float, float, float], tone: Tone) -> None:
    box = _on(back, _around(*corners))
    _blend(back, box, _rectangle(box, *corners), tone)


def _blend(back: Backdrop, box: Box, mask: Mask, tone: Tone) -> None:
    if box.right <= box.left or box.bottom <= box.top:
        return
    place = box.slices
    back.albedo[place] = back.albedo[place] * (1 - mask[..., None]) + mask[..., None] * np.array(tone, np.float32)
    back.glow[place] *= 1 - mask[..., None]
    back.sky[place] *= 1 - mask
