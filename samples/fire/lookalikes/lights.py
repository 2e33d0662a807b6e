"""Lamps: steady, flashing, pulsed, broken, dazzling."""

from __future__ import annotations

from math import cos, floor, pi, sin

import cv2
import numpy as np

from samples.facade.seeding import stream
from samples.fire.lookalikes.shared import Surroundings, a_box, around, at, painted, spot
from samples.fire.noise import Field, cloudy
from samples.fire.optics import Linear
from samples.junction.heads import Box

RED = np.array([0.02, 0.04, 1.0], np.float32)
AMBER = np.array([0.01, 0.4, 1.0], np.float32)
SODIUM = np.array([0.04, 0.5, 1.0], np.float32)
BLUE = np.array([1.0, 0.25, 0.05], np.float32)
WHITE = np.array([0.9, 1.0, 1.0], np.float32)
ARC = np.array([1.25, 1.0, 0.85], np.float32)


class TailLights:
    """A queue of cars from behind: tail lights at night, brakes now and then."""

    def __init__(self, rng: np.random.Generator, inside: Surroundings) -> None:
        self._seed = int(rng.integers(1 << 30))
        self._cars = [_car_from_behind(rng, inside) for _ in range(int(rng.integers(1, 5)))]
        self._cars.sort(key=lambda car: car[0].bottom)
        self._strength = float(rng.uniform(1.5, 6) if inside.dark else rng.uniform(0.7, 2.5))
        self._always = 0.35 if inside.dark else 0.05
        self._white = inside.white
        self._spots = [[spot(x, y, r, squash=0.7) for x, y in places] for _, _, places, r in self._cars]
        self.box = around([*(car[0] for car in self._cars), *(s.box for two in self._spots for s in two)], inside)

    def lay(self, light: Linear, t: float) -> None:
        for number, (body, paint, _, _) in enumerate(self._cars):
            _draw_car(light, self.box, body, paint, self._white)
            bucket = floor(t / 2.5)
            brakes = stream(self._seed, number, bucket).random() < 0.5
            for one in self._spots[number]:
                one.add(light, self.box, RED, self._strength * (1.0 if brakes else self._always))


class Beacon:
    """Rotating or flashing lamps of a police car, a digger, a barrier."""

    def __init__(self, rng: np.random.Generator, inside: Surroundings) -> None:
        place = a_box(rng, inside, 4, 4, 0.25)
        radius = float(np.exp(rng.uniform(np.log(1.5), np.log(9))))
        self._colours = [AMBER] if rng.random() < 0.6 else [RED, BLUE] if rng.random() < 0.6 else [BLUE]
        self._hertz, self._sharp = float(rng.uniform(0.8, 2.6)), float(rng.choice([2, 8, 20]))
        self._strength = float(rng.uniform(2, 14))
        self._spots = [
            spot(place.left + n * 3 * radius, place.top, radius, halo=0.08) for n in range(len(self._colours))
        ]
        reach = int(radius * 9 + 12)
        self.box = around([self._spots[0].box, self._spots[-1].box, place.grown(reach)], inside)
        self._spill = spot(place.left, place.top, reach / 3, halo=0.3)
        self._dark = inside.dark

    def lay(self, light: Linear, t: float) -> None:
        for number, one in enumerate(self._spots):
            turn = 2 * pi * (self._hertz * t + number / len(self._spots))
            power = max(cos(turn / 2), 0.0) ** self._sharp if self._sharp > 2 else float(sin(turn) > 0)
            one.add(light, self.box, self._colours[number], self._strength * power)
            if self._dark:
                self._spill.add(light, self.box, self._colours[number], 0.02 * self._strength * power)


