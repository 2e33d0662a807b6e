"""Real clips as the pictures of a camera that something is done to. Read in place, never kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
Floats = NDArray[np.float32]
MARGIN = 0.05
"""Cut off on each side, so that there is something beside the picture when it moves."""
NOISE = 2.0
"""Grey levels: of a recording that is played to and fro no two pictures would differ otherwise."""


@dataclass
class Clip:
    """Pictures of one place. `width` and `height` are those that are shown."""

    frames: list[Grey]

    @property
    def width(self) -> int:
        return self.frames[0].shape[1] - 2 * self._across

    @property
    def height(self) -> int:
        return self.frames[0].shape[0] - 2 * self._down

    @property
    def _across(self) -> int:
        return int(self.frames[0].shape[1] * MARGIN)

    @property
    def _down(self) -> int:
        return int(self.frames[0].shape[0] * MARGIN)

    def pictures(
        self,
        seconds: int,
        begins: float,
        fault: Callable[[Floats], Floats] | None = None,
        shift: float = 0.0,
        per_second: float = 1.0,
        seed: int = 1,
        freeze: bool = False,
    ) -> Iterator[tuple[float, Grey]]:
        """(seconds, picture), to and fro, with noise and a breathing exposure; something is done from `begins` on."""
        latest: Grey | None = None
        random = np.random.default_rng(seed)
        size = (self.height + 32, self.width + 32)
        noises = [random.standard_normal(size).astype(np.float32) * NOISE for _ in range(4)]
        for index in range(int(seconds * per_second)):
            t = index / per_second
            begun = t >= begins
            if freeze and begun and latest is not None:
                yield t, latest
                continue
            frame = self.frames[_to_and_fro(index, len(self.frames))]
            left = self._across - (round(shift * frame.shape[1]) if begun else 0)
            view = frame[self._down : self._down + self.height, left : left + self.width].astype(np.float32)
            view = view * np.float32(1 + 0.08 * np.sin(t / 31))
            if fault is not None and begun:
                view = fault(view)
            y, x = (int(value) for value in random.integers(0, 32, 2))
            noise = noises[int(random.integers(len(noises)))][y : y + self.height, x : x + self.width]
            latest = np.clip(view + noise, 0, 255).astype(np.uint8)
            yield t, latest


def clip_of(data: Path, name: str) -> Clip | None:
    """`office1`, `crossing`, `tower_day`, `tower_infrared`; None where it is not there."""
    path, first, last, step, width = {
        "office1": ("thrown/office1.mp4", 0, 332, 12, 640),
        "crossing": ("signals/dusk_crossings.mp4", 47, 80, 1, 960),
        "tower_day": ("thrown/tower_stills/detframe4.jpg", 0, 1, 1, 640),
        "tower_infrared": ("thrown/tower_stills/detframe30.jpg", 0, 1, 1, 640),
    }[name]
    source = data / path
    if not source.exists():
        return None
    if source.suffix == ".jpg":
        return Clip([_narrow(np.asarray(cv2.imread(str(source), cv2.IMREAD_GRAYSCALE), np.uint8), width)])
    with av.open(str(source), metadata_errors="replace") as container:
        frames = [
            _narrow(np.asarray(picture.to_ndarray(format="gray"), np.uint8), width)
            for index, picture in enumerate(container.decode(video=0))
            if first <= index < last and (index - first) % step == 0
        ]
    return Clip(frames)


def _narrow(picture: Grey, width: int) -> Grey:
    height = round(picture.shape[0] * width / picture.shape[1])
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _to_and_fro(index: int, count: int) -> int:
    if count == 1:
        return 0
    place = index % (2 * count - 2)
    return place if place < count else 2 * count - 2 - place
