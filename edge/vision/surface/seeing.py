"""Whether anything of a surface stands between a place and a camera."""

from __future__ import annotations

import numpy as np

from edge.vision.arrays import Doubles
from edge.vision.surface.surfaces import Grid, Heights

_STEP_M = 0.5
_FIRST_M = 0.75
_OVER_M = 0.5
_MOST_POINTS = 40


def visible_share(
    heights: Heights, grid: Grid, places: Doubles, up_m: float, camera: Doubles, highest_m: float
) -> float:
    """Share of places (n, 2) at a height that a camera (3,) sees over the surface: `heights` (rows, columns) of `grid`,
    none of them over `highest_m`.

    What is unknown hides nothing: walls hide the ground behind them, and their own tops are known.
    """
    points = places[:: max(1, len(places) // _MOST_POINTS)]
    away = camera[:2] - points
    reach = np.linalg.norm(away, axis=1)
    slope = (camera[2] - up_m) / np.maximum(reach, 1e-6)
    longest = float(((highest_m - up_m) / np.maximum(slope, 1e-6)).max(initial=0.0))
    if longest <= _FIRST_M:
        return 1.0
    along = np.arange(_FIRST_M, min(longest, float(reach.max())) + _STEP_M, _STEP_M)
    at = points[:, None] + away[:, None] / np.maximum(reach, 1e-6)[:, None, None] * along[None, :, None]
    cells = np.floor(grid.cells(at.reshape(-1, 2))).astype(np.int64)
    inside = (cells >= 0).all(axis=1) & (cells[:, 0] < grid.columns) & (cells[:, 1] < grid.rows)
    found = np.full(len(cells), -np.inf)
    known = heights[cells[inside, 1], cells[inside, 0]]
    found[inside] = np.where(np.isfinite(known), known, -np.inf)
    passing = up_m + along[None] * slope[:, None] + _OVER_M
    return float((found.reshape(len(points), len(along)) <= passing).all(axis=1).mean())
