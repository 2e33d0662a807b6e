"""Where on the earth the pixels of a drone's picture are, as `edge.detectors.interface.GroundPort` for one picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from contract.geometry import Location, LocationMethod, Polygon, at_point
from edge.flights.ground import Ground
from edge.flights.local import LocalPlane
from edge.vision.arrays import Doubles
from edge.vision.ground import radius_95
from edge.vision.lens import Lens
from edge.vision.pose import Pose
from edge.vision.rays import covariances, sensitivities

PIXEL_SIGMA_PX = 1.0
"""Of a pixel that a person or a detector points at."""
MAX_ACCURACY_M = 100.0
"""As for fixed cameras: places known worse say no more than where the drone is."""
FOOTPRINT_BELOW_HORIZON_DEGREES = 5.0
"""Footprints of oblique pictures end there: at eleven times the drone's height."""
_POINTS_A_SIDE = 12
_LEAST_AREA_M2 = 1e-3


class View(Protocol):
    """A camera whose place and turn are known, as `edge.flights.flight.KeyFrame`."""

    @property
    def lens(self) -> Lens: ...

    @property
    def pose(self) -> Pose: ...


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Of n pixels; NaN in every row that has no place."""

    points: Doubles
    """(n, 3): east, north, up in metres of the local plane and the ground's datum."""
    covariances_m2: Doubles
    """(n, 2, 2) of east and north."""
    sensitivity: Doubles
    """(n, 2, 10) as `edge.vision.rays.sensitivities`: for those who compare places of several pictures."""


class Locator:
    """The ground that one picture shows. Immutable.

    Its places are those of the ground itself: what stands on it is placed where the line of sight meets the ground
    behind it, h / tan(depression) too far away for a height of h.
    """

    def __init__(
        self,
        frame: View,
        ground: Ground,
        plane: LocalPlane,
        *,
        pixel_sigma_px: float = PIXEL_SIGMA_PX,
        max_accuracy_m: float = MAX_ACCURACY_M,
    ) -> None:
        """The frame's pose must be above the ground's datum, as `edge.flights.posing` gives it."""
        self._lens, self._pose, self._ground, self._plane = frame.lens, frame.pose, ground, plane
        self._pixel_sigma_px, self._max_accuracy_m = pixel_sigma_px, max_accuracy_m

    @property
    def plane(self) -> LocalPlane:
        return self._plane

    @property
    def lens(self) -> Lens:
        return self._lens

    @property
    def pose(self) -> Pose:
        return self._pose

    @property
    def ground(self) -> Ground:
        return self._ground

    @property
    def pixel_sigma_px(self) -> float:
        return self._pixel_sigma_px

    def points(self, pixels: Doubles) -> Doubles:
        """(n, 3) places of pixels (n, 2), without their errors: for whole pictures."""
        return self._ground.met(self._pose.centre, self._pose.to_world(self._lens.directions(pixels)))

    def places(self, pixels: Doubles) -> Places:
        """Places of pixels (n, 2) with their errors."""
        pixels = np.asarray(pixels, np.float64).reshape(-1, 2)
        points = self.points(pixels)
        sensitivity = sensitivities(self._lens, self._pose, pixels, points, self._ground.slopes(points))
        spread = covariances(
            sensitivity,
            self._lens,
            self._pose.covariance,
            ground_sigma_m=self._ground.sigma_m,
            pixel_sigma_px=self._pixel_sigma_px,
        )
        return Places(points, spread, sensitivity)

    def at(self, x: float, y: float) -> Location | None:
        """See `GroundPort.at`. None also off the elevation model, and where the place is known worse than allowed."""
        places = self.places(np.array([(x, y)]))
        if not (np.isfinite(places.points).all() and np.isfinite(places.covariances_m2).all()):
            return None
        accuracy = radius_95(places.covariances_m2[0])
        if not accuracy <= self._max_accuracy_m:
            return None
        place = self._plane.point(float(places.points[0, 0]), float(places.points[0, 1]))
        return at_point(place.longitude, place.latitude, max(round(accuracy, 2), 0.01), LocationMethod.DRONE_RAY)

    def metres_per_pixel(self, x: float, y: float) -> float | None:
        """See `GroundPort.metres_per_pixel`: the depth over the focal length, with the lens's bending."""
        pixel = np.array([(x, y)], np.float64)
        point = self.points(pixel)
        if not np.isfinite(point).all():
            return None
        depth = float(self._pose.to_camera(point)[0, 2])
        ends = self._lens.directions(pixel + np.array([(-0.5, 0.0), (0.5, 0.0)]))
        return depth * float(np.linalg.norm(ends[1] - ends[0]))

    def pixels(self, points: Doubles) -> Doubles:
        """Where points (n, 3) of the plane are seen: (n, 2). NaN behind the camera and outside of the picture."""
        seen = self._lens.pixels(self._pose.to_camera(points))
        size = (self._lens.width - 0.5, self._lens.height - 0.5)
        with np.errstate(invalid="ignore"):
            inside = np.all((seen >= -0.5) & (seen <= size), axis=1, keepdims=True)[:, 0]
        # A lens's bending is a polynomial: far outside of the picture it may fold back into it.
        known = np.flatnonzero(inside)
        back = self._lens.directions(seen[known])
        there = self._pose.to_camera(np.asarray(points, np.float64)[known])
        apart = np.linalg.norm(back[:, :2] - there[:, :2] / there[:, 2:], axis=1)
        inside[known[apart * self._lens.focal_x > 2.0]] = False
        return np.where(inside[:, None], seen, np.nan)

    def outline(self) -> Doubles | None:
        """(n, 2) corners of what the picture shows, in metres of the plane; None if that is no ground at all.

        It ends a little below the horizon, and corners off the elevation model are left out.
        """
        rays = _clipped(self._pose.to_world(self._lens.directions(_border(self._lens))), self._pose)
        if len(rays) < 3:
            return None
        points = self._ground.met(self._pose.centre, rays)
        corners = points[np.isfinite(points).all(axis=1), :2]
        if len(corners) < 3 or abs(_area(corners)) < _LEAST_AREA_M2:
            return None
        return corners

    def footprint(self) -> Polygon | None:
        """`outline` in degrees."""
        corners = self.outline()
        if corners is None:
            return None
        ring = [(float(lon), float(lat)) for lon, lat in self._plane.degrees(corners)]
        return Polygon(coordinates=((*ring, ring[0]),))


