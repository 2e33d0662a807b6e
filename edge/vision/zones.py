"""Which points lie in which of several polygons, all pairs at once.

A vectorised crossing number (Shimrat 1962) instead of a raster: it is exact at any fraction of a pixel, needs no
megabytes a zone, does not depend on the picture's size, and at tens of points is faster than looking up masks.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Floats
from edge.vision.regions import PolygonPixels

Points = NDArray[np.float64]
"""(n, 2): x, y."""


NEVER_CROSSED = (0.0, 1e18, 0.0, 0.0)
"""An edge whose upper end lies below its lower one."""


class Anchor(StrEnum):
    """Which point of a box stands for the thing in it. A thing on the ground is where its box ends below."""

    CENTRE = "centre"
    TOP = "top"
    BOTTOM = "bottom"
    LEFT = "left"
    RIGHT = "right"
    TOP_LEFT = "top_left"
    TOP_RIGHT = "top_right"
    BOTTOM_LEFT = "bottom_left"
    BOTTOM_RIGHT = "bottom_right"


_SHARES = {
    Anchor.CENTRE: (0.5, 0.5),
    Anchor.TOP: (0.5, 0.0),
    Anchor.BOTTOM: (0.5, 1.0),
    Anchor.LEFT: (0.0, 0.5),
    Anchor.RIGHT: (1.0, 0.5),
    Anchor.TOP_LEFT: (0.0, 0.0),
    Anchor.TOP_RIGHT: (1.0, 0.0),
    Anchor.BOTTOM_LEFT: (0.0, 1.0),
    Anchor.BOTTOM_RIGHT: (1.0, 1.0),
}


def anchor_points(boxes: Floats, anchor: Anchor = Anchor.BOTTOM) -> Points:
    """That point of each box (n, 4: left, top, right, bottom)."""
    across, down = _SHARES[anchor]
    points = np.empty((len(boxes), 2), np.float64)
    points[:, 0] = boxes[:, 0] + across * (boxes[:, 2] - boxes[:, 0])
    points[:, 1] = boxes[:, 1] + down * (boxes[:, 3] - boxes[:, 1])
    return points


class Zones:
    """Several polygons that points are tested against. Outlines may be concave; self-crossing ones are even-odd.

    Borders belong, by definition, to the zone on their right and below (as pixels belong to pictures): where two zones
    share a border, a point on it is in exactly one of them.
    """

    def __init__(self, polygons: Sequence[PolygonPixels]) -> None:
        """Raises ValueError: a polygon has fewer than three corners."""
        edges: list[NDArray[np.float64]] = []
        starts: list[int] = []
        self.count = len(polygons)
        for number, polygon in enumerate(polygons):
            corners = np.asarray(polygon, np.float64)
            if corners.ndim != 2 or len(corners) < 3:
                raise ValueError(f"zone {number}: found {len(corners)} corners, expected at least 3")
            starts.append(sum(map(len, edges)))
            edges.append(_slanted(corners))
        joined = np.concatenate(edges) if edges else np.empty((0, 4))
        x0, y0, x1, y1 = (np.ascontiguousarray(column)[:, None] for column in joined.T)
        self._y0, self._y1 = y0, y1
        # x of the edge at a point's height, as slope × y + offset: the same sums for both zones that share an edge.
        self._slope = (x1 - x0) / (y1 - y0)
        self._x0 = x0
        self._starts = np.asarray(starts, np.intp)

    def contain(self, points: NDArray[np.floating]) -> NDArray[np.bool_]:
        """Whether each zone holds each point: (n, 2) → (zones, n)."""
        if not self.count or not len(points):
            return np.zeros((self.count, len(points)), np.bool_)
        x = np.asarray(points[:, 0], np.float64)
        y = np.asarray(points[:, 1], np.float64)
        above = y >= self._y0
        above &= y < self._y1
        at = y - self._y0
        at *= self._slope
        at += self._x0
        above &= at <= x
        inside: NDArray[np.bool_] = np.logical_xor.reduceat(above, self._starts, axis=0)
        return inside


def _slanted(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """The polygon's edges (x0, y0, x1, y1) from upper to lower end; level ones never count.

    A polygon without any height keeps one edge that nothing crosses: every zone needs a row to be counted by.
    """
    ends = np.roll(corners, -1, axis=0)
    down = corners[:, 1] < ends[:, 1]
    edges = np.where(down[:, None], np.hstack((corners, ends)), np.hstack((ends, corners)))
    slanted: NDArray[np.float64] = edges[corners[:, 1] != ends[:, 1]]
    return slanted if len(slanted) else np.array([NEVER_CROSSED])
