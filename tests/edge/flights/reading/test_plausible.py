"""What follows on what: strays, other flights, pauses."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.flights.reading.logs import Collected
from edge.flights.reading.plausible import fault_of, keep_track
from edge.flights.telemetry import Attitude, Fix


def flight(count: int, *, line: int = 1, start: float = 0.0, north: float = 0.0) -> list[Fix]:
    """Ten records a second to the north at 10 m/s, 80 m up."""
    return [
        Fix(line + index, 34.75 + north + index * 9e-6, 113.62, media_time=start + index / 10, above_takeoff_m=80.0)
        for index in range(count)
    ]


def kept(fixes: list[Fix]) -> tuple[list[Fix], Collected]:
    collected = Collected(fixes=list(fixes))
    keep_track(collected)
    return collected.fixes, collected


def test_a_flight_is_kept_whole() -> None:
    fixes = flight(500)
    assert kept(fixes)[0] == fixes
    assert kept([]) == ([], Collected())


@given(st.sets(st.integers(0, 199), max_size=12), st.integers(0, 3))
def test_strays_are_left_out_wherever_they_are(strays: set[int], how: int) -> None:
    fixes = flight(200)
    for index in strays:
        fix = fixes[index]
        fixes[index] = (
            replace(fix, latitude=fix.latitude + 1 + index / 100),
            replace(fix, longitude=-fix.longitude),
            replace(fix, above_takeoff_m=2000.0 + 90 * index),
            replace(fix, media_time=(fix.media_time or 0) + 5000.0 + 1000 * index),
        )[how]
    found, collected = kept(fixes)
    assert [fix.line for fix in found] == [fix.line for index, fix in enumerate(fixes) if index not in strays]
    assert {each.line for each in collected.unread} == {fixes[index].line for index in strays}


def test_a_pause_splits_nothing() -> None:
    fixes = flight(100) + flight(100, line=101, start=900.0)
    found, collected = kept(fixes)
    assert found == fixes
    assert not collected.readings["track"].certain


@pytest.mark.parametrize(("first", "second"), [(100, 300), (300, 100)])
def test_of_two_flights_at_once_the_longer_stands(first: int, second: int) -> None:
    one, other = flight(first), flight(second, line=first + 1, north=0.05)
    found, collected = kept(one + other)
    assert found == (one if first > second else other)
    assert "the log, which is longer" in collected.unread[0].why or "time goes back" in collected.unread[0].why


def test_a_stale_place_at_the_start_is_left_out_however_long() -> None:
    """The last flight's place until there is a fix: 222 km in a tenth of a second."""
    fixes = flight(300, north=2.0) + flight(700, line=301, start=30.0)
    found, collected = kept(fixes)
    assert found == fixes[300:]
    assert len(collected.unread) == 300


def test_without_times_only_far_leaps_count() -> None:
    fixes = [replace(fix, media_time=None, latitude=34.75 + index * 0.01) for index, fix in enumerate(flight(50))]
    fixes[20] = replace(fixes[20], latitude=36.0)
    found, _ = kept(fixes)
    assert len(found) == 49


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"latitude": 90.5}, "latitude 90.5"),
        ({"latitude": float("nan")}, "latitude nan"),
        ({"longitude": -180.5}, "longitude -180.5"),
        ({"longitude": float("inf")}, "longitude inf"),
        ({"latitude": 0.0, "longitude": 0.0}, "no fix"),
        ({"above_takeoff_m": 20_000.0}, "height above take-off 20000"),
        ({"above_sea_m": -2_000.0}, "height above the sea -2000"),
        ({"above_ellipsoid_m": float("nan")}, "height above the ellipsoid nan"),
        ({"focal_mm": 0.0}, "focal length 0"),
        ({"gimbal": Attitude(0, -400, 0)}, "pitch of the gimbal -400"),
        ({"platform": Attitude(float("nan"), 0, 0)}, "yaw of the platform nan"),
    ],
)
def test_faults(change, why: str) -> None:
    fix = flight(1)[0]
    assert fault_of(fix) is None
    assert (fault_of(replace(fix, **change)) or "").startswith(why)
