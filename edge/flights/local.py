"""A plane of metres around a flight: east and north of an origin, exact on the WGS-84 ellipsoid.

A sphere would be off by up to 0.3 m in a hundred (its radius fits no latitude in both directions). The plane is a
transverse Mercator projection that touches the ellipsoid at the origin: within 10 km lengths err by less than 1 in a
million.
"""

from __future__ import annotations

import numpy as np
from pyproj import Transformer

from contract.geometry import Point
from edge.vision.arrays import Doubles

REACH_M = 20_000
"""Farther from the origin it is the wrong plane: a flight does not go so far."""


class LocalPlane:
    """Between WGS-84 degrees and metres east and north of an origin. Immutable."""

    def __init__(self, origin: Point) -> None:
        self.origin = origin
        self.crs = (
            f"+proj=tmerc +lat_0={origin.latitude!r} +lon_0={origin.longitude!r} +k=1 +x_0=0 +y_0=0 "
            "+ellps=WGS84 +units=m +no_defs"
        )
        """As PROJ and GDAL take it, for rasters of this plane."""
        self._there = Transformer.from_crs("EPSG:4326", self.crs, always_xy=True)

    def metres(self, longitudes: Doubles, latitudes: Doubles) -> Doubles:
        """(n, 2) east and north of n places in degrees."""
        east, north = self._there.transform(np.asarray(longitudes, np.float64), np.asarray(latitudes, np.float64))
        return np.stack((east, north), axis=-1)

    def degrees(self, metres: Doubles) -> Doubles:
        """(n, 2) longitude and latitude of n places (n, 2) in metres."""
        metres = np.asarray(metres, np.float64)
        longitude, latitude = self._there.transform(metres[..., 0], metres[..., 1], direction="INVERSE")
        return np.stack((longitude, latitude), axis=-1)

    def at(self, point: Point) -> tuple[float, float]:
        """East and north of one place."""
        east, north = self.metres(np.array([point.longitude]), np.array([point.latitude]))[0]
        return float(east), float(north)

    def point(self, east_m: float, north_m: float) -> Point:
        """One place in degrees."""
        longitude, latitude = self.degrees(np.array([[east_m, north_m]]))[0]
        return Point(coordinates=(float(longitude), float(latitude)))
