"""Flames and smoke as layers to lay over a place: what they shine, and what they hide."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from samples.fire.bank import flame, plume
from samples.fire.noise import Field, cloudy, resized, smoothstep, warped
from samples.fire.optics import Linear

SOOT_COLD = np.array([0.015, 0.16, 1.0], np.float32)
SOOT_HOT = np.array([0.10, 0.48, 1.0], np.float32)
"""BGR light of glowing soot through a daylight camera at about 1300 K and 1900 K."""
LEAKING = np.array([0.42, 0.36, 1.0], np.float32)
"""As a cheap camera without an infra-red filter sees it: pink."""
GAS_BLUE = np.array([1.0, 0.45, 0.22], np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Flame:
    """Burning gas: light of its own, nearly transparent."""

    shine: Linear
    """(height, width, 3), 0…about 1 before the exposure's factor."""
    heat: Field
    """(height, width), 0…1."""


@dataclass(frozen=True, slots=True, eq=False)
class Smoke:
    """Soot in the air: hides what is behind it and shows light that falls on it."""

    cover: Field
    """(height, width) share of the background that it hides, 0…1."""
    shade: Field
    """(height, width) how light it is where it is lit and in its own shadow, about 0.4…1.3."""


def flame_layer(rng: np.random.Generator, width: int, height: int, leak: float = 0.0) -> Flame:
    """A fire that fills width × height pixels; `leak` 0…1 is how much infra-red its camera takes for colour."""
    heat = _tongues(rng, width, height)
    return Flame(shine_of(heat, float(rng.uniform(0.4, 1.0)), leak, blue=rng.random() < 0.04), heat)


def shine_of(heat: Field, hot: float, leak: float, *, blue: bool = False) -> Linear:
    """Light of burning gas: brighter and yellower the hotter; `hot` is how yellow the hottest is."""
    body = smoothstep(heat, 0.1, 0.75)
    mix = (np.clip(heat * 1.15, 0, 1) ** 1.5 * hot)[..., None]
    colour = SOOT_COLD * (1 - mix) + SOOT_HOT * mix
    if leak > 0:
        colour = colour * (1 - leak) + LEAKING * leak
    if blue:
        low = np.linspace(-0.4, 1.1, heat.shape[0], dtype=np.float32)[:, None, None].clip(0, 1)
        colour = colour * (1 - low) + GAS_BLUE * low
    return np.asarray((body * (0.15 + 0.85 * body * heat))[..., None] * colour, np.float32)


