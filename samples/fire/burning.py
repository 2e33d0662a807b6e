"""A fire in a clip: gas that flows in time, grows, shines on its surroundings, smokes; and when it can be seen."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from samples.facade.seeding import stream
from samples.fire.fluid import Flow, Gas
from samples.fire.layers import shine_of
from samples.fire.noise import Field, cloudy, resized, smoothstep
from samples.fire.optics import Linear, luminance, spread
from samples.fire.scenario import FireSpec, Light, Scene
from samples.fire.stills import LEAST_PX, VISIBLE_SHINE, VISIBLE_SMOKE
from samples.junction.heads import Box

FLAME_STEPS, SMOKE_STEPS = 42.0, 13.0
"""Of the flow a second. With 42 the share of pixels' power above 0.8 Hz is 0.5-0.85; of three real clips 0.5-0.8."""
MOST_STEPS = 12
VISIBLE_FLAME_AREA_PX = 40
VISIBLE_SMOKE_SHARE = 0.003
"""Of the picture; from then on a person who looks at it would notice."""
WATCH_SECONDS = 0.3
"""How often it is looked whether smoke can be seen."""
FOOT = 0.97
"""Share of the flow's height at which its source is."""
DOMAIN_BY_SOURCE = 3.4
"""The flow's width by that of what burns."""


@dataclass(slots=True)
class Seen:
    """What of a fire could be seen by now."""

    since: float | None = None
    box: Box | None = None
    """Of all that was ever seen of it."""

    def add(self, mask: Field, corner: Box, t: float) -> None:
        """`mask` (height, width) is above 0 where it is seen; `corner` is the part of the picture that it covers."""
        rows, columns = np.flatnonzero(mask.max(axis=1) > 0), np.flatnonzero(mask.max(axis=0) > 0)
        if not rows.size or not columns.size:
            return
        box = Box(
            corner.left + int(columns[0]), corner.top + int(rows[0]),
            corner.left + int(columns[-1]) + 1, corner.top + int(rows[-1]) + 1,
        )  # fmt: skip
        if self.since is None:
            self.since = t
        known = self.box or box
        self.box = Box(min(box.left, known.left), min(box.top, known.top), max(box.right, known.right),
                       max(box.bottom, known.bottom))  # fmt: skip


