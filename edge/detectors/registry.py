"""The detectors that are installed: found by the entry point group `gridsentry.detectors`.

An entry point names a module-level `CameraDetectorKind` or `SensorDetectorKind`; its key in a source's `detectors` is
the kind's `name`. Adding a detector therefore touches no code of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

from pydantic import BaseModel

from edge.detectors.canary import CameraCanary, SyntheticReading
from edge.detectors.interface import (
    CameraDetector,
    GroundPort,
    InferencePort,
    SensorDetector,
    SurveyDetector,
    WitnessPort,
)
from edge.detectors.policy import CAMERA_EPISODES, SENSOR_EPISODES, EpisodePolicy

ENTRY_POINT_GROUP = "gridsentry.detectors"


@dataclass(frozen=True, slots=True)
class PictureSize:
    """Pixels."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class SettingProblem:
    """What is wrong with one setting: where it is, below the detector's settings, and what was found and expected."""

    path: tuple[str | int, ...]
    message: str


@dataclass(frozen=True, slots=True)
class FrameNeeds:
    """What a detector wants to see: the stream decodes no more than its detectors need together.

    `fps`: frames a second; what is above it brings nothing. `min_height`: pixels below which it cannot judge; a
    smaller sub stream will not do. `key_frames`: single pictures seconds apart are enough.
    """

    fps: float = 25
    min_height: int = 0
    key_frames: bool = False


@dataclass(frozen=True, slots=True)
class Outline:
    """A polygon of the picture, in pixels, that a detector watches, or leaves out if `ignored`. To be drawn."""

    points: tuple[tuple[float, float], ...]
    ignored: bool = False


@dataclass(frozen=True, slots=True)
class CameraContext:
    """What a camera detector is built for and may use.

    `inference` is None where no model is installed, `witnesses` where no other source can be heard, `ground` where the
    camera's ground was not calibrated. `moves`: the camera flies, so that one pixel is another place in each picture.
    """

    source_id: str
    size: PictureSize
    inference: InferencePort | None = None
    witnesses: WitnessPort | None = None
    ground: GroundPort | None = None
    moves: bool = False


def _every_frame(_settings: Any) -> FrameNeeds:
    return FrameNeeds()


def _no_outlines(_settings: Any) -> Sequence[Outline]:
    return ()


def _no_other_size(_settings: Any, _main: PictureSize, _decoded: PictureSize) -> None:
    return None


def _nothing_unjudged(_settings: Any, _fps: float | None) -> Sequence[str]:
    return ()


def _no_problems(_settings: Any, _size: PictureSize) -> Sequence[SettingProblem]:
    return ()


def _no_model_problems(_settings: Any, _models: Mapping[str, Sequence[str]]) -> Sequence[SettingProblem]:
    return ()


@dataclass(frozen=True, slots=True)
class CameraDetectorKind:
    """A kind of camera detector: its settings' model, how to build one, and what it needs to see.

    `picture_problems(settings, size)` says what does not fit the picture, such as a polygon that leaves it.
    """

    name: str
    version: str
    settings: type[BaseModel]
    build: Callable[[Any, CameraContext], CameraDetector]
    picture_problems: Callable[[Any, PictureSize], Sequence[SettingProblem]] = _no_problems
    model_problems: Callable[[Any, Mapping[str, Sequence[str]]], Sequence[SettingProblem]] = _no_model_problems
    """What of the settings does not fit the configured models, given as the labels of each by its name."""
    needs: Callable[[Any], FrameNeeds] = _every_frame
    episodes: EpisodePolicy = CAMERA_EPISODES
    """How its observations become episodes, where a source does not say otherwise."""
    unjudged: Callable[[Any, float | None], Sequence[str]] = _nothing_unjudged
    """For `check`: what the settings leave unjudged on a stream of so many frames a second; None: not known."""
    canary: Callable[[Any, PictureSize, int], CameraCanary] | None = None
    """Makes a drill of `settings` for pictures of a size; the number varies its place. Raises NoCanaryError."""
    outlines: Callable[[Any], Sequence[Outline]] = _no_outlines
    """What of the picture the settings name."""
    scaled: Callable[[Any, PictureSize, PictureSize], BaseModel | None] = _no_other_size
    """The same settings for the same view in pictures of another size: `scaled(settings, main, decoded)`. None: the
    detector judges pictures of the main stream only."""


@dataclass(frozen=True, slots=True)
class SensorDetectorKind:
    """A kind of sensor detector: its settings' model and how to build one. It says itself when an episode is over."""

    name: str
    version: str
    settings: type[BaseModel]
    build: Callable[[Any], SensorDetector]
    episodes: EpisodePolicy = SENSOR_EPISODES
    canary: Callable[[Any, int], Sequence[SyntheticReading]] | None = None
    """Readings of a drill that open and clear one episode of `settings`; the number varies what is tried."""


@dataclass(frozen=True, slots=True)
class SurveyDetectorKind:
    """A kind of detector for survey flights: its settings' model and how to build one for an area.

    It is no `DetectorKind`: sources have none, flights are surveyed by a command.
    """

    name: str
    version: str
    settings: type[BaseModel]
    build: Callable[[Any], SurveyDetector[Any, Any]]
    episodes: EpisodePolicy


@runtime_checkable
class Resumable(Protocol):
    """A detector whose state outlives a power cut: it is kept in the same transaction as its events.

    Of a camera also the next opening of its stream, whose media time begins anew: what is saved holds no such times.
    """

    def save(self) -> Mapping[str, Any]:
        """The state as JSON types."""

    def load(self, saved: Mapping[str, Any]) -> None:
        """Takes up a saved state, perhaps of other settings: what no longer fits is left out."""

    def is_open(self, hazard: str, key: str) -> bool:
        """Whether the state holds an open episode of this kind: one that it no longer knows would never end."""


DetectorKind = CameraDetectorKind | SensorDetectorKind


@cache
def installed_detectors() -> Mapping[str, DetectorKind]:
    """Every installed detector kind by its name.

    Raises:
        TypeError: an entry point does not name a detector kind: a fault of the package that registers it.
    """
    kinds: dict[str, DetectorKind] = {}
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        kind = entry.load()
        if not isinstance(kind, CameraDetectorKind | SensorDetectorKind):
            raise TypeError(f"entry point {entry.name} = {entry.value} is a {type(kind).__name__}, not a detector kind")
        kinds[kind.name] = kind
    return MappingProxyType(dict(sorted(kinds.items())))
