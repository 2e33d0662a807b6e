"""How far a drone's position and turn are to be trusted, and how that divides between a flight and its frames.

What is wrong for all of a flight (satellite orbits and air, the pressure of the day, the compass's surroundings) does
not show when its frames are compared with each other, and averages out over none of them; what is wrong for one frame
(noise, the lag between exposure and fix, the gimbal's play) does both. So they are kept apart.

Figures are standard deviations of one axis. They are starting values: docs/edge/positioning.md has the reasons.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from edge.flights.telemetry import Positioning
from edge.vision.arrays import Doubles


@dataclass(frozen=True, slots=True)
class Split:
    """Two parts of one standard deviation: the flight's and the frame's."""

    shared: float
    own: float

    @property
    def total(self) -> float:
        return math.hypot(self.shared, self.own)

    def scaled(self, total: float) -> Split:
        """Divided alike, with another total."""
        by = total / self.total
        return Split(self.shared * by, self.own * by)

    def and_own(self, added: float) -> Split:
        """With one more independent error of each frame."""
        return Split(self.shared, math.hypot(self.own, added))

    def and_shared(self, added: float) -> Split:
        """With one more independent error of the whole flight."""
        return Split(math.hypot(self.shared, added), self.own)


@dataclass(frozen=True, slots=True)
class Budget:
    """What one kind of positioning is good for."""

    horizontal_m: Split
    absolute_height_m: Split
    """Above sea or ellipsoid, of a receiver that means it."""
    sea_height_m: Split
    """Of a height "above the sea" without a sigma of its own: it may be the barometer's in a standard atmosphere, or
    with RTK one above the ellipsoid. Both are tens of metres off."""
    takeoff_height_m: Split
    """Above the takeoff point."""
    tilt_degrees: Split
    """About each level axis: how well the gimbal knows where down is."""
    heading_degrees: Split


_GNSS = Budget(
    horizontal_m=Split(1.3, 0.75),
    absolute_height_m=Split(2.9, 0.8),
    sea_height_m=Split(15.0, 0.8),
    takeoff_height_m=Split(2.0, 0.5),
    tilt_degrees=Split(0.25, 0.25),
    heading_degrees=Split(1.8, 0.9),
)
_RTK_FIXED = Budget(
    horizontal_m=Split(0.01, 0.0173),
    absolute_height_m=Split(0.015, 0.026),
    sea_height_m=Split(15.0, 0.026),
    takeoff_height_m=Split(0.3, 0.05),
    tilt_degrees=Split(0.14, 0.14),
    heading_degrees=Split(0.9, 0.45),
)
_RTK_FLOAT = Budget(
    horizontal_m=Split(0.25, 0.166),
    absolute_height_m=Split(0.42, 0.27),
    sea_height_m=Split(15.0, 0.27),
    takeoff_height_m=Split(0.5, 0.3),
    tilt_degrees=_RTK_FIXED.tilt_degrees,
    heading_degrees=_RTK_FIXED.heading_degrees,
)
BUDGETS = {
    Positioning.GNSS: _GNSS,
    Positioning.UNKNOWN: _GNSS,
    Positioning.RTK_FLOAT: _RTK_FLOAT,
    Positioning.RTK_FIXED: _RTK_FIXED,
}

ASSUMED_NADIR_TILT_DEGREES = Split(2.5, 1.7)
"""Together 3°: "straight down" as a pilot means it, when no log says so."""
PLATFORM_HEADING_DEGREES = Split(4.0, 3.0)
"""Together 5°: the gimbal follows the airframe's heading, with some slack in turns."""
COURSE_HEADING_DEGREES = Split(12.0, 9.0)
"""Together 15°: drones fly nose ahead, but for wind and pilots who do not."""
GEOID_SIGMA_M = 0.3
"""Of a geoid height that somebody looked up: global models (EGM2008) are good to 0.1-0.3 m over most land."""


@dataclass(frozen=True, slots=True, eq=False)
class PoseErrors:
    """Covariances (6, 6) as those of `Pose`: of what all frames of a flight share, and of what is a frame's own."""

    shared: Doubles
    own: Doubles

    @property
    def total(self) -> Doubles:
        return self.shared + self.own


def pose_errors(horizontal_m: Split, vertical_m: Split, tilt_degrees: Split, heading_degrees: Split) -> PoseErrors:
    """Level axes err alike, whichever way the camera looks: a gimbal's pitch and roll come from one sense of down."""

    def diagonal(horizontal: float, vertical: float, tilt: float, heading: float) -> Doubles:
        lean, turn = math.radians(tilt), math.radians(heading)
        return np.diag(np.square((horizontal, horizontal, vertical, lean, lean, turn)))

    parts = (horizontal_m, vertical_m, tilt_degrees, heading_degrees)
    return PoseErrors(diagonal(*(part.shared for part in parts)), diagonal(*(part.own for part in parts)))
