"""GCJ-02 and BD-09: there and back, and as far away as such maps are."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.datum import Datum, from_wgs84, is_moved, to_wgs84
from contract.geometry import Point, distance_m

MAINLAND = st.tuples(st.floats(75, 134), st.floats(18, 53))


def _apart_m(first: tuple[float, float], second: tuple[float, float]) -> float:
    return distance_m(Point(coordinates=first), Point(coordinates=second))


@settings(deadline=None)
@given(place=MAINLAND, datum=st.sampled_from(Datum))
def test_there_and_back_is_the_same_place(place, datum) -> None:
    assert _apart_m(to_wgs84(datum, *from_wgs84(datum, *place)), place) < 1e-4


@pytest.mark.parametrize(("datum", "least", "most"), [(Datum.GCJ02, 300, 800), (Datum.BD09, 700, 1_700)])
def test_maps_lie_some_hundred_metres_off(datum, least, most) -> None:
    for place in ((113.625, 34.747), (116.391, 39.907), (121.474, 31.230), (104.066, 30.573)):
        assert least < _apart_m(from_wgs84(datum, *place), place) < most


def test_a_known_place() -> None:
    """Tiananmen in the three datums, to the metres that such maps agree to."""
    wgs84, gcj02, bd09 = (116.391275, 39.907217), (116.397517, 39.908620), (116.403892, 39.914961)
    assert _apart_m(from_wgs84(Datum.GCJ02, *wgs84), gcj02) < 3
    assert _apart_m(from_wgs84(Datum.BD09, *wgs84), bd09) < 3
    assert _apart_m(to_wgs84(Datum.BD09, *bd09), wgs84) < 3


def test_only_maps_of_china_are_moved() -> None:
    assert is_moved(113.6, 34.7)
    assert not is_moved(-0.1, 51.5)
