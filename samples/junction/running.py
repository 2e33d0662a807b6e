"""One scene through the real pipeline, in process: rendered, judged, and what came of it as JSON types."""

from __future__ import annotations

import time
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from contract.details import SignalDetail
from contract.events import Clock, HazardData, HazardEvent, Phase, Tier
from contract.ids import DeterministicIds
from edge.assembly import camera_detectors, tracker_for, writer_for
from edge.config.evidence import EvidenceSettings
from edge.config.sources import CameraSource, location_of
from edge.detectors.interface import Frame
from edge.detectors.registry import CameraContext, PictureSize
from edge.outbox.sink import Commit
from edge.pipeline import CameraPipeline
from samples.junction.camera import Camera
from samples.junction.installed import settings_of
from samples.junction.render import Renderer
from samples.junction.scenario import Scene

DETECTOR = "traffic_signal"
LOOK_SECONDS = 10.0
"""How often it is asked which heads are truly hidden."""


class Said(BaseModel):
    """An episode as the pipeline reported it; seconds of media time."""

    model_config = ConfigDict(frozen=True)

    hazard: str
    scope: str
    heads: tuple[str, ...]
    groups: tuple[str, ...]
    tier: Tier
    started: float
    raised: float
    cleared: float | None = None
    repaired: float | None = None
    hidden: dict[str, str] = {}
    """Of its heads: those that nobody could see when it was raised, and why."""


class SceneResult(BaseModel):
    """What became of one scene."""

    model_config = ConfigDict(frozen=True)

    name: str
    recipe: str = ""
    """Of the scene that was rendered: see `recipe_of`."""
    seconds: float
    frames: int
    heads: int
    unknown_seconds: float
    hidden_seconds: float
    """Head-seconds in which a head was hidden, divided by the heads."""
    render_seconds: float
    judge_seconds: float
    said: tuple[Said, ...]


class _Kept:
    """A sink that keeps events in memory."""

    def __init__(self) -> None:
        self.data: list[HazardData] = []

    def commit(self, commit: Commit) -> None:
        self.data += [event.data for event in commit.events if isinstance(event, HazardEvent)]


class BrokenDetectorError(RuntimeError):
    """The detector raised on a rendered picture: a fault to be mended, not a figure."""


def recipe_of(scene: Scene) -> str:
    """A digest of everything that a scene says: a result of another recipe is a result of another scene."""
    return sha256(repr(scene).encode()).hexdigest()[:16]


def run_scene(scene: Scene, photographs: Path | None) -> SceneResult:
    """Renders and judges a scene.

    Raises:
        BrokenDetectorError: the detector raised.
    """
    camera = Camera(Renderer(scene, photographs))
    return run_frames(scene, camera.frames(), camera.renderer)


def run_frames(scene: Scene, frames: Iterable[Frame], renderer: Renderer) -> SceneResult:
    """Judges frames that show a scene.

    Raises:
        BrokenDetectorError: the detector raised.
    """
    kept = _Kept()
    pipeline = _pipeline(scene, kept)
    count, rendering, judging, hidden, next_look = 0, 0.0, 0.0, 0.0, 0.0
    mark = time.perf_counter()
    for frame in frames:
        now = time.perf_counter()
        rendering += now - mark
        pipeline.take(frame)
        mark = time.perf_counter()
        judging += mark - now
        count += 1
        if pipeline.meter.broken_detectors or pipeline.meter.detector_faults.total():
            raise BrokenDetectorError(f"{scene.name} at {frame.media_time:.2f} s: {pipeline.meter.broken_detectors}")
        if frame.media_time >= next_look:
            hidden += LOOK_SECONDS * len(renderer.hidden(frame.media_time)) / len(scene.spec.heads)
            next_look = frame.media_time + LOOK_SECONDS
            mark = time.perf_counter()
    return SceneResult(
        name=scene.name,
        recipe=recipe_of(scene),
        seconds=scene.seconds,
        frames=count,
        heads=len(scene.spec.heads),
        unknown_seconds=pipeline.unknown_seconds,
        hidden_seconds=hidden,
        render_seconds=rendering,
        judge_seconds=judging,
        said=tuple(_said(kept.data, renderer)),
    )


def _pipeline(scene: Scene, sink: _Kept) -> CameraPipeline:
    settings = CameraSource.model_validate(
        {
            "kind": "camera",
            "name": scene.name,
            "location": {"lon": 113.6254, "lat": 34.7466, "accuracy_m": 30},
            "detectors": {DETECTOR: settings_of(scene)},
        }
    )
    size = PictureSize(scene.width, scene.height)
    location = location_of(settings)
    if location is None:
        raise ValueError(f"{scene.name}: found no location, expected the one that was written here")
    evidence = EvidenceSettings()
    ids = DeterministicIds(scene.name)
    clock = Clock(synced=True, offset_seconds=0.0)
    writer = writer_for(
        "box", scene.name, settings, evidence, location, new_id=ids, clock=lambda: clock, clip=scene.name
    )
    detectors = camera_detectors(settings, CameraContext(scene.name, size))
    return CameraPipeline(detectors, tracker_for(settings, writer), writer, None, sink)


def _said(data: list[HazardData], renderer: Renderer) -> list[Said]:
    episodes: dict[str, list[HazardData]] = {}
    for item in data:
        episodes.setdefault(item.episode_id, []).append(item)
    return [_one(sorted(items, key=lambda item: item.revision), renderer) for items in episodes.values()]


def _one(items: list[HazardData], renderer: Renderer) -> Said:
    first, last = items[0], items[-1]
    detail = SignalDetail.model_validate(first.detail)
    ending = SignalDetail.model_validate(last.detail)
    if first.media is None or last.media is None:
        raise ValueError(f"{first.episode_id}: found an event without media time, expected one of a recording")
    raised = first.media.observed_seconds
    begins = renderer.scene.begins_at
    over = last.phase is Phase.CLEARED
    repaired = ending.repaired_at or (last.ended_at if over else None)
    heads = tuple(dict.fromkeys(head for item in items for head in SignalDetail.model_validate(item.detail).heads))
    return Said(
        hazard=first.hazard,
        scope=detail.scope,
        heads=heads,
        groups=detail.groups,
        tier=Tier.ALARM if any(item.tier is Tier.ALARM for item in items) else Tier.REVIEW,
        started=first.media.start_seconds,
        raised=raised,
        cleared=last.media.observed_seconds if over else None,
        repaired=None if repaired is None else (repaired - begins).total_seconds(),
        hidden={head: why for head, why in renderer.hidden(raised).items() if head in detail.heads},
    )
