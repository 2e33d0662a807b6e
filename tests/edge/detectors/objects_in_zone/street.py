"""A street of made-up things, and a port that answers about it as a network does: late, with noise and misses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from contract.events import Model
from edge.detectors.interface import Detections, Frame, Image, Observation, Region
from edge.detectors.objects_in_zone import ObjectsInZoneDetector, ObjectsInZoneSettings
from edge.detectors.registry import PictureSize

EPOCH = datetime(2026, 11, 21, tzinfo=UTC)
SIZE = PictureSize(640, 360)
LABELS = ("person", "bicycle", "car", "bus", "truck")
MODEL = Model(name="things", version="1", sha256="0" * 64)
LUMA = np.zeros((360, 640), np.uint8)
LANE = ((200, 200), (440, 200), (440, 340), (200, 340))

Box = tuple[float, float, float, float]
Path = Callable[[float], Box | None]
"""Time to (left, top, right, bottom), or None while it is not there."""


@dataclass(frozen=True, slots=True)
class Actor:
    """One thing. `labels`: what it is called in turn."""

    path: Path
    labels: tuple[str, ...] = ("car",)
    score: float = 0.8


def standing(box: Box, begin: float = 0.0, end: float = 1e9) -> Path:
    return lambda t: box if begin <= t < end else None


def moving(
    start: tuple[float, float], px_per_second: tuple[float, float], begin: float = 0.0, size: float = 60
) -> Path:
    """The foot of the thing starts at `start`."""

    def at(t: float) -> Box | None:
        x, y = start[0] + px_per_second[0] * (t - begin), start[1] + px_per_second[1] * (t - begin)
        inside = t >= begin and 0 <= x < SIZE.width and 0 <= y < SIZE.height + size
        return (x - size / 2, y - size, x + size / 2, y) if inside else None

    return at


@dataclass(slots=True)
class TruthPort:
    """Answers about actors. `late_seconds`: an answer comes with a later frame; `missed`: share of things not seen."""

    actors: Sequence[Actor]
    late_seconds: float = 0.0
    missed: float = 0.0
    noise_px: float = 1.0
    silent: tuple[float, float] = (0.0, 0.0)
    """From … to, in media time: nothing is answered, and questions are shed."""
    odd: Sequence[tuple[Box, int]] = ()
    """Boxes and classes that no network should say, in every answer."""
    now: float = 0.0
    asked: list[tuple[float, Region | None]] = field(default_factory=list)
    _waiting: list[Detections] = field(default_factory=list)
    _random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(4))

    def ask(self, model: str, frame: Frame, region: Region | None = None) -> bool:
        assert model == "things"
        t = frame.media_time
        self.asked.append((t, region))
        if self.silent[0] <= t < self.silent[1]:
            return False
        self._waiting.append(self._seen(t))
        return True

    def answers(self) -> Sequence[Detections]:
        ready = [answer for answer in self._waiting if answer.media_time + self.late_seconds <= self.now]
        self._waiting = [answer for answer in self._waiting if answer not in ready]
        return ready

    def labels(self, model: str) -> Sequence[str]:
        return LABELS

    def _seen(self, t: float) -> Detections:
        boxes, scores, classes = [], [], []
        for actor in self.actors:
            box = actor.path(t)
            if box is None or self._random.random() < self.missed:
                continue
            boxes.append(np.array(box) + self._random.normal(0, self.noise_px, 4))
            scores.append(actor.score)
            classes.append(LABELS.index(actor.labels[int(self._random.integers(len(actor.labels)))]))
        for box, kind in self.odd:
            boxes.append(np.array(box))
            scores.append(0.9)
            classes.append(kind)
        order = np.argsort(-np.array(scores), kind="stable") if scores else np.empty(0, np.intp)
        return Detections(
            t,
            np.array(boxes, np.float32).reshape(-1, 4)[order],
            np.array(scores, np.float32)[order],
            np.array(classes, np.int32)[order],
            MODEL,
        )


def rule(**values: Any) -> dict[str, Any]:
    return {"classes": ["car", "truck", "bus"], **values}


def settings(*rules: dict[str, Any], **changes: Any) -> ObjectsInZoneSettings:
    zone = {"name": "lane", "polygon": LANE, "rules": list(rules)}
    return ObjectsInZoneSettings.model_validate({"model": "things", "zones": [zone], **changes})


def frame(t: float) -> Frame:
    return Frame("gate", round(t * 100), t, EPOCH + timedelta(seconds=t), LUMA, no_colour)


def no_colour(_region: Region | None = None) -> Image:
    raise AssertionError("the detector needs no colour of its own")


def detector(values: ObjectsInZoneSettings, port: TruthPort, **more: Any) -> ObjectsInZoneDetector:
    return ObjectsInZoneDetector(values, SIZE, port, **more)


def times(seconds: float, fps: float = 5.0, begin: float = 0.0) -> Iterable[float]:
    return (begin + number / fps for number in range(int(seconds * fps) + 1))


def watched(values: ObjectsInZoneSettings, port: TruthPort, seconds: float, fps: float = 5.0) -> list[Observation]:
    """All observations of a run."""
    made = detector(values, port)
    return [one for t in times(seconds, fps) for one in seen_at(made, port, t)]


def seen_at(made: ObjectsInZoneDetector, port: TruthPort, t: float) -> Sequence[Observation]:
    port.now = t
    return made.observe(frame(t))
