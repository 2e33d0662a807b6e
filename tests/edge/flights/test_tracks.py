"""Between records: straight lines, short ways round, and no bridge over what was not recorded."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.flights.telemetry import Attitude, Fix, Positioning
from edge.flights.tracks import Track


def log(step_seconds: float = 1.0, count: int = 6, speed_degrees: float = 1e-4) -> list[Fix]:
    """North at 11.1 m a second, turning by 20° a second through north."""
    return [
        Fix(
            n,
            34.75 + n * step_seconds * speed_degrees,
            113.62,
            media_time=n * step_seconds,
            above_takeoff_m=80.0 + n,
            gimbal=Attitude((350 + 20 * n * step_seconds) % 360, -90 + n, 0.0),
            positioning=Positioning.RTK_FIXED,
            horizontal_sigma_m=0.02,
        )
        for n in range(count)
    ]


def test_half_way_is_half_of_everything() -> None:
    moment = Track(log()).at(0.5)
    assert moment is not None
    assert moment.fix.latitude == pytest.approx(34.75005)
    assert moment.fix.above_takeoff_m == 80.5
    assert moment.fix.gimbal == Attitude(0.0, -89.5, 0.0)
    assert moment.fix.media_time == 0.5


def test_a_record_itself_is_taken_as_it_is() -> None:
    fixes = log()
    moment = Track(fixes).at(2.0)
    assert moment is not None
    assert moment.fix == fixes[2]


def test_slow_logs_cost_more() -> None:
    """11.1 m/s and 20°/s, with a clock good to 0.1 s, and records that are shown for a second or a frame."""
    slow, quick = Track(log()).at(1.5), Track(log(1 / 30, 60)).at(1.01)
    assert slow is not None
    assert quick is not None
    assert slow.added_sigma_m == pytest.approx(11.13 * math.hypot(0.1, 1 / math.sqrt(12)), rel=0.01)
    assert slow.added_heading_degrees == pytest.approx(20 * math.hypot(0.1, 1 / math.sqrt(12)), rel=0.01)
    assert quick.added_sigma_m == pytest.approx(1.117, rel=0.01)
    hovering = Track(log(speed_degrees=0.0)).at(1.5)
    assert hovering is not None
    assert hovering.added_sigma_m == 0.0


def test_gaps_and_ends() -> None:
    track = Track([*log(count=3), replace(log()[0], media_time=9.0), replace(log()[1], media_time=10.0)])
    known = [time for time in (-5.0, -1.5, -0.5, 0.0, 1.9, 2.0, 2.1, 8.9, 9.0, 9.5, 10.9, 11.5) if track.at(time)]
    assert known == [-0.5, 0.0, 1.9, 2.0, 9.0, 9.5, 10.9]
    assert Track([]).at(0.0) is None
    assert track.at(math.nan) is None
    assert Track([Fix(1, 34.0, 113.0)]).at(0.0) is None
    single = Track(log(count=1)).at(0.0)
    assert single is not None
    assert single.added_sigma_m == 0.0


def test_what_one_does_not_say_is_not_made_up() -> None:
    first, second, *_ = log()
    second = replace(second, gimbal=None, above_takeoff_m=None, positioning=Positioning.GNSS, horizontal_sigma_m=None)
    moment = Track([first, second]).at(0.25)
    assert moment is not None
    assert moment.fix.gimbal is None
    assert moment.fix.above_takeoff_m is None
    assert moment.fix.horizontal_sigma_m is None
    assert moment.fix.positioning is Positioning.GNSS
    assert moment.fix.line == 0


def test_across_the_date_line() -> None:
    first, second, *_ = log()
    track = Track([replace(first, longitude=179.9999), replace(second, longitude=-179.9999)])
    moment = track.at(0.75)
    assert moment is not None
    assert moment.fix.longitude == pytest.approx(-179.99995)
    assert moment.added_sigma_m < 20


@given(st.lists(st.one_of(st.none(), st.floats()), max_size=6), st.floats())
def test_any_times_are_borne(times: list[float | None], at: float) -> None:
    moment = Track([Fix(n, 34.0, 113.0 + n * 1e-5, media_time=time) for n, time in enumerate(times)]).at(at)
    if moment is not None:
        assert math.isfinite(moment.fix.longitude)
        assert math.isfinite(moment.added_sigma_m)
