"""Places that a camera is held by: small patches with corners, found again by the direction of their edges.

A patch is described as `edge.vision.registration` describes a whole picture: at each pixel the direction of the
gradient with its angle doubled, so that day, dusk, night and infra-red differ in weight and not in sign. Patches are
compared by their normalised correlation (NCC) over a few pixels around where they are expected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Floats, Grey, Mask

PATCH = 32
"""Side of a patch in pixels of the reduced picture: 64 px of a 1080p one, a street sign or a window."""
MARGIN = 2
"""Around what is cut out, for the gradients at its border."""
FAINT = 1.0
"""Gradients below this, in grey levels a pixel, are noise and count little."""
WORKING_WIDTH = 960
"""Pictures are reduced to about this: half of 1080p, where noise is halved and 0.1 px are still 0.2."""
_TINY = 1e-6

Centre = tuple[float, float]
"""(x, y) in pixels of the whole picture."""
Field = Floats
"""(…, 2): how strongly and where edges point, angles doubled."""
Templates = Floats
"""(n, PATCH, PATCH, 2), each of mean 0 and length 1."""


def reduction(width: int) -> int:
    """By which whole number pictures of a width are reduced before anything is measured."""
    return max(1, round(width / WORKING_WIDTH))


def orientation(picture: Grey) -> Field:
    """(height, width, 2) field of a picture: |g|^½ in the doubled direction of the gradient."""
    across, down = cv2.spatialGradient(picture, ksize=3)
    # Sobel's kernel weighs eight pixels: grey levels a pixel are an eighth of its sum.
    x, y = across * np.float32(0.125), down * np.float32(0.125)
    xx, yy = x * x, y * y
    length = np.sqrt(xx + yy)
    length += 1e-3
    weight = 1 / (length * np.sqrt(length + FAINT))
    field = np.empty((*picture.shape, 2), np.float32)
    np.multiply(xx - yy, weight, out=field[..., 0])
    x *= y
    x *= 2
    np.multiply(x, weight, out=field[..., 1])
    return field


@dataclass(frozen=True, slots=True)
class Cut:
    """Windows cut out of one picture and reduced: (n, side, side, 2), and by how many pixels of the whole picture each
    lies right of and below where it was wanted (windows begin at whole pixels)."""

    fields: Field
    off: NDArray[np.float64]
    """(n, 2)."""


class Cutter:
    """Cuts windows around places out of pictures of one size; keeps its buffers."""

    def __init__(self, width: int, height: int) -> None:
        self.factor = reduction(width)
        self._size = (width, height)
        self._stacks: dict[tuple[int, int], Grey] = {}

    def cut(self, luma: Grey, centres: NDArray[np.float64], reach: int) -> Cut:
        """Fields of PATCH + 2 `reach` reduced pixels around each of (n, 2) centres; what lies outside of the picture
        is its border drawn out, without edges."""
        inner = PATCH + 2 * reach
        side = inner + 2 * MARGIN
        count = len(centres)
        stack = self._stack(count, side)
        span = side * self.factor
        corners = np.rint(centres - span / 2).astype(np.intp)
        for number, (left, top) in enumerate(corners):
            window = self._window(luma, int(left), int(top), span)
            into = stack[number * side : (number + 1) * side]
            if self.factor == 1:
                into[:] = window
            else:
                cv2.resize(window, (side, side), dst=into, interpolation=cv2.INTER_AREA)
        fields = orientation(stack).reshape(count, side, side, 2)
        return Cut(fields[:, MARGIN:-MARGIN, MARGIN:-MARGIN], corners + span / 2 - centres)

    def _stack(self, count: int, side: int) -> Grey:
        stack = self._stacks.get((count, side))
        if stack is None:
            stack = self._stacks[count, side] = np.zeros((count * side, side), np.uint8)
        return stack

    def _window(self, luma: Grey, left: int, top: int, span: int) -> Grey:
        width, height = self._size
        inside = luma[max(top, 0) : max(top + span, 0), max(left, 0) : max(left + span, 0)]
        if inside.shape == (span, span):
            return inside
        if inside.size == 0:
            return np.zeros((span, span), np.uint8)
        above, before = max(-top, 0), max(-left, 0)
        below, behind = max(top + span - height, 0), max(left + span - width, 0)
        return np.asarray(cv2.copyMakeBorder(inside, above, below, before, behind, cv2.BORDER_REPLICATE), np.uint8)


def templates_of(fields: Field) -> Templates:
    """The patches in the middle of (n, side, side, 2) fields, each with its mean taken out and its length made 1."""
    patches = _middles(fields)
    patches = patches - patches.mean(axis=1, keepdims=True)
    lengths = np.sqrt(np.einsum("nij,nij->n", patches, patches))
    made = patches / np.maximum(lengths, _TINY)[:, None, None]
    return np.asarray(made.reshape(-1, PATCH, PATCH, 2), np.float32)


def _middles(fields: Field) -> Floats:
    """(n, PATCH², 2)."""
    spare = (fields.shape[1] - PATCH) // 2
    some = fields[:, spare : spare + PATCH, spare : spare + PATCH]
    return np.ascontiguousarray(some).reshape(len(fields), PATCH * PATCH, 2)


def edge_strength(fields: Field) -> NDArray[np.float64]:
    """Of each of (n, …, 2) fields its root mean square: how much there is to be compared. A clear street shows 0.8 to
    2, a fog or a covered lens 0.1 to 0.3 (noise alone)."""
    flat = fields.reshape(len(fields), -1)
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", flat, flat, dtype=np.float64) / flat.shape[1]), np.float64)


def scores_at(fields: Field, templates: Templates) -> NDArray[np.float64]:
    """NCC of each template with the middle of its field, -1 to 1."""
    patches = _middles(fields)
    across, down = (patches[:, :, part].sum(axis=1) for part in (0, 1))
    squares = np.einsum("nij,nij->n", patches, patches)
    squares -= (across * across + down * down) / (PATCH * PATCH)
    # Templates have no mean, so that of the patches need not be taken out of the product.
    common = np.einsum("nij,nij->n", patches, templates.reshape(patches.shape))
    return np.asarray(common / np.sqrt(np.maximum(squares, _TINY)), np.float64)


@dataclass(frozen=True, slots=True)
class Found:
    """Where a patch is: reduced pixels right of and below the middle of its window, and its NCC there."""

    x: float
    y: float
    score: float


def find(field: Field, template: Templates) -> Found:
    """Where in a (side, side, 2) field a (PATCH, PATCH, 2) template fits best, to a fraction of a pixel."""
    surface = np.asarray(cv2.matchTemplate(field, template, cv2.TM_CCOEFF_NORMED), np.float32)
    _, best, _, (column, row) = cv2.minMaxLoc(surface)
    middle = (surface.shape[0] - 1) // 2
    x = column + _vertex(surface[row], column)
    y = row + _vertex(surface[:, column], row)
    return Found(x - middle, y - middle, float(best))


def _vertex(values: Floats, at: int) -> float:
    """How far from the highest of some values a parabola through it and its neighbours is highest: -0.5 to 0.5."""
    if not 0 < at < len(values) - 1:
        return 0.0
    before, here, after = (float(value) for value in values[at - 1 : at + 2])
    bend = before - 2 * here + after
    return 0.0 if bend >= 0 else float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5))


@dataclass(frozen=True, slots=True)
class Fit:
    """x → scale · x - turn · y + dx, y → turn · x + scale · y + dy, and which of the places agree with it."""

    dx: float
    dy: float
    scale: float
    turn: float
    agree: NDArray[np.bool_]


MOST_ZOOM, MOST_TURN = 0.03, 0.05
"""What a mast or a hand does to a picture stays below: more is another view."""
FEWEST_FOR_SIMILARITY = 3
"""Two places fit any scale and roll."""
LEAST_SPREAD = 0.1
"""Of the width, root mean square around their middle: places closer together tell no scale and no roll."""
WORTH = 0.6
"""Scale and roll are believed if they leave less than this of what a shift alone leaves unexplained, and …"""
NOISE_PX = 0.35
"""… that is more than the error of a single place, in pixels of a picture 960 wide."""

Points = NDArray[np.float64]
"""(n, 2)."""


def consensus(centres: Points, moves: Points, weights: NDArray[np.float64], tolerance: float, width: int) -> Fit | None:
    """What most of the places agree on, within `tolerance` pixels: a shift, with scale and roll where they show.

    `centres` and `moves` are (n, 2), in pixels of a picture of `width`; places of weight 0 have no say. None: no two
    of them agree. Every shift that one of them saw is tried, and every similarity that two of them fix.
    """
    usable = np.flatnonzero(weights > 0)
    if not len(usable):
        return None
    z, m, w = _complex(centres), _complex(moves), np.maximum(weights, 0)
    one, other = (usable[part] for part in np.triu_indices(len(usable), 1))
    apart = z[other] - z[one]
    far = np.abs(apart) > tolerance
    one, other = one[far], other[far]
    # A similarity of the plane is a product of complex numbers: scale and roll are one factor, less 1.
    factors = (m[other] - m[one]) / apart[far]
    likely = (np.abs(factors.real) <= MOST_ZOOM) & (np.abs(factors.imag) <= MOST_TURN)
    factors, one = factors[likely], one[likely]
    slopes = np.concatenate((np.zeros(len(usable)), factors))
    shifts = np.concatenate((m[usable], m[one] - factors * z[one]))
    near = (np.abs(m - slopes[:, None] * z - shifts[:, None]) <= tolerance) & (w > 0)
    fewest = np.where(slopes == 0, 2, FEWEST_FOR_SIMILARITY)
    # Of equals the simpler one.
    support = (near @ w) * np.where(slopes == 0, 1.0, 0.98) * (near.sum(axis=1) >= np.minimum(fewest, len(usable)))
    best = int(support.argmax())
    return None if support[best] <= 0 else _fitted(z, m, w, near[best], width)


def _complex(points: Points) -> NDArray[np.complex128]:
    return np.ascontiguousarray(points, np.float64).view(np.complex128).ravel()


def _fitted(
    z: NDArray[np.complex128], m: NDArray[np.complex128], w: NDArray[np.float64], agree: NDArray[np.bool_], width: int
) -> Fit:
    """Least squares over those that agree."""
    weight = np.where(agree, w, 0) / w[agree].sum()
    middle, shift = complex(weight @ z), complex(weight @ m)
    around, apart = z - middle, m - shift
    spread = float(weight @ np.abs(around) ** 2)
    left = float(np.sqrt(weight @ np.abs(apart) ** 2))
    enough = int(agree.sum()) >= FEWEST_FOR_SIMILARITY and np.sqrt(spread) >= LEAST_SPREAD * width
    if enough and left > NOISE_PX * width / 960:
        factor = complex((weight * around.conj()) @ apart) / spread
        rest = float(np.sqrt(weight @ np.abs(apart - factor * around) ** 2))
        if rest <= WORTH * left:
            moved = shift - factor * middle
            return Fit(moved.real, moved.imag, 1 + factor.real, factor.imag, agree)
    return Fit(shift.real, shift.imag, 1.0, 0.0, agree)


def cornered(picture: Grey, side: int) -> Floats:
    """How much each place of a picture is fixed both ways: the lesser eigenvalue of the structure tensor over `side`
    pixels (Shi and Tomasi 1994), of the picture's square roots, so that lamps at night do not outshine everything."""
    roots = (16 * np.sqrt(np.arange(256, dtype=np.float64))).clip(0, 255).astype(np.uint8)
    return np.asarray(cv2.cornerMinEigenVal(cv2.LUT(picture, roots), side | 1, ksize=3), np.float32)


def spread_places(strength: Floats, allowed: Mask, count: int, apart: float, least: float) -> Sequence[tuple[int, int]]:
    """Up to `count` places (column, row), strongest first, no two nearer than `apart`, well spread: each one found
    weakens the picture around it far beyond `apart`."""
    left = np.where(allowed > 0, np.maximum(strength, 0), 0).astype(np.float32)
    height, width = left.shape
    columns = np.arange(width, dtype=np.float32)
    rows = np.arange(height, dtype=np.float32)[:, None]
    reach = 0.2 * width
    found: list[tuple[int, int]] = []
    value = np.sqrt(left)  # a place twice as strong is not worth twice as much as one elsewhere
    while len(found) < count:
        _, best, _, (column, row) = cv2.minMaxLoc(value)
        if best <= 0 or left[row, column] < least:
            break
        found.append((int(column), int(row)))
        distance = np.sqrt((columns - column) ** 2 + (rows - row) ** 2)
        value = value * (1 - np.exp(-((distance / reach) ** 2)))
        value[distance < apart] = 0
    return found
