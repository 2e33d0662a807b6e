"""What every look-alike is: something that changes a part of the picture's light, as a function of time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import cv2
import numpy as np

from samples.fire.noise import Field
from samples.fire.optics import Linear
from samples.junction.heads import Box


class Lookalike(StrEnum):
    """Kinds, as the figures name them."""

    TAIL_LIGHTS = "tail_lights"
    BEACON = "beacon"
    SIGN = "sign"
    """A sign of pulsed light-emitting diodes, which beats against the camera's shutter."""
    LAMP = "lamp"
    """Sodium and broken fluorescent lamps."""
    SUNSET_GLASS = "sunset_glass"
    HI_VIS = "hi_vis"
    RED_CLOTH = "red_cloth"
    WELDING = "welding"
    TV_WALL = "tv_wall"
    STEAM = "steam"
    FOG = "fog"
    DUST = "dust"
    EXHAUST = "exhaust"
    CLOUDS = "clouds"
    COBWEB = "cobweb"
    INFRARED_BLOOM = "infrared_bloom"


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The picture that a look-alike is put into. Light of 1 is the camera's white."""

    width: int
    height: int
    dark: bool
    infrared: bool
    white: float
    """Light of a white thing here."""


class Actor(Protocol):
    """One look-alike, or one fire."""

    box: Box
    """All that it may change."""

    def lay(self, light: Linear, t: float) -> None:
        """Changes `light`, the part of the picture that `box` cuts out, to how it is at t seconds. Ask in order."""


@dataclass(frozen=True, slots=True, eq=False)
class Spot:
    """A lamp with its halo, to be added to light: drawn once, scaled each time."""

    box: Box
    shape: Field

    def add(self, light: Linear, corner: Box, colour: np.ndarray, strength: float) -> None:
        """Adds it to `light`, whose upper left corner is that of `corner`."""
        inside = Box(
            max(self.box.left, corner.left),
            max(self.box.top, corner.top),
            min(self.box.right, corner.right),
            min(self.box.bottom, corner.bottom),
        )
        if inside.right <= inside.left or inside.bottom <= inside.top or strength <= 0:
            return
        rows = slice(inside.top - self.box.top, inside.bottom - self.box.top)
        columns = slice(inside.left - self.box.left, inside.right - self.box.left)
        place = (
            slice(inside.top - corner.top, inside.bottom - corner.top),
            slice(inside.left - corner.left, inside.right - corner.left),
        )
        light[place] += (strength * self.shape[rows, columns])[..., None] * colour


def spot(x: float, y: float, radius: float, halo: float = 0.04, squash: float = 1.0) -> Spot:
    """A lamp of `radius` pixels at (x, y); `halo` is the share of its light around it, `squash` its height by width."""
    reach = int(max(6 * radius, radius + 8))
    left, top = int(x) - reach, int(y) - reach
    span = np.arange(2 * reach + 1, dtype=np.float32)
    dx, dy = (span + left - x)[None, :], (span + top - y)[:, None] / squash
    far = np.sqrt(dx * dx + dy * dy)
    core = np.clip(radius + 0.5 - far, 0, 1)
    glow = halo * (np.exp(-far / (0.9 * radius + 1)) + 0.3 * np.exp(-far / (2 * radius + 3)))
    fade = np.clip(2 * (1 - far / reach), 0, 1)
    box = Box(left, top, left + 2 * reach + 1, top + 2 * reach + 1)
    return Spot(box, np.asarray((core + glow) * fade, np.float32))


def around(boxes: list[Box], surroundings: Surroundings) -> Box:
    """The box of all of them, inside the picture."""
    return Box(
        max(min(box.left for box in boxes), 0),
        max(min(box.top for box in boxes), 0),
        min(max(box.right for box in boxes), surroundings.width),
        min(max(box.bottom for box in boxes), surroundings.height),
    )


def whole(surroundings: Surroundings) -> Box:
    """All of the picture."""
    return Box(0, 0, surroundings.width, surroundings.height)


def a_box(rng: np.random.Generator, inside: Surroundings, wide: float, tall: float, low: float = 0.3) -> Box:
    """A box of wide × tall pixels somewhere in the picture, its foot below the share `low` of the height."""
    w, h = max(int(min(wide, inside.width - 2)), 2), max(int(min(tall, inside.height - 2)), 2)
    left = int(rng.integers(0, inside.width - w))
    least = min(max(int(low * inside.height), h), inside.height - 1)
    bottom = int(rng.integers(least, inside.height))
    return Box(left, bottom - h, left + w, bottom)


def painted(light: Linear, polygon: np.ndarray, colour: tuple[float, float, float]) -> None:
    """Fills a polygon (n, 2) with one light."""
    cv2.fillPoly(light, [np.round(polygon).astype(np.int32)], colour, cv2.LINE_AA)


def at(box: Box, size: Surroundings) -> Box:
    """The box cut to the picture."""
    return box.inside(size.width, size.height)
