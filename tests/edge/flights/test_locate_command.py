"""`gridsentry-edge locate`: places of pixels, what their doubt is made of, and what has no place."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from contract.datum import to_bd09, to_gcj02
from contract.geometry import Point, distance_m
from edge.cli import app
from edge.flights.flights_cli import FOUND_A_PROBLEM, WRONG_USAGE
from edge.flights.ground import LevelGround
from edge.flights.local import LocalPlane
from edge.flights.locating import Locator
from edge.flights.material import FlightError
from edge.flights.pointing import point_at, seconds_of
from edge.vision.lens import Lens
from edge.vision.pose import Pose
from samples.town import TownPair
from tests.edge.video import record


@dataclass(frozen=True, slots=True)
class Seen:
    """As `edge.flights.locating.View`."""

    lens: Lens
    pose: Pose


def run(*arguments: str | Path | float) -> Result:
    return CliRunner().invoke(app, ["locate", *map(str, arguments)])


def told(*arguments: str | Path | float) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(run(*arguments, "--json").stdout)
    return document


def oblique(folder: Path, *rows: str, seconds: float = 4) -> Path:
    """A video with a log of our own, 80 m up, the camera's turn as given: `time,yaw,pitch,roll`."""
    video = record(folder / "flight.mp4", seconds=seconds)
    head = "media_time_s,latitude,longitude,above_takeoff_m,gimbal_yaw,gimbal_pitch,gimbal_roll"
    lines = [f"{time},34.7500001,113.6200002,80.0,{turn}" for time, _, turn in (row.partition(",") for row in rows)]
    (folder / "flight.csv").write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return video


@pytest.fixture
def looking_ahead(tmp_path: Path) -> Path:
    return oblique(tmp_path, *(f"{time},0,-20,0" for time in range(5)))


def test_a_pixel_of_a_still_is_where_it_truly_is(flown_stills: Path, town: TownPair) -> None:
    """By the true pose and lens, not the drone's own; the stated radius must hold it."""
    truth = town.truth.after
    plane = LocalPlane(truth.town.origin)
    pixels = [(10.0, 10.0), (160.0, 120.0), (300.0, 30.0), (40.0, 220.0)]
    for number in (0, 5, 11):
        shot = truth.survey.shots[number]
        real = Locator(Seen(truth.survey.true_lens, shot.true_pose), LevelGround(), plane).points(np.array(pixels))
        flat = [value for pixel in pixels for value in pixel]
        found = told(flown_stills, f"DJI_{number + 1:04d}.JPG", *flat)
        assert len(found["pixels"]) == 4
        for place, (east, north, _) in zip((one["place"] for one in found["pixels"]), real, strict=True):
            here = Point(coordinates=(place["longitude"], place["latitude"]))
            away = distance_m(here, plane.point(float(east), float(north)))
            assert away <= place["accuracy_m"] < 12.0
            assert (place["height_m"], place["height_above"]) == (0.0, "takeoff")


def test_the_budget_adds_up_to_the_accuracy(looking_ahead: Path) -> None:
    """Shares are independent: their squares add up, but for the shapes of ellipses, which move a radius by a fifth."""
    place = told(looking_ahead, "1.5", 80, 60, "--focal-px", 1000)["pixels"][0]["place"]
    shares = {one["of"]: one["accuracy_m"] for one in place["budget"]}
    assert len(shares) == 7 and min(shares.values()) > 0
    assert math.hypot(*shares.values()) == pytest.approx(place["accuracy_m"], rel=0.2)
    assert max(shares.values()) < place["accuracy_m"]
    assert max(shares, key=shares.__getitem__) == "heading", "234 m away, 2° are 8 m to each side"


def test_what_is_known_better_weighs_less(looking_ahead: Path, tmp_path: Path) -> None:
    settings = tmp_path / "better.yaml"
    settings.write_text(
        "takeoff_height_sigma_m: 0.1\nlens: {focal_px: 1000, calibrated: true}\npositioning: rtk_fixed\n"
    )
    rough = told(looking_ahead, "1.5", 80, 60, "--focal-px", 1000)["pixels"][0]["place"]
    fine = told(looking_ahead, "1.5", 80, 60, "--settings", settings)["pixels"][0]["place"]
    assert fine["accuracy_m"] < 0.6 * rough["accuracy_m"]
    assert distance_m(*(Point(coordinates=(one["longitude"], one["latitude"])) for one in (fine, rough))) < 1e-3


def test_a_time_of_a_video_need_be_no_key_frame(tmp_path: Path) -> None:
    """Half a second after the first record the camera has turned by half of what it turns in a second."""
    video = oblique(tmp_path, "0,0,-45,0", "1,20,-45,0", "2,40,-45,0")
    drone = Point(coordinates=(113.62, 34.75))
    plane = LocalPlane(drone)
    for time, degrees in (("0.5", 10.0), ("00:01.25", 25.0), ("0:00:01.25", 25.0)):
        place = told(video, time, 79.5, 59.5, "--focal-px", 120)["pixels"][0]["place"]
        east, north = plane.at(Point(coordinates=(place["longitude"], place["latitude"])))
        assert math.hypot(east, north) == pytest.approx(80, abs=0.1), "45° down from 80 m"
        assert math.degrees(math.atan2(east, north)) == pytest.approx(degrees, abs=0.1)


