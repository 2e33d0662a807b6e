"""What could be had without training: bright saturated blobs in dark housings. The model is compared with it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from models.signal_heads.labels import Picture8

HUES = (((0, 34), (168, 180)), ((42, 100), (42, 100)))
"""OpenCV's hues (0-180) of lit lenses. Warm ones in one, for an amber lamp's rim is red; green up to bluish."""
AMBER_FROM = 9
MIN_SATURATION, MIN_VALUE = 90, 120
LAMPS_PX = (4, 120)
"""Diameters of blobs that are looked at."""


def proposals(bgr: Picture8, limit: int = 60) -> Sequence[tuple[tuple[float, float, float, float], float, str]]:
    """(box, score, colour) of heads of three lamps, upright or lying, around each round blob of a signal's colour.

    Of the six places that the blob can have in a head, the one is taken whose housing is darkest against what is
    around; the score is that contrast (0-1).
    """
    hsv = cv2.cvtColor(bgr, cv2.COLOR_BGR2HSV)
    grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    table = cv2.integral(grey).astype(np.int32)
    strong = (hsv[..., 1] >= MIN_SATURATION) & (hsv[..., 2] >= MIN_VALUE)
    found: list[tuple[tuple[float, float, float, float], float, str]] = []
    hue = hsv[..., 0]
    for ranges in HUES:
        mask = strong & np.logical_or.reduce([(hue >= low) & (hue <= high) for low, high in ranges])
        closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
        _, parts, stats, middles = cv2.connectedComponentsWithStats(closed)
        for index, (left, top, width, height, area) in enumerate(stats[1:].tolist(), start=1):
            size, middle = max(width, height), middles[index].tolist()
            if not LAMPS_PX[0] <= size <= LAMPS_PX[1] or min(width, height) < 0.55 * size or area < 0.3 * size * size:
                continue
            best = max((_housing(table, middle, 1.35 * size, place) for place in range(6)), key=lambda one: one[1])
            if best[1] > 0.05:
                window = np.s_[top : top + height, left : left + width]
                found.append((best[0], best[1], _colour(hue[window][parts[window] == index])))
    return _apart(sorted(found, key=lambda one: -one[1]))[:limit]


def _colour(hues: NDArray[np.uint8]) -> str:
    middle = float(np.median((hues.astype(np.int32) + 12) % 180)) - 12  # red lies on both sides of 0
    return "green" if middle > 38 else "amber" if middle >= AMBER_FROM else "red"


def _housing(
    table: NDArray[np.int32], middle: Sequence[float], pitch: float, place: int
) -> tuple[tuple[float, float, float, float], float]:
    index, lying = place % 3, place >= 3
    along, across = 3.0 * pitch, 1.2 * pitch
    start, side = middle[1 if not lying else 0] - (index + 0.5) * pitch, middle[0 if not lying else 1] - across / 2
    box = (start, side, along, across) if lying else (side, start, across, along)
    wide = (box[0] - 0.5 * pitch, box[1] - 0.5 * pitch, box[2] + pitch, box[3] + pitch)
    inside, inside_area = _sum(table, box)
    outside, outside_area = _sum(table, wide)
    if inside_area < 0.6 * box[2] * box[3] or outside_area <= inside_area:
        return box, 0.0
    surround = (outside - inside) / (outside_area - inside_area)
    return box, float((surround - inside / inside_area) / 255)


def _sum(table: NDArray[np.int32], box: tuple[float, float, float, float]) -> tuple[float, float]:
    height, width = table.shape[0] - 1, table.shape[1] - 1
    x1, y1 = (int(np.clip(v, 0, limit)) for v, limit in ((box[0], width), (box[1], height)))
    x2, y2 = (int(np.clip(v, 0, limit)) for v, limit in ((box[0] + box[2], width), (box[1] + box[3], height)))
    total = int(table[y2, x2]) - int(table[y1, x2]) - int(table[y2, x1]) + int(table[y1, x1])
    return float(total), float((x2 - x1) * (y2 - y1))


def _apart(
    found: list[tuple[tuple[float, float, float, float], float, str]],
) -> list[tuple[tuple[float, float, float, float], float, str]]:
    kept: list[tuple[tuple[float, float, float, float], float, str]] = []
    for one in found:
        if all(overlap(one[0], other[0]) < 0.3 for other in kept):
            kept.append(one)
    return kept


def overlap(first: tuple[float, float, float, float], second: tuple[float, float, float, float]) -> float:
    """Intersection over union of two boxes (x, y, width, height)."""
    width = min(first[0] + first[2], second[0] + second[2]) - max(first[0], second[0])
    height = min(first[1] + first[3], second[1] + second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    return width * height / (first[2] * first[3] + second[2] * second[3] - width * height)
