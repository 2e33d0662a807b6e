"""Positions with their uncertainty. WGS-84 (longitude, latitude) only; display datums are the console's affair."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from contract.base import ContractModel

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius (IUGG). Over the few hundred metres of an accuracy disc the sphere errs by < 0.6 %."""

RADIUS_95_PER_SIGMA = math.sqrt(-2 * math.log(0.05))
"""Radius holding 95 % of a circular Gaussian, in standard deviations of one axis: 2.4477."""

Longitude = Annotated[float, Field(ge=-180, le=180)]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Position = tuple[Longitude, Latitude]


class Point(ContractModel):
    """GeoJSON Point (RFC 7946), longitude first."""

    type: Literal["Point"] = "Point"
    coordinates: Position

    @property
    def longitude(self) -> float:
        return self.coordinates[0]

    @property
    def latitude(self) -> float:
        return self.coordinates[1]


class Polygon(ContractModel):
    """GeoJSON Polygon: an outer ring and holes, each closed and of at least four positions."""

    type: Literal["Polygon"] = "Polygon"
    coordinates: Annotated[tuple[tuple[Position, ...], ...], Field(min_length=1, max_length=64)]

    @model_validator(mode="after")
    def _rings_are_closed(self) -> Polygon:
        for number, ring in enumerate(self.coordinates):
            if len(ring) < 4:
                raise ValueError(f"ring {number} has {len(ring)} positions, a closed ring has at least 4")
            if ring[0] != ring[-1]:
                raise ValueError(f"ring {number} is not closed: repeat its first position at the end")
        return self


class LocationMethod(StrEnum):
    """How a position was obtained."""

    CAMERA = "camera"
    HOMOGRAPHY = "homography"
    DRONE_RAY = "drone_ray"
    SENSOR = "sensor"
    MANUAL = "manual"


class Location(ContractModel):
    """Where a hazard is, and how well that is known.

    `accuracy_m` is the radius that holds 95 % of the probability; `height_m` is (low, high) above the ground.
    """

    point: Point
    accuracy_m: Annotated[float, Field(gt=0, le=100_000)]
    method: LocationMethod
    area: Polygon | None = None
    height_m: tuple[float, float] | None = None

    @model_validator(mode="after")
    def _heights_are_ordered(self) -> Location:
        if self.height_m is not None and self.height_m[0] > self.height_m[1]:
            raise ValueError(f"height_m {list(self.height_m)} is not (low, high)")
        return self

    @property
    def sigma_m(self) -> float:
        """Standard deviation of each axis in metres, for a circular Gaussian."""
        return self.accuracy_m / RADIUS_95_PER_SIGMA


def at_point(longitude: float, latitude: float, accuracy_m: float, method: LocationMethod) -> Location:
    """A location without area or height."""
    return Location(point=Point(coordinates=(longitude, latitude)), accuracy_m=accuracy_m, method=method)


def distance_m(a: Point, b: Point) -> float:
    """Great-circle distance in metres (haversine, stable for small distances)."""
    lat_a, lat_b = math.radians(a.latitude), math.radians(b.latitude)
    d_lat, d_lon = lat_b - lat_a, math.radians(b.longitude - a.longitude)
    h = math.sin(d_lat / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin(d_lon / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(h)))


def offset(point: Point, east_m: float, north_m: float) -> Point:
    """The point moved by metres east and north, on the local tangent plane; for offsets below ~10 km."""
    latitude = point.latitude + math.degrees(north_m / EARTH_RADIUS_M)
    latitude = max(-90.0, min(90.0, latitude))
    metres_per_radian = EARTH_RADIUS_M * max(math.cos(math.radians(point.latitude)), 1e-9)
    longitude = point.longitude + math.degrees(east_m / metres_per_radian)
    return Point(coordinates=((longitude + 180) % 360 - 180, latitude))


def combined_accuracy_m(*radii_m: float) -> float:
    """95 % radius of a sum of independent errors, each given by its own 95 % radius."""
    return math.hypot(*radii_m)


def accuracy_ring(location: Location, vertices: int = 48) -> Polygon:
    """The 95 % disc as a polygon with its corners on the circle."""
    ring = [
        offset(
            location.point,
            location.accuracy_m * math.cos(2 * math.pi * k / vertices),
            location.accuracy_m * math.sin(2 * math.pi * k / vertices),
        ).coordinates
        for k in range(vertices)
    ]
    return Polygon(coordinates=((*ring, ring[0]),))
