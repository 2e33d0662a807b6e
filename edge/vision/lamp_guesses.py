"""One picture of a head about which nothing is known yet: where its lamps may be, and what it shows.

For proposals that a person accepts or corrects. What is known of a head is read by `edge.vision.lamps` instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Floats

Bgr = NDArray[np.uint8]
LONG, SHORT = 48, 24
"""Pixels that a head is scaled to, for reading its colour."""
_BORDER = 2
_HUES = ("red", "amber", "green")
_DIRECTIONS = np.array([(0.88, 0.24), (0.29, 0.58), (-0.95, 0.10)], np.float32)
"""Of each hue in CIE Lab's a and b; amber is shorter, for unlit lenses and sunlit walls are a little amber too."""
_LIGHTNESS = 0.05
_NEIGHBOURS = 0.25
"""How much of the same colour elsewhere in the head speaks against a lamp."""
_USUAL = 0.4 * np.array([(1, 0, 0), (0, 1, 0), (-1, 0, 1)], np.float32).T
"""By third of the head and hue: red is above (or on the left), green below; green above is hardly ever."""
_BRIGHTEST = 20
_LEAST = 7.0
"""Lab units that noise, compression and sunlit lenses have."""
SURE_MARGIN = 0.35
"""Between the best and the second best hue. Below it, one looks at a head in which nothing much shines: on cinTA v2,
answers from here on are right in 97 of 100 (`python -m tests.evaluate.signals_real`)."""
_TALL = 96
_RADII = (0.2, 0.25, 0.3, 0.36, 0.42)
"""Of a head's short side."""
_PITCHES = (1.1, 1.2, 1.3, 1.45)
"""Distances of lamps in diameters."""
_BRIGHT, _BRIGHTER = 140.0, 50.0
"""Grey levels of a lamp that is lit, and above the darkest of its row."""
_COLOURED = 25.0
_CHANCE = 0.3
"""Of a rim that anything has; what is above it counts for more, the more lamps have it."""
_ANGLES = np.linspace(0, 2 * np.pi, 24, endpoint=False)


@dataclass(frozen=True, slots=True)
class LampGuess:
    """A lamp that may be there; pixels of the chip. `colour` is that of its light if it is lit, else None."""

    centre: tuple[float, float]
    diameter_px: float
    colour: str | None = None


@dataclass(frozen=True, slots=True)
class StateGuess:
    """What a head shows: the hue that stands out most, and by how much (0-1) more than the second. `third` is where,
    0-2 from above or from the left."""

    colour: str
    margin: float
    third: int

    @property
    def sure(self) -> bool:
        return self.margin >= SURE_MARGIN


def read_state(bgr: Bgr) -> StateGuess | None:
    """The colour that a head of three lamps shows in one picture (height, width, 3); None for less than 3 × 3 pixels.

    Colours are taken against the head's own median, which a coloured light shifts as a whole. A head is taken to be
    upright, or lying with its first lamp on the left.
    """
    height, width = bgr.shape[:2]
    if min(height, width) < 3:
        return None
    upright = cv2.transpose(bgr) if width > 1.25 * height else bgr
    shrinks = upright.shape[0] > LONG
    small = cv2.resize(upright, (SHORT, LONG), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    lab = cv2.GaussianBlur(cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_BGR2LAB), (0, 0), 1.8)
    inner = lab[_BORDER:-_BORDER, 2 * _BORDER : -2 * _BORDER]
    off = inner - np.median(inner.reshape(-1, 3), axis=0)
    shown = off[..., 1:] @ _DIRECTIONS.T + _LIGHTNESS * off[..., :1]
    thirds = np.array([_brightest(part) for part in np.array_split(shown, 3, axis=0)], np.float32)
    thirds -= _NEIGHBOURS * (thirds.sum(axis=0) - thirds) / 2
    thirds = thirds / max(float(thirds.max()), _LEAST) + _USUAL
    best = thirds.max(axis=0)
    order = np.argsort(best)
    hue = int(order[-1])
    return StateGuess(_HUES[hue], float(best[hue] - best[order[-2]]), int(thirds[:, hue].argmax()))


def _brightest(part: Floats) -> Floats:
    flat = part.reshape(-1, part.shape[2])
    return np.asarray(np.partition(flat, -_BRIGHTEST, axis=0)[-_BRIGHTEST:].mean(axis=0), np.float32)


def find_lamps(bgr: Bgr) -> tuple[LampGuess, ...]:
    """The lamps of one head in its chip (height, width, 3), which shows little more than the housing.

    Lenses are round and equally far apart: of all rows of one to four equal circles along the longer side, the one
    whose rims have the most of their gradients pointing to their centres. Empty for chips under 8 pixels.
    """
    height, width = bgr.shape[:2]
    if min(height, width) < 8:
        return ()
    lying = width > height
    upright = np.ascontiguousarray(bgr.transpose(1, 0, 2) if lying else bgr)
    scale = _TALL / upright.shape[0]
    across = max(round(upright.shape[1] * scale), 8)
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = np.asarray(cv2.resize(upright, (across, _TALL), interpolation=how), np.uint8)
    found = _best_row(small, across)
    if found is None:
        return ()
    x, ys, radius = found
    lit = _lit_colours(small, x, ys, radius)
    guesses = []
    for y, colour in zip(ys, lit, strict=True):
        centre = ((x + 0.5) / scale - 0.5, (y + 0.5) / scale - 0.5)
        guesses.append(LampGuess(centre[::-1] if lying else centre, 2 * radius / scale, colour))
    return tuple(guesses)


