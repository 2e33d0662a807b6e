"""YOLOX (Ge et al. 2021, "YOLOX: Exceeding YOLO Series in 2021"), exported with and without its own decoding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edge.vision.arrays import Floats
from edge.vision.decoding.raw import Raw, around, grid, objects

YOLOX_STRIDES = (8, 16, 32)
_BEFORE_CLASSES = 5


class YoloxDecoder:
    """Rows of (x, y, w, h, objectness, classes …), one a cell.

    Centre = (xy + cell) × stride, size = exp(wh) × stride, score = objectness × class; with `decoded` centre and size
    are in pixels already (an export with `decode_in_inference`).
    """

    suppressed = False

    def __init__(
        self, width: int, height: int, strides: Sequence[int] = YOLOX_STRIDES, *, decoded: bool = False
    ) -> None:
        self._cells, self._steps = grid(width, height, strides)
        self._decoded = decoded

    def __call__(self, output: Floats, min_score: float) -> Raw:
        """(rows, 5 + classes) → boxes whose score is at least `min_score`.

        Raises:
            ValueError: the output is not one of this input size.
        """
        if output.ndim != 2 or len(output) != len(self._cells) or output.shape[1] <= _BEFORE_CLASSES:
            raise ValueError(f"found an output of {output.shape}, expected ({len(self._cells)}, 5 + classes)")
        rows, scores, classes = objects(output, min_score)
        centre, size = output[rows, :2], output[rows, 2:4]
        if self._decoded:
            return around(centre, size / np.float32(2)), scores, classes
        step = self._steps[rows]
        return around((centre + self._cells[rows]) * step, np.exp(size) * (step / np.float32(2))), scores, classes