def _border(lens: Lens) -> Doubles:
    """Pixels along the picture's outer edge, clockwise: straight edges are bent on the ground."""
    share = np.linspace(0.0, 1.0, _POINTS_A_SIDE, endpoint=False)
    zero, one = np.zeros_like(share), np.ones_like(share)
    across = np.concatenate([share, one, 1 - share, zero])
    down = np.concatenate([zero, share, one, 1 - share])
    return np.stack((across * lens.width - 0.5, down * lens.height - 0.5), axis=1)


def _clipped(rays: Doubles, pose: Pose) -> Doubles:
    """The part of a cone of rays (n, 3) that looks down enough (Sutherland and Hodgman 1974, in homogeneous rays)."""
    ahead = pose.turn[:, 2] * (1.0, 1.0, 0.0)
    level = float(np.linalg.norm(ahead))
    lean = np.radians(FOOTPRINT_BELOW_HORIZON_DEGREES)
    # Straight down there is no "ahead": then nothing but the horizon is cut off.
    limit = np.array((0.0, 0.0, np.cos(lean))) + (ahead / level * np.sin(lean) if level > 1e-3 else 0.0)
    height = rays @ limit
    kept: list[Doubles] = []
    for index in range(len(rays)):
        here, there = height[index - 1], height[index]
        if (here < 0) != (there < 0):
            kept.append(rays[index - 1] + (rays[index] - rays[index - 1]) * (here / (here - there)))
        if there < 0:
            kept.append(rays[index])
    return np.array(kept).reshape(-1, 3)


def _area(corners: Doubles) -> float:
    following = np.roll(corners, -1, axis=0)
    return float(np.sum(corners[:, 0] * following[:, 1] - following[:, 0] * corners[:, 1]) / 2)
