"""A picture made ready for comparing: flat, at a known scale, with its map to the ground."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Doubles
from edge.vision.lens import Lens
from edge.vision.pose import Pose

Picture = NDArray[np.uint8]
"""(height, width, 3), BGR."""

WORKING_GSD_M = 0.12
"""Metres of ground a pixel. Finer than 0.10 shows no more of a shed and costs the square; coarser than 0.15 leaves a
shed of 10 m² fewer than 21 pixels across."""
LEAST_SIDE_PX = 64
MOST_PIXELS = 100_000_000
_LEAST_HEIGHT_M = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A flat picture and where its ground is.

    `to_ground` (3, 3) takes pixels to metres east and north on the ground, `camera` (3,) is east, north and metres
    above that ground.
    """

    bgr: Picture
    to_ground: Doubles
    camera: Doubles

    @property
    def gsd_m(self) -> float:
        """Metres of ground a pixel, in the middle of the picture."""
        height, width = self.bgr.shape[:2]
        middle = np.array((((width - 1) / 2, (height - 1) / 2),))
        around = middle + np.array(((0, 0), (1, 0), (0, 1)))
        at, right, down = through(self.to_ground, around)
        across, along = right - at, down - at
        return math.sqrt(abs(float(across[0] * along[1] - across[1] * along[0])))


def through(homography: Doubles, points: Doubles) -> Doubles:
    """Points (n, 2) through a (3, 3) homography: (n, 2)."""
    points = np.asarray(points, np.float64).reshape(-1, 2)
    mapped = np.concatenate((points, np.ones((len(points), 1))), axis=1) @ np.asarray(homography, np.float64).T
    return np.asarray(mapped[:, :2] / mapped[:, 2:], np.float64)


def corners_of(picture: Picture) -> Doubles:
    """(4, 2) outer pixel centres, clockwise from the upper left."""
    height, width = picture.shape[:2]
    return np.array(((0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1)), np.float64)


def checked_picture(bgr: Picture, name: str) -> Picture:
    """The picture itself.

    Raises:
        ValueError: it is not (height, width, 3) of bytes, or too small or too large to be compared.
    """
    if bgr.ndim != 3 or bgr.shape[2] != 3 or bgr.dtype != np.uint8:
        raise ValueError(
            f"{name}: a colour picture of bytes (height, width, 3) is needed, found {bgr.dtype} {bgr.shape}"
        )
    if min(bgr.shape[:2]) < LEAST_SIDE_PX:
        raise ValueError(f"{name}: at least {LEAST_SIDE_PX} pixels a side are needed, found {_size(bgr)}")
    if bgr.shape[0] * bgr.shape[1] > MOST_PIXELS:
        raise ValueError(f"{name}: at most {MOST_PIXELS} pixels are compared at once, found {_size(bgr)}: cut it up")
    return bgr


def checked_homography(homography: Doubles, name: str) -> Doubles:
    """As float64.

    Raises:
        ValueError: not (3, 3), not finite, or it maps a plane onto a line.
    """
    found = np.asarray(homography, np.float64)
    if found.shape != (3, 3) or not np.isfinite(found).all() or abs(np.linalg.det(found)) < 1e-18:
        raise ValueError(f"{name}: a (3, 3) homography that can be inverted is needed, found {found.tolist()}")
    return found


def view_of(bgr: Picture, lens: Lens, pose: Pose, ground_up_m: float = 0.0, gsd_m: float = WORKING_GSD_M) -> View:
    """A picture with its lens's bending taken out, scaled to `gsd_m` where it is finer than that.

    `ground_up_m`: height of the ground below the camera, in the pose's own up.

    Raises:
        ValueError: the picture does not fit the lens, the camera is less than 5 m above the ground, or a corner of the
            picture looks above the horizon.
    """
    checked_picture(bgr, "picture")
    if (lens.width, lens.height) != (bgr.shape[1], bgr.shape[0]):
        raise ValueError(f"picture: {_size(bgr)}, but its lens is for {lens.width} × {lens.height}")
    above = pose.up_m - ground_up_m
    if not above >= _LEAST_HEIGHT_M:
        raise ValueError(f"pose: {above:.1f} m above the ground, at least {_LEAST_HEIGHT_M:.0f} are needed")
    full = View(bgr, _to_ground(lens, pose, above), np.array((pose.east_m, pose.north_m, above)))
    if not _sees_only_ground(lens, pose):
        raise ValueError("pose: a corner of the picture looks above the horizon; only steep pictures are compared")
    share = min(1.0, full.gsd_m / gsd_m)
    if share < 1:
        width, height = (max(LEAST_SIDE_PX, round(side * share)) for side in (lens.width, lens.height))
        bgr = np.asarray(cv2.resize(bgr, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        lens = lens.scaled(width, height)
    if any(lens.distortion):
        bgr = np.asarray(cv2.undistort(bgr, lens.matrix, np.array(lens.distortion)), np.uint8)
    return View(bgr, _to_ground(lens, pose, above), full.camera)


def prior_of(before: View, after: View) -> Doubles:
    """The (3, 3) homography from pixels of `before` to those of `after`, as the poses have it, for the ground."""
    prior = np.linalg.inv(after.to_ground) @ before.to_ground
    return np.asarray(prior / prior[2, 2], np.float64)


def _to_ground(lens: Lens, pose: Pose, above_m: float) -> Doubles:
    """Follows a ray q from the camera down to the ground: centre - above · q / q_up."""
    fall = np.array(((above_m, 0, -pose.east_m), (0, above_m, -pose.north_m), (0, 0, -1)))
    found = fall @ pose.turn @ np.linalg.inv(lens.matrix)
    return np.asarray(found, np.float64)


def _sees_only_ground(lens: Lens, pose: Pose) -> bool:
    across, down = lens.width - 1, lens.height - 1
    ends = np.array(((0, 0, 1), (across, 0, 1), (across, down, 1), (0, down, 1)), np.float64)
    return bool((pose.to_world(ends @ np.linalg.inv(lens.matrix).T)[:, 2] < -0.1).all())


def _size(bgr: Picture) -> str:
    return f"{bgr.shape[1]} × {bgr.shape[0]}"
