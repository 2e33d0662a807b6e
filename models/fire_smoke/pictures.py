"""Made pictures for the recipe: fires, smoke and what looks like them, laid over parts of real pictures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.datasets.reading import Box
from models.fire_smoke.stills import Picture, read
from models.registry import load, onnx_path
from models.training.asking import Asked, Asker
from models.training.making import Made
from models.training.metrics import Answer, overlaps
from samples.fire.blazes import blaze
from samples.fire.stills import Composite, Kind, composite, lookalike

LONGEST_PX = 448
"""Of a made picture: what training sees is smaller still."""
PART = (0.55, 1.0)
"""Of a background's sides that is used: one photograph is many places."""
KINDS = (Kind.FIRE, Kind.SMOKE, Kind.BOTH)
CHANCES = (0.45, 0.25, 0.3)
TRIES = 12
LEAST_FLAME_PX = 40
BELIEVED = {"fire": 0.05, "smoke": 0.08}
"""Scores of the teacher from which on it sees something there at all. Looked at: smoke below is a grey patch that only
its maker knows, or hardly there. 57 % of smokes failed, of fires two thirds of those under 24 px and a fifth of those
over 100."""
MIN_OVERLAP = 0.2


def burning(rng: np.random.Generator, backgrounds: Sequence[Path]) -> Made:
    """A fire, smoke, or both (`models.training.making.Maker`)."""
    background = _background(rng, backgrounds)
    return as_made(composite(rng, background, KINDS[rng.choice(len(KINDS), p=CHANCES)]))


def flames(rng: np.random.Generator, backgrounds: Sequence[Path]) -> Made:
    """Fires without smoke, none of them small."""
    made = as_made(composite(rng, _background(rng, backgrounds), Kind.FIRE))
    for _ in range(TRIES):
        height, width = made.bgr.shape[:2]
        if made.boxes and all(_longest_px(box, width, height) >= LEAST_FLAME_PX for box in made.boxes):
            break
        made = as_made(composite(rng, _background(rng, backgrounds), Kind.FIRE))
    return made


def believed(rng: np.random.Generator, backgrounds: Sequence[Path], *, teacher: str) -> Made:
    """Fires and smoke all of which a teacher finds too: what it does not see at all, nobody could tell.

    `teacher`: a row of the registry that was fetched (and converted) into `var/models`.
    """
    ask = _teacher(teacher)
    made = burning(rng, backgrounds)
    for _ in range(TRIES):
        if made.boxes and _agrees(ask.ask(made.bgr), made.boxes):
            break
        made = burning(rng, backgrounds)
    return made


def blazes(rng: np.random.Generator, backgrounds: Sequence[Path]) -> Made:
    """Fires that have burned for long: walls of flame, woods and houses, skies gone orange."""
    made = as_made(blaze(rng, _background(rng, backgrounds)))
    for _ in range(TRIES):
        if made.boxes:
            break
        made = as_made(blaze(rng, _background(rng, backgrounds)))
    return made


def clouds(rng: np.random.Generator, backgrounds: Sequence[Path]) -> Made:
    """Clouds, dark to burnt out, where a picture has sky, or above it; nothing burns."""
    picture = _background(rng, backgrounds)
    height, width = picture.shape[:2]
    bank = _fractal(rng, height, width)
    cover = np.clip((bank - rng.uniform(0.25, 0.6)) / rng.uniform(0.08, 0.35), 0, 1)
    shade = np.clip(0.5 + _fractal(rng, height, width) * rng.uniform(0.3, 1.2), 0, 1.6)
    blue = np.array((rng.uniform(140, 235), rng.uniform(110, 200), rng.uniform(60, 190)), np.float32)
    grey = rng.uniform(120, 225) * np.array((rng.uniform(0.95, 1.08), 1.0, rng.uniform(0.92, 1.12)), np.float32)
    sky = blue * (1 - cover[..., None]) + grey * (cover * shade)[..., None]
    sky *= np.linspace(rng.uniform(0.7, 1.1), rng.uniform(0.9, 1.4), height, dtype=np.float32)[:, None, None]
    light = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), (0, 0), 2).astype(np.float32)
    if rng.random() < 0.5:  # where it is bright
        there = np.clip((light - 165) / 40, 0, 1)
    else:  # above a ragged horizon
        line = height * (rng.uniform(0.3, 0.7) + 0.15 * (_fractal(rng, 1, width)[0] - 0.5))
        there = np.clip((line[None] - np.arange(height, dtype=np.float32)[:, None]) / 6, 0, 1)
    mixed = sky * there[..., None] + picture * (1 - there[..., None])
    return Made(np.clip(mixed, 0, 255).astype(np.uint8), ())


