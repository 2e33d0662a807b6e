"""A yard drawn for tests: textured ground, prisms that lean and throw shadows, trees and cars, seen by a pinhole."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Doubles
from edge.vision.change.views import Picture, View, through, view_of
from edge.vision.lens import Lens
from edge.vision.pose import Pose, turned

SIDE_M = 120.0
TEXEL_M = 0.1
SHADE = 0.47

BLUE = (165, 105, 55)
RED = (60, 65, 150)
GREY = (150, 152, 155)
WHITE = (225, 228, 230)


@dataclass(frozen=True)
class Box:
    """A prism: centre and size in metres, turn in degrees, colour of its roof (BGR)."""

    east: float
    north: float
    length: float
    width: float
    height: float
    turn: float = 0.0
    colour: tuple[int, int, int] = GREY

    def corners(self) -> Doubles:
        c, s = math.cos(math.radians(self.turn)), math.sin(math.radians(self.turn))
        along, across = self.length / 2, self.width / 2
        local = np.array(((-along, -across), (along, -across), (along, across), (-along, across)))
        return local @ np.array(((c, s), (-s, c))) + (self.east, self.north)


@dataclass(frozen=True)
class Tree:
    east: float
    north: float
    radius: float
    colour: tuple[int, int, int] = (50, 110, 70)


@dataclass(frozen=True)
class Yard:
    """Boxes and trees on a ground; `seed` is the ground's."""

    boxes: tuple[Box, ...] = ()
    trees: tuple[Tree, ...] = ()
    seed: int = 1
    shadow_per_m: tuple[float, float] = (0.5, 0.7)

    def plus(self, *boxes: Box) -> Yard:
        return Yard((*self.boxes, *boxes), self.trees, self.seed, self.shadow_per_m)


@dataclass(frozen=True)
class Camera:
    east: float = 0.0
    north: float = 0.0
    up: float = 100.0
    yaw: float = 0.0
    pitch: float = -90.0
    roll: float = 0.0
    lens: Lens = field(default_factory=lambda: Lens(800, 600, 800.0, 800.0, 399.5, 299.5))

    def pose(self) -> Pose:
        return Pose(self.east, self.north, self.up, turned(self.yaw, self.pitch, self.roll))


HOUSES = (
    Box(-18, 12, 14, 9, 6, 10, RED),
    Box(14, 20, 18, 10, 9, -8, GREY),
    Box(24, -16, 10, 8, 4, 30, (120, 125, 135)),
    Box(-30, -18, 20, 8, 5, 0, WHITE),
    Box(-4, 34, 12, 12, 12, 5, (100, 105, 170)),
)
TREES = (Tree(-10, -6, 2.5), Tree(34, 4, 3.0), Tree(-36, 8, 2.0), Tree(6, -30, 2.5))
YARD = Yard(HOUSES, TREES)


@lru_cache
def grain(seed: int, height: int, width: int, finest: float = 1.0) -> NDArray[np.float32]:
    """Noise of many scales, unit variance."""
    random = np.random.default_rng(seed)
    total = np.zeros((height, width), np.float32)
    for octave in range(6):
        step = finest * 2**octave
        small = random.standard_normal((math.ceil(height / step) + 1, math.ceil(width / step) + 1)).astype(np.float32)
        total += np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
    return np.asarray(total / total.std(), np.float32)


