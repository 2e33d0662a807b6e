"""Turns of cameras: out of matrices, out of a platform's and a sensor's, and in the one way of writing them.

Matrices are those of `edge.vision.pose.turned`: columns are what is right, down and ahead, rows east, north, up.
"""

from __future__ import annotations

import math

import numpy as np

from edge.flights.telemetry import Attitude
from edge.vision.arrays import Doubles
from edge.vision.pose import turned

_BODY_AXES = np.array(((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0)))
"""From right, ahead, up (a body's own east, north, up) to right, down, ahead."""
_NADIR_CAMERA = np.array(((1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, -1.0, 0.0)))
"""A camera that looks out of a body's belly, the upper edge of its picture ahead: its axes in right, down, ahead."""
_STRAIGHT = 1e-7
"""Nearer to straight up or down (as a cosine) yaw and roll cannot be told apart."""
UPSIDE_DOWN = 90.0
"""Degrees of roll from which on an attitude is written the other way round."""


def wrapped(degrees: float) -> float:
    """In (-180, 180]."""
    turned_by = math.remainder(degrees, 360.0)
    return 180.0 if turned_by == -180.0 else turned_by


def upright(attitude: Attitude) -> Attitude:
    """The same turn with less than 90 degrees of roll.

    DJI writes a camera that looks straight down or a little past it as turned by 180 and rolled by 180: yaw 90,
    pitch -89.9, roll 180 is yaw -90, pitch -90.1, roll 0. Pitch may then lie beyond -90.
    """
    if abs(wrapped(attitude.roll)) <= UPSIDE_DOWN:
        return Attitude(wrapped(attitude.yaw), wrapped(attitude.pitch), wrapped(attitude.roll))
    return Attitude(wrapped(attitude.yaw + 180), wrapped(180 - attitude.pitch), wrapped(attitude.roll + 180))


def attitude_of(turn: Doubles) -> Attitude:
    """Yaw, pitch and roll of a turn (3, 3). Straight up and down roll is 0 and yaw where the picture's top points."""
    right, ahead = turn[:, 0], turn[:, 2]
    level = math.hypot(ahead[0], ahead[1])
    pitch = math.degrees(math.atan2(ahead[2], level))
    if level < _STRAIGHT:
        return Attitude(math.degrees(math.atan2(-right[1], right[0])), pitch, 0.0)
    yaw = math.degrees(math.atan2(ahead[0], ahead[1]))
    unrolled = turned(yaw, pitch, 0.0)
    roll = math.degrees(math.atan2(float(right @ unrolled[:, 1]), float(right @ unrolled[:, 0])))
    return Attitude(wrapped(yaw), pitch, wrapped(roll))


def mounted(platform: Attitude, sensor: Attitude) -> Attitude:
    """A camera whose turn is told against its platform (MISB ST 0601 tags 18-20), against the world.

    Turns are put together, not angles: with the platform banked by 10 degrees a camera that is turned to its side
    looks 10 degrees lower.
    """
    inner = turned(sensor.yaw, sensor.pitch, sensor.roll)
    outer = turned(platform.yaw, platform.pitch, platform.roll)
    return attitude_of(outer @ _BODY_AXES @ inner)


def from_belly(yaw: float, pitch: float, roll: float) -> Attitude:
    """A camera as Pix4D's `Camera:Yaw`, `Pitch`, `Roll` have it: all zero looks straight down, its top to the north."""
    return attitude_of(turned(yaw, pitch, roll) @ _NADIR_CAMERA)
