"""Things of certain classes where they should not be: too long, too many, or going the wrong way.

The generic rule behind illegal parking, blocked fire lanes, crowds and intrusion, on any model of `inference.models`.
"""

from __future__ import annotations

from dataclasses import replace

from edge.detectors.objects_in_zone.detector import NAME, VERSION, ObjectsInZoneDetector
from edge.detectors.objects_in_zone.settings import ObjectsInZoneSettings, model_problems, picture_problems, scaled
from edge.detectors.policy import CAMERA_EPISODES
from edge.detectors.registry import CameraContext, CameraDetectorKind, FrameNeeds, Outline

MIN_HEIGHT = 360
"""A person 25 m before a usual lens is 30 px high in it: about what small networks need."""
RARE_SECONDS = 2.0
"""Looks that are so rare are served by key frames, if nothing that moves is to be followed."""
PICTURES_A_LOOK = 4
"""An answer is taken with a later picture: it should not wait for the next look."""


def _build(settings: ObjectsInZoneSettings, context: CameraContext) -> ObjectsInZoneDetector:
    if context.inference is None:
        raise ValueError(f"found no model, expected {settings.model} in inference.models")
    return ObjectsInZoneDetector(settings, context.size, context.inference, context.ground)


def _needs(settings: ObjectsInZoneSettings) -> FrameNeeds:
    standing = all(rule.dwell is not None and rule.dwell.still for zone in settings.zones for rule in zone.rules)
    if standing and settings.look_seconds >= RARE_SECONDS:
        return FrameNeeds(fps=1, min_height=MIN_HEIGHT, key_frames=True)
    return FrameNeeds(fps=min(25.0, PICTURES_A_LOOK / settings.look_seconds), min_height=MIN_HEIGHT)


def _outlines(settings: ObjectsInZoneSettings) -> tuple[Outline, ...]:
    return tuple(Outline(tuple(zone.polygon)) for zone in settings.zones)


EPISODES = replace(
    CAMERA_EPISODES,
    # Its rules have waited already, over looks that are seconds apart.
    dwell_seconds=0,
    # It says itself when a rule is kept again: a model that does not answer proves nothing.
    clear_after_seconds=None,
)

KIND = CameraDetectorKind(
    name=NAME,
    version=VERSION,
    settings=ObjectsInZoneSettings,
    build=_build,
    needs=_needs,
    outlines=_outlines,
    picture_problems=picture_problems,
    model_problems=model_problems,
    episodes=EPISODES,
    scaled=scaled,
)

__all__ = ["KIND", "ObjectsInZoneDetector", "ObjectsInZoneSettings"]
