"""Puts a source's parts together from its settings: writer, detectors, tracker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from contract.events import Clock, SourceRef
from contract.geometry import Location
from contract.ids import IdFactory
from edge.config.evidence import EvidenceSettings
from edge.config.sources import CameraSource, SourceSettings, episode_policies
from edge.detectors.canary import SyntheticReading
from edge.detectors.interface import InferencePort, SensorDetector
from edge.detectors.policy import EpisodePolicy
from edge.detectors.registry import (
    CameraContext,
    CameraDetectorKind,
    PictureSize,
    SensorDetectorKind,
    SettingProblem,
    installed_detectors,
)
from edge.episodes.episode import Episode
from edge.episodes.events import CANARY, EventWriter, producers_of
from edge.episodes.tracker import EpisodeTracker
from edge.ground import ground_problems
from edge.guard import GuardedDetector

if TYPE_CHECKING:  # they paint pictures: processes that see none need not load what that takes
    from edge.canary.camera import CanaryMaker
    from edge.canary.sensor import SensorCanary


def writer_for(
    device_id: str,
    source_id: str,
    settings: SourceSettings,
    evidence: EvidenceSettings,
    location: Location,
    *,
    new_id: IdFactory,
    clock: Callable[[], Clock],
    clip: str | None = None,
) -> EventWriter:
    """The event writer of a source."""
    return EventWriter(
        device_id=device_id,
        source=SourceRef.model_validate({"id": source_id, "kind": settings.kind, "name": settings.name}),
        location=location,
        producers=producers_of(settings, evidence),
        clock=clock,
        new_id=new_id,
        clip=clip,
    )


def tracker_for(
    settings: SourceSettings, writer: EventWriter, resumed: Iterable[Episode] = (), remembered: str | None = None
) -> EpisodeTracker:
    """The episode tracker of a source, with each detector's policy; `remembered` is what its `saved` gave."""
    policies = {**episode_policies(settings), CANARY: EpisodePolicy(stale_after_seconds=None)}
    return EpisodeTracker(writer.source, writer.location, writer.new_id, policies, resumed, remembered)


def camera_detectors(
    settings: SourceSettings, context: CameraContext, new_port: Callable[[], InferencePort] | None = None
) -> Mapping[str, GuardedDetector]:
    """A camera's detectors, each behind its guard. `new_port` gives each a way of its own to ask models."""

    def own() -> CameraContext:
        return context if new_port is None else replace(context, inference=new_port())

    return {name: _guarded(kind, values, own()) for name, kind, values in camera_kinds(settings)}


def canary_makers(settings: SourceSettings, size: PictureSize) -> Mapping[str, CanaryMaker]:
    """How to paint the hazard of each of a camera's detectors, as far as their kinds can."""
    return {
        name: partial(kind.canary, values, size)
        for name, kind, values in camera_kinds(settings)
        if kind.canary is not None
    }


def camera_kinds(settings: SourceSettings) -> Iterator[tuple[str, CameraDetectorKind, Any]]:
    """A camera's detectors: name, kind, settings."""
    kinds = installed_detectors()
    for name, values in settings.detectors.items():
        kind = kinds[name]
        assert isinstance(kind, CameraDetectorKind), "the configuration was checked"
        yield name, kind, values


def _guarded(kind: CameraDetectorKind, values: Any, context: CameraContext) -> GuardedDetector:
    # A function and not a partial: a copy of the detector (for a drill) shares it, with the port that it may hold.
    return GuardedDetector(context.source_id, kind.needs(values), lambda: kind.build(values, context))


def sensor_detectors(settings: SourceSettings) -> Mapping[str, SensorDetector]:
    """A sensor's detectors."""
    kinds = installed_detectors()
    built: dict[str, SensorDetector] = {}
    for name, values in settings.detectors.items():
        kind = kinds[name]
        assert isinstance(kind, SensorDetectorKind), "the configuration was checked"
        built[name] = kind.build(values)
    return built


def sensor_canaries(settings: SourceSettings) -> Mapping[str, SensorCanary]:
    """How to make up readings for each of a sensor's detectors, as far as their kinds can."""
    kinds = installed_detectors()
    makers: dict[str, SensorCanary] = {}
    for name, values in settings.detectors.items():
        kind = kinds[name]
        if isinstance(kind, SensorDetectorKind) and kind.canary is not None:
            makers[name] = partial(_sensor_canary, kind, kind.canary, values)
    return makers


def _sensor_canary(
    kind: SensorDetectorKind, make: Callable[[Any, int], Sequence[SyntheticReading]], values: Any, variant: int
) -> tuple[SensorDetector, Sequence[SyntheticReading]]:
    return kind.build(values), make(values, variant)


def picture_problems(settings: SourceSettings, size: PictureSize) -> list[SettingProblem]:
    """What in a camera's settings does not fit its pictures; paths start below the source."""
    kinds = installed_detectors()
    problems: list[SettingProblem] = []
    for name, values in settings.detectors.items():
        kind = kinds[name]
        if isinstance(kind, CameraDetectorKind):
            problems += [
                SettingProblem(("detectors", name, *problem.path), problem.message)
                for problem in kind.picture_problems(values, size)
            ]
    if isinstance(settings, CameraSource):
        problems += ground_problems(settings.ground, size)
    return problems
