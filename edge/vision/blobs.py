"""Connected foreground in a mask that is nearly empty: contours, and only where something is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import cv2
import numpy as np

from edge.vision.arrays import Mask
from edge.vision.background import STRIPE_ROWS

JOIN = np.ones((3, 3), np.uint8)
"""Pieces of one thing up to two pixels apart are joined: window frames and compression cut silhouettes."""
Contour = np.ndarray[tuple[int, ...], np.dtype[np.int32]]


@dataclass(frozen=True, slots=True)
class Blob:
    """A connected piece of foreground: centroid (x, y), area in pixels, and its box (left, top, width, height)."""

    x: float
    y: float
    area: float
    left: int
    top: int
    width: int
    height: int


class BlobFinder:
    """Finds contours in (height, width) masks where background is 255; buffers are allocated once."""

    def __init__(self, height: int, width: int) -> None:
        self._height = height
        self._width = width
        self._foreground: Mask = np.zeros((height, width), np.uint8)
        self._joined: Mask = np.zeros((height, width), np.uint8)

    def contours(self, inside: Mask) -> tuple[int, list[Contour]]:
        """Foreground pixels, and the outer contours of what they form.

        Counting a band costs 1 µs and an empty `findContours` over a whole picture 250: bands without foreground are
        passed over, neighbouring ones are searched together.
        """
        total = 0
        found: list[Contour] = []
        for top, bottom, pixels in self._occupied(inside):
            total += pixels
            foreground = self._foreground[top:bottom]
            cv2.bitwise_not(inside[top:bottom], dst=foreground)
            joined = self._joined[top:bottom]
            cv2.dilate(foreground, JOIN, dst=joined)
            contours, _ = cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE, offset=(0, top))
            found += cast("Sequence[Contour]", contours)
        return total, found

    def measure(self, contour: Contour, left: int, top: int) -> Blob:
        """The blob of one of the latest contours; (left, top) is the mask's place in the picture."""
        x, y, width, height = cv2.boundingRect(contour)
        area = float(cv2.countNonZero(self._foreground[y : y + height, x : x + width]))
        centre_x, centre_y = x + (width - 1) / 2, y + (height - 1) / 2
        if width > 5 and height > 5:  # smaller ones are their box, within a fraction of a pixel
            moments = cv2.moments(contour)
            if moments["m00"] > 0:
                centre_x, centre_y = moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]
        return Blob(centre_x + left, centre_y + top, area, x + left, y + top, width, height)

    def _occupied(self, inside: Mask) -> Iterator[tuple[int, int, int]]:
        """(top, bottom, foreground pixels) of runs of bands that hold foreground."""
        start: int | None = None
        pixels = 0
        for top in range(0, self._height, STRIPE_ROWS):
            bottom = min(top + STRIPE_ROWS, self._height)
            here = (bottom - top) * self._width - cv2.countNonZero(inside[top:bottom])
            if here:
                start = top if start is None else start
                pixels += here
            elif start is not None:
                yield start, top, pixels
                start, pixels = None, 0
        if start is not None:
            yield start, self._height, pixels


def first_points(contours: Sequence[Contour]) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    """(n, 2) x and y of one point of each contour: enough to say which cell it lies in."""
    if not contours:
        return np.empty((0, 2), np.int32)
    return np.array([contour[0, 0] for contour in contours], np.int32)
