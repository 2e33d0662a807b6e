"""Detectors for tests of witnesses, found by their entry points: one sees smoke, one hears who else does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edge.detectors.registry import installed_detectors

SEERS = """
from pydantic import BaseModel

from contract.details import FireDetail, FireWitness
from contract.events import Severity, Tier
from edge.detectors.interface import Observation, Visibility
from edge.detectors.policy import EpisodePolicy
from edge.detectors.registry import CameraDetectorKind

AT_ONCE = EpisodePolicy(clear_after_seconds=5)


class Settings(BaseModel):
    begins_seconds: float = 0.5
    within_m: float = 50


def observation(hazard, frame, stage, witnesses=()):
    return Observation(
        hazard=hazard, key="1", media_time=frame.media_time, started_media_time=frame.media_time,
        severity=Severity.YELLOW, tier=Tier.REVIEW, confidence=0.6,
        detail=FireDetail(
            box={"x": 8, "y": 8, "width": 16, "height": 16}, stage=stage, proposers=("smoke",), light="day", seconds=1,
            area_share=0.01, witnesses=witnesses,
        ),
    )


class Sees:
    name, version, visibility = "sees", "1", Visibility.CLEAR

    def __init__(self, settings, context):
        self.settings, self.context = settings, context

    def observe(self, frame):
        if frame.media_time < self.settings.begins_seconds:
            return []
        return [observation("smoke", frame, "warning")]


class Hears(Sees):
    name = "hears"

    def observe(self, frame):
        if self.context.witnesses is None:
            return []
        heard = self.context.witnesses.near(frame, self.settings.within_m, 60)
        told = tuple(
            FireWitness(source=w.source_id, hazard=w.hazard, seconds_ago=w.age_seconds, distance_m=w.distance_m)
            for w in heard
        )
        return [observation("fire", frame, "critical", told[:4])] if told else []


SEES = CameraDetectorKind(name="sees", version="1", settings=Settings, build=Sees, episodes=AT_ONCE)
HEARS = CameraDetectorKind(name="hears", version="1", settings=Settings, build=Hears, episodes=AT_ONCE)
"""


@contextmanager
def seers_installed(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Installs `sees` and `hears` for this process and its children."""
    about = folder / "seers-1.0.dist-info"
    about.mkdir(parents=True)
    (folder / "seers.py").write_text(SEERS, encoding="utf-8")
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: seers\nVersion: 1.0\n", encoding="utf-8")
    entries = "[gridsentry.detectors]\nsees = seers:SEES\nhears = seers:HEARS\n"
    (about / "entry_points.txt").write_text(entries, encoding="utf-8")
    patch.syspath_prepend(folder)
    before = os.environ.get("PYTHONPATH")
    patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(folder), before])))
    installed_detectors.cache_clear()
    try:
        yield
    finally:
        installed_detectors.cache_clear()
