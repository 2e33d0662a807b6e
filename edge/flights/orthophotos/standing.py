"""Without heights of before: the ground of a flight's own surface, so that all that stands on it is looked at."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from edge.flights.orthophotos.views import OrthoViews
from edge.flights.shots import Progress
from edge.flights.surfacing import Surfaced
from edge.vision.arrays import Floats
from edge.vision.surface.aligning import Shifts, laid
from edge.vision.surface.surfaces import Grid, Surface
from edge.vision.surface.tiling import tiles

GROUND_M = 25.0
"""Within so far of every place there is ground."""
TILE_M, MARGIN_M = 200.0, 60.0


def ground_of(
    newer: Surfaced, shifts: Shifts, grid: Grid, ground_m: float, views: OrthoViews, folder: Path, progress: Progress
) -> Surfaced:
    """An older surface on which nothing stands, where the orthophoto shows something, as it is placed."""
    surface = Surface(grid, ground_m, folder, "baseline")
    pieces = list(tiles(grid, round(TILE_M / grid.cell_m), round(MARGIN_M / grid.cell_m)))
    progress.begins("ground", len(pieces))
    for core, around in pieces:
        progress.advances()
        heights = laid(newer.surface, shifts, grid, around)[0]
        top, left = core.row - around.row, core.column - around.column
        inner = np.s_[top : top + core.rows, left : left + core.columns]
        ground = under(heights, grid.cell_m)[inner]
        known = np.isfinite(heights[inner]) & np.isfinite(ground) & views.is_shown_in(grid, core)
        if known.any():
            east, north = grid.places(core)
            rows, columns = np.nonzero(known)
            surface.add(np.stack((east[columns], north[rows], ground[rows, columns]), axis=1).astype(np.float32), 1.0)
    return Surfaced(views, surface, (0.0, 0.0), (), 0)


def under(heights: Floats, cell_m: float) -> Floats:
    """The ground below a surface: what is lower than all around is, and what is between is as low as its neighbours."""
    side = 2 * round(GROUND_M / cell_m) + 1
    kernel = np.ones((side, side), np.uint8)
    known = np.isfinite(heights)
    # Single cells that are measured too low are no ground.
    solid = cv2.medianBlur(np.where(known, heights, np.float32(1e4)).astype(np.float32), 5)
    lowest = cv2.erode(solid, kernel)
    opened = cv2.dilate(np.where(lowest < 9e3, lowest, np.float32(-1e4)).astype(np.float32), kernel)
    return np.where(opened > -9e3, opened, np.nan).astype(np.float32)
