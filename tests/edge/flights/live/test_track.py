"""Where a drone was at a time: between records, after them, and where records are late, wrong or gone."""

from __future__ import annotations

import math
import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.geometry import Point
from edge.flights.live.track import KEPT_FIXES, Absent, LiveTrack, Moment, between
from edge.flights.local import LocalPlane
from edge.flights.telemetry import Attitude, Fix, Positioning
from edge.vision.pose import turned

HOME = Point(coordinates=(113.6200017, 34.7500013))
PLANE = LocalPlane(HOME)


def record(seconds: float, east: float = 0.0, north: float = 0.0, up: float = 60.0, **changes: Any) -> Fix:
    place = PLANE.point(east, north)
    values: dict[str, Any] = {"above_takeoff_m": up, "gimbal": Attitude(0.0, -60.0, 0.0), **changes}
    return Fix(0, place.latitude, place.longitude, media_time=seconds, **values)


def track(*fixes: Fix, stale: float = 2.0, gap: float = 3.0, whole: bool = False) -> LiveTrack:
    made = LiveTrack(stale, gap, whole=whole)
    for fix in fixes:
        made.put(fix)
    return made


def moment(found: Moment | Absent) -> Moment:
    assert isinstance(found, Moment), found
    return found


def metres(fix: Fix) -> tuple[float, float]:
    return PLANE.at(Point(coordinates=(fix.longitude, fix.latitude)))


def test_between_two_records_it_is_between_them() -> None:
    made = track(record(10, 0, 0, 50), record(11, 8, 4, 52))
    at = moment(made.at(10.25))
    assert metres(at.fix) == pytest.approx((2, 1), abs=0.01)
    assert at.fix.above_takeoff_m == pytest.approx(50.5)
    assert at.rate[:3] == pytest.approx((8, 4, 2), abs=0.02)
    assert at.ahead_seconds == 0.0


@pytest.mark.parametrize(
    ("first", "second", "middle"),
    [
        (Attitude(350, -45, 0), Attitude(20, -45, 0), Attitude(5, -45, 0)),
        (Attitude(170, -30, 0), Attitude(-170, -30, 0), Attitude(180, -30, 0)),
        (Attitude(10, -30, 0), Attitude(10, -60, 0), Attitude(10, -45, 0)),
        # Straight down the same turn is written in many ways: angle by angle it would spin.
        (Attitude(0, -90, 0), Attitude(90, -90, -90), Attitude(0, -90, 0)),
        (Attitude(-90, -89.9, 180), Attitude(90, -90, 0), Attitude(90, -90.05, 0)),
    ],
)
def test_turns_go_the_short_way_as_one_turn(first: Attitude, second: Attitude, middle: Attitude) -> None:
    found = between(record(0, gimbal=first), record(1, gimbal=second), 0.5).gimbal
    assert found is not None
    turns = [turned(one.yaw, one.pitch, one.roll) for one in (found, middle)]
    apart = math.degrees(math.acos(min(max((np.trace(turns[0].T @ turns[1]) - 1) / 2, -1.0), 1.0)))
    tolerance = 2.0 if abs(first.yaw - second.yaw) in {30, 20} else 0.1  # a turn about the axis, not a level circle
    assert apart < tolerance


def test_the_worse_of_two_positionings_holds_and_nothing_is_made_up() -> None:
    one = record(0, positioning=Positioning.RTK_FIXED, horizontal_sigma_m=0.02)
    other = record(1, positioning=Positioning.GNSS, gimbal=None)
    mixed = between(one, other, 0.1)
    assert (mixed.positioning, mixed.horizontal_sigma_m, mixed.gimbal) == (Positioning.GNSS, None, None)


