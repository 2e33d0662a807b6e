"""What every decoder gives, and what they share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Floats

Raw = tuple[Floats, Floats, NDArray[np.int32]]
"""Boxes (n, 4: left, top, right, bottom, in pixels of the input), scores (n,), classes (n,)."""


class Decoder(Protocol):
    """Reads one picture's output."""

    suppressed: bool
    """Whether the network itself already says each thing once, so that boxes that overlap are different things."""

    def __call__(self, output: Floats, min_score: float) -> Raw:
        """Boxes whose score is at least `min_score`.

        Raises:
            ValueError: the output is not of this kind; the message says what was found and what was expected.
        """


def grid(width: int, height: int, strides: Sequence[int]) -> tuple[Floats, Floats]:
    """Columns and rows (n, 2) of the cells of an input, stride by stride, row by row, and the strides (n, 1)."""
    cells, steps = [], []
    for stride in strides:
        columns, rows = -(-width // stride), -(-height // stride)
        x, y = np.meshgrid(np.arange(columns), np.arange(rows))
        cells.append(np.stack((x.ravel(), y.ravel()), axis=1))
        steps.append(np.full(columns * rows, stride))
    return np.concatenate(cells).astype(np.float32), np.concatenate(steps).astype(np.float32)[:, None]


def around(centre: Floats, half: Floats) -> Floats:
    """Boxes (n, 4) of centres and half sizes, both (n, 2)."""
    return np.concatenate((centre - half, centre + half), axis=1)


def objects(output: Floats, min_score: float) -> tuple[NDArray[np.intp], Floats, NDArray[np.int32]]:
    """Of rows (x, y, w, h, objectness, classes …): which are good, their scores objectness × class, and classes."""
    # A class is never more than certain: what is not an object enough needs no further look.
    rows = np.flatnonzero(output[:, 4] >= min_score)
    few = output[rows]
    classes = few[:, 5:].argmax(axis=1)
    scores = few[:, 4] * few[np.arange(len(few)), 5 + classes]
    good = scores >= min_score
    return rows[good], scores[good], classes[good].astype(np.int32)
