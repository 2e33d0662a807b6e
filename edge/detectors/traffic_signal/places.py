"""Where anchors may be: places with corners that stand still, far from what lights up and from what is burnt in."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from edge.detectors.traffic_signal.settings import TrafficSignalSettings
from edge.vision.anchors import PATCH, cornered, reduction, spread_places
from edge.vision.arrays import Grey, Mask

AUTO_ANCHORS = 10
"""Chosen where none are given: 3-5 must be left when a bus stands before the others and a tree has lost its leaves."""
BURNT_IN_SHARE = 0.08
"""Of the height at the top and the bottom: where cameras write their name and the time, which never move."""
SIDE_SHARE = 0.04
"""Of the width at each side: what leaves the picture in a sway is no anchor."""
HALO = 1.2
"""Around a lamp's housing, in its own size: its light falls on what is near, and differs with what is lit."""
LEAST_CORNERED = 2e-4
"""Weaker places are noise: a smooth wall has 1e-5, a kerb 1e-3 and more."""


def chosen_places(
    luma: Grey,
    settings: TrafficSignalSettings,
    taken: Sequence[tuple[float, float]],
    refused: Sequence[tuple[float, float]],
    count: int,
) -> Sequence[tuple[float, float]]:
    """Up to `count` new places in whole pixels of the picture, none near those taken or refused."""
    factor = reduction(luma.shape[1]) * 2
    size = (luma.shape[1] // factor, luma.shape[0] // factor)
    small = np.asarray(cv2.resize(luma, size, interpolation=cv2.INTER_AREA), np.uint8)
    side = PATCH // 2
    allowed = _allowed(small, settings, factor)
    for x, y in (*taken, *refused):
        cv2.circle(allowed, (round(x / factor), round(y / factor)), round(1.2 * side), 0, -1)
    strength = cornered(small, side)
    found = spread_places(strength, allowed, count, 1.5 * side, LEAST_CORNERED)
    return [((x + 0.5) * factor, (y + 0.5) * factor) for x, y in found]


def _allowed(small: Grey, settings: TrafficSignalSettings, factor: int) -> Mask:
    height, width = small.shape
    allowed = np.zeros((height, width), np.uint8)
    top, side = round(BURNT_IN_SHARE * height), round(SIDE_SHARE * width)
    allowed[top : height - top, side : width - side] = 255
    for head in settings.heads.values():
        polygons = [head.polygon] + ([head.countdown.polygon] if head.countdown is not None else [])
        for polygon in polygons:
            points = np.asarray(polygon, np.float64) / factor
            size = float(np.ptp(points, axis=0).max())
            reach = max(HALO * size / 2, 2.0) + PATCH / 4
            left, top_ = np.floor(points.min(axis=0) - reach).astype(int)
            right, bottom = np.ceil(points.max(axis=0) + reach).astype(int)
            allowed[max(top_, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = 0
    return allowed
