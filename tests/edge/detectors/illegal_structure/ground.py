"""A made piece of ground: findings, entries of the register, and flights over it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import shapely

from contract.geometry import Point
from edge.detectors.illegal_structure import Baseline, Change, Finding, IllegalStructureDetector, SurveyContext
from edge.detectors.illegal_structure.settings import IllegalStructureSettings
from edge.flights.local import LocalPlane
from edge.flights.register.features import Entry, Layer
from edge.flights.register.index import Register

ORIGIN = Point(coordinates=(113.6253, 34.7466))
PLANE = LocalPlane(ORIGIN)
SHANGHAI = ZoneInfo("Asia/Shanghai")
SETTINGS = IllegalStructureSettings()
NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
TODAY = date(2026, 11, 22)
EVERYWHERE = shapely.box(-5000, -5000, 5000, 5000)
ORTHOPHOTO = Baseline("ortho-2025", "orthophoto", datetime(2025, 5, 1, tzinfo=UTC))


def box(east: float, north: float, width: float, height: float):
    """A rectangle by its lower left corner, metres."""
    return shapely.box(east, north, east + width, north + height)


SHED = box(0, 0, 6, 5)


def found(outline, sigma_m: float = 0.3, **fields) -> Finding:
    values = {"change": Change.APPEARED, "confidence": 0.8, "cues": ("colour_steel",), "frames": 3, "frames_visible": 4}
    return Finding(outline=outline, sigma_m=sigma_m, area_m2=outline.area, **{**values, **fields})


def entry(layer: Layer, outline, name: str = "e", sigma_m: float = 0.25, **fields) -> Entry:
    return Entry(layer=layer, id=name, outline=outline, sigma_m=sigma_m, where=f"{name}.gpkg, feature 1", **fields)


def register(*entries: Entry) -> Register:
    return Register(entries, zone=SHANGHAI)


def flight(name: str = "f1", days: float = 0, against: Baseline = ORTHOPHOTO, **fields) -> SurveyContext:
    values = {"plane": PLANE, "examined": EVERYWHERE, "register": register()}
    return SurveyContext(flight=name, taken_at=NOON + timedelta(days=days), baseline=against, **{**values, **fields})


def as_baseline(context: SurveyContext) -> Baseline:
    return Baseline(context.flight, "flight", context.taken_at)


def detector(**settings) -> IllegalStructureDetector:
    return IllegalStructureDetector(IllegalStructureSettings(**settings))
