"""The plane of metres: against the ellipsoid's own geodesics."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from contract.geometry import Point
from edge.flights.local import LocalPlane

GEOD = Geod(ellps="WGS84")


def plane_at(longitude: float, latitude: float) -> LocalPlane:
    return LocalPlane(Point(coordinates=(longitude, latitude)))


@given(
    longitude=st.floats(-179, 179),
    latitude=st.floats(-75, 75),
    azimuth=st.floats(-180, 180),
    distance_m=st.floats(1, 5_000),
)
def test_lengths_and_directions_are_the_ellipsoids(
    longitude: float, latitude: float, azimuth: float, distance_m: float
) -> None:
    there_lon, there_lat, _ = GEOD.fwd(longitude, latitude, azimuth, distance_m)
    east, north = plane_at(longitude, latitude).metres(np.array([there_lon]), np.array([there_lat]))[0]
    radians = np.radians(azimuth)
    assert (east, north) == pytest.approx((distance_m * np.sin(radians), distance_m * np.cos(radians)), abs=0.01)


@given(east=st.floats(-20_000, 20_000), north=st.floats(-20_000, 20_000))
def test_there_and_back(east: float, north: float) -> None:
    plane = plane_at(113.62, 34.75)
    assert plane.at(plane.point(east, north)) == pytest.approx((east, north), abs=1e-4)


def test_a_flight_across_the_date_line() -> None:
    plane = plane_at(179.9999, -16.5)
    east, _ = plane.metres(np.array([-179.9999]), np.array([-16.5]))[0]
    assert east == pytest.approx(21.35, abs=0.1)
    assert plane.point(east, 0.0).longitude == pytest.approx(-179.9999)
