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
        frame = Frame("test", index, t, EPOCH + timedelta(seconds=t), luma, no_colour)
        for observation in detector.observe(frame):
            found.setdefault(observation.key, []).append(observation)
    return found


def no_colour() -> Image:
    """Stands for the conversion to colour."""
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


# Pictures drawn here: a wall of 320 x 240 at 25 frames a second, 10 pixels a metre, its ground at y = 230.
PIXELS_PER_M = 10.0
GROUND_PX = 230.0
Thing = Callable[[float], tuple[float, float] | None]
"""Time to position in metres (right, up from the ground), or None while it is not there."""


def wall_settings(**changes: object) -> ThrownObjectSettings:
    """The whole wall, calibrated by four points."""
    corners = [(20, 10), (300, 10), (300, 230), (20, 230)]
    points = [{"pixel": [x, y], "metres": [x / PIXELS_PER_M, (GROUND_PX - y) / PIXELS_PER_M]} for x, y in corners]
    facade = {"polygon": [[2, 2], [318, 2], [318, 238], [2, 238]], "homography": points}
    return ThrownObjectSettings.model_validate({"facade": facade, **changes})


def falling(start: float, x_m: float, y_m: float, *, down: float = 0.0, sideways: float = 0.0, g: float = 9.0) -> Thing:
    """Let go at `start`; gone when it reaches the ground."""

    def thing(t: float) -> tuple[float, float] | None:
        dt = t - start
        y = y_m - down * dt - g * dt * dt / 2
        return (x_m + sideways * dt, y) if dt >= 0 and y > 0.3 else None

    return thing


def drawn(
    seconds: float,
    things: Iterable[Thing],
    *,
    fps: float = 25.0,
    size_px: int = 5,
    noise: float = 1.5,
    light: Callable[[float], float] = lambda _t: 1.0,
) -> Iterator[Timed]:
    """A textured wall with dark squares moving before it."""
    random = np.random.default_rng(5)
    wall = cv2.GaussianBlur(random.normal(140, 60, (240, 320)), (0, 0), 3) + 40
    for number in range(int(seconds * fps)):
        t = number / fps
        picture = wall.copy()
        for thing in things:
            place = thing(t)
            if place is not None:
                x, y = place[0] * PIXELS_PER_M, GROUND_PX - place[1] * PIXELS_PER_M
                left, top = round(x - size_px / 2), round(y - size_px / 2)
                picture[max(top, 0) : max(top + size_px, 0), max(left, 0) : max(left + size_px, 0)] = 40
        picture = picture * light(t) + random.normal(0, noise, picture.shape)
        yield t, np.clip(picture, 0, 255).astype(np.uint8)
