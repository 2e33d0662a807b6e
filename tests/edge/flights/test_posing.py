"""From records to poses: which height counts, what is refused, and whether the defaults are of the known size."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.geometry import Point
from edge.flights.ground import Datum, GridGround, Ground, LevelGround
from edge.flights.local import LocalPlane
from edge.flights.posing import (
    Conditions,
    PosingError,
    Takeoff,
    coordinate_sigma_m,
    courses,
    pose_of,
    takeoff_of,
)
from edge.flights.telemetry import Attitude, Fix, Positioning
from edge.vision.rays import HeightGrid

ORIGIN = Point(coordinates=(113.62, 34.75))
PLANE = LocalPlane(ORIGIN)
HOVER = Fix(7, 34.751, 113.621, above_takeoff_m=80.0, gimbal=Attitude(30.0, -70.0, 0.0), positioning=Positioning.GNSS)
HILL = GridGround(HeightGrid(np.full((50, 50), 110.0), -1000.0, 1000.0, 50.0), Datum.SEA, 3.0)
"""Ground 110 m above the sea, 2.45 km wide."""


def test_place_turn_and_height_above_takeoff() -> None:
    posed = pose_of(HOVER, PLANE, LevelGround())
    assert PLANE.point(posed.pose.east_m, posed.pose.north_m).coordinates == pytest.approx((113.621, 34.751))
    assert posed.pose.up_m == 80.0
    ahead = posed.pose.turn[:, 2]
    assert math.degrees(math.asin(ahead[2])) == pytest.approx(-70)
    assert math.degrees(math.atan2(ahead[0], ahead[1])) == pytest.approx(30)
    assert posed.interpretations == ()


def test_errors_are_the_flights_and_the_frames() -> None:
    posed = pose_of(HOVER, PLANE, LevelGround())
    assert posed.pose.covariance == pytest.approx(posed.errors.shared + posed.errors.own)
    sigmas = np.sqrt(np.diag(posed.pose.covariance))
    assert sigmas[:3] == pytest.approx((1.5, 1.5, 2.06), abs=0.01)
    assert np.degrees(sigmas[3:]) == pytest.approx((0.354, 0.354, 2.01), abs=0.01)
    assert (np.diag(posed.errors.shared) > 0).all()
    assert (np.diag(posed.errors.own) > 0).all()


@pytest.mark.parametrize(
    ("positioning", "horizontal_m"),
    [(Positioning.RTK_FIXED, 0.02), (Positioning.RTK_FLOAT, 0.3), (Positioning.GNSS, 1.5), (Positioning.UNKNOWN, 1.5)],
)
def test_defaults_follow_the_positioning(positioning: Positioning, horizontal_m: float) -> None:
    posed = pose_of(replace(HOVER, positioning=positioning), PLANE, LevelGround())
    assert math.sqrt(posed.pose.covariance[0, 0]) == pytest.approx(horizontal_m, rel=0.01)
    assert [note.field for note in posed.interpretations] == ["positioning"] * (positioning is Positioning.UNKNOWN)


def test_a_stated_sigma_wins() -> None:
    fix = replace(HOVER, horizontal_sigma_m=0.4, vertical_sigma_m=0.7)
    posed = pose_of(fix, PLANE, LevelGround())
    assert np.sqrt(np.diag(posed.pose.covariance)[:3]) == pytest.approx((0.4, 0.4, 0.7))
    # With an absolute height in the record it is that one's.
    beside = pose_of(replace(fix, above_sea_m=190.0), PLANE, LevelGround())
    assert math.sqrt(beside.pose.covariance[2, 2]) == pytest.approx(2.06, abs=0.01)
    coarse = pose_of(fix, PLANE, LevelGround(), Conditions(added_own_sigma_m=3.0))
    assert math.sqrt(coarse.errors.own[0, 0]) > 3.0
    assert coarse.errors.shared == pytest.approx(posed.errors.shared)
    turning = pose_of(fix, PLANE, LevelGround(), Conditions(added_own_heading_degrees=6.0))
    assert math.degrees(math.sqrt(turning.errors.own[5, 5])) == pytest.approx(math.hypot(6.0, 0.9))


@pytest.mark.parametrize(
    ("fix", "ground", "conditions", "up_m", "sigma_m"),
    [
        # The barometer above a takeoff point whose ground the model knows, rather than its height above the sea.
        (
            {"above_takeoff_m": 80.0, "above_sea_m": 230.0},
            HILL,
            Conditions(takeoff=Takeoff(ORIGIN)),
            190.0,
            math.hypot(2.06, 0.5),
        ),
        (
            {"above_takeoff_m": 80.0},
            HILL,
            Conditions(takeoff=Takeoff(ORIGIN, ground_m=112.0, sigma_m=0.0)),
            192.0,
            2.06,
        ),
        ({"above_takeoff_m": None, "above_sea_m": 191.0}, HILL, Conditions(), 191.0, 15.02),
        (
            {"above_takeoff_m": None, "above_sea_m": 191.0},
            HILL,
            Conditions(sea_height_sigma_m=2.0),
            191.0,
            2.0,
        ),
        (
            {"above_takeoff_m": None, "above_ellipsoid_m": 170.0, "vertical_sigma_m": 0.05},
            HILL,
            Conditions(geoid_m=-20.0),
            190.0,
            math.hypot(0.05, 0.3),
        ),
        # RTK knows its absolute height better than the one above takeoff; without a sigma it may be another datum's.
        (
            {"above_sea_m": 175.0, "positioning": Positioning.RTK_FIXED},
            HILL,
            Conditions(takeoff=Takeoff(ORIGIN)),
            190.0,
            math.hypot(0.304, 0.5),
        ),
        (
            {"above_sea_m": 191.0, "vertical_sigma_m": 0.03, "positioning": Positioning.RTK_FIXED},
            HILL,
            Conditions(takeoff=Takeoff(ORIGIN)),
            191.0,
            0.03,
        ),
        (
            {"above_takeoff_m": None, "above_ellipsoid_m": 170.0},
            LevelGround(90.0, Datum.ELLIPSOID),
            Conditions(),
            170.0,
            3.008,
        ),
        (
            {"above_takeoff_m": None, "above_sea_m": 190.0, "vertical_sigma_m": 0.03},
            LevelGround(90.0, Datum.ELLIPSOID),
            Conditions(geoid_m=-20.0),
            170.0,
            math.hypot(0.03, 0.3),
        ),
    ],
)
def test_the_best_height_counts(
    fix: dict[str, float], ground: Ground, conditions: Conditions, up_m: float, sigma_m: float
) -> None:
    posed = pose_of(replace(HOVER, **fix), PLANE, ground, conditions)  # type: ignore[arg-type]
    assert posed.pose.up_m == pytest.approx(up_m)
    assert math.sqrt(posed.pose.covariance[2, 2]) == pytest.approx(sigma_m, abs=0.01)


def test_a_doubtful_height_is_told() -> None:
    fix = replace(HOVER, above_takeoff_m=None, above_sea_m=190.0)
    (note,) = pose_of(fix, PLANE, HILL).interpretations
    assert note.field == "above_sea_m"
    assert not note.certain


@pytest.mark.parametrize(
    ("changes", "ground", "says"),
    [
        ({"gimbal": None}, LevelGround(), "assume_nadir"),
        ({"gimbal": Attitude(math.nan, -90, 0)}, LevelGround(), "no number"),
        ({"above_takeoff_m": None}, LevelGround(), "no height in the log"),
        ({"above_takeoff_m": math.inf}, LevelGround(), "no number"),
        ({"above_takeoff_m": None, "above_sea_m": 190.0}, LevelGround(), "state the ground's height above the sea"),
        ({}, HILL, "state the takeoff place"),
        ({"latitude": math.nan}, LevelGround(), "expected degrees"),
        ({"latitude": 113.6, "longitude": 34.7}, LevelGround(), "expected degrees"),
        ({"latitude": 35.4}, LevelGround(), "exchanged"),
        ({"latitude": 0.0, "longitude": 0.0}, LevelGround(), "while they have none"),
        ({"horizontal_sigma_m": 0.0}, LevelGround(), "horizontal sigma"),
        ({"vertical_sigma_m": math.nan}, LevelGround(), "vertical sigma"),
    ],
)
def test_what_is_missing_is_named_with_its_record(changes: dict[str, float], ground: Ground, says: str) -> None:
    with pytest.raises(PosingError, match="record 7: ") as caught:
        pose_of(replace(HOVER, **changes), PLANE, ground)  # type: ignore[arg-type]
    assert says in str(caught.value)


def test_straight_down_only_if_told_and_with_large_errors() -> None:
    told = Conditions(assume_nadir=True)
    fix = replace(HOVER, gimbal=None, platform=Attitude(45.0, -8.0, 3.0))
    posed = pose_of(fix, PLANE, LevelGround(), told)
    assert posed.pose.turn[:, 2] == pytest.approx((0, 0, -1))
    assert -posed.pose.turn[:, 1] == pytest.approx((math.sqrt(0.5), math.sqrt(0.5), 0))
    assert np.degrees(np.sqrt(np.diag(posed.pose.covariance)[3:])) == pytest.approx((3.0, 3.0, 5.0), abs=0.05)
    (note,) = posed.interpretations
    assert (note.field, note.certain) == ("gimbal", False)
    by_course = pose_of(replace(fix, platform=None), PLANE, LevelGround(), told, course_degrees=45.0)
    assert by_course.pose.turn == pytest.approx(posed.pose.turn)
    assert math.degrees(math.sqrt(by_course.pose.covariance[5, 5])) == pytest.approx(15.0)
    with pytest.raises(PosingError, match="where north is"):
        pose_of(replace(fix, platform=None), PLANE, LevelGround(), told)
    # What the log says is believed, whatever was assumed.
    assert pose_of(HOVER, PLANE, LevelGround(), told).pose.turn[2, 2] == pytest.approx(math.sin(math.radians(-70)))


def test_the_takeoff_is_where_the_log_is_low() -> None:
    climbing = [Fix(n, 34.75 + n * 1e-4, 113.62, above_takeoff_m=10.0 * n) for n in range(5)]
    takeoff, note = takeoff_of(climbing)
    assert takeoff is not None
    assert (takeoff.place.latitude, note) == (34.75, None)
    takeoff, note = takeoff_of(climbing[2:])
    assert takeoff is not None
    assert note is not None
    assert takeoff.place.latitude == pytest.approx(34.7502)
    assert not note.certain
    assert takeoff.sigma_m > 1
    assert takeoff_of([Fix(1, 34.0, 113.0)]) == (None, None)


def test_courses() -> None:
    """11 m a record, without times: from the record before to the one after."""
    places = [(34.75, 113.62), (34.7501, 113.62), (34.7501, 113.6202), (34.7501, 113.6202), (34.7501, 113.6202)]
    found = courses([Fix(n, *place) for n, place in enumerate(places)] + [Fix(9, 34.7501234, 113.6201234)], PLANE)
    assert found[0] is not None
    assert (found[0] + 180) % 360 == pytest.approx(180.0, abs=0.5)
    assert found[1] == pytest.approx(math.degrees(math.atan2(18.3, 11.1)), abs=1.0)
    assert found[2] == pytest.approx(90.0, abs=0.5)
    assert found[3] is None
    assert courses([], PLANE) == ()
    assert courses([HOVER], PLANE) == (None,)


def test_courses_of_a_record_a_picture() -> None:
    """Thirty records a second are 0.3 m apart: the course is that of five seconds. Coarse ones must show a long way."""
    quick = [Fix(n, 34.75, 113.62 + n * 3.5e-6 + 1e-8, media_time=n / 30) for n in range(300)]
    assert courses(quick, PLANE)[150] == pytest.approx(90.0, abs=0.1)
    slow = [replace(fix, media_time=10 * (fix.media_time or 0.0)) for fix in quick]
    assert courses(slow, PLANE)[150] == pytest.approx(90.0, abs=0.1)
    rounded = [replace(fix, longitude=round(fix.longitude, 4)) for fix in slow]
    assert set(courses(rounded, PLANE)) == {None}


@pytest.mark.parametrize(("decimals", "step_m"), [(4, 11.13), (5, 1.113), (6, 0.111)])
def test_coarse_logs(decimals: int, step_m: float) -> None:
    fixes = [Fix(n, round(34.751234567 + n * 1e-4, decimals), round(113.6219876, decimals)) for n in range(9)]
    assert coordinate_sigma_m(fixes) == pytest.approx(step_m / math.sqrt(12), rel=0.01)
    assert coordinate_sigma_m([*fixes, HOVER, Fix(9, 34.75123456789, 113.6)]) == 0.0


@given(
    value=st.floats(allow_nan=True, allow_infinity=True),
    field=st.sampled_from(("latitude", "longitude", "above_takeoff_m", "horizontal_sigma_m", "vertical_sigma_m")),
)
def test_any_number_gives_a_pose_or_a_reason(value: float, field: str) -> None:
    try:
        posed = pose_of(replace(HOVER, **{field: value}), PLANE, LevelGround())  # type: ignore[arg-type]
    except PosingError:
        return
    assert np.isfinite(posed.pose.covariance).all()
    assert np.isfinite(posed.pose.centre).all()
