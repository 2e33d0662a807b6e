"""Places by where a drone was: how often the stated radius holds, zoom, sizes, silence, elevation, and odd records."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio import Affine

from contract.geometry import LocationMethod, Point, distance_m
from edge.config.sources import CameraSource
from edge.config.telemetry import FileTelemetry
from edge.detectors.registry import PictureSize
from edge.flights.flight_settings import LensSettings
from edge.flights.ground import Datum, GroundError, LevelGround
from edge.flights.live.following import ground_of, plane_of, scene_of
from edge.flights.live.ground import DroneGround, Scene
from edge.flights.live.track import LiveTrack
from edge.flights.locating import Locator
from edge.flights.posing import Conditions, Takeoff
from edge.flights.telemetry import Attitude, Fix
from edge.flights.uncertainty import BUDGETS, Positioning
from edge.vision.lens import Lens
from edge.vision.pose import Pose, turned
from tests.edge.flights.live.filming import HEIGHT, HOME, LENS, PLANE, WIDTH

SCENE = Scene(
    plane=PLANE,
    ground=LevelGround(sigma_m=1.0),
    lens=LensSettings(focal_px=LENS.focal_x),
    main_size=(WIDTH, HEIGHT),
    decoded_size=(WIDTH, HEIGHT),
    conditions=Conditions(),
    clock_sigma_seconds=0.1,
    pixel_error_px=4.0,
    max_accuracy_m=100.0,
)


def flying(t: float) -> tuple[float, float, float, float, float]:
    """East, north, up, yaw, pitch: 8 m/s in a bend, the camera turning by 10 degrees a second."""
    return 60 * math.sin(t * 8 / 60), 60 - 60 * math.cos(t * 8 / 60), 70 + 0.5 * t, 10 * t, -50 + 2 * math.sin(t)


def records(*, late: float = 0.0, off: Any = (0, 0, 0, 0, 0), rate: float = 5.0, **changes: Any) -> list[Fix]:
    made = []
    for number in range(int(6 * rate)):
        east, north, up, yaw, pitch = np.array(flying(number / rate + late)) + off
        place = PLANE.point(east, north)
        gimbal = Attitude(yaw, pitch, 0.0)
        values = {"above_takeoff_m": float(up), "gimbal": gimbal, **changes}
        made.append(Fix(number, place.latitude, place.longitude, media_time=number / rate, **values))
    return made


def ground(fixes: list[Fix], scene: Scene = SCENE) -> DroneGround:
    track = LiveTrack(2.0, 3.0)
    for fix in fixes:
        track.put(fix)
    return DroneGround(track, scene, lambda media_time: media_time)


class Seen:
    """As `edge.flights.locating.View`."""

    def __init__(self, lens: Lens, pose: Pose) -> None:
        self.lens, self.pose = lens, pose


def true_place(t: float, pixel: tuple[float, float], lens: Lens = LENS, height_m: float = 0.0) -> Point:
    east, north, up, yaw, pitch = flying(t)
    view = Seen(lens, Pose(east, north, up, turned(yaw, pitch, 0.0)))
    point = Locator(view, LevelGround(height_m), PLANE).points(np.array([pixel]))[0]
    return PLANE.point(float(point[0]), float(point[1]))


def test_without_errors_places_are_exact() -> None:
    seen = ground(records(rate=10.0))
    for t in (1.0, 1.04, 2.57):
        found = seen.at(400.0, 200.0, t)
        assert found is not None and found.method is LocationMethod.DRONE_RAY
        assert distance_m(found.point, true_place(t, (400.0, 200.0))) < 0.15, "a tenth of a second's bend"


def test_the_stated_radius_holds() -> None:
    """Position, height, tilt, heading, clock, focal length, ground and pixel are all drawn as they are trusted."""
    rng = np.random.default_rng(20261122)
    budget = BUDGETS[Positioning.GNSS]
    level, up = budget.horizontal_m.total, budget.takeoff_height_m.total
    tilt, heading = budget.tilt_degrees.total, budget.heading_degrees.total
    held, count = 0, 400
    for _ in range(count):
        off = rng.normal(0, (level, level, up, heading, tilt))
        seen = ground(records(late=rng.normal(0, 0.1), off=off))
        t, pixel = rng.uniform(1, 5), rng.uniform((60, 60), (580, 340))
        lens = replace(LENS, focal_x=LENS.focal_x * (f := 1 + rng.normal(0, 0.015)), focal_y=LENS.focal_y * f)
        truth = true_place(t, (float(pixel[0]), float(pixel[1])), lens, rng.normal(0, 1.0))
        x, y = pixel + rng.normal(0, 4.0, 2)
        found = seen.at(float(x), float(y), float(t))
        assert found is not None
        held += distance_m(found.point, truth) <= found.accuracy_m
    # 95 % of 400 are 380 ± 9 (two standard deviations); roll is not drawn, and chords cut bends.
    assert 0.925 <= held / count <= 0.98


def test_the_latest_picture_is_meant_where_no_time_is_said() -> None:
    seen = ground(records())
    seen.follow(2.0)
    assert seen.at(320, 180) == seen.at(320, 180, 2.0) != seen.at(320, 180, 3.0)
    assert seen.metres_per_pixel(320, 180) == pytest.approx(0.21, abs=0.05)


def test_a_sub_stream_sees_the_same() -> None:
    small = ground(records(), replace(SCENE, decoded_size=(WIDTH // 2, HEIGHT // 2)))
    one, other = ground(records()).at(400.5, 100.5, 2.0), small.at(200.0, 50.0, 2.0)
    assert one is not None and other is not None
    assert distance_m(one.point, other.point) < 0.01
    assert one.accuracy_m == pytest.approx(other.accuracy_m, abs=0.02)


def test_a_zoom_is_followed() -> None:
    wide, tele = ground(records(digital_zoom=1.0)), ground(records(digital_zoom=4.0))
    scales = [seen.metres_per_pixel(320, 180, 2.0) for seen in (wide, tele)]
    assert scales[0] is not None and scales[1] is not None
    assert scales[0] / scales[1] == pytest.approx(4.0, rel=1e-3)
    odd = ground(records(digital_zoom=-3.0))
    assert odd.at(320, 180, 2.0) is None and "digital zoom" in odd.problem


def test_why_there_is_no_place() -> None:
    seen = ground(records())
    assert seen.at(320, 180, 9.0) is None and seen.problem == "the latest telemetry is too old"
    assert seen.at(320, 180, 2.0) is not None and seen.problem == ""
    blind = ground(records(gimbal=None))
    assert blind.at(320, 180, 2.0) is None and "no gimbal angles" in blind.problem
    assert ground([]).at(320, 180, 2.0) is None
    sky = ground([replace(one, gimbal=Attitude(0, 5, 0)) for one in records()])
    assert sky.at(320, 100, 2.0) is None and "above the horizon" in sky.problem
    elsewhere = ground([replace(one, latitude=one.latitude - 3) for one in records()])
    assert elsewhere.at(320, 180, 2.0) is None and "20 km" in elsewhere.problem
    lost = DroneGround(LiveTrack(2.0, 3.0), SCENE, lambda _: None)
    assert lost.at(320, 180, 2.0) is None and lost.problem


def test_looking_straight_down_may_be_assumed_and_north_comes_of_the_course() -> None:
    scene = replace(SCENE, conditions=Conditions(assume_nadir=True))
    seen = ground(records(gimbal=None), scene)
    found = seen.at(320, 180, 2.0)
    assert found is not None and found.accuracy_m > 8.0
    east, north, *_ = flying(2.0)
    assert distance_m(found.point, PLANE.point(east, north)) < 1.5


def test_a_drill_may_copy_a_detector_that_holds_it() -> None:
    seen = ground(records())
    assert copy.deepcopy({"ground": seen})["ground"] is seen


# ---- the ground


def settings(**telemetry: Any) -> CameraSource:
    place = {"lon": HOME.longitude, "lat": HOME.latitude, "accuracy_m": 500}
    return CameraSource.model_validate(
        {"kind": "camera", "location": place, "telemetry": {"type": "file", **telemetry}, "detectors": {}}
    )


def write_slope(path: Path) -> None:
    """Rises to the east by 0.1, 200 m at home; in degrees."""
    step, cells = 1e-4, 400
    west, north = HOME.longitude - step * cells / 2, HOME.latitude + step * cells / 2
    metres = (np.arange(cells) + 0.5 - cells / 2) * step * 111_320 * math.cos(math.radians(HOME.latitude))
    with rasterio.open(
        path, "w", driver="GTiff", width=cells, height=cells, count=1, dtype="float32", crs="EPSG:4326",
        transform=Affine(step, 0, west, 0, -step, north),
    ) as file:  # fmt: skip
        file.write(np.tile((200 + 0.1 * metres).astype("f4"), (cells, 1)), 1)


def test_an_elevation_model_needs_to_know_the_takeoff(tmp_path: Path) -> None:
    write_slope(tmp_path / "slope.tif")
    said = settings(ground={"elevation": str(tmp_path / "slope.tif"), "sigma_m": 1.0}, lens={"focal_px": LENS.focal_x})
    plane, size = plane_of(said), PictureSize(WIDTH, HEIGHT)
    model = ground_of(said, plane)
    assert model.datum is Datum.SEA
    scene = scene_of(said, plane, model, size, size, 0.1)
    unseen = ground(records(), scene)
    assert unseen.at(320, 180, 2.0) is None and "state the takeoff place" in unseen.problem
    stood = Fix(0, HOME.latitude, HOME.longitude, media_time=-1.0, above_takeoff_m=0.5)
    seen = ground([stood, *records()], scene)
    found = seen.at(320, 180, 2.0)
    assert found is not None
    assert isinstance(said.telemetry, FileTelemetry)
    stated = replace(scene, conditions=replace(scene.conditions, takeoff=Takeoff(HOME)))
    assert ground(records(), stated).at(320, 180, 2.0) == found
    flat = ground(records()).at(320, 180, 2.0)
    assert flat is not None and distance_m(flat.point, found.point) > 0.5, "the slope is not level"


def test_level_ground_by_default_is_doubted_more_than_a_surveys() -> None:
    assert ground_of(settings(), PLANE) == LevelGround(sigma_m=5.0)
    assert ground_of(settings(ground={"height_m": 120}), PLANE) == LevelGround(120.0, Datum.SEA, 5.0)
    with pytest.raises(GroundError, match="is it whole"):
        ground_of(settings(ground={"elevation": "/nowhere/at.tif"}), PLANE)