@lru_cache
def ground(yard: Yard) -> Picture:
    """The town's floor from above, north up, with roads, grass and shadows."""
    side = round(SIDE_M / TEXEL_M)
    texture = grain(yard.seed, side, side)
    picture = np.empty((side, side, 3), np.float32)
    picture[:] = (120, 132, 140)
    cv2.rectangle(picture, (0, 0), (side // 3, side), (70, 125, 105), -1)
    cv2.rectangle(picture, (side * 5 // 12, 0), (side * 5 // 12 + 70, side), (105, 105, 105), -1)
    cv2.rectangle(picture, (0, side * 7 // 12), (side, side * 7 // 12 + 60), (110, 110, 112), -1)
    picture += texture[..., None] * 11
    shade = np.zeros((side, side), np.uint8)
    for box in yard.boxes:
        base = box.corners()
        cast = base + np.array(yard.shadow_per_m) * box.height
        hull = cv2.convexHull(_texels(np.concatenate((base, cast))).astype(np.float32))
        cv2.fillConvexPoly(shade, np.rint(hull).astype(np.int32), 255)
    for tree in yard.trees:
        at = _texels(np.array([(tree.east, tree.north)]) + np.array(yard.shadow_per_m) * 4)[0]
        cv2.circle(shade, (round(at[0]), round(at[1])), round(tree.radius / TEXEL_M), 255, -1)
    soft = cv2.GaussianBlur(shade, (0, 0), 1.2).astype(np.float32)[..., None] / 255
    picture *= 1 - soft * (1 - np.array((SHADE * 1.12, SHADE, SHADE * 0.95), np.float32))
    return np.clip(picture, 0, 255).astype(np.uint8)


def _texels(metres: Doubles) -> Doubles:
    return np.asarray((metres * (1, -1) + SIDE_M / 2) / TEXEL_M, np.float64)


def photograph(yard: Yard, camera: Camera, noise: float = 1.5, seed: int = 0) -> Picture:
    """What the camera sees: ground, then walls and roofs from the farthest to the nearest."""
    lens = camera.lens
    plain = Lens(lens.width, lens.height, lens.focal_x, lens.focal_y, lens.centre_x, lens.centre_y)
    blank = np.zeros((lens.height, lens.width, 3), np.uint8)
    to_ground = view_of(blank, plain, camera.pose(), gsd_m=1e-3).to_ground
    to_texels = np.array(((1 / TEXEL_M, 0, SIDE_M / 2 / TEXEL_M), (0, -1 / TEXEL_M, SIDE_M / 2 / TEXEL_M), (0, 0, 1)))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    picture = cv2.warpPerspective(
        ground(yard), to_texels @ to_ground, (lens.width, lens.height), flags=flags, borderMode=cv2.BORDER_REFLECT
    )
    away = [math.hypot(box.east - camera.east, box.north - camera.north) for box in yard.boxes]
    for index in sorted(range(len(away)), key=lambda at: -away[at]):
        _draw(picture, yard.boxes[index], camera, plain, index)
    for index, tree in enumerate(yard.trees):
        _plant(picture, tree, camera, plain, index)
    if noise:
        random = np.random.default_rng(seed + 1000)
        noisy = picture + random.standard_normal(picture.shape).astype(np.float32) * noise
        picture = np.clip(noisy, 0, 255).astype(np.uint8)
    return np.asarray(picture, np.uint8)


def _seen(points: Doubles, up: float, camera: Camera, lens: Lens) -> Doubles:
    return lens.pixels(camera.pose().to_camera(np.column_stack((points, np.full(len(points), up)))))


def _draw(picture: Picture, box: Box, camera: Camera, lens: Lens, index: int) -> None:
    base, corners = (_seen(box.corners(), up, camera, lens) for up in (0.0, box.height))
    for here in range(4):
        there = (here + 1) % 4
        wall = np.stack((base[here], base[there], corners[there], corners[here]))
        dim = (0.55, 0.8, 0.65, 0.9)[here]
        cv2.fillConvexPoly(picture, np.rint(wall * 16).astype(np.int32), [dim * 150] * 3, cv2.LINE_AA, 4)
    roof = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillConvexPoly(roof, np.rint(corners * 16).astype(np.int32), 255, cv2.LINE_AA, 4)
    x, y, width, height = cv2.boundingRect(roof)
    if not width or not height:
        return
    window = slice(y, y + height), slice(x, x + width)
    share = roof[window].astype(np.float32)[..., None] / 255
    colour = np.array(box.colour, np.float32) + grain(77 + index, height, width)[..., None] * 3
    picture[window] = np.clip(picture[window] * (1 - share) + colour * share, 0, 255).astype(np.uint8)


def _plant(picture: Picture, tree: Tree, camera: Camera, lens: Lens, index: int) -> None:
    at = _seen(np.array([(tree.east, tree.north)]), 4.0, camera, lens)[0]
    edge = _seen(np.array([(tree.east + tree.radius, tree.north)]), 4.0, camera, lens)[0]
    radius = float(np.linalg.norm(edge - at))
    random = np.random.default_rng(500 + index)
    for _ in range(60):
        angle, out = random.uniform(0, 2 * math.pi), radius * math.sqrt(random.uniform(0, 1)) * 0.8
        place = round(at[0] + out * math.cos(angle)), round(at[1] + out * math.sin(angle))
        dim = random.uniform(0.6, 1.25)
        cv2.circle(picture, place, max(1, round(radius * 0.25)), [channel * dim for channel in tree.colour], -1)


def view(yard: Yard, camera: Camera, noise: float = 1.5, seed: int = 0) -> View:
    return view_of(photograph(yard, camera, noise, seed), camera.lens, camera.pose())


def outline_in(box: Box, seen: View, up: float | None = None) -> Doubles:
    """(4, 2) pixels of the box's roof."""
    height = box.height if up is None else up
    lifted = box.corners() + (box.corners() - seen.camera[:2]) * (height / (seen.camera[2] - height))
    return through(np.linalg.inv(seen.to_ground), lifted)
