"""Heights of everything two pictures of one flight both show.

The pictures are turned until the same point lies in the same row (rectified on the baseline between both cameras,
Fusiello et al. 2000) and matched by semi-global matching (Hirschmüller 2008, as OpenCV has it), within the depths
that can be.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from edge.vision.arrays import Doubles, Floats, Mask
from edge.vision.surface.shots import Eye, Picture

_BLOCK = 5
_SMOOTH, _STEEP = 8, 32
_UNIQUE = 5
_SPECKLE_PX, _SPECKLE = 60, 2
_MOST_PIXELS = 40_000_000
_MOST_DEPTHS = 512
_LEAST_ANGLE = 0.08
"""Baseline over height: below this a pixel is more than a metre of height."""
_STEEPEST = 0.5
"""Of a baseline: climbed per metre flown, as a sine. Steeper pairs share little, and no level in one piece."""
_RIM_PX = 12
_COARSE = 4
_LOWEST, _HIGHEST, _HIGHEST_M, _LEAST_HIGH_M = 0.15, 0.5, 120.0, 5.0
"""How far below and above the ground heights are looked for: shares of the height of flight."""
_TAIL, _SLACK_M, _LEAST_FOUND = 0.002, 3.0, 500


@dataclass(frozen=True, slots=True)
class Depths:
    """What is looked for: heights from `low_m` to `high_m`, in the metres of the cameras, over ground at `ground_m`."""

    low_m: float
    high_m: float
    ground_m: float


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """Two pictures rectified, the turn (3, 3) of both from axes to the world, focal length and where the left window
    begins. `near_px`: the least disparity looked for, `depths`: how many of them."""

    left: Picture
    right: Picture
    left_shown: Mask
    right_shown: Mask
    turn: Doubles
    focal: float
    origin: Doubles
    near_px: int
    depths: int
    ground: Doubles
    """(3,): the ground's disparity, counted from `near_px`, is this times (column, row, 1)."""
    baseline_m: float
    centre: Doubles


def rectified(one: Eye, other: Eye, pictures: tuple[Picture, Picture], depths: Depths) -> Level | None:
    """None where the pictures are taken from too near a spot, one high above the other, or share nothing."""
    baseline = other.centre - one.centre
    length = float(np.linalg.norm(baseline))
    above = min(one.centre[2], other.centre[2]) - depths.high_m
    if above <= 1.0 or length < _LEAST_ANGLE * above:
        return None
    right = baseline / length
    if abs(right[2]) > _STEEPEST:
        return None
    # Turned straight down, wherever the cameras look: a level then has one disparity, but for what the drone climbed.
    down = np.cross((0.0, 0.0, -1.0), right)
    down = down / np.linalg.norm(down)
    turn = np.column_stack((right, down, np.cross(right, down)))
    focal = float(min(one.matrix[0, 0], other.matrix[0, 0]))
    spans = [_shared(one, other, turn, focal, level) for level in (depths.low_m, depths.high_m)]
    if not all(len(span) for span in spans):
        return None
    low, high = np.concatenate(spans).min(axis=0), np.concatenate(spans).max(axis=0)
    levels = zip((depths.low_m, depths.high_m), spans, strict=True)
    reach = np.concatenate([_homogeneous(span) @ _disparity(one, turn, focal, length, level) for level, span in levels])
    least, most = max(math.floor(reach.min()) - 2, 1), math.ceil(reach.max()) + 2
    count = math.ceil((most - least) / 16) * 16
    size = np.ceil(high - low).astype(int) + 1
    # Left of the window there must be room for what the right picture shows farther left.
    width, height = int(size[0]) + count, int(size[1])
    if min(size) < 16 or width * height > _MOST_PIXELS or count > _MOST_DEPTHS:
        return None
    origin = np.array((math.floor(low[0]) - count, math.floor(low[1])), np.float64)
    views = ((one, pictures[0], origin), (other, pictures[1], origin - (least, 0)))
    flat = [_warped(picture, eye, turn, focal, start, (width, height)) for eye, picture, start in views]
    shown = [_shown(eye, turn, focal, start, (width, height)) for eye, _, start in views]
    ground = _disparity(one, turn, focal, length, depths.ground_m)
    ground[2] += ground[:2] @ origin - least
    return Level(flat[0], flat[1], shown[0], shown[1], turn, focal, origin, least, count, ground, length, one.centre)


