"""Large fires laid over any picture: walls of flame, burning woods and houses, skies gone orange, trees before them.

`samples.fire.stills` makes the fire that has just begun; what has been left to burn looks different, and a model that
knows only the first overlooks the second (found on photographs of forest fires).
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from samples.fire.layers import Flame, billow_layer, flame_layer, plume_layer
from samples.fire.noise import Field, cloudy
from samples.fire.optics import Linear, Picture, luminance
from samples.fire.stills import (
    VISIBLE_SHINE,
    VISIBLE_SMOKE,
    Composite,
    Label,
    LabelledBox,
    Place,
    Scene,
    a_place,
    add_fire,
    add_smoke,
    boxed,
    merged,
    on_canvas,
)

TRIES = 8
SMALLEST_PX = 48
"""Of a background's shorter side."""
LEAST_SHARE = 0.004
"""Of the picture that a patch of flames covers, to be marked by itself."""
LEAST_SMOKE_PX = 24
FROM_NEAR = 0.3
"""Share of fronts that fill the picture: what a model that knows flames as things in a picture overlooks first."""
HAZES = ((0.02, 0.11, 0.55), (0.05, 0.24, 0.65), (0.1, 0.17, 0.27), (0.28, 0.3, 0.33))
"""BGR light of air full of smoke: lit by flames, by a low sun through it, brown, grey."""
Mask = NDArray[np.uint8]


def blaze(rng: np.random.Generator, background: Picture) -> Composite:
    """`background` (height, width, 3) BGR behind a fire that has been burning for long.

    Where nothing visible could be placed, the background and no boxes.
    """
    for _ in range(TRIES if min(background.shape[:2]) >= SMALLEST_PX else 0):
        place = a_place(rng, background)
        scene = Scene(_hazy(rng, place), [], [])
        scene.light = scene.light * float(np.exp(rng.uniform(np.log(0.12), 0)))
        for depth in np.sort(rng.random(int(rng.choice([1, 2, 3], p=[0.5, 0.35, 0.15])))):
            _front(rng, place, scene, float(depth))
            if rng.random() < 0.55:
                _stand_before(rng, scene)
        made = _shown(rng, place, scene)
        if made is not None:
            return made
    return Composite(background.copy(), ())


def _hazy(rng: np.random.Generator, place: Place) -> Linear:
    if place.eye.infrared or rng.random() < 0.25:
        return place.light
    height, width = place.light.shape[:2]
    colour = np.array(HAZES[int(rng.integers(len(HAZES)))], np.float32) * float(np.exp(rng.normal(0, 0.35)))
    slope = np.linspace(float(rng.uniform(0.6, 1)), float(rng.uniform(0, 0.9)), height, dtype=np.float32)[:, None]
    thick = np.clip(slope * (1 + 0.3 * cloudy(rng, width, height, 2, 4)), 0, 1) * float(rng.uniform(0.2, 0.95))
    white = max(place.white, 0.3)
    return np.asarray(place.light * (1 - thick[..., None]) + colour * white * thick[..., None], np.float32)


def _front(rng: np.random.Generator, place: Place, scene: Scene, depth: float) -> None:
    """Flames side by side; `depth` 0 far … 1 near."""
    height, width = place.light.shape[:2]
    tall = height * float(np.exp(rng.uniform(np.log(0.15 + 0.15 * depth), np.log(0.6 + 0.9 * depth))))
    base = height * float(np.clip(rng.normal(0.62 + 0.35 * depth, 0.1), 0.35, 1.15))
    span = width * float(rng.uniform(0.25, 1.3))
    near = rng.random() < FROM_NEAR
    if near:
        tall, base, span = (float(rng.uniform(0.8, 1.8)) * height, float(rng.uniform(0.9, 1.4)) * height,
                            float(rng.uniform(0.9, 1.8)) * width)  # fmt: skip
    middle, slope = width * float(rng.uniform(0.1, 0.9)), float(rng.normal(0, 0.15))
    heat = np.zeros((height, width), np.float32)
    shine = np.zeros((height, width, 3), np.float32)
    x = middle - span / 2
    while x < middle + span / 2:
        one_tall = max(int(tall * rng.uniform(0.45, 1.15)), 10)
        one_wide = max(int(one_tall * rng.uniform(0.4, 1.1)), 8)
        if -one_wide < x < width:
            flame = flame_layer(rng, one_wide, one_tall, place.leak)
            at = int(x), int(base + slope * (x - middle)) - one_tall
            heat = np.maximum(heat, on_canvas(flame.heat, *at, (height, width)))
            shine = np.maximum(shine, on_canvas(flame.shine, *at, (height, width)))
        x += one_wide * float(rng.uniform(0.35, 0.8 if rng.random() < 0.8 else 2.0))
    if rng.random() < (0.6 if near else 0.35):
        heat, shine = _grown_together(rng, heat, shine, tall)
    if rng.random() < 0.45:
        _smoke(rng, place, scene, (middle, base, tall))
    low, high = (2, 40) if place.dark else (1.2, 9)
    strength = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    shine = np.asarray(shine * strength, np.float32)
    add_fire(rng, place, scene, Flame(shine, heat), (int(x), int(base), int(span), int(tall)))
    if rng.random() < 0.45:
        _smoke(rng, place, scene, (middle, base - tall * float(rng.uniform(0.3, 0.9)), tall))