def test_across_the_date_line() -> None:
    one, other = Fix(0, 10.0, 179.99999, media_time=0.0), Fix(0, 10.0, -179.99999, media_time=1.0)
    made = track(one, other)
    assert abs(moment(made.at(0.5)).fix.longitude) == pytest.approx(180, abs=1e-9)
    assert moment(made.at(0.5)).rate[0] == pytest.approx(2.19, abs=0.05), "two metres and not around the world"


def test_in_silence_it_goes_on_for_a_while_and_then_is_nowhere() -> None:
    made = track(*(record(t / 5, east=t) for t in range(10)))  # 5 m/s, the last at 1.8 s
    soon, later = moment(made.at(2.3)), moment(made.at(3.7))
    assert metres(soon.fix)[0] == pytest.approx(9 + 2.5, abs=0.05)
    assert metres(later.fix)[0] == pytest.approx(9 + 9.5, abs=0.05)
    spread = [np.sqrt(np.diag(one.covariance(0.1))) for one in (moment(made.at(1.7)), soon, later)]
    assert spread[0][0] == pytest.approx(0.5, abs=0.01), "a tenth of a second at 5 m/s"
    assert spread[0][1] == pytest.approx(0.0, abs=0.01), "and none across the way"
    assert spread[0][0] < spread[1][0] < spread[2][0], "the longer the silence, the less is known"
    assert spread[2][3] > spread[1][3] > 0
    assert made.at(3.9) is Absent.STALE


def test_an_error_of_time_turns_and_moves_together() -> None:
    """A drone that circles a place while looking at it: the place hardly moves with the time's error."""
    made = track(*(record(t / 10, gimbal=Attitude(t * 3.0, -60, 0)) for t in range(5)))
    covariance = moment(made.at(0.15)).covariance(0.2)
    assert math.degrees(math.sqrt(covariance[5, 5])) == pytest.approx(6.0, abs=0.05), "30° a second for 0.2 s"
    assert np.linalg.matrix_rank(covariance, tol=1e-9) == 1, "one error, not six"


def test_before_the_first_record_there_is_none_for_long() -> None:
    made = track(record(10), record(10.5))
    assert moment(made.at(9.5)).ahead_seconds == pytest.approx(0.5)
    assert made.at(7.9) is Absent.BEFORE
    assert track().at(1) is Absent.SILENT
    assert made.at(math.nan) is Absent.SILENT


def test_a_gap_is_not_bridged() -> None:
    made = track(record(0), record(1), record(4.5, 10), record(5, 10))
    assert made.at(2.5) is Absent.GAP
    assert isinstance(made.at(0.7), Moment) and isinstance(made.at(4.7), Moment)


def test_late_and_doubled_records_are_left_out() -> None:
    made = track(record(0), record(1, 10))
    assert not made.put(record(0.5, 500)) and not made.put(record(1, 12))
    assert "older than the record before" in made.latest_fault
    assert made.counts == {"taken": 2, "late": 2}
    assert metres(moment(made.at(0.5)).fix)[0] == pytest.approx(5, abs=0.01)


def test_a_clock_that_is_set_back_begins_anew() -> None:
    made = track(record(1000), record(1001, 5))
    assert made.put(record(3, 6)) and made.put(record(4, 8))
    assert made.counts["restarts"] == 1
    assert metres(moment(made.at(3.5)).fix)[0] == pytest.approx(7, abs=0.01)
    assert made.at(1000.5) is Absent.STALE, "of another clock"


def test_a_leap_is_left_out_unless_it_lasts() -> None:
    made = track(record(0), record(0.2, 1))
    assert not made.put(record(0.4, 5000))
    assert made.put(record(0.6, 3))
    assert made.counts["leaps"] == 1
    assert metres(moment(made.at(0.5)).fix)[0] == pytest.approx(2.5, abs=0.01)
    # The receiver found itself: from the third record on that says so it is believed.
    assert [made.put(record(0.8 + n / 5, 8000 + n)) for n in range(4)] == [False, False, True, True]
    assert metres(moment(made.at(1.3)).fix)[0] == pytest.approx(8002.5, abs=0.1)
    assert made.at(0.5) is not Absent.STALE, "before the restart by less than it takes to be stale"


