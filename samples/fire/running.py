"""One show through the real pipeline, in process and by every variant at once: what each said, as JSON types."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any

from pydantic import BaseModel, ConfigDict

from contract.details import FireDetail
from contract.events import Clock, HazardData, HazardEvent, Phase, Tier
from contract.ids import DeterministicIds
from edge.assembly import camera_detectors, tracker_for, writer_for
from edge.config.evidence import EvidenceSettings
from edge.config.inference import InferenceSettings
from edge.config.sources import CameraSource, location_of
from edge.detectors.fire_smoke.detector import FireSmokeDetector
from edge.detectors.fire_smoke.settings import FireSmokeSettings
from edge.detectors.interface import Detections
from edge.detectors.registry import CameraContext, PictureSize
from edge.inference.detecting import Question
from edge.inference.port import ReplayModels
from edge.outbox.sink import Commit
from edge.pipeline import CameraPipeline
from samples.fire.shows import Show, TrueFire

DETECTOR = "fire_smoke"
MODEL = "fire"
"""What the model is called in the settings that are made here."""


class Variant(StrEnum):
    """What is switched on. Each stage stands on those before it."""

    PROPOSER = "proposer"
    TUBE = "tube"
    BEHAVIOUR = "behaviour"
    CALIBRATION = "calibration"
    """All of it: what is shipped."""
    CLASSICAL = "classical"
    """All of it, without weights."""


STAGES: Mapping[Variant, Mapping[str, bool]] = {
    Variant.PROPOSER: {"tube": False, "behaviour": False, "calibration": False},
    Variant.TUBE: {"tube": True, "behaviour": False, "calibration": False},
    Variant.BEHAVIOUR: {"tube": True, "behaviour": True, "calibration": False},
    Variant.CALIBRATION: {},
    Variant.CLASSICAL: {},
}


class Said(BaseModel):
    """An episode as the pipeline reported it; seconds of media time, pixels."""

    model_config = ConfigDict(frozen=True)

    hazard: str
    tier: Tier
    """The gravest it came to."""
    raised: float
    alarmed: float | None
    """When it first was an alarm."""
    critical: float | None
    cleared: float | None
    confidence: float
    box: tuple[float, float, float, float]
    proposers: tuple[str, ...]
    model: str | None


class ShowResult(BaseModel):
    """What became of one show."""

    model_config = ConfigDict(frozen=True)

    name: str
    recipe: str
    seconds: float
    frames: int
    fires: tuple[TrueFire, ...]
    said: dict[Variant, tuple[Said, ...]]
    unknown_seconds: float
    render_seconds: float
    judge_seconds: dict[Variant, float]


class BrokenDetectorError(RuntimeError):
    """The detector raised on a picture: a fault to be mended, not a figure."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The model that takes part, or None: then only what needs none is run."""

    inference: InferenceSettings | None = None

    @property
    def sha256(self) -> str:
        """Of the weights; empty without."""
        return "" if self.inference is None else str(self.inference.models[MODEL].sha256)

    def variants(self) -> Sequence[Variant]:
        """Those that differ: without a model the classical path is all there is."""
        every = tuple(Variant)
        return every if self.inference is not None else tuple(v for v in every if v is not Variant.CLASSICAL)


class _Once(ReplayModels):
    """Answers each question once: variants ask about the same pictures."""

    def __init__(self, settings: InferenceSettings) -> None:
        super().__init__(settings)
        self._known: dict[tuple[object, ...], Detections] = {}

    def answer(self, model: str, question: Question) -> Detections:
        key = model, question.media_time, question.window
        if key not in self._known:
            if self._known and next(iter(self._known))[1] != question.media_time:
                self._known.clear()
            self._known[key] = super().answer(model, question)
        return self._known[key]


class Kept:
    """A sink that keeps events in memory."""

    def __init__(self) -> None:
        self.data: list[HazardData] = []

    def commit(self, commit: Commit) -> None:
        self.data += [event.data for event in commit.events if isinstance(event, HazardEvent)]


def recipe_of(show: Show, weights: Weights) -> str:
    """A digest of what is shown and of the weights: a result of another recipe is another result."""
    return sha256(f"{show.recipe} {weights.sha256}".encode()).hexdigest()[:16]


