"""Small pictures of large ones, by halving: the cheapest way to average over all pixels."""

from __future__ import annotations

import cv2
import numpy as np

from edge.vision.arrays import Grey

SMALL_WIDTH = 480
"""Pictures are halved until they are narrower than this: 240 to 479 pixels are left."""


class Halver:
    """Halves pictures of one stream. What lies between the first and the last size is kept and written over: a fresh
    half megabyte costs more in page faults than the halving."""

    def __init__(self) -> None:
        self._between: list[Grey] = []

    def small(self, picture: Grey) -> Grey:
        """The picture at 240-479 pixels width (or as it is, if it is smaller), each pixel a mean of 2ⁿ × 2ⁿ.

        A 2 × 2 mean is vectorised in OpenCV: 1080p in 0.11 ms, where a single reduction by four takes 0.6 ms.
        """
        level = 0
        while picture.shape[1] >= SMALL_WIDTH:
            height, width = picture.shape
            even, half = picture[: height & ~1, : width & ~1], (height // 2, width // 2)
            target = self._buffer(level, half) if half[1] >= SMALL_WIDTH else np.empty(half, np.uint8)
            cv2.resize(even, (half[1], half[0]), dst=target, interpolation=cv2.INTER_AREA)
            picture = target
            level += 1
        return picture

    def _buffer(self, level: int, shape: tuple[int, int]) -> Grey:
        if level == len(self._between):
            self._between.append(np.empty(shape, np.uint8))
        if self._between[level].shape != shape:
            self._between[level] = np.empty(shape, np.uint8)
        return self._between[level]


def halved(picture: Grey) -> Grey:
    """As `Halver.small`, for a single picture."""
    return Halver().small(picture)
