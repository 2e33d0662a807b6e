"""What a detector is shown: rendered scenes, real clips, real stills held for seconds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict

from edge.detectors.interface import Frame
from edge.sources.file import FileSource
from edge.streams.camera import CameraStream
from edge.vision.planes import Planes
from samples.facade.seeding import stream
from samples.fire.camera import Camera
from samples.fire.render import Renderer
from samples.fire.scenario import Scene
from samples.junction.camera import ReadRegion, split
from samples.junction.heads import Box

EPOCH = datetime(2026, 6, 10, 4, 0, tzinfo=UTC)
FIRES_VERSION = 2
"""Of how fires are rendered: raised when they come to look otherwise, so that kept results are not taken for new."""
HELD_SECONDS, HELD_FPS = 30.0, 4.0
"""A still with sensor noise, long enough for three heartbeats and a tube."""
LONGEST_SIDE = 960
"""Of stills: what cameras send as a sub stream at most."""


class TrueFire(BaseModel):
    """A fire that could be seen; seconds of media time, pixels."""

    model_config = ConfigDict(frozen=True)

    end: float
    flame_since: float | None
    smoke_since: float | None
    box: tuple[int, int, int, int] | None
    """All of the picture that it ever covered; None: not known, all of it."""


class Show(Protocol):
    """Something to be shown to a detector."""

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""

    @property
    def recipe(self) -> str:
        """A digest of what is shown."""

    def frames(self) -> Iterator[Frame]:
        """In order of time; valid until the next one."""

    def fires(self) -> tuple[TrueFire, ...]:
        """What could be seen. Known once all frames were shown."""


class Rendered:
    """A rendered scene."""

    def __init__(self, scene: Scene, photographs: Path | None) -> None:
        self.scene, self.name, self.size = scene, scene.name, (scene.width, scene.height)
        version = FIRES_VERSION if scene.fires else 1
        self.recipe = sha256(f"{scene!r} {version}".encode()).hexdigest()[:16]
        self._photographs = photographs
        self._renderer: Renderer | None = None

    def frames(self) -> Iterator[Frame]:
        """See `Show`."""
        self._renderer = Renderer(self.scene, self._photographs)
        return Camera(self._renderer).frames()

    def fires(self) -> tuple[TrueFire, ...]:
        """See `Show`. A fire that was never visible is none."""
        found = []
        for fire in self._renderer.fires if self._renderer is not None else ():
            boxes = [seen.box for seen in (fire.flames, fire.smoke) if seen.box is not None]
            if boxes:
                box = (
                    min(b.left for b in boxes), min(b.top for b in boxes),
                    max(b.right for b in boxes), max(b.bottom for b in boxes),
                )  # fmt: skip
                found.append(
                    TrueFire(end=fire.spec.end, flame_since=fire.flames.since, smoke_since=fire.smoke.since, box=box)
                )
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Clip:
    """A real clip; `truth` is what burns in it."""

    path: Path
    size: tuple[int, int]
    truth: tuple[TrueFire, ...] = ()

    @property
    def name(self) -> str:
        return f"real-{self.path.stem}"

    @property
    def recipe(self) -> str:
        return sha256(f"{self.path.name} {self.path.stat().st_size} {self.truth}".encode()).hexdigest()[:16]

    def frames(self) -> Iterator[Frame]:
        """See `Show`."""
        with FileSource(self.path) as source:
            yield from CameraStream(self.name, source, wall_start=EPOCH).frames()

    def fires(self) -> tuple[TrueFire, ...]:
        """See `Show`."""
        return self.truth


@dataclass(frozen=True, slots=True)
class Still:
    """A real photograph, held before the camera with the noise of a sensor."""

    path: Path
    size: tuple[int, int]

    @property
    def name(self) -> str:
        return f"still-{self.path.parent.name}-{self.path.stem}"

    @property
    def recipe(self) -> str:
        return sha256(f"{self.path.name} {self.size} {HELD_SECONDS} {HELD_FPS}".encode()).hexdigest()[:16]

    def frames(self) -> Iterator[Frame]:
        """See `Show`."""
        width, height = self.size
        picture = cv2.imread(str(self.path))
        if picture is None:
            raise OSError(f"{self.path}: found no picture, expected a JPEG or PNG")
        shown = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
        clean = np.asarray(cv2.cvtColor(shown, cv2.COLOR_BGR2YUV_I420), np.uint8)
        for index in range(int(HELD_SECONDS * HELD_FPS)):
            i420 = clean.copy()
            noise = stream(index, "still").normal(0, 1.5, (height, width))
            i420[:height] = np.clip(i420[:height] + noise, 0, 255).astype(np.uint8)
            luma, u, v = split(i420, width, height)
            planes = Planes(luma, (u, v))
            t = index / HELD_FPS
            yield Frame(
                self.name, index, t, EPOCH + timedelta(seconds=t), luma, ReadRegion(planes), partial(_same, planes)
            )

    def fires(self) -> tuple[TrueFire, ...]:
        """Nothing."""
        return ()


def real_shows(shared: Path, clips: Path) -> Sequence[Show]:
    """Real footage that is there: fires first, then streets, signals, falls and drones, in which nothing burns."""
    burning = [
        # A pan across a bonfire, 16 s: it burns from the first picture on.
        Clip(shared / "fire/clips/fire2.mp4", (480, 270), (_burns(16.0, 0.0, None),)),
        # Black at first; the flame is there from 1.5 s, its smoke with it.
        Clip(shared / "fire/clips/sample_01.mp4", (768, 432), (_burns(30.0, 1.5, 1.5),)),
        Clip(shared / "fire/clips/small_fire.mp4", (768, 432), (_burns(16.0, 0.0, 0.0),)),
    ]
    calm = [shared / "signals/dusk_crossings.mp4", shared / "thrown/office1.mp4", *sorted(clips.glob("*.mp4"))]
    shows: list[Show] = [clip for clip in burning if clip.path.is_file()]
    shows += [Clip(path, _clip_size(path)) for path in calm if path.is_file() and not path.stem.startswith("yard")]
    for folder in ("streets/dashcam", "drone/park_survey"):
        for path in sorted((shared / folder).glob("*")):
            if path.suffix.lower() in {".jpg", ".jpeg", ".png"}:
                shows.append(Still(path, _still_size(path)))
    return shows


def _burns(end: float, flame_since: float | None, smoke_since: float | None) -> TrueFire:
    return TrueFire(end=end, flame_since=flame_since, smoke_since=smoke_since, box=None)


def _clip_size(path: Path) -> tuple[int, int]:
    with FileSource(path) as source:
        return source.width, source.height


def _still_size(path: Path) -> tuple[int, int]:
    picture = cv2.imread(str(path))
    if picture is None:
        raise OSError(f"{path}: found no picture, expected a JPEG or PNG")
    height, width = picture.shape[:2]
    factor = min(1.0, LONGEST_SIDE / max(width, height))
    return int(width * factor) // 2 * 2, int(height * factor) // 2 * 2


def _same(planes: Planes) -> Planes:
    return planes


def touches(box: tuple[int, int, int, int] | None, said: Box) -> bool:
    """Whether what was said lies where it burns: a fifth of the smaller of both in the other, with some room."""
    if box is None:
        return True
    left, top, right, bottom = box
    room_x, room_y = 10 + 0.2 * (right - left), 10 + 0.2 * (bottom - top)
    wide = min(right + room_x, said.right) - max(left - room_x, said.left)
    tall = min(bottom + room_y, said.bottom) - max(top - room_y, said.top)
    if wide <= 0 or tall <= 0:
        return False
    least = min((right - left) * (bottom - top), (said.right - said.left) * (said.bottom - said.top))
    return wide * tall >= 0.2 * max(least, 1)
