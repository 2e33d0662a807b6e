"""Puts a source's parts together from its settings: writer, detectors, tracker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from contract.events import Clock, SourceRef
from contract.geometry import Location
from contract.ids import IdFactory
from edge.config.evidence import EvidenceSettings
from edge.config.sources import SourceSettings
from edge.detectors.interface import CameraDetector, SensorDetector
from edge.detectors.registry import (
    CameraContext,
    CameraDetectorKind,
    PictureSize,
    SensorDetectorKind,
    SettingProblem,
    installed_detectors,
)
from edge.episodes.episode import Episode
from edge.episodes.events import EventWriter, producers_of
from edge.episodes.tracker import EpisodeTracker


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


def tracker_for(settings: SourceSettings, writer: EventWriter, resumed: Iterable[Episode] = ()) -> EpisodeTracker:
    """The episode tracker of a source, with each detector's clear time."""
    kinds = installed_detectors()
    clear_after: dict[str, float | None] = {}
    for name in settings.detectors:
        kind = kinds[name]
        clear_after[name] = kind.clear_after_seconds if isinstance(kind, CameraDetectorKind) else None
    return EpisodeTracker(writer.source, writer.location, writer.new_id, clear_after, resumed)


def camera_detectors(settings: SourceSettings, context: CameraContext) -> Mapping[str, CameraDetector]:
    """A camera's detectors."""
    kinds = installed_detectors()
    built: dict[str, CameraDetector] = {}
    for name, values in settings.detectors.items():
        kind = kinds[name]
        assert isinstance(kind, CameraDetectorKind), "the configuration was checked"
        built[name] = kind.build(values, context)
    return built


def sensor_detectors(settings: SourceSettings) -> Mapping[str, SensorDetector]:
    """A sensor's detectors."""
    kinds = installed_detectors()
    built: dict[str, SensorDetector] = {}
    for name, values in settings.detectors.items():
        kind = kinds[name]
        assert isinstance(kind, SensorDetectorKind), "the configuration was checked"
        built[name] = kind.build(values)
    return built


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
    return problems
