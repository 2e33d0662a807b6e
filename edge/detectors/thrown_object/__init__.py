"""Objects thrown or fallen from height, seen by a fixed camera that looks up at a façade.

background → blobs → tracks in façade metres → gates → one fall per object and its mirror image in the glass.
"""

from __future__ import annotations

from dataclasses import replace

from edge.detectors.policy import CAMERA_EPISODES
from edge.detectors.registry import CameraContext, CameraDetectorKind, FrameNeeds, Outline
from edge.detectors.thrown_object.canary import painted_fall
from edge.detectors.thrown_object.detector import NAME, VERSION, ThrownObjectDetector
from edge.detectors.thrown_object.scaling import scaled
from edge.detectors.thrown_object.settings import ThrownObjectSettings, picture_problems


def _build(settings: ThrownObjectSettings, context: CameraContext) -> ThrownObjectDetector:
    return ThrownObjectDetector(settings, context.size)


MIN_HEIGHT = 720
"""At 1520 lines a 10 cm object 30 m up is 6 px wide, at 720 it is 3; fewer is noise [detectors.md §1]."""


def _needs(settings: ThrownObjectSettings) -> FrameNeeds:
    return FrameNeeds(fps=settings.max_fps, min_height=MIN_HEIGHT)


def _outlines(settings: ThrownObjectSettings) -> tuple[Outline, ...]:
    facade = settings.facade
    ignored = (Outline(tuple(polygon), ignored=True) for polygon in facade.ignore)
    return (Outline(tuple(facade.polygon)), *ignored)


EPISODES = replace(
    CAMERA_EPISODES,
    # A fall lasts two seconds and is judged as a whole: whoever waits has missed it.
    dwell_seconds=0,
    # Every fall is another thing with a key of its own, and over when it has reached the ground.
    cool_down_seconds=0,
    momentary=True,
)

KIND = CameraDetectorKind(
    name=NAME,
    version=VERSION,
    settings=ThrownObjectSettings,
    build=_build,
    needs=_needs,
    outlines=_outlines,
    picture_problems=picture_problems,
    episodes=EPISODES,
    canary=painted_fall,
    scaled=scaled,
)

__all__ = ["KIND", "ThrownObjectDetector", "ThrownObjectSettings"]
