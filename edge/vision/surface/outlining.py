"""The outline of what has risen, as it was built: from the grid's cells to sides that lie on edges of the pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from edge.vision.arrays import Doubles, Mask
from edge.vision.change.radiometry import lab_of
from edge.vision.change.snapping import snapped
from edge.vision.change.squaring import dominant_turn, squared
from edge.vision.surface.patches import Patch
from edge.vision.surface.rising import Rise
from edge.vision.surface.shots import Picture
from edge.vision.surface.surfaces import Grid

FATTENED_M = 0.2
"""By how much stereo draws a thing too large on each side: half of its matching window."""
_CERTAIN = 0.8
"""Fit from which the direction of the pictures' edges is right."""


@dataclass(frozen=True, slots=True, eq=False)
class Outlined:
    """`outline_m` (n, 2), and the smallest rectangle's sides. `fit`: intersection over union of cells and outline."""

    outline_m: Doubles
    fit: float
    length_m: float
    width_m: float
    area_m2: float
    corners_px: Doubles
    """The outline in pixels of the patch."""
    mask: Mask
    """(rows, columns) of the patch, 255 within the outline."""


def mask_on(rise: Rise, grid: Grid, patch: Patch) -> Mask:
    """The cells of a rise in the pixels of a patch."""
    scale = grid.cell_m / patch.texel_m
    corner = grid.metres(np.array(((rise.column, rise.row),), np.float64))[0]
    left, top = (corner[0] - patch.west_m) / patch.texel_m, (patch.north_m - corner[1]) / patch.texel_m
    # Pixel (0, 0) of a mask covers from -0.5 to 0.5.
    across = np.array(((scale, 0, left + scale / 2 - 0.5), (0, scale, top + scale / 2 - 0.5)), np.float64)
    soft = cv2.warpAffine(rise.mask, across, (patch.columns, patch.rows), flags=cv2.INTER_LINEAR)
    return (soft > 127).view(np.uint8) * np.uint8(255)


def outlined(mask: Mask, patch: Patch, top: Picture) -> Outlined | None:
    """`mask`: a rise in the pixels of a patch; `top`: the newer pictures on the level of its roof. None where nothing
    of it is left."""
    cells = round(FATTENED_M / patch.texel_m)
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (2 * cells + 1, 2 * cells + 1))
    thin = np.asarray(cv2.erode(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, kernel), kernel), np.uint8)
    if not thin.any():
        return None
    lab = lab_of(top)
    turn = dominant_turn(np.ascontiguousarray(lab[..., 0], np.float32), thin)
    shape = squared(thin, turn)
    if shape.fit < _CERTAIN:
        # What lies around a small roof may have stronger edges than it has.
        own = squared(thin, _own_turn(thin))
        shape = own if own.fit > shape.fit else shape
    shape = snapped(shape, lab)
    within = np.zeros_like(mask)
    cv2.fillPoly(within, [np.rint(shape.corners).astype(np.int32)], 255)
    area = cv2.contourArea(shape.corners.astype(np.float32)) * patch.texel_m**2
    sides = shape.length_px * patch.texel_m, shape.width_px * patch.texel_m
    return Outlined(patch.metres(shape.corners), shape.fit, *sides, area, shape.corners, within)


def _own_turn(mask: Mask) -> float:
    """Direction of the smallest rectangle around a mask, 0 to π/2."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    _, _, degrees = cv2.minAreaRect(max(contours, key=cv2.contourArea))
    return math.radians(degrees % 90)
