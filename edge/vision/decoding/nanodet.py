"""NanoDet and NanoDet-Plus: a side of a box is a distribution over distances, of which the mean counts.

Li et al. 2020, "Generalized Focal Loss: Learning Qualified and Distributed Bounding Boxes"; the grid of each generation
as its own repository exports it, in one output of all strides.
"""

from __future__ import annotations

import numpy as np

from edge.vision.arrays import Floats
from edge.vision.decoding.raw import Raw, grid

BINS = 8
"""Distances 0 … 7 in strides: `reg_max: 7` in every published configuration."""
PLUS_STRIDES = (8, 16, 32, 64)
FIRST_STRIDES = (8, 16, 32)
_SIDES = 4


class NanodetDecoder:
    """Rows of (classes …, 4 × 8 distances), one a cell: classes as probabilities, distances before the softmax.

    NanoDet-Plus measures from a cell's corner and has a fourth stride, the first NanoDet from its middle: the number
    of rows says which of them it is.
    """

    suppressed = False

    def __init__(self, width: int, height: int) -> None:
        plus, first = grid(width, height, PLUS_STRIDES), grid(width, height, FIRST_STRIDES)
        self._origins = {
            len(plus[0]): (plus[0] * plus[1], plus[1]),
            len(first[0]): ((first[0] + np.float32(0.5)) * first[1], first[1]),
        }
        self._limit = np.array((width, height), np.float32)
        self._distances = np.arange(BINS, dtype=np.float32)

    def __call__(self, output: Floats, min_score: float) -> Raw:
        """(cells, classes + 32) → boxes whose score is at least `min_score`.

        Raises:
            ValueError: the output is not one of this input size.
        """
        if output.ndim != 2 or len(output) not in self._origins or output.shape[1] <= _SIDES * BINS:
            cells = " or ".join(map(str, self._origins))
            raise ValueError(f"found an output of {output.shape}, expected ({cells}, classes + {_SIDES * BINS})")
        by_class = output[:, : -_SIDES * BINS]
        rows = np.flatnonzero(by_class.max(axis=1) >= min_score)
        few = by_class[rows]
        classes = few.argmax(axis=1)
        origins, steps = self._origins[len(output)]
        bins = output[rows, -_SIDES * BINS :].reshape(-1, _SIDES, BINS)
        weights = np.exp(bins - bins.max(axis=2, keepdims=True))
        sides = weights @ self._distances / weights.sum(axis=2) * steps[rows]
        boxes = np.concatenate((origins[rows] - sides[:, :2], origins[rows] + sides[:, 2:]), axis=1)
        np.clip(boxes.reshape(-1, 2, 2), 0, self._limit, out=boxes.reshape(-1, 2, 2))
        return boxes, few[np.arange(len(few)), classes], classes.astype(np.int32)
