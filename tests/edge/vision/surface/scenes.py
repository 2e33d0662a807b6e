"""Boxes on textured ground, seen by pinholes: every height is known, and nothing here is taken from what is tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import shapely

from edge.vision.arrays import Doubles, Floats
from edge.vision.lens import Lens
from edge.vision.pose import Pose, turned
from edge.vision.surface.shots import Eye, Picture

SIDE_M, TEXEL_M = 200.0, 0.1
LENS = Lens(400, 300, 500.0, 500.0, 199.5, 149.5)
UP_M = 60.0
"""With `LENS` 0.12 m a pixel: 48 by 36 m."""


@dataclass(frozen=True)
class Box:
    """A flat roof; metres. `colour` (BGR) is what its texture lies around."""

    west: float
    south: float
    east: float
    north: float
    up_m: float
    colour: tuple[int, int, int] = (110, 120, 200)
    rough: float = 30.0

    @property
    def corners(self) -> Doubles:
        """(4, 2)"""
        return np.array(
            ((self.west, self.north), (self.east, self.north), (self.east, self.south), (self.west, self.south))
        )

    @property
    def outline(self) -> shapely.Polygon:
        return shapely.Polygon(self.corners)

    def moved(self, east: float, north: float, up: float = 0.0) -> Box:
        return Box(self.west + east, self.south + north, self.east + east, self.north + north, self.up_m + up,
                   self.colour, self.rough)  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """`seed` is the ground's paint: another day has another one. `ground_m`: its height. `in_order`: later boxes stand
    before earlier ones, as a shed stands before the wall that it leans against; else the higher one hides the lower."""

    boxes: tuple[Box, ...] = ()
    seed: int = 1
    ground_m: float = 0.0
    in_order: bool = False

    def seen_by(self, eye: Eye) -> Picture:
        """(height, width, 3)"""
        middle = np.array((-SIDE_M / 2, SIDE_M / 2))
        size = round(SIDE_M / TEXEL_M)
        whole = np.array(((0, 0), (SIDE_M, 0), (SIDE_M, -SIDE_M), (0, -SIDE_M))) + middle
        ground = texture(self.seed, size, size, (120, 130, 125), 45.0)
        made = _laid(ground, whole, self.ground_m, eye)
        shown = self.boxes if self.in_order else sorted(self.boxes, key=lambda each: each.up_m)
        for number, box in enumerate(shown):
            low = _at(box.corners, self.ground_m, eye)
            high = _at(box.corners, box.up_m, eye)
            hull = cv2.convexHull(np.concatenate((low, high)).astype(np.float32)).astype(np.int32)
            cv2.fillPoly(made, [hull], (45, 45, 45))
            rows, columns = round((box.north - box.south) / TEXEL_M), round((box.east - box.west) / TEXEL_M)
            roof = texture(1000 + number, max(rows, 4), max(columns, 4), box.colour, box.rough)
            made = _laid(roof, box.corners, box.up_m, eye, made)
        return made

    def height(self, places: Doubles) -> Doubles:
        """(n,) at places (n, 2): what is seen from straight above."""
        found = np.full(len(places), self.ground_m)
        for box in sorted(self.boxes, key=lambda each: each.up_m):
            within = (places > (box.west, box.south)).all(axis=1) & (places < (box.east, box.north)).all(axis=1)
            found[within] = box.up_m
        return found

    def near_wall(self, places: Doubles, reach_m: float) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        points = shapely.points(places)
        near = np.zeros(len(places), np.bool_)
        for box in self.boxes:
            near |= shapely.distance(points, shapely.boundary(box.outline)) < reach_m
        return near


def eye_at(east: float, north: float, up: float = UP_M, yaw: float = 0.0, pitch: float = -90.0, roll: float = 0.0,
           lens: Lens = LENS) -> Eye:  # fmt: skip
    return Eye(lens.matrix, turned(yaw, pitch, roll), np.array((east, north, up)), lens.width, lens.height)


def pose_at(east: float, north: float, up: float = UP_M, yaw: float = 0.0, pitch: float = -90.0) -> Pose:
    return Pose(east, north, up, turned(yaw, pitch, 0.0))


@lru_cache(maxsize=32)
def texture(seed: int, rows: int, columns: int, colour: tuple[int, int, int], rough: float) -> Picture:
    """Noise of several sizes, 0.2 to 6 m, so that it can be matched at every scale."""
    rng = np.random.default_rng(seed)
    total = np.zeros((rows, columns), np.float32)
    for size, share in ((2, 0.5), (5, 1.0), (16, 1.0), (60, 0.7)):
        coarse = rng.normal(0, 1, (max(2, -(-rows // size)), max(2, -(-columns // size)))).astype(np.float32)
        total += share * cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_CUBIC)
    total *= rough / 1.7
    return np.clip(total[..., None] + np.array(colour, np.float32), 0, 255).astype(np.uint8)


def _at(corners: Doubles, up_m: float, eye: Eye) -> Floats:
    seen = (np.column_stack((corners, np.full(len(corners), up_m))) - eye.centre) @ eye.turn
    pixels = seen[:, :2] / seen[:, 2:] * (eye.matrix[0, 0], eye.matrix[1, 1]) + eye.matrix[:2, 2]
    return np.asarray(pixels, np.float32)


def _laid(what: Picture, corners: Doubles, up_m: float, eye: Eye, onto: Picture | None = None) -> Picture:
    """A picture whose corners, clockwise from the upper left one, lie at places of a level."""
    rows, columns = what.shape[:2]
    own = np.array(((0, 0), (columns, 0), (columns, rows), (0, rows)), np.float32) - 0.5
    across = cv2.getPerspectiveTransform(own.astype(np.float32), _at(corners, up_m, eye))
    size = eye.width, eye.height
    made = cv2.warpPerspective(what, across, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    if onto is None:
        return np.asarray(made, np.uint8)
    inside = cv2.warpPerspective(np.full((rows, columns), 255, np.uint8), across, size)[..., None] / 255.0
    return np.asarray(np.rint(onto * (1 - inside) + made * inside), np.uint8)


def line_of_eyes(count: int, step_m: float, lines: int = 1, apart_m: float = 14.0, up: float = UP_M) -> list[Eye]:
    """To and fro along east, around the origin; each second line flies back."""
    found = []
    for line in range(lines):
        for n in range(count):
            east = (n - (count - 1) / 2) * step_m * (1 if line % 2 == 0 else -1)
            found.append(eye_at(east, (line - (lines - 1) / 2) * apart_m, up, 0.0 if line % 2 == 0 else 180.0))
    return found


def picture_all(scene: Scene, eyes: Sequence[Eye]) -> list[Picture]:
    return [scene.seen_by(eye) for eye in eyes]
