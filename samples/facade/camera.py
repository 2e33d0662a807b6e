"""The pinhole camera at the foot of a façade, and the calibration an installer would measure from it.

World axes in metres: x to the right along the façade, y up from the ground, z out of the façade towards the camera.
The façade is the plane z = 0; the camera stands at (0, height_m, distance_m), turned up by `tilt_degrees`, unrolled.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sin

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole with square pixels and the principal point in the middle of the picture."""

    width: int = 640
    height: int = 360
    focal_px: float = 700.0
    height_m: float = 2.5
    tilt_degrees: float = 30.0
    distance_m: float = 25.0

    @property
    def position(self) -> Points:
        """Where the pinhole is, (3,) metres."""
        return np.array([0.0, self.height_m, self.distance_m])

    def axes(self) -> Points:
        """Rows: right, up and forward as unit vectors of the world, (3, 3)."""
        tilt = radians(self.tilt_degrees)
        return np.array([[1.0, 0.0, 0.0], [0.0, cos(tilt), sin(tilt)], [0.0, sin(tilt), -cos(tilt)]])

    def depth(self, points: Points) -> Points:
        """Metres of (n, 3) points along the optical axis: negative is behind the camera."""
        return np.asarray((points - self.position) @ self.axes()[2], np.float64)

    def project(self, points: Points) -> Points:
        """(n, 3) metres to (n, 2) pixels; pixel centres at whole numbers. Points behind the camera come out as NaN."""
        seen = (points - self.position) @ self.axes().T
        depth = np.where(seen[:, 2] > 0.02, seen[:, 2], np.nan)
        x = (self.width - 1) / 2 + self.focal_px * seen[:, 0] / depth
        y = (self.height - 1) / 2 - self.focal_px * seen[:, 1] / depth
        return np.stack([x, y], axis=1)

    def facade_homography(self) -> Points:
        """(3, 3): façade metres (x, y, 1) to pixels, for the plane z = 0."""
        square = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], dtype=np.float64)
        axes = self.axes()
        seen = (square - self.position) @ axes.T
        origin, step_x, step_y = seen[0], seen[1] - seen[0], seen[2] - seen[0]
        intrinsic = np.array(
            [
                [self.focal_px, 0.0, (self.width - 1) / 2],
                [0.0, -self.focal_px, (self.height - 1) / 2],
                [0.0, 0.0, 1.0],
            ]
        )
        return np.asarray(intrinsic @ np.stack([step_x, step_y, origin], axis=1), np.float64)

    def to_facade(self, pixels: Points) -> Points:
        """(n, 2) pixels to (n, 2) metres on the façade plane: the inverse of `facade_homography`."""
        rays = np.column_stack([pixels, np.ones(len(pixels))]) @ np.linalg.inv(self.facade_homography()).T
        metres: Points = rays[:, :2] / rays[:, 2:]
        return metres

    def contains(self, pixels: Points, margin_px: float = 0.0) -> NDArray[np.bool_]:
        """Which of (n, 2) pixels lie in the picture, shrunk by `margin_px`."""
        x, y = pixels[:, 0], pixels[:, 1]
        inside: NDArray[np.bool_] = (
            (x >= margin_px) & (y >= margin_px) & (x <= self.width - 1 - margin_px) & (y <= self.height - 1 - margin_px)
        )
        return inside
