"""Things in fire's colours that move or gleam: vests, cloth, glass in the evening sun, screens."""

from __future__ import annotations

from math import floor, pi, sin

import cv2
import numpy as np

from samples.facade.seeding import stream
from samples.fire.lookalikes.shared import Surroundings, a_box, around, painted, whole
from samples.fire.noise import cloudy, resized
from samples.fire.optics import Linear
from samples.junction.heads import Box

ORANGES = ((0.02, 0.24, 0.95), (0.03, 0.1, 0.8), (0.05, 0.75, 0.85))
"""BGR albedo of warning orange, red, and lime yellow."""


class HiVis:
    """People in warning vests who walk to and fro, bend and wave."""

    def __init__(self, rng: np.random.Generator, inside: Surroundings) -> None:
        self._people = []
        for _ in range(int(rng.integers(1, 4))):
            tall = float(np.exp(rng.uniform(np.log(24), np.log(0.6 * inside.height))))
            place = a_box(rng, inside, 0.4 * tall, tall, 0.5)
            colour = ORANGES[int(rng.integers(3))]
            reach = float(rng.uniform(0, 1.5) * tall * (rng.random() < 0.7))
            self._people.append((place, colour, reach, float(rng.uniform(4, 15)), float(rng.uniform(0, 6))))
        self._white = inside.white
        self._retro = 1.5 if inside.dark else 0.8
        self.box = around([p.grown(int(r) + 6) for p, _, r, _, _ in self._people], inside)

    def lay(self, light: Linear, t: float) -> None:
        for place, colour, reach, period, phase in self._people:
            swing = sin(2 * pi * t / period + phase)
            x = (place.left + place.right) / 2 + reach * swing - self.box.left
            top, tall = place.top - self.box.top, place.bottom - place.top
            step = 0.07 * tall * sin(2 * pi * 1.7 * t + phase) * (reach > 0)
            arm = 0.16 * tall * (1 + 0.5 * sin(2 * pi * 0.8 * t))
            w = self._white
            for side in (-1, 1):
                foot = (int(x + side * step + side * 0.04 * tall), int(top + tall))
                cv2.line(light, (int(x), int(top + 0.55 * tall)), foot, (0.02 * w, 0.02 * w, 0.03 * w),
                         max(int(0.09 * tall), 1), cv2.LINE_AA)  # fmt: skip
                hand = (int(x + side * arm), int(top + 0.5 * tall))
                cv2.line(light, (int(x + side * 0.1 * tall), int(top + 0.22 * tall)), hand,
                         tuple(0.7 * w * c for c in colour), max(int(0.07 * tall), 1), cv2.LINE_AA)  # fmt: skip
            body = np.array([(x - 0.13 * tall, top + 0.16 * tall), (x + 0.13 * tall, top + 0.16 * tall),
                             (x + 0.12 * tall, top + 0.57 * tall), (x - 0.12 * tall, top + 0.57 * tall)])  # fmt: skip
            painted(light, body, (w * colour[0], w * colour[1], w * colour[2]))
            for share in (0.3, 0.46):
                y = int(top + share * tall)
                bar = self._retro * w
                cv2.line(light, (int(x - 0.12 * tall), y), (int(x + 0.12 * tall), y), (bar, bar, bar),
                         max(int(0.035 * tall), 1))  # fmt: skip
            head = (int(x), int(top + 0.08 * tall))
            cv2.circle(light, head, max(int(0.07 * tall), 1), (0.25 * w, 0.35 * w, 0.5 * w), -1, cv2.LINE_AA)


