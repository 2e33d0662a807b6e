"""What a camera's detectors want to see, and their settings for the pictures that they get."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from edge.config.sources import CameraSource
from edge.detectors.registry import CameraDetectorKind, FrameNeeds, PictureSize, installed_detectors
from edge.streams.plan import HEALTH_NEEDS


def needs_of(settings: CameraSource, main: PictureSize, other: PictureSize | None = None) -> Sequence[FrameNeeds]:
    """What all detectors of a camera and its health need. `other` is the size of its sub stream.

    A detector whose settings cannot be carried over to `other` needs the main stream, whatever height it would do with.
    """
    kinds = installed_detectors()
    found = [HEALTH_NEEDS]
    for name, values in settings.detectors.items():
        kind = kinds[name]
        assert isinstance(kind, CameraDetectorKind), "the configuration was checked"
        need = kind.needs(values)
        if other is not None and other != main and kind.scaled(values, main, other) is None:
            need = replace(need, min_height=max(need.min_height, main.height))
        found.append(need)
    return found


def settings_for(settings: CameraSource, main: PictureSize, decoded: PictureSize) -> CameraSource:
    """Settings written in pixels of `main`, for pictures of `decoded`. Detectors that cannot follow keep theirs."""
    if main == decoded:
        return settings
    kinds = installed_detectors()
    moved = {}
    for name, values in settings.detectors.items():
        kind = kinds[name]
        assert isinstance(kind, CameraDetectorKind), "the configuration was checked"
        moved[name] = kind.scaled(values, main, decoded) or values
    return settings.model_copy(update={"detectors": moved})
