"""Pixels to façade metres."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.vision.plane import plane_from_camera, plane_from_points


def project(x_m: float, y_m: float, height_m: float, tilt: float, focal: float, distance: float) -> tuple[float, float]:
    """Where a 1280 × 720 camera sees a point of the wall: the other way round than the code under test."""
    up, forward = y_m - height_m, distance
    sine, cosine = math.sin(math.radians(tilt)), math.cos(math.radians(tilt))
    depth = forward * cosine + up * sine
    return 640 + focal * x_m / depth, 360 - focal * (up * cosine - forward * sine) / depth


@given(
    x_m=st.floats(-8, 8),
    y_m=st.floats(0, 40),
    height_m=st.floats(1, 6),
    tilt=st.floats(0, 50),
    focal=st.floats(500, 2000),
    distance=st.floats(10, 60),
)
def test_a_camera_pose_is_undone(
    x_m: float, y_m: float, height_m: float, tilt: float, focal: float, distance: float
) -> None:
    plane = plane_from_camera(1280, 720, height_m=height_m, tilt_degrees=tilt, focal_px=focal, distance_m=distance)
    pixel = project(x_m, y_m, height_m, tilt, focal, distance)
    point = plane.at(*pixel)
    assert point.x_m == pytest.approx(x_m, abs=1e-6)
    assert point.y_m == pytest.approx(y_m, abs=1e-6)
    below = plane.at(pixel[0], pixel[1] + 0.01)
    assert point.per_pixel_m == pytest.approx((point.y_m - below.y_m) / 0.01, rel=1e-2)


def test_points_give_the_same_plane_as_the_camera() -> None:
    pose = (2.0, 30.0, 900.0, 20.0)
    metres = [(-4, 5), (4, 5), (-4, 15), (4, 15), (0, 10)]
    plane = plane_from_points([project(*m, *pose) for m in metres], [(float(x), float(y)) for x, y in metres])
    point = plane.at(*project(2, 8, *pose))
    assert (point.x_m, point.y_m) == (pytest.approx(2), pytest.approx(8))
    assert plane.faces([project(*m, *pose) for m in metres])


def test_points_on_a_line_are_refused() -> None:
    with pytest.raises(ValueError, match=r"line|degenerate"):
        plane_from_points([(0, 0), (1, 1), (2, 2), (3, 3)], [(0, 0), (1, 1), (2, 2), (3, 3)])
    with pytest.raises(ValueError, match="4 or more pairs"):
        plane_from_points([(0, 0)], [(0, 0)])


def test_a_horizon_inside_is_noticed() -> None:
    plane = plane_from_camera(1280, 720, height_m=2, tilt_degrees=70, focal_px=500, distance_m=20)
    assert plane.faces([(600, 300), (700, 300), (640, 719)])
    assert not plane.faces([(600, 10), (700, 300), (640, 719)])


def test_metres_that_grow_downward_are_noticed() -> None:
    square = [(0.0, 0.0), (100.0, 0.0), (100.0, 100.0), (0.0, 100.0)]
    downward = plane_from_points(square, [(0, 0), (10, 0), (10, 10), (0, 10)])
    assert not downward.faces(square)
