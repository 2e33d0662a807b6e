"""Outlines as events carry them: in degrees, with few corners, so that an event stays within its 2 KB."""

from __future__ import annotations

import numpy as np
import shapely
from shapely import MultiPolygon

from contract.geometry import RADIUS_95_PER_SIGMA, Location, LocationMethod
from contract.geometry import Polygon as Area
from edge.detectors.illegal_structure.finding import Outline
from edge.flights.local import LocalPlane
from edge.vision.arrays import Doubles

MOST_CORNERS = 20
"""A house with two wings has twelve."""
LEAST_CORNERS = 6
CORNER_BYTES = 22
DIGITS = 6
"""Of degrees: a decimetre, which no flight knows better."""
LEAST_ACCURACY_M = 0.05


def location_of(outline: Outline, sigma_m: float, plane: LocalPlane, corners: int = MOST_CORNERS) -> Location:
    """Where it is: a point inside of it, how sure that is, and its footprint with at most so many corners."""
    middle = outline.centroid if outline.contains(outline.centroid) else outline.representative_point()
    return Location(
        point=plane.point(middle.x, middle.y),
        accuracy_m=max(LEAST_ACCURACY_M, round(RADIUS_95_PER_SIGMA * sigma_m, 2)),
        method=LocationMethod.DRONE_RAY,
        area=area_of(outline, plane, corners),
    )


def area_of(outline: Outline, plane: LocalPlane, corners: int = MOST_CORNERS) -> Area:
    """Its outer ring in degrees to a decimetre; courtyards are left out, as the smaller parts of several."""
    places = plane.degrees(_few_corners(_largest(outline), corners))
    ring = tuple((round(x, DIGITS), round(y, DIGITS)) for x, y in places.tolist())
    return Area(coordinates=((*ring[:-1], ring[0]),))


def _largest(outline: Outline) -> shapely.Polygon:
    parts = outline.geoms if isinstance(outline, MultiPolygon) else (outline,)
    return max(parts, key=lambda part: float(part.area))


def _few_corners(outline: shapely.Polygon, corners: int) -> Doubles:
    """The closed outer ring with few corners, as little changed as can be."""
    whole = shapely.Polygon(outline.exterior)
    shell, tolerance = whole.simplify(0.02), 0.05
    while len(shell.exterior.coords) - 1 > corners and tolerance < 100:
        simpler = whole.simplify(tolerance)
        shell = simpler if isinstance(simpler, shapely.Polygon) and not simpler.is_empty else shell
        tolerance *= 1.5
    if len(shell.exterior.coords) - 1 > corners:
        shell = whole.minimum_rotated_rectangle
    return np.asarray(shapely.normalize(shell).exterior.coords)[:, :2]
