"""From real logs to places: what can be placed is, with what its log is worth; the rest says why not."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from contract.geometry import Point, distance_m
from edge.flights.ground import LevelGround
from edge.flights.lenses import lens_of
from edge.flights.local import LocalPlane
from edge.flights.locating import Locator
from edge.flights.posing import Conditions, PosingError, coordinate_sigma_m, courses, pose_of, takeoff_of
from edge.flights.reading.sniff import read_telemetry
from edge.flights.telemetry import Fix, TelemetryError
from edge.flights.tracks import Track
from samples.positioning.trials import Taken

LENS = lens_of(width=3840, height=2160, focal_35mm_mm=24.0, is_video=True).lens


@pytest.fixture
def logs(shared_data: Path) -> Path:
    folder = shared_data / "drone" / "srt"
    if not folder.is_dir():
        pytest.skip(f"real data is not here: {folder} does not exist")
    return folder


def place_of(fix: Fix) -> Point:
    return Point(coordinates=(fix.longitude, fix.latitude))


def test_a_log_with_gimbal_angles_is_placed(logs: Path) -> None:
    """A Phantom 4 RTK, 86 m up, looks ahead at 24° below the horizon: its picture's middle is 190 m away."""
    fixes = read_telemetry(logs / "JuanIrache_p4_rtk.SRT").fixes
    plane, track = LocalPlane(place_of(fixes[0])), Track(fixes)
    # Not at the end of a second: between two records.
    moment = track.at((fixes[3].media_time or 0.0) + 0.5)
    assert moment is not None
    conditions = Conditions(
        added_own_sigma_m=moment.added_sigma_m, added_own_heading_degrees=moment.added_heading_degrees
    )
    posed = pose_of(moment.fix, plane, LevelGround(), conditions)
    found = Locator(Taken(LENS, posed.pose), LevelGround(), plane).at(1919.5, 1079.5)
    assert found is not None
    assert moment.fix.gimbal is not None
    away = posed.pose.up_m / math.tan(math.radians(-moment.fix.gimbal.pitch))
    assert distance_m(found.point, place_of(moment.fix)) == pytest.approx(away, rel=0.01)
    assert 100 < away < 300
    assert 15 < found.accuracy_m < 60


def test_a_log_without_them_is_placed_only_as_told(logs: Path) -> None:
    """A Mavic Pro: four decimals, one record a second, no angle at all."""
    fixes = read_telemetry(logs / "JuanIrache_mavic_pro.SRT").fixes
    plane, ways = LocalPlane(place_of(fixes[0])), courses(fixes, LocalPlane(place_of(fixes[0])))
    assert coordinate_sigma_m(fixes) == pytest.approx(11.13 / math.sqrt(12), rel=0.01)
    takeoff, guess = takeoff_of(fixes)
    assert takeoff is not None
    assert guess is None
    fast = [index for index, way in enumerate(ways) if way is not None]
    assert len(fast) > 50
    fix, way = fixes[fast[20]], ways[fast[20]]
    with pytest.raises(PosingError, match="assume_nadir"):
        pose_of(fix, plane, LevelGround())
    told = Conditions(assume_nadir=True, added_own_sigma_m=coordinate_sigma_m(fixes))
    posed = pose_of(fix, plane, LevelGround(), told, way)
    found = Locator(Taken(LENS, posed.pose), LevelGround(), plane).at(1919.5, 1079.5)
    assert found is not None
    assert distance_m(found.point, place_of(fix)) < 0.1
    exact = Locator(
        Taken(LENS, pose_of(fix, plane, LevelGround(), Conditions(assume_nadir=True), way).pose),
        LevelGround(),
        plane,
    ).at(1919.5, 1079.5)
    assert exact is not None
    assert found.accuracy_m > exact.accuracy_m > 2.4477 * posed.pose.up_m * math.radians(3)


def test_every_real_record_is_posed_or_says_why(logs: Path) -> None:
    posed, refused = 0, set()
    for path in sorted(logs.glob("*")):
        try:
            fixes = read_telemetry(path).fixes
        except TelemetryError as error:
            assert path.name in str(error)
            continue
        plane = LocalPlane(place_of(fixes[0]))
        for fix in fixes[:: max(len(fixes) // 20, 1)]:
            try:
                pose = pose_of(fix, plane, LevelGround(), Conditions(assume_nadir=True), 10.0).pose
            except PosingError as error:
                refused.add(str(error).split(":")[1].strip()[:20])
                continue
            assert np.isfinite(pose.covariance).all()
            posed += 1
    assert posed > 100
    # A log without heights, and one that had no satellites.
    assert refused <= {"no height in the log", "found position 0.0,"}
