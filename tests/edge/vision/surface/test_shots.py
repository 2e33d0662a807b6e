"""Eyes: between pixels, rays and levels, in every size; which pictures can have one."""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.vision.lens import Lens
from edge.vision.pose import Pose, turned
from edge.vision.surface.shots import LEAST_SIDE_PX, Eye, eye_of, picture_of
from tests.edge.vision.surface.scenes import LENS, eye_at, pose_at

WIDE = Lens(1600, 1200, 1100.0, 1100.0, 805.0, 596.0, (-0.03, 0.01, 0.0004, -0.0003, 0.0))
PIXELS = np.array(((0.0, 0.0), (399.0, 0.0), (399.0, 299.0), (0.0, 299.0), (123.4, 77.7)))


@settings(deadline=None, max_examples=40)
@given(
    east=st.floats(-5_000, 5_000),
    up=st.floats(20, 400),
    yaw=st.floats(-360, 360),
    pitch=st.floats(-90, -60),
    roll=st.floats(-8, 8),
    level=st.floats(-30, 15),
)
def test_a_place_on_a_level_is_seen_where_it_was_looked_for(
    east: float, up: float, yaw: float, pitch: float, roll: float, level: float
) -> None:
    eye = eye_at(east, -70.0, up, yaw, pitch, roll)
    places = np.column_stack((eye.on_level(PIXELS, level), np.full(len(PIXELS), level)))
    assert eye.pixels(places) == pytest.approx(PIXELS, abs=1e-5)
    rays = eye.rays(PIXELS)
    assert rays @ eye.turn[:, 2] == pytest.approx(1.0)  # of length 1 along the axis
    reach = (places - eye.centre)[:, 2] / rays[:, 2]
    assert eye.centre + rays * reach[:, None] == pytest.approx(places, abs=1e-6)


def test_north_is_up_and_east_is_right_in_a_picture_from_above() -> None:
    eye = eye_at(10.0, 20.0, 50.0)
    above, right = eye.pixels(np.array(((10.0, 25.0, 0.0), (15.0, 20.0, 0.0))))
    assert above == pytest.approx((199.5, 149.5 - 50.0))
    assert right == pytest.approx((199.5 + 50.0, 149.5))
    assert eye.gsd_m(0.0) == pytest.approx(0.1)
    assert eye.gsd_m(10.0) == pytest.approx(0.08)


def test_what_stands_high_leans_outward() -> None:
    eye = eye_at(0.0, 0.0, 60.0)
    foot, roof = eye.pixels(np.array(((10.0, 0.0, 0.0), (10.0, 0.0, 20.0))))
    assert roof[0] - 199.5 == pytest.approx(1.5 * (foot[0] - 199.5))


def test_the_outline_is_what_the_picture_shows() -> None:
    outline = eye_at(5.0, 0.0, 50.0).outline(0.0)
    assert outline.min(axis=0) == pytest.approx((5 - 19.95, -14.95))
    assert outline.max(axis=0) == pytest.approx((5 + 19.95, 14.95))
    assert outline[0] == pytest.approx((5 - 19.95, 14.95)), "the first is the picture's upper left corner"


@pytest.mark.parametrize("share", [0.5, 0.25, 0.33, 0.81])
def test_a_scaled_eye_sees_the_same_places(share: float) -> None:
    eye = eye_at(3.0, 4.0, 55.0, yaw=33.0, pitch=-80.0)
    small = eye.scaled(share)
    assert (small.width, small.height) == (round(400 * share), round(300 * share))
    # Corners of pixels, not their middles, stay where they are.
    corners = np.array(((-0.5, -0.5), (399.5, -0.5), (399.5, 299.5)))
    same = np.array(((-0.5, -0.5), (small.width - 0.5, -0.5), (small.width - 0.5, small.height - 0.5)))
    assert small.on_level(same, 2.0) == pytest.approx(eye.on_level(corners, 2.0), abs=1e-9)


def test_an_eye_is_never_scaled_to_nothing() -> None:
    tiny = eye_at(0.0, 0.0).scaled(1e-6)
    assert (tiny.width, tiny.height) == (1, 1)


def test_a_moved_eye_is_the_same_camera() -> None:
    eye = eye_at(0.0, 0.0)
    moved = eye.moved(np.array((7.0, -2.0, 80.0)), turned(90.0, -90.0, 0.0))
    assert moved.matrix is eye.matrix
    assert moved.on_level(np.array(((199.5, 149.5),)), 0.0)[0] == pytest.approx((7.0, -2.0))
    assert eye.centre == pytest.approx((0, 0, 60))


