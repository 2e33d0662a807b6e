"""The ground as a plane: pixels to metres, with the uncertainty that the calibration's own points have.

A homography through four or more pairs of points, fitted by weighted Gauss-Newton in metres on the ground (Hartley and
Zisserman, "Multiple View Geometry", 2nd ed., §4.1-4.4 and §5.2), and its covariance carried to every place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np

from edge.vision.arrays import Doubles

LEAST_POINTS = 4
_PARAMETERS = 8
_STEPS = 20
"""Of the fit. From the closed solution it settles in three or four; points that contradict each other take more."""
_SETTLED = 1e-10
_HORIZON = 1e-6
"""Of the calibration points' own mean depth: where a line of sight is level with the ground."""
_SINGULAR = 1e-7
"""Smallest over largest singular value of points in their own units, below which three of four lie on a line."""

_ON_A_LINE = "no homography fits the points: three of four lie on a line, or two coincide"


@dataclass(frozen=True, slots=True)
class GroundPoint:
    """A place on the ground: metres east and north of the origin, and the covariance (2, 2) in m²."""

    east_m: float
    north_m: float
    covariance_m2: Doubles

    @property
    def radius_95_m(self) -> float:
        """The radius that holds 95 %."""
        return radius_95(self.covariance_m2)


@dataclass(frozen=True, slots=True)
class Residual:
    """How far a calibration point lies from where the fit puts it."""

    metres: float
    pixels: float
    deviations: float
    """In its own standard deviations: the square root of the squared Mahalanobis distance."""


class GroundPlane:
    """A homography from pixels to metres on the ground. Immutable; made by `fit_ground`."""

    def __init__(
        self, homography: Doubles, normal_pixels: Doubles, normal_metres: Doubles, covariance: Doubles
    ) -> None:
        """All in normalised coordinates: `homography` (3, 3) with a last element of 1, and the two normalisations."""
        self._h = homography
        self._pixels = normal_pixels
        self._metres = normal_metres
        self._scale = float(normal_metres[0, 0])
        self._covariance = covariance

    def at(self, x: float, y: float, pixel_error_px: float = 0.0) -> GroundPoint | None:
        """The place that a pixel shows; None above the horizon.

        `pixel_error_px`: standard deviation of the pixel itself, added to what the calibration does not know.
        """
        point = self._normal(x, y)
        depth = self._depth(point)
        if depth <= _HORIZON:
            return None
        place, to_place, to_parameters = _mapped(self._h, point, depth)
        covariance = to_parameters @ self._covariance @ to_parameters.T
        step = to_place * self._pixels[0, 0] * pixel_error_px
        covariance = (covariance + step @ step.T) / self._scale**2
        east, north = (place - self._metres[:2, 2]) / self._scale
        return GroundPoint(float(east), float(north), covariance)

    def metres_per_pixel(self, x: float, y: float) -> float | None:
        """Across the line of sight; None above the horizon.

        On the ground a view is foreshortened along the line of sight alone: the smaller of the two scales is across it.
        """
        point = self._normal(x, y)
        depth = self._depth(point)
        if depth <= _HORIZON:
            return None
        _, to_place, _ = _mapped(self._h, point, depth)
        scales = np.linalg.svd(to_place, compute_uv=False)
        return float(scales[-1] * self._pixels[0, 0] / self._scale)

    def faces(self, x: float, y: float) -> bool:
        """Whether the pixel shows the ground from above: a mirrored calibration shows it from below."""
        point = self._normal(x, y)
        depth = self._depth(point)
        # Rows grow downward and north upward: seen from above, the two frames have opposite handedness.
        return depth > _HORIZON and float(np.linalg.det(_mapped(self._h, point, depth)[1])) < 0

    def _normal(self, x: float, y: float) -> Doubles:
        scale, (left, top) = float(self._pixels[0, 0]), self._pixels[:2, 2].tolist()
        return np.array((x * scale + left, y * scale + top), np.float64)

    def _depth(self, point: Doubles) -> float:
        return float(self._h[2, 0] * point[0] + self._h[2, 1] * point[1] + 1.0)


