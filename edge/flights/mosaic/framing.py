"""Where the pictures of a flight lie on the ground, and how steeply each looks at a place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import shapely
from shapely import Polygon
from shapely.geometry.base import BaseGeometry

from edge.flights.flight import KeyFrame
from edge.flights.footprints import footprint_of
from edge.flights.ground import Ground
from edge.flights.local import LocalPlane
from edge.flights.locating import Locator
from edge.vision.arrays import Doubles
from edge.vision.lens import Lens
from edge.vision.pose import Pose

_LEAST_HEIGHT_M = 5.0
_BEYOND = 1.1
"""Of the widest angle in the picture. A lens's formula means nothing farther out: it may fold back into the picture."""
_BORDER_POINTS = 16


class Heights(Protocol):
    """A ground, as far as a mosaic must know it: `edge.flights.ground.Ground`, or a surface."""

    def heights(self, places: Doubles) -> Doubles:
        """(n,) of places (n, 2) in the plane; NaN where unknown."""


@dataclass(frozen=True, slots=True, eq=False)
class Framed:
    """One picture over the ground."""

    frame: KeyFrame
    pose: Pose
    footprint: Polygon
    """In metres of the plane."""
    height_m: float
    """Of the camera above the ground below."""
    widest: float = field(init=False)
    """Tangent of the widest angle from the camera's axis to a pixel."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "widest", _widest(self.frame.lens))

    @property
    def gsd_m(self) -> float:
        """Metres of ground a pixel, straight below."""
        lens = self.frame.lens
        return self.height_m / math.sqrt(lens.focal_x * lens.focal_y)

    def level_m(self, east_m: float, north_m: float) -> float:
        """From straight below the camera to a place of the plane."""
        return math.hypot(east_m - self.pose.east_m, north_m - self.pose.north_m)

    def seen(self, points: Doubles, lens: Lens) -> Doubles:
        """Pixels (n, 2) at which points (n, 3) of the plane are seen by the frame's lens in this size.

        NaN for what lies behind, or far outside of the picture.
        """
        in_camera = self.pose.to_camera(points)
        with np.errstate(invalid="ignore", divide="ignore"):
            angle = np.hypot(in_camera[:, 0], in_camera[:, 1]) / in_camera[:, 2]
            ahead = (in_camera[:, 2] > 0) & (angle <= self.widest * _BEYOND)
        found = np.full((len(points), 2), np.nan)
        if ahead.any():
            found[ahead] = lens.pixels(in_camera[ahead])
        return found

    def slant(self, points: Doubles) -> Doubles:
        """(n,): tangents of the angles from straight down under which points (n, 3) are looked at."""
        below = self.pose.up_m - points[:, 2]
        level = np.hypot(points[:, 0] - self.pose.east_m, points[:, 1] - self.pose.north_m)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(below > 0, level / below, np.nan)


def framed(
    frames: Sequence[KeyFrame], poses: Sequence[Pose], ground: Ground, plane: LocalPlane
) -> tuple[list[Framed], list[tuple[str, str]]]:
    """Those that show ground; of the others, name and reason."""
    found: list[Framed] = []
    left: list[tuple[str, str]] = []
    for frame, pose in zip(frames, poses, strict=True):
        below = float(ground.heights(np.array(((pose.east_m, pose.north_m),)))[0])
        height = pose.up_m - below
        if not height >= _LEAST_HEIGHT_M:
            left.append((frame.name, f"its camera is {height:.1f} m above the ground, at least {_LEAST_HEIGHT_M:g} are "
                         "needed"))  # fmt: skip
            continue
        footprint = footprint_of(Locator(_Viewed(frame.lens, pose), ground, plane).outline())
        if footprint.is_empty:
            left.append((frame.name, "shows no ground that is known"))
            continue
        found.append(Framed(frame, pose, footprint, height))
    return found, left


def outline_of(frames: Sequence[Framed]) -> BaseGeometry:
    """All ground that is shown, in metres of the plane."""
    return shapely.union_all([each.footprint for each in frames])


@dataclass(frozen=True, slots=True)
class _Viewed:
    """As `edge.flights.locating.View`."""

    lens: Lens
    pose: Pose


def _widest(lens: Lens) -> float:
    across, down = np.linspace(0, lens.width - 1, _BORDER_POINTS), np.linspace(0, lens.height - 1, _BORDER_POINTS)
    edges = [
        *((x, y) for x in across for y in (0.0, lens.height - 1.0)),
        *((x, y) for y in down for x in (0.0, lens.width - 1.0)),
    ]
    directions = lens.directions(np.array(edges, np.float64))
    return float(np.hypot(directions[:, 0], directions[:, 1]).max())
