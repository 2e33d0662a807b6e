"""Turns of cameras: whatever they are written in, the matrix is the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.flights.reading.angles import attitude_of, from_belly, mounted, upright, wrapped
from edge.flights.telemetry import Attitude
from edge.vision.pose import turned

DEGREES = st.floats(-360, 360, allow_nan=False)
LEVEL = Attitude(0, 0, 0)


def matrix(attitude: Attitude) -> np.ndarray:
    return turned(attitude.yaw, attitude.pitch, attitude.roll)


@given(DEGREES, DEGREES, DEGREES)
def test_upright_is_the_same_turn(yaw: float, pitch: float, roll: float) -> None:
    found = upright(Attitude(yaw, pitch, roll))
    assert np.allclose(matrix(found), turned(yaw, pitch, roll), atol=1e-9)
    assert abs(found.roll) <= 90
    assert -180 < found.yaw <= 180


@given(DEGREES, DEGREES, DEGREES)
def test_matrix_there_and_back(yaw: float, pitch: float, roll: float) -> None:
    turn = turned(yaw, pitch, roll)
    assert np.allclose(matrix(attitude_of(turn)), turn, atol=1e-6)


@pytest.mark.parametrize("yaw", [-170.0, 0.0, 30.0, 90.0, 180.0])
def test_straight_down_yaw_is_where_the_top_points(yaw: float) -> None:
    found = attitude_of(turned(yaw, -90, 0))
    assert (found.yaw, found.pitch, found.roll) == pytest.approx((yaw, -90, 0))


@given(DEGREES, DEGREES, DEGREES)
def test_mounted_on_a_level_platform_or_straight_ahead_is_itself(yaw: float, pitch: float, roll: float) -> None:
    some = Attitude(yaw, pitch, roll)
    assert np.allclose(matrix(mounted(LEVEL, some)), matrix(some), atol=1e-6)
    assert np.allclose(matrix(mounted(some, LEVEL)), matrix(some), atol=1e-6)


@pytest.mark.parametrize(
    ("platform", "sensor", "camera"),
    [
        # Azimuth is about the platform's own axis: banked to the right, looking right is looking down.
        (Attitude(0, 0, 30), Attitude(90, 0, 0), Attitude(90, -30, 0)),
        (Attitude(0, 0, 30), Attitude(-90, 0, 0), Attitude(-90, 30, 0)),
        # Nose up, looking back is looking down.
        (Attitude(40, 10, 0), Attitude(180, 0, 0), Attitude(-140, -10, 0)),
        # Nose up by 10, straight down from the belly looks 10 degrees ahead of straight down.
        (Attitude(40, 10, 0), Attitude(0, -90, 0), Attitude(40, -80, 0)),
    ],
)
def test_mounted(platform: Attitude, sensor: Attitude, camera: Attitude) -> None:
    assert np.allclose(matrix(mounted(platform, sensor)), matrix(camera), atol=1e-9)


@pytest.mark.parametrize(
    ("yaw", "pitch", "camera"),
    [
        (0, 0, Attitude(0, -90, 0)),
        (70, 0, Attitude(70, -90, 0)),
        (70, 30, Attitude(70, -60, 0)),
        (70, 90, Attitude(70, 0, 0)),
    ],
)
def test_from_belly(yaw: float, pitch: float, camera: Attitude) -> None:
    assert np.allclose(matrix(from_belly(yaw, pitch, 0)), matrix(camera), atol=1e-9)


@pytest.mark.parametrize(("angle", "expected"), [(0, 0), (180, 180), (-180, 180), (181, -179), (720, 0), (-190, 170)])
def test_wrapped(angle: float, expected: float) -> None:
    assert wrapped(angle) == pytest.approx(expected)
