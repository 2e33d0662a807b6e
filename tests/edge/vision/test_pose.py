"""How a camera is turned: by the words of `telemetry.Attitude`, in cases that need no formula."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.vision.pose import Pose, turned

AHEAD, RIGHT, DOWN = np.eye(3)[[2, 0, 1]]
EAST, NORTH, UP = np.eye(3)


@pytest.mark.parametrize(
    ("angles", "ahead", "right", "down"),
    [
        ((0, 0, 0), NORTH, EAST, -UP),
        ((90, 0, 0), EAST, -NORTH, -UP),
        ((0, -90, 0), -UP, EAST, -NORTH),
        # Straight down the upper edge points to where yaw does.
        ((90, -90, 0), -UP, -NORTH, -EAST),
        ((0, 90, 0), UP, EAST, NORTH),
        # Clockwise as seen from behind: the right side sinks.
        ((0, 0, 90), NORTH, -UP, -EAST),
        # A gimbal that went over its head writes 180° of roll: the same view upside down.
        ((180, -90, 180), -UP, EAST, -NORTH),
    ],
)
def test_plain_cases(
    angles: tuple[float, float, float], ahead: np.ndarray, right: np.ndarray, down: np.ndarray
) -> None:
    turn = turned(*angles)
    for axis, truth in ((AHEAD, ahead), (RIGHT, right), (DOWN, down)):
        assert turn @ axis == pytest.approx(truth, abs=1e-12)


def test_forty_five_degrees_down_to_the_north_east() -> None:
    half = np.sqrt(0.5)
    assert turned(45, -45, 0) @ AHEAD == pytest.approx((0.5, 0.5, -half))


@given(yaw=st.floats(-360, 360), pitch=st.floats(-120, 120), roll=st.floats(-360, 360))
def test_a_turn_is_a_turn(yaw: float, pitch: float, roll: float) -> None:
    turn = turned(yaw, pitch, roll)
    assert turn @ turn.T == pytest.approx(np.eye(3), abs=1e-12)
    assert float(np.linalg.det(turn)) == pytest.approx(1.0)


def test_there_and_back() -> None:
    pose = Pose(3.0, -4.0, 50.0, turned(20, -70, 5))
    points = np.array([(0.0, 0.0, 0.0), (10.0, 5.0, 2.0)])
    in_camera = pose.to_camera(points)
    assert pose.to_world(in_camera) + pose.centre == pytest.approx(points)
    assert pose.centre.tolist() == [3.0, -4.0, 50.0]
    assert not pose.covariance.any()
