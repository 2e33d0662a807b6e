"""Objects thrown or fallen from height, seen by a fixed camera that looks up at a façade.

background → blobs → tracks in façade metres → gates → one fall per object and its mirror image in the glass.
"""

from __future__ import annotations

from edge.detectors.registry import CameraContext, CameraDetectorKind, FrameNeeds, Outline
from edge.detectors.thrown_object.detector import NAME, VERSION, ThrownObjectDetector
from edge.detectors.thrown_object.settings import ThrownObjectSettings, picture_problems


def _build(settings: ThrownObjectSettings, context: CameraContext) -> ThrownObjectDetector:
    return ThrownObjectDetector(settings, context.size)


def _needs(settings: ThrownObjectSettings) -> FrameNeeds:
    return FrameNeeds(fps=settings.max_fps)


def _outlines(settings: ThrownObjectSettings) -> tuple[Outline, ...]:
    facade = settings.facade
    ignored = (Outline(tuple(polygon), ignored=True) for polygon in facade.ignore)
    return (Outline(tuple(facade.polygon)), *ignored)


KIND = CameraDetectorKind(
    name=NAME,
    version=VERSION,
    settings=ThrownObjectSettings,
    build=_build,
    needs=_needs,
    outlines=_outlines,
    picture_problems=picture_problems,
)

__all__ = ["KIND", "ThrownObjectDetector", "ThrownObjectSettings"]
