"""Rain: drops in the volume between camera and façade, as streaks of the exposure's length."""

from __future__ import annotations

import cv2
import numpy as np

from samples.facade.canvas import Canvas, World
from samples.facade.scenario import Rain
from samples.facade.seeding import stream
from samples.facade.solids import Patch

CYCLES = 32
"""Drops that fell through come back elsewhere; after so many rounds the places repeat."""
NEAR_M = 1.6
"""Nearer drops are out of focus and wider than a pixel."""


class RainVolume:
    """Drops of 1-3 mm at their terminal speed, most of them far and faint, a few near, wide and blurred."""

    def __init__(self, world: World, rain: Rain, number: int) -> None:
        camera = world.camera
        rng = stream(world.scenario.seed, "rain", number)
        count = rain.drops
        # uniform in the volume of the view cone means density ~ distance²; the cube root draws that
        self._away = np.maximum(14.0 * rng.random(count) ** (1 / 2.4), 0.35)
        diameter_mm = rng.gamma(4.0, 0.4, count).clip(0.6, 3.5)
        self._speed = 9.65 - 10.3 * np.exp(-0.6 * diameter_mm)  # Atlas, Srivastava and Sekhon 1973, m/s
        self._width_m = diameter_mm / 1000
        self._across = rng.random((count, CYCLES))
        self._start = rng.random(count)
        self._wind = rain.wind_m_s
        half_picture = camera.width / camera.focal_px / 2
        self._half_m = self._away * half_picture * 1.3 + 0.2
        self._tall_m = self._away * camera.height / camera.focal_px * 1.9 + 1.0
        sky = np.array(world.light.sky_low, np.float32)
        self._colour = np.asarray(np.minimum(sky, 1.0) * 0.9 + 0.02, np.float32)
        self._world = world

    def draw(self, canvas: Canvas, start_seconds: float, exposure_seconds: float) -> None:
        """Two layers of coverage, sharp and blurred, each laid once."""
        camera = self._world.camera
        starts, ends = self._streaks(start_seconds), self._streaks(start_seconds, exposure_seconds)
        tails, heads = camera.project(starts), camera.project(ends)
        width_px = self._width_m * camera.focal_px / self._away
        near = self._away < NEAR_M
        for chosen, blur in ((~near, 0.0), (near, 1.6)):
            cover = np.zeros((camera.height, camera.width), np.uint8)
            for index in np.flatnonzero(chosen):
                _streak(cover, tails[index], heads[index], float(width_px[index]))
            if not cover.any():
                continue
            share = cover.astype(np.float32) / np.float32(255)
            if blur:
                share = np.asarray(cv2.GaussianBlur(share, (0, 0), blur), np.float32)
            pixels = np.concatenate([share[..., None] * self._colour, share[..., None]], axis=2)
            canvas.lay(Patch(pixels, 0, 0), soft=False)

    def _streaks(self, seconds: float, later: float = 0.0) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        """(n, 3) places of the drops, `later` seconds after the moment that decides their round."""
        camera = self._world.camera
        fallen = self._start + self._speed * seconds / self._tall_m
        cycle = fallen.astype(np.int64) % CYCLES
        across = (self._across[np.arange(len(cycle)), cycle] * 2 - 1) * self._half_m
        height = self._tall_m * (0.75 - fallen % 1.0) - self._speed * later
        axes = camera.axes()
        centre = camera.position + self._away[:, None] * axes[2]
        sideways = across + self._wind * ((fallen % 1.0) * self._tall_m / self._speed + later)
        return np.asarray(
            centre + sideways[:, None] * axes[0] + height[:, None] * np.array([0.0, 1.0, 0.0]), np.float64
        )


def _streak(
    cover: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
    tail: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    head: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    width_px: float,
) -> None:
    """One line: as thick as the drop if that is more than a pixel, else as faint as its share of a pixel."""
    ends = np.concatenate([tail, head])
    if not np.all(np.isfinite(ends)) or np.any(np.abs(ends) > 4000):
        return
    length = float(np.hypot(*(head - tail)))
    # a longer streak spreads the same light thinner; a drop covers each place for width/length of the exposure
    opacity = 0.6 * min(1.0, 1.6 * width_px) * min(1.0, (9 * max(width_px, 0.5) / max(length, 1.0)) ** 0.5)
    first, second = np.round(tail * 16).astype(int), np.round(head * 16).astype(int)
    thick = max(1, round(width_px))
    value = max(1, round(255 * opacity))
    cv2.line(
        cover, (int(first[0]), int(first[1])), (int(second[0]), int(second[1])), value, thick, cv2.LINE_AA, shift=4
    )
