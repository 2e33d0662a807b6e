"""A picture made ready for stereo: flat, at a known scale, with the camera that took it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Doubles
from edge.vision.lens import Lens
from edge.vision.pose import Pose

Picture = NDArray[np.uint8]
"""(height, width, 3), BGR."""

WORKING_GSD_M = 0.12
"""Metres of ground a pixel. A shed of 10 m² has 26 pixels across; heights repeat to 0.1 m in pictures that overlap by
60 %."""
LEAST_SIDE_PX = 64
_LEAST_ABOVE_M = 5.0
_LEAST_DOWN = 0.1
"""Of a corner's direction: nearer to the horizon than 6° no ground is compared."""


@dataclass(frozen=True, slots=True, eq=False)
class Eye:
    """A camera without bending: `matrix` (3, 3), `turn` (3, 3) from its axes to east, north, up, `centre` (3,) metres.

    `width`, `height` of its picture in pixels.
    """

    matrix: Doubles
    turn: Doubles
    centre: Doubles
    width: int
    height: int

    def pixels(self, points: Doubles) -> Doubles:
        """Where points (n, 3) are seen: (n, 2). Points behind the camera have no meaning here."""
        seen = (np.asarray(points, np.float64) - self.centre) @ self.turn @ self.matrix.T
        return np.asarray(seen[:, :2] / seen[:, 2:], np.float64)

    def rays(self, pixels: Doubles) -> Doubles:
        """Directions (n, 3) in east, north, up, of length 1 along the camera's axis."""
        whole = np.concatenate((pixels, np.ones((len(pixels), 1))), axis=1)
        return np.asarray(whole @ np.linalg.inv(self.matrix).T @ self.turn.T, np.float64)

    def on_level(self, pixels: Doubles, up_m: float) -> Doubles:
        """(n, 2): east and north of where pixels look at a level of height `up_m`."""
        rays = self.rays(pixels)
        reach = (up_m - self.centre[2]) / rays[:, 2]
        return np.asarray(self.centre[:2] + rays[:, :2] * reach[:, None], np.float64)

    def outline(self, up_m: float) -> Doubles:
        """(4, 2): what the picture shows of a level."""
        across, down = self.width - 1, self.height - 1
        return self.on_level(np.array(((0, 0), (across, 0), (across, down), (0, down)), np.float64), up_m)

    def moved(self, centre: Doubles, turn: Doubles) -> Eye:
        """The same camera elsewhere."""
        return replace(self, centre=np.asarray(centre, np.float64), turn=np.asarray(turn, np.float64))

    def scaled(self, share: float) -> Eye:
        """The same camera with a smaller picture."""
        width, height = (max(1, round(side * share)) for side in (self.width, self.height))
        across, down = width / self.width, height / self.height
        matrix = np.array(((across, 0, (across - 1) / 2), (0, down, (down - 1) / 2), (0, 0, 1))) @ self.matrix
        return replace(self, matrix=np.asarray(matrix, np.float64), width=width, height=height)

    def gsd_m(self, up_m: float) -> float:
        """Metres of ground a pixel below the camera."""
        return float((self.centre[2] - up_m) / self.matrix[0, 0])


def eye_of(lens: Lens, pose: Pose, ground_up_m: float = 0.0, gsd_m: float = WORKING_GSD_M) -> Eye:
    """The camera of a picture that is scaled to `gsd_m` where it is finer than that.

    Raises:
        ValueError: not a place in finite numbers, less than 5 m above the ground, or a corner of the picture looks
            above the horizon.
    """
    if not (np.isfinite(pose.centre).all() and np.isfinite(pose.turn).all()):
        raise ValueError("pose: its place or turn is not in finite numbers")
    above = pose.up_m - ground_up_m
    if not above >= _LEAST_ABOVE_M:
        raise ValueError(f"pose: {above:.1f} m above the ground, at least {_LEAST_ABOVE_M:.0f} are needed")
    share = min(1.0, above / lens.focal_x / gsd_m)
    width, height = (max(LEAST_SIDE_PX, round(side * share)) for side in (lens.width, lens.height))
    small = lens.scaled(width, height)
    eye = Eye(small.matrix, np.asarray(pose.turn, np.float64), pose.centre, width, height)
    across, down = width - 1, height - 1
    corners = eye.rays(np.array(((0, 0), (across, 0), (across, down), (0, down)), np.float64))
    if not (corners[:, 2] < -_LEAST_DOWN * np.linalg.norm(corners, axis=1)).all():
        raise ValueError("pose: a corner of the picture looks above the horizon; only steep pictures are compared")
    return eye


def picture_of(bgr: Picture, lens: Lens, eye: Eye) -> Picture:
    """The picture as `eye` sees it: scaled, its lens's bending taken out.

    Raises:
        ValueError: it is not (height, width, 3) of bytes of the lens's size.
    """
    if bgr.ndim != 3 or bgr.shape[2] != 3 or bgr.dtype != np.uint8:
        raise ValueError(f"picture: (height, width, 3) of bytes is needed, found {bgr.dtype} {bgr.shape}")
    if (lens.width, lens.height) != (bgr.shape[1], bgr.shape[0]):
        raise ValueError(f"picture: {bgr.shape[1]} × {bgr.shape[0]}, but its lens is for {lens.width} × {lens.height}")
    if (eye.width, eye.height) != (lens.width, lens.height):
        bgr = np.asarray(cv2.resize(bgr, (eye.width, eye.height), interpolation=cv2.INTER_AREA), np.uint8)
    if any(lens.distortion):
        bgr = np.asarray(cv2.undistort(bgr, eye.matrix, np.array(lens.distortion)), np.uint8)
    return bgr
