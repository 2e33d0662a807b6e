"""The older surface out of a file: a model of ground, roofs and crowns, on the grid that flights are measured on."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edge.flights.anchoring import standing
from edge.flights.ground import GroundError, NoHeightsError, Pixels, read_elevation
from edge.flights.local import LocalPlane
from edge.flights.material import shown
from edge.flights.orthophotos.errors import ElsewhereError, OrthophotoError
from edge.flights.orthophotos.rasters import MOST_SURFACE_M, coarser_side_m, opened, told
from edge.flights.orthophotos.views import OrthoViews
from edge.flights.shots import Progress
from edge.vision.arrays import Floats
from edge.vision.surface.surfaces import Surface, Window
from edge.vision.surface.tiling import tiles

BLOCK_CELLS = 800
HEIGHTS = "a model of heights"
"""What the file is to be, for people."""
LEAST_STANDING, LEAST_LIKE = 0.03, 0.25
"""Share of the flight's ground on which something stands, from which a model is asked whether it shows as much: one
with less than a quarter of it is of the bare ground."""
_SAID_TWICE = 2
"""A file's height counts as one that two pairs of pictures agree about."""
_COARSE_STEP_M = 5.0
_REACHES_M = 320.0
_MORE_M = 0.1


class SurfaceModel:
    """A GeoTIFF of heights, in the plane of a flight."""

    def __init__(self, path: Path, plane: LocalPlane, bounds_m: tuple[float, float, float, float]) -> None:
        """`bounds_m` (west, south, east, north): of the flight.

        Raises:
            ElsewhereError: it has no heights there.
            OrthophotoError: no GeoTIFF of heights, or too coarse.
        """
        self.path, self._plane, self.name = path, plane, shown(path)
        try:
            whole = read_elevation(path, plane, bounds_m, step_m=_COARSE_STEP_M)
        except NoHeightsError as error:
            raise ElsewhereError(
                f"{error}: the surface model must lie where the orthophoto does, or be left away"
            ) from None
        except GroundError as error:
            raise OrthophotoError(str(error)) from None
        self.ground_m = float(np.nanmedian(whole.grid.heights_m))
        gsd = self._gsd_m(bounds_m)
        if gsd > MOST_SURFACE_M:
            raise OrthophotoError(
                f"{self.name}: found heights {gsd:.2g} m apart, expected {MOST_SURFACE_M:.0f} m or finer: leave the "
                "surface model away, or give a finer one"
            )

    def _gsd_m(self, bounds_m: tuple[float, float, float, float]) -> float:
        west, south, east, north = bounds_m
        with told(self.name, HEIGHTS), opened(self.path) as file:
            return coarser_side_m(Pixels(file, self._plane), (west + east) / 2, (south + north) / 2)

    def fill(self, surface: Surface, views: OrthoViews, progress: Progress) -> None:
        """With what the model and the orthophoto both show.

        Raises:
            ElsewhereError: it has no height where the orthophoto shows anything.
            OrthophotoError: the file is broken.
        """
        grid = surface.grid
        windows = [core for core, _ in tiles(grid, BLOCK_CELLS) if views.is_shown_in(grid, core).any()]
        progress.begins("heights", len(windows))
        some = False
        for window in windows:
            progress.advances()
            points = self._points(surface, views, window)
            for _ in range(_SAID_TWICE if len(points) else 0):
                surface.add(points, 1.0)
            some |= bool(len(points))
        if not some:
            raise ElsewhereError(
                f"{self.name}: has no height where the orthophoto shows the ground of the flight; expected a surface "
                "model of the same ground"
            )

    def _points(self, surface: Surface, views: OrthoViews, window: Window) -> Floats:
        """(n, 3) in the middles of cells."""
        east, north = surface.grid.places(window)
        # A row of cells has no height of its own: a little more is asked for, and cut off.
        bounds = float(east[0]), float(north[-1]) - _MORE_M, float(east[-1]) + _MORE_M, float(north[0])
        try:
            grid = read_elevation(self.path, self._plane, bounds, step_m=surface.grid.cell_m).grid
        except NoHeightsError:
            return np.empty((0, 3), np.float32)
        except GroundError as error:
            raise OrthophotoError(str(error)) from None
        heights = grid.heights_m[: window.rows, : window.columns]
        known = np.isfinite(heights) & views.is_shown_in(surface.grid, window)[: heights.shape[0], : heights.shape[1]]
        # Farther from the middle than heights are kept: a mast, a spoilt value.
        with np.errstate(invalid="ignore"):
            known &= np.abs(heights - surface.ground_m) < _REACHES_M
        rows, columns = np.nonzero(known)
        return np.stack((east[columns], north[rows], heights[rows, columns]), axis=1).astype(np.float32)


def looks_bare(older: Surface, newer: Surface) -> bool:
    """Whether hardly anything stands in a model where much stands in the flight: it is one of the bare ground."""
    shares = []
    for surface in (older, newer):
        step = max(4, surface.step_for(1_000_000))
        heights = surface.sampled(surface.grid.whole, step)
        known = max(int(np.isfinite(heights).sum()), 1)
        shares.append(float(standing(heights, surface.grid.cell_m * step).sum()) / known)
    return shares[1] >= LEAST_STANDING and shares[0] < LEAST_LIKE * shares[1]
