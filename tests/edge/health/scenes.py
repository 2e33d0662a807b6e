"""Pictures of an invented street for the tests of a camera's health: day, dusk, night, infra-red, rain, fog, traffic.

Drawn from a seed. A world is wider than the picture, so that a camera that is turned sees what was beside it. What is
done to the camera (a hand, a cap, a blow) is a function on pictures, applied behind the scene and before the noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]
Fault = Callable[[Floats, "Rig", float], Floats]

MARGIN = 0.35
"""How much of the world lies beside the picture on each side, in widths."""


class Regime(StrEnum):
    """The light."""

    DAY = "day"
    DUSK = "dusk"
    NIGHT = "night"
    INFRARED = "infrared"


@dataclass(frozen=True, slots=True)
class Weather:
    """What is between the camera and the street, 0-1 each."""

    rain: float = 0.0
    fog: float = 0.0


@dataclass(frozen=True, slots=True)
class Moment:
    """What is true at one time."""

    regime: Regime
    weather: Weather = Weather()
    next_regime: Regime | None = None
    blend: float = 0.0
    """How far the light has become that of `next_regime`."""
    shift: tuple[float, float] = (0.0, 0.0)
    """Where the camera looks, in shares of the width."""
    roll_degrees: float = 0.0
    gain: float = 1.0
    shake: float = 0.0
    """Standard deviation of the vibration, in shares of the width."""
    traffic: float = 1.0


class Rig:
    """One camera on its pole. `picture` gives what it sees; the same seed sees the same."""

    def __init__(self, seed: int = 1, width: int = 640, height: int = 360) -> None:
        self.width, self.height = width, height
        self.random = np.random.default_rng(seed)
        self._wide = int(width * (1 + 2 * MARGIN))
        self._tall = int(height * (1 + 2 * MARGIN))
        self._noises = [self.random.standard_normal((height + 64, width + 64)).astype(np.float32) for _ in range(6)]
        self._albedo, self._depth, self._leaves = self._draw_world()
        self._lights = {regime: self._light(regime) for regime in Regime}
        self._vehicles = [self._vehicle() for _ in range(7)]
        self.noise_scale = 1.0

    # ---- what stands there

    def _draw_world(self) -> tuple[Floats, Floats, Floats]:
        random, wide, tall = self.random, self._wide, self._tall
        world = np.zeros((tall, wide), np.float32)
        horizon = int(tall * 0.42)
        sky = np.linspace(0.95, 0.75, horizon, dtype=np.float32)[:, None]
        world[:horizon] = sky + 0.03 * self._cloud(horizon, wide, 40)
        world[horizon:] = 0.38 + 0.05 * self._cloud(tall - horizon, wide, 6)
        depth = np.repeat(np.linspace(1.0, 0.12, tall, dtype=np.float32)[:, None], wide, axis=1)
        left = 0
        while left < wide:
            breadth = int(random.uniform(0.12, 0.3) * self.width)
            top = int(horizon - random.uniform(0.1, 0.6) * tall * 0.5)
            foot = int(horizon + random.uniform(0.04, 0.12) * tall)
            wall = random.uniform(0.3, 0.8)
            texture = 0.04 * self._cloud(foot - top, min(breadth, wide - left), 3)
            world[top:foot, left : left + breadth] = wall + texture
            depth[top:foot, left : left + breadth] = 0.7
            self._draw_windows(world, left, top, breadth, foot, wall)
            left += breadth + int(random.uniform(0, 0.05) * self.width)
        lane = int(tall * 0.72)
        for x in range(0, wide, int(0.09 * self.width)):
            cv2.rectangle(world, (x, lane), (x + int(0.045 * self.width), lane + max(2, tall // 120)), 0.9, -1)
        cv2.line(world, (0, int(tall * 0.55)), (wide, int(tall * 0.55)), 0.65, max(2, tall // 150))
        for _ in range(14):
            x = int(random.uniform(0, wide))
            top, foot = int(random.uniform(0.25, 0.5) * tall), int(random.uniform(0.5, 0.7) * tall)
            cv2.line(world, (x, top), (x, foot), float(random.uniform(0.1, 0.2)), max(1, self.width // 220))
            plate = int(0.03 * self.width)
            cv2.rectangle(
                world, (x - plate // 2, top), (x + plate // 2, top + plate), float(random.uniform(0.5, 1)), -1
            )
            cv2.line(world, (x - plate // 3, top + plate // 2), (x + plate // 3, top + plate // 2), 0.1, 2)
        leaves = np.zeros_like(world)
        for _ in range(5):
            centre = (int(random.uniform(0, wide)), int(random.uniform(0.35, 0.55) * tall))
            cv2.ellipse(leaves, centre, (int(0.07 * self.width), int(0.16 * tall)), 0, 0, 360, 1.0, -1)
        foliage = 0.25 + 0.16 * self.random.standard_normal(world.shape).astype(np.float32)
        foliage = cv2.GaussianBlur(foliage, (0, 0), self.width / 640)
        return np.where(leaves > 0, foliage, world).astype(np.float32), depth, leaves

    def _draw_windows(self, world: Floats, left: int, top: int, breadth: int, foot: int, wall: float) -> None:
        step_x, step_y = max(6, int(0.024 * self.width)), max(7, int(0.06 * self.height))
        for y in range(top + 4, foot - step_y, step_y):
            for x in range(left + 3, left + breadth - step_x, step_x):
                glass = wall * self.random.uniform(0.25, 0.6)
                cv2.rectangle(world, (x, y), (x + step_x // 2, y + int(step_y * 0.6)), float(glass), -1)

    def _cloud(self, rows: int, columns: int, size: int) -> Floats:
        coarse = self.random.standard_normal((max(2, rows // size + 2), max(2, columns // size + 2)))
        return cv2.resize(coarse.astype(np.float32), (columns, rows), interpolation=cv2.INTER_CUBIC)

    def _light(self, regime: Regime) -> Floats:
        """What the sensor would read of the world in this light, 0-255."""
        tall, wide = self._albedo.shape
        if regime is Regime.DAY:
            shade = np.ones_like(self._albedo)
            points = np.array([[0, tall], [wide * 0.4, tall * 0.5], [wide * 0.62, tall * 0.5], [wide * 0.45, tall]])
            cv2.fillPoly(shade, [points.astype(np.int32)], 0.6)
            return self._albedo * shade * 210
        if regime is Regime.DUSK:
            return self._albedo * 70 + self._lamps(60, 0.05)
        if regime is Regime.NIGHT:
            lit = self._albedo * self._lamps(150, 0.1) / 255
            windows = (cv2.GaussianBlur(self._albedo, (0, 0), 1) < 0.3) * (self._cloud(tall, wide, 30) > 0.9)
            return lit * 200 + 6 + windows * 110 * (self._depth > 0.6)
        y, x = np.mgrid[0:tall, 0:wide]
        falloff = np.exp(-(((x - wide / 2) / (0.35 * wide)) ** 2 + ((y - tall * 0.6) / (0.45 * tall)) ** 2))
        ir = np.where(self._leaves > 0, 0.85, 0.75 * self._albedo**0.8) + 0.2 * (self._albedo - 0.4)
        sky = (self._depth > 0.75) & (self._leaves == 0)
        return np.where(sky, 4, 12 + ir * falloff * 190).astype(np.float32)

    def _lamps(self, strength: float, floor: float) -> Floats:
        tall, wide = self._albedo.shape
        light = np.full((tall, wide), floor * strength, np.float32)
        y, x = np.mgrid[0:tall, 0:wide].astype(np.float32)
        for share in (0.12, 0.32, 0.5, 0.7, 0.9):
            spread = 0.07 * wide
            light += strength * np.exp(-(((x - share * wide) / spread) ** 2 + ((y - 0.62 * tall) / (0.2 * tall)) ** 2))
        return light.astype(np.float32)

    def _vehicle(self) -> tuple[float, float, float, Floats]:
        lane = self.random.choice([0.6, 0.66, 0.74, 0.8])
        speed = float(self.random.uniform(0.03, 0.16)) * (1 if lane > 0.7 else -1)
        size = int(self.random.uniform(0.06, 0.17) * self.width)
        body = np.full((max(8, int(size * 0.5)), size), self.random.uniform(0.1, 0.95), np.float32)
        body[: len(body) // 2, size // 5 : size * 4 // 5] *= 0.5
        body[-max(2, len(body) // 6) :] = 0.05
        return lane, speed, float(self.random.uniform(0, 40)), body

    # ---- what is seen

    def scene(self, t: float, moment: Moment) -> Floats:
        """(height, width), 0-255 and beyond, without noise."""
        light = self._lights[moment.regime]
        if moment.next_regime is not None and moment.blend > 0:
            light = light * (1 - moment.blend) + self._lights[moment.next_regime] * moment.blend
        view = self._crop(light, t, moment)
        if moment.traffic > 0:
            self._drive(view, t, moment)
        weather = moment.weather
        if weather.fog > 0:
            seen = np.exp(-4.0 * weather.fog * self._crop(self._depth, t, moment))
            airlight = {Regime.DAY: 190, Regime.DUSK: 70, Regime.NIGHT: 30, Regime.INFRARED: 60}[moment.regime]
            view = view * seen + airlight * (1 - seen)
        view = view * moment.gain
        if weather.rain > 0:
            view = self._rain(view, weather.rain)
        return view

    def picture(self, t: float, moment: Moment, fault: Fault | None = None) -> Grey:
        """(height, width) as the camera sends it."""
        view = self.scene(t, moment)
        if fault is not None:
            view = fault(view, self, t)
        return self.sensed(view, moment)

    def sensed(self, view: Floats, moment: Moment) -> Grey:
        """With the sensor's noise, which grows where the gain does."""
        sigma = {Regime.DAY: 1.3, Regime.DUSK: 2.2, Regime.NIGHT: 3.5, Regime.INFRARED: 2.8}[moment.regime]
        noise = self._noises[int(self.random.integers(len(self._noises)))]
        y, x = (int(value) for value in self.random.integers(0, 64, 2))
        noisy = view + (sigma * self.noise_scale) * noise[y : y + self.height, x : x + self.width]
        return np.clip(noisy, 0, 255).astype(np.uint8)

    def _crop(self, world: Floats, t: float, moment: Moment) -> Floats:
        shake = self.random.standard_normal(2) * moment.shake if moment.shake else (0.0, 0.0)
        dx, dy = ((moment.shift[axis] + float(shake[axis])) * self.width for axis in (0, 1))
        turn = cv2.getRotationMatrix2D((self._wide / 2, self._tall / 2), moment.roll_degrees, 1.0)
        turn[0, 2] -= (self._wide - self.width) / 2 + dx
        turn[1, 2] -= (self._tall - self.height) / 2 + dy
        return cv2.warpAffine(world, turn, (self.width, self.height), flags=cv2.INTER_LINEAR)

    def _drive(self, view: Floats, t: float, moment: Moment) -> None:
        bright = {Regime.DAY: 200.0, Regime.DUSK: 70.0, Regime.NIGHT: 45.0, Regime.INFRARED: 110.0}[moment.regime]
        wanted = round(len(self._vehicles) * min(1.0, moment.traffic))
        for lane, speed, start, body in self._vehicles[:wanted]:
            place = ((t + start) * abs(speed)) % 1.6 - 0.3
            place = place if speed > 0 else 1 - place
            x, y = int((place - moment.shift[0]) * self.width), int((lane - moment.shift[1]) * self.height)
            left, right = max(0, x), min(self.width, x + body.shape[1])
            top, foot = max(0, y), min(self.height, y + body.shape[0])
            if left >= right or top >= foot:
                continue
            view[top:foot, left:right] = body[top - y : foot - y, left - x : right - x] * bright
            if moment.regime in (Regime.NIGHT, Regime.DUSK):
                self._shine(view, right if speed > 0 else left, (top + foot) // 2)

    def _shine(self, view: Floats, x: int, y: int) -> None:
        reach = self.width // 25
        left, right = max(0, x - reach), min(self.width, x + reach)
        top, foot = max(0, y - reach), min(self.height, y + reach)
        down, across = np.mgrid[top:foot, left:right].astype(np.float32)
        away = np.hypot(across - x, down - y) / (self.width / 70)
        view[top:foot, left:right] += 900 * np.exp(-(away**2)).astype(np.float32)

    def _rain(self, view: Floats, strength: float) -> Floats:
        streaks = np.zeros_like(view)
        for _ in range(int(220 * strength)):
            x, y = self.random.uniform(0, self.width), self.random.uniform(0, self.height)
            length = self.random.uniform(0.02, 0.07) * self.height
            cv2.line(streaks, (int(x), int(y)), (int(x + length * 0.15), int(y + length)), 35.0, 1)
        return (view - 30) * (1 - 0.25 * strength) + 30 + streaks


# ---- what is done to a camera


def cap(view: Floats, rig: Rig, _t: float) -> Floats:
    """A lens cap: black, with the sensor's own pattern."""
    return np.full_like(view, 6.0)


def hand(view: Floats, rig: Rig, t: float) -> Floats:
    """A hand or cloth right at the lens: one blurred brightness, slightly moving."""
    y, x = np.mgrid[0 : view.shape[0], 0 : view.shape[1]].astype(np.float32)
    level = 35 + 0.25 * float(view.mean())
    return level + 25 * np.sin(x / rig.width * 2.2 + 0.3 * np.sin(t)) * np.cos(y / rig.height * 1.7) + 0 * view


def bag(view: Floats, rig: Rig, _t: float) -> Floats:
    """A plastic bag: the light comes through, shapes do not."""
    return cv2.GaussianBlur(view, (0, 0), rig.width / 9) * 0.7 + 15


def spray(view: Floats, rig: Rig, _t: float) -> Floats:
    """Paint on nearly all of the glass."""
    y, x = np.mgrid[0 : view.shape[0], 0 : view.shape[1]].astype(np.float32)
    away = np.hypot((x / rig.width - 0.47) / 0.62, (y / rig.height - 0.5) / 0.62)
    painted = np.clip((1.05 - away) / 0.12, 0, 1)
    return view * (1 - painted) + (60 + 8 * y / rig.height) * painted


def glare_at_night(view: Floats, rig: Rig, _t: float) -> Floats:
    """Something close before the lens, lit by the camera's own infra-red."""
    y, x = np.mgrid[0 : view.shape[0], 0 : view.shape[1]].astype(np.float32)
    return 240 - 120 * np.hypot(x / rig.width - 0.5, y / rig.height - 0.5) + 0 * view


def defocus(share: float) -> Fault:
    """Out of focus: blurred by `share` of the width (standard deviation)."""

    def blurred(view: Floats, rig: Rig, _t: float) -> Floats:
        return cv2.GaussianBlur(view, (0, 0), share * rig.width)

    return blurred


def exposed(gain: float) -> Fault:
    """Wrongly exposed by a factor."""

    def scaled(view: Floats, _rig: Rig, _t: float) -> Floats:
        return view * gain

    return scaled


def footage(
    rig: Rig, moments: Callable[[float], Moment], seconds: float, per_second: float = 2.0, start: float = 0.0
) -> Iterator[tuple[float, Grey]]:
    """(seconds, picture) at an even rate."""
    for index in range(int(seconds * per_second)):
        t = start + index / per_second
        yield t, rig.picture(t, moments(t))


def steady(regime: Regime, **changes: object) -> Callable[[float], Moment]:
    """Always the same light; `changes` replace fields of the moment."""
    moment = replace(Moment(regime), **changes)  # type: ignore[arg-type]
    return lambda _t: moment


def wrapped_gain(rig: Rig, depth: float = 0.12) -> Callable[[float], float]:
    """An automatic exposure that breathes and sometimes steps."""
    phase = float(rig.random.uniform(0, 6))
    return lambda t: 1 + depth * float(np.sin(t / 37 + phase)) + (depth if int(t / 95) % 3 == 1 else 0.0)
