"""Traffic signals: dark, stuck, flashing, failed, conflicting. A hazard of absence, told only by who can see.

anchors → placement → lamps on, off or unknown → what is normal by the hour of the week → faults, with their proof.
"""

from __future__ import annotations

from dataclasses import replace

from edge.detectors.interface import CameraDetector
from edge.detectors.policy import CAMERA_EPISODES
from edge.detectors.registry import CameraContext, CameraDetectorKind, FrameNeeds, Outline
from edge.detectors.traffic_signal.canary import dark_head
from edge.detectors.traffic_signal.optics import picture_problems
from edge.detectors.traffic_signal.rates import unjudged
from edge.detectors.traffic_signal.scaling import scaled
from edge.detectors.traffic_signal.settings import TrafficSignalSettings

NAME = "traffic_signal"
VERSION = "1.0"


def _build(settings: TrafficSignalSettings, context: CameraContext) -> CameraDetector:
    from edge.detectors.traffic_signal.detector import TrafficSignalDetector  # it takes its name from here

    return TrafficSignalDetector(settings, context.size)


def _needs(settings: TrafficSignalSettings) -> FrameNeeds:
    # How high the picture must be follows from the lamps and not from here: see `scaled`.
    return FrameNeeds(fps=1, key_frames=True) if settings.key_frames else FrameNeeds(fps=settings.max_fps)


def _outlines(settings: TrafficSignalSettings) -> tuple[Outline, ...]:
    return tuple(Outline(tuple(head.polygon)) for head in settings.heads.values())


EPISODES = replace(
    CAMERA_EPISODES,
    # The time machine has waited already, over cycles and minutes.
    dwell_seconds=0,
    # It says itself when normal cycles have been seen again: a signal that nobody sees is not repaired.
    clear_after_seconds=None,
)

KIND = CameraDetectorKind(
    name=NAME,
    version=VERSION,
    settings=TrafficSignalSettings,
    build=_build,
    needs=_needs,
    outlines=_outlines,
    picture_problems=picture_problems,
    episodes=EPISODES,
    unjudged=unjudged,
    canary=dark_head,
    scaled=scaled,
)

__all__ = ["KIND", "TrafficSignalSettings"]
