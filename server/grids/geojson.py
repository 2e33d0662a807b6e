"""Reads a grids file: a GeoJSON FeatureCollection in WGS-84 with the member `gridsentry`. Says all that is wrong."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from server.findings import Finding, Grade
from server.grids.model import CATCH_ALL, EVERYWHERE, SPECIAL_LEVEL, Grid, GridLevel, Layer

MAX_CODE_LENGTH = 32
MAX_NAME_LENGTH = 256
_RESERVED_CODES = {CATCH_ALL, EVERYWHERE, SPECIAL_LEVEL}
_WGS84_NAMES = ("crs84", "epsg::4326", "epsg:4326", "epsg::4490", "epsg:4490")
_GEOJSON_HINT = "a FeatureCollection with the member `gridsentry` {version, valid_from, levels}"


@dataclass(frozen=True, slots=True)
class GridFile:
    """What a grids file says. `geometries` has a Polygon or MultiPolygon by code, for each grid without error."""

    name: str
    sha256: str
    label: str
    valid_from: datetime
    levels: tuple[GridLevel, ...]
    grids: tuple[Grid, ...]
    geometries: Mapping[str, BaseGeometry]


@dataclass(slots=True)
class _Reading:
    """The file so far: what was understood, and what was not."""

    findings: list[Finding] = field(default_factory=list)
    grids: list[Grid] = field(default_factory=list)
    geometries: dict[str, BaseGeometry] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def error(self, code: str, where: str, message: str, remedy: str = "") -> None:
        self.findings.append(Finding(code, Grade.ERROR, where, message, remedy))


def read_grids(path: Path) -> tuple[GridFile | None, list[Finding]]:
    """Reads the file. The grids that could be understood are returned even where others could not.

    Raises:
        OSError: the file cannot be read.
    """
    content = path.read_bytes()
    reading = _Reading()
    document = _parse(content, path.name, reading)
    if document is None:
        return None, reading.findings
    label, valid_from, levels = _read_header(document, path.name, reading)
    for number, feature in enumerate(document["features"]):
        _read_feature(number, feature, reading)
    file = GridFile(
        name=path.name,
        sha256=hashlib.sha256(content).hexdigest(),
        label=label,
        valid_from=valid_from,
        levels=levels,
        grids=tuple(reading.grids),
        geometries=reading.geometries,
    )
    return file, reading.findings


def _parse(content: bytes, name: str, reading: _Reading) -> dict[str, Any] | None:
    try:
        document = json.loads(content)
    except UnicodeDecodeError as error:
        reading.error("not_json", name, f"not UTF-8 text: {error}", "save the file as UTF-8")
        return None
    except json.JSONDecodeError as error:
        reading.error("not_json", f"{name}:{error.lineno}", f"column {error.colno}: {error.msg}")
        return None
    except RecursionError:
        reading.error("not_json", name, "brackets are nested too deep")
        return None
    if not isinstance(document, dict) or not isinstance(document.get("features"), list):
        found = document.get("type") if isinstance(document, dict) else type(document).__name__
        reading.error("not_geojson", name, f"found {found!r}, expected {_GEOJSON_HINT}")
        return None
    if not document["features"]:
        reading.error("no_grids", name, "the list of features is empty")
    crs = document.get("crs")
    if crs is not None and not any(known in json.dumps(crs).lower() for known in _WGS84_NAMES):
        reading.error(
            "foreign_crs",
            name,
            f"the file says its coordinates are {json.dumps(crs, ensure_ascii=False)[:120]}",
            "convert it to WGS-84 longitude and latitude (ogr2ogr -t_srs EPSG:4326) and leave `crs` out",
        )
    return document


def _read_header(
    document: Mapping[str, Any], name: str, reading: _Reading
) -> tuple[str, datetime, tuple[GridLevel, ...]]:
    header = document.get("gridsentry")
    if not isinstance(header, dict):
        reading.error("no_header", name, "the member `gridsentry` is missing", f"expected {_GEOJSON_HINT}")
        return "", datetime.now(UTC), ()
    label = header.get("version")
    if not isinstance(label, str | int) or not str(label):
        reading.error("bad_header", f"{name}: gridsentry.version", f"found {label!r}, expected a text like '2026-11'")
    valid_from = _instant(header.get("valid_from"))
    if valid_from is None:
        found = header.get("valid_from")
        reading.error("bad_header", f"{name}: gridsentry.valid_from", f"found {found!r}, expected YYYY-MM-DD")
    levels: list[GridLevel] = []
    listed = header.get("levels")
    for number, item in enumerate(listed if isinstance(listed, list) else ()):
        try:
            levels.append(GridLevel(_whole(item["level"]), str(item["name_zh"]), str(item["name_en"])))
        except (KeyError, TypeError, ValueError):
            where = f"{name}: gridsentry.levels[{number}]"
            reading.error("bad_header", where, f"found {item!r}, expected {{level, name_zh, name_en}}")
    if not levels:
        reading.error("bad_header", f"{name}: gridsentry.levels", "no levels are named", "list them from 0, the root")
    return str(label)[:64], valid_from or datetime.now(UTC), tuple(levels)


def _instant(value: Any) -> datetime | None:
    """A date (its first moment in the city's time, UTC+8) or an aware date-time."""
    if not isinstance(value, str):
        return None
    try:
        if len(value) == len("2026-01-01"):
            return datetime.combine(
                date.fromisoformat(value), time(), datetime.fromisoformat("2000-01-01T00+08").tzinfo
            )
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _read_feature(number: int, feature: Any, reading: _Reading) -> None:
    where = f"features[{number}]"
    if not isinstance(feature, dict) or not isinstance(feature.get("properties"), dict):
        reading.error("bad_feature", where, "not a Feature with properties")
        return
    properties = feature["properties"]
    code = properties.get("code")
    if isinstance(code, str) and code:
        where = f"{where} {code}"
    grid = _read_grid(where, properties, reading)
    geometry = _read_geometry(where, feature.get("geometry"), reading)
    if grid is None:
        return
    first = reading.places.setdefault(grid.code, where)
    if first is not where:
        message = f"the code {grid.code!r} was used before, at {first}"
        reading.error("duplicate_code", where, message, "codes name one grid each")
        return
    # A grid with a broken outline still is a parent: its children are not to blame.
    reading.grids.append(grid)
    if geometry is not None:
        reading.geometries[grid.code] = geometry


def _read_grid(where: str, properties: Mapping[str, Any], reading: _Reading) -> Grid | None:
    problems = list(_property_problems(properties))
    for name, message in problems:
        reading.error("bad_property", where, f"{name}: {message}")
    if problems:
        return None
    return Grid(
        code=properties["code"],
        name_zh=properties["name_zh"],
        name_en=properties["name_en"],
        layer=Layer(properties["layer"]),
        level=_whole(properties["level"]),
        parent=properties.get("parent"),
    )


def _property_problems(properties: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    code = properties.get("code")
    if not isinstance(code, str) or not 0 < len(code) <= MAX_CODE_LENGTH or not code.isprintable() or "/" in code:
        yield "code", f"found {code!r}, expected a text of 1 to {MAX_CODE_LENGTH} characters without a slash"
    elif code in _RESERVED_CODES or code != code.strip():
        yield "code", f"{code!r} is reserved or has blanks around it"
    for name in ("name_zh", "name_en"):
        value = properties.get(name)
        if not isinstance(value, str) or not 0 < len(value.strip()) <= MAX_NAME_LENGTH:
            yield name, f"found {value!r}, expected a text of 1 to {MAX_NAME_LENGTH} characters"
    if properties.get("layer") not in tuple(Layer):
        yield "layer", f"found {properties.get('layer')!r}, expected admin or special"
    try:
        _whole(properties.get("level"))
    except ValueError:
        yield "level", f"found {properties.get('level')!r}, expected a whole number: 0 for the root, 1 below it, …"
    parent = properties.get("parent")
    if parent is not None and not isinstance(parent, str):
        yield "parent", f"found {parent!r}, expected a code, or null for the root"


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 20:
        raise ValueError(f"{value!r} is not a level")
    return value


def _read_geometry(where: str, geometry: Any, reading: _Reading) -> BaseGeometry | None:
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in {"Polygon", "MultiPolygon"}:
        reading.error("bad_geometry", where, f"found {kind or geometry!r}, expected Polygon or MultiPolygon")
        return None
    open_ring = next(_open_rings(geometry), None)
    if open_ring is not None:
        reading.error("broken_ring", where, open_ring, "repeat a ring's first position at its end")
        return None
    try:
        area = shapely.force_2d(shape(geometry))
    except (ValueError, TypeError, AttributeError, LookupError, shapely.errors.ShapelyError) as error:
        reading.error("bad_geometry", where, f"the coordinates are no {kind}: {error}")
        return None
    problem = _coordinate_problem(area)
    if problem is not None:
        reading.error("bad_coordinates", where, *problem)
        return None
    if not area.is_valid:
        reading.error(
            "broken_ring", where, str(shapely.is_valid_reason(area)), "repair the ring where the coordinates say"
        )
        return None
    return area


def _open_rings(geometry: Mapping[str, Any]) -> Iterator[str]:
    """Rings that are not closed: shapely would close them silently, in the wrong place perhaps."""
    polygons = geometry.get("coordinates")
    if geometry["type"] == "Polygon":
        polygons = [polygons]
    for polygon in polygons if isinstance(polygons, list) else ():
        for number, ring in enumerate(polygon if isinstance(polygon, list) else ()):
            if not isinstance(ring, list) or len(ring) < 4:
                length = len(ring) if isinstance(ring, list) else 0
                yield f"ring {number} has {length} positions, a closed ring has at least 4"
            elif ring[0] != ring[-1]:
                yield f"ring {number} is not closed: it starts at {ring[0]} and ends at {ring[-1]}"


def _coordinate_problem(area: BaseGeometry) -> tuple[str, str] | None:
    if area.is_empty:
        return "the geometry is empty", "give it a ring"
    west, south, east, north = area.bounds
    extent = f"x from {west:g} to {east:g}, y from {south:g} to {north:g}"
    if -180 <= west <= east <= 180 and -90 <= south <= north <= 90:
        return None
    if -90 <= west <= east <= 90 and -180 <= south <= north <= 180:
        return f"{extent}: latitude seems to come first", "GeoJSON positions are [longitude, latitude]"
    if max(abs(west), abs(east), abs(south), abs(north)) > 1_000:
        return (
            f"{extent}: these look like projected metres, not degrees",
            "convert the file to WGS-84 longitude and latitude (ogr2ogr -t_srs EPSG:4326)",
        )
    return f"{extent}: not longitude and latitude", "expected -180 … 180 and -90 … 90"
