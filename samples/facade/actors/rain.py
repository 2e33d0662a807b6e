"""Rain: drops in the volume between camera and façade, as streaks of the exposure's length."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from samples.facade.canvas import Canvas, World
from samples.facade.scenario import Rain
from samples.facade.seeding import stream

Points = NDArray[np.float64]

CYCLES = 32
"""Drops that fell through come back elsewhere; after so many rounds the places repeat."""
NEAR_M = 1.6
"""Nearer drops are out of focus and wider than a pixel."""
NEAR_BLUR_PX = 1.6


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
        self._tall_m = self._away * camera.height / camera.focal_px * 2.4 + 1.0
        sky = np.array(world.light.sky_low, np.float32)
        self._colour = np.asarray(np.minimum(sky, 1.0) * 0.9 + 0.02, np.float32)
        self._world = world

    def draw(self, canvas: Canvas, start_seconds: float, exposure_seconds: float) -> None:
        """Two layers of coverage, sharp and blurred, laid as one veil of the sky's colour."""
        camera = self._world.camera
        tails = camera.project(self._streaks(start_seconds))
        heads = camera.project(self._streaks(start_seconds, exposure_seconds))
        ends = np.concatenate([tails, heads], axis=1)
        drawn = np.flatnonzero(np.all(np.abs(ends) < 4000, axis=1))  # NaN, behind the camera, compares false
        width_px = self._width_m * camera.focal_px / self._away
        length_px = np.linalg.norm(heads - tails, axis=1)
        value = np.maximum(np.rint(255 * _opacity(width_px, length_px)), 1)
        fixed = np.rint(np.nan_to_num(ends) * 16)
        layers = [np.zeros((camera.height, camera.width), np.uint8) for _ in range(2)]
        for index in drawn:
            layer = layers[int(self._away[index] < NEAR_M)]
            x0, y0, x1, y1 = (int(end) for end in fixed[index])
            thick = max(1, round(float(width_px[index])))
            cv2.line(layer, (x0, y0), (x1, y1), int(value[index]), thick, cv2.LINE_AA, shift=4)
        near = cv2.GaussianBlur(layers[1], (0, 0), NEAR_BLUR_PX) if layers[1].any() else layers[1]
        canvas.veil(np.asarray(cv2.max(layers[0], near), np.uint8), self._colour)

    def _streaks(self, seconds: float, later: float = 0.0) -> Points:
        """(n, 3) places of the drops, `later` seconds after the moment that decides their round."""
        camera = self._world.camera
        fallen = self._start + self._speed * seconds / self._tall_m
        cycle = fallen.astype(np.int64) % CYCLES
        across = (self._across[np.arange(len(cycle)), cycle] * 2 - 1) * self._half_m
        height = self._tall_m * (0.6 - fallen % 1.0) - self._speed * later
        axes = camera.axes()
        centre = camera.position + self._away[:, None] * axes[2]
        sideways = across + self._wind * ((fallen % 1.0) * self._tall_m / self._speed + later)
        return np.asarray(
            centre + sideways[:, None] * axes[0] + height[:, None] * np.array([0.0, 1.0, 0.0]), np.float64
        )


def _opacity(width_px: Points, length_px: Points) -> Points:
    """How much of the background a streak hides: the thinner and the longer, the less, since the drop is soon gone."""
    spread = np.minimum(1.0, np.sqrt(9 * np.maximum(width_px, 0.5) / np.maximum(length_px, 1.0)))
    return np.nan_to_num(0.6 * np.minimum(1.0, 1.6 * width_px) * spread)
