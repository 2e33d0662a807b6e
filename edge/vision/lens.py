"""A camera as a map between pixels and directions: pinhole with the lens's bending (Brown 1971, as OpenCV has it).

Camera axes: x to the right of the picture, y down, z into the scene. The centre of the upper left pixel is (0, 0).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from edge.vision.arrays import Doubles


@dataclass(frozen=True, slots=True)
class Lens:
    """Intrinsics of a camera for pictures of one size, in pixels.

    `distortion` is (k1, k2, p1, p2, k3). `focal_sigma` is the standard deviation of the focal length as a share of it:
    what a data sheet or EXIF says is good to a percent, a calibration to a tenth of that.
    """

    width: int
    height: int
    focal_x: float
    focal_y: float
    centre_x: float
    centre_y: float
    distortion: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    focal_sigma: float = 0.01

    @property
    def matrix(self) -> Doubles:
        """The (3, 3) camera matrix."""
        return np.array(((self.focal_x, 0, self.centre_x), (0, self.focal_y, self.centre_y), (0, 0, 1)), np.float64)

    def directions(self, pixels: Doubles) -> Doubles:
        """Where pixels (n, 2) look: (n, 3) directions in camera axes with z = 1."""
        points = np.ascontiguousarray(pixels, np.float64).reshape(-1, 1, 2)
        if any(self.distortion) and len(points):
            # OpenCV's default of five steps leaves up to a pixel at the corners of a wide lens.
            criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 40, 1e-10)
            flat = cv2.undistortPoints(points, self.matrix, np.array(self.distortion), criteria=criteria)
        else:
            flat = (points - (self.centre_x, self.centre_y)) / (self.focal_x, self.focal_y)
        return np.concatenate([flat.reshape(-1, 2), np.ones((len(points), 1))], axis=1)

    def pixels(self, points: Doubles) -> Doubles:
        """Where points (n, 3) in camera axes are seen: (n, 2). NaN for what lies behind the camera."""
        points = np.asarray(points, np.float64).reshape(-1, 3)
        ahead = points[:, 2] > 0
        found = np.full((len(points), 2), np.nan)
        if ahead.any():
            seen, _ = cv2.projectPoints(
                points[ahead].reshape(-1, 1, 3), np.zeros(3), np.zeros(3), self.matrix, np.array(self.distortion)
            )
            found[ahead] = seen.reshape(-1, 2)
        return found

    def scaled(self, width: int, height: int) -> Lens:
        """The same lens for the same view in another size."""
        across, down = width / self.width, height / self.height
        return Lens(
            width,
            height,
            self.focal_x * across,
            self.focal_y * down,
            (self.centre_x + 0.5) * across - 0.5,
            (self.centre_y + 0.5) * down - 0.5,
            self.distortion,
            self.focal_sigma,
        )
