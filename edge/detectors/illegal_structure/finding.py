"""What two surveys of the same ground differ in, before anybody asks whether it may."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from shapely import MultiPolygon, Polygon

Outline: TypeAlias = Polygon | MultiPolygon


class Change(StrEnum):
    """What the pictures show."""

    APPEARED = "appeared"
    """Ground before, something built now."""
    REMOVED = "removed"
    """Something built before, ground now."""
    RECOVERED = "recovered"
    """Built before and now, under another roof or higher: a room on a roof, a storey."""


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """One change, with its outline in metres east and north of the flight's plane."""

    outline: Polygon
    sigma_m: float
    """Standard deviation of the outline's place, of one axis: of the flight's position and of the drawing."""
    area_m2: float
    change: Change
    confidence: float
    """0-1, calibrated: of a hundred at 0.8, eighty are real."""
    cues: tuple[str, ...] = ()
    """What it looks like from above, as slugs: `colour_steel`, `tarpaulin`, `concrete` …"""
    frames: int = 1
    """Pairs of pictures that show it."""
    frames_visible: int = 1
    """Pairs of pictures that could have shown it."""
    height_m: float | None = None
    """Above what was there before. None: nobody measured it."""