def test_what_cannot_be_is_refused() -> None:
    made = track()
    bad = [
        record(0, up=math.nan),
        record(0, up=1e9),
        replace(record(0), latitude=91.0),
        replace(record(0), latitude=0.0, longitude=0.0),
        replace(record(0), latitude=math.nan),
        replace(record(0), media_time=math.inf),
        replace(record(0), media_time=None),
        record(0, gimbal=Attitude(math.nan, 0, 0)),
        record(0, gimbal=Attitude(0, 1e9, 0)),
    ]
    assert not any(made.put(fix) for fix in bad)
    assert made.counts == {"impossible": len(bad)}
    assert made.at(0) is Absent.SILENT


def test_memory_is_bounded() -> None:
    made = track(*(record(n / 1000) for n in range(KEPT_FIXES + 500)))
    assert made.at(0.0) is not Absent.SILENT
    assert len(made._fixes) == KEPT_FIXES
    slow = track(*(record(float(n)) for n in range(500)))
    assert len(slow._fixes) == 121


def test_a_log_is_kept_from_end_to_end() -> None:
    made = track(*(record(float(n), n) for n in range(500)), whole=True)
    assert metres(moment(made.at(2.5)).fix)[0] == pytest.approx(2.5, abs=0.01)
    assert not made.put(record(3.0)), "a log has one clock"


def test_coarse_positions_are_doubted() -> None:
    coarse = [Fix(0, round(34.75 + n * 1e-4, 4), 113.62, media_time=n / 5, above_takeoff_m=60.0) for n in range(12)]
    assert moment(track(*coarse).at(1.5)).rounding_sigma_m == pytest.approx(3.2, abs=0.1)


def test_where_it_stood() -> None:
    flight = [record(0, 3, 4, 0.5), record(1, 3, 4, 20), record(2, 90, 4, 60), record(3, 100, 4, 1.0)]
    for whole, east in ((False, 100), (True, 3)):
        stood = track(*flight, whole=whole).on_the_ground
        assert stood is not None and metres(stood)[0] == pytest.approx(east, abs=0.01)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.tuples(
            st.floats(allow_nan=True, allow_infinity=True),
            st.floats(-95, 95) | st.just(math.nan),
            st.floats(-200, 200),
            st.floats(allow_nan=True) | st.none(),
            st.tuples(*(st.floats(-400, 400) for _ in range(3))) | st.none(),
        ),
        max_size=30,
    ),
    st.floats(allow_nan=True, allow_infinity=True),
)
def test_whatever_comes_it_answers(rows: list[tuple[Any, ...]], asked: float) -> None:
    made = LiveTrack(2.0, 3.0)
    for seconds, latitude, longitude, up, turn in rows:
        gimbal = None if turn is None else Attitude(*turn)
        made.put(Fix(0, latitude, longitude, media_time=seconds, above_takeoff_m=up, gimbal=gimbal))
    for time in (asked, 0.0, *(row[0] for row in rows)):
        found = made.at(time)
        if isinstance(found, Moment):
            assert abs(found.fix.latitude) <= 90 and abs(found.fix.longitude) <= 180
            assert np.isfinite(found.covariance(1.0)).all()


def test_one_thread_adds_while_another_asks() -> None:
    made, found = track(), list[Moment | Absent]()

    def add() -> None:
        for n in range(3000):
            made.put(record(n / 100, n / 10))

    thread = threading.Thread(target=add)
    thread.start()
    while thread.is_alive():
        newest = made.newest
        found.append(made.at(0.0 if newest is None else (newest.media_time or 0.0)))
    thread.join()
    assert isinstance(made.at(29.9), Moment)
    assert all(isinstance(one, Moment) or one is Absent.SILENT for one in found)
