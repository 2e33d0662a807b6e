"""Made pictures for the recipe: fires, smoke and what looks like them, laid over parts of real pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from models.datasets.reading import Box
from models.fire_smoke.stills import Picture, read
from models.training.making import Made
from samples.fire.stills import Composite, Kind, composite, lookalike

LONGEST_PX = 448
"""Of a made picture: what training sees is smaller still."""
PART = (0.55, 1.0)
"""Of a background's sides that is used: one photograph is many places."""
KINDS = (Kind.FIRE, Kind.SMOKE, Kind.BOTH)
CHANCES = (0.45, 0.25, 0.3)


def burning(rng: np.random.Generator, backgrounds: Sequence[Path]) -> Made:
    """A fire, smoke, or both (`models.training.making.Maker`)."""
    background = _background(rng, backgrounds)
    return _made(composite(rng, background, KINDS[rng.choice(len(KINDS), p=CHANCES)]))


def alike(rng: np.random.Generator, backgrounds: Sequence[Path]) -> Made:
    """Tail lights, beacons, hi-vis vests, steam and the like; nothing burns."""
    return _made(lookalike(rng, _background(rng, backgrounds)))


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


def _made(shown: Composite) -> Made:
    height, width = shown.picture.shape[:2]
    boxes = tuple(
        Box(box.label.value, box.left / width, box.top / height, box.right / width, box.bottom / height)
        for box in shown.boxes
    )
    return Made(shown.picture, boxes)