@dataclass(frozen=True, slots=True)
class GroundFit:
    """A fitted plane, and how well its points agree."""

    plane: GroundPlane
    residuals: tuple[Residual, ...]
    """In the order of the points."""
    misfit: float
    """χ² per degree of freedom: about 1 where the points are as exact as was said; 0 with four, which always fit."""
    is_contradictory: bool
    """Whether so large a misfit comes by chance in less than 1 % of calibrations."""


def fit_ground(
    pixels: Sequence[tuple[float, float]],
    metres: Sequence[tuple[float, float]],
    *,
    pixel_error_px: float,
    point_error_m: float,
) -> GroundFit:
    """Fits the plane. Errors are standard deviations: of a point's pixel, and of its place on the ground.

    If the points agree worse than these errors explain, the covariance grows with the misfit (Birge's ratio): then
    something else is wrong too, as a lens that bends lines.

    Raises:
        ValueError: fewer than four pairs, three of four on a line, or points on both sides of the horizon.
    """
    if len(pixels) < LEAST_POINTS or len(pixels) != len(metres):
        raise ValueError(f"found {len(pixels)} pairs of points, expected at least {LEAST_POINTS}")
    seen, truth = np.asarray(pixels, np.float64), np.asarray(metres, np.float64)
    _refuse_lines(seen, "pixels")
    _refuse_lines(truth, "places")
    normal_pixels, normal_metres = _normalisation(seen), _normalisation(truth)
    points = seen * normal_pixels[0, 0] + normal_pixels[:2, 2]
    places = truth * normal_metres[0, 0] + normal_metres[:2, 2]
    h = _closed_solution(points, places)
    pixel_sigma, place_sigma = pixel_error_px * normal_pixels[0, 0], point_error_m * normal_metres[0, 0]
    try:
        h, covariance = _refined(h, points, places, pixel_sigma, place_sigma)
    except np.linalg.LinAlgError as error:
        raise ValueError(_ON_A_LINE) from error
    residuals = tuple(
        _residual(h, point, place, pixel_sigma, place_sigma, (normal_pixels[0, 0], normal_metres[0, 0]))
        for point, place in zip(points, places, strict=True)
    )
    freedom = 2 * len(points) - _PARAMETERS
    chi2 = math.fsum(residual.deviations**2 for residual in residuals)
    misfit = chi2 / freedom if freedom else 0.0
    plane = GroundPlane(h, normal_pixels, normal_metres, covariance * max(misfit, 1.0))
    return GroundFit(plane, residuals, misfit, bool(freedom) and chi2 > _chi2_limit(freedom))


def radius_95(covariance: Doubles) -> float:
    """The radius of the circle that holds 95 % of a two-dimensional Gaussian, whatever its shape.

    A cubic in the ratio of its axes, between 1.96 of the longer axis for a needle and 2.45 for a circle (Leenhouts
    1985, as the US National Geodetic Survey has it for horizontal accuracy); within 0.5 % of the true one.
    """
    smaller, larger = np.sqrt(np.maximum(np.linalg.eigvalsh(covariance), 0.0))
    if not larger:
        return 0.0
    ratio = smaller / larger
    return float(larger * (1.960790 + ratio * (0.004071 + ratio * (0.114276 + ratio * 0.371625))))


def _mapped(h: Doubles, point: Doubles, depth: float) -> tuple[Doubles, Doubles, Doubles]:
    """Where a point goes (2,), the derivative of that by the point (2, 2), and by the eight parameters (2, 8)."""
    x, y = point
    u, v = (h[:2, :2] @ point + h[:2, 2]) / depth
    by_point = np.array(
        [[h[0, 0] - u * h[2, 0], h[0, 1] - u * h[2, 1]], [h[1, 0] - v * h[2, 0], h[1, 1] - v * h[2, 1]]]
    )
    by_parameters = np.array([[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]])
    return np.array((u, v)), by_point / depth, by_parameters / depth


def _normalisation(points: Doubles) -> Doubles:
    """Moves the points around zero and to a mean distance of √2: without it the equations lose half their digits."""
    middle = points.mean(axis=0)
    spread = float(np.hypot(*(points - middle).T).mean())
    scale = math.sqrt(2) / spread
    return np.array([[scale, 0, -scale * middle[0]], [0, scale, -scale * middle[1]], [0, 0, 1]])


