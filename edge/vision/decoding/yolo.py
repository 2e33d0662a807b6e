"""Heads of the YOLO family of Ultralytics, and those that export like them. All boxes are in pixels of the input."""

from __future__ import annotations

import numpy as np

from edge.vision.arrays import Floats
from edge.vision.decoding.raw import Raw, around, objects

_BEFORE_CLASSES = 4
_END_TO_END = 6


class Yolov5Decoder:
    """Rows of (x, y, w, h, objectness, classes …): YOLOv5 as its own repository exports it, YOLOv7 without its own
    suppression. Score = objectness × class. (Ultralytics' package exports YOLOv5 as it does YOLOv8.)"""

    suppressed = False

    def __call__(self, output: Floats, min_score: float) -> Raw:
        """(boxes, 5 + classes) → boxes whose score is at least `min_score`.

        Raises:
            ValueError: the output has no classes, or lies on its side as that of YOLOv8 does.
        """
        if output.ndim != 2 or output.shape[1] <= _BEFORE_CLASSES + 1 or output.shape[0] < output.shape[1]:
            raise ValueError(
                f"found an output of {output.shape}, expected (boxes, 5 + classes), more boxes than columns"
            )
        rows, scores, classes = objects(output, min_score)
        return around(output[rows, :2], output[rows, 2:4] / np.float32(2)), scores, classes


class Yolov8Decoder:
    """Columns of (x, y, w, h, classes …): YOLOv8, 9, 11, 12, and v5 and v6 of the same package."""

    suppressed = False

    def __call__(self, output: Floats, min_score: float) -> Raw:
        """(4 + classes, columns) → boxes whose score is at least `min_score`.

        Raises:
            ValueError: the output has no classes, or is that of a head that gives each thing once.
        """
        if output.ndim != 2 or len(output) <= _BEFORE_CLASSES:
            raise ValueError(f"found an output of {output.shape}, expected (4 + classes, boxes)")
        if output.shape[1] == _END_TO_END < len(output):
            raise ValueError(f"found an output of {output.shape}, expected (4 + classes, boxes); it reads as yolov10")
        by_class = output[_BEFORE_CLASSES:]
        columns = np.flatnonzero(by_class.max(axis=0) >= min_score)
        few = output[:, columns]
        classes = few[_BEFORE_CLASSES:].argmax(axis=0)
        scores = few[_BEFORE_CLASSES + classes, np.arange(len(columns))]
        return around(few[:2].T, few[2:4].T / np.float32(2)), scores, classes.astype(np.int32)


class Yolov10Decoder:
    """Rows of (left, top, right, bottom, score, class), one a thing: YOLOv10, YOLO26, and any export with its own
    suppression in that form."""

    suppressed = True

    def __call__(self, output: Floats, min_score: float) -> Raw:
        """(boxes, 6) → boxes whose score is at least `min_score`.

        Raises:
            ValueError: the output has other columns.
        """
        if output.ndim != 2 or output.shape[1] != _END_TO_END:
            raise ValueError(f"found an output of {output.shape}, expected (boxes, 6)")
        few = output[output[:, 4] >= min_score]
        return few[:, :4].copy(), few[:, 4].copy(), few[:, 5].astype(np.int32)
