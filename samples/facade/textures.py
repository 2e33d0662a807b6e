"""Procedural textures: clouds, stains, bricks, foliage. Float32 arrays in linear light, row 0 at the top."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from samples.facade.building import Building, Wall

Plane = NDArray[np.float32]


def cloudy_noise(rng: np.random.Generator, height: int, width: int, coarse_px: float, octaves: int = 5) -> Plane:
    """Smooth noise with mean 0 and standard deviation 1: octaves of random grids, the coarsest of `coarse_px`."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        cell = max(coarse_px / 2**octave, 1.0)
        rows, columns = int(height / cell) + 3, int(width / cell) + 3
        grid = rng.standard_normal((rows, columns)).astype(np.float32)
        zoomed = cv2.resize(grid, (int(columns * cell), int(rows * cell)), interpolation=cv2.INTER_CUBIC)
        total += zoomed[int(cell) : int(cell) + height, int(cell) : int(cell) + width] * np.float32(0.55**octave)
    total -= total.mean()
    return np.asarray(total / max(float(total.std()), 1e-6), np.float32)


def wall_albedo(building: Building, rng: np.random.Generator, px_per_m: float) -> Plane:
    """(rows, columns, 3): the wall with bricks or tiles, weather stains and streaks below the ledges."""
    rows = round(building.height_m * px_per_m)
    columns = round((building.right_m - building.left_m) * px_per_m)
    wall = np.empty((rows, columns, 3), np.float32)
    wall[:] = building.wall_albedo
    if building.wall is not Wall.PLASTER:
        wall *= _courses(building.wall, rng, rows, columns, px_per_m)[..., None]
    stains = cloudy_noise(rng, rows, columns, 5 * px_per_m)
    grain = cloudy_noise(rng, rows, columns, 0.25 * px_per_m, octaves=2)
    streaks = cv2.resize(cloudy_noise(rng, max(rows // 40, 2), columns, 0.3 * px_per_m, octaves=3), (columns, rows))
    wall *= (1 + 0.07 * stains + 0.03 * grain + 0.04 * np.minimum(streaks, 0.3))[..., None]
    return np.asarray(np.clip(wall, 0.02, 0.95), np.float32)


def _courses(wall: Wall, rng: np.random.Generator, rows: int, columns: int, px_per_m: float) -> Plane:
    """Each brick or tile with its own tone, and darker joints: a factor per pixel."""
    wide, high = (0.25, 0.09) if wall is Wall.BRICK else (0.6, 0.3)
    x = np.arange(columns) / px_per_m
    y = np.arange(rows) / px_per_m
    course = (y / high).astype(np.int64)
    shifted = x[None, :] / wide + 0.5 * (course[:, None] % 2)
    brick = shifted.astype(np.int64)
    tones = rng.normal(1.0, 0.09 if wall is Wall.BRICK else 0.05, 4096).astype(np.float32)
    tone = tones[(course[:, None] * 131 + brick * 17) % 4096]
    joint = ((y / high) % 1 < 0.12)[:, None] | (shifted % 1 < 0.05)
    return np.asarray(np.where(joint, tone * np.float32(0.82), tone), np.float32)


def sky(rng: np.random.Generator, height: int, width: int, cover: float, colours: tuple[Plane, Plane, Plane]) -> Plane:
    """(height, width, 3) radiance: a gradient from `colours[0]` above to `colours[1]` below, clouds of `colours[2]`."""
    top, low, cloud = colours
    ramp = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    clear = top * (1 - ramp) + low * ramp
    noise = cloudy_noise(rng, height, width, width / 4, octaves=6)
    threshold = np.quantile(noise, 1 - cover) if cover > 0 else 9.0
    share = np.clip((noise - threshold) / 0.9 + 0.35, 0, 1).astype(np.float32)[..., None]
    shade = (1 - 0.18 * np.clip(noise - threshold - 0.6, 0, 1.5))[..., None].astype(np.float32)
    return np.asarray(clear * (1 - share) + cloud * shade * share, np.float32)


def foliage(rng: np.random.Generator, size_px: int, light: Plane) -> Plane:
    """(size, size, 4) premultiplied: a clump of leaves on twigs, dense at the left edge and ragged at the right."""
    zoom = 4
    full = size_px * zoom
    clump = np.zeros((full, full, 4), np.float32)
    pivot = np.array([-0.05 * full, 0.5 * full])
    for _ in range(11):
        angle, reach = rng.normal(0, 0.42), rng.uniform(0.55, 0.98) * full
        tip = pivot + reach * np.array([np.cos(angle), np.sin(angle)])
        bend = (pivot + tip) / 2 + rng.normal(0, 0.04 * full, 2)
        steps = np.linspace(0, 1, 24)[:, None]
        twig = (1 - steps) ** 2 * pivot + 2 * steps * (1 - steps) * bend + steps**2 * tip
        bark = (*(float(v) for v in light * 0.06), 1.0)
        cv2.polylines(clump, [twig.astype(np.int32)], False, bark, max(1, full // 260), cv2.LINE_8)
        for spot in twig[5:]:
            for _leaf in range(int(rng.integers(4, 9))):
                _leaf_on(clump, rng, spot + rng.normal(0, 0.03 * full, 2), full, light)
    small = cv2.resize(clump, (size_px, size_px), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), 0.6), np.float32)


def _leaf_on(clump: Plane, rng: np.random.Generator, spot: NDArray[np.float64], full: int, light: Plane) -> None:
    """One leaf: an ellipse with its own slant and green; some are lit through."""
    green = np.array([0.09, 0.17, 0.05]) * rng.uniform(0.35, 1.5)
    if rng.random() < 0.2:
        green = np.array([0.28, 0.38, 0.10]) * rng.uniform(0.7, 1.2)
    half = rng.uniform(0.012, 0.026) * full
    axes = (max(1, int(half)), max(1, int(half * rng.uniform(0.3, 0.6))))
    colour = (*(float(value) for value in green * light), 1.0)
    centre = (int(spot[0]), int(spot[1]))
    cv2.ellipse(clump, centre, axes, float(rng.uniform(0, 180)), 0, 360, colour, cv2.FILLED)