def matched_points(level: Level) -> Floats:
    """(n, 3): east, north, up of every pixel of the left picture that the right one has, too."""
    left, right = (np.asarray(cv2.cvtColor(each, cv2.COLOR_BGR2GRAY), np.uint8) for each in (level.left, level.right))
    matcher = cv2.StereoSGBM.create(
        0, level.depths, _BLOCK, _SMOOTH * _BLOCK**2, _STEEP * _BLOCK**2, 1, 31, _UNIQUE, _SPECKLE_PX, _SPECKLE,
        cv2.STEREO_SGBM_MODE_SGBM_3WAY,
    )  # fmt: skip
    raw = np.asarray(matcher.compute(left, right), np.int16)
    rows, columns = (part.astype(np.int32) for part in np.nonzero((raw >= 0) & (level.left_shown > 0)))
    found = raw[rows, columns]
    there = columns - (found >> 4)
    # Where the ground itself would lie outside of the other picture, what was found there instead is a likeness.
    across, along, start = level.ground.astype(np.float32)
    ground = columns - np.rint(across * columns + along * rows + start).astype(np.int32)
    kept = (there >= 0) & (ground >= 0)
    kept &= (level.right_shown[rows, np.maximum(there, 0)] > 0) & (level.right_shown[rows, np.maximum(ground, 0)] > 0)
    rows, columns, found = rows[kept], columns[kept], found[kept]
    depth = np.float32(level.focal * level.baseline_m) / (found * np.float32(1 / 16) + np.float32(level.near_px))
    # A pixel's direction is that of the window's first one and so much more for each column and row.
    steps = (level.turn / level.focal).astype(np.float32)
    first = (level.turn @ (level.origin[0] / level.focal, level.origin[1] / level.focal, 1.0)).astype(np.float32)
    places = np.empty((len(depth), 3), np.float32)
    for axis in range(3):
        direction = steps[axis, 0] * columns + steps[axis, 1] * rows + first[axis]
        places[:, axis] = direction * depth + np.float32(level.centre[axis])
    return places


def depths_of(one: Eye, other: Eye, pictures: tuple[Picture, Picture], ground_m: float) -> Depths | None:
    """Heights that two pictures show, looked for at a quarter of their scale; None where they cannot be matched.

    What fills less than a few hundred square metres of two pictures (a mast) may lie outside.
    """
    small = [eye.scaled(1 / _COARSE) for eye in (one, other)]
    shrunk = [
        np.asarray(cv2.resize(each, (eye.width, eye.height), interpolation=cv2.INTER_AREA), np.uint8)
        for each, eye in zip(pictures, small, strict=True)
    ]
    above = min(one.centre[2], other.centre[2]) - ground_m
    high_m = min(_HIGHEST_M, _HIGHEST * above)
    level = None
    # What stands higher is shown by one of both only.
    while level is None and high_m >= _LEAST_HIGH_M:
        widest = Depths(ground_m - _LOWEST * above, ground_m + high_m, ground_m)
        level = rectified(small[0], small[1], (shrunk[0], shrunk[1]), widest)
        high_m *= 0.7
    if level is None:
        return None
    found = matched_points(level)
    if len(found) < _LEAST_FOUND:
        return None
    low, high = np.quantile(found[:, 2], (_TAIL, 1 - _TAIL))
    return Depths(float(low) - _SLACK_M, float(high) + _SLACK_M, ground_m)


def _disparity(eye: Eye, turn: Doubles, focal: float, length: float, level_m: float) -> Doubles:
    """(3,): times (x, y, 1) of a rectified pixel the disparity of a level there."""
    return np.asarray(turn[2] * (1, 1, focal) * length / (level_m - eye.centre[2]), np.float64)


def _homogeneous(pixels: Doubles) -> Doubles:
    return np.column_stack((pixels, np.ones(len(pixels))))


def _shared(one: Eye, other: Eye, turn: Doubles, focal: float, level_m: float) -> Doubles:
    """(n, 2): corners of what both show of a level, in rectified pixels of the first picture; none if nothing."""
    here, there = (eye.outline(level_m).astype(np.float32) for eye in (one, other))
    area, shared = cv2.intersectConvexConvex(here, there)
    if area <= 0 or shared is None:
        return np.empty((0, 2))
    places = np.column_stack((shared.reshape(-1, 2), np.full(len(shared), level_m)))
    local = (places - one.centre) @ turn
    if (local[:, 2] <= 0).any():
        return np.empty((0, 2))
    return np.asarray(focal * local[:, :2] / local[:, 2:], np.float64)


def _shown(eye: Eye, turn: Doubles, focal: float, origin: Doubles, size: tuple[int, int]) -> Mask:
    """Where the rectified picture shows something, without its rim: there matching has only half of its window."""
    inner = np.zeros((eye.height, eye.width), np.uint8)
    inner[_RIM_PX:-_RIM_PX, _RIM_PX:-_RIM_PX] = 255
    return np.asarray(
        cv2.warpPerspective(inner, _across(eye, turn, focal, origin), size, flags=cv2.INTER_NEAREST), np.uint8
    )


def _warped(picture: Picture, eye: Eye, turn: Doubles, focal: float, origin: Doubles, size: tuple[int, int]) -> Picture:
    """The picture as the turned camera sees it, its window beginning at `origin`."""
    across = _across(eye, turn, focal, origin)
    return np.asarray(cv2.warpPerspective(picture, across, size, flags=cv2.INTER_LINEAR), np.uint8)


def _across(eye: Eye, turn: Doubles, focal: float, origin: Doubles) -> Doubles:
    """(3, 3): pixels of a picture to those of the turned camera's window."""
    matrix = np.array(((focal, 0, -origin[0]), (0, focal, -origin[1]), (0, 0, 1)), np.float64)
    return np.asarray(matrix @ turn.T @ eye.turn @ np.linalg.inv(eye.matrix), np.float64)