def test_people_are_told_in_a_table(looking_ahead: Path) -> None:
    result = run(looking_ahead, 2, 80, 60, "--focal-px", 120)
    assert result.exit_code == 0, result.output
    for words in ("pixel 80, 60", "m (95 %)", "height of the drone", "0.0 m above the takeoff point", "down by 20.0°"):
        assert words in result.stdout
    assert "read so: ground" in result.stderr


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (80, 0, "above the horizon: choose a pixel that shows the ground"),
        (80, 16.5, "looks along the horizon"),
        (80, 20, "says no more than where the drone is: take a picture that looks down more steeply"),
        (500, 60, "lies outside of the picture of 160 x 120 pixels"),
        ("nan", 60, "lies outside of the picture"),
    ],
)
def test_what_has_no_place_says_why_and_what_to_do(looking_ahead: Path, x: float, y: float, words: str) -> None:
    result = run(looking_ahead, 2, x, y, 80, 110, "--focal-px", 120)
    assert result.exit_code == FOUND_A_PROBLEM
    assert words in " ".join(result.stdout.split())
    assert "m (95 %)" in result.stdout, "the other pixel has its place all the same"


def test_maps_of_china_only_on_request(looking_ahead: Path) -> None:
    plain = told(looking_ahead, 2, 80, 60, "--focal-px", 120)["pixels"][0]["place"]
    assert "on_maps" not in plain
    for datum, moved in (("gcj02", to_gcj02), ("bd09", to_bd09)):
        place = told(looking_ahead, 2, 80, 60, "--focal-px", 120, "--datum", datum)["pixels"][0]["place"]
        assert place["longitude"] == plain["longitude"], "WGS-84 stays what it is"
        assert (place["on_maps"]["longitude"], place["on_maps"]["latitude"]) == moved(
            plain["longitude"], plain["latitude"]
        )


def test_no_attitude_says_so_and_may_be_assumed(tmp_path: Path) -> None:
    video = record(tmp_path / "flight.mp4", seconds=3)
    rows = "\n".join(f"{time},{34.75 + time * 5e-5:.6f},113.620001,80.0" for time in range(4))
    (tmp_path / "flight.csv").write_text(f"media_time_s,latitude,longitude,above_takeoff_m\n{rows}\n", encoding="utf-8")
    result = run(video, 1, 80, 60, "--focal-px", 120)
    assert result.exit_code == FOUND_A_PROBLEM
    assert "no gimbal angles: if the camera looked straight down, say so (assume_nadir)" in result.stderr
    assumed = told(video, 1, 80, 60, "--focal-px", 120, "--assume-nadir")
    assert assumed["pixels"][0]["place"]["accuracy_m"] > 5.0, "3° of doubt are 4 m at 80 m"
    assert any(one["field"] == "gimbal" for one in assumed["readings"])


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        ("1.5s", "expected a time of the video as 83.2, 1:23.2"),
        ("99", "has no record of that time; it goes from 0.0 to 4.0 s"),
        ("1e300", "expected a time of the video"),
        ("-1", "No such option"),
    ],
)
def test_a_time_that_is_none(looking_ahead: Path, frame: str, words: str) -> None:
    result = run(looking_ahead, frame, 80, 60)
    assert result.exit_code != 0
    assert words in result.output
    assert "Traceback" not in result.output


def test_pictures_that_are_not_there_or_broken(flown_stills: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(flown_stills, tmp_path / "stills"))
    (folder / "DJI_0002.JPG").write_bytes(b"\xff\xd8\xff")
    result = run(folder, "DJI_9999.JPG", 1, 1)
    assert result.exit_code == FOUND_A_PROBLEM
    assert "found no picture called DJI_9999.JPG, expected one of DJI_0001.JPG" in result.stderr
    broken = run(folder, "dji_0002", 1, 1)
    assert broken.exit_code == FOUND_A_PROBLEM
    assert "DJI_0002.JPG" in broken.stderr and "Traceback" not in broken.stderr
    assert run(folder, "dji_0003", 160, 120).exit_code == 0, "by its stem, in small letters"
    shutil.copy(folder / "DJI_0003.JPG", folder / "DJI_0003.jpeg")
    assert "several pictures called dji_0003" in run(folder, "dji_0003", 1, 1).stderr


def test_a_still_by_itself(flown_stills: Path) -> None:
    picture = point_at(flown_stills / "DJI_0004.JPG", "DJI_0004", [(160.0, 120.0)])
    assert picture.pixels[0].found is not None


def test_wrong_usage_ends_with_2(looking_ahead: Path) -> None:
    assert run(looking_ahead, 1, 80).exit_code == WRONG_USAGE
    assert "expected x and y of each" in run(looking_ahead, 1, 80, 60, 5).output
    assert run(looking_ahead, 1, 80, 60, "--datum", "mars").exit_code == WRONG_USAGE
    assert run(looking_ahead, 1, "left", 60).exit_code == WRONG_USAGE


def test_times_of_videos() -> None:
    assert [seconds_of(text) for text in ("83.2", "1:23.2", "0:01:23.2", " 7 ")] == [83.2, 83.2, 83.2, 7.0]
    for text in ("", "a", "1:2:3:4", "-3", "1:99", "٣", "1" * 50):
        with pytest.raises(FlightError):
            seconds_of(text)


def test_a_lens_that_nobody_states(looking_ahead: Path) -> None:
    with pytest.raises(FlightError, match="no focal length known"):
        point_at(looking_ahead, "2", [(80.0, 100.0)])
