"""Every format from its raw output to boxes in the picture: the same thing, said in seven ways."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge.config.inference import ModelFormat, ModelSettings
from edge.inference.detecting import DetectionModel, Question
from edge.inference.errors import ModelError
from edge.inference.sessions import REFERENCE, Backend, SessionPlan, read_model
from edge.vision.regions import Window
from tests.edge.inference.tiny_model import fixed_model

SIZE = 64
WIDTH, HEIGHT = 128, 64
BOX = (32, 16, 96, 48)
"""In a picture of 128 × 64: 16, 8, 48, 24 in the input where padding is below, 16 lower with padding on both sides, and
16, 16, 48, 48 where the picture is stretched. A second box of the same class lies 2 px to the right, less sure."""
SCORES = (0.8, 0.5)
CLASS, CLASSES = 1, 3


def rows_of_yolo(*, decoded: bool, top: float, cells: int) -> np.ndarray:
    output = np.zeros((cells, 5 + CLASSES), np.float32)
    for number, score in enumerate(SCORES):
        row = 8 * 2 + 4 + number  # of stride 8: row 2, columns 4 and 5, whose corners are at (32, 16) and (40, 16)
        shift = 2 * number
        place = (32 + shift, 16 + top, 32, 16) if decoded else (-0.75 * number, 0, math.log(4), math.log(2))
        output[row, :4], output[row, 4], output[row, 5 + CLASS] = place, score, 1
    return output


def yolov8() -> np.ndarray:
    output = np.zeros((4 + CLASSES, 84), np.float32)
    for number, score in enumerate(SCORES):
        output[:4, number], output[4 + CLASS, number] = (32 + 2 * number, 32, 32, 16), score
    return output


def yolov10() -> np.ndarray:
    output = np.zeros((300, 6), np.float32)
    for number, score in enumerate(SCORES):
        output[number] = (16 + 2 * number, 24, 48 + 2 * number, 40, score, CLASS)
    return output


def nanodet() -> np.ndarray:
    output = np.zeros((64 + 16 + 4 + 1, CLASSES + 32), np.float32)
    for number, score in enumerate(SCORES):
        row = 64 + 4 * 2 + 2  # of stride 16: row 2, column 2, whose corner is at (32, 32)
        if number:
            row = 8 * 4 + 4  # the same corner, of stride 8
        output[row, CLASS] = score
        for side in range(4):
            output[row, CLASSES + 8 * side + (2 if number else 1)] = 60
    return output


def rtdetr(*, chosen: bool) -> np.ndarray:
    output = np.zeros((300, 6 if chosen else 4 + CLASSES), np.float32)
    for number, score in enumerate(SCORES):
        said = (score, CLASS) if chosen else np.eye(CLASSES)[CLASS] * score
        output[number] = (0.5 + number * 2 / SIZE, 0.5, 0.5, 0.5, *said)
    return output


@pytest.mark.parametrize(
    ("kind", "output", "kept"),
    [
        pytest.param(ModelFormat.YOLOX, lambda: rows_of_yolo(decoded=False, top=0, cells=84), 1, id="yolox"),
        pytest.param(
            ModelFormat.YOLOX_DECODED, lambda: rows_of_yolo(decoded=True, top=0, cells=84), 1, id="yolox_decoded"
        ),
        pytest.param(ModelFormat.YOLOV5, lambda: rows_of_yolo(decoded=True, top=16, cells=252), 1, id="yolov5"),
        pytest.param(ModelFormat.YOLOV8, yolov8, 1, id="yolov8"),
        pytest.param(ModelFormat.YOLOV10, yolov10, 2, id="yolov10"),
        pytest.param(ModelFormat.NANODET, nanodet, 1, id="nanodet"),
        pytest.param(ModelFormat.RTDETR, lambda: rtdetr(chosen=False), 2, id="rtdetr"),
        pytest.param(ModelFormat.RTDETR, lambda: rtdetr(chosen=True), 2, id="rtdetr chosen"),
    ],
)
@pytest.mark.parametrize("backend", Backend)
def test_the_same_thing(
    tmp_path: Path, kind: ModelFormat, output: Callable[[], np.ndarray], kept: int, backend: Backend
) -> None:
    path = fixed_model(tmp_path / "fixed.onnx", output(), width=SIZE, height=SIZE)
    settings = ModelSettings.model_validate({"path": path, "format": kind, "labels": ["a", "b", "c"]})
    model = DetectionModel("fixed", settings, read_model(path), SessionPlan(backend))
    question = Question(1.5, Window(0, 0, WIDTH, HEIGHT), None, np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    (answer,) = model.answer([question])
    # A network that says each thing once is believed; of the others' boxes one stays.
    assert len(answer.boxes) == kept
    assert answer.boxes[0] == pytest.approx(np.array(BOX), abs=0.01)
    assert answer.scores == pytest.approx(np.array(SCORES[:kept]))
    assert answer.classes.tolist() == [CLASS] * kept
    assert answer.media_time == 1.5


def test_every_format_refuses_what_it_cannot_read(tmp_path: Path) -> None:
    path = fixed_model(tmp_path / "fixed.onnx", np.full((2, 3), 0.5), width=SIZE, height=SIZE)
    question = Question(0.0, Window(0, 0, SIZE, SIZE), None, np.zeros((SIZE, SIZE, 3), np.uint8))
    for kind in ModelFormat:
        settings = ModelSettings.model_validate({"path": path, "format": kind})
        model = DetectionModel("fixed", settings, read_model(path), REFERENCE)
        with pytest.raises(ModelError, match=rf"fixed\.onnx: is no {kind} model: found an output of \(2, 3\)"):
            model.answer([question])
