"""Flights over drawn scenes: heights are known, pictures are cheap, and a drone says what is wrong as far as wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import shapely
from scipy.spatial.transform import Rotation

from contract.geometry import Point
from edge.detectors.interface import Image
from edge.flights.flight import Flight, KeyFrame
from edge.flights.ground import LevelGround
from edge.flights.local import LocalPlane
from edge.flights.telemetry import Positioning
from edge.flights.uncertainty import PoseErrors
from edge.sources.errors import SourceError
from edge.vision.arrays import Doubles
from edge.vision.pose import Pose
from edge.vision.surface.shots import Eye
from tests.edge.vision.surface.scenes import LENS, Box, Scene, line_of_eyes

PLANE = LocalPlane(Point(coordinates=(118.8, 32.06)))
NOON = datetime(2026, 5, 1, 4, tzinfo=UTC)
HOUSES = (
    Box(-30, 6, -20, 14, 6.0, (70, 80, 170)),
    Box(-31, -18, -23, -10, 3.5, (140, 140, 150)),
    Box(-12, 8, -4, 17, 7.0, (60, 90, 190)),
    Box(-10, -16, 0, -7, 5.0, (150, 120, 110)),
    Box(16, 4, 24, 15, 4.0, (90, 100, 160)),
    Box(22, -17, 30, -9, 6.5, (80, 140, 150)),
)
SHED = Box(7, -6, 13, -1, 3.0, (165, 105, 55), 10.0)
SIGMA_M, SIGMA_RAD = 0.4, 0.003


@dataclass
class Given:
    """As `edge.flights.placed.Placed` wants it; `reads` counts how often each picture was read."""

    flight: Flight
    ground: LevelGround
    errors: tuple[PoseErrors, ...]
    true: list[Eye]
    reads: dict[int, int] = field(default_factory=dict)


def eyes_over() -> list[Eye]:
    """A line of four pictures: 78 by 36 m."""
    return line_of_eyes(4, 10.0)


def flown(scene: Scene, eyes: Sequence[Eye] | None = None, *, name: str = "flight", off: float = 1.0, seed: int = 1,
          bias: tuple[float, float, float] = (0.0, 0.0, 0.0), plane: LocalPlane = PLANE,
          broken: Sequence[int] = (), black: Sequence[int] = ()) -> Given:  # fmt: skip
    """`off`: by how many standard deviations said poses err; `bias`: by how many metres all of them do."""
    rng = np.random.default_rng(seed)
    true = list(eyes if eyes is not None else eyes_over())
    given = Given(Flight(name, plane, ()), LevelGround(scene.ground_m), (), true)
    frames, errors = [], []
    covariance = np.diag(np.square((SIGMA_M,) * 3 + (SIGMA_RAD,) * 3))
    for n, eye in enumerate(true):
        error = rng.normal(0, 1, 6) * off * np.sqrt(np.diag(covariance))
        east, north, up = (float(value) for value in eye.centre + error[:3] + bias)
        turn = Rotation.from_rotvec(error[3:]).as_matrix() @ eye.turn
        frames.append(
            KeyFrame(
                name=f"{name}-{n}",
                index=n,
                taken_at=NOON + timedelta(seconds=2 * n),
                media_time=2.0 * n,
                lens=LENS,
                pose=Pose(east, north, up, turn, covariance),
                positioning=Positioning.GNSS,
                read_bgr=_reader(given, scene, n, n in broken, n in black),
            )
        )
        errors.append(PoseErrors(covariance, covariance))
    given.flight, given.errors = Flight(name, plane, tuple(frames)), tuple(errors)
    return given


def _reader(given: Given, scene: Scene, number: int, broken: bool, black: bool) -> Callable[[], Image]:
    def read() -> Image:
        given.reads[number] = given.reads.get(number, 0) + 1
        if broken:
            raise SourceError(f"{number}.jpg: cut short, copy it again ({given.reads[number]})")
        picture = scene.seen_by(given.true[number])
        return np.zeros_like(picture) if black else picture

    return read


def overlap(outline: Doubles, true: shapely.Polygon) -> float:
    """Intersection over union."""
    made = shapely.make_valid(shapely.Polygon(outline))
    return float(made.intersection(true).area / made.union(true).area)