def test_fine_pictures_are_scaled_to_the_asked_resolution_and_coarse_ones_are_left() -> None:
    fine = eye_of(LENS, pose_at(0, 0, 30.0), 0.0, 0.12)
    assert (fine.width, fine.height) == (200, 150)
    assert fine.gsd_m(0.0) == pytest.approx(0.12)
    coarse = eye_of(LENS, pose_at(0, 0, 100.0), 0.0, 0.12)
    assert (coarse.width, coarse.height) == (400, 300)


def test_resolution_is_that_of_the_ground_which_may_lie_high() -> None:
    assert eye_of(LENS, pose_at(0, 0, 530.0), 500.0, 0.12).gsd_m(500.0) == pytest.approx(0.12)


def test_a_picture_from_very_low_keeps_a_least_size() -> None:
    eye = eye_of(LENS, pose_at(0, 0, 5.0), 0.0, 0.5)
    assert (eye.width, eye.height) == (LEAST_SIDE_PX, LEAST_SIDE_PX)
    outline = eye.outline(0.0)
    assert np.ptp(outline, axis=0) == pytest.approx((4.0, 3.0), rel=0.02), "it shows what it showed"


@pytest.mark.parametrize("up", [4.9, 0.0, -20.0])
def test_a_camera_on_the_ground_is_refused(up: float) -> None:
    with pytest.raises(ValueError, match=r"m above the ground, at least 5 are needed"):
        eye_of(LENS, pose_at(0, 0, up), 0.0)


@pytest.mark.parametrize("pitch", [0.0, -10.0, -20.0, 45.0, 90.0])
def test_a_camera_that_sees_the_horizon_is_refused(pitch: float) -> None:
    with pytest.raises(ValueError, match="above the horizon"):
        eye_of(LENS, pose_at(0, 0, 60.0, pitch=pitch), 0.0)


def test_a_turn_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="above the horizon"):
        eye_of(LENS, Pose(0.0, 0.0, 60.0, np.zeros((3, 3))), 0.0)


def test_a_steep_camera_is_not_refused() -> None:
    assert isinstance(eye_of(LENS, pose_at(0, 0, 60.0, pitch=-60.0), 0.0), Eye)


@pytest.mark.parametrize("name", ["east_m", "north_m", "up_m", "turn"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_pose_that_is_no_place_is_refused(name: str, value: float) -> None:
    said: dict[str, Any] = {"east_m": 0.0, "north_m": 0.0, "up_m": 60.0, "turn": turned(0, -90, 0)}
    said[name] = np.full((3, 3), value) if name == "turn" else value
    with pytest.raises(ValueError, match="finite numbers"):
        eye_of(LENS, Pose(**said), 0.0)


def test_a_picture_of_another_size_than_its_lens_is_refused() -> None:
    eye = eye_of(LENS, pose_at(0, 0))
    with pytest.raises(ValueError, match="401 × 300, but its lens is for 400 × 300"):
        picture_of(np.zeros((300, 401, 3), np.uint8), LENS, eye)


@pytest.mark.parametrize("shape", [(300, 400), (300, 400, 4), (300, 400, 1), (0, 0, 3)])
def test_what_is_no_colour_picture_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="picture: "):
        picture_of(np.zeros(shape, np.uint8), LENS, eye_of(LENS, pose_at(0, 0)))


def test_a_picture_of_floats_is_refused() -> None:
    with pytest.raises(ValueError, match="bytes"):
        picture_of(np.zeros((300, 400, 3), np.float32), LENS, eye_of(LENS, pose_at(0, 0)))


def test_a_straightened_and_scaled_picture_shows_places_where_the_eye_says() -> None:
    pose = Pose(0.0, 0.0, 60.0, turned(25.0, -85.0, 2.0))
    eye = eye_of(WIDE, pose, 0.0, 0.12)
    assert eye.width < WIDE.width
    places = np.array(((-20.0, 15.0, 0.0), (22.0, 12.0, 0.0), (18.0, -16.0, 0.0), (-24.0, -10.0, 0.0), (0.0, 0.0, 0.0)))
    raw = np.zeros((1200, 1600, 3), np.uint8)
    bent = WIDE.pixels(pose.to_camera(places))
    for x, y in bent:
        cv2.circle(raw, (round(x * 16), round(y * 16)), 14 * 16, (255, 255, 255), -1, cv2.LINE_AA, 4)
    shown = picture_of(raw, WIDE, eye)
    assert shown.shape == (eye.height, eye.width, 3)
    _, _, _, middles = cv2.connectedComponentsWithStats((shown[..., 0] > 127).astype(np.uint8))
    expected = eye.pixels(places)
    for place in expected:
        assert np.linalg.norm(middles[1:] - place, axis=1).min() < 0.35
    without = WIDE.scaled(eye.width, eye.height).pixels(pose.to_camera(places))
    assert np.linalg.norm(without - expected, axis=1).max() > 1.0, "the lens bends enough to tell"
