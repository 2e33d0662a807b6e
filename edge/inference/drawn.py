"""The picture that every model is tried with: drawn, so that it is the same everywhere and belongs to nobody."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Floats

SEED = 2026
BLOCKS = 24
GRAIN = 6.0
"""Standard deviation of the grain, in grey levels: a camera's at dusk."""


def likely_picture(width: int, height: int) -> Floats:
    """(1, 3, height, width) of 0-255, always the same: soft light, hard edges and fine grain, as streets have them.

    Fingerprints of models are written down, so it must be the same in years: only the bits of the generator are
    promised to stay, what numpy makes of them is not.
    """
    bits = np.random.PCG64(SEED)

    def uniform(count: int) -> NDArray[np.float64]:
        return (bits.random_raw(count) >> np.uint64(11)).astype(np.float64) * 2.0**-53

    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    picture = np.empty((1, 3, height, width), np.float32)
    for channel in range(3):
        picture[0, channel] = 110 + 50 * np.sin(x / width * (3 + channel)) + 40 * np.cos(y / height * 4)
    for _ in range(BLOCKS):
        place, colour = uniform(4), uniform(3)
        left, top = int(place[0] * (width - 8)), int(place[1] * (height - 8))
        right, bottom = left + 8 + int(place[2] * (width // 3 - 8)), top + 8 + int(place[3] * (height // 3 - 8))
        picture[0, :, top:bottom, left:right] = (255 * colour).astype(np.float32)[:, None, None]
    # The sum of four has nearly the shape of the bell, and a standard deviation of √(4 / 12).
    grain = uniform(4 * picture.size).reshape(4, *picture.shape).sum(axis=0) - 2.0
    picture += (grain * (GRAIN / np.sqrt(1 / 3))).astype(np.float32)
    return np.clip(picture, 0, 255)
