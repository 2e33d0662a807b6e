"""Pictures of a flight: read when asked for, few kept, what is broken or unusable costs itself and is named."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from contract.geometry import Point
from edge.detectors.interface import Image
from edge.flights import pictured as module
from edge.flights.ground import LevelGround
from edge.flights.local import LocalPlane
from edge.flights.pictured import Pictured
from edge.flights.uncertainty import PoseErrors
from edge.vision.pose import turned
from edge.vision.surface.shots import Eye
from tests.edge.flights.drawn import HOUSES, PLANE, SIGMA_M, SIGMA_RAD, Given, flown
from tests.edge.vision.surface.scenes import LENS, Scene, eye_at, line_of_eyes

SCENE = Scene(HOUSES)


def changed(given: Given, number: int, **frame: object) -> Given:
    frames = list(given.flight.frames)
    frames[number] = replace(frames[number], **frame)  # type: ignore[arg-type]
    return replace(given, flight=replace(given.flight, frames=tuple(frames)))


def test_no_picture_is_read_before_it_is_asked_for_and_each_only_once() -> None:
    given = flown(SCENE)
    made = Pictured(given, PLANE)
    assert len(made) == 4
    assert given.reads == {}
    first = made.picture(2)
    assert first is not None
    assert made.picture(2) is first
    assert given.reads == {2: 1}


def test_a_picture_is_as_its_eye_sees_it() -> None:
    given = flown(SCENE, off=0.0)
    made = Pictured(given, PLANE, gsd_m=0.24)
    picture, eye = made.picture(1), made.eyes[1]
    assert picture is not None
    assert picture.shape == (eye.height, eye.width, 3) == (150, 200, 3)
    whole = SCENE.seen_by(given.true[1])
    halved = cv2.resize(whole, (200, 150), interpolation=cv2.INTER_AREA)
    assert np.array_equal(picture, halved)


def test_only_the_latest_are_kept_and_what_is_used_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 3)
    given = flown(Scene(), line_of_eyes(6, 10.0))
    made = Pictured(given, PLANE)
    for index in (0, 1, 2, 0, 3, 4, 0, 5):
        assert made.picture(index) is not None
    assert given.reads[0] == 1, "it was used again and again"
    made.picture(1)
    assert given.reads[1] == 2, "it had to go"
    assert len(made._pictures) == 3


def test_features_outlive_their_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEPT", 1)
    monkeypatch.setattr(module, "KEPT_FEATURES", 2)
    given = flown(SCENE)
    made = Pictured(given, PLANE)
    first = made.features(0)
    assert made.features(1) is not None
    assert made.features(0) is first
    assert given.reads == {0: 1, 1: 1}
    assert made.features(2) is not None
    assert made.features(1) is not None
    assert given.reads[1] == 2, "of two that are kept it was the older one"
    assert len(made._features) == 2


def test_features_that_nobody_needs_any_more_are_forgotten() -> None:
    made = Pictured(flown(SCENE), PLANE)
    first = made.features(0)
    assert first is not None
    made.forget_features()
    again = made.features(0)
    assert again is not None and again is not first
    assert np.array_equal(again.points, first.points)


def test_a_broken_picture_is_said_once_and_read_once() -> None:
    given = flown(SCENE, broken=[1])
    made = Pictured(given, PLANE)
    assert made.unusable == []
    assert made.picture(1) is None
    assert made.features(1) is None
    assert made.picture(1) is None
    assert [(each.frame, each.why) for each in made.unusable] == [("flight-1", "1.jpg: cut short, copy it again (1)")]
    assert given.reads == {1: 1}
    assert made.picture(0) is not None


@pytest.mark.parametrize("shape", [(300, 401, 3), (300, 400), (1, 1, 3)])
def test_a_picture_that_is_not_its_lens_s_is_said(shape: tuple[int, ...]) -> None:
    def read() -> Image:
        return np.zeros(shape, np.uint8)

    made = Pictured(changed(flown(SCENE), 0, read_bgr=read), PLANE)
    assert made.picture(0) is None
    assert [each.frame for each in made.unusable] == ["flight-0"]
    assert "picture: " in made.unusable[0].why


@pytest.mark.parametrize(
    ("pose", "why"),
    [
        ({"up_m": 3.0}, "3.0 m above the ground"),
        ({"up_m": -50.0}, "above the ground"),
        ({"up_m": float("nan")}, "finite"),
        ({"east_m": float("nan")}, "finite"),
        ({"north_m": float("inf")}, "finite"),
        ({"turn": turned(0, -5, 0)}, "above the horizon"),
        ({"turn": np.full((3, 3), np.nan)}, "finite"),
    ],
)
def test_frames_that_cannot_be_used_are_named_and_the_others_are_used(pose: dict[str, object], why: str) -> None:
    given = flown(SCENE)
    wrong = replace(given.flight.frames[1].pose, **pose)  # type: ignore[arg-type]
    made = Pictured(changed(given, 1, pose=wrong), PLANE)
    assert [each.frame for each in made.unusable] == ["flight-1"]
    assert why in made.unusable[0].why
    assert [made.name(index) for index in range(len(made))] == ["flight-0", "flight-2", "flight-3"]
    assert len(made.eyes) == len(made.sigmas) == len(made.grounds_m) == 3
    assert made.picture(1) is not None
    assert given.reads == {2: 1}, "the second one that is left"


def test_ground_that_nobody_knows_is_said() -> None:
    made = Pictured(replace(flown(SCENE), ground=LevelGround(float("nan"))), PLANE)
    assert len(made) == 0
    assert "height of the ground below it is not known" in made.unusable[0].why


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_errors_that_are_no_numbers_cost_their_frame(value: float) -> None:
    given = flown(SCENE)
    wrong = PoseErrors(np.eye(6), np.full((6, 6), value))
    made = Pictured(replace(given, errors=(given.errors[0], wrong, *given.errors[2:])), PLANE)
    assert [each.frame for each in made.unusable] == ["flight-1"]
    assert np.isfinite(made.sigmas).all()


def test_sigmas_are_the_frames_own_and_never_zero() -> None:
    given = flown(SCENE)
    made = Pictured(given, PLANE)
    assert made.sigmas[0] == pytest.approx([SIGMA_M] * 3 + [SIGMA_RAD] * 3)
    nothing = PoseErrors(np.eye(6), np.zeros((6, 6)))
    assert (Pictured(replace(given, errors=(nothing,) * 4), PLANE).sigmas > 0).all()


def test_in_another_plane_pictures_look_at_the_same_places_of_the_earth() -> None:
    given = flown(SCENE, off=0.0)
    other = LocalPlane(Point(coordinates=(118.803, 32.062)))
    made = Pictured(given, other)
    for eye, true in zip(made.eyes, given.true, strict=True):
        here = other.degrees(eye.on_level(np.array(((10.0, 20.0),)), 0.0))
        there = PLANE.degrees(true.on_level(np.array(((10.0, 20.0),)), 0.0))
        assert np.abs(other.metres(*here.T) - other.metres(*there.T)).max() < 0.02


def test_eyes_that_were_adjusted_are_taken_over() -> None:
    made = Pictured(flown(SCENE), PLANE)
    moved: list[Eye] = [eye.moved(eye.centre + 1.0, eye.turn) for eye in made.eyes]
    before = made.picture(0)
    made.place(moved)
    assert made.eyes == moved
    assert made.picture(0) is before


def test_ground_heights_are_those_of_the_poses() -> None:
    up = 120.0
    high = Scene(tuple(box.moved(0, 0, up) for box in HOUSES), ground_m=up)
    given = flown(high, [eye.moved(eye.centre + np.array((0, 0, up)), eye.turn) for eye in line_of_eyes(3, 10.0)])
    made = Pictured(given, PLANE)
    assert made.ground_m == up
    assert made.grounds_m.tolist() == [up] * 3
    assert made.eyes[0].width == LENS.width


def test_a_flight_without_frames_has_none() -> None:
    made = Pictured(flown(SCENE, []), PLANE)
    assert len(made) == 0
    assert made.sigmas.shape == (0, 6)
    assert made.unusable == []


def test_pictures_that_may_show_a_place_are_found_without_asking_all() -> None:
    eyes = [eye_at(east, 0.0) for east in (-300.0, 0.0, 10.0, 300.0)]
    pictured = Pictured(flown(Scene(()), eyes, off=0.0), PLANE)
    assert pictured.looking_at(np.array((5.0, 0.0))).tolist() == [1, 2]
    assert pictured.looking_at(np.array((1e6, 0.0))).tolist() == []
    far = np.array((1e6, 0.0, 0.0))
    pictured.place([eye.moved(eye.centre + far, eye.turn) for eye in pictured.eyes])
    assert pictured.looking_at(np.array((1e6, 0.0))).tolist() == [1, 2]
