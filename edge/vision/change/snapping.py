"""Sides of a squared outline moved to where the picture has an edge.

What changed is known to half a metre only: it is blurred against grain and misregistration. The picture itself has the
roof's edge to a pixel.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from edge.vision.arrays import Doubles, Floats
from edge.vision.change.squaring import Squared

REACH_PX = 7
_CLEAR = 1.25
"""By how much an edge elsewhere must be the stronger one."""
_LEAST_STEP = 4.0
"""Levels of Lab."""
_PER_PX = 0.02
"""Share of its strength that an edge loses for each pixel it lies away."""
_LEAST_SIDE_PX = 8.0


def snapped(shape: Squared, lab: Floats) -> Squared:
    """The outline with each side at the strongest step of colour within seven pixels; as it is, if it is not squared.

    `lab` (height, width, 3), in whose pixels the outline is.
    """
    corners = shape.corners
    sides = np.roll(corners, -1, axis=0) - corners
    lengths = np.linalg.norm(sides, axis=1)
    if len(corners) < 4 or (lengths < 1).any() or not _square(sides / lengths[:, None]):
        return shape
    inward = 1.0 if cv2.contourArea(corners.astype(np.float32), True) > 0 else -1.0
    normals = np.stack((sides[:, 1], -sides[:, 0]), axis=1) / lengths[:, None] * inward
    soft = np.asarray(cv2.GaussianBlur(lab, (0, 0), 0.8), np.float32)
    offsets = np.array(
        [
            _offset(soft, corners[index], sides[index], normals[index]) if lengths[index] >= _LEAST_SIDE_PX else 0.0
            for index in range(len(corners))
        ]
    )
    # Neighbouring sides are at right angles: each corner follows both of its own.
    moves = offsets[:, None] * normals
    moved = corners + moves + np.roll(moves, 1, axis=0)
    if cv2.contourArea(moved.astype(np.float32)) < 0.5 * cv2.contourArea(corners.astype(np.float32)):
        return shape
    if len(corners) == 4:
        length, width = sorted(np.linalg.norm(np.roll(moved, -1, axis=0) - moved, axis=1)[:2], reverse=True)
        return replace(shape, corners=np.asarray(moved, np.float64), length_px=float(length), width_px=float(width))
    return replace(shape, corners=np.asarray(moved, np.float64))


def _square(directions: Doubles) -> bool:
    """Whether all corners are right angles."""
    return bool((np.abs((directions * np.roll(directions, -1, axis=0)).sum(axis=1)) < 0.05).all())


def _offset(soft: Floats, start: Doubles, side: Doubles, normal: Doubles) -> float:
    """How far outward the side is best moved, in pixels."""
    shares = np.linspace(0.12, 0.88, max(6, int(np.linalg.norm(side) * 0.76)))
    points = start + shares[:, None] * side
    reaches = np.arange(-REACH_PX - 2, REACH_PX + 3)
    at = points[None] + reaches[:, None, None] * normal
    x, y = (np.ascontiguousarray(at[..., axis], np.float32) for axis in (0, 1))
    lines = np.asarray(cv2.remap(soft, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float64)
    # Averaged along the side before it is compared across: grain is no edge.
    means = np.stack([block.mean(axis=1) for block in np.array_split(lines, 3, axis=1)], axis=1)
    gaps = means[4:] - means[:-4]
    steps = np.sqrt((0.75 * gaps[..., 0]) ** 2 + gaps[..., 1] ** 2 + gaps[..., 2] ** 2).mean(axis=1)
    steps *= 1 - _PER_PX * np.abs(reaches[2:-2])
    best = int(steps.argmax())
    near = steps[REACH_PX - 1 : REACH_PX + 2].max()
    if steps[best] < _LEAST_STEP or steps[best] < _CLEAR * near:
        best = REACH_PX - 1 + int(steps[REACH_PX - 1 : REACH_PX + 2].argmax())
    return float(reaches[best + 2])
