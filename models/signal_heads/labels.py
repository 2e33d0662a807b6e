"""Labelled pictures as they lie on disk: `images/*.jpg` and `labels/*.txt` in YOLO's form."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

COLOURS = ("dark", "red", "amber", "green")
"""What the model says about a head, in the order of its outputs. `dark`: nothing is lit, or it cannot be told."""
CINTA_COLOURS = ("green", "red", "amber")
"""The set's classes 0, 1, 2: looked at, its own list says `green, red, yellow`."""

Box = tuple[float, float, float, float]
"""x, y, width, height in the picture's pixels."""
Picture8 = NDArray[np.uint8]
"""(height, width, 3), BGR."""


@dataclass(frozen=True, slots=True)
class LabelledHead:
    """A head and what it shows. `colour` None: not known; the head counts, its colour does not."""

    box: Box
    colour: str | None


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture with the heads that its makers marked; they did not mark all."""

    name: str
    bgr: Picture8
    heads: tuple[LabelledHead, ...]
    ignored: tuple[Box, ...] = ()
    """Areas where proposals count neither way: heads seen from the side or from behind."""


def read_pictures(folder: Path) -> list[Picture]:
    """All labelled pictures of a folder, by name.

    Raises:
        FileNotFoundError: the folder has no `images`.
        ValueError: a picture or a label cannot be read.
    """
    paths = sorted((folder / "images").glob("*.jpg"))
    if not paths:
        raise FileNotFoundError(f"{folder}: found no images/*.jpg, expected a set in YOLO's form")
    return [read_picture(path, folder / "labels") for path in paths]


def read_picture(image: Path, labels: Path) -> Picture:
    """One picture, and its labels from a folder.

    Raises:
        ValueError: it cannot be read.
    """
    bgr = cv2.imread(str(image))
    if bgr is None:
        raise ValueError(f"{image}: found no picture that can be read")
    height, width = bgr.shape[:2]
    heads = []
    for line in (labels / f"{image.stem}.txt").read_text().splitlines():
        if not line.strip():
            continue
        kind, x, y, w, h = line.split()
        box = (
            (float(x) - float(w) / 2) * width,
            (float(y) - float(h) / 2) * height,
            float(w) * width,
            float(h) * height,
        )
        heads.append(LabelledHead(box, CINTA_COLOURS[int(kind)]))
    return Picture(image.stem, bgr.astype(np.uint8), tuple(heads))
