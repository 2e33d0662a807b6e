"""Raw outputs of detection networks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from edge.vision.decoding import (
    Decoder,
    NanodetDecoder,
    RtdetrDecoder,
    Yolov5Decoder,
    Yolov8Decoder,
    Yolov10Decoder,
    YoloxDecoder,
)


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


def test_yolox_that_decoded_itself() -> None:
    output = np.zeros((21, 5 + 2), np.float32)
    output[7] = (16, 12, 8, 4, 0.8, 0.25, 0.5)
    boxes, scores, classes = YoloxDecoder(32, 32, decoded=True)(output, 0.3)
    assert boxes.tolist() == [[12, 10, 20, 14]]
    assert (scores.tolist(), classes.tolist()) == ([pytest.approx(0.4)], [1])


def test_yolov5_rows() -> None:
    output = np.zeros((63, 5 + 2), np.float32)
    output[1] = (50, 40, 20, 10, 0.9, 0.2, 0.7)
    output[3] = (10, 10, 4, 4, 0.9, 0.1, 0.2)  # an object, of no class enough
    output[4] = (10, 10, 4, 4, 0.1, 0.9, 0.9)  # a class, of no object enough
    boxes, scores, classes = Yolov5Decoder()(output, 0.3)
    assert boxes.tolist() == [[40, 35, 60, 45]]
    assert (scores.tolist(), classes.tolist()) == ([pytest.approx(0.63)], [1])


def test_yolov10_rows() -> None:
    output = np.zeros((300, 6), np.float32)
    output[0] = (40, 35, 60, 45, 0.8, 7)
    output[1] = (41, 35, 61, 45, 0.5, 7)
    boxes, scores, classes = Yolov10Decoder()(output, 0.3)
    assert boxes.tolist() == [[40, 35, 60, 45], [41, 35, 61, 45]]
    assert (scores.tolist(), classes.tolist()) == ([pytest.approx(0.8), 0.5], [7, 7])
    boxes[0] = 0  # the caller may change its boxes: the session's own memory stays as it is
    assert output[0, 0] == 40


def nanodet_row(classes: int, best: int, score: float, distances: tuple[int, int, int, int]) -> np.ndarray:
    """A cell that is sure of whole distances: left, up, right, down."""
    row = np.zeros(classes + 32, np.float32)
    row[best] = score
    for side, distance in enumerate(distances):
        row[classes + side * 8 + distance] = 50
    return row


def test_nanodet_plus_measures_from_the_corner_of_a_cell() -> None:
    """64 × 32: 32 cells of stride 8, 8 of 16, 2 of 32, 1 of 64."""
    output = np.zeros((43, 3 + 32), np.float32)
    output[8 * 2 + 3] = nanodet_row(3, 2, 0.8, (1, 2, 3, 1))  # column 3, row 2 of stride 8: (24, 16)
    output[42] = nanodet_row(3, 0, 0.5, (0, 0, 7, 7))  # the one of stride 64: far out of the picture
    boxes, scores, classes = NanodetDecoder(64, 32)(output, 0.3)
    assert boxes == pytest.approx(np.array([[16, 0, 48, 24], [0, 0, 64, 32]]))
    assert (scores.tolist(), classes.tolist()) == ([pytest.approx(0.8), 0.5], [2, 0])


def test_a_side_of_nanodet_is_the_mean_of_its_distribution() -> None:
    output = np.zeros((43, 1 + 32), np.float32)
    output[8 * 2 + 3] = nanodet_row(1, 0, 0.8, (1, 1, 1, 1))
    output[8 * 2 + 3, 1 + 16 + 3] = 50  # right: half 1, half 3
    boxes, _, _ = NanodetDecoder(64, 32)(output, 0.3)
    assert boxes == pytest.approx(np.array([[16, 8, 40, 24]]))


def test_the_first_nanodet_measures_from_the_middle_of_a_cell() -> None:
    output = np.zeros((42, 1 + 32), np.float32)
    output[8 * 2 + 3] = nanodet_row(1, 0, 0.8, (1, 1, 1, 1))
    boxes, _, _ = NanodetDecoder(64, 32)(output, 0.3)
    assert boxes == pytest.approx(np.array([[20, 12, 36, 28]]))


@pytest.mark.parametrize("chosen", [False, True], ids=["classes", "score and class"])
def test_rtdetr_speaks_in_shares_of_the_input(chosen: bool) -> None:
    output = np.full((300, 6), 0.01, np.float32)
    if chosen:
        output[:, 5] = 0
        output[7] = (0.5, 0.25, 0.25, 0.5, 0.9, 1)
    else:
        output[7] = (0.5, 0.25, 0.25, 0.5, 0.1, 0.9)
    boxes, scores, classes = RtdetrDecoder(64, 32)(output, 0.3)
    assert boxes.tolist() == [[24, 0, 40, 16]]
    assert (scores.tolist(), classes.tolist()) == ([pytest.approx(0.9)], [1])


EMPTY = [
    pytest.param(YoloxDecoder(32, 32), (21, 6), id="yolox"),
    pytest.param(YoloxDecoder(32, 32, decoded=True), (21, 6), id="yolox_decoded"),
    pytest.param(Yolov5Decoder(), (63, 6), id="yolov5"),
    pytest.param(Yolov8Decoder(), (6, 21), id="yolov8"),
    pytest.param(Yolov10Decoder(), (300, 6), id="yolov10"),
    pytest.param(NanodetDecoder(32, 32), (22, 33), id="nanodet"),
    pytest.param(RtdetrDecoder(32, 32), (300, 6), id="rtdetr"),
]


@pytest.mark.parametrize(("decode", "shape"), EMPTY)
def test_nothing_found(decode: Decoder, shape: tuple[int, int]) -> None:
    boxes, scores, classes = decode(np.zeros(shape, np.float32), 0.1)
    assert (boxes.shape, scores.shape, classes.shape) == ((0, 4), (0,), (0,))
    assert (boxes.dtype, scores.dtype, classes.dtype) == (np.float32, np.float32, np.int32)


@pytest.mark.parametrize(
    ("decode", "shape", "said"),
    [
        (YoloxDecoder(32, 32), (84, 21), r"found an output of \(84, 21\), expected \(21, 5 \+ classes\)"),
        (Yolov5Decoder(), (84, 8400), r"found an output of \(84, 8400\), expected \(boxes, 5 \+ classes\)"),
        (Yolov5Decoder(), (300, 5), r"found an output of \(300, 5\)"),
        (Yolov8Decoder(), (4, 21), r"found an output of \(4, 21\), expected \(4 \+ classes, boxes\)"),
        (Yolov8Decoder(), (300, 6), "it reads as yolov10"),
        (Yolov10Decoder(), (84, 8400), r"found an output of \(84, 8400\), expected \(boxes, 6\)"),
        (NanodetDecoder(32, 32), (20, 33), r"found an output of \(20, 33\), expected \(22 or 21, classes \+ 32\)"),
        (NanodetDecoder(32, 32), (22, 32), r"classes \+ 32"),
        (RtdetrDecoder(32, 32), (300, 4), r"found an output of \(300, 4\)"),
    ],
    ids=[
        "yolox of yolov8",
        "yolov5 of yolov8",
        "yolov5 without classes",
        "yolov8 without classes",
        "yolov8 of yolov10",
        "yolov10 of yolov8",
        "nanodet of another size",
        "nanodet without classes",
        "rtdetr without classes",
    ],
)
def test_an_output_of_another_kind_is_refused(decode: Decoder, shape: tuple[int, int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        decode(np.zeros(shape, np.float32), 0.1)


def test_boxes_in_pixels_are_not_those_of_rtdetr() -> None:
    with pytest.raises(ValueError, match="found boxes up to 320, expected shares"):
        RtdetrDecoder(640, 640)(np.full((300, 6), 320, np.float32), 0.1)
