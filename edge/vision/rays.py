"""Lines of sight to the ground: where a pixel's place is, and how exactly that is known.

Directions are those of `Pose.to_world`. The ground is a level plane or a grid of heights. Errors go through exact
first derivatives of the line's meeting with the ground's tangent plane (as in Förstner and Wrobel, "Photogrammetric
Computer Vision", 2016, §2.7 on the propagation of covariances): for errors that bend nothing, that is all there is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from edge.vision.arrays import Doubles
from edge.vision.lens import Lens
from edge.vision.pose import Pose

FARTHEST_M = 5_000.0
"""Along the line of sight. Beyond, a tenth of a degree is a hundred metres of ground for a drone 100 m up."""
_LEVEL = 1e-6
"""Of a direction's length: less downward than this is the horizon."""
_MOST_STEPS = 4096
_HALVINGS = 30
"""Of one step of the march: to a billionth of it."""

EAST, NORTH, UP, TURN_EAST, TURN_NORTH, TURN_UP, FOCAL, GROUND, PIXEL_X, PIXEL_Y = range(10)
"""Columns of `sensitivities`."""


@dataclass(frozen=True, slots=True, eq=False)
class HeightGrid:
    """Heights in metres at points `step_m` apart: `heights_m` (rows, columns), rows southward, NaN where unknown.

    (`west_m`, `north_m`) is the place of `heights_m[0, 0]` itself, not a corner of its cell. Between points heights
    are bilinear.
    """

    heights_m: Doubles
    west_m: float
    north_m: float
    step_m: float
    lowest_m: float = field(init=False)
    highest_m: float = field(init=False)
    """NaN if no height is known."""

    def __post_init__(self) -> None:
        known = self.heights_m[np.isfinite(self.heights_m)]
        object.__setattr__(self, "lowest_m", float(known.min()) if known.size else math.nan)
        object.__setattr__(self, "highest_m", float(known.max()) if known.size else math.nan)

    def at(self, places: Doubles) -> Doubles:
        """(n,) heights of places (n, 2); NaN outside of the grid and beside unknown points."""
        places = np.asarray(places, np.float64)
        rows, columns = self.heights_m.shape
        across = (places[..., 0] - self.west_m) / self.step_m
        down = (self.north_m - places[..., 1]) / self.step_m
        with np.errstate(invalid="ignore"):
            inside = (across >= 0) & (across <= columns - 1) & (down >= 0) & (down <= rows - 1)
        across, down = np.where(inside, across, 0.0), np.where(inside, down, 0.0)
        left, top = across.astype(np.intp), down.astype(np.intp)
        right, bottom = np.minimum(left + 1, columns - 1), np.minimum(top + 1, rows - 1)
        across, down = across - left, down - top
        grid = self.heights_m
        upper = _mixed(grid[top, left], grid[top, right], across)
        lower = _mixed(grid[bottom, left], grid[bottom, right], across)
        return np.where(inside, _mixed(upper, lower, down), np.nan)

    def slopes(self, places: Doubles) -> Doubles:
        """(n, 2): metres up per metre east and north, over two cells. NaN as for `at`, and along the border."""
        places, step = np.asarray(places, np.float64), self.step_m
        ways = np.array(((step, 0.0), (0.0, step)))
        return np.stack([(self.at(places + way) - self.at(places - way)) / (2 * step) for way in ways], axis=-1)


def meet_plane(centre: Doubles, directions: Doubles, height_m: float, farthest_m: float = FARTHEST_M) -> Doubles:
    """Where lines from `centre` (3,) along directions (n, 3) meet the level plane: (n, 3).

    NaN at and above the horizon, beyond `farthest_m`, and for a camera that is below the plane.
    """
    directions = np.asarray(directions, np.float64)
    lengths = np.linalg.norm(directions, axis=1)
    sinking = directions[:, 2] < -_LEVEL * lengths
    drop = float(centre[2]) - height_m
    reach = np.full(len(directions), np.nan)
    if drop > 0:
        reach[sinking] = drop / -directions[sinking, 2]
        with np.errstate(invalid="ignore"):
            reach[reach * lengths > farthest_m] = np.nan
    return np.asarray(centre + reach[:, None] * directions, np.float64)


