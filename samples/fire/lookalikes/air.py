"""Air that is not clear: steam, exhaust, dust, fog; and threads before the lens."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, pi, sin

import cv2
import numpy as np

from samples.facade.seeding import stream
from samples.fire.bank import plume
from samples.fire.fluid import Flow, Gas
from samples.fire.lookalikes.shared import Surroundings, around, at, whole
from samples.fire.noise import Field, cloudy, resized
from samples.fire.optics import Linear
from samples.junction.heads import Box

STEPS_PER_SECOND = 16.0
MOST_STEPS = 6
"""After a gap in the pictures the gas goes on by no more: a second of it is soon another shape anyway."""


@dataclass(frozen=True, slots=True)
class Look:
    """What gas there is, where, and when."""

    gas: Gas
    base: tuple[float, float]
    """Pixels of its source."""
    wide: float
    """Pixels that the flow's width covers."""
    colour: tuple[float, float, float]
    density: float
    on_off: tuple[float, float]
    """Seconds that it blows, and seconds that it does not."""


class Vapour:
    """Gas of one flow, of one colour, that comes and goes. Without `still` its flow runs; with it, it is a picture."""

    def __init__(self, rng: np.random.Generator, inside: Surroundings, look: Look, *, still: bool) -> None:
        self._rng, self._on_off, self._density = rng, look.on_off, look.density
        gas = look.gas
        tall = look.wide * gas.height / gas.width
        x, y = look.base
        self._domain = Box(int(x - look.wide / 2), int(y - tall * 0.97), int(x + look.wide / 2), int(y + tall * 0.03))
        self.box = at(self._domain, inside)
        self._colour = np.array(look.colour, np.float32) * inside.white
        self._phase = float(rng.uniform(0, 60))
        self._still = plume(rng) if still else None
        self._flow = None if still else Flow(gas, rng)
        self._last: float | None = None

    def lay(self, light: Linear, t: float) -> None:
        soot = self._soot(t)
        d = self._domain
        full = resized(soot, d.right - d.left, d.bottom - d.top)
        part = full[self.box.top - d.top : self.box.bottom - d.top, self.box.left - d.left : self.box.right - d.left]
        cover = (1 - np.exp(-self._density * np.clip(part, 0, 1)))[..., None]
        light *= 1 - cover
        light += cover * self._colour

    def _soot(self, t: float) -> Field:
        if self._flow is None:
            return self._still if self._still is not None else np.zeros((2, 2), np.float32)
        steps = 90 if self._last is None else round((t - self._last) * STEPS_PER_SECOND)
        self._last = t if self._last is None or steps else self._last
        on, off = self._on_off
        blows = (t + self._phase) % (on + off) < on
        for _ in range(min(steps, 90 if steps == 90 else MOST_STEPS)):
            self._flow.step(feeding=blows)
        return self._flow.soot


def steam(rng: np.random.Generator, inside: Surroundings, *, still: bool) -> Vapour:
    """From a pipe, a manhole or a kitchen's vent: white, gone a little higher up, in bursts."""
    gas = Gas(
        width=72,
        height=112,
        source_width=float(rng.uniform(0.08, 0.2)),
        buoyancy=float(rng.uniform(0.15, 0.4)),
        fading=float(rng.uniform(0.03, 0.07)),
        cooling=0.03,
        curl=0.35,
        wind=float(rng.uniform(-1, 1)),
    )
    wide = inside.width * float(rng.uniform(0.15, 0.5))
    base = (inside.width * float(rng.uniform(0.15, 0.85)), inside.height * float(rng.uniform(0.4, 0.95)))
    bursts = (float(rng.uniform(4, 25)), float(rng.uniform(2, 40)))
    return Vapour(rng, inside, Look(gas, base, wide, (1, 1, 1), float(rng.uniform(1.5, 5)), bursts), still=still)


def exhaust(rng: np.random.Generator, inside: Surroundings, *, still: bool) -> Vapour:
    """Of a cold engine: small, grey, driven sideways, for a minute or two."""
    gas = Gas(width=72, height=72, source_width=0.1, buoyancy=0.1, fading=float(rng.uniform(0.03, 0.06)), cooling=0.05,
              curl=0.3, wind=float(rng.choice([-2.5, 2.5])))  # fmt: skip
    wide = inside.width * float(rng.uniform(0.08, 0.25))
    base = (inside.width * float(rng.uniform(0.2, 0.8)), inside.height * float(rng.uniform(0.65, 0.98)))
    pale = float(rng.uniform(0.5, 0.9))
    look = Look(gas, base, wide, (pale, pale, pale), float(rng.uniform(0.8, 2.5)), (70, 100))
    return Vapour(rng, inside, look, still=still)


