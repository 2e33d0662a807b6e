"""What belongs to a low roof though the heights gave it to the wall beside it.

Matching draws what stands high up to a metre and a half too large where little is painted on what lies below. The
pictures still know better: laid on the roof's level they show the same there, laid on the wall's height they do not
(the plane sweep of Collins 1996, with three planes).
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Floats, Mask, mask_of
from edge.vision.change.radiometry import lab_of
from edge.vision.surface.patches import Patch, Seen, middling, on_level
from edge.vision.surface.shots import Picture
from edge.vision.surface.surfaces import Grid, Heights

REACH_M = 2.0
"""How far a wall's height is drawn over what lies beside it, at most."""
HIGHER_M, WALL_M = 1.5, 1.5
"""What is so much higher, and so wide, is a wall's; single cells are measured wrongly anywhere."""
_WINDOW_PX, _LEAST_PX = 5, 5
_CLEARLY, _AT_LEAST = 0.7, 2.0
"""By this share, and by so many levels, the pictures differ less on the right level than on a wrong one."""
_TYPICAL, _USUAL, _EVEN = 0.8, 1.5, 3.0
"""Pictures of a roof differ by levels of this quantile, a half more is still the same roof; never less than noise."""
_NEAR = 6.0
"""Levels of Lab beyond the roof's own colours."""


def reclaimed(
    mask: Mask, patch: Patch, grid: Grid, heights: Heights, seen: Sequence[Seen], up_m: float, low_m: float
) -> Mask:
    """`mask` (rows, columns) of a roof at `up_m` in a patch, with what is joined to it and that `seen`, two pictures or
    more, show on its level rather than on its own, greater, `heights` of `grid`, or on `low_m`, where it stands on."""
    measured = _levels(heights, grid, patch)
    contested = _contested(mask, patch, measured, up_m)
    if len(seen) < 2 or not contested.any():
        return mask
    levels = np.where(contested, measured, np.float32(up_m))
    tops = [on_level(each, patch, up_m) for each in seen]
    here, there = _disagreement(tops), _disagreement([_on_heights(each, patch, levels) for each in seen])
    below = _disagreement([on_level(each, patch, low_m) for each in seen])
    usual = max(_EVEN, _USUAL * float(np.quantile(here[mask > 0], _TYPICAL)))
    # What is even looks the same on each level, and one level may do if the colour is the roof's.
    signs = [_clearly_less(here, there), _clearly_less(here, below), _alike(middling(tops), mask)]
    own = contested & (here < usual) & (here <= np.minimum(there, below) + 1) & (np.sum(signs, axis=0) >= 2)
    kernel = np.ones((_LEAST_PX, _LEAST_PX), np.uint8)
    whole = cv2.morphologyEx(mask_of(own | (mask > 0)), cv2.MORPH_CLOSE, kernel)
    added = (cv2.morphologyEx(whole, cv2.MORPH_OPEN, kernel) > 0) & contested
    _, labels = cv2.connectedComponents(mask_of(added | (mask > 0)), connectivity=4)
    return mask_of(np.isin(labels, np.unique(labels[mask > 0])))


def _clearly_less(here: Floats, elsewhere: Floats) -> NDArray[np.bool]:
    return np.asarray((here < _CLEARLY * elsewhere) & (here < elsewhere - _AT_LEAST), np.bool)


def _contested(mask: Mask, patch: Patch, levels: Heights, up_m: float) -> NDArray[np.bool]:
    """What lies beside the roof and was given a wall's height."""
    reach, across = (round(each / patch.texel_m) for each in (REACH_M, WALL_M))
    near = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)))
    with np.errstate(invalid="ignore"):
        high = mask_of(levels > up_m + HIGHER_M)
    wall = cv2.morphologyEx(high, cv2.MORPH_OPEN, np.ones((across, across), np.uint8))
    return np.asarray((near > 0) & (mask == 0) & (wall > 0), np.bool)


def _alike(top: Picture, mask: Mask) -> NDArray[np.bool]:
    """Where the colour is one that the roof has."""
    lab = cv2.GaussianBlur(np.asarray(lab_of(top), np.float32), (0, 0), 1.2)
    inner = cv2.erode(mask, np.ones((5, 5), np.uint8)) > 0
    low, high = np.quantile(lab[inner if inner.any() else mask > 0], (0.05, 0.95), axis=0)
    return np.asarray(((lab > low - _NEAR) & (lab < high + _NEAR)).all(axis=2), np.bool)


def _levels(heights: Heights, grid: Grid, patch: Patch) -> Heights:
    """(rows, columns) of the patch: the height of the cell that each pixel lies in."""
    columns, rows = np.arange(patch.columns, dtype=np.float64), np.arange(patch.rows, dtype=np.float64)
    across = grid.cells(patch.metres(np.stack((columns, np.zeros_like(columns)), axis=1)))[:, 0]
    down = grid.cells(patch.metres(np.stack((np.zeros_like(rows), rows), axis=1)))[:, 1]
    x, y = np.meshgrid(np.floor(across).astype(np.int32), np.floor(down).astype(np.int32))
    inside = (x >= 0) & (y >= 0) & (x < grid.columns) & (y < grid.rows)
    found = heights[np.where(inside, y, 0), np.where(inside, x, 0)]
    return np.where(inside, found, np.float32(np.nan)).astype(np.float32)


def _on_heights(seen: Seen, patch: Patch, levels: Heights) -> Picture:
    """As `on_level`, each pixel on its own level."""
    columns, rows = np.meshgrid(np.arange(patch.columns), np.arange(patch.rows))
    places = patch.metres(np.stack((columns.ravel(), rows.ravel()), axis=1).astype(np.float64))
    points = np.column_stack((places, np.asarray(levels, np.float64).ravel()))
    pixels = seen.eye.pixels(points + seen.shift).astype(np.float32)
    x, y = (np.ascontiguousarray(pixels[:, axis].reshape(levels.shape)) for axis in (0, 1))
    return np.asarray(cv2.remap(seen.picture, x, y, cv2.INTER_LINEAR), np.uint8)


def _disagreement(pictures: Sequence[Picture]) -> Floats:
    """(rows, columns): levels by which the two that are most alike around a pixel differ: a third may not see it."""
    pairs = [(one, other) for number, one in enumerate(pictures) for other in pictures[number + 1 :]]
    gaps = (cv2.absdiff(*pair).astype(np.float32).mean(axis=2) for pair in pairs)
    soft = [cv2.boxFilter(gap, -1, (_WINDOW_PX, _WINDOW_PX)) for gap in gaps]
    return np.asarray(np.min(soft, axis=0), np.float32)
