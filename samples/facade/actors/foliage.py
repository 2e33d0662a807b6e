"""A branch before the camera, swinging in the wind."""

from __future__ import annotations

from math import pi, sin

import cv2
import numpy as np

from samples.facade.canvas import Canvas, World
from samples.facade.scenario import Branch, Side
from samples.facade.seeding import stream
from samples.facade.solids import Patch
from samples.facade.textures import Plane, cloudy_noise, foliage

SHIMMER_HZ = (1.3, 2.9)


class SwingingBranch:
    """The clump turns about its stem in slow gusts while its leaves tremble faster and each in their own time."""

    def __init__(self, world: World, branch: Branch, number: int) -> None:
        scenario = world.scenario
        camera = world.camera
        rng = stream(scenario.seed, "branch", number)
        self._size = int(branch.reach * camera.width * 1.15)
        light = np.array(scenario.light.ambient, np.float32) * 1.1 + np.array(scenario.light.sun, np.float32) * 0.35
        clump = foliage(rng, self._size, light)
        self._pixels = _hung(clump, branch.side)
        along = float(rng.uniform(0.05, 0.45))
        self.left, self.top = self._place(camera.width, camera.height, branch.side, along)
        self.swing_px = branch.swing_px
        self._phases = rng.uniform(0, 2 * pi, 4)
        rows, columns = np.mgrid[0 : self._size, 0 : self._size].astype(np.float32)
        pivot = {Side.LEFT: (0, 0.5), Side.RIGHT: (1, 0.5), Side.TOP: (0.5, 0)}[branch.side]
        self._from_pivot = (columns / self._size - pivot[0], rows / self._size - pivot[1])
        self._grid = (columns, rows)
        self._away = np.hypot(*self._from_pivot).astype(np.float32)
        wobble = [cloudy_noise(rng, self._size, self._size, self._size / 5, octaves=3) for _ in range(2)]
        self._wobble = (wobble[0] * np.float32(pi), wobble[1] * np.float32(pi))

    def _place(self, width: int, height: int, side: Side, along: float) -> tuple[int, int]:
        match side:
            case Side.LEFT:
                return 0, int(along * height)
            case Side.RIGHT:
                return width - self._size, int(along * height)
            case Side.TOP:
                return int(along * width), 0

    def draw(self, canvas: Canvas, start_seconds: float, exposure_seconds: float) -> None:
        """One warp of the clump: its turn, and the tremor of its leaves."""
        t = start_seconds + exposure_seconds / 2
        first, second, third, fourth = (float(value) for value in self._phases)
        gust = 0.6 + 0.4 * sin(2 * pi * 0.11 * t + fourth)
        swing = gust * (0.7 * sin(2 * pi * 0.43 * t + first) + 0.3 * sin(2 * pi * 0.95 * t + second))
        turn = np.float32(self.swing_px * swing)
        tremor = np.float32(self.swing_px * 0.16 * gust) * self._away
        shiver_x = tremor * np.sin(np.float32(2 * pi * SHIMMER_HZ[0] * t) + self._wobble[0])
        shiver_y = tremor * np.sin(np.float32(2 * pi * SHIMMER_HZ[1] * t + third) + self._wobble[1])
        map_x = self._grid[0] + turn * self._from_pivot[1] + shiver_x
        map_y = self._grid[1] - turn * self._from_pivot[0] + shiver_y
        moved = cv2.remap(self._pixels, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        canvas.lay(Patch(np.asarray(moved, np.float32), self.left, self.top), soft=False)

    def outline(self) -> list[tuple[int, int]]:
        """A polygon of pixels around everything the branch reaches, swing included, within the picture's frame."""
        margin = int(self.swing_px * 1.4) + 4
        cover = (self._pixels[..., 3] > 0.05).astype(np.uint8)
        padded = cv2.copyMakeBorder(cover, margin, margin, margin, margin, cv2.BORDER_CONSTANT)
        grown = cv2.dilate(padded, np.ones((2 * margin + 1, 2 * margin + 1), np.uint8))
        contours, _ = cv2.findContours(grown, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        hull = cv2.convexHull(np.concatenate(contours))
        simple = cv2.approxPolyDP(hull, 3.0, True)[:, 0]
        return [(int(x) - margin + self.left, int(y) - margin + self.top) for x, y in simple]


def _hung(clump: Plane, side: Side) -> Plane:
    """`foliage` grows from the left edge: flip or turn it to the side it hangs from."""
    match side:
        case Side.LEFT:
            return clump
        case Side.RIGHT:
            return np.ascontiguousarray(clump[:, ::-1])
        case Side.TOP:
            return np.ascontiguousarray(clump.transpose(1, 0, 2))
