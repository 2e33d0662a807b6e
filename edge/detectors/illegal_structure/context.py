"""What a detector of structures is told beside the findings: which flight, over what, compared with what."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from shapely.geometry.base import BaseGeometry

from edge.detectors.illegal_structure.finding import Outline
from edge.flights.local import LocalPlane
from edge.flights.register.index import Register


@dataclass(frozen=True, slots=True)
class Baseline:
    """The earlier picture of the ground that a flight was compared with."""

    id: str
    kind: Literal["flight", "orthophoto"] = "flight"
    taken_at: datetime | None = None
    """Aware. None: nobody knows."""
    heights: bool = True
    """False: one picture alone. Much that was built is not found against it, and nothing that is gone."""


@dataclass(frozen=True, slots=True, eq=False)
class SurveyContext:
    """One flight, compared with an earlier picture. All outlines in metres of its plane."""

    flight: str
    taken_at: datetime
    """Aware, of its last picture."""
    baseline: Baseline
    plane: LocalPlane
    examined: BaseGeometry
    """The ground that was compared: seen by enough pictures of both, registered, not hidden. Of what lies outside of
    it nothing is known."""
    register: Register
    standing: tuple[Outline, ...] = field(default=())
    """Roofs of the baseline, where somebody has drawn them."""
