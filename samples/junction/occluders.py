"""What comes before heads and between them: buses, trucks, twigs, passing cars, drops on the lens."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import floor, pi, sin
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from samples.facade.seeding import stream
from samples.junction.backdrop import Linear
from samples.junction.heads import Box, Mask
from samples.junction.scenario import Branch, Vehicle

Flag = NDArray[np.uint8]
"""(height, width), 255 where something is."""


@dataclass(frozen=True, slots=True, eq=False)
class Sprite:
    """A thing before light falls on it."""

    albedo: Linear
    glow: Linear
    mask: Flag

    def mirrored(self) -> Sprite:
        """Left and right exchanged."""
        albedo, glow = (np.ascontiguousarray(part[:, ::-1]) for part in (self.albedo, self.glow))
        return Sprite(albedo, glow, np.ascontiguousarray(self.mask[:, ::-1]))


@dataclass(frozen=True, slots=True)
class Placed:
    """A sprite at a moment; (x, y) its upper left corner on the canvas."""

    key: str
    x: int
    y: int


def bus_sprite(vehicle: Vehicle, height: int, width: int, rng: np.random.Generator) -> Sprite:
    """A bus or truck from its side."""
    albedo = np.zeros((height, width, 3), np.float32)
    glow = np.zeros_like(albedo)
    mask = np.zeros((height, width), np.uint8)
    cv2.rectangle(mask, (0, 0), (width - 1, height - 10), 255, -1)
    albedo[:] = np.array(vehicle.colour, np.float32) * rng.uniform(0.9, 1.1)
    albedo *= (1 + 0.08 * rng.normal(0, 1, (height, width, 1))).astype(np.float32)
    if rng.random() < 0.6:  # a bus: a band of windows; else a truck with a plain body
        top, bottom = int(height * 0.12), int(height * 0.45)
        for x in range(8, width - 24, 34):
            albedo[top:bottom, x : x + 28] = rng.uniform(0.02, 0.14)
            glow[top:bottom, x : x + 28] = rng.uniform(0.004, 0.03) * np.array([1, 0.95, 0.8], np.float32)
    stripe = rng.dirichlet([0.5, 0.5, 0.5]).astype(np.float32)
    y = int(height * rng.uniform(0.5, 0.7))
    albedo[y : y + max(height // 14, 3)] = stripe * 0.7
    for x in (int(width * 0.16), int(width * 0.8)):
        cv2.circle(albedo, (x, height - 12), 11, (0.02, 0.02, 0.02), -1)
        cv2.circle(mask, (x, height - 12), 11, 255, -1)
    cv2.circle(glow, (4, int(height * 0.8)), 4, (1.5, 0.05, 0.03), -1)
    return Sprite(np.clip(albedo, 0.01, 0.9), glow, mask)


def vehicle_x(vehicle: Vehicle, stop_x: float, width: int, canvas: int, t: float) -> float | None:
    """Its left edge at t, or None while it is not in the picture. It stops with its left edge at `stop_x`."""
    away = (stop_x + width + 10) if vehicle.from_left else (canvas - stop_x + 10)
    ride = away / vehicle.speed
    if not vehicle.arrives - ride <= t <= vehicle.leaves + (canvas + width) / vehicle.speed:
        return None
    direction = 1 if vehicle.from_left else -1
    if t < vehicle.arrives:
        return stop_x - direction * vehicle.speed * (vehicle.arrives - t)
    if t <= vehicle.leaves:
        return stop_x
    return stop_x + direction * vehicle.speed * (t - vehicle.leaves)


def twigs(rng: np.random.Generator, width: int, height: int) -> Sprite:
    """Leaves with gaps."""
    albedo = np.zeros((height, width, 3), np.float32)
    mask = np.zeros((height, width), np.uint8)
    for _ in range(max(24, width * height // 45)):
        x, y = int(rng.normal(width / 2, width / 4)), int(rng.normal(height / 2, height / 3.4))
        size, shade = int(rng.integers(2, 5)), float(rng.uniform(0.03, 0.15))
        cv2.ellipse(albedo, (x, y), (size + 1, size), float(rng.uniform(0, 180)), 0, 360,
                    (shade * 0.5, shade, shade * 0.25), -1)  # fmt: skip
        cv2.ellipse(mask, (x, y), (size + 1, size), 0, 0, 360, 255, -1)
    return Sprite(albedo, np.zeros_like(albedo), mask)


def branch_offset(branch: Branch, head_width: float, t: float, phase: float) -> tuple[int, int]:
    """Where twigs hang at t against the head's middle, pixels."""
    gust = 0.55 + 0.45 * sin(2 * pi * t / 47 + phase)
    swing = sin(2 * pi * branch.hertz * t + 3 * phase) + 0.4 * sin(2 * pi * 2.3 * branch.hertz * t)
    return (
        round(head_width * (branch.reach + branch.sway * gust * swing)),
        round(head_width * 0.15 * branch.sway * swing),
    )