def meet_grid(centre: Doubles, directions: Doubles, grid: HeightGrid, farthest_m: float = FARTHEST_M) -> Doubles:
    """Where lines from `centre` (3,) along directions (n, 3) first meet the grid's surface: (n, 3).

    A march in steps of at most half a cell between the heights of the highest and the lowest point, then halving.
    NaN where a line passes over unknown ground before it meets any, as that may have hidden the rest; and as
    `meet_plane`. With lines that are nearly level over a large grid, steps grow beyond half a cell: 4,096 at most.
    """
    found = np.full((len(directions), 3), np.nan)
    low, high = grid.lowest_m, grid.highest_m
    if math.isnan(low):
        return found
    directions = np.asarray(directions, np.float64)
    unit = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    sinking = np.flatnonzero(unit[:, 2] < -_LEVEL)
    if not len(sinking) or centre[2] <= low:
        return found
    lines = unit[sinking]
    # A little before the highest point and beyond the lowest: on a flat grid both are the surface itself.
    first = np.maximum((centre[2] - high) / -lines[:, 2] - grid.step_m, 0.0)
    last = np.minimum((centre[2] - low) / -lines[:, 2] + grid.step_m, farthest_m)
    level = np.linalg.norm(lines[:, :2], axis=1)
    span = float(np.max((last - first) * np.maximum(level, 0.25), initial=0.0))
    steps = min(max(math.ceil(2 * span / grid.step_m), 4), _MOST_STEPS)
    before, after = _marched(centre, lines, grid, first, last, steps)
    hit = np.isfinite(before)
    reach = _halved(centre, lines[hit], grid, before[hit], after[hit])
    found[sinking[hit]] = centre + reach[:, None] * lines[hit]
    return found


def sensitivities(lens: Lens, pose: Pose, pixels: Doubles, points: Doubles, slopes: Doubles | None = None) -> Doubles:
    """How places (n, 3), seen at pixels (n, 2), move with what may be wrong: (n, 2, 10) of east and north.

    Columns: the camera's east, north and up in metres, its small turn about east, north and up in radians, the focal
    length as a share of itself, the ground's height in metres, the pixel's x and y. `slopes` (n, 2) of the ground as
    `HeightGrid.slopes`; None for a level one. NaN where the place is NaN or the line only grazes the ground.
    """
    flat, bending = _undistorted(lens, pixels)
    camera_rays = np.concatenate([flat, np.ones((len(flat), 1))], axis=1)
    rays = pose.to_world(camera_rays)
    normal = np.zeros_like(rays)
    normal[:, 2] = 1.0
    if slopes is not None:
        normal[:, :2] = -slopes
    sinking = np.einsum("ni,ni->n", normal, rays)
    with np.errstate(invalid="ignore"):
        sinking = np.where(sinking < -_LEVEL * np.linalg.norm(rays, axis=1), sinking, np.nan)
    # The place's shift with the centre, and (times `reach`) with the end of the ray.
    moving = np.eye(3) - rays[:, :, None] * normal[:, None, :] / sinking[:, None, None]
    reach = np.einsum("ni,ni->n", np.asarray(points, np.float64) - pose.centre, rays) / np.einsum(
        "ni,ni->n", rays, rays
    )
    by_ray = moving * reach[:, None, None]
    columns = np.empty((len(rays), 3, 10))
    columns[:, :, EAST : UP + 1] = moving
    columns[:, :, TURN_EAST : TURN_UP + 1] = -by_ray @ _crossing(rays)
    # A longer focal length and a moved pixel both move the bent point that the ray was made of.
    unbent = _inverse(bending)
    bent = (np.asarray(pixels, np.float64) - (lens.centre_x, lens.centre_y)) / (lens.focal_x, lens.focal_y)
    by_flat = by_ray @ pose.turn[:, :2]
    columns[:, :, FOCAL] = -np.einsum("nij,njk,nk->ni", by_flat, unbent, bent)
    columns[:, :, GROUND] = rays / sinking[:, None]
    columns[:, :, PIXEL_X : PIXEL_Y + 1] = by_flat @ unbent / (lens.focal_x, lens.focal_y)
    columns[~np.isfinite(points).all(axis=1)] = np.nan
    return columns[:, :2]