def _tongues(rng: np.random.Generator, width: int, height: int) -> Field:
    """One fire, or several side by side when it is wide."""
    aspect = width / max(height, 1)
    count = 1 if aspect < 0.9 else int(np.clip(round(aspect * rng.uniform(1.2, 2.4)), 2, 7))
    heat = np.zeros((height, width), np.float32)
    for number in range(count):
        one = flame(rng)
        if rng.random() < 0.5:
            one = one[:, ::-1]
        part = width if count == 1 else int(width / count * rng.uniform(1.2, 2.2))
        part = min(max(part, 2), width)
        tall = height if number == 0 else max(int(height * rng.uniform(0.45, 1.0)), 2)
        small = resized(one, part, tall)
        x = (
            0
            if count == 1
            else int(np.clip((number + rng.uniform(0.1, 0.9)) / count * width - part / 2, 0, width - part))
        )
        place = heat[height - tall :, x : x + part]
        np.maximum(place, small, out=place)
    if min(width, height) > 60:
        heat = warped(heat, rng, 0.03 * min(width, height) * rng.uniform(0.3, 1), 7)
        # Streaks finer than the simulated gas, drawn out upwards.
        fine = resized(cloudy(rng, width, max(height // 3, 2), width / 8, 3), width, height)
        heat = heat * (1 + 0.25 * warped(fine, rng, 5, 5))
    return np.asarray(np.clip(heat, 0, 1), np.float32)


def plume_layer(rng: np.random.Generator, width: int, height: int, density: float) -> Smoke:
    """Rising smoke: two or three simulated plumes one behind the other, as a real one has depth."""
    thick = np.zeros((height, width), np.float32)
    for number in range(int(rng.integers(2, 4))):
        soot = plume(rng)
        if rng.random() < 0.5:
            soot = soot[:, ::-1]
        part = width if number == 0 else max(int(width * rng.uniform(0.6, 1)), 2)
        tall = height if number == 0 else max(int(height * rng.uniform(0.5, 1)), 2)
        x = int(rng.integers(0, width - part + 1))
        thick[height - tall :, x : x + part] += resized(soot, part, tall) * float(rng.uniform(0.5, 1))
    size = max(min(width, height), 8)
    thick = np.clip(warped(thick, rng, 0.02 * size, 6), 0, 2)
    thick *= np.clip(1 + 0.35 * cloudy(rng, width, height, 5, 4), 0.2, 2)
    thick *= _inside(width, height)
    soft = np.asarray(cv2.GaussianBlur(thick, (0, 0), size / 40 + 0.3), np.float32)
    sun = float(rng.uniform(-1, 1))
    slope = cv2.Sobel(soft, cv2.CV_32F, 0, 1, scale=size / 64) - sun * cv2.Sobel(
        soft, cv2.CV_32F, 1, 0, scale=size / 64
    )
    shade = 0.9 + np.clip(0.16 * slope, -0.25, 0.25) - 0.12 * np.clip(soft - 0.7, 0, 1)
    return Smoke(_cover(thick, density), np.asarray(shade, np.float32))


PUFF_PX = 144
"""Longest side in which puffs are heaped up: finer shape comes from the noise that tears their outlines."""


def billow_layer(rng: np.random.Generator, width: int, height: int, density: float) -> Smoke:
    """Thick smoke like cauliflower: a heap of balls that grow as they rise, lean with the wind, are lit from a side."""
    factor = min(1.0, PUFF_PX / max(width, height))
    w, h = max(int(width * factor), 8), max(int(height * factor), 8)
    cover, shade = np.zeros((h, w), np.float32), np.full((h, w), 0.8, np.float32)
    lean, spreads, most = float(rng.uniform(-0.4, 0.4)), float(rng.uniform(0.4, 1.6)), float(rng.uniform(0.12, 0.36))
    sun = np.array([rng.uniform(-0.7, 0.7), -0.7], np.float32)
    for number in np.sort(rng.random(int(rng.integers(50, 130))) ** 0.8)[::-1]:
        up = float(number)
        room = 0.06 + most * up**spreads
        radius = max(min(w, h) * (0.05 + 0.15 * up**spreads) * float(rng.uniform(0.5, 1.2)), 1.5)
        x = w * (0.5 - lean / 2 + lean * up + float(rng.uniform(-1, 1)) * room * 0.9)
        y = h * (0.95 - 0.8 * up) + float(rng.normal(0, 0.03)) * h
        _puff(cover, shade, (x, y), radius, sun, float(rng.uniform(0.75, 1.1)))
    cover, shade = (resized(layer, width, height) for layer in (cover, shade))
    size = max(min(width, height), 8)
    both = np.asarray(np.dstack((cover, shade)), np.float32)
    for pixels, cells in ((0.035, 8), (0.014, 22)):
        both = warped(both, rng, pixels * size, cells)
    torn = np.clip(both[..., 0] * (1 + 0.3 * cloudy(rng, width, height, 8, 4)), 0, 1.2) * _inside(width, height)
    shade = both[..., 1] * (1 + 0.07 * cloudy(rng, width, height, 10, 4))
    # The rim of real smoke thins out; how far depends on its age.
    soft = cv2.GaussianBlur(_cover(torn, density), (0, 0), float(rng.uniform(0.004, 0.045)) * size + 0.3)
    shade = np.clip(shade, 0.25, 1.4) ** float(rng.uniform(1.0, 2.2))
    return Smoke(np.asarray(soft, np.float32), np.asarray(shade, np.float32))


def _puff(cover: Field, shade: Field, at: tuple[float, float], radius: float, sun: Field, brightness: float) -> None:
    """One ball before those already there: soft at its rim, lit on the side of the sun."""
    x, y = at
    height, width = cover.shape
    x0, x1 = max(int(x - radius), 0), min(int(x + radius) + 2, width)
    y0, y1 = max(int(y - radius), 0), min(int(y + radius) + 2, height)
    if x1 <= x0 or y1 <= y0:
        return
    dx = ((np.arange(x0, x1, dtype=np.float32) - x) / radius)[None, :]
    dy = ((np.arange(y0, y1, dtype=np.float32) - y) / radius)[:, None]
    body = np.clip(1.25 * (1 - dx * dx - dy * dy), 0, 1)
    lit = brightness * (0.82 + 0.3 * (dx * sun[0] + dy * sun[1]))
    part = slice(y0, y1), slice(x0, x1)
    shade[part] += body * (lit - shade[part])
    cover[part] += body * (1 - cover[part]) * 0.85


def veil_layer(rng: np.random.Generator, width: int, height: int, density: float) -> Smoke:
    """Smoke that fills a room or a street: soft, thicker above, no outline."""
    soot = np.clip(0.5 + 0.5 * cloudy(rng, width, height, rng.uniform(1.5, 4), 4), 0, 1)
    slope = np.linspace(1, rng.uniform(0.1, 0.9), height, dtype=np.float32)[:, None]
    side = np.linspace(rng.uniform(0.3, 1), rng.uniform(0.3, 1), width, dtype=np.float32)[None, :]
    shade = 0.9 + 0.06 * cloudy(rng, width, height, 3, 4)
    return Smoke(_cover(np.asarray(soot * slope * side, np.float32), density), shade)


def _cover(thick: Field, density: float) -> Field:
    return np.asarray(1 - np.exp(-density * np.clip(thick, 0, 2)), np.float32)


def _inside(width: int, height: int) -> Field:
    """1, falling to 0 at the upper rim and the sides: no layer may end in a straight line."""
    xs = np.minimum(np.arange(width), np.arange(width)[::-1]) / (0.08 * width + 1)
    ys = np.arange(height) / (0.1 * height + 1)
    return np.asarray(np.outer(np.clip(ys, 0, 1), np.clip(xs, 0, 1)), np.float32)
