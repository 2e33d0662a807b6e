"""Outlines of masks as people build them: straight sides at right angles.

The direction comes from the gradients inside the outline (built things have two, at right angles), the sides from the
outline itself: simplified (Douglas and Peucker 1973), each side turned to the nearer of both directions and laid
where its pixels are. Where that loses the shape, the plain outline is kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Doubles, Floats, Mask

_SIMPLE_PX = 4.5
_RECTANGLE_FROM = 0.86
"""Intersection over union of mask and rectangle from which a rectangle it is."""
_KEPT_FROM = 0.75


@dataclass(frozen=True, slots=True, eq=False)
class Squared:
    """`corners` (n, 2) in pixels of the mask, `turn` in radians, `fit` the intersection over union with the mask.

    `length_px`, `width_px`: of the smallest rectangle in that direction, the longer side first.
    """

    corners: Doubles
    turn: float
    fit: float
    length_px: float
    width_px: float


def dominant_turn(light: Floats, mask: Mask) -> float:
    """Direction of most sides, 0 to π/2, by gradients on and near the mask, counted at four times their angle."""
    around = cv2.dilate(mask, np.ones((7, 7), np.uint8)) > 0
    smooth = cv2.GaussianBlur(light, (0, 0), 1.2)
    right, down = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    angles, lengths = np.arctan2(down[around], right[around]), np.hypot(right[around], down[around])
    # The mask's own outline counts too: paint of the same brightness has no gradient.
    rim = cv2.GaussianBlur(mask, (0, 0), 2.0).astype(np.float32)
    across, along = cv2.Sobel(rim, cv2.CV_32F, 1, 0)[around], cv2.Sobel(rim, cv2.CV_32F, 0, 1)[around]
    angles = np.concatenate((angles, np.arctan2(along, across)))
    strong = np.minimum(lengths, np.percentile(lengths, 95) + 1e-6) if len(lengths) else lengths
    own = np.hypot(across, along)
    share = strong.sum() / max(float(own.sum()), 1e-6)
    weights = np.concatenate((strong, own * share))
    bins = np.asarray(np.degrees(angles) % 90, np.float64)
    histogram, _ = np.histogram(bins, bins=90, range=(0, 90), weights=weights)
    circular = np.concatenate((histogram[-4:], histogram, histogram[:4]))
    smoothed = np.convolve(circular, np.array((1, 2, 4, 6, 8, 6, 4, 2, 1)) / 34, mode="valid")
    peak = int(smoothed.argmax())
    near = (bins - peak - 0.5 + 45) % 90 - 45
    close = np.abs(near) < 6
    total = float(weights[close].sum())
    fine = float((near[close] * weights[close]).sum() / total) if total > 0 else 0.0
    return math.radians((peak + 0.5 + fine) % 90)


def squared(mask: Mask, turn: float) -> Squared:
    """The largest piece of `mask` as a polygon whose sides lie along `turn` and across it.

    Raises:
        ValueError: the mask is empty.
    """
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        raise ValueError("an outline of an empty mask was asked for")
    outline = max(contours, key=cv2.contourArea).reshape(-1, 2).astype(np.float64)
    to_axes = np.array(((math.cos(turn), -math.sin(turn)), (math.sin(turn), math.cos(turn))))
    local = outline @ to_axes
    whole = np.zeros_like(mask)
    cv2.fillPoly(whole, [outline.astype(np.int32)], 255)
    rows, columns = np.nonzero(whole)
    inside = np.stack((columns, rows), axis=1) @ to_axes
    low, high = _extent(inside)
    box = np.array(((low[0], low[1]), (high[0], low[1]), (high[0], high[1]), (low[0], high[1])))
    sides = sorted((float(high[0] - low[0]), float(high[1] - low[1])), reverse=True)
    steps = _rectilinear(local)
    candidates = [box] if steps is None else [box, steps]
    fits = [likeness(whole, each @ to_axes.T) for each in candidates]
    best = 0 if len(fits) == 1 or fits[0] >= _RECTANGLE_FROM or fits[0] >= fits[1] - 0.02 else 1
    corners, fit = candidates[best] @ to_axes.T, fits[best]
    if fit < _KEPT_FROM:
        plain = cv2.approxPolyDP(outline.astype(np.float32), 2.0, True).reshape(-1, 2).astype(np.float64)
        if len(plain) >= 3:
            corners = plain
        sides = sorted(np.ptp(inside, axis=0) + 1, reverse=True)
    elif best and steps is not None:
        sides = sorted(np.ptp(steps, axis=0), reverse=True)
    return Squared(np.asarray(corners, np.float64), turn, fit, float(sides[0]), float(sides[1]))


def _extent(inside: Doubles) -> tuple[Doubles, Doubles]:
    """Sides of the rectangle along the axes: where rows and columns are half as full as the middle ones."""
    low, high = np.empty(2), np.empty(2)
    for axis in range(2):
        values = inside[:, axis]
        start = math.floor(values.min())
        counts = np.bincount((values - start).astype(np.int64))
        full = 0.5 * float(np.percentile(counts, 80))
        used = np.flatnonzero(counts >= full)
        # A pixel covers half a pixel to each side of its centre.
        low[axis], high[axis] = start + used[0], start + used[-1] + 1
        low[axis], high[axis] = max(low[axis], values.min() - 0.5), min(high[axis], values.max() + 0.5)
    return low, high


def _rectilinear(local: Doubles) -> Doubles | None:
    """The outline with each side made level or upright; None if fewer than four are left."""
    simple = cv2.approxPolyDP(local.astype(np.float32), _SIMPLE_PX, True).reshape(-1, 2).astype(np.float64)
    sides: list[tuple[int, float, float]] = []
    for here, there in zip(simple, np.roll(simple, -1, axis=0), strict=True):
        step = np.abs(there - here)
        axis = 0 if step[0] >= step[1] else 1
        length, place = float(step.max()), float((here[1 - axis] + there[1 - axis]) / 2)
        if sides and sides[-1][0] == axis:
            _, other, weight = sides[-1]
            sides[-1] = (axis, (other * weight + place * length) / (weight + length), weight + length)
        else:
            sides.append((axis, place, length))
    if len(sides) > 1 and sides[0][0] == sides[-1][0]:
        axis, other, weight = sides.pop()
        _, place, length = sides[0]
        sides[0] = (axis, (other * weight + place * length) / (weight + length), weight + length)
    if len(sides) < 4:
        return None
    corners = np.empty((len(sides), 2))
    for index, (axis, place, _) in enumerate(sides):
        following = sides[(index + 1) % len(sides)][1]
        corners[index] = (following, place) if axis == 0 else (place, following)
    return corners


def likeness(mask: Mask, corners: Doubles) -> float:
    """Intersection over union of a mask and a polygon in its pixels."""
    drawn = np.zeros_like(mask)
    cv2.fillPoly(drawn, [np.rint(corners).astype(np.int32)], 255)
    both = int(np.count_nonzero(drawn & mask))
    return both / max(1, int(np.count_nonzero(drawn | mask)))


def along_outline(corners: Doubles, step_px: float = 1.0) -> tuple[Doubles, Doubles]:
    """Points (n, 2) on a polygon's sides, and the outward normal (n, 2) at each. Sides' ends are left out."""
    points, normals = [], []
    signed = cv2.contourArea(corners.astype(np.float32), True)
    for here, there in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        side = there - here
        length = float(np.linalg.norm(side))
        if length < 3:
            continue
        count = max(2, int((length - 2) / step_px))
        shares = np.linspace(1 / length, 1 - 1 / length, count)[:, None]
        outward = np.array((side[1], -side[0])) / length * (1 if signed > 0 else -1)
        points.append(here + shares * side)
        normals.append(np.broadcast_to(outward, (count, 2)))
    if not points:
        empty: NDArray[np.float64] = np.empty((0, 2))
        return empty, empty
    return np.concatenate(points), np.concatenate(normals)
