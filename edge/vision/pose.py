"""Where a camera is and how it is turned: between camera axes (see `lens`) and east, north, up in metres."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from edge.vision.arrays import Doubles


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """A camera's place, in metres of a local plane, and turn.

    `turn` (3, 3) takes directions from camera axes to east, north, up. `covariance` (6, 6): of east, north, up in m²
    and of a small turn about east, north, up in rad², applied after `turn`.
    """

    east_m: float
    north_m: float
    up_m: float
    turn: Doubles
    covariance: Doubles = field(default_factory=lambda: np.zeros((6, 6)))

    @property
    def centre(self) -> Doubles:
        """(3,): east, north, up."""
        return np.array((self.east_m, self.north_m, self.up_m), np.float64)

    def to_world(self, directions: Doubles) -> Doubles:
        """Directions (n, 3) from camera axes to east, north, up."""
        return np.asarray(directions, np.float64) @ self.turn.T

    def to_camera(self, points: Doubles) -> Doubles:
        """Points (n, 3) of the world in camera axes."""
        return (np.asarray(points, np.float64) - self.centre) @ self.turn


def turned(yaw: float, pitch: float, roll: float) -> Doubles:
    """The (3, 3) turn of a camera: degrees, yaw clockwise from north, pitch above the horizon, roll clockwise.

    Straight down (pitch -90) the upper edge of the picture points to where yaw does.
    """
    a, b, c = math.radians(yaw), math.radians(pitch), math.radians(roll)
    (sin_a, cos_a), (sin_b, cos_b), (sin_c, cos_c) = ((math.sin(angle), math.cos(angle)) for angle in (a, b, c))
    ahead = (sin_a * cos_b, cos_a * cos_b, sin_b)
    right = (cos_a, -sin_a, 0.0)
    down = (sin_a * sin_b, cos_a * sin_b, -cos_b)
    # Clockwise as seen from behind: the right side sinks.
    tilted_right = [r * cos_c + d * sin_c for r, d in zip(right, down, strict=True)]
    tilted_down = [d * cos_c - r * sin_c for r, d in zip(right, down, strict=True)]
    return np.array((tilted_right, tilted_down, ahead), np.float64).T
