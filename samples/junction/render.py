"""From a scene to pictures: what stands still is drawn once a light level, everything else is pasted onto it.

A picture depends on the scene and its time alone, so pictures can be asked for in any order.
"""

from __future__ import annotations

from math import pi, sin
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from samples.facade.seeding import stream
from samples.junction.backdrop import MARGIN, Linear, from_photograph, make_backdrop
from samples.junction.controller import HeadTruth, Junction
from samples.junction.heads import Box, Caught, HeadLight, housing, outline, paint_head, paint_pole
from samples.junction.lights import Light, Picture, exposed, light_at
from samples.junction.occluders import (
    CAR_KINDS,
    Flag,
    Placed,
    Sprite,
    branch_offset,
    bus_sprite,
    car_sprite,
    cars,
    covered,
    drops_mask,
    twigs,
    vehicle_x,
)
from samples.junction.scenario import (
    Away,
    Billboard,
    Branch,
    Event,
    Fog,
    GainStep,
    LensRain,
    Scene,
    Shake,
    Vehicle,
)

HIDDEN_SHARE = 0.3
"""A head of which so much is covered counts as hidden: a lamp may be behind it."""
HIDING_FOG = 0.6
"""Share of light that comes from fog above which nobody is to blame for not seeing."""
DRIFT_STEP_PX = 0.25
NOISE_SCALE = 8
BILLBOARD_FACES = ((0.7, 0.02, 0.02), (0.02, 0.6, 0.12), (0.8, 0.8, 0.75), (0.05, 0.1, 0.5))
E_ = TypeVar("E_", bound=Event)


