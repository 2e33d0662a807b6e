"""Raw outputs of detection networks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edge.vision.decoding import Yolov8Decoder, YoloxDecoder


def test_yolox_cells_strides_and_scores() -> None:
    """One cell of each stride of a 64 × 32 input, worked out by hand."""
    output = np.zeros((8 * 4 + 4 * 2 + 2 * 1, 5 + 3), np.float32)
    output[8 * 2 + 3] = (0.5, 0.25, math.log(2), math.log(3), 0.9, 0.1, 0.8, 0.2)  # column 3, row 2 of stride 8
    output[32 + 4 * 1 + 2] = (0, 0, 0, 0, 0.5, 0, 0, 1)  # column 2, row 1 of stride 16
    output[40 + 1] = (1, 0.5, 0, 0, 0.9, 0.1, 0.1, 0.1)  # column 1 of stride 32: not certain enough
    boxes, scores, classes = YoloxDecoder(64, 32)(output, 0.3)
    assert boxes == pytest.approx(np.array([[28 - 8, 18 - 12, 28 + 8, 18 + 12], [32 - 8, 16 - 8, 32 + 8, 16 + 8]]))
    assert scores == pytest.approx([0.72, 0.5])
    assert classes.tolist() == [1, 2]


def test_yolov8_columns() -> None:
    output = np.zeros((4 + 2, 5), np.float32)
    output[:, 1] = (50, 40, 20, 10, 0.2, 0.7)
    output[:, 3] = (10, 10, 4, 4, 0.29, 0.1)
    boxes, scores, classes = Yolov8Decoder()(output, 0.3)
    assert boxes.tolist() == [[40, 35, 60, 45]]
    assert scores == pytest.approx([0.7])
    assert (classes.tolist(), boxes.dtype) == ([1], np.float32)


def test_nothing_found() -> None:
    for boxes, scores, classes in (
        YoloxDecoder(32, 32)(np.zeros((21, 6), np.float32), 0.1),
        Yolov8Decoder()(np.zeros((6, 21), np.float32), 0.1),
    ):
        assert (boxes.shape, scores.shape, classes.shape) == ((0, 4), (0,), (0,))


def test_an_output_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match=r"found an output of \(84, 21\), expected \(21, 5 \+ classes\)"):
        YoloxDecoder(32, 32)(np.zeros((84, 21), np.float32), 0.1)
    with pytest.raises(ValueError, match=r"found an output of \(4, 21\), expected \(4 \+ classes, boxes\)"):
        Yolov8Decoder()(np.zeros((4, 21), np.float32), 0.1)
