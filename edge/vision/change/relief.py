"""What stands up leans outwards: takes the lean's difference between two viewpoints out of a registered pair.

Both pictures lie on each other on the ground. A point at height h is displaced between them along a known direction, by
h / (H - h) of the distance between the viewpoints. A few heights are tried (plane sweep, Collins 1996) and each
neighbourhood keeps the one that fits best: roofs that stood there before then lie on themselves.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from cv2.typing import MatLike

from edge.vision.arrays import Doubles, Floats, Grey
from edge.vision.change.views import Picture, View, through

HIGHEST_M = 60.0
_STEP_PX = 1.2
_MOST_STEPS = 28
_WINDOW = 7
_NORM = 15
_PREFER_GROUND = 0.04
"""By how much better a height must fit, in the measure's own units (0 the same, about 1.1 unrelated)."""


def lean_of(before: View, after: View, points: Doubles, height_m: float) -> Doubles:
    """(n, 2): where a thing `height_m` high that `after` shows at `points` lies in the registered older picture,
    as seen from those points, in pixels."""
    seen = through(after.to_ground, points)
    above_old, above_new = float(before.camera[2]), float(after.camera[2])
    place = np.asarray(seen + (after.camera[:2] - seen) * (height_m / above_new), np.float64)
    cast = np.asarray(place + (place - before.camera[:2]) * (height_m / (above_old - height_m)), np.float64)
    back = np.asarray(np.linalg.inv(after.to_ground), np.float64)
    return through(back, cast) - points


def most_lean_px(before: View, after: View, height_m: float) -> float:
    """The longest of these in the picture: how wide a band along a tall edge cannot be trusted."""
    height, width = after.bgr.shape[:2]
    points = np.array(((0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1), (width / 2, height / 2)))
    return float(np.linalg.norm(lean_of(before, after, points, height_m), axis=1).max())


def heights_to_try(before: View, after: View, highest_m: float = HIGHEST_M) -> tuple[float, ...]:
    """From the ground up, about a pixel of displacement apart; only the ground if the viewpoints are the same."""
    highest = min(highest_m, 0.5 * min(float(before.camera[2]), float(after.camera[2])))
    steps = math.ceil(most_lean_px(before, after, highest) / _STEP_PX)
    steps = min(steps, _MOST_STEPS)
    above = min(float(before.camera[2]), float(after.camera[2]))
    # Even steps of displacement, which goes with h / (H - h).
    shares = [index / steps * highest / (above - highest) for index in range(1, steps + 1)]
    return (0.0, *(above * share / (1 + share) for share in shares))


def lean_field(laid: Grey, after: Grey, before_view: View, after_view: View, highest_m: float = HIGHEST_M) -> Floats:
    """(height, width, 2): displacement of the best height at each pixel. `laid` is the registered older picture."""
    heights = heights_to_try(before_view, after_view, highest_m)
    rows, columns = after.shape
    if len(heights) == 1:
        return np.zeros((rows, columns, 2), np.float32)
    size = (columns // 2, rows // 2)
    old, new = (_normalised(cv2.resize(each, size, interpolation=cv2.INTER_AREA)) for each in (laid, after))
    best = np.full(new.shape, np.inf, np.float32)
    chosen = np.zeros(new.shape, np.float32)
    for index, height_m in enumerate(heights):
        moved = _warped(old, _grid(before_view, after_view, height_m, size))
        cost = cv2.boxFilter(np.minimum(np.abs(moved - new), 2.0), -1, (_WINDOW, _WINDOW))
        if index:
            cost += np.float32(_PREFER_GROUND)
        better = cost < best
        best[better] = cost[better]
        chosen[better] = index
    calm = cv2.medianBlur(chosen.astype(np.uint8), 9)
    field = np.zeros((*new.shape, 2), np.float32)
    for index, height_m in enumerate(heights[1:], 1):
        here = calm == index
        if here.any():
            field[here] = _grid(before_view, after_view, height_m, size)[here]
    return np.asarray(2 * cv2.resize(field, (columns, rows), interpolation=cv2.INTER_NEAREST), np.float32)


def moved_by(laid: Picture, field: Floats) -> Picture:
    """The registered picture with each pixel taken from where `field` says."""
    rows, columns = field.shape[:2]
    x = field[..., 0] + np.arange(columns, dtype=np.float32)
    y = field[..., 1] + np.arange(rows, dtype=np.float32)[:, None]
    return np.asarray(cv2.remap(laid, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _normalised(grey: MatLike) -> Floats:
    """Brightness against its surroundings, in their own spread: light and shade count little."""
    values = np.asarray(grey, np.float32)
    mean = cv2.boxFilter(values, -1, (_NORM, _NORM))
    power = cv2.sqrBoxFilter(values, cv2.CV_32F, (_NORM, _NORM))
    return np.asarray((values - mean) / (np.sqrt(np.maximum(power - mean * mean, 0)) + 6), np.float32)


def _grid(before: View, after: View, height_m: float, size: tuple[int, int]) -> Floats:
    """(rows, columns, 2) of the halved picture: displacement at one height. Smooth, so a few points are enough."""
    columns, rows = size
    across, down = np.meshgrid(np.linspace(0, columns - 1, 9), np.linspace(0, rows - 1, 9))
    points = np.stack((across.ravel(), down.ravel()), axis=1) * 2 + 0.5
    lean = (lean_of(before, after, points, height_m) / 2).reshape(9, 9, 2).astype(np.float32)
    x = np.broadcast_to(np.linspace(0, 8, columns, dtype=np.float32), (rows, columns))
    y = np.broadcast_to(np.linspace(0, 8, rows, dtype=np.float32)[:, None], (rows, columns))
    return np.asarray(cv2.remap(lean, np.ascontiguousarray(x), np.ascontiguousarray(y), cv2.INTER_LINEAR), np.float32)


def _warped(values: Floats, field: Floats) -> Floats:
    rows, columns = values.shape
    x = field[..., 0] + np.arange(columns, dtype=np.float32)
    y = field[..., 1] + np.arange(rows, dtype=np.float32)[:, None]
    return np.asarray(cv2.remap(values, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)
