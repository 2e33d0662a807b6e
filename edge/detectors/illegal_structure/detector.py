"""The detector: judges each flight over an area, and remembers what it has seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edge.detectors.illegal_structure.context import SurveyContext
from edge.detectors.illegal_structure.finding import Finding
from edge.detectors.illegal_structure.saved import loaded, saved
from edge.detectors.illegal_structure.settings import IllegalStructureSettings
from edge.detectors.illegal_structure.sightings import Memory
from edge.detectors.illegal_structure.survey import Outcome, survey
from edge.detectors.illegal_structure.telling import HAZARD, observation_of
from edge.detectors.interface import Observation

NAME = "illegal_structure"
VERSION = "1"


class IllegalStructureDetector:
    """Of one area: structures keep their names over all flights that are given to the same detector."""

    name = NAME
    version = VERSION

    def __init__(self, settings: IllegalStructureSettings) -> None:
        self._settings = settings
        self._memory = Memory()
        self.outcome: Outcome | None = None
        """Of the latest flight, with what was not told and why."""

    @property
    def memory(self) -> Memory:
        """What is known of the area by now."""
        return self._memory

    def survey(self, findings: Sequence[Finding], context: SurveyContext) -> Sequence[Observation]:
        """What one flight adds: structures that it has seen and that are told, and those that are over, by their names.

        Nothing is said of what it has not seen: an episode that nobody ends goes on.
        """
        outcome = survey(findings, context, self._memory, self._settings)
        self.outcome, self._memory = outcome, outcome.memory
        told = [one for one in outcome.surveyed if one.is_over or (one.is_told and one.is_seen)]
        return [observation_of(one, context) for one in sorted(told, key=lambda one: one.structure.key)]

    def save(self) -> Mapping[str, Any]:
        """The memory as JSON types."""
        return saved(self._memory)

    def load(self, saved: Mapping[str, Any]) -> None:
        """Takes up a memory; what is damaged is left out."""
        self._memory = loaded(saved)

    def is_open(self, hazard: str, key: str) -> bool:
        """Whether a structure of that name is told at the moment."""
        one = self._memory.find(key) if hazard == HAZARD else None
        return one is not None and one.told and one.ended is None