def car_sprite(rng: np.random.Generator, width: int) -> Sprite:
    """A car from its side, with lights."""
    height = max(width * 2 // 5, 8)
    albedo = np.zeros((height, width, 3), np.float32)
    glow = np.zeros_like(albedo)
    mask = np.zeros((height, width), np.uint8)
    paint = np.clip(rng.dirichlet([0.8, 0.8, 0.8]) * rng.uniform(0.1, 1.4), 0.02, 0.85)
    tone = (float(paint[0]), float(paint[1]), float(paint[2]))
    cv2.rectangle(albedo, (0, height // 3), (width - 1, height - 4), tone, -1)
    cv2.rectangle(mask, (0, height // 3), (width - 1, height - 4), 255, -1)
    cv2.rectangle(albedo, (width // 5, 0), (width * 4 // 5, height // 3), (0.05, 0.06, 0.07), -1)
    cv2.rectangle(mask, (width // 5, 0), (width * 4 // 5, height // 3), 255, -1)
    for x in (width // 4, width * 3 // 4):
        cv2.circle(albedo, (x, height - 4), 3, (0.02, 0.02, 0.02), -1)
        cv2.circle(mask, (x, height - 4), 3, 255, -1)
    cv2.circle(glow, (width - 2, height // 2), max(width // 16, 2), (3.0, 2.9, 2.5), -1)
    cv2.circle(glow, (1, height // 2), max(width // 18, 2), (1.2, 0.03, 0.02), -1)
    return Sprite(albedo, glow, mask)


CAR_KINDS = 6
BUCKET_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class _Ride:
    """One car: when it enters, pixels a second, its lane (0 the farthest, 1 the nearest), its sprite."""

    born: float
    speed: float
    lane: float
    kind: int
    leftward: bool


@lru_cache(maxsize=64)
def _rides(seed: int, traffic: float, bucket: int) -> tuple[_Ride, ...]:
    rng = stream(seed, "cars", bucket)
    return tuple(
        _Ride(
            (bucket + rng.random()) * BUCKET_SECONDS,
            float(rng.uniform(90, 260)),
            float(rng.uniform(0.05, 0.8)),
            int(rng.integers(CAR_KINDS)),
            bool(rng.random() < 0.5),
        )
        for _ in range(int(rng.poisson(traffic * BUCKET_SECONDS)))
    )


class Busy(Protocol):
    """A scene with traffic: cars a second."""

    @property
    def seed(self) -> int: ...

    @property
    def traffic(self) -> float: ...


def cars(scene: Busy, road_y: int, canvas: tuple[int, int], t: float) -> list[Placed]:
    """Cars that cross the picture at t; the same for the same t, whatever was asked before."""
    width, height = canvas
    found: list[Placed] = []
    bucket = floor(t / BUCKET_SECONDS)
    for number in (bucket - 1, bucket):
        for ride in _rides(scene.seed, scene.traffic, number):
            x = -90 + ride.speed * (t - ride.born)
            if t < ride.born or x > width:
                continue
            y = int(road_y + (height - road_y) * ride.lane)
            key = f"car{ride.kind}{'l' if ride.leftward else 'r'}"
            found.append(Placed(key, int(width - x - 60 if ride.leftward else x), y - 30))
    return found


def drops_mask(seed: int, moment: int, count: int, width: int, height: int) -> Flag:
    """Drops on the lens at one `moment`; most of them stay, some have run since the moment before."""
    mask = np.zeros((height, width), np.uint8)
    for number in range(count):
        rng = stream(seed, "drop", number, (moment + number) // 4)
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        radius = int(rng.integers(4, 16))
        cv2.ellipse(mask, (x, y), (radius, int(radius * rng.uniform(1.0, 1.5))), 0, 0, 360, 255, -1)
    return mask


def covered(mask: Flag, at: tuple[int, int], box: Box) -> float:
    """The share of `box` that a mask whose upper left corner is at (x, y) covers."""
    x, y = at
    height, width = mask.shape
    left, top = max(box.left, x), max(box.top, y)
    right, bottom = min(box.right, x + width), min(box.bottom, y + height)
    if right <= left or bottom <= top:
        return 0.0
    inside = mask[top - y : bottom - y, left - x : right - x]
    area = (box.right - box.left) * (box.bottom - box.top)
    return float(np.count_nonzero(inside)) / area


__all__ = [
    "CAR_KINDS",
    "Flag",
    "Mask",
    "Placed",
    "Sprite",
    "branch_offset",
    "bus_sprite",
    "car_sprite",
    "cars",
    "covered",
    "drops_mask",
    "twigs",
    "vehicle_x",
]
