"""Outlines as events carry them: in degrees, with few corners, so that an event stays within its 2 KB."""

from __future__ import annotations

import numpy as np
import shapely
from shapely import MultiPolygon

from contract.geometry import RADIUS_95_PER_SIGMA, Location, LocationMethod
from contract.geometry import Polygon as Area
from edge.detectors.illegal_structure.finding import Outline
from edge.flights.local import LocalPlane

MOST_CORNERS = 20
"""25 bytes each. A house with two wings has twelve."""
LEAST_ACCURACY_M = 0.05


def location_of(outline: Outline, sigma_m: float, plane: LocalPlane) -> Location:
    """Where it is: a point inside of it, how sure that is, and its footprint."""
    middle = outline.centroid if outline.contains(outline.centroid) else outline.representative_point()
    return Location(
        point=plane.point(middle.x, middle.y),
        accuracy_m=max(LEAST_ACCURACY_M, round(RADIUS_95_PER_SIGMA * sigma_m, 2)),
        method=LocationMethod.DRONE_RAY,
        area=area_of(outline, plane),
    )


def area_of(outline: Outline, plane: LocalPlane) -> Area:
    """Its outer ring in degrees to a centimetre; courtyards are left out, as the smaller parts of several."""
    ring = _few_corners(_largest(outline))
    places = plane.degrees(ring)
    corners = tuple((round(x, 7), round(y, 7)) for x, y in places.tolist())
    return Area(coordinates=((*corners[:-1], corners[0]),))


def _largest(outline: Outline) -> shapely.Polygon:
    parts = outline.geoms if isinstance(outline, MultiPolygon) else (outline,)
    return max(parts, key=lambda part: float(part.area))


def _few_corners(outline: shapely.Polygon) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """The closed outer ring with as few corners as there is room for, as little changed as can be."""
    shell = shapely.Polygon(outline.exterior)
    tolerance = 0.05
    while len(shell.exterior.coords) - 1 > MOST_CORNERS and tolerance < 100:
        simpler = shapely.Polygon(outline.exterior).simplify(tolerance)
        shell = simpler if isinstance(simpler, shapely.Polygon) and not simpler.is_empty else shell
        tolerance *= 1.5
    if len(shell.exterior.coords) - 1 > MOST_CORNERS:
        shell = shell.minimum_rotated_rectangle
    return np.asarray(shapely.normalize(shell).exterior.coords)[:, :2]
