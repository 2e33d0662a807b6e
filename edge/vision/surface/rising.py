"""Places where the newer surface stands higher than the older one did, as pieces of a grid."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Mask
from edge.vision.change.cover import local_deviation
from edge.vision.surface.surfaces import Heights

LEAST_RISE_M = 1.5
"""Less is a car, a heap, a hedge; what people stand in is higher."""
LEAST_AREA_M2 = 6.0
_MOST_AREA_M2 = 20_000.0
_LEAST_WIDTH_M = 1.3
_FILL_M = 4.0
_STEP_M = 1.2
_AGREED = 2
_LOWER_M = 1.0
_MARGIN_CELLS = 4
_SAME_M = 0.8
_REACH_M, _LEVEL_M, _SEEDS, _ROUGH_M = 4.0, 0.4, 3, 0.35
_EVEN_M, _CROWN_CELLS, _PROVEN = 0.2, 7, 0.35
"""What is as even as this is no crown, and no crown is narrower. Of a roof where a crown stood such a share must have
risen beside the crown: what stood below it is not known."""


@dataclass(frozen=True, slots=True, eq=False)
class Rise:
    """One piece: `mask` (rows, columns) of 255 with its first `row` and `column` in the grid.

    `gain_m`: median by which it stands higher. `rough_m`: what its surface strays from planes. `known`: share of it
    whose height before was seen, and not taken from beside it.
    """

    mask: Mask
    row: int
    column: int
    gain_m: float
    top_m: float
    """Median height."""
    rough_m: float
    known: float
    agreed: float
    """Share of it that two pairs of pictures or more say."""
    steps: float
    """Share of its rim behind which the surface falls."""
    area_m2: float


def rises(older: Heights, newer: Heights, agreeing: Heights, cell_m: float) -> list[Rise]:
    """Of two surfaces laid on each other; `agreeing`: how many pairs of pictures say each height of the newer one."""
    # What a crown hid is as unknown as what lay behind a wall.
    measured = np.isfinite(older)
    with np.errstate(invalid="ignore"):
        proven = newer - filled_low(older, round(_FILL_M / cell_m)) >= LEAST_RISE_M
    older = np.where(_uncrowned(older, newer), np.float32(np.nan), older)
    before = filled_low(older, round(_FILL_M / cell_m))
    gap = newer - before
    with np.errstate(invalid="ignore"):
        high = np.asarray(gap >= LEAST_RISE_M).view(np.uint8) * np.uint8(255)
    # Single cells that no pair saw lie within roofs as often as beside them.
    unknown = np.isnan(gap).view(np.uint8) * np.uint8(255)
    closed = cv2.morphologyEx(high, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    high = np.where((unknown > 0) & (closed > 0), closed, high).astype(np.uint8)
    side = max(3, round(_LEAST_WIDTH_M / cell_m) | 1)
    opened = cv2.morphologyEx(high, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_RECT, (side, side)))
    # What is as high as before stays what it was, whatever rises beside it.
    with np.errstate(invalid="ignore"):
        same = np.isfinite(older) & (np.abs(newer - older) < _SAME_M)
    taken = np.zeros(high.shape, bool)
    found = []
    for core in sorted(_parts(np.asarray(opened, np.uint8), newer, cell_m), key=lambda part: -int(part[0].sum())):
        piece, row, column = _grown(core, newer, same | taken, cell_m)
        window = np.s_[row : row + piece.shape[0], column : column + piece.shape[1]]
        area = float((piece > 0).sum()) * cell_m**2
        inside = (piece > 0) & np.isfinite(gap[window])
        if not inside.any() or not LEAST_AREA_M2 <= area <= _MOST_AREA_M2:
            continue
        gain = float(np.median(gap[window][inside]))
        if gain < LEAST_RISE_M or proven[window][piece > 0].mean() < _PROVEN:
            continue
        taken[window] |= piece > 0
        tops = newer[window]
        found.append(
            Rise(
                mask=piece,
                row=row,
                column=column,
                gain_m=gain,
                top_m=float(np.median(tops[inside])),
                rough_m=roughness(tops, inside),
                known=float(measured[window][piece > 0].mean()),
                agreed=float((agreeing[window][inside] >= _AGREED).mean()),
                steps=stepped(tops, piece),
                area_m2=area,
            )
        )
    return found


def _uncrowned(older: Heights, newer: Heights) -> NDArray[np.bool]:
    """Where a crown stood and something even stands or lies now: (rows, columns)."""
    then, now = (
        local_deviation(np.where(np.isfinite(each), each, np.float32(-1e3)).astype(np.float32), 5)
        for each in (older, newer)
    )
    found = (np.isfinite(older) & (then > _ROUGH_M) & (now < _EVEN_M)).view(np.uint8)
    kernel = np.ones((_CROWN_CELLS, _CROWN_CELLS), np.uint8)  # along steps it is rough as well, in strips
    return np.asarray(cv2.morphologyEx(found, cv2.MORPH_OPEN, kernel) > 0, np.bool)


def _grown(
    core: tuple[Mask, int, int], heights: Heights, held: NDArray[np.bool], cell_m: float
) -> tuple[Mask, int, int]:
    """A piece with what belongs to its roof: as high as its neighbour, cell by cell, and not held by something else.

    Where the older surface is unknown or spoilt by a wall, a roof would else be found in parts.
    """
    piece, row, column = core
    margin = round(_REACH_M / cell_m)
    top, left = max(row - margin, 0), max(column - margin, 0)
    window = np.s_[top : row + piece.shape[0] + margin, left : column + piece.shape[1] + margin]
    around = heights[window]
    start = np.zeros(around.shape, np.uint8)
    start[row - top : row - top + piece.shape[0], column - left : column - left + piece.shape[1]] = piece
    start[held[window]] = 0
    known = np.where(np.isfinite(around), around, np.float32(-1e3)).astype(np.float32)
    # Crowns that touch a roof are as high, and rough.
    crown = (local_deviation(known, 5) > _ROUGH_M) & (start == 0)
    filled = np.zeros((around.shape[0] + 2, around.shape[1] + 2), np.uint8)
    filled[1:-1, 1:-1] = np.where(held[window] | np.isnan(around) | crown, 1, 0)
    for seed_row, seed_column in np.argwhere(start > 0)[::_SEEDS]:
        if filled[seed_row + 1, seed_column + 1] == 0:
            seed = int(seed_column), int(seed_row)
            cv2.floodFill(
                known,
                filled,
                seed,
                0.0,
                _LEVEL_M,
                _LEVEL_M,
                4 | cv2.FLOODFILL_MASK_ONLY | cv2.FLOODFILL_FIXED_RANGE | (255 << 8),
            )
    whole = np.where((filled[1:-1, 1:-1] == 255) | (start > 0), np.uint8(255), np.uint8(0))
    whole = cv2.morphologyEx(whole, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    side = max(3, round(_LEAST_WIDTH_M / cell_m) | 1)
    whole = cv2.morphologyEx(whole, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    _, labels = cv2.connectedComponents(whole, connectivity=4)
    mine = labels[(start > 0) & (labels > 0)]
    if not len(mine):
        return start, top, left
    return (labels == np.bincount(mine).argmax()).view(np.uint8) * np.uint8(255), top, left


def stepped(heights: Heights, piece: Mask) -> float:
    """Share of the rim of a piece beyond which heights fall by a metre or are hidden by it."""
    inner = np.where(piece > 0, heights, np.float32(np.nan))
    top = float(np.nanmedian(inner))
    ring = (cv2.dilate(piece, np.ones((7, 7), np.uint8)) > 0) & (cv2.dilate(piece, np.ones((5, 5), np.uint8)) == 0)
    if not ring.any():
        return 0.0
    outside = heights[ring]
    return float((np.isnan(outside) | (outside < top - _LOWER_M)).mean())


def filled_low(heights: Heights, cells: int) -> Heights:
    """Unknown cells take the lowest height within `cells`: what no camera saw lies behind a wall, not on a roof."""
    known = np.isfinite(heights)
    high = np.where(known, heights, np.float32(1e4)).astype(np.float32)
    around = cv2.erode(high, np.ones((2 * cells + 1, 2 * cells + 1), np.uint8))
    return np.where(known, heights, np.where(around < 9e3, around, np.nan)).astype(np.float32)


def _parts(mask: Mask, heights: Heights, cell_m: float) -> list[tuple[Mask, int, int]]:
    """Pieces of a mask, cut where the surface itself has a step: a shed against a new wall is a piece of its own."""
    known = np.where(np.isfinite(heights), heights, np.float32(-1e3)).astype(np.float32)
    top, low = cv2.dilate(known, np.ones((3, 3), np.uint8)), cv2.erode(known, np.ones((3, 3), np.uint8))
    step = (top - low > _STEP_M) & (low > -900)
    core = np.where(step, np.uint8(0), mask).astype(np.uint8)
    core = np.asarray(cv2.morphologyEx(core, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(core, connectivity=4)
    found = []
    least = max(4, round(0.35 * LEAST_AREA_M2 / cell_m**2))
    for number in range(1, count):
        column, row, width, height, area = (int(value) for value in stats[number])
        if area < least:
            continue
        low_row, low_column = max(row - _MARGIN_CELLS, 0), max(column - _MARGIN_CELLS, 0)
        window = np.s_[low_row : row + height + _MARGIN_CELLS, low_column : column + width + _MARGIN_CELLS]
        own = (labels[window] == number).view(np.uint8) * np.uint8(255)
        # The rim that the steps took away is given back, within the mask.
        grown = cv2.dilate(own, np.ones((3, 3), np.uint8))
        others = (labels[window] > 0) & (labels[window] != number)
        piece = np.where((mask[window] > 0) & (grown > 0) & ~others, np.uint8(255), np.uint8(0))
        found.append((piece, low_row, low_column))
    return found


def roughness(heights: Heights, inside: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> float:
    """Metres: the median distance of heights from the plane through their neighbourhood, in the inner part."""
    values = np.where(inside, heights, 0).astype(np.float32)
    weight = inside.astype(np.float32)
    side = (5, 5)
    share = cv2.boxFilter(weight, -1, side)
    mean = cv2.boxFilter(values, -1, side) / np.maximum(share, 1e-6)
    inner = inside & (share > 0.99)
    if not inner.any():
        inner = inside & (share > 0.5)
    if not inner.any():
        return 1.0
    # Sloping planes have their own mean in the middle; crowns and noise do not.
    return float(1.4826 * np.median(np.abs(values - mean)[inner]))