class Sign:
    """Letters of pulsed diodes: dark bands run through them, or all of it beats slowly."""

    def __init__(self, rng: np.random.Generator, inside: Surroundings) -> None:
        self.box = a_box(
            rng, inside, rng.uniform(0.06, 0.35) * inside.width, rng.uniform(0.04, 0.14) * inside.height, 0.2
        )
        height, width = self.box.bottom - self.box.top, self.box.right - self.box.left
        self._columns = _letters(rng, 3 * width, height)
        self._colour = [RED, AMBER, AMBER * np.float32(1), np.array([0.1, 0.9, 0.2], np.float32)][int(rng.integers(4))]
        self._strength = float(rng.uniform(0.8, 4))
        self._speed = float(rng.choice([0, 0, rng.uniform(10, 50)]))
        self._beat, self._bands = float(rng.uniform(0.2, 6)), float(rng.choice([0.0, rng.uniform(0.5, 3)]))
        self._depth = float(rng.uniform(0.3, 1))

    def lay(self, light: Linear, t: float) -> None:
        height, width = light.shape[:2]
        light[:] = 0.02
        shift = int(self._speed * t) % (2 * width)
        shown = self._columns[:, shift : shift + width]
        rows = np.arange(height, dtype=np.float32)[:, None] / height
        beat = 0.5 + 0.5 * np.sin(2 * pi * (self._beat * t + self._bands * rows))
        light += (self._strength * shown * (1 - self._depth * beat))[..., None] * self._colour


class Lamp:
    """A sodium lamp that burns still, one that will not start, or a tube that flickers."""

    def __init__(self, rng: np.random.Generator, inside: Surroundings) -> None:
        self._seed = int(rng.integers(1 << 30))
        count = int(rng.integers(1, 5))
        places = [a_box(rng, inside, 4, 4, 0.1) for _ in range(count)]
        radius = float(np.exp(rng.uniform(np.log(1.5), np.log(8))))
        self._spots = [spot(p.left, p.top, radius, halo=float(rng.uniform(0.03, 0.15))) for p in places]
        self._colour = SODIUM if rng.random() < 0.7 else WHITE
        self._strength = float(rng.uniform(1.5, 12))
        self._broken = [rng.random() < 0.4 for _ in places]
        self.box = around([one.box for one in self._spots], inside)

    def lay(self, light: Linear, t: float) -> None:
        for number, one in enumerate(self._spots):
            power = 1.0
            if self._broken[number]:
                # A tube flashes a few times a second for a while, then stays dark, then tries again.
                tries = stream(self._seed, number, floor(t / 4)).random() < 0.6
                flash = stream(self._seed, number, "flash", floor(t * 14)).random()
                power = (0.2 + 0.8 * flash) * (flash > 0.45) if tries else 0.03
            one.add(light, self.box, self._colour, self._strength * power)


class Welding:
    """An arc: bluish, dazzling, different in each picture; sparks below it; seconds on, seconds off."""

    def __init__(self, rng: np.random.Generator, inside: Surroundings) -> None:
        self._seed = int(rng.integers(1 << 30))
        place = a_box(rng, inside, 4, 4, 0.4)
        radius = float(np.exp(rng.uniform(np.log(1.5), np.log(7))))
        self._spot = spot(place.left, place.top, radius, halo=0.12)
        self._x, self._y, self._radius = place.left, place.top, radius
        reach = int(14 * radius + 16)
        self._spill = spot(place.left, place.top, reach / 3, halo=0.4)
        self._strength = float(rng.uniform(6, 30))
        self.box = at(place.grown(reach), inside)

    def lay(self, light: Linear, t: float) -> None:
        if stream(self._seed, "on", floor(t / 6)).random() < 0.4:
            return
        rng = stream(self._seed, "arc", round(t * 1000))
        power = self._strength * float(rng.choice([0.15, 0.6, 1.0], p=[0.2, 0.3, 0.5])) * rng.uniform(0.6, 1)
        self._spot.add(light, self.box, ARC, power)
        self._spill.add(light, self.box, ARC, 0.01 * power)
        for _ in range(int(rng.integers(0, 18))):
            angle, far = rng.uniform(0.1, pi - 0.1), self._radius * rng.uniform(1, 9)
            x, y = self._x - self.box.left + far * cos(angle), self._y - self.box.top + abs(far * sin(angle))
            tip = (int(x + 2 * cos(angle)), int(y + 2))
            cv2.line(light, (int(x), int(y)), tip, (0.2, 1.0, 2.4), 1, cv2.LINE_AA)


