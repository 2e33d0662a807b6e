"""Makes entries of a file's rows: where they are, what they are called, and on which days they hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from shapely import MultiPolygon
from shapely.geometry.base import BaseGeometry

from edge.flights.register.boxes import Box, widened
from edge.flights.register.dates import read_day
from edge.flights.register.errors import Remarks
from edge.flights.register.features import Entry, Layer, Outline
from edge.flights.register.outlines import Mending, Placing, in_reach, polygons_of, to_metres, why_misplaced
from edge.flights.register.settings import RegisterFile

MOST_WIDTH_M = 200.0


@dataclass(slots=True)
class Shaper:
    """Makes entries of rows."""

    layer: Layer
    file: RegisterFile
    placing: Placing
    box: Box
    zone: ZoneInfo
    remarks: Remarks
    mending: Mending
    elsewhere: int = 0

    def entry(self, number: int, degrees: BaseGeometry, values: Mapping[str, Any]) -> Entry | None:
        """None: it was refused, or lies elsewhere."""
        wide = widened(self.box, self.file.datum, self.placing.plane)
        why = why_misplaced(degrees, self.placing)
        if why is not None:
            remedy = "Is `crs` right, the zone's number missing before the eastings, or are the axes swapped?"
            self.remarks.refuse(number, why, remedy)
            return None
        if not in_reach(degrees, wide):
            self.elsewhere += 1
            return None
        outline = self._outline(number, to_metres(degrees, self.placing), values)
        if outline is None:
            return None
        first, last, readable = self._days(number, values)
        return Entry(
            layer=self.layer,
            id=_text(values.get("id")) or f"#{number}",
            outline=outline,
            sigma_m=self.file.sigma_m,
            where=f"{self.file.path}, feature {number}",
            name=_text(values.get("name")),
            valid_from=first,
            valid_until=last,
            dates_readable=readable,
            height_m=_positive(values.get("height_m")),
            area_m2=_positive(values.get("area_m2")),
        )

    def _outline(self, number: int, metres: BaseGeometry, values: Mapping[str, Any]) -> Outline | None:
        parts = tuple(_leaves(metres))
        areas = [part for part in parts if part.geom_type == "Polygon"]
        others = sorted({part.geom_type for part in parts if part.geom_type != "Polygon"})
        if others and areas:
            self.remarks.note(number, f"of its mixed geometry only the areas count, not {', '.join(others)}")
        if not areas:
            return self._thickened(number, metres, others, values)
        joined = areas[0] if len(areas) == 1 else MultiPolygon(areas)
        mended = self.mending.mended(number, joined)
        kept = polygons_of(mended)
        if mended is not None and kept is None:
            self.remarks.refuse(number, "its outline encloses nothing", "Draw it anew")
        return kept

    def _thickened(
        self, number: int, metres: BaseGeometry, kinds: Sequence[str], values: Mapping[str, Any]
    ) -> Outline | None:
        """An area around a road's or river's line, or an order's point."""
        width = _positive(values.get("width_m")) or self.file.width_m
        lines = self.layer in (Layer.ROAD, Layer.WATER) and "Point" not in kinds
        point = self.layer is Layer.ORDER and list(kinds) == ["Point"]
        if lines and width is not None:
            return polygons_of(metres.buffer(min(width, MOST_WIDTH_M) / 2, cap_style="flat"))
        if point and self.file.radius_m is not None:
            return polygons_of(metres.buffer(self.file.radius_m))
        remedy = (
            "Set `width_m`, or a column of widths in `attributes.width_m`"
            if lines
            else "Set `radius_m`"
            if point
            else "Draw its outline"
        )
        self.remarks.refuse(number, f"found {' and '.join(kinds) or 'nothing'}, expected an area", remedy)
        return None

    def _days(self, number: int, values: Mapping[str, Any]) -> tuple[date | None, date | None, bool]:
        days = []
        for field in ("valid_from", "valid_until"):
            try:
                days.append(read_day(values.get(field), self.zone))
            except ValueError as error:
                if self.layer is Layer.PERMIT:
                    self.remarks.note(number, f"{field}: {error}; it covers nothing until then", "Correct the day")
                return None, None, False
        first, last = days
        if first is not None and last is not None and first > last:
            self.remarks.note(number, f"it ends on {last} before it begins on {first}; it covers nothing until then")
            return first, last, False
        return first, last, True


def _leaves(geometry: BaseGeometry) -> Iterator[BaseGeometry]:
    if hasattr(geometry, "geoms"):
        for part in geometry.geoms:
            yield from _leaves(part)
    elif not geometry.is_empty:
        yield geometry


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return ""
    number = float(value) if isinstance(value, int | float | np.integer | np.floating) else None
    text = str(int(number)) if number is not None and number == int(number) else str(value)
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:80]


def _positive(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if np.isfinite(number) and number > 0 else None
