"""From a file's geometries to valid outlines in metres of the flight's plane; each that cannot be used says why."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from shapely import Geometry, MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from contract.datum import Datum, is_moved, to_wgs84
from edge.flights.local import LocalPlane
from edge.flights.register.boxes import Box
from edge.flights.register.errors import Remarks
from edge.flights.register.features import Outline

MOST_VERTICES = 100_000
"""Of one feature. A river of a whole province has as many; a flight sees a few hundred of them."""
MOST_CROSSINGS = 200_000
"""Of an outline with itself. Mending is linear in them, and a made-up one has millions; a slip of the pen has one."""
MOST_CROSSINGS_OF_A_FILE = 2_000_000
FAR_DEGREES = 3.0
"""Beyond a coordinate system's own area: neighbouring zones are used a little beyond their border, not further."""
LEAST_M2 = 0.5
"""What is smaller is no building but a slip of the pen."""
CHANGED_SHARE = 0.01
_PROBES = 50


@dataclass(frozen=True, slots=True)
class Placing:
    """How coordinates of a file become metres."""

    crs: CRS
    datum: Datum
    plane: LocalPlane


@dataclass(slots=True)
class Mending:
    """Mends outlines of one file, within its budget."""

    remarks: Remarks
    crossings_left: int = MOST_CROSSINGS_OF_A_FILE

    def mended(self, feature: int, geometry: Outline) -> Outline | None:
        """The geometry if it is valid, else one that is; None if it cannot be."""
        if shapely.is_valid(geometry):
            return geometry
        reason = shapely.is_valid_reason(geometry).split("[")[0].lower()
        crossings = _crossings(geometry)
        if crossings > min(MOST_CROSSINGS, self.crossings_left):
            self.remarks.refuse(feature, f"its outline crosses itself about {crossings} times", "Draw it anew")
            return None
        self.crossings_left -= crossings
        valid = polygons_of(shapely.make_valid(geometry, method="structure", keep_collapsed=False))
        if valid is None:
            self.remarks.refuse(feature, f"its outline encloses nothing ({reason})", "Draw it anew")
            return None
        before, after = abs(geometry.area), valid.area
        grown = f", {before:.0f} m² became {after:.0f} m²" if abs(after - before) > CHANGED_SHARE * after else ""
        self.remarks.note(feature, f"its outline was mended ({reason}){grown}")
        return valid


def read_wkb(
    encoded: Sequence[bytes | None], features: Sequence[int], remarks: Remarks
) -> tuple[list[Geometry], list[int], list[int]]:
    """Geometries with finite coordinates, their features' numbers, and their places in `encoded`."""
    kept: list[Geometry] = []
    numbers: list[int] = []
    rows: list[int] = []
    for row, (content, number) in enumerate(zip(encoded, features, strict=True)):
        geometry = None if content is None else _one(content)
        if content is None:
            remarks.refuse(number, "it has no geometry", "Draw its outline, or delete the row")
        elif geometry is None:
            remarks.refuse(number, "its geometry cannot be read", "Export the file anew")
        elif geometry.is_empty:
            remarks.refuse(number, "its geometry is empty", "Draw its outline, or delete the row")
        elif shapely.get_num_coordinates(geometry) > MOST_VERTICES:
            count = shapely.get_num_coordinates(geometry)
            remarks.refuse(number, f"it has {count} vertices, expected at most {MOST_VERTICES}", "Simplify or cut it")
        elif not np.isfinite(shapely.get_coordinates(geometry)).all():
            remarks.refuse(number, "it has coordinates that are no numbers", "Draw its outline anew")
        else:
            kept.append(geometry)
            numbers.append(number)
            rows.append(row)
    return kept, numbers, rows


