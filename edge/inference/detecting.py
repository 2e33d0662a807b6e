"""A picture in, boxes out: letterbox → session → decoding → suppression, with buffers that are made once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from contract.events import Model
from edge.config.inference import ModelFormat, ModelSettings
from edge.detectors.interface import Detections, Frame, Region
from edge.inference.errors import ModelError
from edge.inference.sessions import ModelFile, SessionPlan, open_session
from edge.vision.arrays import Floats
from edge.vision.decoding import (
    Decoder,
    NanodetDecoder,
    Raw,
    RtdetrDecoder,
    Yolov5Decoder,
    Yolov8Decoder,
    Yolov10Decoder,
    YoloxDecoder,
)
from edge.vision.letterbox import (
    NANODET_LAYOUT,
    RTDETR_LAYOUT,
    YOLOV8_LAYOUT,
    YOLOX_LAYOUT,
    Fit,
    Layout,
    Letterbox,
)
from edge.vision.planes import Colour, Planes
from edge.vision.regions import Window
from edge.vision.suppression import suppress

ANY_SCORE = 1e-6
"""So low that nearly every box of a network counts."""


@dataclass(frozen=True, slots=True)
class Question:
    """A picture to be looked at. It holds the decoder's own picture, not a copy: `planes`, or `bgr` of the window
    where the decoder has no planes."""

    media_time: float
    window: Window
    planes: Planes | None
    bgr: Colour | None = None


def question_about(frame: Frame, region: Region | None) -> Question:
    """Holds what must be looked at of a frame.

    Raises:
        ValueError: the region leaves the picture, or is empty.
    """
    area = region or Region(0, 0, frame.width, frame.height)
    window = Window(area.x, area.y, area.x + area.width, area.y + area.height)
    if not (0 <= window.left < window.right <= frame.width and 0 <= window.top < window.bottom <= frame.height):
        raise ValueError(f"found {area}, expected a region inside {frame.width} × {frame.height}")
    planes = frame.read_planes() if frame.read_planes is not None else None
    # Without planes colour is converted here, in the thread that owns the picture: its converter is not to be shared.
    return Question(frame.media_time, window, planes, None if planes is not None else frame.read_bgr(region))


def formats(kind: ModelFormat, width: int, height: int) -> tuple[Layout, Decoder]:
    """How a format wants its pictures, and what reads its output, for an input of that size."""
    found: dict[ModelFormat, tuple[Layout, Callable[[], Decoder]]] = {
        ModelFormat.YOLOX: (YOLOX_LAYOUT, lambda: YoloxDecoder(width, height)),
        ModelFormat.YOLOX_DECODED: (YOLOX_LAYOUT, lambda: YoloxDecoder(width, height, decoded=True)),
        ModelFormat.YOLOV5: (YOLOV8_LAYOUT, Yolov5Decoder),
        ModelFormat.YOLOV8: (YOLOV8_LAYOUT, Yolov8Decoder),
        ModelFormat.YOLOV10: (YOLOV8_LAYOUT, Yolov10Decoder),
        ModelFormat.NANODET: (NANODET_LAYOUT, lambda: NanodetDecoder(width, height)),
        ModelFormat.RTDETR: (RTDETR_LAYOUT, lambda: RtdetrDecoder(width, height)),
    }
    layout, decoder = found[kind]
    return layout, decoder()


class DetectionModel:
    """A session with all that is around it. Used by one thread at a time."""

    def __init__(self, name: str, settings: ModelSettings, file: ModelFile, plan: SessionPlan) -> None:
        """Raises ModelError: the file cannot be run that way."""
        self.plan = plan
        self.identity = Model(name=name, version=settings.version, sha256=file.sha256)
        self._settings = settings
        self.path = file.path
        self.sha256 = file.sha256
        self._session = open_session(file, plan, settings.input_size)
        self.shape = self._session.shape
        self.layout, self._decode = formats(settings.format, self.shape.width, self.shape.height)
        self._letterbox = Letterbox(self.shape.width, self.shape.height, self.layout, plan.batch)

    def answer(self, questions: Sequence[Question]) -> list[Detections]:
        """Answers in the order asked; at most `plan.batch` questions.

        Raises:
            ModelError: the session fails, or its output is not of the format that was configured.
        """
        fits = [self._put(index, question) for index, question in enumerate(questions)]
        output = self._session.run(self._letterbox.input(len(questions)))
        return [
            self._read(output[index], place, question.media_time)
            for index, (place, question) in enumerate(zip(fits, questions, strict=True))
        ]

    def run(self, batch: Floats) -> Floats:
        """The network by itself: (n, 3, height, width) in the format's range → its output, valid until the next run.

        Raises:
            ModelError: the session fails.
        """
        return self._session.run(batch)

    def classes_in(self, output: Floats) -> int:
        """How many classes an output of one picture speaks of at the least: the highest of any box, however weak.

        Raises:
            ModelError: the output is not of the format that was configured.
        """
        _, _, classes = self._decoded(output, ANY_SCORE)
        return int(classes.max(initial=-1)) + 1

    def _put(self, index: int, question: Question) -> Fit:
        if question.planes is not None:
            return self._letterbox.put_planes(index, question.planes, question.window)
        assert question.bgr is not None, "a question holds planes or colour"
        return self._letterbox.put_bgr(index, question.bgr, question.window)

    def _read(self, output: Floats, place: Fit, media_time: float) -> Detections:
        boxes, scores, classes = self._decoded(output, self._settings.min_score)
        max_iou = 1.0 if self._decode.suppressed else self._settings.max_iou
        kept = suppress(boxes, scores, classes, max_iou=max_iou, limit=self._settings.max_boxes)
        return Detections(
            media_time=media_time,
            boxes=place.to_picture(boxes[kept]),
            scores=scores[kept],
            classes=classes[kept],
            model=self.identity,
        )

    def _decoded(self, output: Floats, min_score: float) -> Raw:
        try:
            return self._decode(output, min_score)
        except ValueError as error:
            raise ModelError(f"{self.path}: is no {self._settings.format} model: {error}") from error