def _grown_together(rng: np.random.Generator, heat: Field, shine: Linear, tall: float) -> tuple[Field, Linear]:
    """No gaps between the tongues: seen from near, a wall of fire is bright all over."""
    size = max(tall * float(rng.uniform(0.03, 0.12)), 2.0)
    filled = np.asarray(cv2.GaussianBlur(heat, (0, 0), size), np.float32)
    glow = np.asarray(cv2.GaussianBlur(shine, (0, 0), size), np.float32)
    torn = np.clip(1 + 0.5 * cloudy(rng, heat.shape[1], heat.shape[0], float(rng.uniform(4, 14)), 4), 0.2, 2)
    heat = np.asarray(np.maximum(heat, np.clip(1.2 * filled * torn, 0, 1)), np.float32)
    return heat, np.asarray(np.maximum(shine, 1.2 * glow * torn[..., None]), np.float32)


def _smoke(rng: np.random.Generator, place: Place, scene: Scene, at: tuple[float, float, float]) -> None:
    """As large as such fires make it: out of the picture, often."""
    x, base, fire = at
    height, width = place.light.shape[:2]
    tall = min(fire * float(rng.uniform(1, 3)), 1.6 * height)
    wide = min(tall * float(rng.uniform(0.5, 1.6)), 1.8 * width)
    maker = plume_layer if rng.random() < 0.4 else billow_layer
    smoke = maker(rng, max(int(wide), 16), max(int(tall), 16), float(np.exp(rng.uniform(np.log(3), np.log(18)))))
    add_smoke(rng, place, scene, smoke, (int(x - wide * rng.uniform(0.2, 0.8)), int(base - tall)))


def _stand_before(rng: np.random.Generator, scene: Scene) -> None:
    """Something dark between the fire and the camera."""
    height, width = scene.light.shape[:2]
    kinds: tuple[Callable[[np.random.Generator, Mask], None], ...] = (_trunks, _firs, _people, _house)
    mask = np.zeros((height, width), np.uint8)
    kinds[int(rng.choice(len(kinds), p=[0.35, 0.35, 0.15, 0.15]))](rng, mask)
    hidden = (cv2.GaussianBlur(mask, (0, 0), 0.8).astype(np.float32) / 255)[..., None]
    dark = float(rng.uniform(0.005, 0.05)) * float(luminance(scene.light).mean() + 0.1)
    scene.light = np.asarray(scene.light * (1 - hidden) + dark * hidden, np.float32)
    scene.flames[:] = [(heat, np.asarray(shine * (1 - hidden), np.float32)) for heat, shine in scene.flames]
    scene.smokes[:] = [np.asarray(change * (1 - hidden[..., 0]), np.float32) for change in scene.smokes]


def _trunks(rng: np.random.Generator, mask: Mask) -> None:
    height, width = mask.shape
    for _ in range(int(rng.integers(2, 16))):
        x, half = width * rng.random(), max(width * rng.uniform(0.002, 0.03), 1)
        lean, top = rng.normal(0, 0.05) * height, height * rng.uniform(-0.2, 0.5)
        foot = height * rng.uniform(0.75, 1.1)
        corners = [(x - half, foot), (x + half, foot), (x + lean + half * 0.5, top), (x + lean - half * 0.5, top)]
        _fill(mask, corners)
        for _ in range(int(rng.integers(0, 9))):
            y = rng.uniform(top, foot)
            reach, rise = rng.normal(0, 0.12) * width, rng.uniform(-0.12, 0.03) * height
            _fill(mask, [(x, y), (x, y + half), (x + reach, y + rise)])


