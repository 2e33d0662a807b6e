"""Which of two numbers is the latitude."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from contract.geometry import EARTH_RADIUS_M, Point
from edge.flights.reading.order import OrderEvidence

ZHENGZHOU = (34.75, 113.62)
PLACES = st.tuples(st.floats(-80, 80), st.floats(-179, 179))
FAR_EAST_OR_WEST = st.tuples(
    st.floats(-80, 80), st.floats(90, 179, exclude_min=True) | st.floats(-179, -90, exclude_max=True)
)
"""Of a longitude that can be no latitude."""


def evidence(pairs: list[tuple[float, float]], latitude_first: bool = False) -> OrderEvidence:
    found = OrderEvidence(latitude_first)
    for pair in pairs:
        found.see(pair)
    return found


@pytest.mark.parametrize("known", [False, True])
@given(place=FAR_EAST_OR_WEST, latitude_first=st.booleans())
def test_what_can_be_no_latitude_decides_over_what_is_known(
    known: bool, place: tuple[float, float], latitude_first: bool
) -> None:
    order = evidence([place if latitude_first else (place[1], place[0])] * 3, known).decide(None, None)
    assert (order.latitude_first, order.certain) == (latitude_first, True)


@given(place=PLACES, latitude_first=st.booleans())
def test_near_decides_or_nothing_does(place: tuple[float, float], latitude_first: bool) -> None:
    """With the true place given: right, or in doubt because both orders lie near each other."""
    found = evidence([place if latitude_first else (place[1], place[0])], not latitude_first)
    order = found.decide(Point(coordinates=(place[1], place[0])), None)
    if order.certain and abs(place[1]) <= 90:
        assert order.latitude_first is latitude_first


@given(place=PLACES, bearing=st.floats(0, 360), latitude_first=st.booleans())
def test_distance_to_home_is_never_wrong(place: tuple[float, float], bearing: float, latitude_first: bool) -> None:
    assume(abs(place[1]) <= 90)
    metres = 700.0
    north = math.degrees(metres / EARTH_RADIUS_M * math.cos(math.radians(bearing)))
    east = math.degrees(metres / EARTH_RADIUS_M * math.sin(math.radians(bearing))) / math.cos(math.radians(place[0]))
    drone = (place[0] + north, place[1] + east)
    assume(abs(drone[1]) <= 90)
    found = OrderEvidence(not latitude_first)
    written = [each if latitude_first else (each[1], each[0]) for each in (drone, place)]
    found.see(written[0], written[1], metres)
    order = found.decide(None, None)
    assert not order.certain or order.latitude_first is latitude_first


def test_one_wild_number_does_not_turn_a_log() -> None:
    found = evidence([(36.6, -6.1)] * 50 + [(36.6, -6.1)], latitude_first=True)
    found.see((-6.1, 136.6))
    assert found.decide(None, None).latitude_first
    found = evidence([(113.62, 34.75)] * 50 + [(34.75, 113.62)] * 2)
    assert not found.decide(None, None).latitude_first
    found = evidence([(113.62, 34.75)] * 50 + [(34.75, 113.62)] * 20)
    assert not found.decide(None, None).certain


def test_zero_fixes_say_nothing() -> None:
    order = evidence([(0.0, 0.0)] * 5, latitude_first=True).decide(Point(coordinates=(0.5, 0.5)), ZHENGZHOU)
    assert (order.latitude_first, order.certain) == (True, False)
