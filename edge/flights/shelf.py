"""Pictures put aside on the disk, as they are, while a flight is compared: reading one back costs a hundredth of
decoding it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from edge.vision.surface.shots import Picture

MOST_BYTES = 1_500_000_000
"""Of one flight: 500 key frames of 4K at the working scale, 250 stills of 12 MP. What has no room is decoded anew."""
LEAST_FREE_BYTES = 2_000_000_000
"""The disk belongs to events and their evidence first."""


class Shelf:
    """Files of one flight's pictures in `folder`, which belongs to somebody else and may disappear at any time."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name
        self._shapes: dict[int, tuple[int, ...]] = {}
        self._bytes = 0
        self._open = True

    def put(self, index: int, picture: Picture) -> None:
        """Unless there is no room, or it is there."""
        if index in self._shapes or not self._open or self._bytes + picture.nbytes > MOST_BYTES:
            return
        try:
            if shutil.disk_usage(self._folder).free < LEAST_FREE_BYTES + picture.nbytes:
                return
            self._path(index).write_bytes(np.ascontiguousarray(picture).data)
        except OSError:
            self._open = False  # full, or gone: nothing is lost but time
            return
        self._shapes[index] = picture.shape
        self._bytes += picture.nbytes

    def get(self, index: int) -> Picture | None:
        """None where it is not, or not whole."""
        shape = self._shapes.get(index)
        if shape is None:
            return None
        try:
            return np.fromfile(self._path(index), np.uint8).reshape(shape)
        except (OSError, ValueError):
            del self._shapes[index]
            return None

    def _path(self, index: int) -> Path:
        return self._folder / f"{self._name}.{index}.picture"
