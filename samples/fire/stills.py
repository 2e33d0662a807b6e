"""Fires and smoke laid over any picture, with the boxes a detector should find: training pictures by the thousand.

`composite(rng, background, kind)` is a function of its arguments: the same generator state gives the same picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import cv2
import numpy as np

from samples.fire.layers import Flame, Smoke, billow_layer, flame_layer, plume_layer, veil_layer
from samples.fire.lookalikes.making import SMOKE_IN_A_STILL, an_actor
from samples.fire.lookalikes.shared import Lookalike, Surroundings
from samples.fire.noise import Field, smoothstep
from samples.fire.optics import Eye, Linear, Picture, by_infrared_lamp, darkened, linear_of, luminance, spread

LEAST_PX = 12
"""Fires smaller than this are not labelled: not even a person tells them from a lamp."""
LEAST_SMOKE_PX = 24
"""Smoke smaller than this is a smudge."""
TRIES = 8
FAIR = tuple(kind for kind in Lookalike if kind not in SMOKE_IN_A_STILL)
VISIBLE_SHINE = 0.16
"""Linear light of a flame against the camera's white below which it does not show by day."""
VISIBLE_SMOKE = 0.08
"""Change of the picture's brightness (0…1, as shown) from which smoke counts as visible: 20 grey levels."""


class Label(StrEnum):
    """Classes of the fire model, in the order of its outputs."""

    FIRE = "fire"
    SMOKE = "smoke"


class Kind(StrEnum):
    """What a composite shows."""

    FIRE = "fire"
    SMOKE = "smoke"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class LabelledBox:
    """Pixels of the picture, right and bottom exclusive."""

    label: Label
    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, slots=True, eq=False)