def _refuse_lines(points: Doubles, what: str) -> None:
    """Raises ValueError unless some four of the points have no three on a line."""
    middle = points - points.mean(axis=0)
    singular = np.linalg.svd(middle, compute_uv=False)
    if not singular[0] or singular[-1] / singular[0] < _SINGULAR:
        raise ValueError(f"found {what} on a line, expected points that span the ground")
    if len(np.unique(np.round(points, 9), axis=0)) < LEAST_POINTS:
        raise ValueError(f"found {what} that coincide, expected at least {LEAST_POINTS} different ones")
    if len(points) == LEAST_POINTS and any(_on_a_line(*three) for three in combinations(points, 3)):
        raise ValueError(f"found three of four {what} on a line, expected four corners")


def _on_a_line(first: Doubles, second: Doubles, third: Doubles) -> bool:
    (a, b), (c, d) = second - first, third - first
    return bool(abs(a * d - b * c) <= _SINGULAR * max(a * a + b * b, c * c + d * d))


def _closed_solution(points: Doubles, places: Doubles) -> Doubles:
    matrix, _ = cv2.findHomography(points, places, 0)
    if matrix is None or not np.isfinite(matrix).all() or abs(float(np.linalg.det(matrix))) < _SINGULAR**2:
        raise ValueError(_ON_A_LINE)
    h = np.asarray(matrix, np.float64)
    depths = points @ h[2, :2] + h[2, 2]
    if not ((depths > 0).all() or (depths < 0).all()):
        raise ValueError("the points lie on both sides of the horizon that they imply: two of them are swapped")
    # The mean of the depths is that of zero, the points' own middle: it is not zero if all have one sign.
    return np.asarray(h / h[2, 2], np.float64)


def _refined(
    h: Doubles, points: Doubles, places: Doubles, pixel_sigma: float, place_sigma: float
) -> tuple[Doubles, Doubles]:
    """The most likely homography for these errors, and the covariance of its eight parameters."""
    normal = np.zeros((_PARAMETERS, _PARAMETERS))
    for _ in range(_STEPS):
        normal[:] = 0
        right = np.zeros(_PARAMETERS)
        for point, place in zip(points, places, strict=True):
            depth = _positive(float(h[2, :2] @ point) + 1.0)
            there, by_point, by_parameters = _mapped(h, point, depth)
            weight = np.linalg.inv(_scatter(by_point, pixel_sigma, place_sigma))
            normal += by_parameters.T @ weight @ by_parameters
            right += by_parameters.T @ weight @ (place - there)
        step = np.linalg.solve(normal, right)
        h = h + np.append(step, 0.0).reshape(3, 3)
        if float(np.abs(step).max()) < _SETTLED:
            break
    return h, np.asarray(np.linalg.inv(normal), np.float64)


def _positive(depth: float) -> float:
    if depth <= _HORIZON:
        raise ValueError("no homography fits the points: the horizon that they imply cuts through them")
    return depth


def _scatter(by_point: Doubles, pixel_sigma: float, place_sigma: float) -> Doubles:
    scatter: Doubles = pixel_sigma**2 * by_point @ by_point.T + place_sigma**2 * np.eye(2)
    return scatter


def _residual(
    h: Doubles, point: Doubles, place: Doubles, pixel_sigma: float, place_sigma: float, scales: tuple[float, float]
) -> Residual:
    depth = _positive(float(h[2, :2] @ point) + 1.0)
    there, by_point, _ = _mapped(h, point, depth)
    off = place - there
    in_pixels = np.linalg.solve(by_point, off)
    squared = float(off @ np.linalg.solve(_scatter(by_point, pixel_sigma, place_sigma), off))
    per_pixel, per_metre = scales
    return Residual(
        metres=float(np.hypot(*off) / per_metre),
        pixels=float(np.hypot(*in_pixels) / per_pixel),
        deviations=math.sqrt(squared),
    )


def _chi2_limit(freedom: int) -> float:
    """What χ² exceeds in 1 % of cases: Wilson and Hilferty's approximation (1931), within 1 % of the table."""
    share = 2 / (9 * freedom)
    return float(freedom * (1 - share + 2.326 * math.sqrt(share)) ** 3)
