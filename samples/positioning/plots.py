"""Where the 95 % lie around pixels of one oblique picture, and how that grows as the camera is raised.

By the code that positions flights, with its defaults: nothing here is measured. Drawn with OpenCV, as the other charts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from contract.geometry import Point
from edge.flights.ground import LevelGround
from edge.flights.local import LocalPlane
from edge.flights.locating import Locator
from edge.flights.posing import pose_of
from edge.flights.telemetry import Attitude, Fix, Positioning
from edge.vision.arrays import Doubles
from edge.vision.ground import radius_95
from edge.vision.lens import Lens
from edge.vision.pose import Pose

Picture = NDArray[np.uint8]
WIDTH, HEIGHT, MIDDLE = 1180, 560, 640
INK, FAINT = (40, 40, 40), (225, 225, 225)
COLOURS = {
    Positioning.GNSS: (180, 110, 40),
    Positioning.RTK_FLOAT: (60, 150, 90),
    Positioning.RTK_FIXED: (60, 60, 200),
}
NAMES = {Positioning.GNSS: "consumer GNSS", Positioning.RTK_FLOAT: "RTK float", Positioning.RTK_FIXED: "RTK fixed"}
HEIGHT_M, ELLIPSE_95 = 100.0, 2.4477
"""Ellipses of 95 %: as wide as a circle's radius in standard deviations."""
PLANE = LocalPlane(Point(coordinates=(113.62, 34.75)))
GROUND = LevelGround(sigma_m=0.5)
LENS = Lens(5472, 3648, 3648.0, 3648.0, 2735.5, 1823.5)
PX_PER_M, SOUTH_M, WEST_M = 2.25, -25.0, -130.0
LEFT, RIGHT, TOP, BOTTOM = MIDDLE + 70, WIDTH - 20, 60, HEIGHT - 50
MOST_M, STEEPEST, FLATTEST = 20.0, 90, 25


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """A picture's lens and pose."""

    lens: Lens
    pose: Pose


def plot(path: Path) -> None:
    """Writes a PNG."""
    picture = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    _ellipses(picture)
    _radii(picture)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), picture)


def locator(positioning: Positioning, depression: float) -> Locator:
    """Of a camera 100 m above the origin that looks north and down."""
    attitude = Attitude(0.0, -depression, 0.0)
    fix = Fix(1, 34.75, 113.62, above_takeoff_m=HEIGHT_M, gimbal=attitude, positioning=positioning)
    return Locator(Taken(LENS, pose_of(fix, PLANE, GROUND).pose), GROUND, PLANE)


def _ellipses(picture: Picture) -> None:
    _write(picture, "Ground of a picture taken 100 m up, 60 deg down: 95 % of true places lie within", 20, 26)
    outline = locator(Positioning.GNSS, 60).outline()
    assert outline is not None
    cv2.polylines(picture, [np.array([_at(corner) for corner in outline])], True, INK, 1, cv2.LINE_AA)
    cv2.drawMarker(picture, _at(np.zeros(2)), INK, cv2.MARKER_CROSS, 14, 2)
    _write(picture, "below the drone", _at(np.zeros(2))[0] + 12, _at(np.zeros(2))[1] + 4, 0.4)
    across, down = np.meshgrid(np.linspace(300, 5172, 5), np.linspace(150, 3498, 4))
    pixels = np.stack((across.ravel(), down.ravel()), axis=1)
    for positioning in (Positioning.GNSS, Positioning.RTK_FIXED):
        places = locator(positioning, 60).places(pixels)
        for point, covariance in zip(places.points, places.covariances_m2, strict=True):
            sizes, axes = np.linalg.eigh(covariance)
            lengths = np.sqrt(sizes) * ELLIPSE_95 * PX_PER_M
            angle = -math.degrees(math.atan2(axes[1, 1], axes[0, 1]))
            size = (round(float(lengths[1])), round(float(lengths[0])))
            cv2.ellipse(picture, _at(point[:2]), size, angle, 0, 360, COLOURS[positioning], 2, cv2.LINE_AA)
    origin = (30, HEIGHT - 30)
    cv2.line(picture, origin, (origin[0] + round(50 * PX_PER_M), origin[1]), INK, 2)
    _write(picture, "50 m", origin[0] + 45, origin[1] - 8, 0.4)


def _radii(picture: Picture) -> None:
    _write(picture, "95 % radius in the picture's middle, m, by depression", MIDDLE + 40, 26)
    for value in range(0, int(MOST_M) + 1, 5):
        cv2.line(picture, (LEFT, _y(value)), (RIGHT, _y(value)), FAINT, 1)
        _write(picture, f"{value}", LEFT - 30, _y(value) + 4, 0.4)
    for depression in (90, 75, 60, 45, 30):
        cv2.line(picture, (_x(depression), TOP), (_x(depression), BOTTOM), FAINT, 1)
        _write(picture, f"{depression}", _x(depression) - 8, BOTTOM + 20, 0.4)
    middle = np.array([(LENS.centre_x, LENS.centre_y)])
    for row, (positioning, colour) in enumerate(COLOURS.items()):
        angles = range(STEEPEST, FLATTEST - 1, -1)
        radii = [radius_95(locator(positioning, angle).places(middle).covariances_m2[0]) for angle in angles]
        line = np.array([(_x(angle), _y(radius)) for angle, radius in zip(angles, radii, strict=True)])
        cv2.polylines(picture, [line], False, colour, 2, cv2.LINE_AA)
        stated = ", ".join(f"{radii[STEEPEST - angle]:.1f} m at {angle}" for angle in (90, 60, 45))
        _write(picture, f"{NAMES[positioning]}: {stated}", LEFT + 15, TOP + 24 + 22 * row, 0.45, colour)


def _at(place: Doubles) -> tuple[int, int]:
    return round((float(place[0]) - WEST_M) * PX_PER_M) + 10, round(
        HEIGHT - 60 - (float(place[1]) - SOUTH_M) * PX_PER_M
    )


def _x(depression: float) -> int:
    return round(LEFT + (STEEPEST - depression) / (STEEPEST - FLATTEST) * (RIGHT - LEFT))


def _y(metres: float) -> int:
    return round(BOTTOM - metres / MOST_M * (BOTTOM - TOP))


def _write(picture: Picture, text: str, x: int, y: int, size: float = 0.5, colour: tuple[int, ...] = INK) -> None:
    cv2.putText(picture, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)
