"""Makes files of a register, as authorities hand them out: any format, any coordinate system."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pyogrio
import shapely
from pyproj import Transformer

from contract.datum import Datum, from_wgs84
from contract.geometry import Point
from edge.flights.local import LocalPlane

ORIGIN = Point(coordinates=(114.3055, 30.5928))
"""Wuhan: zone 38 of three degrees (EPSG:4547), near its border with zone 39."""
PLANE = LocalPlane(ORIGIN)
BOX_M = (-500.0, -500.0, 500.0, 500.0)


def degrees(outline, datum: Datum = Datum.WGS84):
    """An outline in metres of the plane, as it is written down in degrees of a datum."""

    def moved(metres):
        places = PLANE.degrees(metres)
        return np.array([from_wgs84(datum, x, y) for x, y in places.tolist()])

    return shapely.transform(outline, moved)


def in_crs(outline, crs: str, datum: Datum = Datum.WGS84):
    """The same in another coordinate system."""
    there = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    return shapely.transform(degrees(outline, datum), lambda xy: np.stack(there.transform(xy[:, 0], xy[:, 1]), axis=1))


def write(path: Path, outlines, crs: str | None, fields=None, datum: Datum = Datum.WGS84, **options) -> Path:
    """Writes outlines of the plane with columns of text."""
    geometries = [None if outline is None else in_crs(outline, crs or "EPSG:4326", datum) for outline in outlines]
    fields = fields or {"id": [f"n{index}" for index in range(len(outlines))]}
    kinds = {geometry.geom_type for geometry in geometries if geometry is not None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # GDAL says that it cuts names
        pyogrio.raw.write(
            path,
            np.array([None if geometry is None else shapely.to_wkb(geometry) for geometry in geometries], dtype=object),
            [np.array(values, dtype=object) for values in fields.values()],
            list(fields),
            geometry_type=kinds.pop() if len(kinds) == 1 else "Unknown",
            crs=crs,
            **options,
        )
    return path


def geojson(path: Path, features) -> Path:
    """Writes features (geometry, properties) as they are: also what no program would write."""
    items = [{"type": "Feature", "properties": fields, "geometry": geometry} for geometry, fields in features]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": items}, ensure_ascii=False), encoding="utf-8")
    return path


def square(east_m: float, north_m: float, side_m: float = 10.0):
    """A square with its centre there."""
    half = side_m / 2
    return shapely.box(east_m - half, north_m - half, east_m + half, north_m + half)


def mapped(outline, datum: Datum = Datum.WGS84) -> dict:
    """GeoJSON of an outline of the plane."""
    return shapely.geometry.mapping(degrees(outline, datum))
