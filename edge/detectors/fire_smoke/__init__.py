"""Fire and smoke: a gate, learned and classical proposers, tubes, behaviour, a calibrated score; warning, critical.

restless places → proposals → tubes of votes over seconds → how they behave → how likely they burn → one case per fire.
"""

from __future__ import annotations

from dataclasses import replace

from edge.detectors.fire_smoke.canary import painted_flame
from edge.detectors.fire_smoke.detector import NAME, VERSION, FireSmokeDetector
from edge.detectors.fire_smoke.fitting import model_problems, picture_problems
from edge.detectors.fire_smoke.scaling import scaled
from edge.detectors.fire_smoke.settings import FireSmokeSettings
from edge.detectors.policy import CAMERA_EPISODES
from edge.detectors.registry import CameraContext, CameraDetectorKind, FrameNeeds, Outline

MIN_HEIGHT = 360
"""The working picture has 180 rows; a smaller stream has fewer, and what is small in it is noise."""


def _build(settings: FireSmokeSettings, context: CameraContext) -> FireSmokeDetector:
    return FireSmokeDetector(settings, context)


def _needs(settings: FireSmokeSettings) -> FrameNeeds:
    return FrameNeeds(fps=settings.max_fps, min_height=MIN_HEIGHT)


def _outlines(settings: FireSmokeSettings) -> tuple[Outline, ...]:
    watched = () if settings.watch is None else (Outline(settings.watch),)
    ignored = tuple(Outline(polygon, ignored=True) for polygon in settings.ignore)
    return (*watched, *ignored, *(Outline(region.polygon) for region in settings.allowed))


EPISODES = replace(
    CAMERA_EPISODES,
    # Tubes have voted over seconds: whoever waits again is late.
    dwell_seconds=0,
    # A flame that a bus or its own smoke hides is still there; the detector itself keeps a case as long.
    clear_after_seconds=30,
)

KIND = CameraDetectorKind(
    name=NAME,
    version=VERSION,
    settings=FireSmokeSettings,
    build=_build,
    needs=_needs,
    outlines=_outlines,
    picture_problems=picture_problems,
    model_problems=model_problems,
    episodes=EPISODES,
    canary=painted_flame,
    scaled=scaled,
)

__all__ = ["KIND", "FireSmokeDetector", "FireSmokeSettings"]
