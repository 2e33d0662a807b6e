"""The façade as a plane: pixels to metres. x to the right, y up from the ground."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from edge.vision.arrays import Doubles


class PlanePoint(NamedTuple):
    """A pixel on the plane: position in metres, and how many metres one pixel down (`per_pixel_m`) is worth there."""

    x_m: float
    y_m: float
    per_pixel_m: float


class FacadePlane:
    """A homography from pixels to façade metres, as plain floats: a handful of points a frame need no array."""

    def __init__(self, pixels_to_metres: Doubles) -> None:
        matrix = np.asarray(pixels_to_metres, np.float64)
        if matrix.shape != (3, 3) or not np.isfinite(matrix).all() or abs(np.linalg.det(matrix)) < 1e-18:
            raise ValueError("the calibration is degenerate: its points lie on a line, or two of them coincide")
        self.matrix = matrix
        (self._a, self._b, self._c), (self._d, self._e, self._f), (self._g, self._h, self._i) = matrix.tolist()

    def at(self, x: float, y: float) -> PlanePoint:
        """The plane's point behind a pixel."""
        w = self._g * x + self._h * y + self._i
        if abs(w) < 1e-12:
            w = math.copysign(1e-12, w)
        x_m = (self._a * x + self._b * y + self._c) / w
        y_m = (self._d * x + self._e * y + self._f) / w
        return PlanePoint(x_m, y_m, abs((self._e - y_m * self._h) / w))

    def faces(self, points: Sequence[tuple[float, float]]) -> bool:
        """Whether all pixels lie on the same side of the plane's horizon, with height growing upward in the picture."""
        depths = [self._g * x + self._h * y + self._i for x, y in points]
        if not (all(depth > 1e-12 for depth in depths) or all(depth < -1e-12 for depth in depths)):
            return False
        return all((self._e - self.at(x, y).y_m * self._h) / w < 0 for (x, y), w in zip(points, depths, strict=True))


def plane_from_points(pixels: Sequence[tuple[float, float]], metres: Sequence[tuple[float, float]]) -> FacadePlane:
    """Least squares through four or more pairs of points.

    Raises:
        ValueError: fewer than four pairs, or no homography fits (three on a line).
    """
    if len(pixels) < 4 or len(pixels) != len(metres):
        raise ValueError(f"a homography needs 4 or more pairs of points, found {len(pixels)}")
    matrix, _ = cv2.findHomography(np.asarray(pixels, np.float64), np.asarray(metres, np.float64), 0)
    if matrix is None:
        raise ValueError("no homography fits the points: three of them may lie on a line")
    return FacadePlane(np.asarray(matrix, np.float64))


def plane_from_camera(
    width: int, height: int, *, height_m: float, tilt_degrees: float, focal_px: float, distance_m: float
) -> FacadePlane:
    """A pinhole camera that looks straight at a vertical wall, tilted up; principal point in the picture's centre.

    A ray (x, y, 1) of the camera, y down, goes `cos t + y sin t` forward and `sin t - y cos t` up; it is followed for
    `distance_m` forward.
    """
    tilt = math.radians(tilt_degrees)
    sine, cosine = math.sin(tilt), math.cos(tilt)
    from_rays = np.array(
        [
            [distance_m, 0.0, 0.0],
            [0.0, height_m * sine - distance_m * cosine, height_m * cosine + distance_m * sine],
            [0.0, sine, cosine],
        ]
    )
    to_rays = np.array([[1 / focal_px, 0, -width / 2 / focal_px], [0, 1 / focal_px, -height / 2 / focal_px], [0, 0, 1]])
    return FacadePlane(from_rays @ to_rays)
