"""Soft random fields from which flames, smoke, cloth and dirt are shaped."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]
"""(height, width) of anything."""


def resized(field: Field, width: int, height: int) -> Field:
    """Any size: averaged when it shrinks (a distant fire is its own mean), smooth when it grows."""
    shrinks = field.shape[0] > height or field.shape[1] > width
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(field, (max(width, 1), max(height, 1)), interpolation=how), np.float32)


def cloudy(rng: np.random.Generator, width: int, height: int, cells: float = 3, octaves: int = 5) -> Field:
    """Fractal noise of about -1…1 with `cells` bumps across the width in its coarsest octave."""
    total = np.zeros((height, width), np.float32)
    weight = 1.0
    for _ in range(octaves):
        columns = max(int(cells), 2)
        rows = max(int(cells * height / max(width, 1)), 2)
        grid = rng.standard_normal((rows, columns), np.float32)
        total += weight * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        weight *= 0.55
        cells *= 2
        if columns > width or rows > height:
            break
    return np.asarray(total * 0.6, np.float32)


def warped(field: Field, rng: np.random.Generator, pixels: float, cells: float = 6) -> Field:
    """The field with every place moved by up to about `pixels`: breaks what is too regular."""
    height, width = field.shape[:2]
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    dx = cloudy(rng, width, height, cells, 3) * pixels
    dy = cloudy(rng, width, height, cells, 3) * pixels
    moved = cv2.remap(field, xs + dx, ys + dy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(moved, np.float32)


def smoothstep(field: Field, low: float, high: float) -> Field:
    """0 below `low`, 1 above `high`, smooth in between."""
    share = np.clip((field - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)
