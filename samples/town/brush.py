"""Painting on a picture: polygons with soft edges, flat pictures laid over by a homography."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detectors.interface import Image
from edge.vision.arrays import Doubles, Floats

SHIFT = 4
ONE = 1 << SHIFT
SPILL = 0.6
"""Pixels by which OpenCV's soft polygons reach over their outline on every side: measured on random rectangles."""


def fixed(points: Doubles) -> NDArray[np.int32]:
    """(n, 2) as OpenCV draws it to scale: a hair smaller, in sixteenths of a pixel. The outline is convex."""
    corners = points.tolist()
    count = len(corners)
    edges, doubled, around = [], 0.0, 0.0
    for n in range(count):
        (x, y), (u, v) = corners[n - 1], corners[n]
        length = math.hypot(u - x, v - y) or 1e-9
        edges.append(((u - x) / length, (v - y) / length))
        doubled += x * v - u * y
        around += length
    # Thin things are not turned inside out.
    by = math.copysign(min(SPILL, 0.9 * abs(doubled) / max(around, 1e-9)), doubled)
    moved = []
    for n in range(count):
        (a, b), (c, d) = edges[n], edges[(n + 1) % count]
        share = by / max(0.3, 1 + a * c + b * d)
        x, y = corners[n]
        moved.append((round((x - (b + d) * share) * ONE), round((y + (a + c) * share) * ONE)))
    return np.array(moved, np.int32)


def fill(canvas: Image, points: Doubles, colour: Sequence[float] | Doubles | Floats) -> None:
    """One colour over (n, 2) pixels."""
    cv2.fillPoly(canvas, [fixed(points)], [float(c) for c in colour], cv2.LINE_AA, SHIFT)


def region(canvas: Image, points: Doubles) -> tuple[int, int, int, int] | None:
    """Left, top, right, bottom of the part of the picture around the points; None where there is none."""
    low, high = points.min(axis=0), points.max(axis=0)
    left, top = max(0, int(low[0]) - 2), max(0, int(low[1]) - 2)
    right, bottom = min(canvas.shape[1], int(high[0]) + 3), min(canvas.shape[0], int(high[1]) + 3)
    return (left, top, right, bottom) if left < right and top < bottom else None


def coverage(box: tuple[int, int, int, int], outlines: Sequence[Doubles]) -> Image:
    """(h, w) 0 to 255: how much of each pixel of a region every one of the outlines covers."""
    left, top, right, bottom = box
    found = np.zeros((bottom - top, right - left), np.uint8)
    for n, points in enumerate(outlines):
        target = found if n == 0 else np.zeros_like(found)
        cv2.fillPoly(target, [fixed(points - (left, top))], 255, cv2.LINE_AA, SHIFT)
        if n:
            cv2.min(found, target, found)
    return found


def lay(canvas: Image, picture: Image, homography: Doubles, outlines: Sequence[Doubles]) -> None:
    """A flat picture, (column, row) to pixels by `homography`, where all the outlines (n, 2) are."""
    box = region(canvas, outlines[0])
    if box is None:
        return
    left, top, right, bottom = box
    shifted = np.array(((1.0, 0, -left), (0, 1, -top), (0, 0, 1))) @ homography
    laid = cv2.warpPerspective(
        picture, shifted, (right - left, bottom - top), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    _blend(canvas[top:bottom, left:right], laid, coverage(box, outlines))


def _blend(under: Image, over: NDArray[Any], mask: Image) -> None:
    share = mask.astype(np.float32)
    share *= np.float32(1 / 255)
    under[:] = cv2.blendLinear(over, under, share, 1 - share)


def stamp(canvas: Image, picture: Image, alpha: Floats, centre: Doubles, scale: Doubles) -> None:
    """A picture with its own cover, its middle at `centre`; `scale` (2, 2) from its pixels to the canvas's."""
    height, width = alpha.shape
    reach = np.abs(scale) @ np.array((width / 2, height / 2))
    box = region(canvas, np.stack((centre - reach, centre + reach)))
    if box is None:
        return
    left, top, right, bottom = box
    offset = centre - scale @ np.array(((width - 1) / 2, (height - 1) / 2)) - (left, top)
    matrix = np.concatenate((scale, offset[:, None]), axis=1)
    size = (right - left, bottom - top)
    over = cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    share = cv2.warpAffine(alpha, matrix, size, flags=cv2.INTER_LINEAR)
    under = canvas[top:bottom, left:right]
    under[:] = cv2.blendLinear(over, under, share, 1 - share)
