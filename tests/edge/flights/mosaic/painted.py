"""Flights over a level ground of which every point's colour is known: pictures are computed backwards, pixel by pixel.

From the picture to the ground, by the lens's own directions; the mosaic goes from the ground to the picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import cv2
import numpy as np

from contract.geometry import Point
from edge.detectors.interface import Image
from edge.flights.flight import Flight, KeyFrame
from edge.flights.ground import Ground, LevelGround
from edge.flights.local import LocalPlane
from edge.flights.telemetry import Positioning
from edge.flights.uncertainty import PoseErrors
from edge.vision.lens import Lens
from edge.vision.pose import Pose, turned

ORIGIN = Point(coordinates=(113.62, 34.75))
"""2.6° east of its zone's meridian: north of the grid is 1.5° off north."""
BEGAN = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
LENS = Lens(320, 240, 220.0, 221.0, 161.5, 117.0, (-0.03, 0.01, 0.0004, -0.0003, 0.0))
UP_M = 44.0
"""0.2 m a pixel."""
TEXEL_M = 0.1
DOT_M = 1.2
"""Radius of the bright discs."""


def dots(reach_m: float) -> list[tuple[float, float]]:
    """East and north of discs, 17 m apart."""
    steps = np.arange(-reach_m, reach_m + 1, 17.0)
    return [(float(east) + 3.3, float(north) - 1.7) for east in steps for north in steps]


@dataclass(frozen=True, slots=True, eq=False)
class Painting:
    """Ground in texels of `TEXEL_M` around the plane's origin."""

    bgr: Image
    reach_m: float

    def seen(self, lens: Lens, pose: Pose) -> Image:
        """The picture that a camera takes of it."""
        columns, rows = np.meshgrid(np.arange(lens.width), np.arange(lens.height))
        rays = pose.to_world(lens.directions(np.stack((columns.ravel(), rows.ravel()), axis=1).astype(np.float64)))
        places = pose.centre[:2] - pose.up_m * rays[:, :2] / rays[:, 2:]
        at = self.texels(places).reshape(lens.height, lens.width, 2).astype(np.float32)
        return np.asarray(cv2.remap(self.bgr, at[..., 0], at[..., 1], cv2.INTER_LINEAR), np.uint8)

    def texels(self, places: np.ndarray) -> np.ndarray:
        """(n, 2) column and row of places (n, 2)."""
        return np.stack((places[:, 0] + self.reach_m, self.reach_m - places[:, 1]), axis=1) / TEXEL_M - 0.5


def painting(reach_m: float = 80.0, seed: int = 1, *, rough: bool = False) -> Painting:
    """Soft patches of many colours, with bright discs. `rough`: with stones, which can be found again."""
    rng = np.random.default_rng(seed)
    side = round(2 * reach_m / TEXEL_M)
    coarse = rng.integers(60, 130, (round(reach_m / 3), round(reach_m / 3), 3)).astype(np.uint8)
    bgr = np.asarray(cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)
    if rough:
        stones = rng.integers(0, 120, (side // 8, side // 8)).astype(np.uint8)
        wide = np.asarray(cv2.resize(stones, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)
        bgr = cv2.add(bgr, cv2.cvtColor(wide, cv2.COLOR_GRAY2BGR))
    for east, north in dots(reach_m):
        middle = round(((east + reach_m) / TEXEL_M - 0.5) * 16), round(((reach_m - north) / TEXEL_M - 0.5) * 16)
        cv2.circle(bgr, middle, round(DOT_M / TEXEL_M * 16), (235, 235, 235), -1, cv2.LINE_AA, 4)
    return Painting(bgr, reach_m)


def stations(lines: int = 2, shots: int = 5, step_m: float = 17.0, apart_m: float = 24.0) -> list[Pose]:
    """To and fro, swaying a little."""
    rng = np.random.default_rng(7)
    poses = []
    for line in range(lines):
        for shot in range(shots):
            way = shot if line % 2 == 0 else shots - 1 - shot
            east, north = (line - (lines - 1) / 2) * apart_m, (way - (shots - 1) / 2) * step_m
            yaw, pitch, roll = (0 if line % 2 == 0 else 180) + 9, -90 + float(rng.normal(0, 2)), float(rng.normal(0, 2))
            poses.append(Pose(east, north, UP_M + float(rng.normal(0, 1)), turned(yaw, pitch, roll)))
    return poses


def flown(
    ground: Painting,
    poses: Sequence[Pose],
    *,
    factors: Sequence[Sequence[float]] | None = None,
    said: Sequence[Pose] | None = None,
    lens: Lens = LENS,
    read: dict[int, Callable[[], Image]] | None = None,
) -> Placed:
    """`factors`: of each picture, for blue, green and red. `said`: the poses as stated. `read`: for some, instead."""
    plane = LocalPlane(ORIGIN)

    def taken(number: int) -> Image:
        picture = ground.seen(lens, poses[number])
        if factors is None:
            return picture
        return np.clip(np.rint(picture * np.array(factors[number])), 0, 255).astype(np.uint8)

    frames = tuple(
        KeyFrame(
            name=f"{number:04d}.jpg",
            index=number,
            taken_at=BEGAN + timedelta(seconds=2 * number),
            media_time=None,
            lens=lens,
            pose=pose,
            positioning=Positioning.RTK_FIXED,
            read_bgr=(read or {}).get(number, partial(taken, number)),
        )
        for number, pose in enumerate(said or poses)
    )
    return of_frames(Flight("painted", plane, frames), LevelGround())


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """As `edge.flights.placed.Placed`."""

    flight: Flight
    ground: Ground
    errors: tuple[PoseErrors, ...]


def of_frames(flight: Flight, ground: Ground) -> Placed:
    """Poses good to half a metre and a third of a degree."""
    own = np.diag((0.5**2, 0.5**2, 0.5**2, *(math.radians(0.3) ** 2,) * 3))
    return Placed(flight, ground, tuple(PoseErrors(np.zeros((6, 6)), own) for _ in flight.frames))
