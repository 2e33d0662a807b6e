"""A flight's place corrected by buildings that the register has: where their outlines lie on what stands high."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from edge.vision.arrays import Doubles, Floats, Mask
from edge.vision.surface.surfaces import Surface

STEP_CELLS = 2
MOST_CELLS = 4_000_000
"""In memory at once: of wider flights fewer are looked at."""
REACH_M = 5.0
LEAST_BUILDINGS = 5
_STANDS_M = 2.0
_GROUND_M = 25.0
"""Within so far of every place there is ground."""
_RING_M = 1.5
_LEAST_LIKENESS, _CLEAR = 0.15, 1.2
"""Share that stands within outlines less the share beside them, and how many times what it is nearly everywhere else:
below, the register is of another place or time."""
_CHANCE = 3.0
"""Likeness is to be so many times its standard deviation by chance: outlines of other places came to 2.4 at most in
200 drawn towns, right ones to 6.5 and more (5 to 25 buildings)."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """Add this to places of the flight, in metres; `likeness` 0-1 and how many buildings said so."""

    east_m: float
    north_m: float
    likeness: float
    buildings: int


def anchored(surface: Surface, outlines: Sequence[BaseGeometry], reach_m: float = REACH_M) -> Anchor | None:
    """None where there are too few buildings, or their outlines fit nowhere within `reach_m`."""
    step = max(STEP_CELLS, surface.step_for(MOST_CELLS))
    grid, cell = surface.grid, surface.grid.cell_m * step
    heights = surface.sampled(grid.whole, step)
    inside, count = _drawn(surface, outlines, heights.shape, step)
    if count < LEAST_BUILDINGS:
        return None
    stands, seen = standing(heights, cell), np.isfinite(heights).astype(np.float32)
    scores = _scores(stands, seen, inside, cell, math.ceil(reach_m / cell))
    down, right = (int(value) for value in np.unravel_index(int(scores.argmax()), scores.shape))
    best, reach = float(scores[down, right]), len(scores) // 2
    share = float(stands.sum()) / max(float(seen.sum()), 1.0)
    chance = math.sqrt(share * (1 - share) / count)
    if best < max(_LEAST_LIKENESS, _CHANCE * chance, _CLEAR * float(np.quantile(scores, 0.9))):
        return None
    if not (0 < down < 2 * reach and 0 < right < 2 * reach):
        return None
    parts = [_peak(line) for line in (scores[down, right - 1 : right + 2], scores[down - 1 : down + 2, right])]
    # What stands lies right of and below its outlines by this: the flight is to be moved the other way.
    return Anchor(-(right - reach + parts[0]) * cell, (down - reach + parts[1]) * cell, best, count)


def _drawn(surface: Surface, outlines: Sequence[BaseGeometry], shape: tuple[int, int], step: int) -> tuple[Mask, int]:
    """1 within outlines, and how many of them lie on the surface."""
    grid = surface.grid
    south, east = grid.north_m - grid.rows * grid.cell_m, grid.west_m + grid.columns * grid.cell_m
    box = shapely.box(grid.west_m, south, east, grid.north_m)
    inside, count = np.zeros(shape, np.uint8), 0
    for outline in outlines:
        if not box.intersects(outline):
            continue
        for part in shapely.get_parts(outline):
            if not isinstance(part, shapely.Polygon):
                continue
            corners = grid.cells(np.asarray(part.exterior.coords, np.float64)[:, :2]) / step - 0.5
            cv2.fillPoly(inside, [np.rint(corners).astype(np.int32)], 1)
            count += 1
    return inside, count


def _scores(stands: Floats, seen: Floats, inside: Mask, cell_m: float, reach: int) -> Doubles:
    """(2 · reach + 1, …): what stands within outlines moved down and right, less what stands beside them, as shares."""
    side = 2 * round(_RING_M / cell_m) + 1
    within = inside > 0
    beside = (cv2.dilate(inside, np.ones((side, side), np.uint8)) > 0) & ~within
    scores = np.full((2 * reach + 1, 2 * reach + 1), -1.0)
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            there, known = _moved(stands, right, down), _moved(seen, right, down)
            shares = [(float(there[mask].sum()), float(known[mask].sum())) for mask in (within, beside)]
            if all(count > 0 for _, count in shares):
                scores[down + reach, right + reach] = shares[0][0] / shares[0][1] - shares[1][0] / shares[1][1]
    return scores


def standing(heights: Floats, cell_m: float) -> Floats:
    """1 where something stands two metres or more over the ground around, else 0."""
    known = np.isfinite(heights)
    side = 2 * round(_GROUND_M / cell_m) + 1
    kernel = np.ones((side, side), np.uint8)
    lowest = cv2.erode(np.where(known, heights, np.float32(1e4)).astype(np.float32), kernel)
    ground = cv2.dilate(np.where(lowest < 9e3, lowest, np.float32(-1e4)).astype(np.float32), kernel)
    with np.errstate(invalid="ignore"):
        return (known & (heights - ground > _STANDS_M)).astype(np.float32)


def _moved(values: Floats, right: int, down: int) -> Floats:
    across = np.array(((1, 0, -right), (0, 1, -down)), np.float64)
    return np.asarray(cv2.warpAffine(values, across, values.shape[::-1], flags=cv2.INTER_NEAREST), np.float32)


def _peak(line: Doubles) -> float:
    bend = float(line[0] - 2 * line[1] + line[2])
    return float(line[0] - line[2]) / (2 * bend) if bend < 0 else 0.0
