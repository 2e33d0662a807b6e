"""Polygons as masks, and how far inside them a point lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge.vision.arrays import Mask

PolygonPixels = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of whole pixels: columns [left, right), rows [top, bottom)."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top


def polygon_mask(polygon: PolygonPixels, width: int, height: int) -> Mask:
    """(height, width) mask, 255 on and inside the polygon."""
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [np.rint(np.asarray(polygon, np.float64)).astype(np.int32)], 255)
    return mask


def without(mask: Mask, holes: Sequence[PolygonPixels]) -> Mask:
    """A copy of the mask with polygons cut out."""
    left = mask.copy()
    for hole in holes:
        cv2.fillPoly(left, [np.rint(np.asarray(hole, np.float64)).astype(np.int32)], 0)
    return left


def window_of(mask: Mask) -> Window:
    """The smallest window that holds every set pixel.

    Raises:
        ValueError: no pixel is set.
    """
    x, y, width, height = cv2.boundingRect(mask)
    if not width or not height:
        raise ValueError("the region holds no pixel")
    return Window(x, y, x + width, y + height)


def depth_inside(polygon: PolygonPixels, x: float, y: float) -> float:
    """Distance in pixels from a point to the polygon's border; negative outside."""
    outline = np.asarray(polygon, np.float32).reshape(-1, 1, 2)
    return float(cv2.pointPolygonTest(outline, (x, y), True))
