"""Streets without signals: albedo and own light of a junction seen from a camera on a pole. All made here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Linear = NDArray[np.float32]
"""(height, width, 3) RGB in linear light; 1.0 is white paper in the sun, or light as strong as that."""

MARGIN = 24
"""Pixels around the picture that shake, drift and PTZ errors bring into it."""


@dataclass(frozen=True, slots=True, eq=False)
class Backdrop:
    """What stands still. Sizes include the margin on every side."""

    albedo: Linear
    sky: NDArray[np.float32]
    """(height, width): the share of sky, which shines by itself by day."""
    glow: Linear
    """Windows, shop signs and street lamps, at night."""
    road_y: int
    """The row where the road begins."""


def make_backdrop(rng: np.random.Generator, width: int, height: int) -> Backdrop:
    """A street with façades, trees, a road and crossings."""
    w, h = width + 2 * MARGIN, height + 2 * MARGIN
    horizon = int(h * rng.uniform(0.5, 0.62))
    albedo = np.zeros((h, w, 3), np.float32)
    sky = np.ones((h, w), np.float32)
    glow = np.zeros((h, w, 3), np.float32)
    _sky(rng, albedo, horizon)
    for depth in range(2):
        _facades(rng, albedo, sky, glow, horizon, far=depth == 0)
    _trees(rng, albedo, sky, horizon)
    _road(rng, albedo, sky, horizon)
    _furniture(rng, albedo, sky, glow, horizon)
    texture = _cloudy(rng, h, w, 6) * 0.10 + rng.normal(0, 0.035, (h, w)).astype(np.float32)
    albedo *= (1 + texture * (1 - 0.8 * sky))[..., None]
    return Backdrop(np.clip(albedo, 0.004, 1), sky, glow, horizon)


def from_photograph(path: Path, width: int, height: int) -> Backdrop:
    """A photograph as background: it shines as if lit evenly; it has no lights of its own at night.

    Raises:
        OSError: the file is no picture.
    """
    picture = cv2.imread(str(path))
    if picture is None:
        raise OSError(f"{path}: found no picture, expected a JPEG or PNG")
    w, h = width + 2 * MARGIN, height + 2 * MARGIN
    small = cv2.resize(picture, (w, h), interpolation=cv2.INTER_AREA)
    linear = (small[..., ::-1].astype(np.float32) / 255) ** 2.2
    return Backdrop(
        np.clip(linear, 0.004, 1), np.zeros((h, w), np.float32), np.zeros((h, w, 3), np.float32), h * 2 // 3
    )


def _cloudy(rng: np.random.Generator, h: int, w: int, octaves: int) -> NDArray[np.float32]:
    """Soft noise, about -1…1."""
    total = np.zeros((h, w), np.float64)
    for octave in range(octaves):
        cells = 3 * 2**octave
        grid = rng.normal(0, 1, (max(cells * h // w, 2), cells)).astype(np.float32)
        total += np.asarray(cv2.resize(grid, (w, h), interpolation=cv2.INTER_CUBIC), np.float64) / 2 ** (octave * 0.8)
    return np.asarray(total / 2, np.float32)


def _sky(rng: np.random.Generator, albedo: Linear, horizon: int) -> None:
    w = albedo.shape[1]
    height = np.linspace(1, 0, horizon, dtype=np.float32)[:, None, None]
    blue = np.array([0.32, 0.52, 0.9], np.float32)
    pale = np.array([0.8, 0.85, 0.92], np.float32)
    albedo[:horizon] = blue * height + pale * (1 - height)
    clouds = np.clip(_cloudy(rng, horizon, w, 5) * 0.7 + rng.uniform(-0.3, 0.4), 0, 1)[..., None]
    albedo[:horizon] = albedo[:horizon] * (1 - clouds) + 0.9 * clouds
    albedo[horizon:] = 0.18


def _facades(
    rng: np.random.Generator, albedo: Linear, sky: NDArray[np.float32], glow: Linear, horizon: int, *, far: bool
) -> None:
    w = albedo.shape[1]
    x = -int(rng.integers(0, 60))
    while x < w:
        width = int(rng.integers(50, 110) if far else rng.integers(90, 200))
        top = int(horizon * (rng.uniform(0.15, 0.6) if far else rng.uniform(0.3, 0.85)))
        if not far and rng.random() < 0.45:  # a gap between near houses: the street goes on
            x += width
            continue
        wall = np.array([0.42, 0.38, 0.33]) * rng.uniform(0.5, 1.5) + rng.normal(0, 0.03, 3)
        haze = 0.3 if far else 0.0
        colour = np.clip(wall * (1 - haze) + 0.7 * haze, 0.05, 0.85).astype(np.float32)
        x0, x1 = max(x, 0), min(x + width, w)
        if x1 > x0:
            albedo[top:horizon, x0:x1] = colour
            sky[top:horizon, x0:x1] = 0
            glow[top:horizon, x0:x1] = 0
            _windows(rng, albedo, glow, (x, top, width, horizon - top), far=far)
            if not far:
                _shops(rng, albedo, glow, (x0, horizon, x1 - x0))
        x += width + (0 if far else int(rng.integers(0, 30)))


def _windows(
    rng: np.random.Generator, albedo: Linear, glow: Linear, box: tuple[int, int, int, int], *, far: bool
) -> None:
    x, top, width, height = box
    w = albedo.shape[1]
    pitch_x, pitch_y = (9, 11) if far else (int(rng.integers(14, 22)), int(rng.integers(16, 26)))
    lit_share = rng.uniform(0.1, 0.5)
    for row in range(top + 4, top + height - pitch_y, pitch_y):
        for column in range(x + 4, x + width - pitch_x // 2, pitch_x):
            x0, x1 = max(column, 0), min(column + int(pitch_x * 0.6), w)
            if x1 <= x0:
                continue
            pane = (slice(row, row + int(pitch_y * 0.6)), slice(x0, x1))
            albedo[pane] = rng.uniform(0.04, 0.3) * np.array([0.85, 0.95, 1.1])
            if rng.random() < lit_share:
                glow[pane] = rng.uniform(0.01, 0.05) * np.array([1.0, 0.8, 0.5])


def _shops(rng: np.random.Generator, albedo: Linear, glow: Linear, strip: tuple[int, int, int]) -> None:
    x, horizon, width = strip
    y = horizon - int(rng.integers(16, 26))
    while width > 20:
        part = min(int(rng.integers(20, 60)), width)
        colour = rng.dirichlet([0.6, 0.6, 0.6]).astype(np.float32)
        sign = (slice(y, y + 6), slice(x, x + part - 3))
        albedo[sign] = colour * 0.8
        glow[sign] = colour * rng.uniform(0.05, 0.2)
        albedo[y + 7 : horizon, x : x + part - 3] = rng.uniform(0.03, 0.25)
        glow[y + 7 : horizon, x : x + part - 3] = rng.uniform(0, 0.05) * np.array([1, 0.85, 0.6], np.float32)
        x, width = x + part, width - part


def _trees(rng: np.random.Generator, albedo: Linear, sky: NDArray[np.float32], horizon: int) -> None:
    w = sky.shape[1]
    for _ in range(int(rng.integers(2, 7))):
        cx, radius = int(rng.integers(0, w)), int(rng.integers(18, 46))
        cy = horizon - int(radius * rng.uniform(0.9, 1.6))
        cv2.rectangle(albedo, (cx - 2, cy), (cx + 2, horizon + 4), (0.08, 0.06, 0.05), -1)
        for _ in range(160):
            angle, far = rng.uniform(0, 2 * np.pi), radius * np.sqrt(rng.random())
            leaf = (int(cx + far * np.cos(angle)), int(cy + 0.9 * far * np.sin(angle)))
            shade = float(rng.uniform(0.03, 0.16))
            cv2.circle(albedo, leaf, int(rng.integers(2, 5)), (shade * 0.55, shade, shade * 0.3), -1)
            cv2.circle(sky, leaf, 4, 0.0, -1)


def _road(rng: np.random.Generator, albedo: Linear, sky: NDArray[np.float32], horizon: int) -> None:
    h, w = sky.shape
    sky[horizon:] = 0
    albedo[horizon:] = np.array([0.26, 0.25, 0.23], np.float32)  # pavement
    vanish = int(w * rng.uniform(0.35, 0.65))
    asphalt = float(rng.uniform(0.07, 0.14))
    ground = np.array(
        [(vanish - w * 0.08, horizon), (vanish + w * 0.08, horizon), (w * 1.25, h), (-w * 0.25, h)], np.int32
    )
    cv2.fillPoly(albedo, [ground], (asphalt, asphalt, asphalt * 1.03))
    cross = int(horizon + (h - horizon) * rng.uniform(0.12, 0.2))
    cv2.rectangle(albedo, (0, cross), (w, cross + (h - horizon) // 4), (asphalt, asphalt, asphalt), -1)
    white = float(rng.uniform(0.5, 0.75))
    for lane in (-0.55, -0.18, 0.18, 0.55):
        for start in np.arange(0.45, 1.0, 0.14):
            a = (int(vanish + lane * w * start), int(horizon + (h - horizon) * start))
            b = (int(vanish + lane * w * (start + 0.07)), int(horizon + (h - horizon) * (start + 0.07)))
            cv2.line(albedo, a, b, (white, white, white * 0.95), max(1, int(4 * start)))
    zebra_y = cross + (h - horizon) // 4 + 4
    for x in range(0, w, 16):
        lean = int((x - vanish) * 0.06)
        stripe = np.array([(x, zebra_y), (x + 8, zebra_y), (x + 9 + lean, zebra_y + 18), (x + lean, zebra_y + 18)])
        cv2.fillPoly(albedo, [stripe.astype(np.int32)], (white, white, white * 0.95))


def _furniture(rng: np.random.Generator, albedo: Linear, sky: NDArray[np.float32], glow: Linear, horizon: int) -> None:
    """Lamp posts, direction signs, parked cars: things with corners that stand still."""
    w = sky.shape[1]
    for _ in range(int(rng.integers(2, 5))):
        x, top = int(rng.integers(0, w)), int(horizon * rng.uniform(0.25, 0.6))
        cv2.line(albedo, (x, top), (x, horizon + 12), (0.2, 0.2, 0.2), 2)
        cv2.line(sky, (x, top), (x, horizon + 12), 0.0, 2)
        reach = int(rng.choice([-1, 1]) * rng.integers(10, 24))
        cv2.line(albedo, (x, top), (x + reach, top), (0.2, 0.2, 0.2), 2)
        cv2.circle(glow, (x + reach, top + 2), 3, (2.0, 1.6, 0.9), -1)
    for _ in range(int(rng.integers(1, 4))):
        x, y = int(rng.integers(20, w - 80)), int(horizon * rng.uniform(0.45, 0.9))
        sw, sh = int(rng.integers(24, 60)), int(rng.integers(14, 30))
        cv2.rectangle(albedo, (x, y), (x + sw, y + sh), (0.05, 0.15, 0.5), -1)
        cv2.rectangle(albedo, (x + 2, y + 2), (x + sw - 2, y + sh - 2), (0.7, 0.7, 0.7), 1)
        cv2.line(albedo, (x + 5, y + sh // 2), (x + sw - 8, y + sh // 2), (0.75, 0.75, 0.75), 2)
        sky[y : y + sh + 1, x : x + sw + 1] = 0
    for _ in range(int(rng.integers(2, 6))):
        x, y = int(rng.integers(0, w - 60)), horizon + int(rng.integers(0, 10))
        paint = tuple(float(v) for v in np.clip(rng.dirichlet([0.8, 0.8, 0.8]) * rng.uniform(0.1, 1.2), 0.02, 0.8))
        cv2.rectangle(albedo, (x, y), (x + 40, y + 11), paint, -1)
        cv2.rectangle(albedo, (x + 7, y - 7), (x + 32, y), (0.08, 0.1, 0.12), -1)
        for wheel in (8, 31):
            cv2.circle(albedo, (x + wheel, y + 11), 4, (0.03, 0.03, 0.03), -1)
