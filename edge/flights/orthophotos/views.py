"""Pieces of an orthophoto as pictures: a camera so far up that what stands high does not lean any farther in them."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from edge.flights.orthophotos.rasters import Raster
from edge.flights.shots import Progress
from edge.vision.arrays import Doubles, Mask
from edge.vision.surface.patches import Patch
from edge.vision.surface.shots import WORKING_GSD_M, Eye, Picture
from edge.vision.surface.surfaces import CELL_M, Grid, Window

STEP_M, MARGIN_M = 100.0, 50.0
"""A piece is looked at for places within its core, and shows what reaches out of it."""
UP_M = 50_000.0
"""What is 50 m too high leans by 0.1 m at the edge of a piece."""
KEPT = 8
"""In memory: 8 MB each at the working scale."""
_DOWN = np.diag((1.0, -1.0, -1.0))
"""From a camera's axes, that looks straight down with north up, to east, north, up."""


class OrthoViews:
    """The pieces that a flight's ground needs (`edge.flights.pictured.Views`). Not for use by two threads."""

    def __init__(self, raster: Raster, gsd_m: float, outlines: Sequence[Doubles], ground_m: float) -> None:
        """`outlines` (n, 2) of what each picture of the flight shows; `ground_m`: of the eyes' heights."""
        self._raster = raster
        self.texel_m = max(gsd_m, WORKING_GSD_M)
        cores = _cores(outlines)
        self._numbers = {core: number for number, core in enumerate(cores)}
        self._side_px = math.ceil((STEP_M + 2 * MARGIN_M) / self.texel_m)
        self.patches = [self._patch(core) for core in cores]
        self.eyes: list[Eye] = [self._eye(patch, ground_m) for patch in self.patches]
        self._cores = cores
        self._pictures: OrderedDict[int, Picture] = OrderedDict()
        self._shown: dict[int, Mask] = {}

    def __len__(self) -> int:
        return len(self.eyes)

    def looking_at(self, place: Doubles) -> NDArray[np.intp]:
        """One at most: pieces beside it show the same."""
        core = math.floor(place[0] / STEP_M), math.floor(place[1] / STEP_M)
        number = self._numbers.get(core)
        return np.array([] if number is None else [number], np.intp)

    def picture(self, index: int) -> Picture | None:
        """None where the file shows nothing there.

        Raises:
            OrthophotoError: the file is broken.
        """
        if index not in self._pictures:
            if index in self._shown and not self._shown[index].any():
                return None
            self._read(index)
        self._pictures.move_to_end(index)
        return self._pictures[index] if self._shown[index].any() else None

    def read_all(self, progress: Progress) -> None:
        """Once, so that a file that is cut short is known before anything is measured.

        Raises:
            OrthophotoError: the file is broken.
        """
        progress.begins("orthophoto", len(self))
        for index in range(len(self)):
            progress.advances()
            self._read(index)

    def is_shown_in(self, grid: Grid, window: Window) -> NDArray[np.bool]:
        """(rows, columns): which cells of a window the file shows. Of what was not read yet, none."""
        east, north = grid.places(window)
        found = np.zeros((window.rows, window.columns), bool)
        for core, number in self._numbers.items():
            across = np.flatnonzero(np.floor(east / STEP_M) == core[0])
            down = np.flatnonzero(np.floor(north / STEP_M) == core[1])
            mask = self._shown.get(number)
            if len(across) and len(down) and mask is not None:
                patch = self.patches[number]
                columns = ((east[across] - patch.west_m) / CELL_M).astype(np.intp).clip(0, mask.shape[1] - 1)
                rows = ((patch.north_m - north[down]) / CELL_M).astype(np.intp).clip(0, mask.shape[0] - 1)
                found[np.ix_(down, across)] = mask[np.ix_(rows, columns)] > 0
        return found

    def _read(self, index: int) -> None:
        patch = self.patches[index]
        picture, mask = self._raster.read(patch)
        count = round(patch.rows * patch.texel_m / CELL_M)
        at = ((np.arange(count) + 0.5) * CELL_M / patch.texel_m).astype(np.intp).clip(0, patch.rows - 1)
        self._shown[index] = mask[np.ix_(at, at)]
        self._pictures[index] = picture
        while len(self._pictures) > KEPT:
            self._pictures.popitem(last=False)

    def _patch(self, core: tuple[int, int]) -> Patch:
        west, north = core[0] * STEP_M - MARGIN_M, (core[1] + 1) * STEP_M + MARGIN_M
        return Patch(west, north, self._side_px, self._side_px, self.texel_m)

    def _eye(self, patch: Patch, ground_m: float) -> Eye:
        focal, middle = UP_M / patch.texel_m, (self._side_px - 1) / 2
        matrix = np.array(((focal, 0, middle), (0, focal, middle), (0, 0, 1)), np.float64)
        half = self._side_px * patch.texel_m / 2
        centre = np.array((patch.west_m + half, patch.north_m - half, ground_m + UP_M))
        return Eye(matrix, _DOWN, centre, self._side_px, self._side_px)


def _cores(outlines: Sequence[Doubles]) -> list[tuple[int, int]]:
    """Squares of the plane, by their number east and north, that any outline touches."""
    found: set[tuple[int, int]] = set()
    for outline in outlines:
        shape = shapely.make_valid(shapely.Polygon(outline))
        low, high = (
            np.floor(outline.min(axis=0) / STEP_M).astype(int),
            np.floor(outline.max(axis=0) / STEP_M).astype(int),
        )
        for column in range(low[0], high[0] + 1):
            for row in range(low[1], high[1] + 1):
                square = shapely.box(column * STEP_M, row * STEP_M, (column + 1) * STEP_M, (row + 1) * STEP_M)
                if (column, row) not in found and shape.intersects(square):
                    found.add((column, row))
    return sorted(found)
