"""Still pictures that decide how good a proposer of fire and smoke is: which sets there are, and what burns in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.signal_heads.data import read_held_out

LABELS = ("fire", "smoke")
"""In the order of the model's outputs, and of the labels of `fire/cctv`."""

Picture = NDArray[np.uint8]
"""(height, width, 3), BGR."""
Box = tuple[float, float, float, float]
"""Left, top, right, bottom in parts of the picture."""


@dataclass(frozen=True, slots=True)
class Burning:
    """What somebody marked in a picture: label's index and box."""

    label: int
    box: Box


@dataclass(frozen=True, slots=True)
class Still:
    """A picture of a set. `marked` None: it burns (or not) somewhere, nobody drew where."""

    group: str
    name: str
    bgr: Picture
    burns: bool
    marked: tuple[Burning, ...] | None


BURNING = ("cctv/val", "outdoor_stills/fire")
"""Sets whose hits are counted."""
QUIET = ("streets", "signals", "outdoor_stills/none", "cctv/val empty")
"""Sets in which nothing burns, and every hit is false. `signals`: of cinta the pictures that no training has seen
(`models.signal_heads.data.read_held_out`), and the dusk crossings."""


def all_stills(shared: Path) -> Iterator[Still]:
    """All pictures that are only ever tested on, by set; of the shared data folder.

    Raises:
        FileNotFoundError: a set is not there.
    """
    for path, marked in labelled(shared / "fire" / "cctv" / "val"):
        yield Still("cctv/val" if marked else "cctv/val empty", path.stem, read(path), bool(marked), marked)
    for folder, group in (
        (shared / "fire" / "outdoor_stills" / "fire", "outdoor_stills/fire"),
        (shared / "fire" / "outdoor_stills" / "none", "outdoor_stills/none"),
        (shared / "streets" / "dashcam", "streets"),
    ):
        for path in pictures_in(folder):
            burns = group in BURNING
            yield Still(group, path.stem, read(path), burns, None if burns else ())
    for picture in read_held_out(shared / "signals" / "cinta"):
        yield Still("signals", picture.name, picture.bgr, False, ())
    yield from _dusk(shared / "signals" / "dusk_crossings.mp4")


def labelled(folder: Path) -> list[tuple[Path, tuple[Burning, ...]]]:
    """The pictures of a set in YOLO's form (`images`, `labels`) and what is marked in them.

    Raises:
        FileNotFoundError: the folder has no pictures, or one has no labels.
    """
    rows = []
    for path in pictures_in(folder / "images"):
        marked = []
        for line in (folder / "labels" / f"{path.stem}.txt").read_text().splitlines():
            if line.strip():
                kind, x, y, w, h = (float(word) for word in line.split()[:5])
                box = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
                marked.append(Burning(int(kind), box))
        rows.append((path, tuple(marked)))
    return rows


def pictures_in(folder: Path) -> list[Path]:
    """Its pictures by name.

    Raises:
        FileNotFoundError: it has none.
    """
    paths = sorted(path for path in folder.glob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
    if not paths:
        raise FileNotFoundError(f"{folder}: found no pictures, expected .jpg, .jpeg or .png")
    return paths


def read(path: Path) -> Picture:
    """A picture as BGR.

    Raises:
        ValueError: it cannot be read.
    """
    bgr = cv2.imread(str(path))
    if bgr is None:
        raise ValueError(f"{path}: found no picture that can be read")
    return bgr.astype(np.uint8, copy=False)


def _dusk(path: Path) -> Iterator[Still]:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not found")
    clip = cv2.VideoCapture(str(path))
    try:
        number = 0
        while (frame := clip.read())[0]:
            yield Still("signals", f"dusk {number}", frame[1].astype(np.uint8, copy=False), False, ())
            number += 1
    finally:
        clip.release()
