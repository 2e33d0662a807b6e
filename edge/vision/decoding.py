"""What a detection network's raw output says, before suppression. Only promising boxes are decoded, all at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Floats

YOLOX_STRIDES = (8, 16, 32)
_YOLOX_BEFORE_CLASSES = 5
_YOLOV8_BEFORE_CLASSES = 4

Raw = tuple[Floats, Floats, NDArray[np.int32]]
"""Boxes (n, 4: left, top, right, bottom, in pixels of the input), scores (n,), classes (n,)."""


class YoloxDecoder:
    """Boxes of a YOLOX head exported without its own decoding: rows of (x, y, w, h, objectness, classes …).

    Centre = (xy + cell) × stride, size = exp(wh) × stride, score = objectness × class
    (Ge et al. 2021, "YOLOX: Exceeding YOLO Series in 2021"; export without `decode_in_inference`).
    """

    def __init__(self, width: int, height: int, strides: Sequence[int] = YOLOX_STRIDES) -> None:
        cells, steps = [], []
        for stride in strides:
            columns, rows = width // stride, height // stride
            x, y = np.meshgrid(np.arange(columns), np.arange(rows))
            cells.append(np.stack((x.ravel(), y.ravel()), axis=1))
            steps.append(np.full(columns * rows, stride))
        self._cells = np.concatenate(cells).astype(np.float32)
        self._steps = np.concatenate(steps).astype(np.float32)[:, None]

    def __call__(self, output: Floats, min_score: float) -> Raw:
        """(rows, 5 + classes) → boxes whose score is at least `min_score`.

        Raises:
            ValueError: the output is not one of this input size.
        """
        if output.ndim != 2 or len(output) != len(self._cells) or output.shape[1] <= _YOLOX_BEFORE_CLASSES:
            raise ValueError(f"found an output of {output.shape}, expected ({len(self._cells)}, 5 + classes)")
        # A class is never more than certain: what is not an object enough needs no further look.
        rows = np.flatnonzero(output[:, 4] >= min_score)
        few = output[rows]
        classes = few[:, _YOLOX_BEFORE_CLASSES:].argmax(axis=1)
        scores = few[:, 4] * few[np.arange(len(few)), _YOLOX_BEFORE_CLASSES + classes]
        good = scores >= min_score
        few, rows = few[good], rows[good]
        step = self._steps[rows]
        centre = (few[:, :2] + self._cells[rows]) * step
        half = np.exp(few[:, 2:4]) * (step / 2)
        boxes = np.concatenate((centre - half, centre + half), axis=1)
        return boxes, scores[good], classes[good].astype(np.int32)


class Yolov8Decoder:
    """Boxes of a YOLOv8- or YOLO11-style head: columns of (x, y, w, h, classes …), already in pixels of the input."""

    def __call__(self, output: Floats, min_score: float) -> Raw:
        """(4 + classes, columns) → boxes whose score is at least `min_score`.

        Raises:
            ValueError: the output has no classes.
        """
        if output.ndim != 2 or len(output) <= _YOLOV8_BEFORE_CLASSES:
            raise ValueError(f"found an output of {output.shape}, expected (4 + classes, boxes)")
        by_class = output[_YOLOV8_BEFORE_CLASSES:]
        columns = np.flatnonzero(by_class.max(axis=0) >= min_score)
        few = output[:, columns]
        classes = few[_YOLOV8_BEFORE_CLASSES:].argmax(axis=0)
        scores = few[_YOLOV8_BEFORE_CLASSES + classes, np.arange(len(columns))]
        centre, half = few[:2].T, few[2:4].T / np.float32(2)
        boxes = np.concatenate((centre - half, centre + half), axis=1)
        return boxes, scores, classes.astype(np.int32)