class InfraredBloom:
    """At night under an infra-red lamp: headlights that swing by, plates that throw it back, insects at the lens."""

    def __init__(self, rng: np.random.Generator, inside: Surroundings) -> None:
        self._seed, self._inside = int(rng.integers(1 << 30)), inside
        self._road = float(rng.uniform(0.5, 0.9)) * inside.height
        self._plates = [a_box(rng, inside, rng.uniform(4, 14), rng.uniform(2, 7), 0.5) for _ in range(3)]
        self._insects = int(rng.integers(0, 4))
        self.box = Box(0, 0, inside.width, inside.height)

    def lay(self, light: Linear, t: float) -> None:
        for plate in self._plates:
            light[plate.slices] = 1.6
        bucket = floor(t / 9)
        ride = stream(self._seed, "ride", bucket)
        if ride.random() < 0.7:
            along = (t / 9 - bucket) * 1.3 - 0.15
            x = self._inside.width * (along if ride.random() < 0.5 else 1 - along)
            radius = float(ride.uniform(2, 8))
            for dx in (0, 5 * radius):
                spot(x + dx, self._road, radius, halo=0.15).add(light, self.box, WHITE, float(ride.uniform(4, 25)))
        for number in range(self._insects):
            fly = stream(self._seed, "insect", number, floor(t * 5))
            spot(
                float(fly.uniform(0, self._inside.width)), float(fly.uniform(0, self._inside.height)),
                float(fly.uniform(3, 12)), halo=0.3, squash=float(fly.uniform(0.4, 1)),
            ).add(light, self.box, WHITE, float(fly.uniform(0.3, 1.2)))  # fmt: skip


CarFromBehind = tuple[Box, tuple[float, float, float], list[tuple[float, float]], float]


def _car_from_behind(rng: np.random.Generator, inside: Surroundings) -> CarFromBehind:
    wide = float(np.exp(rng.uniform(np.log(24), np.log(0.32 * inside.width))))
    body = a_box(rng, inside, wide, wide * 0.75, 0.55)
    paint = np.clip(rng.dirichlet([0.8, 0.8, 0.8]) * rng.uniform(0.1, 1.2), 0.02, 0.8)
    w, h = body.right - body.left, body.bottom - body.top
    y = body.top + 0.55 * h
    places = [(body.left + 0.12 * w, y), (body.right - 0.12 * w, y)]
    if rng.random() < 0.5:
        places.append(((body.left + body.right) / 2, body.top + 0.12 * h))
    return body, (float(paint[0]), float(paint[1]), float(paint[2])), places, max(wide * 0.05, 1.0)


def _draw_car(light: Linear, corner: Box, body: Box, paint: tuple[float, float, float], white: float) -> None:
    w, h = body.right - body.left, body.bottom - body.top
    x, y = body.left - corner.left, body.top - corner.top
    tone = tuple(white * p for p in paint)
    lower = np.array([(x, y + 0.45 * h), (x + w, y + 0.45 * h), (x + w, y + 0.9 * h), (x, y + 0.9 * h)])
    roof = np.array([(x + 0.16 * w, y), (x + 0.84 * w, y), (x + w, y + 0.48 * h), (x, y + 0.48 * h)])
    glass = np.array([(x + 0.2 * w, y + 0.07 * h), (x + 0.8 * w, y + 0.07 * h), (x + 0.9 * w, y + 0.4 * h),
                      (x + 0.1 * w, y + 0.4 * h)])  # fmt: skip
    painted(light, roof, (tone[0] * 0.8, tone[1] * 0.8, tone[2] * 0.8))
    painted(light, lower, (tone[0], tone[1], tone[2]))
    painted(light, glass, (0.06 * white, 0.06 * white, 0.05 * white))
    for wheel in (0.08, 0.78):
        left, top = int(x + wheel * w), int(y + 0.86 * h)
        cv2.rectangle(light, (left, top), (left + max(int(0.14 * w), 1), int(y + h)), (0.01, 0.01, 0.01), -1)


def _letters(rng: np.random.Generator, width: int, height: int) -> Field:
    small = np.zeros((16, max(16 * width // max(height, 1), 16)), np.uint8)
    x = 1
    while x < small.shape[1] - 8:
        glyph = chr(int(rng.integers(65, 91))) if rng.random() < 0.8 else str(int(rng.integers(10)))
        cv2.putText(small, glyph, (x, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.45, 255, 1)
        x += 11
    dots = cv2.resize(small, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return np.asarray(np.clip(1.5 * dots, 0, 1) * (1 + 0.1 * cloudy(rng, width, height, 20, 1)), np.float32)