def _best_row(small: Bgr, across: int) -> tuple[float, list[float], float] | None:
    """(x, ys, radius) of the best row of circles."""
    best, best_score = None, 0.0
    x_gradient, y_gradient = _gradients(small)
    xs = np.array([0.44, 0.5, 0.56], np.float32) * (across - 1)
    ys = np.arange(_TALL, dtype=np.float32)
    for share in _RADII:
        radius = share * across
        if not 3 <= radius <= _TALL / 2:
            continue
        rim = _roundness(x_gradient, y_gradient, xs, ys, radius)
        for pitch in _PITCHES:
            step = 2 * radius * pitch
            for count in range(1, 5):
                span = (count - 1) * step + 2 * radius
                # A row fills its housing, but for a rim around it.
                if not 0.62 * _TALL <= span <= 0.99 * _TALL:
                    continue
                first = np.arange(int(radius), int(_TALL - span + radius) + 1)
                rows = np.rint(first[:, None] + step * np.arange(count)[None]).astype(int)
                scores = (rim[:, np.clip(rows, 0, _TALL - 1)].mean(axis=2) - _CHANCE) * count**0.5
                place = np.unravel_index(int(scores.argmax()), scores.shape)
                if scores[place] > best_score:
                    best_score = float(scores[place])
                    best = float(xs[place[0]]), [float(y) for y in rows[place[1]]], radius
    return best


def _gradients(small: Bgr) -> tuple[Floats, Floats]:
    """Of brightness and of red against green, whichever is steeper: unlit lenses differ from housings in either."""
    parts = small.astype(np.float32)
    planes = (cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32), parts[..., 2] - parts[..., 1])
    x, y = (
        np.stack([cv2.Sobel(cv2.GaussianBlur(plane, (0, 0), 1), cv2.CV_32F, *order) for plane in planes])
        for order in ((1, 0), (0, 1))
    )
    steeper = (x**2 + y**2).argmax(axis=0)[None]
    x, y = (np.take_along_axis(part, steeper, axis=0)[0] for part in (x, y))
    length = np.hypot(x, y) + np.float32(12)  # noise has no direction worth a vote
    return x / length, y / length


def _roundness(x_gradient: Floats, y_gradient: Floats, xs: Floats, ys: Floats, radius: float) -> Floats:
    """(x, y) how much of a circle's rim has its gradient along the radius, 0-1; sides without a rim count double."""
    cosine, sine = np.cos(_ANGLES), np.sin(_ANGLES)
    map_x = (xs[:, None, None] + radius * cosine).astype(np.float32) + np.zeros((1, len(ys), 1), np.float32)
    map_y = (ys[None, :, None] + radius * sine).astype(np.float32) + np.zeros((len(xs), 1, 1), np.float32)
    shape = (len(xs) * len(ys), len(_ANGLES))
    flat_x, flat_y = map_x.reshape(shape), map_y.reshape(shape)
    gx = cv2.remap(x_gradient, flat_x, flat_y, cv2.INTER_LINEAR)
    gy = cv2.remap(y_gradient, flat_x, flat_y, cv2.INTER_LINEAR)
    radial = np.abs(gx * cosine + gy * sine).reshape(len(xs), len(ys), len(_ANGLES))
    quarters = radial.reshape(*radial.shape[:2], 4, -1).mean(axis=3)
    return np.asarray((radial.mean(axis=2) + quarters.min(axis=2)) / 2, np.float32)


def _lit_colours(small: Bgr, x: float, ys: list[float], radius: float) -> list[str | None]:
    """The hue of each lamp that clearly outshines the darkest of the row."""
    rows, columns = np.mgrid[: small.shape[0], : small.shape[1]]
    picture = small.astype(np.float32)
    colours, tops = [], []
    for y in ys:
        away = np.hypot(rows - y, columns - x)
        tops.append(float(np.percentile(picture[away <= 0.9 * radius].max(axis=1), 80)))
        # A lens that saturates is white; its rim and its halo keep the colour.
        near = picture[away <= 1.4 * radius]
        spread = np.ptp(near, axis=1)
        colours.append(near[spread >= np.percentile(spread, 75)].mean(axis=0))
    least = min(tops) if len(tops) > 1 else 0.0
    return [
        _hue(colour) if top >= _BRIGHT and top - least >= _BRIGHTER else None
        for colour, top in zip(colours, tops, strict=True)
    ]


def _hue(bgr: Floats) -> str | None:
    blue, green, red = (float(value) for value in bgr)
    if max(red, green, blue) - min(red, green, blue) < _COLOURED:
        return None
    if green > red:
        return "green"
    return "amber" if green - blue > 0.45 * (red - blue) else "red"
