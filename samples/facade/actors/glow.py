"""Light that changes on the building: lamps, televisions, LED strips, and reflections that sweep across."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import pi, sin

import cv2
import numpy as np

from samples.facade.building import Rectangle
from samples.facade.canvas import Canvas, World
from samples.facade.scenario import Glints, WindowLights
from samples.facade.seeding import stream
from samples.facade.textures import Plane

Level = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class _Lamp:
    cover: Plane
    """(h, w, 3): colour × coverage at full power."""
    left: int
    top: int
    level: Level


class FlickeringWindows:
    """Each lamp is one window (or a sign) whose light is a function of time."""

    def __init__(self, world: World, lights: WindowLights, number: int) -> None:
        self._lamps: list[_Lamp] = []
        rng = stream(world.scenario.seed, "windows", number)
        power = 0.55 if sum(world.light.ambient) < 0.5 else 0.16  # by day the same lamp is pale beside the sky
        seconds = world.scenario.seconds
        for kind in ["switched"] * lights.switched + ["television"] * lights.televisions + ["led"] * lights.leds:
            for _attempt in range(40):  # some windows lie outside the picture: draw again
                rect = _sign(world, rng) if kind == "led" else _window(world, rng)
                colour = {"switched": (1.0, 0.75, 0.45), "television": (0.45, 0.6, 1.0), "led": (1.0, 0.12, 0.15)}[kind]
                lamp = _lamp(world, rect, np.array(colour) * power, _level(kind, rng, seconds), kind != "led")
                if lamp is not None:
                    self._lamps.append(lamp)
                    break

    def draw(self, canvas: Canvas, start_seconds: float, exposure_seconds: float) -> None:
        """Adds what each lamp gives during the exposure."""
        for lamp in self._lamps:
            level = float(np.mean([lamp.level(start_seconds + share * exposure_seconds) for share in (0.1, 0.5, 0.9)]))
            if level > 0:
                canvas.add(lamp.cover * np.float32(level), lamp.left, lamp.top)


def _window(world: World, rng: np.random.Generator) -> Rectangle:
    building = world.scenario.building
    return building.window(int(rng.integers(2, building.floors + 1)), int(rng.integers(0, building.bays)))


def _sign(world: World, rng: np.random.Generator) -> Rectangle:
    building = world.scenario.building
    floor, bay = int(rng.integers(2, building.floors + 1)), int(rng.integers(0, building.bays))
    left, base = building.bay_centre(bay) - 1.0, building.floor_base(floor)
    return Rectangle(left, base - 0.1, left + 2.0, base + 0.25)


def _lamp(
    world: World, rect: Rectangle, colour: np.ndarray[tuple[int, ...], np.dtype[np.float64]], level: Level, pane: bool
) -> _Lamp | None:
    """The lamp's patch of pixels; None if any corner is outside the picture."""
    corners = [(rect.left, rect.bottom), (rect.right, rect.bottom), (rect.right, rect.top), (rect.left, rect.top)]
    pixels = world.camera.project(np.array([(x, y, 0.02) for x, y in corners]))
    if not world.camera.contains(pixels, 3.0).all():
        return None
    low = np.floor(pixels.min(axis=0)).astype(int) - 2
    high = np.ceil(pixels.max(axis=0)).astype(int) + 3
    zoom = 4
    mask = np.zeros(((high[1] - low[1]) * zoom, (high[0] - low[0]) * zoom), np.float32)
    cv2.fillConvexPoly(mask, np.round(((pixels - low) * zoom + 1.5) * 16).astype(np.int32), 1.0, shift=4)
    cover = cv2.resize(mask, (high[0] - low[0], high[1] - low[1]), interpolation=cv2.INTER_AREA)
    if pane:
        cover = cover * world.scene.glass[low[1] : high[1], low[0] : high[0]]
    return _Lamp(np.asarray(cover[..., None] * colour, np.float32), int(low[0]), int(low[1]), level)


def _level(kind: str, rng: np.random.Generator, seconds: float) -> Level:
    """Light against time, 0..1."""
    if kind == "switched":
        flips = np.sort(rng.uniform(0.5, seconds, int(rng.integers(1, 4))))
        first = int(rng.integers(0, 2))
        return lambda t: float((first + int(np.searchsorted(flips, t))) % 2)
    if kind == "television":
        cuts = np.cumsum(rng.uniform(0.15, 0.9, int(seconds / 0.3) + 8))
        levels = rng.uniform(0.1, 0.7, len(cuts) + 1)
        return lambda t: float(levels[int(np.searchsorted(cuts, t))])
    hertz, phase = float(rng.choice([1.0, 2.0, 5.0, 12.0])), float(rng.uniform(0, 1))
    return lambda t: 1.0 if (t * hertz + phase) % 1.0 < 0.5 else 0.0


class SweepingGlints:
    """The sun in somebody's opening window, or in a passing car's: a soft patch that slides over the façade."""

    def __init__(self, world: World, glints: Glints, number: int) -> None:
        self._world = world
        self._glints: list[tuple[float, float, tuple[float, float], tuple[float, float], float, float]] = []
        building = world.scenario.building
        for index in range(glints.count):
            rng = stream(world.scenario.seed, "glint", number, index)
            begin = float(rng.uniform(0.05, 0.8) * world.scenario.seconds)
            lasting = float(rng.uniform(0.8, 2.5))
            start = (
                float(rng.uniform(building.left_m, building.right_m)),
                float(rng.uniform(6, building.height_m - 2)),
            )
            speed = (float(rng.normal(0, 3.0)), float(rng.normal(-1.5, 3.5)))
            self._glints.append(
                (begin, lasting, start, speed, float(rng.uniform(0.25, 0.8)), float(rng.uniform(0.1, 0.4)))
            )

    def draw(self, canvas: Canvas, start_seconds: float, exposure_seconds: float) -> None:
        """A Gaussian of light on the wall, swelling and fading."""
        camera = self._world.camera
        for begin, lasting, start, speed, size_m, power in self._glints:
            age = start_seconds + exposure_seconds / 2 - begin
            if not 0 < age < lasting:
                continue
            spot = np.array([[start[0] + speed[0] * age, start[1] + speed[1] * age, 0.0]])
            edge = camera.project(spot + np.array([size_m, 0.0, 0.0]))[0]
            centre = camera.project(spot)[0]
            if not camera.contains(centre[None], 1.0)[0]:
                continue
            sigma = max(float(np.hypot(*(edge - centre))) / 2, 0.8)
            reach = int(3 * sigma) + 1
            left, top = max(int(centre[0]) - reach, 0), max(int(centre[1]) - reach, 0)
            right, bottom = min(int(centre[0]) + reach, camera.width), min(int(centre[1]) + reach, camera.height)
            y, x = np.mgrid[top:bottom, left:right]
            shape = np.exp(-(((x - centre[0]) ** 2 + 1.6 * (y - centre[1]) ** 2) / (2 * sigma**2)))
            light = (
                shape * (1 - self._world.scene.sky_share[top:bottom, left:right, 0]) * power * sin(pi * age / lasting)
            )
            canvas.add(np.asarray(light[..., None] * np.array([1.0, 0.93, 0.8]), np.float32), left, top)
