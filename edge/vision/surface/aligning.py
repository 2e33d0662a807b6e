"""Two surfaces of the same ground laid on each other by their heights.

Houses stand where they stood; seasons, paint and light do not move them. Block by block the shift is sought at which
heights differ least (as Nuth and Kääb 2011 lay glaciers on each other, by search instead of by slope: towns have
steps), a smooth field is laid through the blocks, and what the newer surface is higher all around is taken off.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.ndimage import map_coordinates

from edge.vision.arrays import Doubles
from edge.vision.surface.surfaces import Grid, Heights, Surface, Window

BLOCK_M, STEP_M = 80.0, 60.0
_COARSE = 4
"""Every so many-th cell, in the first search."""
_ROUNDS = ((10, 6, 2), (3, 3, 1))
"""Cells around what is expected within which a block's own shift is sought, every so many-th cell that is asked, and
the step of the search: first around the flight's one shift, then around what the blocks say together. 0.5 % of scale
is a metre at 200 m."""
_MOST_M = 3.0
"""A difference counts no more than this: what was built is no error of place."""
_LEAST_SHARE = 0.2
_LEAST_CELLS = 300
_MEDIAN_OF = 1000
"""Of more, every so many-th: a median that is off by a centimetre shifts nothing."""
_MOST_SAMPLED = 4_000_000
"""Cells of the whole grid that are in memory at once."""
_MOST_WHOLE = 60_000
"""Cells that the first search asks."""
_REACH_M, _LEVEL_REACH_M = 150.0, 50.0
_RIDGE_M2 = 500.0
_STRAY_M = 0.15
_EDGE_M = 0.5
_LEAST_BEND = 2e-3
"""Metres by which it must cost more on both sides of the best shift, together: a field has none, but by chance."""
_FARTHER, _APART = 4, 3
"""Cells more around what is expected, and steps to both sides, where blocks are asked more closely: a house far off
costs more the farther it is moved, chance does not."""


@dataclass(frozen=True, slots=True, eq=False)
class Shifts:
    """What stands at a place of the older surface, the newer one shows at that place plus `at(place)`.

    `values` (rows, columns, 3): east, north and up in metres at knots `step_m` apart, from (`west_m`, `north_m`) on.
    `residual_m`: median of what heights differ by afterwards, without sign. `blocks`: how many said something.
    """

    values: Heights
    west_m: float
    north_m: float
    step_m: float
    residual_m: float
    blocks: int

    def at(self, places: Doubles) -> Doubles:
        """(n, 3) at places (n, 2); beyond the knots as at the nearest."""
        knots = (self.north_m - places[:, 1]) / self.step_m, (places[:, 0] - self.west_m) / self.step_m
        return np.stack([map_coordinates(self.values[..., axis], knots, order=1, mode="nearest") for axis in range(3)],
                        axis=1).astype(np.float64)  # fmt: skip

    def over(self, east: Doubles, north: Doubles) -> Heights:
        """(rows, columns, 3) over columns `east` and rows `north`, fewer than 32,768 of each: as `at`, but quick."""
        across = np.broadcast_to(((east - self.west_m) / self.step_m).astype(np.float32), (len(north), len(east)))
        down = np.broadcast_to(((self.north_m - north) / self.step_m).astype(np.float32)[:, None], across.shape)
        maps = np.ascontiguousarray(across), np.ascontiguousarray(down)
        found = cv2.remap(self.values, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(found, np.float32)


@dataclass(frozen=True, slots=True)
class _Search:
    """`near`: cells around what is expected; only every `thin`-th cell is asked, at shifts `step` apart. How much more
    it costs beside the best one is looked at `apart` steps away."""

    near: int
    thin: int
    step: int
    apart: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    middle: Doubles
    shift: Doubles
    """East, north, up."""
    weight: float
    residual_m: float


def shifts_between(older: Surface, newer: Surface, reach_m: float) -> Shifts | None:
    """`reach_m`: how far both flights may be apart. None where they share too little to say."""
    first = _whole(older, newer, reach_m)
    if first is None:
        return None
    cell = older.grid.cell_m
    blocks = [_Block(np.zeros(2), np.array((first[0] * cell, -first[1] * cell, 0.0)), 1.0, 0.0)]
    # What a wide grid was sought in by larger steps is known the less exactly.
    wide = max(_COARSE, older.step_for(_MOST_SAMPLED)) - _COARSE
    for near, thin, by in ((_ROUNDS[0][0] + wide, *_ROUNDS[0][1:]), *_ROUNDS[1:]):
        found = _blocks(older, newer, blocks, _Search(near, thin, by))
        # Of many blocks some may say nothing. Where none does, as where there is but one, each is asked more closely.
        found = found or _blocks(older, newer, blocks, _Search(near + _FARTHER, thin // 3, by, apart=_APART))
        if not found:
            return None
        blocks = found
    grid, step = older.grid, STEP_M / 2
    columns = np.arange(0, grid.columns * grid.cell_m + step, step)
    rows = np.arange(0, grid.rows * grid.cell_m + step, step)
    values = np.empty((len(rows), len(columns), 3), np.float32)
    for row, down in enumerate(rows):
        for column, across in enumerate(columns):
            values[row, column] = _fitted(blocks, np.array((grid.west_m + across, grid.north_m - down)))
    residual = float(np.median([block.residual_m for block in blocks]))
    return Shifts(values, grid.west_m, grid.north_m, step, residual, len(blocks))


def laid(newer: Surface, shifts: Shifts, grid: Grid, window: Window) -> tuple[Heights, Heights]:
    """The newer surface at the cells of an older one's window, in that one's heights; and how many pairs say so."""
    east, north = grid.places(window)
    moves = shifts.over(east, north)
    columns = (east[None] + moves[..., 0] - newer.grid.west_m) / newer.grid.cell_m - 0.5
    rows = (newer.grid.north_m - north[:, None] - moves[..., 1]) / newer.grid.cell_m - 0.5
    top, left = int(np.floor(rows.min())) - 2, int(np.floor(columns.min())) - 2
    around = Window(top, left, int(np.ceil(rows.max())) + 3 - top, int(np.ceil(columns.max())) + 3 - left)
    heights, agreeing = newer.read(around)
    maps = (columns - left).astype(np.float32), (rows - top).astype(np.float32)
    found = _sampled(heights, *maps) - moves[..., 2]
    count = cv2.remap(agreeing.astype(np.float32), *maps, cv2.INTER_NEAREST)
    return found.astype(np.float32), np.asarray(count, np.float32)


def _sampled(heights: Heights, columns: Heights, rows: Heights) -> Heights:
    """Bilinear, but nothing in between across an edge; unknown where the nearest is."""
    filled = np.where(np.isfinite(heights), heights, np.float32(-1e6))
    smooth = cv2.remap(filled, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=-1e6)
    near = cv2.remap(filled, columns, rows, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=-1e6)
    found = np.where(np.abs(smooth - near) > _EDGE_M, near, smooth)
    return np.where(found > -1e5, found, np.nan).astype(np.float32)


def _whole(older: Surface, newer: Surface, reach_m: float) -> tuple[int, int] | None:
    """Cells right and down, on the older one's grid, to a metre."""
    grid = older.grid
    step = max(_COARSE, older.step_for(_MOST_SAMPLED))
    here = older.sampled(grid.whole, step)
    side = max(1, int(np.ceil(reach_m / grid.cell_m / step)))
    there = newer.sampled(_grown(_on(newer, grid, grid.whole, (0, 0)), side * step), step)
    costs = _costs(here, there, side, max(1, round(float(np.sqrt(here.size / _MOST_WHOLE)))))
    if not np.isfinite(costs).any():
        return None
    down, right = np.unravel_index(int(costs.argmin()), costs.shape)
    return (int(right) - side) * step, (int(down) - side) * step