class Renderer:
    """Renders one scene. `photographs`: the folder of its photograph, where it has one."""

    def __init__(self, scene: Scene, photographs: Path | None = None) -> None:
        self.scene = scene
        self.junction = Junction(scene.spec, scene.seed, scene.faults, scene.second_of_day)
        self._width, self._height = scene.width + 2 * MARGIN, scene.height + 2 * MARGIN
        self._stage(photographs)
        self._canvas = np.empty((self._height, self._width, 3), np.uint8)
        self._light_key: tuple[object, ...] = ()
        self._away_key: tuple[object, ...] = ()
        self._patches: dict[tuple[object, ...], Picture] = {}
        self._drops: tuple[int, Flag] = (-1, np.zeros((1, 1), np.uint8))
        rng = stream(scene.seed, "phases")
        self._phases = rng.uniform(0, 2 * pi, 8)
        self._caught = rng.random((len(scene.spec.heads), 4096))
        self._noise = (rng.normal(0, NOISE_SCALE, (self._height + 64, self._width + 64))).astype(np.float32)
        self._noise_tile: tuple[float, NDArray[np.int8]] = (-1.0, np.zeros((1, 1), np.int8))

    def _stage(self, photographs: Path | None) -> None:
        """Draws everything that does not depend on light."""
        scene = self.scene
        rng = stream(scene.seed, "backdrop")
        if scene.photograph is not None and photographs is not None:
            self._backdrop = from_photograph(photographs / scene.photograph, scene.width, scene.height)
        else:
            self._backdrop = make_backdrop(rng, scene.width, scene.height)
        back = self._backdrop
        outlines: dict[str, Box] = {}
        ground = back.road_y + int((self._height - back.road_y) * 0.15)
        for head in scene.spec.heads:
            paint_pole(head, scene.looks[head.id], back, MARGIN, ground)
        for head in scene.spec.heads:
            look = scene.looks[head.id]
            paint_head(head, look, back, MARGIN)
            outlines[head.id] = _canvas_box(outline(head, look)).grown(1)
        self._lamps: dict[str, Box] = {}
        self._heads: list[HeadLight] = []
        for head in scene.spec.heads:
            look = scene.looks[head.id]
            mine = outlines[head.id]
            room = min((mine.gap(other) // 2 for name, other in outlines.items() if name != head.id), default=99)
            grown = mine.grown(int(min(max(room, 0), 2.5 * look.diameter, 60)))
            self._heads.append(HeadLight(head, look, grown.inside(self._width, self._height), MARGIN))
            self._lamps[head.id] = _canvas_box(housing(head, look)).inside(self._width, self._height)
        self._sprites = self._make_sprites()

    def _make_sprites(self) -> dict[str, Sprite]:
        sprites: dict[str, Sprite] = {}
        for number in range(CAR_KINDS):
            sprite = car_sprite(stream(self.scene.seed, "car", number), 44 + 9 * number)
            sprites[f"car{number}r"] = sprite
            sprites[f"car{number}l"] = sprite.mirrored()
        for place, event in enumerate(self.scene.events):
            rng = stream(self.scene.seed, "sprite", place)
            if isinstance(event, Vehicle):
                _, _, width, height = self._vehicle_box(event)
                sprites[f"event{place}"] = bus_sprite(event, height, width, rng)
            elif isinstance(event, Branch):
                box = self._lamps[event.head]
                sprites[f"event{place}"] = twigs(
                    rng, round(1.9 * (box.right - box.left)), round(1.25 * (box.bottom - box.top))
                )
        return sprites

    # What is true of a moment

    def states(self, t: float) -> dict[str, HeadTruth]:
        """What every head shows at t."""
        return self.junction.states(t)

    def hidden(self, t: float) -> dict[str, str]:
        """Heads that nobody could judge at t, and why: `moved`, `fog`, `occluded`."""
        heads = [head.id for head in self.scene.spec.heads]
        if any(away.start <= t < away.end for away in self._of(Away)):
            return dict.fromkeys(heads, "moved")
        if self._fog_at(t) >= HIDING_FOG:
            return dict.fromkeys(heads, "fog")
        placed = self._placed(t)
        drops = self._drops_at(t)
        found = {}
        for head in heads:
            box = self._lamps[head]
            shares = [covered(self._sprites[item.key].mask, (item.x, item.y), box) for item in placed]
            if drops is not None:
                shares.append(covered(drops, (0, 0), box))
            if max(shares, default=0.0) >= HIDDEN_SHARE:
                found[head] = "occluded"
        return found

    @property
    def head_boxes(self) -> list[Box]:
        """Housings with their lamps, on the canvas."""
        return list(self._lamps.values())

    def _of(self, kind: type[E_]) -> list[E_]:
        return [event for event in self.scene.events if isinstance(event, kind)]

    def _fog_at(self, t: float) -> float:
        densities = [
            fog.density * min(max(min(t - fog.start, fog.end - t) / fog.ramp, 0.0), 1.0) for fog in self._of(Fog)
        ]
        return round(max(densities, default=0.0), 2)

    def _drops_at(self, t: float) -> Flag | None:
        for rain in self._of(LensRain):
            if rain.start <= t < rain.end:
                moment = int(t / 3.0)
                if self._drops[0] != moment:
                    mask = drops_mask(self.scene.seed, moment, rain.drops, self._width, self._height)
                    self._drops = (moment, mask)
                return self._drops[1]
        return None

    def _vehicle_box(self, vehicle: Vehicle) -> tuple[int, int, int, int]:
        """Where it stops: left, top, width, height on the canvas."""
        box = self._lamps[vehicle.head]
        tall = box.bottom - box.top
        top = round(box.bottom - vehicle.cover * tall - (10 if vehicle.cover >= 1 else 0))
        bottom = min(self._height, max(self._backdrop.road_y + 46, box.bottom + 70))
        width = max(190, 4 * (box.right - box.left))
        left = (box.left + box.right) // 2 - width // 2
        return left, max(top, 0), width, bottom - max(top, 0)

    def _placed(self, t: float) -> list[Placed]:
        """Everything that is before the scene at t, from far to near."""
        placed = cars(self.scene, self._backdrop.road_y, (self._width, self._height), t)
        for place, event in enumerate(self.scene.events):
            if isinstance(event, Branch):
                box, sprite = self._lamps[event.head], self._sprites[f"event{place}"]
                wide = box.right - box.left
                dx, dy = branch_offset(event, wide, t, float(self._phases[place % 8]))
                height, width = sprite.mask.shape
                x = (box.left + box.right - width) // 2 + dx
                placed.append(Placed(f"event{place}", x, (box.top + box.bottom - height) // 2 + dy))
            elif isinstance(event, Vehicle):
                left, top, width, _ = self._vehicle_box(event)
                x_now = vehicle_x(event, left, width, self._width, t)
                if x_now is not None:
                    placed.append(Placed(f"event{place}", round(x_now), top))
        return placed

    # Pictures

    def picture(self, t: float, index: int = 0) -> Picture:
        """What the camera sees at t before compression: I420, (height × 3/2, width). `index` seeds its noise."""
        light, key = light_at(self.scene.light, t)
        gain = 1.0
        for step in self._of(GainStep):
            if step.start <= t < step.end:
                gain *= step.factor
        self._prepare(light, (key, gain), gain)
        away = any(event.start <= t < event.end for event in self._of(Away))
        np.copyto(self._canvas, self._elsewhere(light, gain) if away else self._base)
        if not away:
            self._draw_heads(t, index, light, gain)
            self._draw_billboards(t, light, gain)
        for item in self._placed(t):
            if not (away and item.key.startswith("event")):
                self._paste(item, light, gain)
        self._weather(t)
        shown = self._shown(t)
        i420 = np.asarray(cv2.cvtColor(shown, cv2.COLOR_BGR2YUV_I420), np.uint8)
        self._add_noise(i420[: self.scene.height], light.noise, index)
        return i420

    def _prepare(self, light: Light, key: tuple[object, ...], gain: float) -> None:
        """The still picture in this light."""
        if key == self._light_key:
            return
        back = self._backdrop
        self._linear = lit(back.albedo, back.sky, back.glow, light)
        self._base = exposed(self._linear, light, gain)
        self._light_key = key
        self._patches.clear()

    def _elsewhere(self, light: Light, gain: float) -> Picture:
        if self._away_key != self._light_key:
            back = make_backdrop(stream(self.scene.seed, "elsewhere"), self.scene.width, self.scene.height)
            self._other = exposed(lit(back.albedo, back.sky, back.glow, light), light, gain)
            self._away_key = self._light_key
        return self._other

    def _draw_heads(self, t: float, index: int, light: Light, gain: float) -> None:
        states = self.junction.states(t)
        if self.scene.wet:
            for number, head in enumerate(self._heads):
                self._reflect(number, head, states[head.spec.id].lit, light, gain)
        for number, head in enumerate(self._heads):
            state = states[head.spec.id]
            caught = self._how_caught(number, index) if state.lit else Caught.WHOLE
            key = (number, state.lit, caught, state.digits)
            patch = self._patches.get(key)
            if patch is None:
                added = head.light(state.lit, light, caught, state.digits)
                patch = exposed(self._linear[head.box.slices] + added, light, gain)
                self._patches[key] = patch
            self._canvas[head.box.slices] = patch

    def _how_caught(self, number: int, index: int) -> Caught:
        flicker = self.scene.looks[self._heads[number].spec.id].flicker
        draw = float(self._caught[number, index % 4096])
        if draw >= flicker:
            return Caught.WHOLE
        share = draw / flicker
        return Caught.DIM if share < 0.6 else Caught.BAND if share < 0.9 else Caught.OFF

    def _reflect(self, number: int, head: HeadLight, lit: tuple[int, ...], light: Light, gain: float) -> None:
        """The light of a lamp in a wet road: a streak below it."""
        key = ("wet", number, lit)
        d = head.look.diameter
        x = (head.box.left + head.box.right) // 2
        top = max(self._backdrop.road_y + 6, self._lamps[head.spec.id].bottom + 4)
        box = Box(int(x - 1.2 * d), top, int(x + 1.2 * d) + 1, int(top + 40 + 3 * d)).inside(self._width, self._height)
        if not lit or box.right <= box.left or box.bottom <= box.top:
            return
        if key not in self._patches:
            below = self._linear[box.slices]
            rows, columns = below.shape[:2]
            streak = np.outer(np.sin(np.linspace(0, pi, rows)), np.hanning(columns + 2)[1:-1]).astype(np.float32)
            streak *= stream(self.scene.seed, "ripples", number).uniform(0.4, 1, (rows, 1)).astype(np.float32)
            shine = head.light(lit, light, Caught.WHOLE, None).reshape(-1, 3).max(axis=0)
            with_light = exposed(below + 0.06 * streak[..., None] * shine, light, gain)
            self._patches[key] = np.asarray(cv2.subtract(with_light, exposed(below, light, gain)), np.uint8)
        self._canvas[box.slices] = cv2.add(self._canvas[box.slices], self._patches[key])

    def _draw_billboards(self, t: float, light: Light, gain: float) -> None:
        for place, board in enumerate(self._of(Billboard)):
            face = int(t / board.period + place) % len(BILLBOARD_FACES)
            key = ("board", place, face)
            patch = self._patches.get(key)
            if patch is None:
                tone = np.array(BILLBOARD_FACES[face], np.float32)
                by_day = np.array([light.red, light.green, light.blue], np.float32)
                linear = np.ones((board.height, board.width, 1), np.float32) * tone * (0.3 * by_day + 0.4 * light.lamps)
                patch = exposed(linear.astype(np.float32), light, gain)
                self._patches[key] = patch
            x, y = board.x + MARGIN, board.y + MARGIN
            self._canvas[y : y + board.height, x : x + board.width] = patch

    def _paste(self, item: Placed, light: Light, gain: float) -> None:
        sprite = self._sprites[item.key]
        patch = self._patches.get(("sprite", item.key))
        if patch is None:
            patch = exposed(lit(sprite.albedo, None, sprite.glow, light), light, gain)
            self._patches["sprite", item.key] = patch
        height, width = sprite.mask.shape
        left, top = max(item.x, 0), max(item.y, 0)
        right, bottom = min(item.x + width, self._width), min(item.y + height, self._height)
        if right <= left or bottom <= top:
            return
        inside = (slice(top - item.y, bottom - item.y), slice(left - item.x, right - item.x))
        place = (slice(top, bottom), slice(left, right))
        cv2.copyTo(patch[inside], sprite.mask[inside], self._canvas[place])
        if light.windows > 0.5 and item.key.startswith("car"):
            self._headlight(item, width, height)

    def _headlight(self, item: Placed, width: int, height: int) -> None:
        x = item.x + (width if item.key.endswith("r") else 0)
        y, reach = item.y + height // 2, 26
        box = Box(x - reach, y - reach, x + reach + 1, y + reach + 1)
        if box != box.inside(self._width, self._height):
            return
        if ("headlight",) not in self._patches:
            squared = np.arange(-reach, reach + 1, dtype=np.float32) ** 2
            blob = np.exp(-(squared[:, None] + squared[None]) / 40) * 200
            blob += np.exp(-(squared[:, None] + squared[None]) / 220) * 50
            grey = np.clip(blob, 0, 255).astype(np.uint8)
            self._patches["headlight",] = np.asarray(cv2.merge((grey, grey, grey)), np.uint8)
        self._canvas[box.slices] = cv2.add(self._canvas[box.slices], self._patches["headlight",])

    def _weather(self, t: float) -> None:
        fog = self._fog_at(t)
        if fog > 0:
            tone = float(np.clip(self._base[::16, ::16].mean() * 1.15, 25, 215))
            cv2.addWeighted(self._canvas, 1 - fog, self._canvas, 0.0, tone * fog, dst=self._canvas)
        drops = self._drops_at(t)
        if drops is not None:
            small = cv2.resize(self._canvas, (self._width // 8, self._height // 8), interpolation=cv2.INTER_AREA)
            small = cv2.blur(np.roll(small, 3, axis=0), (3, 3))
            blurred = cv2.resize(small, (self._width, self._height), interpolation=cv2.INTER_LINEAR)
            cv2.copyTo(blurred, drops, self._canvas)

    def offset(self, t: float) -> tuple[float, float]:
        """How far the scene lies from where it was set up, pixels right and down: drift, shake, a PTZ that is back."""
        hours = t / 3600
        dx, dy = self.scene.drift_px_per_hour * hours, 0.6 * self.scene.drift_px_per_hour * hours
        for away in self._of(Away):
            if t >= away.end:
                dx, dy = dx + away.back_dx, dy + away.back_dy
        for shake in self._of(Shake):
            gust = max(sin(2 * pi * t / 31 + self._phases[0]), 0.0)
            dx += shake.amplitude * gust * sin(2 * pi * shake.hertz * t + self._phases[1])
            dy += 0.7 * shake.amplitude * gust * sin(2 * pi * 1.37 * shake.hertz * t + self._phases[2])
        limit = MARGIN - 2
        return min(max(dx, -limit), limit), min(max(dy, -limit), limit)

    def _shown(self, t: float) -> Picture:
        dx, dy = (round(value / DRIFT_STEP_PX) * DRIFT_STEP_PX for value in self.offset(t))
        whole_x, whole_y = int(np.floor(dx)), int(np.floor(dy))
        width, height = self.scene.width, self.scene.height
        left, top = MARGIN - whole_x, MARGIN - whole_y
        if dx == whole_x and dy == whole_y:
            return np.ascontiguousarray(self._canvas[top : top + height, left : left + width])
        matrix = np.array([[1, 0, dx - MARGIN], [0, 1, dy - MARGIN]], np.float32)
        return np.asarray(cv2.warpAffine(self._canvas, matrix, (width, height), flags=cv2.INTER_LINEAR), np.uint8)

    def _add_noise(self, luma: Picture, sigma: float, index: int) -> None:
        if self._noise_tile[0] != sigma:
            tile = np.clip(np.rint(self._noise * (sigma / NOISE_SCALE)), -127, 127).astype(np.int8)
            self._noise_tile = (sigma, tile)
        x, y = (index * 37) % 63, (index * 23) % 61
        height, width = luma.shape
        cv2.add(luma, self._noise_tile[1][y : y + height, x : x + width], dst=luma, dtype=cv2.CV_8U)


def _canvas_box(box: tuple[float, float, float, float]) -> Box:
    left, top, right, bottom = (value + MARGIN for value in box)
    return Box(int(np.floor(left)), int(np.floor(top)), int(np.ceil(right)) + 1, int(np.ceil(bottom)) + 1)


def lit(albedo: Linear, sky: NDArray[np.float32] | None, glow: Linear, light: Light) -> Linear:
    """What an albedo shines in this light, with its own lights where they burn."""
    day = albedo * np.array([light.red, light.green, light.blue], np.float32)
    if sky is not None:
        day *= (1 + (light.sky - 1) * sky)[..., None]
    return np.asarray(day + light.windows * glow, np.float32)