def mist(rng: np.random.Generator, backgrounds: Sequence[Path]) -> Made:
    """Mist, glare and beams of a low sun, burnt-out walls and windows; nothing burns.

    Smoke has a place and an outline. Mist lies evenly, thicker far away, and a sun's light comes in straight beams.
    """
    picture: NDArray[np.floating] = _background(rng, backgrounds).astype(np.float32)
    height, width = picture.shape[:2]
    if rng.random() < 0.6:
        far = np.linspace(float(rng.uniform(0.5, 1)), float(rng.uniform(0, 0.6)), height, dtype=np.float32)[:, None]
        soft = cv2.GaussianBlur(_fractal(rng, height, width), (0, 0), max(height, width) / 12)
        # What is dark stands near: mist lies behind it.
        near = cv2.GaussianBlur(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), (0, 0), 1.5) / 255
        thick = np.clip(far * (0.7 + 0.6 * soft) * (0.5 + near), 0, 1)[..., None] * rng.uniform(0.2, 0.95)
        air = rng.uniform(120, 250) * np.array((rng.uniform(0.85, 1.15), 1.0, rng.uniform(0.85, 1.1)), np.float32)
        picture = picture * (1 - thick) + air * thick
    if rng.random() < 0.5:
        picture = picture + _glare(rng, height, width)
    if rng.random() < 0.3:
        picture = picture * rng.uniform(1.2, 2.2)
    return Made(np.clip(picture, 0, 255).astype(np.uint8), ())


def _glare(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """A sun in or beside the picture, with beams."""
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = width * rng.uniform(-0.1, 1.1), height * rng.uniform(-0.1, 0.6)
    away = np.hypot(xs - x, ys - y) / max(height, width)
    light = np.exp(-away / rng.uniform(0.03, 0.35))
    if rng.random() < 0.6:
        angle = np.arctan2(ys - y, xs - x)
        beams = sum(np.cos(angle * int(rng.integers(5, 40)) + rng.uniform(0, 6.3)) for _ in range(4)) / 4
        light = light * (1 + rng.uniform(0.3, 1.2) * beams)
    colour = np.array((rng.uniform(0.35, 1.0), rng.uniform(0.7, 1.0), 1.0), np.float32)
    glare: NDArray[np.float32] = (light[..., None] * colour * rng.uniform(80, 320)).astype(np.float32)
    return glare


def _fractal(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float32]:
    """Noise of all sizes, 0…1, wider than high as clouds are."""
    total = np.zeros((height, width), np.float32)
    for octave in range(6):
        cells = (2 ** (octave + 1), 2**octave + 1)
        noise = rng.random((min(cells[0], max(height, 2)), cells[1])).astype(np.float32)
        total += cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC) * np.float32(0.55**octave)
    low, high = float(total.min()), float(total.max())
    return (total - low) / np.float32(max(high - low, 1e-6))


def alike(rng: np.random.Generator, backgrounds: Sequence[Path]) -> Made:
    """Tail lights, beacons, hi-vis vests, steam and the like; nothing burns."""
    return as_made(lookalike(rng, _background(rng, backgrounds)))


def _background(rng: np.random.Generator, backgrounds: Sequence[Path]) -> Picture:
    # By folder first: a set of few pictures is a kind of place, too.
    folders = sorted({path.parent for path in backgrounds})
    folder = folders[rng.integers(len(folders))]
    own = [path for path in backgrounds if path.parent == folder]
    picture = read(own[rng.integers(len(own))])
    height, width = (int(side * rng.uniform(*PART)) for side in picture.shape[:2])
    top, left = rng.integers(0, picture.shape[0] - height + 1), rng.integers(0, picture.shape[1] - width + 1)
    part = picture[top : top + height, left : left + width]
    scale = LONGEST_PX / max(height, width)
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    part = cv2.resize(part, None, fx=scale, fy=scale, interpolation=way).astype(np.uint8, copy=False)
    return np.ascontiguousarray(part[:, ::-1]) if rng.random() < 0.5 else part


def _agrees(answer: Answer, boxes: Sequence[Box]) -> bool:
    for box in boxes:
        own = np.array([[box.left, box.top, box.right, box.bottom]], np.float32)
        same = np.array([label == box.label for label in answer.labels], np.bool_)
        near = same & (overlaps(answer.boxes, own)[:, 0] > MIN_OVERLAP) if len(same) else same
        if not near.any() or float(answer.scores[near].max()) < BELIEVED[box.label]:
            return False
    return True


@lru_cache(maxsize=2)
def _teacher(name: str) -> Asker:
    row = load().row(name)
    size = (row.input.width, row.input.height) if row.input is not None else None
    return Asker(Asked(onnx_path(Path("var/models"), name, row, row.file()), row.format, row.labels, size))


def _longest_px(box: Box, width: int, height: int) -> float:
    return max((box.right - box.left) * width, (box.bottom - box.top) * height)


def as_made(shown: Composite) -> Made:
    """A composite in the form of the recipe's pictures: sides as parts of the picture."""
    height, width = shown.picture.shape[:2]
    boxes = tuple(
        Box(box.label.value, box.left / width, box.top / height, box.right / width, box.bottom / height)
        for box in shown.boxes
    )
    return Made(shown.picture, boxes)
