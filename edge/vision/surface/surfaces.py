"""Heights of a flight's ground and roofs on a grid: what many pairs of pictures say of each cell, put together."""

from __future__ import annotations

import math
import mmap
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Doubles, Floats

CELL_M = 0.25
"""Two pixels of the working scale: what stereo resolves."""
KEPT = 3
"""Heights kept for a cell: those of the best pairs."""
_AGREES_M = 0.6
_BLOCK_CELLS = 256
Heights = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Window:
    """A piece of a grid: its first row and column, and how many of each."""

    row: int
    column: int
    rows: int
    columns: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """To cut it out."""
        return slice(self.row, self.row + self.rows), slice(self.column, self.column + self.columns)


@dataclass(frozen=True, slots=True)
class Grid:
    """Where cells lie: west and north edge of the first one, in metres, and how many there are down and across."""

    west_m: float
    north_m: float
    rows: int
    columns: int
    cell_m: float = CELL_M

    @property
    def whole(self) -> Window:
        """All of it."""
        return Window(0, 0, self.rows, self.columns)

    def places(self, window: Window) -> tuple[Doubles, Doubles]:
        """East of the middles of a window's columns, and north of its rows'."""
        east = self.west_m + (window.column + np.arange(window.columns) + 0.5) * self.cell_m
        north = self.north_m - (window.row + np.arange(window.rows) + 0.5) * self.cell_m
        return np.asarray(east, np.float64), np.asarray(north, np.float64)

    def cells(self, places: Doubles) -> Doubles:
        """(n, 2): column and row of places (n, 2), with parts; (0, 0) is the outer corner of the first cell."""
        return np.stack(((places[:, 0] - self.west_m), (self.north_m - places[:, 1])), axis=1) / self.cell_m

    def metres(self, cells: Doubles) -> Doubles:
        """The other way about."""
        return np.stack((self.west_m + cells[:, 0] * self.cell_m, self.north_m - cells[:, 1] * self.cell_m), axis=1)


def grid_around(places: Doubles, cell_m: float = CELL_M) -> Grid:
    """The grid that holds places (n, 2). Grids of one plane lie on each other's lines."""
    low, high = np.floor(places.min(axis=0) / cell_m), np.ceil(places.max(axis=0) / cell_m)
    rows, columns = (max(1, math.ceil(float(high[axis] - low[axis]))) for axis in (1, 0))
    return Grid(float(low[0] * cell_m), float(high[1] * cell_m), rows, columns, cell_m)


