"""Illegal structures: what two surveys of the same ground differ in, less what the register allows, over flights.

findings → the same structures as before → what exceeds approved outlines and permits in force → told, or why not
"""

from __future__ import annotations

from edge.detectors.illegal_structure.context import Baseline, SurveyContext
from edge.detectors.illegal_structure.detector import NAME, VERSION, IllegalStructureDetector
from edge.detectors.illegal_structure.finding import Change, Finding
from edge.detectors.illegal_structure.settings import IllegalStructureSettings
from edge.detectors.policy import EpisodePolicy
from edge.detectors.registry import SurveyDetectorKind

KIND = SurveyDetectorKind(
    name=NAME,
    version=VERSION,
    settings=IllegalStructureSettings,
    build=IllegalStructureDetector,
    # What was built stays for years, and only a flight says that it is gone. Nothing is withheld: a flight's findings
    # are what it was flown for.
    episodes=EpisodePolicy(stale_after_seconds=None),
)

__all__ = [
    "KIND",
    "Baseline",
    "Change",
    "Finding",
    "IllegalStructureDetector",
    "IllegalStructureSettings",
    "SurveyContext",
]
