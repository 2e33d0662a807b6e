"""Positions: distances against the ellipsoid, discs, and polygons that are none."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError
from pyproj import Geod

from contract.geometry import (
    RADIUS_95_PER_SIGMA,
    LocationMethod,
    Point,
    Polygon,
    accuracy_ring,
    at_point,
    combined_accuracy_m,
    distance_m,
    offset,
)

WGS84 = Geod(ellps="WGS84")
LATITUDES = st.floats(-80, 80)
LONGITUDES = st.floats(-179.9, 179.9)


@given(LONGITUDES, LATITUDES, st.floats(-5000, 5000), st.floats(-5000, 5000))
def test_distance_is_close_to_the_ellipsoid(longitude: float, latitude: float, east: float, north: float) -> None:
    assume(math.hypot(east, north) > 1)
    a = Point(coordinates=(longitude, latitude))
    b = offset(a, east, north)
    truth = WGS84.inv(a.longitude, a.latitude, b.longitude, b.latitude)[2]
    assert distance_m(a, b) == pytest.approx(truth, rel=0.006)


@given(LONGITUDES, LATITUDES, st.floats(-1000, 1000), st.floats(-1000, 1000))
def test_an_offset_has_its_length(longitude: float, latitude: float, east: float, north: float) -> None:
    start = Point(coordinates=(longitude, latitude))
    assert distance_m(start, offset(start, east, north)) == pytest.approx(math.hypot(east, north), rel=2e-3, abs=1e-6)


@given(LONGITUDES, LATITUDES, st.floats(0.5, 500))
def test_the_accuracy_ring_is_a_circle_of_its_radius(longitude: float, latitude: float, radius: float) -> None:
    location = at_point(longitude, latitude, radius, LocationMethod.CAMERA)
    ring = accuracy_ring(location).coordinates[0]
    for corner in ring:
        assert distance_m(location.point, Point(coordinates=corner)) == pytest.approx(radius, rel=3e-3)


def test_sigma_and_radius_agree_with_the_rayleigh_distribution() -> None:
    assert 1 - math.exp(-(RADIUS_95_PER_SIGMA**2) / 2) == pytest.approx(0.95)
    assert at_point(0, 0, 24.477, LocationMethod.SENSOR).sigma_m == pytest.approx(10, rel=1e-4)
    assert combined_accuracy_m(3, 4) == 5


@pytest.mark.parametrize(
    ("rings", "message"),
    [
        ([[(0, 0), (1, 0), (0, 0)]], "at least 4"),
        ([[(0, 0), (1, 0), (1, 1), (0, 1)]], "not closed"),
        ([], "at least 1"),
        ([[(0, 0), (1, 0), (1, 91), (0, 0)]], "less than or equal to 90"),
    ],
)
def test_broken_polygons_are_refused(rings: list[list[tuple[float, float]]], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Polygon(coordinates=tuple(tuple(ring) for ring in rings))
