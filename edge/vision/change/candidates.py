"""What a candidate for a change is, and what speaks for it. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from edge.vision.arrays import Doubles


class ChangeKind(StrEnum):
    """What seems to have happened within the outline."""

    NEW = "new"
    REMOVED = "removed"
    CHANGED_COVER = "changed_cover"
    """The outline was there before, or none is there now: paint, another roof skin, dug or sealed ground."""


class RoofCue(StrEnum):
    """What the colour within the outline reminds of. No proof of anything."""

    BLUE_STEEL = "blue_steel"
    RED_STEEL = "red_steel"
    GREEN_TARPAULIN = "green_tarpaulin"
    WHITE = "white"
    CONCRETE = "concrete"
    DARK = "dark"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Cues:
    """All shares are 0-1."""

    contrast: float
    """Levels of Lab between the two days within the outline, above the pair's noise."""
    rectangularity: float
    """Intersection over union of what changed and the squared outline."""
    outline_after: float
    """Share of the outline that is an edge in the newer picture."""
    outline_before: float
    """… and in the older one."""
    evenness_after: float
    """1: as even as paint, 0: as rough as a crown. Within the outline."""
    evenness_before: float
    growing_after: float
    """Share of the area that looks like plants."""
    growing_before: float
    light_only: float
    """Share of the area whose change light alone could explain."""
    texture_kept: float
    """0: nothing within the outline is as it was; 1: every grain."""
    shadow_beside: float | None
    """Share of the side away from the sun beside which a shadow has come (gone, if removed). None: sun unknown."""
    vehicle_like: bool
    """A rectangle of a car's, lorry's or container's measures."""
    length_m: float
    width_m: float
    roof: RoofCue


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One place of one pair. `polygon` (n, 2) in pixels of the newer picture, for the top of what stands there."""

    polygon: Doubles
    area_m2: float
    kind: ChangeKind
    confidence: float
    cues: Cues
