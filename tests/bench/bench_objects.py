"""Things in zones beyond the model itself, the blurring of a still, and what tiles find that a whole picture does not.

The last two on the real YOLOX-nano and real street pictures, where they are there.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from contract.events import Model
from edge.config.evidence import BlurSettings
from edge.config.inference import InferenceSettings, ModelSettings
from edge.detectors.interface import Detections, Frame, Region
from edge.detectors.objects_in_zone import ObjectsInZoneDetector, ObjectsInZoneSettings
from edge.detectors.registry import PictureSize
from edge.evidence.redaction import StillBlur
from edge.inference.detecting import DetectionModel, question_about
from edge.inference.port import ReplayModels
from edge.inference.sessions import REFERENCE, read_model
from edge.vision.blurring import blurred, tiles
from edge.vision.suppression import suppress
from tests.bench.rows import Row, at_least, at_most, publish, skipped
from tests.edge.detectors.objects_in_zone.street import EPOCH, no_colour

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
YOLOX, STREETS = DATA / "weights" / "yolox_nano.onnx", DATA / "streets" / "dashcam"
LABELS = ("person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck")
SIZE = PictureSize(1920, 1080)
THINGS, ZONES, LOOKS, ROUNDS = 30, 8, 200, 5
LOOK_TARGET_MS = 3.0
"""A third of what the model itself takes for a look."""


class _Crowd:
    """Answers with things that drift, one in ten missed."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(2)
        self._feet = self._random.uniform((0, 300), (1800, 1000), (THINGS, 2))
        self._kinds = self._random.choice([0, 2, 5, 7], THINGS).astype(np.int32)
        self._answer: Detections | None = None

    def ask(self, _model: str, frame: Frame, _region: Region | None = None) -> bool:
        self._feet += self._random.normal(0, 2, self._feet.shape)
        seen = self._random.random(THINGS) > 0.1
        boxes = np.concatenate((self._feet - np.array((30, 90)), self._feet + np.array((30, 0))), axis=1).astype(
            np.float32
        )[seen]
        scores = np.full(len(boxes), 0.8, np.float32)
        model = Model(name="crowd", version="1", sha256="0" * 64)
        self._answer = Detections(frame.media_time, boxes, scores, self._kinds[seen], model)
        return True

    def answers(self) -> Sequence[Detections]:
        answer, self._answer = self._answer, None
        return [] if answer is None else [answer]

    def labels(self, _model: str) -> Sequence[str]:
        return LABELS


def look_ms() -> list[float]:
    """A look with THINGS things, ZONES zones and three rules in each, in each round."""
    rules = [
        {"classes": ["car", "bus", "truck"], "dwell": {"seconds": 20, "still": True}},
        {"classes": ["person"], "count": {"more_than": 2, "seconds": 10}},
        {"classes": ["car", "bus", "truck"], "direction": {"allowed_degrees": 90}},
    ]
    zones = [
        {"name": f"zone {n}", "polygon": [[200 * n, 200], [200 * n + 400, 200], [200 * n + 300, 1080], [200 * n, 1080]],
         "rules": rules}
        for n in range(ZONES)
    ]  # fmt: skip
    settings = ObjectsInZoneSettings.model_validate({"model": "crowd", "zones": zones})
    luma = np.zeros((SIZE.height, SIZE.width), np.uint8)
    rounds = []
    for _ in range(ROUNDS):
        detector = ObjectsInZoneDetector(settings, SIZE, _Crowd())
        began = time.process_time()
        for number in range(LOOKS):
            detector.observe(Frame("gate", number, number * 0.5, EPOCH, luma, no_colour))
        rounds.append((time.process_time() - began) / LOOKS * 1000)
    return rounds


def _models() -> InferenceSettings:
    model = ModelSettings.model_validate({"path": YOLOX, "format": "yolox", "labels": LABELS})
    return InferenceSettings(models={"things": model})


def blur_rows() -> list[Row]:
    """Processor time of a still, and what is found in it."""
    names = ("objects.blur_still_1080p_ms", "objects.blur_found_tiles_over_whole")
    if not (YOLOX.exists() and STREETS.exists()):
        return [
            skipped(name, unit, None, f"{STREETS} is not there") for name, unit in zip(names, ("ms", "x"), strict=True)
        ]
    pictures = [cv2.imread(str(path)) for path in sorted(STREETS.glob("*.jpeg"))[::3]]
    settings = BlurSettings(model="things")
    blur = StillBlur(settings, ReplayModels(_models()).port())
    blur.still(pictures[0])
    times = []
    for picture in pictures:
        began = time.process_time()
        blur.still(picture)
        times.append((time.process_time() - began) * 1000)
    whole, together = 0, 0
    model = DetectionModel("things", _models().models["things"], read_model(YOLOX), REFERENCE)
    for picture in pictures:
        alone = _found(model, picture, [None], settings)
        regions = [
            Region(one.left, one.top, one.width, one.height) for one in tiles(picture.shape[1], picture.shape[0])
        ]
        whole += len(alone)
        together += len(_found(model, picture, [None, *regions], settings))
        assert blurred(picture, alone).shape == picture.shape
    return [
        at_most(names[0], times, "ms", None, "processor time; YOLOX-nano at 416 px, whole and six tiles"),
        at_least(names[1], [together / max(whole, 1)], "x", None, f"{together} against {whole} people and vehicles"),
    ]


def _found(
    model: DetectionModel, picture: np.ndarray, regions: Sequence[Region | None], settings: BlurSettings
) -> np.ndarray:
    """Boxes (n, 4) of people and vehicles, each thing once."""

    def read_bgr(region: Region | None = None) -> np.ndarray:
        if region is None:
            return picture
        return picture[region.y : region.y + region.height, region.x : region.x + region.width]

    frame = Frame("", 0, 0.0, EPOCH, picture[:, :, 0], read_bgr)
    answers = [model.answer([question_about(frame, region)])[0] for region in regions]
    boxes, scores, classes = (
        np.concatenate([getattr(answer, name) for answer in answers]) for name in ("boxes", "scores", "classes")
    )
    wanted = (scores >= settings.min_score) & np.isin(classes, [LABELS.index(label) for label in settings.labels])
    boxes, scores = boxes[wanted], scores[wanted]
    return boxes[suppress(boxes, scores, np.zeros(len(scores), np.int32), max_iou=0.45, limit=1000)]


def run() -> list[Row]:
    """Measures everything."""
    rows = [
        at_most("objects.look_ms", look_ms(), "ms", LOOK_TARGET_MS, f"{THINGS} things, {ZONES} zones of three rules"),
        *blur_rows(),
    ]
    publish("objects", rows)
    return rows