def to_degrees(geometries: Sequence[Geometry], placing: Placing) -> list[BaseGeometry]:
    """The geometries in WGS-84 degrees; coordinates that their system does not reach are infinite."""
    transformer = Transformer.from_crs(placing.crs, "EPSG:4326", always_xy=True)

    def moved(metres: NDArray[np.float64]) -> NDArray[np.float64]:
        longitudes, latitudes = transformer.transform(metres[:, 0], metres[:, 1])
        return np.stack((longitudes, latitudes), axis=1)

    return list(shapely.transform(np.array(geometries, dtype=object), moved)) if geometries else []


def in_reach(degrees: BaseGeometry, box: Box) -> bool:
    """Whether any of it may lie in a box of degrees (west, south, east, north)."""
    west, south, east, north = degrees.bounds
    return bool(west <= box[2] and east >= box[0] and south <= box[3] and north >= box[1])


def why_misplaced(degrees: BaseGeometry, placing: Placing) -> str | None:
    """Why coordinates cannot be what their system says; None if they can."""
    bounds = np.array(degrees.bounds)
    crs_name = placing.crs.name
    if not np.isfinite(bounds).all() or abs(bounds[[1, 3]]).max() > 90 or abs(bounds[[0, 2]]).max() > 360:
        return f"its coordinates are none of {crs_name}"
    area = placing.crs.area_of_use
    if area is not None and area.west <= area.east:
        west, south, east, north = bounds
        outside = (
            west < area.west - FAR_DEGREES
            or east > area.east + FAR_DEGREES
            or south < area.south - FAR_DEGREES
            or north > area.north + FAR_DEGREES
        )
        if outside:
            return f"it lies at {(west + east) / 2:.2f}, {(south + north) / 2:.2f}, outside of {crs_name}"
    if placing.datum is not Datum.WGS84 and not is_moved(float(bounds[0]), float(bounds[1])):
        return f"it lies outside of China, where there is no {placing.datum.value}"
    return None


def to_metres(degrees: BaseGeometry, placing: Placing) -> BaseGeometry:
    """In metres of the plane."""

    def moved(places: NDArray[np.float64]) -> NDArray[np.float64]:
        if placing.datum is not Datum.WGS84:
            places = np.array([to_wgs84(placing.datum, x, y) for x, y in places.tolist()])
        return placing.plane.metres(places[:, 0], places[:, 1])

    moved_geometry: BaseGeometry = shapely.transform(degrees, moved)
    return moved_geometry


def polygons_of(geometry: BaseGeometry | None) -> Outline | None:
    """What of a geometry has an area; None if nothing has."""
    parts = [part for part in _polygons(geometry) if part.area >= LEAST_M2]
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else MultiPolygon(parts)


def _polygons(geometry: BaseGeometry | None) -> Iterator[Polygon]:
    if isinstance(geometry, Polygon):
        yield geometry
    elif geometry is not None and hasattr(geometry, "geoms"):
        for part in geometry.geoms:
            yield from _polygons(part)


def _one(content: bytes) -> Geometry | None:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            geometry = shapely.from_wkb(content, on_invalid="ignore")
        except shapely.errors.GEOSException:
            return None
    return None if geometry is None else shapely.force_2d(geometry)


def _crossings(geometry: Outline) -> int:
    """About how often an outline's sides cross each other, from a few of them."""
    sides = np.concatenate([_sides(np.asarray(ring.coords)) for part in _polygons(geometry) for ring in _rings(part)])
    tree = shapely.STRtree(sides)
    probes = sides[:: max(1, len(sides) // _PROBES)]
    found = tree.query(probes, predicate="crosses")
    return int(found.shape[1] * len(sides) / (2 * len(probes))) + 1


def _rings(polygon: Polygon) -> Iterator[shapely.LinearRing]:
    yield polygon.exterior
    yield from polygon.interiors


def _sides(ring: NDArray[np.float64]) -> NDArray[np.object_]:
    sides: NDArray[np.object_] = shapely.linestrings(np.stack((ring[:-1, :2], ring[1:, :2]), axis=1))
    return sides