def run_show(show: Show, weights: Weights, only: Sequence[Variant] = ()) -> ShowResult:
    """Shows it to all variants, or to those named; what is shipped is always among them.

    Raises:
        BrokenDetectorError: a detector raised.
    """
    models = None if weights.inference is None else _Once(weights.inference)
    wanted = {*only, Variant.CALIBRATION} if only else set(Variant)
    kept = {variant: Kept() for variant in weights.variants() if variant in wanted}
    pipelines = {variant: new_pipeline(show, variant, sink, models)[1] for variant, sink in kept.items()}
    judging = dict.fromkeys(pipelines, 0.0)
    count, rendering, last = 0, 0.0, 0.0
    mark = time.perf_counter()
    for frame in show.frames():
        rendering += time.perf_counter() - mark
        for variant, pipeline in pipelines.items():
            began = time.perf_counter()
            pipeline.take(frame)
            judging[variant] += time.perf_counter() - began
            if pipeline.meter.broken_detectors or pipeline.meter.detector_faults.total():
                raise BrokenDetectorError(f"{show.name}, {variant.value} at {frame.media_time:.2f} s")
        count, last = count + 1, frame.media_time
        mark = time.perf_counter()
    return ShowResult(
        name=show.name,
        recipe=recipe_of(show, weights),
        seconds=last,
        frames=count,
        fires=show.fires(),
        said={variant: tuple(_said(sink.data)) for variant, sink in kept.items()},
        unknown_seconds=pipelines[Variant.CALIBRATION].unknown_seconds,
        render_seconds=rendering,
        judge_seconds=judging,
    )


def new_pipeline(
    show: Show, variant: Variant, sink: Kept, models: ReplayModels | None
) -> tuple[FireSmokeDetector, CameraPipeline]:
    """The detector of a camera that shows it, and the pipeline that holds it.

    Raises:
        BrokenDetectorError: it could not be built.
    """
    own: dict[str, Any] = {"stages": STAGES[variant]}
    asks = models is not None and variant is not Variant.CLASSICAL
    if asks:
        own["model"] = MODEL
    settings = CameraSource.model_validate(
        {
            "kind": "camera",
            "name": show.name,
            "location": {"lon": 113.6254, "lat": 34.7466, "accuracy_m": 30},
            "detectors": {DETECTOR: FireSmokeSettings.model_validate(own)},
        }
    )
    location = location_of(settings)
    if location is None:
        raise ValueError(f"{show.name}: found no location, expected the one that was written here")
    evidence = EvidenceSettings()
    clock = Clock(synced=True, offset_seconds=0.0)
    ids = DeterministicIds(f"{show.name} {variant.value}")
    writer = writer_for("box", show.name, settings, evidence, location, new_id=ids, clock=lambda: clock, clip=show.name)
    context = CameraContext(show.name, PictureSize(*show.size))
    new_port = models.port if models is not None and asks else None
    detectors = camera_detectors(settings, context, new_port)
    detector = detectors[DETECTOR].inner
    if not isinstance(detector, FireSmokeDetector):
        raise BrokenDetectorError(f"{show.name}: found {type(detector).__name__}, expected a detector of fire")
    return detector, CameraPipeline(detectors, tracker_for(settings, writer), writer, None, sink)


def _said(data: list[HazardData]) -> list[Said]:
    episodes: dict[str, list[HazardData]] = {}
    for item in data:
        if item.hazard in ("fire", "smoke"):
            episodes.setdefault(item.episode_id, []).append(item)
    return [_one(sorted(items, key=lambda item: item.revision)) for items in episodes.values()]


def _one(items: list[HazardData]) -> Said:
    first, last = items[0], items[-1]
    if first.media is None or last.media is None:
        raise ValueError(f"{first.episode_id}: found an event without media time, expected one of a recording")
    detail = FireDetail.model_validate(first.detail)
    box = detail.box
    alarms = [item for item in items if item.tier is Tier.ALARM and item.media is not None]
    critical = [
        item for item in items
        if item.media is not None and FireDetail.model_validate(item.detail).stage == "critical"
    ]  # fmt: skip
    return Said(
        hazard=first.hazard,
        tier=Tier.ALARM if alarms else Tier.REVIEW,
        raised=first.media.observed_seconds,
        alarmed=_observed(alarms),
        critical=_observed(critical),
        cleared=last.media.observed_seconds if last.phase is Phase.CLEARED else None,
        confidence=max(item.confidence for item in items),
        box=(box.x, box.y, box.x + box.width, box.y + box.height),
        proposers=detail.proposers,
        model=None if first.producer.model is None else first.producer.model.sha256,
    )


def _observed(items: Sequence[HazardData]) -> float | None:
    return items[0].media.observed_seconds if items and items[0].media is not None else None
