"""How high a thing stands above the ground around it, from two pictures of the same flight.

The thing and the ring of ground around it are each found again in the second picture. How much farther the thing moved
than the ring, along the direction in which height leans, is its height: errors of both poses cancel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge.vision.arrays import Doubles, Floats, Mask
from edge.vision.change.relief import lean_of
from edge.vision.change.views import View, prior_of, through

HIGHEST_M = 18.0
_RING_M = (1.5, 4.0)
"""From where to where around the thing the ground is taken. Nearer lies its wall, farther other houses."""
_GROWN_PX = 3
_LEAST_LEAN_PX = 1.5
"""Per metre of height: below this the two pictures were taken from too near a spot."""
_LEAST_LIKENESS = 0.6
_PLACE_PX = 0.7
"""How well a patch is found again."""
_MOST_ACROSS_PX = 3.0
_MOST_SIDE_PX = 260
_LEAST_SIGMA_M = 0.3
_EDGE_PX = 6
_POSE_M = 0.15
"""What adjusted poses still disagree by."""


@dataclass(frozen=True, slots=True)
class HeightAbove:
    """Metres above the ground around, their standard deviation, and the poorer of both correlations."""

    metres: float
    sigma_m: float
    likeness: float


def height_above(one: View, other: View, polygon: Doubles, reach_m: float = 1.5) -> HeightAbove | None:
    """Of what `polygon` (n, 2), in pixels of `one`, outlines. None if the second picture does not say.

    `reach_m`: how far the poses of one flight may disagree about the ground.
    """
    middle = np.asarray(polygon, np.float64).mean(axis=0)[None]
    lean = lean_of(other, one, middle, 1.0)[0]
    per_metre = float(np.linalg.norm(lean))
    margin = math.ceil(_RING_M[1] / one.gsd_m)
    low = np.floor(polygon.min(axis=0)).astype(int) - margin
    high = np.ceil(polygon.max(axis=0)).astype(int) + margin + 1
    size = high - low
    if per_metre < _LEAST_LEAN_PX or size.max() > _MOST_SIDE_PX + 2 * margin:
        return None
    reach = math.ceil(reach_m / one.gsd_m)
    here = _window(one, np.eye(3), low, size)
    there = _window(other, prior_of(other, one), low - reach - _far(lean), size + 2 * (reach + _far(lean)))
    if here is None or there is None:
        return None
    thing, ring = _masks(polygon - low, (int(size[1]), int(size[0])), one.gsd_m)
    start = reach + _far(lean)
    ground = _found(here, ring, there, np.array((start, start)), (-reach, -reach), (reach, reach))
    if ground is None:
        return None
    ends = np.stack((np.zeros(2), lean * HIGHEST_M)) + ground[0]
    lower = np.maximum(np.floor(ends.min(axis=0)) - 3, -start).astype(int)
    upper = np.minimum(np.ceil(ends.max(axis=0)) + 3, start).astype(int)
    top = _found(
        here, thing, there, np.array((start, start)), (lower[0], lower[1]), (upper[0], upper[1]), lean, ground[0]
    )
    if top is None:
        return None
    moved = top[0] - ground[0]
    metres = float(moved @ lean) / per_metre**2
    return HeightAbove(metres, math.sqrt(2) * _PLACE_PX / per_metre, min(top[1], ground[1]))


def height_among(one: View, others: Sequence[View], polygon: Doubles, reach_m: float = 1.5) -> HeightAbove | None:
    """The median of what each of `others` says; their spread is in its standard deviation."""
    return _agreed([said for other in others if (said := height_above(one, other, polygon, reach_m)) is not None])


def surface_height(one: View, other: View, polygon: Doubles) -> HeightAbove | None:
    """Of what is seen within `polygon` above the ground of the poses themselves: only for poses that were adjusted.

    Nothing around is asked, so walls and neighbours do no harm; an error of the poses is an error of the height.
    """
    middle = np.asarray(polygon, np.float64).mean(axis=0)[None]
    lean = lean_of(other, one, middle, 1.0)[0]
    per_metre = float(np.linalg.norm(lean))
    low = np.floor(polygon.min(axis=0)).astype(int) - _EDGE_PX
    size = np.ceil(polygon.max(axis=0)).astype(int) + _EDGE_PX + 1 - low
    if per_metre < _LEAST_LEAN_PX or size.max() > _MOST_SIDE_PX:
        return None
    start = _far(lean)
    here = _window(one, np.eye(3), low, size)
    there = _window(other, prior_of(other, one), low - start, size + 2 * start)
    if here is None or there is None:
        return None
    thing, _ = _masks(polygon - low, (int(size[1]), int(size[0])), one.gsd_m)
    ends = np.stack((-lean, lean * HIGHEST_M))
    lower = np.maximum(np.floor(ends.min(axis=0)) - 4, -start).astype(int)
    upper = np.minimum(np.ceil(ends.max(axis=0)) + 4, start).astype(int)
    origin = np.zeros(2)
    bounds = (int(lower[0]), int(lower[1])), (int(upper[0]), int(upper[1]))
    top = _found(here, thing, there, np.array((start, start)), *bounds, lean, origin)
    if top is None:
        return None
    metres = float(top[0] @ lean) / per_metre**2
    return HeightAbove(metres, math.hypot(_PLACE_PX, _POSE_M / one.gsd_m) / per_metre, top[1])


def surface_among(one: View, others: Sequence[View], polygon: Doubles) -> HeightAbove | None:
    """The median of what each of `others` says."""
    return _agreed([said for other in others if (said := surface_height(one, other, polygon)) is not None])


def grown(after: HeightAbove, before: HeightAbove) -> HeightAbove:
    """By how much a surface is higher than it was."""
    sigma = math.hypot(after.sigma_m, before.sigma_m)
    return HeightAbove(after.metres - before.metres, sigma, min(after.likeness, before.likeness))


def _agreed(found: list[HeightAbove]) -> HeightAbove | None:
    if not found:
        return None
    metres = np.array([each.metres for each in found])
    middle = float(np.median(metres))
    spread = 1.4826 * float(np.median(np.abs(metres - middle)))
    alone = float(np.median([each.sigma_m for each in found]))
    # The ground around is the same for all: what is wrong with it does not average out.
    sigma = math.hypot(max(spread, alone) / math.sqrt(len(found)), _LEAST_SIGMA_M)
    return HeightAbove(middle, sigma, float(np.median([each.likeness for each in found])))


def _far(lean: Doubles) -> int:
    return math.ceil(float(np.abs(lean).max()) * HIGHEST_M) + 4


def _window(view: View, to_one: Doubles, low: Doubles, size: Doubles) -> Floats | None:
    """A piece of a picture, in the pixels of the first one; None if much of it is not shown."""
    shift = np.array(((1, 0, -low[0]), (0, 1, -low[1]), (0, 0, 1)), np.float64) @ to_one
    shape = int(size[0]), int(size[1])
    corners = np.array(((0, 0), (shape[0] - 1, 0), (shape[0] - 1, shape[1] - 1), (0, shape[1] - 1)), np.float64)
    back = through(np.asarray(np.linalg.inv(shift), np.float64), corners)
    height, width = view.bgr.shape[:2]
    slack = 0.25 * np.array((width, height))
    if (back < -slack).any() or (back > np.array((width, height)) + slack).any():
        return None
    piece = cv2.warpPerspective(view.bgr, shift, shape, flags=cv2.INTER_LINEAR)
    return np.asarray(cv2.cvtColor(piece, cv2.COLOR_BGR2LAB), np.float32)


def _masks(polygon: Doubles, shape: tuple[int, int], gsd_m: float) -> tuple[Mask, Mask]:
    thing = np.zeros(shape, np.uint8)
    cv2.fillPoly(thing, [np.rint(polygon).astype(np.int32)], 255)
    grown = [_grown(thing, reach / gsd_m) for reach in _RING_M]
    return _grown(thing, _GROWN_PX), np.asarray(grown[1] & ~grown[0], np.uint8)


def _grown(mask: Mask, pixels: float) -> Mask:
    side = 2 * round(pixels) + 1
    return np.asarray(cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))), np.uint8)


def _found(
    here: Floats,
    mask: Mask,
    there: Floats,
    start: Doubles,
    lower: tuple[int, int],
    upper: tuple[int, int],
    along: Doubles | None = None,
    origin: Doubles | None = None,
) -> tuple[Doubles, float] | None:
    """Displacement (2,) of the masked part of `here` in `there`, and its likeness; None if it is not found.

    `there` begins `start` pixels above and left of `here`. Only answers near the line from `origin` in the direction
    `along` count, where given.
    """
    x, y, width, height = cv2.boundingRect(mask)
    piece, use = here[y : y + height, x : x + width], mask[y : y + height, x : x + width]
    left, top = int(start[0]) + x + int(lower[0]), int(start[1]) + y + int(lower[1])
    area = there[
        max(0, top) : top + height + int(upper[1] - lower[1]), max(0, left) : left + width + int(upper[0] - lower[0])
    ]
    if area.shape[0] < height or area.shape[1] < width or not use.any():
        return None
    weights = (use > 0).astype(np.float32)[..., None] * np.ones(3, np.float32)
    answers = cv2.matchTemplate(area, np.ascontiguousarray(piece), cv2.TM_CCOEFF_NORMED, mask=weights)
    answers = np.where(np.isfinite(answers) & (np.abs(answers) <= 1.001), answers, -1).astype(np.float32)
    offset = np.array((max(0, left) - int(start[0]) - x, max(0, top) - int(start[1]) - y), np.float64)
    if along is not None and origin is not None:
        columns, rows = np.meshgrid(np.arange(answers.shape[1]), np.arange(answers.shape[0]))
        gaps = np.stack((columns + offset[0] - origin[0], rows + offset[1] - origin[1]), axis=-1)
        across = np.abs(gaps @ (np.array((-along[1], along[0])) / float(np.linalg.norm(along))))
        answers = np.where(across <= _MOST_ACROSS_PX, answers, -1).astype(np.float32)
    _, best, _, (column, row) = cv2.minMaxLoc(answers)
    if best < _LEAST_LIKENESS:
        return None
    near = np.asarray(answers, np.float32)
    fine_x, fine_y = _vertex(near[row], column), _vertex(near[:, column], row)
    return np.array((column + fine_x, row + fine_y), np.float64) + offset, float(best)


def _vertex(values: Floats, at: int) -> float:
    if not 0 < at < len(values) - 1:
        return 0.0
    before, middle, after = (float(value) for value in values[at - 1 : at + 2])
    bend = before - 2 * middle + after
    if bend >= 0 or min(before, after) <= -1:
        return 0.0
    return float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5))