def dust(rng: np.random.Generator, inside: Surroundings, *, still: bool) -> Vapour:
    """Stirred up by wind or a lorry: brown, low and wide, settles."""
    gas = Gas(width=112, height=64, source_width=0.6, buoyancy=0.07, fading=0.02, cooling=0.06, curl=0.4,
              wind=float(rng.choice([-3, 3])), patches=7)  # fmt: skip
    wide = inside.width * float(rng.uniform(0.3, 0.9))
    base = (inside.width * float(rng.uniform(0.3, 0.7)), inside.height * float(rng.uniform(0.7, 1.0)))
    colour = (0.42, 0.55, 0.68)
    return Vapour(rng, inside, Look(gas, base, wide, colour, float(rng.uniform(1, 3)), (8, 35)), still=still)


class Fog:
    """Fog or drizzle that comes and goes in minutes, thicker with distance."""

    def __init__(self, rng: np.random.Generator, inside: Surroundings) -> None:
        self.box = whole(inside)
        height, width = inside.height, inside.width
        self._far = np.linspace(1, rng.uniform(0.2, 0.6), height, dtype=np.float32)[:, None]
        self._banks = cloudy(rng, 2 * width, height, 3, 3)
        self._white = inside.white * float(rng.uniform(0.6, 0.95))
        self._period, self._phase = float(rng.uniform(300, 900)), float(rng.uniform(0, 6))
        self._most = float(rng.uniform(0.5, 1.6))

    def lay(self, light: Linear, t: float) -> None:
        width = light.shape[1]
        level = self._most * (0.5 + 0.5 * sin(2 * pi * t / self._period + self._phase))
        shift = int((0.5 + 0.5 * sin(2 * pi * t / 211)) * width)
        banks = 1 + 0.25 * self._banks[:, shift : shift + width]
        cover = (1 - np.exp(-level * self._far * banks))[..., None]
        light *= 1 - cover
        light += cover * self._white


class Cobweb:
    """Threads before the lens, out of focus, bright by night, that sway in the wind; at times a spider."""

    def __init__(self, rng: np.random.Generator, inside: Surroundings) -> None:
        self._seed, self._inside = int(rng.integers(1 << 30)), inside
        self.box = whole(inside)
        self._threads = [self._thread(rng) for _ in range(int(rng.integers(2, 6)))]
        self._spider = rng.random() < 0.4
        self._hertz = float(rng.uniform(0.15, 0.9))

    def _thread(self, rng: np.random.Generator) -> tuple[Field, Box, float]:
        width, height = self._inside.width, self._inside.height
        shape = np.zeros((height, width), np.float32)
        a = (int(rng.uniform(-0.1, 1.1) * width), int(rng.choice([-5, height + 5])))
        b = (int(rng.choice([-5, width + 5])), int(rng.uniform(0, 1) * height))
        cv2.line(shape, a, b, 1.0, int(rng.integers(3, 14)), cv2.LINE_AA)
        soft = np.asarray(cv2.GaussianBlur(shape, (0, 0), float(rng.uniform(2, 7))), np.float32)
        rows, columns = np.flatnonzero(soft.max(axis=1) > 0.01), np.flatnonzero(soft.max(axis=0) > 0.01)
        if not rows.size:
            return np.zeros((1, 1), np.float32), Box(0, 0, 1, 1), 0.0
        place = Box(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
        strength = float(rng.uniform(0.15, 0.6)) * (2 if self._inside.dark else 0.7)
        return soft[place.slices], place, strength

    def lay(self, light: Linear, t: float) -> None:
        gust = 0.5 + 0.5 * sin(2 * pi * t / 23)
        for number, (shape, place, strength) in enumerate(self._threads):
            shift = 7 * gust * sin(2 * pi * self._hertz * t + 2 * number)
            moved = np.roll(shape, round(shift), axis=1)
            light[place.slices] += (strength * self._inside.white * moved)[..., None]
        if self._spider:
            rng = stream(self._seed, "spider", floor(t / 30))
            x, y = rng.uniform(0.1, 0.9) * self._inside.width, rng.uniform(0.1, 0.9) * self._inside.height
            x, y = x + 5 * sin(2 * pi * 0.3 * t), y + 8 * sin(2 * pi * 0.11 * t)
            body = np.zeros(light.shape[:2], np.float32)
            cv2.circle(body, (int(x), int(y)), 12, 1.0, -1)
            near = around([Box(int(x) - 30, int(y) - 30, int(x) + 30, int(y) + 30)], self._inside)
            if near.right > near.left and near.bottom > near.top:
                soft = cv2.GaussianBlur(body[near.slices], (0, 0), 5)
                light[near.slices] += (0.6 * self._inside.white * soft)[..., None]
