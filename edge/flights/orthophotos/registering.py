"""A flight laid onto an orthophoto without heights, by the edges that both show.

Months apart hardly a point looks alike; walls, kerbs and roads still run where they ran. Of each picture the direction
of its edges is kept and neither their strength nor their sign (orientation correlation, Fitch et al. 2002, doubled so
that light on dark and dark on light are one), block by block all shifts are tried at once, and a plane is laid through
what the blocks say.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.flights.orthophotos.views import OrthoViews
from edge.flights.pictured import Pictured
from edge.flights.shots import Progress
from edge.flights.surfacing import Surfaced
from edge.vision.arrays import Doubles, Floats
from edge.vision.surface.aligning import Shifts
from edge.vision.surface.patches import Patch, Seen, on_level, steepness
from edge.vision.surface.rising import filled_low
from edge.vision.surface.shots import Picture
from edge.vision.surface.surfaces import Window

BLOCK_M, STEP_M = 64.0, 50.0
NEAR_M = 2.5
"""Around what the whole flight says a block's own shift is sought."""
LEAST_CLEAR = 5.5
"""Standard deviations by which the whole flight's best shift is to stand out of the others, after what is broad was
taken off: of other places 4.3 at most, of drawn towns months apart 7 to 24."""
LEAST_BLOCK_CLEAR = 4.0
_BROAD_CELLS = 4.0
"""Roads agree with roads wherever they run the same way; at their place they agree sharply."""
_LEAST_SEEN = 0.4
_SOFT_PX = 1.0
_FAINT = 6.0
"""Grey levels a pixel: an edge as weak as noise counts for little."""
_KNOT_M = 30.0
_STRAY_M = 0.4
_LEAN_M2 = 40.0**2
"""How far a plane's slope is trusted: blocks must span so much to tell one."""
_FILL_CELLS = 16

Complexes = NDArray[np.complex64]


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    middle: Doubles
    """In the flight's metres."""
    scores: Floats
    """(n, n) of shifts down and right, from -reach to reach."""


def laid_onto(views: OrthoViews, newer: Surfaced, pictured: Pictured, reach_m: float, progress: Progress
              ) -> Shifts | None:  # fmt: skip
    """What stands at a place of the orthophoto, the flight shows at that place plus this. None where that is not clear.

    Raises:
        OrthophotoError: the file is broken.
    """
    cell = newer.surface.grid.cell_m
    reach = math.ceil(reach_m / cell)
    windows = list(_windows(newer))
    progress.begins("laid", len(windows))
    blocks = []
    for window in windows:
        progress.advances()
        block = _block(views, newer, pictured, window, reach)
        if block is not None:
            blocks.append(block)
    if not blocks:
        return None
    total = np.sum([block.scores for block in blocks], axis=0)
    peak = np.unravel_index(int(total.argmax()), total.shape)
    if _clear(total, peak) < LEAST_CLEAR:
        return None
    first = np.array((int(peak[1]) - reach, int(peak[0]) - reach))
    return _fitted(blocks, first, reach, cell)