def _on(newer: Surface, grid: Grid, window: Window, cells: tuple[int, int]) -> Window:
    """The window of the newer surface that lies on one of the older's grid, moved by so many cells right and down."""
    right = round((grid.west_m - newer.grid.west_m) / grid.cell_m) + cells[0]
    down = round((newer.grid.north_m - grid.north_m) / grid.cell_m) + cells[1]
    return Window(window.row + down, window.column + right, window.rows, window.columns)


def _grown(window: Window, cells: int) -> Window:
    return Window(window.row - cells, window.column - cells, window.rows + 2 * cells, window.columns + 2 * cells)


def _costs(here: Heights, there: Heights, side: int, thin: int = 1, step: int = 1) -> Doubles:
    """(n, n): mean difference of heights at shifts down and right from -side to side, by `step`; infinite if unknown.

    `there` is larger than `here` by `side` all around. Only every `thin`-th row and column is asked.
    """
    rows, columns = here.shape
    here = here[::thin, ::thin]
    tried = range(0, 2 * side + 1, step)
    costs = np.full((len(tried), len(tried)), np.inf)
    least = max(_LEAST_CELLS, _LEAST_SHARE * float(np.isfinite(here).sum()))
    for row, down in enumerate(tried):
        for column, right in enumerate(tried):
            gap = there[down : down + rows : thin, right : right + columns : thin] - here
            gap = gap[np.isfinite(gap)]
            if len(gap) >= least:
                middle = np.median(gap[:: max(1, len(gap) // _MEDIAN_OF)])
                costs[row, column] = np.minimum(np.abs(gap - middle), _MOST_M).mean()
    return costs


def _blocks(older: Surface, newer: Surface, known: list[_Block], search: _Search) -> list[_Block]:
    """All of a surface, each sought around what the `known` ones say of its place."""
    grid = older.grid
    side, step = round(BLOCK_M / grid.cell_m), round(STEP_M / grid.cell_m)
    found = []
    for top in range(0, max(1, grid.rows - side // 2), step):
        for left in range(0, max(1, grid.columns - side // 2), step):
            window = Window(top, left, min(side, grid.rows - top), min(side, grid.columns - left))
            block = None if older.is_empty(window) else _block(older, newer, window, known, search)
            if block is not None:
                found.append(block)
    return found


def _block(older: Surface, newer: Surface, window: Window, known: list[_Block], search: _Search) -> _Block | None:
    """The shift of one block to a part of a cell; None where nothing stands that would tell it."""
    near, step, apart = search.near, search.step, search.apart
    here = older.read(window)[0]
    if np.isfinite(here).mean() < _LEAST_SHARE:
        return None
    cell = older.grid.cell_m
    east, north = older.grid.places(window)
    middle = np.array((east.mean(), north.mean()))
    expected = _fitted(known, middle)
    first = round(expected[0] / cell), -round(expected[1] / cell)
    there = newer.read(_grown(_on(newer, older.grid, window, first), near))[0]
    costs = _costs(here, there, near, search.thin, step)
    if not np.isfinite(costs).all():
        return None
    down, right = (int(value) for value in np.unravel_index(int(costs.argmin()), costs.shape))
    if not all(apart <= best < len(costs) - apart for best in (down, right)):
        return None
    if min(_bends(costs, down, right, apart)) < _LEAST_BEND * apart:
        return None
    bends = _bends(costs, down, right)
    lines = costs[down, right - 1 : right + 2], costs[down - 1 : down + 2, right]
    if min(bends) <= 0:
        return None
    parts = [float(line[0] - line[2]) / (2 * bend) for line, bend in zip(lines, bends, strict=True)]
    down, right = down * step, right * step
    gap = there[down : down + window.rows, right : right + window.columns] - here
    up = float(np.nanmedian(gap))
    away = right - near + parts[0] * step, down - near + parts[1] * step
    shift = ((first[0] + away[0]) * cell, -(first[1] + away[1]) * cell, up)
    return _Block(middle, np.array(shift), min(bends), float(np.nanmedian(np.abs(gap - up))))


def _bends(costs: Doubles, down: int, right: int, apart: int = 1) -> tuple[float, float]:
    """How much more it costs on both sides together, across and down."""
    best = 2 * costs[down, right]
    across = costs[down, right - apart] + costs[down, right + apart] - best
    return float(across), float(costs[down - apart, right] + costs[down + apart, right] - best)


def _fitted(blocks: list[_Block], place: Doubles) -> Doubles:
    """(3,) at a place: level shifts by a plane through the blocks', height by the nearest ones' mean."""
    apart = np.array([block.middle for block in blocks]) - place
    moves = np.array([block.shift for block in blocks])
    weights = np.array([block.weight for block in blocks])
    far = (apart**2).sum(axis=1)
    # Beyond the blocks' reach the nearest ones still say more than nothing.
    near = weights * np.exp(-0.5 * (far - far.min()) / _REACH_M**2)
    sides = np.concatenate((np.ones((len(apart), 1)), apart), axis=1)
    for _ in range(3):
        held = np.diag((0.0, 1.0, 1.0)) * _RIDGE_M2 * near.sum()
        normal = (sides * near[:, None]).T @ sides + held
        fitted = np.linalg.solve(normal, (sides * near[:, None]).T @ moves[:, :2])
        off = np.linalg.norm(moves[:, :2] - sides @ fitted, axis=1)
        near = near / np.maximum(1.0, off / _STRAY_M)
    level = np.exp(-0.5 * (far - far.min()) / _LEVEL_REACH_M**2)
    return np.array((*fitted[0], float((level * moves[:, 2]).sum() / level.sum())), np.float64)
