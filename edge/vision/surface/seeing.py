"""Whether anything of a surface stands between a place and a camera."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Doubles, Mask
from edge.vision.surface.patches import Patch
from edge.vision.surface.surfaces import Grid, Heights

_STEP_M = 0.5
_FIRST_M = 0.75
_OVER_M = 0.5
_MOST_POINTS = 40
_APART_M = 0.5


def visible_share(
    heights: Heights, grid: Grid, places: Doubles, up_m: float, camera: Doubles, highest_m: float
) -> float:
    """Share of places (n, 2) at a height that a camera (3,) sees over the surface: `heights` (rows, columns) of `grid`,
    none of them over `highest_m`.

    What is unknown hides nothing: walls hide the ground behind them, and their own tops are known.
    """
    points = places[:: max(1, len(places) // _MOST_POINTS)]
    return float(_unhidden(heights, grid, points, up_m, camera, highest_m).mean())


def visible_part(heights: Heights, grid: Grid, patch: Patch, up_m: float, camera: Doubles, highest_m: float) -> Mask:
    """As `visible_share`: which pixels of a patch (255), to half a metre."""
    rows, columns = (max(1, math.ceil(side * patch.texel_m / _APART_M)) for side in (patch.rows, patch.columns))
    step_x, step_y = patch.columns / columns, patch.rows / rows
    x, y = np.meshgrid((np.arange(columns) + 0.5) * step_x - 0.5, (np.arange(rows) + 0.5) * step_y - 0.5)
    points = patch.metres(np.stack((x.ravel(), y.ravel()), axis=1))
    seen = _unhidden(heights, grid, points, up_m, camera, highest_m).reshape(rows, columns)
    size = patch.columns, patch.rows
    return np.asarray(cv2.resize(seen.view(np.uint8) * 255, size, interpolation=cv2.INTER_NEAREST), np.uint8)


def _unhidden(
    heights: Heights, grid: Grid, points: Doubles, up_m: float, camera: Doubles, highest_m: float
) -> NDArray[np.bool]:
    """(n,): which of points (n, 2) the camera sees."""
    away = camera[:2] - points
    reach = np.linalg.norm(away, axis=1)
    slope = (camera[2] - up_m) / np.maximum(reach, 1e-6)
    longest = float(((highest_m - up_m) / np.maximum(slope, 1e-6)).max(initial=0.0))
    if longest <= _FIRST_M:
        return np.ones(len(points), bool)
    along = np.arange(_FIRST_M, min(longest, float(reach.max())) + _STEP_M, _STEP_M)
    ahead = (away / np.maximum(reach, 1e-6)[:, None]).astype(np.float32)
    start = grid.cells(points).astype(np.float32)
    # Rows count southward.
    steps = (along / grid.cell_m).astype(np.float32)
    columns = np.floor(start[:, :1] + ahead[:, :1] * steps).astype(np.int32)
    rows = np.floor(start[:, 1:] - ahead[:, 1:] * steps).astype(np.int32)
    inside = (columns >= 0) & (rows >= 0) & (columns < grid.columns) & (rows < grid.rows)
    found = heights[np.where(inside, rows, 0), np.where(inside, columns, 0)]
    passing = up_m + along[None] * slope[:, None] + _OVER_M
    # What is unknown is not higher than anything.
    with np.errstate(invalid="ignore"):
        return np.asarray(~((found > passing) & inside).any(axis=1), np.bool)