def _windows(newer: Surfaced) -> Iterator[Window]:
    grid = newer.surface.grid
    side, step = round(BLOCK_M / grid.cell_m), round(STEP_M / grid.cell_m)
    for row in range(0, max(1, grid.rows - side // 3), step):
        for column in range(0, max(1, grid.columns - side // 3), step):
            window = Window(row, column, side, side)
            if not newer.surface.is_empty(window):
                yield window


def _block(views: OrthoViews, newer: Surfaced, pictured: Pictured, window: Window, reach: int) -> _Block | None:
    here = orthorectified(newer, pictured, window)
    if here is None:
        return None
    grid = newer.surface.grid
    east, north = grid.places(window)
    middle = np.array((east.mean(), north.mean()))
    side = window.rows + 2 * reach
    patch = Patch(
        float(middle[0]) - side / 2 * grid.cell_m, float(middle[1]) + side / 2 * grid.cell_m, side, side, grid.cell_m
    )
    found = views.looking_at(middle)
    picture = views.picture(int(found[0])) if len(found) else None
    if picture is None:
        return None
    there = on_level(Seen(views.eyes[int(found[0])], picture, np.zeros(3)), patch, pictured.ground_m)
    return _Block(middle, _correlated(edges_of(here), edges_of(there), reach))


def orthorectified(newer: Surfaced, pictured: Pictured, window: Window) -> Picture | None:
    """(rows, columns, 3): a window of the flight's own surface, by the one picture that shows it most steeply; black
    where nothing is known. None where less than two fifths of it are."""
    grid = newer.surface.grid
    heights = filled_low(newer.surface.read(window)[0], _FILL_CELLS)
    known = np.isfinite(heights)
    if known.mean() < _LEAST_SEEN:
        return None
    east, north = grid.places(window)
    middle = np.array((east.mean(), north.mean(), float(np.median(heights[known]))))
    order = sorted(pictured.looking_at(middle[:2]), key=lambda n: steepness(pictured.eyes[n], np.zeros(3), middle))
    made = np.zeros((window.rows, window.columns, 3), np.uint8)
    points = np.stack((*np.meshgrid(east, north), np.where(known, heights, middle[2])), axis=2).reshape(-1, 3)
    open_ = known.copy()
    for number in order[:3]:
        picture = pictured.picture(int(number))
        if picture is None or not open_.any():
            continue
        eye = pictured.eyes[number]
        pixels = eye.pixels(points).reshape(*known.shape, 2).astype(np.float32)
        inside = open_ & (pixels >= 1).all(axis=2) & (pixels < np.array((eye.width, eye.height)) - 2).all(axis=2)
        seen = cv2.remap(picture, pixels[..., 0].copy(), pixels[..., 1].copy(), cv2.INTER_LINEAR)
        made[inside] = seen[inside]
        open_ &= ~inside
    return made if (known & ~open_).mean() >= _LEAST_SEEN else None


def edges_of(bgr: Picture) -> Complexes:
    """(rows, columns): twice the angle of each edge, and how clear it is; 0 where nothing is known."""
    grey = cv2.GaussianBlur(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), (0, 0), _SOFT_PX).astype(np.float32)
    across, down = (cv2.Sobel(grey, cv2.CV_32F, *order, ksize=3, scale=0.25) for order in ((1, 0), (0, 1)))
    slope = across + 1j * down
    power = np.abs(slope)
    clear = slope**2 / np.maximum(power**2 + power * _FAINT, 1e-3)
    unknown = cv2.dilate((bgr.max(axis=2) == 0).view(np.uint8), np.ones((7, 7), np.uint8)) > 0
    return np.where(unknown, 0, clear).astype(np.complex64)


def _correlated(here: Complexes, there: Complexes, reach: int) -> Floats:
    """(2 · reach + 1, …): how well both agree when the first lies so far down and right in the second."""
    shape = there.shape
    found = np.fft.ifft2(np.fft.fft2(there) * np.conj(np.fft.fft2(here, shape)))
    scores = np.ascontiguousarray(found.real[: 2 * reach + 1, : 2 * reach + 1], np.float32)
    return np.asarray(scores - cv2.GaussianBlur(scores, (0, 0), _BROAD_CELLS), np.float32)


def _clear(scores: Floats, peak: tuple[np.intp, ...]) -> float:
    return float((scores[peak] - scores.mean()) / max(float(scores.std()), 1e-9))


def _fitted(blocks: list[_Block], first: NDArray[np.int64], reach: int, cell_m: float) -> Shifts:
    """`first`: right and down, in cells, of the whole flight."""
    near = max(2, round(NEAR_M / cell_m))
    middles: list[Doubles] = []
    moves: list[tuple[float, float]] = []
    weights: list[float] = []
    for block in blocks:
        left, top = (int(np.clip(value + reach - near, 0, 2 * (reach - near))) for value in first)
        part = block.scores[top : top + 2 * near + 1, left : left + 2 * near + 1]
        down, right = (int(value) for value in np.unravel_index(int(part.argmax()), part.shape))
        clear = float((part[down, right] - block.scores.mean()) / max(float(block.scores.std()), 1e-9))
        if clear < LEAST_BLOCK_CLEAR or not (0 < down < 2 * near and 0 < right < 2 * near):
            continue
        parts = [_peak(line) for line in (part[down, right - 1 : right + 2], part[down - 1 : down + 2, right])]
        middles.append(block.middle)
        # What lies right and below in the orthophoto, the flight shows to the left and above.
        moves.append((-(left - reach + right + parts[0]) * cell_m, (top - reach + down + parts[1]) * cell_m))
        weights.append(clear)
    if not moves:
        middles, weights = [blocks[0].middle], [1.0]
        moves = [(float(-first[0] * cell_m), float(first[1] * cell_m))]
    return _plane(np.array(middles), np.array(moves), np.array(weights), blocks)


def _plane(middles: Doubles, moves: Doubles, weights: Doubles, blocks: list[_Block]) -> Shifts:
    origin = middles.mean(axis=0)
    sides = np.column_stack((np.ones(len(middles)), middles - origin))
    held = np.diag((0.0, 1.0, 1.0)) * _LEAN_M2 * weights.sum()
    near = weights.copy()
    for _ in range(5):
        fitted = np.linalg.solve((sides * near[:, None]).T @ sides + held, (sides * near[:, None]).T @ moves)
        off = np.linalg.norm(moves - sides @ fitted, axis=1)
        near = weights / np.maximum(1.0, (off / _STRAY_M) ** 2)
    every = np.array([block.middle for block in blocks])
    low, high = every.min(axis=0) - BLOCK_M, every.max(axis=0) + BLOCK_M
    columns, rows = (np.arange(low[axis], high[axis] + _KNOT_M, _KNOT_M) for axis in (0, 1))
    rows = rows[::-1]
    knots = np.stack(np.meshgrid(columns, rows), axis=2)
    level = fitted[0] + (knots - origin) @ fitted[1:]
    values = np.concatenate((level, np.zeros((*level.shape[:2], 1))), axis=2).astype(np.float32)
    return Shifts(values, float(columns[0]), float(rows[0]), _KNOT_M, float(np.median(off)), len(middles))


def _peak(line: Floats) -> float:
    bend = float(line[0] - 2 * line[1] + line[2])
    return float(line[0] - line[2]) / (2 * bend) if bend < 0 else 0.0
