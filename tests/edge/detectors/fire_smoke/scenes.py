"""Pictures of things that burn and things that look like it, drawn here; and models that answer what they are told."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from contract.events import Model
from edge.detectors.fire_smoke import FireSmokeDetector, FireSmokeSettings
from edge.detectors.fire_smoke.canary import PaintedFlame
from edge.detectors.interface import Detections, Frame, GroundPort, Image, Observation, Region, WitnessPort
from edge.detectors.registry import CameraContext, PictureSize
from edge.sources.file import FileSource
from edge.streams.camera import CameraStream

SIZE = PictureSize(320, 180)
EPOCH = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
"""A Monday."""
ROOT = Path(__file__).resolve().parents[4]
SHARED = ROOT.parent / "shared" / "data"
WEIGHTS = Model(name="scripted", version="1", sha256="ab" * 32)

Draw = Callable[[Image, float], None]
"""Draws into a BGR picture what is there at a time in seconds."""


def street(level: int = 100, seed: int = 7) -> Image:
    """A textured background, darker below."""
    random = np.random.default_rng(seed)
    coarse = random.uniform(0.7, 1.3, (12, 20)).astype(np.float32)
    picture = cv2.resize(coarse, (SIZE.width, SIZE.height), interpolation=cv2.INTER_CUBIC) * level
    picture += random.normal(0, 6, picture.shape)
    tinted = np.dstack([picture * 1.02, picture, picture * 0.93])
    return np.clip(tinted, 0, 255).astype(np.uint8)


def frame(picture: Image, t: float, index: int) -> Frame:
    """A frame without planes, as of a camera of stills."""

    def read_bgr(region: Region | None = None) -> Image:
        if region is None:
            return picture.copy()
        return picture[region.y : region.y + region.height, region.x : region.x + region.width].copy()

    luma = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    return Frame("c", index, t, EPOCH + timedelta(seconds=t), luma, read_bgr)


def film(
    draw: Draw | Sequence[Draw],
    seconds: float,
    *,
    fps: float = 12.0,
    background: Image | None = None,
    noise: float = 1.5,
) -> Iterator[Frame]:
    """Frames of a fixed camera before which something happens."""
    draws = [draw] if callable(draw) else list(draw)
    still = street() if background is None else background
    random = np.random.default_rng(1)
    grain = [random.normal(0, noise, still.shape).astype(np.float32) for _ in range(8)]
    for index in range(int(seconds * fps)):
        t = index / fps
        picture = still.copy()
        for one in draws:
            one(picture, t)
        noisy = picture + grain[int(random.integers(0, len(grain)))]
        yield frame(np.clip(noisy, 0, 255).astype(np.uint8), t, index)


def flame(
    x: float = 140, y: float = 90, size: float = 34, *, begins: float = 0.0, ends: float = 1e4, seed: int = 3
) -> Draw:
    """A fire."""
    painted = PaintedFlame((x, y, 0.9 * size, size), ends - begins, seed)

    def draw(picture: Image, t: float) -> None:
        painted.paint_bgr(picture, t - begins, 0, 0)

    return draw


def smoke(
    x: float = 120, base: float = 150, *, begins: float = 0.0, growing_seconds: float = 15.0, seed: int = 5
) -> Draw:
    """A grey plume that rises from a place and spreads, over whatever is behind."""
    random = np.random.default_rng(seed)
    field = random.normal(0, 1, (64, 16)).astype(np.float32)
    texture = cv2.GaussianBlur(cv2.resize(field, (160, 640), interpolation=cv2.INTER_CUBIC), (0, 0), 5)
    texture = texture / texture.std()

    def draw(picture: Image, t: float) -> None:
        age = t - begins
        if age <= 0:
            return
        height = int(min(20 + 100 * age / growing_seconds, base))
        rows = np.arange(height, dtype=np.float32)
        wide = 10 + 0.3 * (height - rows)
        columns = np.arange(160, dtype=np.float32) - 80 + 6 * math.sin(0.4 * t)
        plume = np.exp(-((columns[None, :] / wide[:, None]) ** 2))
        first = int(40 * t) % (texture.shape[0] - height)
        billows = texture[first : first + height]
        alpha = np.clip(plume * (0.45 + 0.25 * billows), 0, 0.9)[:, :, None]
        left = int(x) - 80
        here = picture[int(base) - height : int(base), max(left, 0) : left + 160]
        alpha = alpha[:, -here.shape[1] :] if left < 0 else alpha[:, : here.shape[1]]
        here[:] = (here * (1 - alpha) + np.array([178.0, 174.0, 170.0]) * alpha).astype(np.uint8)

    return draw


def lamp(level: Callable[[float], float], *, x: int = 150, y: int = 100, radius: int = 9) -> Draw:
    """An orange lamp with so much light, 0 to 1, at a time."""

    def draw(picture: Image, t: float) -> None:
        share = level(t)
        if share > 0:
            cv2.circle(picture, (x, y), radius, (30 * share, 140 * share, 250 * share), -1, cv2.LINE_AA)

    return draw


def passing(
    colour: tuple[int, int, int], *, width: int = 46, height: int = 24, every: float = 3.0, row: int = 120
) -> Draw:
    """Things of one colour that drive across, one after the other."""

    def draw(picture: Image, t: float) -> None:
        x = int((t % every) / every * (SIZE.width + 2 * width)) - width
        cv2.rectangle(picture, (x, row), (x + width, row + height), colour, -1)

    return draw


class Scripted:
    """A model that says what it is told, at once or so many questions later. An `InferencePort`."""

    def __init__(
        self,
        told: Callable[[float], Iterable[tuple[str, tuple[float, float, float, float], float]]],
        *,
        labels: Sequence[str] = ("fire", "smoke"),
        late: int = 0,
        name: str = "scripted",
    ) -> None:
        self._told = told
        self._labels = labels
        self._late = late
        self._name = name
        self._waiting: list[Detections] = []
        self.asked: list[tuple[float, Region | None]] = []

    def ask(self, model: str, frame: Frame, region: Region | None = None) -> bool:
        assert model == self._name
        self.asked.append((frame.media_time, region))
        found = [row for row in self._told(frame.media_time) if _shown(row[1], region)]
        self._waiting.append(
            Detections(
                media_time=frame.media_time,
                boxes=np.array([row[1] for row in found], np.float32).reshape(-1, 4),
                scores=np.array([row[2] for row in found], np.float32),
                classes=np.array([self._labels.index(row[0]) for row in found], np.int32),
                model=Model(name=self._name, version="1", sha256="ab" * 32),
            )
        )
        return True

    def answers(self) -> Sequence[Detections]:
        count = max(len(self._waiting) - self._late, 0)
        answers, self._waiting = self._waiting[:count], self._waiting[count:]
        return answers

    def labels(self, model: str) -> Sequence[str]:
        return self._labels


def _shown(box: tuple[float, float, float, float], region: Region | None) -> bool:
    if region is None:
        return True
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return region.x <= x <= region.x + region.width and region.y <= y <= region.y + region.height


def detector(
    settings: FireSmokeSettings | dict[str, Any] | None = None,
    *,
    size: PictureSize = SIZE,
    port: Scripted | None = None,
    witnesses: WitnessPort | None = None,
    ground: GroundPort | None = None,
) -> FireSmokeDetector:
    """A detector of these settings."""
    made = settings if isinstance(settings, FireSmokeSettings) else FireSmokeSettings.model_validate(settings or {})
    return FireSmokeDetector(made, CameraContext("c", size, port, witnesses, ground))


def seen(made: FireSmokeDetector, frames: Iterable[Frame]) -> list[Observation]:
    """Everything that a detector says of some frames."""
    return [observation for one in frames for observation in made.observe(one)]


def clip(path: Path, *, fps: float = 15.0) -> Iterator[Frame]:
    """A recording, thinned."""
    due = -1.0
    with FileSource(path) as source:
        for one in CameraStream(path.stem, source, wall_start=EPOCH).frames():
            if one.media_time >= due:
                due = one.media_time + 1 / fps - 0.01
                yield one


def slides(paths: Iterable[Path], *, hold: float, fps: float, width: int = 640) -> Iterator[Frame]:
    """Stills, each held for some seconds, brought to one size."""
    index = 0
    for path in paths:
        picture = cv2.imread(str(path))
        height = 2 * round(width * 9 / 32)
        still = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        for _ in range(max(int(hold * fps), 1)):
            yield frame(still, index / fps, index)
            index += 1
