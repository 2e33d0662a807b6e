"""Runs the detector over pictures: a real clip and what can happen to one, or pictures drawn here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import yaml

from edge.detectors.interface import Frame, Image, Observation
from edge.detectors.registry import PictureSize
from edge.detectors.thrown_object import ThrownObjectDetector, ThrownObjectSettings
from edge.sources.file import FileSource
from edge.streams.camera import CameraStream

ROOT = Path(__file__).resolve().parents[3]
SHARED = ROOT.parent / "shared" / "data"
OFFICE1 = SHARED / "thrown" / "office1.mp4"
FIRE = SHARED / "fire" / "clips"
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

Timed = tuple[float, Image]


def office1_settings(scale: float = 1.0, **changes: object) -> ThrownObjectSettings:
    """The settings of tests/data/office1.yaml; `scale` for pictures of another size."""
    config = yaml.safe_load((ROOT / "tests" / "data" / "office1.yaml").read_text())
    value = config["sources"]["office1"]["detectors"]["thrown_object"]
    facade = value["facade"]
    facade["polygon"] = [[x * scale, y * scale] for x, y in facade["polygon"]]
    facade["ignore"] = [[[x * scale, y * scale] for x, y in polygon] for polygon in facade["ignore"]]
    for point in facade["homography"]:
        point["pixel"] = [value * scale for value in point["pixel"]]
    return ThrownObjectSettings.model_validate({**value, **changes})


def clip(path: Path) -> Iterator[Timed]:
    """(media time, luma) of every frame."""
    with FileSource(path) as source:
        for frame in CameraStream(path.stem, source, wall_start=EPOCH).frames():
            yield frame.media_time, frame.luma


def falls(settings: ThrownObjectSettings, frames: Iterable[Timed]) -> dict[str, list[Observation]]:
    """The observations of a run by key."""
    detector: ThrownObjectDetector | None = None
    found: dict[str, list[Observation]] = {}
    for index, (t, luma) in enumerate(frames):
        if detector is None:
            detector = ThrownObjectDetector(settings, PictureSize(luma.shape[1], luma.shape[0]))
        frame = Frame("test", index, t, EPOCH + timedelta(seconds=t), luma, _no_colour)
        for observation in detector.observe(frame):
            found.setdefault(observation.key, []).append(observation)
    return found


def _no_colour() -> Image:
    raise AssertionError("the detector needs no colour")


def changed(frames: Iterable[Timed], change: Callable[[float, Image], Image]) -> Iterator[Timed]:
    """Every picture through `change(time, luma)`."""
    return ((t, change(t, luma)) for t, luma in frames)


def backwards(frames: Iterable[Timed]) -> Iterator[Timed]:
    """The clip from its end to its beginning: nothing falls, things rise."""
    held = [(t, luma.copy()) for t, luma in frames]
    end = held[-1][0]
    return ((end - t, luma) for t, luma in reversed(held))


def every(frames: Iterable[Timed], step: int) -> Iterator[Timed]:
    """One picture in `step`."""
    return (frame for number, frame in enumerate(frames) if number % step == 0)


def gained(luma: Image, gain: float) -> Image:
    """Another exposure."""
    return cv2.convertScaleAbs(luma, alpha=gain)


def noisy(sigma: float, seed: int) -> Callable[[float, Image], Image]:
    """Sensor noise: as much again in every picture."""
    random = np.random.default_rng(seed)
    noise = random.normal(0, sigma, (800, 1400)).astype(np.int16)

    def change(_t: float, luma: Image) -> Image:
        top, left = random.integers(0, 60, 2)
        patch = noise[top : top + luma.shape[0], left : left + luma.shape[1]]
        return np.clip(luma.astype(np.int16) + patch, 0, 255).astype(np.uint8)

    return change
