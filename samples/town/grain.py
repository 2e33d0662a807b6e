"""Noise that belongs to places: the same metre of a town has the same grain in every picture of every flight."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from edge.vision.arrays import Floats
from samples.facade.seeding import stream

BASE_TILE_M = 51.2
"""Ground is made in squares of this side, or of this side doubled a few times."""
FINEST_M = 0.1
"""Wavelength of the finest octave. Each next one is twice as long."""
NODES = 1024
"""Of a lattice: an octave repeats after so many wavelengths."""


def texel_near(gsd_m: float) -> tuple[float, float, int]:
    """(texel in metres, side of a ground tile in metres, pixels of that side) for pictures of `gsd_m` a pixel.

    Tiles have 500 to 1000 pixels a side, and a whole number of them.
    """
    side = BASE_TILE_M
    while side / gsd_m > 1000:
        side /= 2
    while side / gsd_m < 500:
        side *= 2
    pixels = round(side / gsd_m)
    return side / pixels, side, pixels


@lru_cache(maxsize=64)
def _lattice(octave: int) -> Floats:
    values = stream(20260, "grain", octave).standard_normal((NODES, NODES)).astype(np.float32)
    values.setflags(write=False)
    return values


def octaves(texel_m: float, shortest_m: float, longest_m: float) -> list[int]:
    """Those whose wavelength lies between the bounds and is not finer than a picture can show."""
    found = []
    for octave in range(14):
        wavelength = FINEST_M * 2**octave
        if wavelength >= 2 * texel_m and shortest_m <= wavelength <= longest_m:
            found.append(octave)
    return found


def grain(column: int, row: int, side_m: float, pixels: int, shortest_m: float, longest_m: float) -> Floats:
    """(pixels, pixels) of smooth noise, about unit variance, for the tile (`column`, `row`) of side `side_m`.

    Tiles join without a seam: each octave is a lattice that is fixed in the world. Row 0 of a tile is its north edge,
    `row` counts southwards.
    """
    total = np.zeros((pixels, pixels), np.float32)
    used = octaves(side_m / pixels, shortest_m, longest_m)
    for octave in used:
        total += _octave(octave, column, row, side_m, pixels)
    return total * np.float32(1.3 / max(1, len(used)) ** 0.5)


def _octave(octave: int, column: int, row: int, side_m: float, pixels: int) -> Floats:
    cells = side_m / (FINEST_M * 2**octave)
    left, top = column * cells, row * cells
    first_x, first_y = int(np.floor(left)) - 2, int(np.floor(top)) - 2
    count = int(np.ceil(cells)) + 5
    lattice = _lattice(octave)
    columns = np.arange(first_x, first_x + count) % NODES
    rows = np.arange(first_y, first_y + count) % NODES
    window = lattice[np.ix_(rows, columns)]
    step = cells / pixels
    matrix = np.array(
        [[step, 0, left - first_x + 0.5 * step - 0.5], [0, step, top - first_y + 0.5 * step - 0.5]], np.float64
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(window, matrix, (pixels, pixels), flags=flags), np.float32)


@lru_cache(maxsize=4)
def loose_grain(texel_m: float) -> Floats:
    """(1024, 1024) of noise at a texel, from leaf to roof size, for things that have their own coordinates."""
    side = 1024 * texel_m
    total = np.zeros((1024, 1024), np.float32)
    used = octaves(texel_m, FINEST_M, 6.4)
    for octave in used:
        total += _octave(octave, 3, 5, side, 1024)
    total *= np.float32(1.3 / max(1, len(used)) ** 0.5)
    total.setflags(write=False)
    return total


def crop_of(field: Floats, key: int, height: int, width: int) -> Floats:
    """(height, width) from a place of a field that `key` decides; the field is repeated if it is too small."""
    rows, columns = field.shape
    top, left = (key * 7919) % rows, (key * 104729) % columns
    if top + height <= rows and left + width <= columns:
        return field[top : top + height, left : left + width]
    return field[np.ix_((top + np.arange(height)) % rows, (left + np.arange(width)) % columns)]