class Composite:
    """A picture of the background's size (BGR) and what is to be found in it."""

    picture: Picture
    boxes: tuple[LabelledBox, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """The background as light, and how it is lit and seen."""

    albedo: Linear
    light: Linear
    eye: Eye
    white: float
    """Light of a white thing here."""
    dark: bool
    leak: float


@dataclass(slots=True, eq=False)
class Scene:
    """A place with what burns in it, while it is put together."""

    light: Linear
    flames: list[tuple[Field, Linear]]
    """Of each fire: what it shines, by itself, over the whole picture."""
    smokes: list[Field]
    """Of each smoke: how much of the picture it changes, 0…1."""


def composite(rng: np.random.Generator, background: Picture, kind: Kind) -> Composite:
    """`background` (height, width, 3) BGR with a fire, smoke, or both; night and infra-red are made of it at times.

    Where nothing visible could be placed (a white or a tiny background), the background and no boxes.
    """
    for _ in range(TRIES if min(background.shape[:2]) >= 4 * LEAST_PX else 0):
        place = a_place(rng, background)
        scene = Scene(place.light, [], [])
        _burn(rng, place, scene, kind)
        made = _shown(rng, place, scene)
        if made is not None:
            return made
    return Composite(background.copy(), ())


def lookalike(rng: np.random.Generator, background: Picture, kinds: Sequence[Lookalike] = FAIR) -> Composite:
    """`background` with one or two things that look like fire or smoke and are none: no boxes.

    `kinds`: `FAIR` by default, without what no single picture tells from smoke.
    """
    place = a_place(rng, background)
    height, width = place.light.shape[:2]
    inside = Surroundings(width, height, place.dark, place.eye.infrared, place.white)
    light = place.light.copy()
    for _ in range(1 if rng.random() < 0.6 else 2):
        kind = kinds[int(rng.integers(len(kinds)))]
        actor = an_actor(rng, kind, inside, still=True)
        if actor.box.right > actor.box.left and actor.box.bottom > actor.box.top:
            actor.lay(light[actor.box.slices], float(rng.uniform(0, 60)))
    return Composite(place.eye.sees(rng, light), ())


def a_place(rng: np.random.Generator, background: Picture) -> Place:
    """The background as it is, or at night, or under the camera's infra-red lamp."""
    albedo = linear_of(background)
    brightness = float(luminance(albedo).mean())
    draw = rng.random()
    eye = _an_eye(rng)
    light, infrared, dark = albedo, False, brightness < 0.06
    if draw < 0.22 and not dark:
        light, dark = darkened(rng, albedo), True
        eye = replace(eye, noise=eye.noise * 1.7)
    elif draw < 0.36:
        light, infrared, dark = by_infrared_lamp(rng, albedo), True, True
        eye = replace(eye, infrared=True)
    else:
        light = albedo * float(rng.uniform(0.75, 1.15))
    if dark and rng.random() < 0.6:
        # At night the shutter is open and the lens dirty: a fire becomes a white blot in a halo.
        eye = replace(eye, bloom=float(rng.choice([0.1, 0.2, 0.35])))
    white = float(np.percentile(luminance(light)[::4, ::4], 96))
    leak = float(rng.uniform(0.5, 1)) if rng.random() < 0.18 else 0.0
    return Place(albedo, light, eye, max(white, 0.06 if dark else 0.25), dark, leak if not infrared else 1.0)


def _an_eye(rng: np.random.Generator) -> Eye:
    return Eye(
        bloom=float(rng.choice([0.01, 0.03, 0.08], p=[0.4, 0.4, 0.2])),
        dirt=float(rng.choice([0.0, 0.02, 0.06], p=[0.7, 0.2, 0.1])),
        noise=float(rng.uniform(0, 5)),
        blur=float(rng.choice([0.0, rng.uniform(0.4, 1.2)], p=[0.6, 0.4])),
        sharpening=float(rng.choice([0.0, rng.uniform(0.2, 0.8)], p=[0.6, 0.4])),
        jpeg=int(rng.integers(35, 95)),
    )


def _burn(rng: np.random.Generator, place: Place, scene: Scene, kind: Kind) -> None:
    height, width = place.light.shape[:2]
    if kind is Kind.SMOKE:
        for _ in range(1 if rng.random() < 0.85 else 2):
            _smoke(rng, place, scene, None)
        return
    for _ in range(int(rng.choice([1, 2, 3], p=[0.78, 0.15, 0.07]))):
        tall = float(np.exp(rng.uniform(np.log(LEAST_PX), np.log(0.8 * height))))
        wide = float(np.clip(tall * np.exp(rng.normal(-0.25, 0.5)), LEAST_PX * 0.7, 0.9 * width))
        left = int(rng.uniform(-0.15 * wide, width - 0.85 * wide))
        # Large fires are near, near things stand low in the picture.
        base = int(height * np.clip(rng.normal(0.66 + 0.25 * tall / height, 0.16), 0.2, 1.08))
        if kind is Kind.BOTH and rng.random() < 0.7:
            _smoke(rng, place, scene, (left + wide / 2, base - 0.6 * tall, tall))
        _fire(rng, place, scene, (left, base, int(wide), int(tall)))
        if kind is Kind.BOTH and not scene.smokes:
            _smoke(rng, place, scene, (left + wide / 2, base - 0.6 * tall, tall))


def _fire(rng: np.random.Generator, place: Place, scene: Scene, at: tuple[int, int, int, int]) -> None:
    left, base, wide, tall = at
    flame = flame_layer(rng, max(wide, 4), max(tall, 6), place.leak)
    strength = float(np.exp(rng.uniform(np.log(2), np.log(60)) if place.dark else rng.uniform(np.log(1.2), np.log(9))))
    shine = on_canvas(flame.shine * strength, left, base - tall, place.light.shape[:2])
    hides = on_canvas(flame.heat, left, base - tall, place.light.shape[:2])
    free = _free(rng, place.light.shape[:2], at)
    if free is not None:
        shine, hides = shine * free[..., None], hides * free
    add_fire(rng, place, scene, Flame(shine, hides), (left, base, wide, tall))


def add_fire(rng: np.random.Generator, place: Place, scene: Scene, flame: Flame, at: tuple[int, int, int, int]) -> None:
    """Lays a flame of the picture's size over it: it hides a little, shines, lights up what is near and the ground."""
    _, base, _, tall = at
    glow = spread(flame.shine, tall * 0.5 + 2) * 0.5 + spread(flame.shine, tall * 1.6 + 4) * 0.8
    light = scene.light + np.clip(place.albedo, 0.02, 0.8) * glow * float(rng.uniform(0.2, 0.9))
    if rng.random() < 0.25:
        light = light + mirrored(flame.shine, base, tall) * float(np.exp(rng.uniform(np.log(0.01), np.log(0.12))))
    opacity = float(rng.uniform(0.2, 0.85))
    light = light * (1 - opacity * smoothstep(flame.heat, 0.05, 0.6))[..., None] + flame.shine
    scene.light = np.asarray(light, np.float32)
    scene.flames.append((flame.heat, flame.shine))


def mirrored(shine: Linear, base: int, tall: int) -> Linear:
    """The reflection on wet or polished ground below the row `base`, drawn out downwards."""
    height = shine.shape[0]
    out = np.zeros_like(shine)
    if not 2 <= base < height - 2:
        return out
    part = shine[max(base - tall, 0) : base][::-1]
    rows = min(part.shape[0], height - base)
    out[base : base + rows] = part[:rows]
    return np.asarray(cv2.blur(out, (3, max(tall // 5, 1) * 2 + 1)), np.float32)


def _free(rng: np.random.Generator, size: tuple[int, int], at: tuple[int, int, int, int]) -> Field | None:
    """What of the picture does not stand before the fire: nothing mostly; poles, a ledge, or all but a window."""
    if rng.random() > 0.25:
        return None
    left, base, wide, tall = at
    free = np.ones(size, np.float32)
    what = rng.random()
    if what < 0.4:
        for _ in range(int(rng.integers(1, 4))):
            x = int(left + wide * rng.random())
            half = max(int(wide * rng.uniform(0.02, 0.12)), 1)
            free[:, max(x - half, 0) : max(x + half, 0)] = 0
    elif what < 0.75:
        free[max(int(base - tall * rng.uniform(0.1, 0.4)), 0) :] = 0
    else:
        free[:] = 0
        x0, x1 = sorted((left + wide * rng.uniform(-0.1, 0.4), left + wide * rng.uniform(0.6, 1.1)))
        free[max(int(base - tall), 0) : max(base, 0), max(int(x0), 0) : max(int(x1), 0)] = 1
    return free


def on_canvas(layer: Field | Linear, left: int, top: int, size: tuple[int, int]) -> Field | Linear:
    """A layer at its place in a picture of `size` (height, width); what lies outside is cut off."""
    height, width = size
    out = np.zeros((height, width, *layer.shape[2:]), np.float32)
    y0, x0 = max(top, 0), max(left, 0)
    y1, x1 = min(top + layer.shape[0], height), min(left + layer.shape[1], width)
    if y1 > y0 and x1 > x0:
        out[y0:y1, x0:x1] = layer[y0 - top : y1 - top, x0 - left : x1 - left]
    return out


def _smoke(rng: np.random.Generator, place: Place, scene: Scene, source: tuple[float, float, float] | None) -> None:
    height, width = place.light.shape[:2]
    draw = rng.random()
    if source is None:
        tall = float(np.exp(rng.uniform(np.log(0.14), np.log(1.4)))) * height
        x, y = width * rng.uniform(0.05, 0.95), height * np.clip(rng.normal(0.75, 0.2), 0.2, 1.15)
    else:
        x, y, fire = source
        tall = min(fire * float(np.exp(rng.uniform(np.log(0.8), np.log(4)))), 1.1 * height)
    wide = tall * float(np.exp(rng.normal(-0.2, 0.35)))
    density = float(np.exp(rng.uniform(np.log(2), np.log(18))))
    if draw < 0.1 and source is None:
        smoke, left, top = veil_layer(rng, width, height, density * 0.8), 0, 0
    else:
        maker = plume_layer if draw < 0.6 else billow_layer
        smoke = maker(rng, max(int(wide), 8), max(int(tall), 8), density)
        left, top = int(x - wide / 2), int(y - tall)
    add_smoke(rng, place, scene, smoke, (left, top))


def add_smoke(rng: np.random.Generator, place: Place, scene: Scene, smoke: Smoke, at: tuple[int, int]) -> None:
    """Lays smoke over the picture, lit by the place and by the fires already there."""
    size = place.light.shape[:2]
    cover, shade = on_canvas(smoke.cover, *at, size), on_canvas(smoke.shade, *at, size)
    cover = cover * float(rng.uniform(0.7, 1.0))
    draw = rng.random()
    black = 0.12 if place.dark else 0.28
    low, high = (0.01, 0.08) if draw < black else (0.2, 0.6) if draw < black + 0.2 else (0.65, 1.8)
    pale = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    tint = 1 + rng.normal(0, 0.04) * np.array([1, 0, -1], np.float32)
    around = np.minimum(spread(scene.light, max(size) / 8), 2 * place.white)
    lit = pale * tint * (0.3 * around + 0.7 * place.white) * shade[..., None]
    for _, shine in scene.flames:
        lit = lit + 0.25 * max(pale, 0.15) * (spread(shine, 14) + spread(shine, max(size) / 10)) * shade[..., None]
    before = luminance(scene.light)
    light = np.asarray(scene.light * (1 - cover[..., None]) + lit * cover[..., None], np.float32)
    change = np.abs(np.clip(luminance(light), 0, 1) ** 0.45 - np.clip(before, 0, 1) ** 0.45)
    scene.light = light
    # Thick smoke over something of its own brightness still hides what one knows to be there.
    scene.smokes.append(np.where((cover > 0.6) & (before > 0.02), np.maximum(change, VISIBLE_SMOKE * 1.01), change))
    scene.flames[:] = [(heat, shine * (1 - cover[..., None])) for heat, shine in scene.flames]


def _shown(rng: np.random.Generator, place: Place, scene: Scene) -> Composite | None:
    mean = float(luminance(np.clip(scene.light, 0, 2)).mean())
    gain = 1.0
    if mean > 0.3:
        # Automatic exposure steps down, seldom all the way.
        gain = (0.3 / mean) ** float(rng.uniform(0, 0.8))
    boxes: list[LabelledBox] = []
    level = VISIBLE_SHINE * (0.6 if place.dark else 1)
    for _, shine in scene.flames:
        seen = cv2.max(shine[..., 2], shine[..., 1]) * gain > np.maximum(level, 0.25 * luminance(place.light))
        boxes += boxed(seen.astype(np.float32), Label.FIRE, 0.1, LEAST_PX * 0.8)
    for change in scene.smokes:
        boxes += boxed(np.where(change > VISIBLE_SMOKE, change, 0), Label.SMOKE, 0.3, LEAST_SMOKE_PX)
    # What is there and has no box would teach a model to overlook it: then the whole picture is made anew.
    whole = len(boxes) == len(scene.flames) + len(scene.smokes)
    if not whole:
        return None
    return Composite(place.eye.sees(rng, scene.light * gain), tuple(merged(boxes)))


def boxed(weight: Field, label: Label, least: float, least_px: float) -> list[LabelledBox]:
    """The box of nearly all that is visible; none if it is too small or less than the share `least` of it shows."""
    total = float(weight.sum())
    if total <= 0:
        return []
    sides = []
    for axis in (0, 1):
        share = np.cumsum(weight.sum(axis=axis)) / total
        sides.append((int(np.searchsorted(share, 0.008)), int(np.searchsorted(share, 0.992)) + 1))
    (left, right), (top, bottom) = sides
    inside = weight[top:bottom, left:right]
    if max(right - left, bottom - top) < least_px or np.count_nonzero(inside) < least * inside.size:
        return []
    return [LabelledBox(label, left, top, right, bottom)]


def merged(boxes: list[LabelledBox]) -> list[LabelledBox]:
    """Boxes of one label that overlap much become one: two plumes that mingle are one cloud of smoke."""
    kept: list[LabelledBox] = []
    for box in boxes:
        for number, other in enumerate(kept):
            if other.label is box.label and _shared(box, other) > 0.4:
                kept[number] = LabelledBox(
                    box.label,
                    min(box.left, other.left),
                    min(box.top, other.top),
                    max(box.right, other.right),
                    max(box.bottom, other.bottom),
                )
                break
        else:
            kept.append(box)
    return kept


def _shared(a: LabelledBox, b: LabelledBox) -> float:
    """Overlap as a share of the smaller box."""
    wide = max(min(a.right, b.right) - max(a.left, b.left), 0)
    tall = max(min(a.bottom, b.bottom) - max(a.top, b.top), 0)
    least = min((box.right - box.left) * (box.bottom - box.top) for box in (a, b))
    return wide * tall / max(least, 1)
