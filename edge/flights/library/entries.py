"""What the library holds of one flight: `entry.json`."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import shapely
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from shapely.geometry.base import BaseGeometry

from edge.flights.flight_settings import FlightSettings
from edge.flights.mosaic.manifest import FileFacts, TileFacts

NAME = "entry.json"
FLIGHT, MOSAIC = "flight", "mosaic"
"""Folders of an entry: the flight's files, where they were copied, and its mosaic."""
MOST_BYTES = 64 * 1024 * 1024
_AREA = re.compile(r"[^\W_][\w-]{0,63}", re.UNICODE)
_DATE = re.compile(r"\d{4}-\d\d-\d\d(\.\d{1,3})?", re.ASCII)


class LibraryError(Exception):
    """What is asked of the library cannot be done: the message says what was found and what to do."""


def checked_area(area: str) -> str:
    """An area's id as the library writes it: letters of any script, figures, `-` and `_`.

    Raises:
        LibraryError: it is none.
    """
    found = unicodedata.normalize("NFC", area)
    if not _AREA.fullmatch(found):
        raise LibraryError(
            f"found the area {area[:80]!r}, expected 1 to 64 letters, figures, `-` or `_`, a letter or figure first"
        )
    return found


def checked_date(date: str) -> str:
    """`2026-11-20`, or `2026-11-20.2` for the second flight of that day.

    Raises:
        LibraryError: it is none.
    """
    if not _DATE.fullmatch(date):
        raise LibraryError(f"found the date {date[:80]!r}, expected one as 2026-11-20, or 2026-11-20.2")
    return date


def outline_of(document: object) -> BaseGeometry:
    """A GeoJSON geometry, or the first of a feature or collection, in degrees.

    Raises:
        ValueError: no polygon of this earth.
    """
    found = document
    if isinstance(found, dict) and found.get("type") == "FeatureCollection":
        features = found.get("features")
        if not isinstance(features, list) or len(features) != 1:
            raise ValueError("found a collection, expected one feature")
        found = features[0]
    if isinstance(found, dict) and found.get("type") == "Feature":
        found = found.get("geometry")
    if not isinstance(found, dict) or found.get("type") not in ("Polygon", "MultiPolygon"):
        raise ValueError("expected a Polygon or MultiPolygon in WGS-84")
    try:
        shape = shapely.geometry.shape(found)
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, shapely.errors.ShapelyError) as error:
        raise ValueError(f"expected a Polygon or MultiPolygon in WGS-84: {error}") from None
    west, south, east, north = shape.bounds if not shape.is_empty else (0.0, 0.0, 0.0, 91.0)
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise ValueError("expected longitudes from -180 to 180 and latitudes from -90 to 90")
    return shape if shape.is_valid else shapely.make_valid(shape)


def _checked_outline(document: dict[str, Any]) -> dict[str, Any]:
    outline_of(document)
    return document


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class MosaicFacts(_Part):
    """Its files lie in the entry's folder `mosaic`."""

    epsg: int
    gsd_m: Annotated[float, Field(gt=0)]
    geotiff: FileFacts
    pmtiles: FileFacts
    tiles: TileFacts
    attribution: str


class Entry(_Part):
    """One flight of one area."""

    format: Literal["gridsentry-baseline/1"] = "gridsentry-baseline/1"
    area: Annotated[str, Field(min_length=1, max_length=64)]
    flight: Annotated[str, Field(min_length=1, max_length=200)]
    taken_at: AwareDatetime
    """When its last picture was taken."""
    outline: Annotated[dict[str, Any], AfterValidator(_checked_outline)]
    """GeoJSON (WGS-84) of the ground it shows."""
    gsd_m: Annotated[float, Field(gt=0)] | None
    """Metres of ground a pixel of its pictures, or of its mosaic."""
    place: Annotated[str, Field(min_length=1, max_length=4096)]
    """What `gridsentry-edge flight` is given: absolute, or below the entry's folder where the flight was copied."""
    copied: bool
    files: tuple[FileFacts, ...]
    """Of the flight, by name beside `place` or in it."""
    settings: FlightSettings = FlightSettings()
    """With which it is read."""
    mosaic: MosaicFacts | None = None
    added_at: AwareDatetime
    software: str


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry and where it lies."""

    folder: Path
    entry: Entry

    @property
    def name(self) -> str:
        """`AREA@DATE`."""
        return f"{self.entry.area}@{self.folder.name}"

    @property
    def flight(self) -> Path:
        """What is read as a flight."""
        return self.folder / self.entry.place  # an absolute place stays what it is

    @property
    def outline(self) -> BaseGeometry:
        """In degrees."""
        return outline_of(self.entry.outline)

    def file(self, facts: FileFacts) -> Path:
        """One of the flight's files."""
        base = self.flight
        return (base if base.is_dir() else base.parent) / facts.path

    def missing(self) -> tuple[str, ...]:
        """Names of files that are gone, or of another length. Their contents are not read."""
        return tuple(each.path for each in self.entry.files if _size(self.file(each)) != each.bytes)


def read_entry(folder: Path) -> Kept:
    """Raises:
    LibraryError: it cannot be read, or is none of this area.
    """
    path = folder / NAME
    try:
        if path.stat().st_size > MOST_BYTES:
            raise LibraryError(f"{path}: is too large for an entry")
        entry = Entry.model_validate_json(path.read_bytes())
    except OSError as error:
        raise LibraryError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValidationError, RecursionError) as error:
        raise LibraryError(f"{path}: is no entry of the library: {_first(error)}; put the good one back") from None
    if entry.area != folder.parent.name:
        raise LibraryError(f"{path}: is of the area {entry.area!r}, but lies in {folder.parent.name!r}: move it there")
    return Kept(folder, entry)


def _first(error: ValidationError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'document'}: {first['msg']}"


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return None
