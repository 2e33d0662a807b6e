"""From a scene to pictures. Gas flows, so pictures must be asked for in order of time."""

from __future__ import annotations

from math import pi, sin
from pathlib import Path

import cv2
import numpy as np

from samples.facade.seeding import stream
from samples.fire.burning import Burning
from samples.fire.lookalikes.making import an_actor
from samples.fire.lookalikes.shared import Actor, Surroundings
from samples.fire.optics import SILICON, Linear, Picture, linear_of, luminance, picture_of, spread
from samples.fire.places import picture_of_place
from samples.fire.scenario import Light, Scene
from samples.junction.heads import Box
from samples.junction.occluders import CAR_KINDS, Sprite, car_sprite, cars

BLOOM = 0.04
"""Share of light above white that the lens scatters; three times that by night, when the iris is open."""


class Renderer:
    """Renders one scene. `photographs`: the folder of its photograph, where it has one."""

    def __init__(self, scene: Scene, photographs: Path | None = None) -> None:
        self.scene = scene
        self._base, self._road = picture_of_place(scene, photographs)
        self._grey = scene.light is Light.INFRARED
        dark = scene.light in (Light.NIGHT, Light.INFRARED)
        self._bloom = BLOOM * (3 if dark else 1)
        light = linear_of(self._base)
        white = max(float(np.percentile(luminance(light)[::4, ::4], 96)), 0.05 if dark else 0.25)
        inside = Surroundings(scene.width, scene.height, dark, self._grey, white)
        self.fires = tuple(Burning(scene, spec, n, light / white, white) for n, spec in enumerate(scene.fires))
        self.lookalikes: tuple[Actor, ...] = tuple(
            an_actor(stream(scene.seed, "lookalike", n), kind, inside) for n, kind in enumerate(scene.lookalikes)
        )
        rng = stream(scene.seed, "cars")
        sprites = [car_sprite(rng, int(rng.integers(40, 74))) for _ in range(CAR_KINDS)]
        self._cars = {f"car{n}r": sprite for n, sprite in enumerate(sprites)}
        self._cars |= {f"car{n}l": sprite.mirrored() for n, sprite in enumerate(sprites)}
        self._car_white = white
        tile = stream(scene.seed, "noise").normal(0, scene.noise, (scene.height + 64, scene.width + 64))
        self._noise = np.clip(np.rint(tile), -127, 127).astype(np.int8)

    def bgr(self, t: float) -> Picture:
        """The picture at t seconds, before noise and compression."""
        canvas = self._base.copy()
        self._drive(canvas, t)
        burning = [fire for fire in self.fires if fire.spec.start <= t < fire.spec.end]
        actors = [actor for actor in (*self.lookalikes, *burning) if _has_area(actor.box)]
        for group in _groups(actors):
            self._lay(canvas, group, t)
        if self.scene.shake_px:
            dx = self.scene.shake_px * sin(2 * pi * 0.9 * t) * (0.5 + 0.5 * sin(2 * pi * t / 19))
            matrix = np.array([[1, 0, dx], [0, 1, 0.6 * dx]], np.float32)
            size = self.scene.width, self.scene.height
            canvas = np.asarray(cv2.warpAffine(canvas, matrix, size, borderMode=cv2.BORDER_REFLECT), np.uint8)
        return canvas

    def picture(self, t: float, index: int) -> Picture:
        """What the camera sees at t before compression: I420, (height × 3/2, width). `index` seeds its noise."""
        i420 = np.asarray(cv2.cvtColor(self.bgr(t), cv2.COLOR_BGR2YUV_I420), np.uint8)
        luma = i420[: self.scene.height]
        x, y = (index * 37) % 63, (index * 23) % 61
        noise = self._noise[y : y + self.scene.height, x : x + self.scene.width]
        cv2.add(luma, noise, dst=luma, dtype=cv2.CV_8U)
        if self._grey:
            i420[self.scene.height :] = 128
        return i420

    def _lay(self, canvas: Picture, actors: list[Actor], t: float) -> None:
        box = Box(
            min(a.box.left for a in actors), min(a.box.top for a in actors),
            max(a.box.right for a in actors), max(a.box.bottom for a in actors),
        )  # fmt: skip
        light = linear_of(canvas[box.slices])
        before = light.copy()
        for actor in actors:
            rows = slice(actor.box.top - box.top, actor.box.bottom - box.top)
            columns = slice(actor.box.left - box.left, actor.box.right - box.left)
            actor.lay(light[rows, columns], t)
        if self._grey:
            light = np.repeat(np.asarray(cv2.transform(light, SILICON[None]), np.float32)[..., None], 3, axis=2)
        canvas[box.slices] = picture_of(self._bloomed(light, before))

    def _bloomed(self, light: Linear, before: Linear) -> Linear:
        """With the halo of what was added; the still picture has its own already."""
        bright = np.asarray(cv2.subtract(light, cv2.max(before, np.full_like(before, 0.9))), np.float32)
        bright = np.asarray(cv2.threshold(bright, 0, 0, cv2.THRESH_TOZERO)[1], np.float32)
        if not bright.any():
            return light
        for factor, share in ((160, 1.0), (40, 0.6), (12, 0.35)):
            cv2.scaleAdd(spread(bright, self.scene.width / factor), self._bloom * share, light, light)
        return light

    def _drive(self, canvas: Picture, t: float) -> None:
        if not self.scene.traffic:
            return
        for car in cars(self.scene, self._road, (self.scene.width, self.scene.height), t):
            self._paste(canvas, self._cars[car.key], car.x, car.y)

    def _paste(self, canvas: Picture, sprite: Sprite, x: int, y: int) -> None:
        height, width = sprite.mask.shape
        place = Box(x, y, x + width, y + height).inside(self.scene.width, self.scene.height)
        if not _has_area(place):
            return
        inside = slice(place.top - y, place.bottom - y), slice(place.left - x, place.right - x)
        shine = (sprite.albedo[inside] * self._car_white + sprite.glow[inside])[..., ::-1]
        if self._grey:
            shine = np.repeat((shine @ SILICON)[..., None], 3, axis=2)
        patch = picture_of(np.ascontiguousarray(shine, np.float32))
        cv2.copyTo(patch, sprite.mask[inside], canvas[place.slices])


def _has_area(box: Box) -> bool:
    return box.right > box.left and box.bottom > box.top


def _groups(actors: list[Actor]) -> list[list[Actor]]:
    """Actors whose boxes overlap are laid together, so that each sees the light of those before it."""
    groups: list[list[Actor]] = []
    for actor in actors:
        touching = [group for group in groups if any(_overlap(actor.box, other.box) for other in group)]
        groups = [group for group in groups if group not in touching]
        groups.append([*(one for group in touching for one in group), actor])
    return groups


def _overlap(a: Box, b: Box) -> bool:
    return a.left < b.right and b.left < a.right and a.top < b.bottom and b.top < a.bottom