class Burning:
    """An actor; see `lookalikes.shared.Actor`."""

    def __init__(self, scene: Scene, spec: FireSpec, number: int, albedo: Linear, white: float) -> None:
        self.spec, self.flames, self.smoke = spec, Seen(), Seen()
        self._scene, self._white, self._number = scene, white, number
        rng = stream(scene.seed, "fire", number)
        self._dark = scene.light in (Light.NIGHT, Light.INFRARED)
        self._leak = 1.0 if scene.light is Light.INFRARED else 0.0
        self._hot = float(rng.uniform(0.5, 0.9))
        self._flame = Flow(_flame_gas(rng, spec), rng) if spec.flame_px else None
        self._soot = Flow(_smoke_gas(rng, spec), rng) if spec.smoke_px else None
        self._texture = np.clip(1 + 0.3 * cloudy(rng, 256, 256, 6, 4), 0.3, 1.8)
        self._steps = {"flame": 0, "smoke": 0}
        self._watch_next = 0.0
        self._pale = 0.04 if spec.black else float(rng.uniform(0.7, 1.1))
        reach = int(max(DOMAIN_BY_SOURCE * spec.flame_px, 1.1 * spec.smoke_px, 40))
        x, y = int(spec.x * scene.width), int(spec.y * scene.height)
        tall = int(max(2.2 * DOMAIN_BY_SOURCE * spec.flame_px, 1.5 * spec.smoke_px, 60))
        self.box = Box(x - reach, y - tall, x + reach, y + reach // 2).inside(scene.width, scene.height)
        self._albedo = np.clip(albedo[self.box.slices], 0.02, 0.7)

    def lay(self, light: Linear, t: float) -> None:
        spec = self.spec
        if not spec.start <= t < spec.end:
            return
        age = t - spec.start
        grown = float(np.clip(0.25 + 0.75 * age / max(spec.grow_seconds, 1e-6), 0.25, 1))
        dying = float(np.clip((spec.end - t) / 6, 0, 1))
        shine = None
        if self._flame is not None:
            shine = self._burn(light, age, grown * (0.3 + 0.7 * dying), t)
        if self._soot is not None:
            self._smoulder(light, age, grown, dying, shine, t)

    def _burn(self, light: Linear, age: float, size: float, t: float) -> Linear:
        flow = self._flame
        assert flow is not None
        self._advance(flow, "flame", round((age + 3) * FLAME_STEPS))
        width = self.spec.flame_px * size * DOMAIN_BY_SOURCE
        heat = self._placed(flow.heat, width)
        shine = shine_of(heat, self._hot, self._leak) * self.spec.strength
        glow = spread(shine, width * 0.25 + 2) * 0.5 + spread(shine, width * 0.7 + 4) * 0.6
        light += self._albedo * glow * (0.8 if self._dark else 0.3)
        light *= (1 - 0.5 * smoothstep(heat, 0.05, 0.6))[..., None]
        light += shine
        strong = cv2.max(shine[..., 2], shine[..., 1])
        seen = strong > np.maximum(VISIBLE_SHINE, 0.25 * luminance(light - shine))
        tall = np.count_nonzero(seen.any(axis=1))
        if np.count_nonzero(seen) >= VISIBLE_FLAME_AREA_PX and tall >= LEAST_PX:
            self.flames.add(seen.astype(np.float32), self.box, t)
        return shine

    def _smoulder(self, light: Linear, age: float, size: float, dying: float, shine: Linear | None, t: float) -> None:
        flow = self._soot
        assert flow is not None
        self._advance(flow, "smoke", round(age * SMOKE_STEPS))
        spec, scene = self.spec, self._scene
        # Smoke is seen from where the flames end.
        soot = self._placed(flow.soot, spec.smoke_px * (0.5 + 0.5 * size), 1.1 * spec.flame_px * size)
        part = _filled(soot)
        if part is None:
            return
        soot, light = soot[part.slices], light[part.slices]
        height, width = soot.shape
        soot = soot * resized(np.roll(self._texture, -int(3 * age), axis=0), width, height)
        cover = np.asarray(1 - np.exp(-spec.density * size * dying * np.clip(soot, 0, 1.5)), np.float32)
        soft = np.asarray(cv2.GaussianBlur(soot, (0, 0), 2.5), np.float32)
        shade = 0.9 + np.clip(0.5 * cv2.Sobel(soft, cv2.CV_32F, 0, 1), -0.2, 0.2)
        lit = (self._pale * self._white * shade)[..., None] * np.array([1.02, 1.0, 0.98], np.float32)
        if shine is not None:
            lit = lit + 0.2 * max(self._pale, 0.15) * spread(shine, 20)[part.slices]
        watched = t >= self._watch_next
        before = luminance(light) if watched else None
        light *= 1 - cover[..., None]
        light += cover[..., None] * lit
        if before is not None:
            self._watch_next = t + WATCH_SECONDS
            change = np.abs(np.clip(luminance(light), 0, 1) ** 0.45 - np.clip(before, 0, 1) ** 0.45) > VISIBLE_SMOKE
            if np.count_nonzero(change) >= VISIBLE_SMOKE_SHARE * scene.width * scene.height:
                x, y = self.box.left + part.left, self.box.top + part.top
                self.smoke.add(change.astype(np.float32), Box(x, y, x + width, y + height), t)

    def _advance(self, flow: Flow, name: str, wanted: int) -> None:
        for _ in range(min(max(wanted - self._steps[name], 0), 90 if self._steps[name] == 0 else MOST_STEPS)):
            flow.step()
        self._steps[name] = max(wanted, self._steps[name])

    def _placed(self, field: Field, width: float, raised: float = 0.0) -> Field:
        """The flow's field at its place within `box`, its foot `raised` by so many pixels."""
        rows, columns = field.shape
        scale = max(width, 2.0) / columns
        x = self.spec.x * self._scene.width - width / 2 - self.box.left
        y = self.spec.y * self._scene.height - FOOT * rows * scale - raised - self.box.top
        size = self.box.right - self.box.left, self.box.bottom - self.box.top
        if scale < 0.8:
            # Averaged first: single cells of a distant fire must not come and go with its place.
            field = resized(field, max(int(columns * scale), 2), max(int(rows * scale), 2))
            scale = max(width, 2.0) / field.shape[1]
        matrix = np.array([[scale, 0, x], [0, scale, y]], np.float32)
        return np.asarray(cv2.warpAffine(field, matrix, size, flags=cv2.INTER_LINEAR), np.float32)


def _filled(soot: Field) -> Box | None:
    """The part of a field in which there is any."""
    there = (soot > 0.004).astype(np.uint8)
    left, top, width, height = cv2.boundingRect(there)
    return Box(left, top, left + width, top + height) if width > 8 and height > 8 else None


def _flame_gas(rng: np.random.Generator, spec: FireSpec) -> Gas:
    return Gas(
        width=80,
        height=136,
        source_width=1 / DOMAIN_BY_SOURCE,
        buoyancy=float(rng.uniform(0.35, 0.8)),
        cooling=float(rng.uniform(0.07, 0.13)),
        curl=float(rng.uniform(0.25, 0.5)),
        wind=spec.wind,
        restless=0.2,
        patches=float(rng.uniform(3, 6)),
    )


def _smoke_gas(rng: np.random.Generator, spec: FireSpec) -> Gas:
    return Gas(
        width=88,
        height=120,
        source_width=float(rng.uniform(0.1, 0.25)),
        buoyancy=float(rng.uniform(0.1, 0.25)),
        cooling=0.02,
        fading=0.004,
        curl=float(rng.uniform(0.2, 0.4)),
        wind=spec.wind,
        restless=0.1,
    )