class Surface:
    """A grid of heights that grows by pairs, kept in files of `folder`: memory does not grow with the flight.

    Heights are kept in centimetres above `ground_m`, so they reach 327 m up and down.
    """

    def __init__(self, grid: Grid, ground_m: float, folder: Path, name: str) -> None:
        self.grid, self.ground_m = grid, ground_m
        shape = (KEPT, grid.rows, grid.columns)
        self._heights = np.memmap(folder / f"{name}.heights", np.int16, "w+", shape=shape)
        self._worth = np.memmap(folder / f"{name}.worth", np.uint8, "w+", shape=shape)
        # A flight along a river fills little of the rectangle around it.
        self._touched = np.zeros((-(-grid.rows // _BLOCK_CELLS), -(-grid.columns // _BLOCK_CELLS)), bool)

    def add(self, points: Floats, worth: float) -> None:
        """What one pair saw: (n, 3) east, north, up. Of several in a cell the highest counts: it hides the others.

        `worth`, 0-1: how far the pair is to be believed. A cell keeps the best.
        """
        patch = rastered(points, self.grid)
        if patch is None:
            return
        found, window = patch
        with np.errstate(invalid="ignore"):
            heights = np.rint(np.clip((found - self.ground_m) * 100, -32_000, 32_000))
            heights = np.where(np.isfinite(heights), heights, 0).astype(np.int16)
        rows, columns = window.slices
        self._touched[_blocks_of(window)] = True
        held, worths = self._heights[:, rows, columns], self._worth[:, rows, columns]
        mine = np.where(np.isfinite(found), np.uint8(max(1, round(255 * worth))), np.uint8(0))
        # Layers are kept in the order of their worth; each in turn gives way to what is better than it.
        for layer in range(KEPT):
            better = mine > worths[layer]
            heights, held[layer] = np.where(better, held[layer], heights), np.where(better, heights, held[layer])
            mine, worths[layer] = np.where(better, worths[layer], mine), np.where(better, mine, worths[layer])
        self._let_go()

    def _let_go(self) -> None:
        """Pages of the files leave this process; the system writes them when it likes, and gives them back if asked."""
        for file in (self._heights, self._worth):
            if isinstance(file.base, mmap.mmap):
                file.base.madvise(mmap.MADV_DONTNEED)

    def is_empty(self, window: Window) -> bool:
        """Whether no pair has seen anything of a window, or of what lies close to it."""
        top, left = max(window.row, 0), max(window.column, 0)
        inside = Window(top, left, window.row + window.rows - top, window.column + window.columns - left)
        return inside.rows <= 0 or inside.columns <= 0 or not self._touched[_blocks_of(inside)].any()

    def scarce(self, corners: Doubles) -> float:
        """Which share of a convex piece of ground, `corners` (n, 2), has less than two heights."""
        cells = np.rint(self.grid.cells(corners)).astype(np.int32)
        left, top = np.maximum(cells.min(axis=0), 0)
        right, bottom = np.minimum(cells.max(axis=0) + 1, (self.grid.columns, self.grid.rows))
        if right <= left or bottom <= top:
            return 1.0
        inside = np.zeros((bottom - top, right - left), np.uint8)
        cv2.fillConvexPoly(inside, cells - (left, top), 1)
        found = float((self._worth[1, top:bottom, left:right] == 0)[inside > 0].mean())
        self._let_go()
        return found

    def step_for(self, cells: int) -> int:
        """Every so many-th row and column of the whole grid are at most about so many cells."""
        return max(1, math.ceil(math.sqrt(self.grid.rows * self.grid.columns / cells)))

    def read(self, window: Window) -> tuple[Heights, NDArray[np.uint8]]:
        """Heights (rows, columns) and how many pairs say so. What lies beyond the grid is unknown: NaN.

        Of three that were kept the median, of two the mean, if they agree, else the better one.
        """
        found = self._read(window, 1)
        self._let_go()
        return found

    def sampled(self, window: Window, step: int) -> Heights:
        """Every so many-th height of a window, from its first row and column on."""
        heights = np.full((-(-window.rows // step), -(-window.columns // step)), np.nan, np.float32)
        rows = window.row + step * np.arange(heights.shape[0])
        columns = window.column + step * np.arange(heights.shape[1])
        # Only what was touched is read: the file of a winding flight is mostly holes.
        for down, across in np.argwhere(self._touched) * _BLOCK_CELLS:
            inner = [
                np.flatnonzero((each >= first) & (each < min(first + _BLOCK_CELLS, most)))
                for each, first, most in ((rows, down, self.grid.rows), (columns, across, self.grid.columns))
            ]
            if len(inner[0]) and len(inner[1]):
                top, left = int(rows[inner[0][0]]), int(columns[inner[1][0]])
                piece = Window(top, left, int(rows[inner[0][-1]]) - top + 1, int(columns[inner[1][-1]]) - left + 1)
                heights[inner[0][0] : inner[0][-1] + 1, inner[1][0] : inner[1][-1] + 1] = self._read(piece, step)[0]
                self._let_go()
        return heights

    def _read(self, window: Window, step: int) -> tuple[Heights, NDArray[np.uint8]]:
        rows = np.arange(window.row, window.row + window.rows, step)
        columns = np.arange(window.column, window.column + window.columns, step)
        heights = np.full((len(rows), len(columns)), np.nan, np.float32)
        agreeing = np.zeros((len(rows), len(columns)), np.uint8)
        down = np.flatnonzero((rows >= 0) & (rows < self.grid.rows))
        across = np.flatnonzero((columns >= 0) & (columns < self.grid.columns))
        if len(down) and len(across):
            top, left = int(rows[down[0]]), int(columns[across[0]])
            held = np.s_[:, top : int(rows[down[-1]]) + 1 : step, left : int(columns[across[-1]]) + 1 : step]
            raw = self._heights[held].astype(np.float32) / 100 + np.float32(self.ground_m)
            known = np.where(self._worth[held] > 0, raw, np.float32(np.nan))
            inside = np.s_[down[0] : down[-1] + 1, across[0] : across[-1] + 1]
            heights[inside] = fused(known)
            agreeing[inside] = (np.abs(known - heights[inside][None]) <= _AGREES_M).sum(axis=0)
        return heights, agreeing


def _blocks_of(window: Window) -> tuple[slice, slice]:
    rows, columns = window.slices
    return tuple(slice(each.start // _BLOCK_CELLS, -(-each.stop // _BLOCK_CELLS)) for each in (rows, columns))  # type: ignore[return-value]


def fused(layers: Heights) -> Heights:
    """Of three layers (3, rows, columns), the best first, one."""
    best, second, third = layers
    pair = np.where(np.abs(best - second) <= _AGREES_M, (best + second) / 2, best)
    middle = np.maximum(np.minimum(best, second), np.minimum(np.maximum(best, second), third))
    found = np.where(np.isfinite(second), pair, best)
    return np.asarray(np.where(np.isfinite(third), middle, found), np.float32)


def rastered(points: Floats, grid: Grid) -> tuple[Heights, Window] | None:
    """The highest point of each cell in the window that points fill."""
    columns = np.floor((points[:, 0] - grid.west_m) / grid.cell_m).astype(np.int32)
    rows = np.floor((grid.north_m - points[:, 1]) / grid.cell_m).astype(np.int32)
    heights = points[:, 2]
    inside = (rows >= 0) & (rows < grid.rows) & (columns >= 0) & (columns < grid.columns)
    if not inside.any():
        return None
    if not inside.all():
        rows, columns, heights = rows[inside], columns[inside], heights[inside]
    top, left = int(rows.min()), int(columns.min())
    window = Window(top, left, int(rows.max()) - top + 1, int(columns.max()) - left + 1)
    found = np.full(window.rows * window.columns, -np.inf, np.float32)
    rows -= top
    rows *= window.columns
    rows += columns
    rows -= left
    np.maximum.at(found, rows.astype(np.intp), np.ascontiguousarray(heights))
    found[np.isinf(found)] = np.nan
    return _closed(found.reshape(window.rows, window.columns)), window


def _closed(heights: Heights) -> Heights:
    """Single cells that no point fell into take the median of those around, where most are known."""
    known = np.isfinite(heights)
    low = np.where(known, heights, -1e4).astype(np.float32)
    around = cv2.boxFilter(known.astype(np.float32), -1, (3, 3), normalize=False)
    filled = cv2.medianBlur(low, 3)
    return np.where(~known & (around >= 5) & (filled > -9e3), filled, heights).astype(np.float32)
