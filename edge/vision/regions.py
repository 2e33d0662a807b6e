"""Polygons as masks, and how far inside them a point lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge.vision.arrays import Floats, Mask

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


def depth_inside(mask: Mask) -> Floats:
    """Distance in pixels of every set pixel to the region's border. The picture's edge counts as border."""
    framed = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=[0])
    return np.ascontiguousarray(cv2.distanceTransform(framed, cv2.DIST_L2, 5)[1:-1, 1:-1], dtype=np.float32)
