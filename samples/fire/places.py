"""Rooms, yards and streets to burn in, as BGR pictures by day. All made here; photographs where there are some."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from samples.facade.seeding import stream
from samples.fire.noise import cloudy
from samples.fire.optics import Linear, Picture, by_infrared_lamp, darkened, linear_of, picture_of
from samples.fire.scenario import Light, Scene, Setting
from samples.junction.backdrop import MARGIN, make_backdrop
from samples.junction.lights import LIGHTS, exposed
from samples.junction.render import lit
from samples.junction.scenario import Sky

SKIES = {
    Light.DAY: Sky.SUNNY,
    Light.DULL: Sky.DULL,
    Light.LOW_SUN: Sky.LOW_SUN,
    Light.NIGHT: Sky.NIGHT,
    Light.INFRARED: Sky.INFRARED,
}


def picture_of_place(scene: Scene, photographs: Path | None = None) -> tuple[Picture, int]:
    """What the camera sees before anything happens, (height, width, 3) BGR, and the row where a road begins.

    Raises:
        OSError: the scene's photograph is no picture.
    """
    rng = stream(scene.seed, "place")
    if scene.setting is Setting.STREET:
        back = make_backdrop(rng, scene.width, scene.height)
        light = LIGHTS[SKIES[scene.light]]
        picture = exposed(lit(back.albedo, back.sky, back.glow, light), light)
        inner = picture[MARGIN : MARGIN + scene.height, MARGIN : MARGIN + scene.width]
        return np.ascontiguousarray(inner), back.road_y - MARGIN
    if scene.setting is Setting.PHOTOGRAPH and scene.photograph is not None and photographs is not None:
        found = cv2.imread(str(photographs / scene.photograph))
        if found is None:
            raise OSError(f"{photographs / scene.photograph}: found no picture, expected a JPEG or PNG")
        day = np.asarray(cv2.resize(found, (scene.width, scene.height), interpolation=cv2.INTER_AREA), np.uint8)
    else:
        day = picture_of(_room(rng, scene) if scene.setting is Setting.ROOM else _yard(rng, scene))
    return _in_light(rng, day, scene.light), int(0.6 * scene.height)


def _in_light(rng: np.random.Generator, day: Picture, light: Light) -> Picture:
    linear = linear_of(day)
    if light is Light.NIGHT:
        return picture_of(darkened(rng, linear))
    if light is Light.INFRARED:
        return picture_of(by_infrared_lamp(rng, linear))
    if light is Light.LOW_SUN:
        return picture_of(np.asarray(linear * np.array([0.5, 0.8, 1.15], np.float32), np.float32))
    return picture_of(np.asarray(linear * (0.7 if light is Light.DULL else 1.0), np.float32))


def _room(rng: np.random.Generator, scene: Scene) -> Linear:
    """A store or workshop seen from a corner under its ceiling: floor, walls, shelves, boxes, lamps."""
    w, h = scene.width, scene.height
    light = np.zeros((h, w, 3), np.float32)
    back_l, back_r = int(w * rng.uniform(0.2, 0.35)), int(w * rng.uniform(0.65, 0.8))
    top, foot = int(h * rng.uniform(0.1, 0.2)), int(h * rng.uniform(0.45, 0.6))
    wall = rng.uniform(0.25, 0.6) * np.array([0.92, 0.98, 1.0])
    floor = rng.uniform(0.1, 0.3) * np.array([0.9, 0.95, 1.0])
    for corners, tone in (
        ([(0, 0), (w, 0), (back_r, top), (back_l, top)], 1.25 * wall),
        ([(0, 0), (back_l, top), (back_l, foot), (0, h)], 0.8 * wall),
        ([(w, 0), (back_r, top), (back_r, foot), (w, h)], 0.7 * wall),
        ([(back_l, top), (back_r, top), (back_r, foot), (back_l, foot)], wall),
        ([(0, h), (back_l, foot), (back_r, foot), (w, h)], floor),
    ):
        cv2.fillPoly(light, [np.array(corners, np.int32)], tuple(float(v) for v in tone))
    for row in np.linspace(0, 1, 9)[1:] ** 2:
        y = int(foot + (h - foot) * row)
        cv2.line(light, (0, y), (w, y), tuple(float(v) for v in floor * 0.8), 1)
    for share in np.linspace(-0.6, 1.6, 12):
        foot_x = int(back_l + (back_r - back_l) * share)
        cv2.line(light, (foot_x, foot), (int(w / 2 + (foot_x - w / 2) * 4), h), tuple(float(v) for v in floor * 0.8), 1)
    _shelves(rng, light, (back_l, top, back_r, foot))
    for share in np.sort(rng.random(int(rng.integers(4, 10)))):  # what is near hides what is far
        _crate(rng, light, foot, float(share))
    for _ in range(int(rng.integers(1, 4))):
        x, y = int(rng.integers(back_l, back_r)), int(top * rng.uniform(0.3, 0.9))
        cv2.rectangle(light, (x - 26, y - 3), (x + 26, y + 3), (1.4, 1.5, 1.5), -1)
    return _weathered(rng, light)


def _shelves(rng: np.random.Generator, light: Linear, wall: tuple[int, int, int, int]) -> None:
    left, top, right, foot = wall
    x = left + int(rng.integers(0, 20))
    while x < right - 40:
        wide, tall = int(rng.integers(36, 80)), int((foot - top) * rng.uniform(0.5, 0.85))
        for level in range(3):
            y0 = foot - tall + level * tall // 3
            cv2.rectangle(light, (x, y0), (min(x + wide, right), y0 + tall // 3), (0.05, 0.05, 0.06), -1)
            item = x + 2
            while item < min(x + wide, right) - 6:
                width = int(rng.integers(5, 14))
                paint = np.clip(rng.dirichlet([0.9, 0.9, 0.9]) * rng.uniform(0.2, 1.2), 0.03, 0.8)
                high = int(tall / 3 * rng.uniform(0.4, 0.9))
                cv2.rectangle(light, (item, y0 + tall // 3 - high), (item + width - 2, y0 + tall // 3 - 2),
                              tuple(float(v) for v in paint), -1)  # fmt: skip
                item += width
        x += wide + int(rng.integers(4, 40))


def _crate(rng: np.random.Generator, light: Linear, foot: int, share: float) -> None:
    h, w = light.shape[:2]
    size = int((0.05 + 0.14 * share) * w * rng.uniform(0.6, 1.3))
    x, y = int(rng.integers(0, w - size)), int(foot + (h - foot) * share)
    paint = np.array([0.25, 0.4, 0.55]) * rng.uniform(0.3, 1.1) + rng.uniform(0, 0.05, 3)
    tall, deep = int(size * rng.uniform(0.5, 1.1)), size // 4
    front = np.array([(x, y - tall), (x + size, y - tall), (x + size, y), (x, y)], np.int32)
    lid = np.array(
        [(x, y - tall), (x + size, y - tall), (x + size + deep, y - tall - deep), (x + deep, y - tall - deep)]
    )
    side = np.array(
        [(x + size, y - tall), (x + size + deep, y - tall - deep), (x + size + deep, y - deep), (x + size, y)]
    )
    for corners, share_of_light in ((front, 1.0), (lid.astype(np.int32), 1.3), (side.astype(np.int32), 0.6)):
        cv2.fillPoly(light, [corners], tuple(float(v) for v in paint * share_of_light))
    shadow = np.array([(x, y), (x + size, y), (x + size + deep, y + 4), (x - 4, y + 4)], np.int32)
    cv2.fillPoly(light, [shadow], (0.03, 0.03, 0.03))


def _yard(rng: np.random.Generator, scene: Scene) -> Linear:
    """A works yard: sky, a hall with gates, a wall, concrete with joints, skips, pallets and drums."""
    w, h = scene.width, scene.height
    light = np.zeros((h, w, 3), np.float32)
    ground = int(h * rng.uniform(0.42, 0.55))
    roof = int(ground * rng.uniform(0.25, 0.5))
    slope = np.linspace(0, 1, ground, dtype=np.float32)[:, None, None]
    light[:ground] = np.array([0.75, 0.55, 0.4], np.float32) * (1 - slope) + 0.75 * slope
    light[:ground] += 0.12 * np.clip(cloudy(rng, w, ground, 3, 4), 0, 1)[..., None]
    hall_l, hall_r = int(w * rng.uniform(-0.1, 0.3)), int(w * rng.uniform(0.6, 1.1))
    metal = rng.uniform(0.25, 0.5) * np.array([1.05, 1.0, 0.95])
    cv2.rectangle(light, (0, int(ground * 0.75)), (w, ground), tuple(float(v) for v in 0.6 * metal), -1)
    cv2.rectangle(light, (hall_l, roof), (hall_r, ground), tuple(float(v) for v in metal), -1)
    for x in range(max(hall_l, 0), min(hall_r, w), 7):
        cv2.line(light, (x, roof), (x, ground), tuple(float(v) for v in 0.88 * metal), 1)
    for x in range(hall_l + 30, hall_r - 80, int(rng.integers(100, 170))):
        tall = int((ground - roof) * rng.uniform(0.5, 0.8))
        gate = (0.06, 0.06, 0.06) if rng.random() < 0.5 else (0.35, 0.15, 0.08)
        cv2.rectangle(light, (x, ground - tall), (x + 62, ground), gate, -1)
    light[ground:] = rng.uniform(0.2, 0.4) * np.array([0.95, 1.0, 1.0], np.float32)
    for row in np.linspace(0, 1, 7)[1:] ** 1.8:
        y = int(ground + (h - ground) * row)
        cv2.line(light, (0, y), (w, y), (0.15, 0.16, 0.16), 1)
    for x in range(-w, 2 * w, 90):
        cv2.line(light, (x, h), (int(w / 2 + (x - w / 2) * 0.35), ground), (0.16, 0.17, 0.17), 1)
    for share in np.sort(rng.random(int(rng.integers(5, 11)))):
        _crate(rng, light, ground + 6, float(share))
    return _weathered(rng, light)


def _weathered(rng: np.random.Generator, light: Linear) -> Linear:
    h, w = light.shape[:2]
    grain = 1 + 0.12 * cloudy(rng, w, h, 5, 6) + rng.normal(0, 0.03, (h, w)).astype(np.float32)
    soft = cv2.GaussianBlur(light * grain[..., None], (0, 0), 0.7)
    return np.asarray(np.clip(soft, 0.004, 1.6), np.float32)