def covariances(
    sensitivity: Doubles, lens: Lens, pose_covariance: Doubles, *, ground_sigma_m: float, pixel_sigma_px: float
) -> Doubles:
    """(n, 2, 2) in m² of places whose `sensitivities` are given: all errors of one picture, each on its own.

    Errors of pose may go together, as `pose_covariance` (6, 6) says; those of focal length, ground and pixel do not.
    """
    posed = sensitivity[:, :, EAST : TURN_UP + 1]
    rest = sensitivity[:, :, FOCAL:] * (lens.focal_sigma, ground_sigma_m, pixel_sigma_px, pixel_sigma_px)
    found: Doubles = posed @ pose_covariance @ posed.swapaxes(1, 2) + rest @ rest.swapaxes(1, 2)
    return found


def _mixed(first: Doubles, second: Doubles, share: Doubles) -> Doubles:
    """Between the two. On a point itself its neighbour, which may be unknown, has no say."""
    return np.where(share > 0, first + (second - first) * share, first)


def _marched(
    centre: Doubles, lines: Doubles, grid: HeightGrid, first: Doubles, last: Doubles, steps: int
) -> tuple[Doubles, Doubles]:
    """(n,) and (n,): lengths before and after the first passage through the surface; NaN without one."""
    before, after = np.full(len(lines), np.nan), np.full(len(lines), np.nan)
    open_ = np.flatnonzero(last > first)
    above = np.zeros(len(lines), np.bool_)
    previous = first
    for step in range(steps + 1):
        if not len(open_):
            break
        length = first + (last - first) * (step / steps)
        points = centre + length[open_, None] * lines[open_]
        clearance = points[:, 2] - grid.at(points[:, :2])
        under = clearance <= 0
        hit = open_[under & above[open_]]
        before[hit], after[hit] = previous[hit], length[hit]
        above[open_] |= clearance > 0
        # Unknown ground ends a line without a place; so does one that begins below the surface.
        open_ = open_[clearance > 0]
        previous = length
    return before, after


def _halved(centre: Doubles, lines: Doubles, grid: HeightGrid, before: Doubles, after: Doubles) -> Doubles:
    for _ in range(_HALVINGS):
        middle = (before + after) / 2
        points = centre + middle[:, None] * lines
        above = points[:, 2] > grid.at(points[:, :2])
        before, after = np.where(above, middle, before), np.where(above, after, middle)
    return (before + after) / 2


def _undistorted(lens: Lens, pixels: Doubles) -> tuple[Doubles, Doubles]:
    """Straight points (n, 2) with z = 1, and the derivative (n, 2, 2) of the bent point by the straight one."""
    flat = lens.directions(pixels)[:, :2]
    k1, k2, p1, p2, k3 = lens.distortion
    x, y = flat[:, 0], flat[:, 1]
    square = x * x + y * y
    radial = 1 + square * (k1 + square * (k2 + square * k3))
    slope = 2 * (k1 + square * (2 * k2 + 3 * square * k3))
    bending = np.empty((len(flat), 2, 2))
    bending[:, 0, 0] = radial + x * x * slope + 2 * p1 * y + 6 * p2 * x
    bending[:, 1, 1] = radial + y * y * slope + 6 * p1 * y + 2 * p2 * x
    bending[:, 0, 1] = bending[:, 1, 0] = x * y * slope + 2 * p1 * x + 2 * p2 * y
    return flat, bending


def _inverse(matrices: Doubles) -> Doubles:
    """Of (n, 2, 2); not finite where there is none: a lens that folds its picture there is no reason to stop."""
    (a, b), (c, d) = matrices[:, 0].T, matrices[:, 1].T
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = 1 / (a * d - b * c)
        return np.asarray(np.stack((d, -b, -c, a), axis=-1).reshape(-1, 2, 2) * scale[:, None, None])


def _crossing(rays: Doubles) -> Doubles:
    """(n, 3, 3): the matrices that give a ray's cross product with something."""
    matrix = np.zeros((len(rays), 3, 3))
    matrix[:, 0, 1], matrix[:, 0, 2], matrix[:, 1, 2] = -rays[:, 2], rays[:, 1], -rays[:, 0]
    return matrix - matrix.swapaxes(1, 2)