def _firs(rng: np.random.Generator, mask: Mask) -> None:
    height, width = mask.shape
    size = rng.uniform(0.1, 0.7) * height
    for _ in range(int(rng.integers(3, 22))):
        tall = size * rng.uniform(0.5, 1.2)
        x, foot, half = width * rng.random(), height * rng.uniform(0.8, 1.05), tall * rng.uniform(0.1, 0.22)
        steps = np.linspace(0, 1, int(rng.integers(6, 14)))
        left, right = [], []
        for number, down in enumerate(steps):
            reach = half * down * (1.0 if number % 2 else 0.55) * rng.uniform(0.8, 1.2)
            left.append((x - reach, foot - tall * (1 - down)))
            right.append((x + reach, foot - tall * (1 - down)))
        _fill(mask, left + right[::-1])


def _people(rng: np.random.Generator, mask: Mask) -> None:
    height, width = mask.shape
    tall = height * rng.uniform(0.12, 0.5)
    for _ in range(int(rng.integers(1, 5))):
        x, foot = width * rng.random(), height * rng.uniform(0.85, 1.1)
        half = tall * rng.uniform(0.1, 0.16)
        cv2.circle(mask, (int(x), int(foot - tall * 0.92)), max(int(tall * 0.08), 1), 255, -1, cv2.LINE_AA)
        body = [
            (x - half, foot - tall * 0.82),
            (x + half, foot - tall * 0.82),
            (x + half * 0.9, foot),
            (x - half, foot),
        ]
        _fill(mask, body)


def _house(rng: np.random.Generator, mask: Mask) -> None:
    """Walls whose windows show what burns inside."""
    height, width = mask.shape
    wide, tall = width * rng.uniform(0.3, 1.0), height * rng.uniform(0.25, 0.7)
    left, foot = width * rng.uniform(-0.3, 0.8), height * rng.uniform(0.85, 1.1)
    _fill(mask, [(left, foot), (left + wide, foot), (left + wide, foot - tall), (left, foot - tall)])
    if rng.random() < 0.6:
        _fill(mask, [(left - 6, foot - tall), (left + wide + 6, foot - tall), (left + wide / 2, foot - tall * 1.4)])
    columns, rows = int(rng.integers(2, 6)), int(rng.integers(1, 5))
    cell_wide, cell_tall = wide / columns, tall / rows
    for column in range(columns):
        for row in range(rows):
            x, y = left + (column + 0.5) * cell_wide, foot - tall + (row + 0.5) * cell_tall
            half_wide, half_tall = cell_wide * 0.28, cell_tall * 0.3
            window = [(x - half_wide, y - half_tall), (x + half_wide, y - half_tall)]
            _fill(mask, [*window, (x + half_wide, y + half_tall), (x - half_wide, y + half_tall)], 0)


def _fill(mask: Mask, corners: list[tuple[float, float]], value: int = 255) -> None:
    cv2.fillPoly(mask, [np.array(corners, np.float64).round().astype(np.int32)], value, cv2.LINE_AA)


def _shown(rng: np.random.Generator, place: Place, scene: Scene) -> Composite | None:
    mean = float(luminance(np.clip(scene.light, 0, 2)).mean())
    # Automatic exposure steps down before so much light, seldom all the way.
    gain = (0.3 / mean) ** float(rng.uniform(0, 0.9)) if mean > 0.3 else 1.0
    shine = np.zeros(scene.light.shape[:2], np.float32)
    for _, one in scene.flames:
        shine = np.maximum(shine, np.maximum(one[..., 2], one[..., 1]))
    level = VISIBLE_SHINE * (0.6 if place.dark else 1)
    seen = shine * gain > np.maximum(level, 0.15 * luminance(place.light) * gain)
    boxes = _patches(seen.astype(np.uint8))
    if not boxes:
        return None
    for change in scene.smokes:
        boxes += boxed(np.where(change > VISIBLE_SMOKE, change, 0), Label.SMOKE, 0.3, LEAST_SMOKE_PX)
    return Composite(place.eye.sees(rng, scene.light * gain), tuple(merged(boxes)))


def _patches(seen: Mask) -> list[LabelledBox]:
    """A box for each patch of flames; what nearly touches is one patch."""
    height, width = seen.shape
    reach = max(int(0.02 * max(height, width)), 1) * 2 + 1
    joined = cv2.morphologyEx(seen, cv2.MORPH_CLOSE, np.ones((reach, reach), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(joined)
    found = []
    for left, top, wide, tall, area in stats[1:].tolist():
        if area >= LEAST_SHARE * height * width:
            found.append(LabelledBox(Label.FIRE, left, top, left + wide, top + tall))
    return found