class RedCloth:
    """A flag, a banner, washing on a line: cloth in the wind, shaded where it folds."""

    def __init__(self, rng: np.random.Generator, inside: Surroundings) -> None:
        wide = float(np.exp(rng.uniform(np.log(16), np.log(0.35 * inside.width))))
        place = a_box(rng, inside, wide, wide * rng.uniform(0.4, 1.6), 0.2)
        w, h = place.right - place.left, place.bottom - place.top
        colour = np.array(ORANGES[int(rng.integers(2))], np.float32)
        print_ = 1 + 0.15 * cloudy(rng, w, h, 4, 4)
        self._cloth = np.asarray(colour * print_[..., None] * inside.white, np.float32)
        if rng.random() < 0.4:
            self._cloth[h // 3 : h // 2, w // 5 : -w // 5 or None] = np.array([0.1, 0.75, 0.9]) * inside.white
        self._hertz, self._waves = float(rng.uniform(0.4, 2.5)), float(rng.uniform(0.7, 2.5))
        self._phase = float(rng.uniform(0, 6))
        self._amount = 0.09 * h
        self._edge = int(self._amount) + 3
        self._place = place
        self.box = around([place.grown(self._edge)], inside)

    def lay(self, light: Linear, t: float) -> None:
        h, w = self._cloth.shape[:2]
        edge = self._edge
        ys, xs = np.mgrid[-edge : h + edge, -edge : w + edge].astype(np.float32)
        gust = 0.55 + 0.45 * sin(2 * pi * t / 17 + self._phase)
        # Cloth hangs still at its pole on the left and swings the more the farther from it.
        free = np.clip(xs / w, 0, 1)
        angle = 2 * pi * (self._waves * xs / w - self._hertz * t) + 1.3 * ys / h
        dy = self._amount * gust * free * np.sin(angle)
        dx = 0.5 * self._amount * gust * free * np.cos(0.7 * angle)
        shown = cv2.remap(self._cloth, xs + dx, ys + dy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT,
                          borderValue=(-1, -1, -1))  # fmt: skip
        shade = 1 + 0.35 * gust * free * np.cos(angle)
        x0, y0 = self.box.left - (self._place.left - edge), self.box.top - (self._place.top - edge)
        part = slice(y0, y0 + light.shape[0]), slice(x0, x0 + light.shape[1])
        seen = shown[part][..., 0] >= 0
        light[seen] = (shown[part] * shade[part][..., None])[seen]


class SunsetGlass:
    """Windows, wet roads or water that throw the low sun back, behind leaves that sway."""

    def __init__(self, rng: np.random.Generator, inside: Surroundings) -> None:
        warm = float(rng.uniform(0, 1))
        self._colour = np.array([0.08 + 0.25 * warm, 0.42 + 0.25 * warm, 1.0], np.float32)
        self._strength = float(rng.uniform(0.8, 5))
        self._seed = int(rng.integers(1 << 30))
        count = int(rng.integers(1, 8))
        wide = float(np.exp(rng.uniform(np.log(8), np.log(0.16 * inside.width))))
        first = a_box(rng, inside, wide, wide * rng.uniform(0.5, 1.8), 0.15)
        pitch = (first.right - first.left) + max(int(0.4 * wide), 2)
        boxes = [Box(first.left + n * pitch, first.top, first.right + n * pitch, first.bottom) for n in range(count)]
        self._panes = [box for box in boxes if box.right < inside.width]
        self._lean = float(rng.uniform(-0.2, 0.2))
        self._shimmer = float(rng.choice([0, 0, rng.uniform(0.2, 0.7)]))
        self._leaves = rng.random() < 0.4
        self.box = around([pane.grown(int(0.3 * wide) + 4) for pane in self._panes or [first]], inside)
        height, width = self.box.bottom - self.box.top, self.box.right - self.box.left
        self._texture = np.clip(0.75 + 0.4 * cloudy(rng, width, height, 4, 4), 0.1, 1.5)
        self._cover = cloudy(rng, width + 40, height, 8, 4)

    def lay(self, light: Linear, t: float) -> None:
        height, width = light.shape[:2]
        mask = np.zeros((height, width), np.float32)
        for number, pane in enumerate(self._panes):
            x, y = pane.left - self.box.left, pane.top - self.box.top
            w, h = pane.right - pane.left, pane.bottom - pane.top
            # The sun wanders over the panes in minutes.
            lit = 0.5 + 0.5 * sin(2 * pi * t / 900 + 0.5 * number)
            lean = self._lean * h
            corners = np.array([(x, y), (x + w, y + 0.3 * lean), (x + w + lean, y + h), (x + lean, y + h)])
            cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], 0.3 + 0.7 * lit, cv2.LINE_AA)
        shown = mask * self._texture
        if self._shimmer:
            ripple = stream(self._seed, "ripple", floor(t * 12)).standard_normal((max(height // 4, 2), 6), np.float32)
            shown = shown * np.clip(1 + self._shimmer * resized(ripple, width, height), 0, 3)
        if self._leaves:
            shift = int(20 + 18 * sin(2 * pi * 0.4 * t))
            shown = shown * (self._cover[:, shift : shift + width] < 0.35)
        light += (self._strength * shown)[..., None] * self._colour


class TvWall:
    """Screens that show moving pictures, some of them orange, cut every few seconds."""

    def __init__(self, rng: np.random.Generator, inside: Surroundings) -> None:
        self._seed = int(rng.integers(1 << 30))
        wide = float(np.exp(rng.uniform(np.log(30), np.log(0.4 * inside.width))))
        columns, rows = int(rng.integers(1, 4)), int(rng.integers(1, 3))
        self.box = a_box(rng, inside, wide, wide * 0.56 * rows / columns + 4, 0.25)
        self._grid = columns, rows
        self._cut = float(rng.uniform(1.5, 6))
        self._strength = float(rng.uniform(0.6, 1.6))

    def lay(self, light: Linear, t: float) -> None:
        height, width = light.shape[:2]
        light[:] = 0.01
        columns, rows = self._grid
        for number in range(columns * rows):
            w, h = width // columns, height // rows
            x, y = number % columns * w, number // columns * h
            if w > 6 and h > 6:
                light[y + 1 : y + h - 1, x + 1 : x + w - 1] = self._film(number, w - 2, h - 2, t)

    def _film(self, number: int, width: int, height: int, t: float) -> Linear:
        scene = floor(t / self._cut + 0.37 * number)
        rng = stream(self._seed, number, scene)
        warm = rng.random() < 0.35
        low, high = (np.array(c, np.float32) for c in (((0.01, 0.1, 0.5), (0.1, 0.6, 1.3)) if warm else
                                                       (rng.uniform(0, 0.4, 3), rng.uniform(0.2, 1.1, 3))))  # fmt: skip
        broad = cloudy(rng, 2 * width, 2 * height, 5, 4)
        speed = rng.uniform(-0.4, 0.4, 2) * (width, height)
        into = t - scene * self._cut
        x, y = (int(np.clip(size / 2 + v * into, 0, size)) for size, v in zip((width, height), speed, strict=True))
        share = np.clip(0.5 + broad[y : y + height, x : x + width], 0, 1)[..., None]
        return np.asarray(self._strength * (low * (1 - share) + high * share), np.float32)


class Clouds:
    """Clouds that drift: bright ones in the sky, their shadows on the ground."""

    def __init__(self, rng: np.random.Generator, inside: Surroundings) -> None:
        self.box = whole(inside)
        self._speed = float(rng.uniform(2, 14))
        height, width = inside.height, inside.width
        self._sky_row = int(height * rng.uniform(0.25, 0.5))
        self._strip = cloudy(rng, 4 * width, height, 10, 5)
        self._white = inside.white
        self._puffy = float(rng.uniform(0.2, 0.7))

    def lay(self, light: Linear, t: float) -> None:
        height, width = light.shape[:2]
        span = self._strip.shape[1] - width
        there = (self._speed * t) % (2 * span)
        shift = int(there if there < span else 2 * span - there)
        part = self._strip[:, shift : shift + width]
        sky = np.clip((self._sky_row - np.arange(height, dtype=np.float32)) / (0.15 * height), 0, 1)[:, None]
        puffs = np.clip(part * 1.3 + 0.1, 0, 1) * self._puffy * sky
        light *= (1 - puffs)[..., None]
        light += (puffs * self._white)[..., None]
        shadow = 1 - 0.35 * np.clip(part + 0.2, 0, 1) * (1 - sky)
        light *= shadow[..., None]
