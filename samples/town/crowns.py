"""Tree crowns from above, in three storeys, so that they lean as they should. Every day the wind shapes them anew."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from edge.detectors.interface import Image
from edge.vision.arrays import Doubles
from samples.facade.seeding import stream
from samples.town.light import face_gain
from samples.town.state import FlightState, Season

SHAPES = 10
STOREYS = (0.45, 0.68, 0.88)
"""Heights of the storeys as shares of the tree's."""
LEAVES: dict[Season, tuple[tuple[int, int, int], ...]] = {
    Season.SPRING: ((62, 128, 104), (72, 138, 124), (58, 112, 88), (150, 150, 196)),
    Season.SUMMER: ((48, 102, 72), (56, 112, 84), (42, 88, 62), (60, 120, 100)),
    Season.AUTUMN: ((52, 118, 142), (48, 104, 120), (44, 96, 148), (62, 128, 150)),
    Season.WINTER: ((112, 122, 130), (104, 114, 124), (120, 128, 136), (108, 120, 130)),
}
EVERGREEN = ((52, 88, 64), (46, 80, 58), (60, 96, 72))


@dataclass(frozen=True, slots=True, eq=False)
class Crown:
    """Storeys of a crown, lowest first: BGR pictures (n, n, 3) and how much they cover (n, n), 0 to 1."""

    storeys: tuple[tuple[Image, np.ndarray], ...]


class Crowns:
    """The shapes of one day at one resolution. A tree has the same shape on another day, but for the wind."""

    def __init__(self, state: FlightState, pixels: int) -> None:
        self._state = state
        self._pixels = int(np.clip(pixels, 12, 220))
        self._made: dict[tuple[int, bool], Crown] = {}

    def of(self, key: int, evergreen: bool) -> Crown:
        """The crown of the tree with this key."""
        shape = key % SHAPES
        found = self._made.get((shape, evergreen))
        if found is None:
            found = self._made[shape, evergreen] = self._grown(shape, evergreen)
        return found

    def _grown(self, shape: int, evergreen: bool) -> Crown:
        rng = stream(77, "crown", shape, int(evergreen))
        wind = stream(self._state.seed, "wind", shape, int(evergreen))
        count = 90
        angle, reach = rng.uniform(0, 2 * np.pi, count), np.sqrt(rng.random(count)) * 0.82
        lobes = 1 + 0.12 * np.sin(3 * angle + shape) + 0.08 * np.sin(5 * angle + 2 * shape)
        centres = np.stack((np.cos(angle), np.sin(angle)), axis=1) * (reach * lobes)[:, None]
        centres += wind.normal(0, 0.035, centres.shape)
        heights = np.sqrt(np.clip(1 - reach**2, 0.02, 1)) * rng.uniform(0.75, 1.0, count)
        sizes = rng.uniform(0.13, 0.26, count) * (0.75 if evergreen else 1.0)
        colours = EVERGREEN if evergreen else LEAVES[self._state.season]
        bare = self._state.season is Season.WINTER and not evergreen
        base = np.array(colours[shape % len(colours)], np.float32)
        storeys = []
        for n in range(3):
            chosen = np.flatnonzero(heights > (0.0, 0.55, 0.8)[n])
            chosen = chosen[np.argsort(heights[chosen], kind="stable")]
            storeys.append(
                self._branches(centres[chosen], n, rng)
                if bare
                else self._leaves(centres[chosen], heights[chosen], sizes[chosen], base, rng)
            )
        return Crown(tuple(storeys))

    def _leaves(self, centres: Doubles, heights: Doubles, sizes: Doubles, base: np.ndarray,
                rng: np.random.Generator) -> tuple[Image, np.ndarray]:  # fmt: skip
        size = self._pixels
        picture = np.empty((size, size, 3), np.float32)
        picture[:] = base * 0.6
        cover = np.zeros((size, size), np.uint8)
        sun = self._state.to_sun
        shade = self._state.shade
        for (x, y), up, radius in zip(centres, heights, sizes, strict=True):
            at = (round((x * 0.5 + 0.5) * size * 16), round((0.5 - y * 0.5) * size * 16))
            reach = max(8, round(radius * size * 0.5 * 16))
            side = np.array((x, y, up)) / max(0.1, float(np.linalg.norm((x, y, up))))
            lit = shade * 0.85 + (1.12 - shade * 0.85) * max(0.0, float(side @ sun)) ** 0.8
            lit *= 0.72 + 0.36 * up
            tint = base * lit * rng.uniform(0.88, 1.12)
            # The far side of a clump is darker than the side to the sun.
            cv2.circle(picture, at, reach, (tint * 0.8).tolist(), -1, cv2.LINE_AA, 4)
            slip = (at[0] + round(sun[0] * reach * 0.35), at[1] - round(sun[1] * reach * 0.35))
            cv2.circle(picture, slip, max(6, round(reach * 0.68)), (tint * 1.08).tolist(), -1, cv2.LINE_AA, 4)
            cv2.circle(cover, at, reach, 255, -1, cv2.LINE_AA, 4)
        speckle = rng.standard_normal((size, size)).astype(np.float32)
        speckle = cv2.GaussianBlur(speckle, (0, 0), max(0.5, size / 110)) * max(1.0, size / 70)
        picture *= (1 + 0.13 * speckle)[..., None]
        holes = (cv2.GaussianBlur(speckle, (0, 0), 1.0) > -0.9).astype(np.float32)
        alpha = cover.astype(np.float32) / 255
        return np.clip(picture, 0, 255).astype(np.uint8), alpha * (0.35 + 0.65 * holes)

    def _branches(self, centres: Doubles, storey: int, rng: np.random.Generator) -> tuple[Image, np.ndarray]:
        size = self._pixels
        cover = np.zeros((size, size), np.uint8)
        middle = (round(size * 8), round(size * 8))
        for x, y in centres:
            at = (round((x * 0.5 + 0.5) * size * 16), round((0.5 - y * 0.5) * size * 16))
            bend = ((middle[0] + at[0]) // 2 + int(rng.normal(0, size)), (middle[1] + at[1]) // 2)
            cv2.line(cover, middle, bend, 255, max(1, size // 60), cv2.LINE_AA, 4)
            cv2.line(cover, bend, at, 200, 1, cv2.LINE_AA, 4)
        picture = np.empty((size, size, 3), np.uint8)
        gain = face_gain(self._state, np.array((0.0, 0.0, 1.0))) * (0.62, 0.72, 0.82)[storey]
        picture[:] = np.clip(np.array((98, 108, 116)) * gain, 0, 255)
        return picture, cover.astype(np.float32) / 255 * 0.75
