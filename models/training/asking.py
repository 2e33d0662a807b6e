"""Asks a model as the edge does: its letterbox, its decoding, its suppression. The one place that needs the edge."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge.config.inference import ModelFormat, ModelSettings, PictureSizeSettings
from edge.inference.detecting import DetectionModel, Question, formats
from edge.inference.errors import ModelError
from edge.inference.sessions import REFERENCE, read_model
from edge.vision.letterbox import Letterbox
from edge.vision.regions import Window
from models.training.errors import TrainingError
from models.training.metrics import Answer

MIN_SCORE = 0.001
"""Of answers that are counted: average precision needs the weak ones too."""
MAX_IOU = 0.6
"""Two answers of one label that overlap by more are one; between COCO's 0.65 and what the edge uses."""
MAX_BOXES = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """A model to ask. `size`: (width, height) for files that leave it open."""

    path: Path
    format: str
    labels: tuple[str, ...]
    size: tuple[int, int] | None = None
    sha256: str | None = None


class Asker:
    """An ONNX file, one picture at a time, on one thread."""

    def __init__(self, asked: Asked) -> None:
        """Raises TrainingError: the file is missing, is another one, or is of no format that the edge reads."""
        if asked.format not in set(ModelFormat):
            known = ", ".join(ModelFormat)
            raise TrainingError(
                f"{asked.path}: found format {asked.format!r}, expected one that the edge reads: {known}"
            )
        settings = ModelSettings(
            path=asked.path,
            format=ModelFormat(asked.format),
            labels=asked.labels,
            min_score=MIN_SCORE,
            max_iou=MAX_IOU,
            max_boxes=MAX_BOXES,
            input_size=PictureSizeSettings(width=asked.size[0], height=asked.size[1]) if asked.size else None,
        )
        try:
            file = read_model(asked.path, asked.sha256)
            self._model = DetectionModel(asked.path.stem, settings, file, REFERENCE)
        except ModelError as error:
            raise TrainingError(str(error)) from error
        self.sha256, self.size_bytes = file.sha256, len(file.content)
        self.spent_seconds = 0.0
        """Processor time of all answers so far."""
        self._labels = asked.labels
        shape = self._model.shape
        self._letterbox = Letterbox(shape.width, shape.height, formats(settings.format, shape.width, shape.height)[0])

    def ask(self, bgr: NDArray[np.uint8]) -> Answer:
        """What it says of a picture (height, width, 3).

        Raises:
            TrainingError: it fails, or its output is of another format, or it has more classes than labels.
        """
        height, width = bgr.shape[:2]
        begun = time.process_time()
        try:
            found = self._model.answer([Question(0.0, Window(0, 0, width, height), None, bgr)])[0]
        except ModelError as error:
            raise TrainingError(str(error)) from error
        self.spent_seconds += time.process_time() - begun
        classes = found.classes.tolist()
        if classes and max(classes) >= len(self._labels):
            raise TrainingError(f"found class {max(classes)}, expected one of {len(self._labels)} labels")
        parts = found.boxes / np.array([width, height, width, height], np.float32)
        boxes = np.asarray(np.clip(parts, 0, 1), np.float32).reshape(-1, 4)
        labels = tuple(self._labels[index] for index in classes)
        return Answer(boxes, np.asarray(found.scores, np.float32).copy(), labels)

    def input(self, bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The network's own input (1, 3, height, width) for a picture."""
        height, width = bgr.shape[:2]
        self._letterbox.put_bgr(0, bgr, Window(0, 0, width, height))
        return np.array(self._letterbox.input(1), np.float32)
