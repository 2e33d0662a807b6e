"""Points of a picture that can be found again in another one, and which of them belong together.

SIFT (Lowe 2004) with the root of its descriptors (Arandjelović and Zisserman 2012). Matches are sought only near where
the poses say that they are: the ratio test then has a few rivals instead of thousands, and survives other seasons.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Doubles, Floats, Grey
from edge.vision.change.views import Picture, through

MOST_POINTS = 1500
_PIXELS = 500_000
"""Pictures are shrunk to about this: a point is then found to a quarter of a pixel, and the tiles refine it."""
_TILES = 8
_CONTRAST = 0.01
_RATIO = 0.85
_RIVAL_PX = 4.0
"""A rival nearer than this, in pixels of the shrunk picture, is the same point found twice."""


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """`points` (n, 2) in pixels of the picture itself; `scale` of the search."""

    points: Doubles
    histograms: NDArray[np.uint8]
    """(n, 128): of whole numbers, so that a flight's fit into memory."""
    scale: float

    def descriptors(self) -> Floats:
        """(n, 128), each of length 1."""
        raw = self.histograms.astype(np.float32)
        return np.asarray(np.sqrt(raw / np.maximum(raw.sum(axis=1, keepdims=True), 1e-6)), np.float32)


def find_features(bgr: Picture) -> Features:
    """At most 1500 points, spread over the picture."""
    height, width = bgr.shape[:2]
    scale = min(1.0, math.sqrt(_PIXELS / (height * width)))
    grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    small = cv2.resize(grey, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
    across, down = small.shape[1] / width, small.shape[0] / height
    # The last: without it all points lie a quarter of a pixel right of and below their places. Two lines flown to and
    # fro would disagree by a pixel of the picture.
    sift = cv2.SIFT.create(4 * MOST_POINTS, 3, _CONTRAST, 10, 1.6, True)
    chosen = _spread(sift.detect(small, None), np.asarray(small, np.uint8))
    if not chosen:
        return Features(np.empty((0, 2)), np.empty((0, 128), np.uint8), scale)
    described, raw = sift.compute(small, chosen)
    points = np.array([point.pt for point in described], np.float64)
    points = (points + 0.5) / (across, down) - 0.5
    return Features(points, np.asarray(raw, np.uint8), scale)


def _spread(points: Sequence[cv2.KeyPoint], picture: Grey) -> list[cv2.KeyPoint]:
    """The strongest of each tile, so that one garden does not take all."""
    height, width = picture.shape
    tiles: dict[tuple[int, int], list[cv2.KeyPoint]] = {}
    for point in points:
        tile = int(point.pt[0] * _TILES / width), int(point.pt[1] * _TILES / height)
        tiles.setdefault(tile, []).append(point)
    share = MOST_POINTS // (_TILES * _TILES)
    chosen: list[cv2.KeyPoint] = []
    for tile in sorted(tiles):
        chosen += sorted(tiles[tile], key=lambda point: -point.response)[: 2 * share]
    return sorted(chosen, key=lambda point: -point.response)[:MOST_POINTS]


def matches(before: Features, after: Features, prior: Doubles, reach_px: float) -> tuple[Doubles, Doubles]:
    """Pairs of points, (n, 2) of each, mutual best within `reach_px` of where `prior` expects them.

    `reach_px` is in pixels of `after`.
    """
    if not len(before.points) or not len(after.points):
        return np.empty((0, 2)), np.empty((0, 2))
    expected = through(prior, before.points)
    old, new = before.descriptors(), after.descriptors()
    best = np.full(len(before.points), -1)
    # Block by block of the newer picture: all pairs at once would be six million, nearly all of them out of reach.
    blocks, cells = (np.floor(each / reach_px).astype(np.int64) for each in (expected, after.points))
    here, there = expected.astype(np.float32), after.points.astype(np.float32)
    for row in np.unique(blocks[:, 1]):
        asking_row = np.flatnonzero(blocks[:, 1] == row)
        asked_row = np.flatnonzero(np.abs(cells[:, 1] - row) <= 1)
        for column in np.unique(blocks[asking_row, 0]):
            asking = asking_row[blocks[asking_row, 0] == column]
            asked = asked_row[np.abs(cells[asked_row, 0] - column) <= 1]
            if len(asked):
                likeness = old[asking] @ new[asked].T
                likeness[_gaps(here[asking], there[asked]) > reach_px] = -1.0
                winners = _clear_winners(likeness, there[asked], _RIVAL_PX / after.scale)
                best[asking] = np.where(winners >= 0, asked[winners], -1)
    rows = _mutual(old, new, best)
    return before.points[rows], after.points[best[rows]]


def _gaps(some: Floats, others: Floats) -> Floats:
    """(n, m): the larger of the two distances along the axes."""
    across = np.abs(some[:, None, 0] - others[None, :, 0])
    return np.asarray(np.maximum(across, np.abs(some[:, None, 1] - others[None, :, 1])), np.float32)


def _clear_winners(likeness: Floats, points: Floats, rival_px: float) -> NDArray[np.int64]:
    """Per row the column of the best likeness, -1 where a second one elsewhere is nearly as good."""
    winners = likeness.argmax(axis=1)
    top = likeness[np.arange(len(likeness)), winners]
    others = np.where(_gaps(points[winners], points) < rival_px, -1.0, likeness).max(axis=1)
    # Of unit vectors: distance² = 2 - 2 · likeness.
    clear = (1 - top) < _RATIO**2 * (1 - others)
    return np.asarray(np.where(clear & (top > 0), winners, -1), np.int64)


def _mutual(old: Floats, new: Floats, best: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of the older descriptors' best ones among the newer, those that no other is liker to."""
    rows = np.flatnonzero(best >= 0)
    columns = best[rows]
    likeness = np.einsum("ij,ij->i", old[rows], new[columns])
    order = np.argsort(-likeness, kind="stable")
    _, first = np.unique(columns[order], return_index=True)
    return rows[order[first]]
