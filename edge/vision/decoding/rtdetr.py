"""RT-DETR (Zhao et al. 2023, "DETRs Beat YOLOs on Real-time Object Detection"), as Ultralytics' package exports it."""

from __future__ import annotations

import numpy as np

from edge.vision.arrays import Floats
from edge.vision.decoding.raw import Raw, around

_BEFORE_CLASSES = 4
_CHOSEN = 6


class RtdetrDecoder:
    """Rows of a query each, boxes as shares of the input: (x, y, w, h, classes …), or (x, y, w, h, score, class) from
    releases that choose the best class themselves.

    Six columns are either form for a model of two classes. A column of nothing but whole numbers is a class: scores
    come out of a sigmoid, and three hundred of them are never all exactly 0 or 1.
    """

    suppressed = True

    def __init__(self, width: int, height: int) -> None:
        self._size = np.array((width, height), np.float32)

    def __call__(self, output: Floats, min_score: float) -> Raw:
        """(queries, 4 + classes) or (queries, 6) → boxes whose score is at least `min_score`.

        Raises:
            ValueError: the output has no classes, or boxes that are no shares.
        """
        if output.ndim != 2 or output.shape[1] <= _BEFORE_CLASSES or not len(output):
            raise ValueError(f"found an output of {output.shape}, expected (queries, 4 + classes) or (queries, 6)")
        # Shares of an input leave 0-1 by rounding at most; twice is beyond any picture.
        largest = float(np.abs(output[:, :_BEFORE_CLASSES]).max())
        if not largest <= 2:
            raise ValueError(f"found boxes up to {largest:.0f}, expected shares of the input from 0 to 1")
        last = output[:, -1]
        if output.shape[1] == _CHOSEN and bool((last == np.round(last)).all()):
            scores, classes = output[:, 4], last.astype(np.int32)
        else:
            by_class = output[:, _BEFORE_CLASSES:]
            classes = by_class.argmax(axis=1).astype(np.int32)
            scores = by_class[np.arange(len(output)), classes]
        rows = np.flatnonzero(scores >= min_score)
        centre, half = output[rows, :2] * self._size, output[rows, 2:4] * (self._size / np.float32(2))
        return around(centre, half), scores[rows], classes[rows]
