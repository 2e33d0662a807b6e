"""Point → grid in this process: an STRtree over the lowest admin grids, one over the rest of the tree, one overlay.

A position is a disc, not a point. The disc is cut along the grids, so that routing can tell how much of it belongs to
which queue. In-process look-ups cost ~12 µs against ~106 µs for a round trip to PostGIS (design figures).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from contract.geometry import EARTH_RADIUS_M, Location
from server.grids.model import NOWHERE, Fragment, Grid, GridTree, Layer, Placement

MAX_TOUCHED_GRIDS = 64
"""A disc over more grids says nothing about neighbours (each would hold under 2 %), and costs milliseconds to cut."""

MIN_SHARE = 0.001
"""Smaller fragments are slivers of digitised borders."""

_METRES_PER_DEGREE = math.radians(1.0) * EARTH_RADIUS_M

_ANGLES = np.linspace(0.0, 2 * np.pi, 48, endpoint=False)
_UNIT_CIRCLE = np.column_stack((np.cos(_ANGLES), np.sin(_ANGLES)))


class _Layer:
    """Grids of one kind with their tree."""

    def __init__(self, grids: Sequence[Grid], geometries: Mapping[str, BaseGeometry]) -> None:
        ordered = sorted(grids, key=lambda grid: grid.code)  # of two grids that share a border the lower code wins
        self.codes = [grid.code for grid in ordered]
        self.geometries = np.array([geometries[code] for code in self.codes], dtype=object)
        self.tree = shapely.STRtree(self.geometries)
        # GEOS builds the tree at the first question: asked here, it is done before threads share it.
        self.tree.query(shapely.Point(0, 0))

    def holding(self, point: BaseGeometry) -> list[int]:
        """Places of the grids that hold the point, their borders included, in the order of their codes."""
        found: list[int] = self.tree.query(point, predicate="intersects").tolist()
        return sorted(found)

    def touching(self, area: BaseGeometry) -> list[int]:
        return sorted(self.tree.query(area, predicate="intersects").tolist())


class GridIndex:
    """Finds the grids of a position. Immutable, safe to share between threads."""

    def __init__(self, tree: GridTree, geometries: Mapping[str, BaseGeometry]) -> None:
        self.tree = tree
        self.geometries = geometries
        lowest = tree.lowest()
        low_codes = {grid.code for grid in lowest}
        self._lowest = _Layer(lowest, geometries)
        self._upper = _Layer(
            [grid for grid in tree if grid.layer is Layer.ADMIN and grid.code not in low_codes], geometries
        )
        self._special = _Layer([grid for grid in tree if grid.layer is Layer.SPECIAL], geometries)
        self._special_areas = shapely.area(self._special.geometries)
        self._borders = shapely.boundary(self._lowest.geometries)

    def place(self, location: Location) -> Placement:
        """Where a location lies: the grids of its point, and how its 95 % disc is divided between grids."""
        if not self._lowest.codes:
            return NOWHERE
        point = shapely.Point(location.point.coordinates)
        found = self._lowest.holding(point)
        grid = self._lowest.codes[found[0]] if found else self._grid_above(point)
        specials = self._specials_within_reach(point, location)
        holding = tuple(self._special.codes[index] for index in specials if self._special_holds(index, point))
        alone = bool(found) and not specials and not shapely.dwithin(self._borders[found[0]], point, _reach(location))
        fragments = () if alone else self._fragments(location, specials)
        if grid is not None:
            return Placement(grid, holding, fragments, accuracy_m=location.accuracy_m)
        nearest, distance = self._nearest(point)
        return Placement(None, holding, fragments, nearest, distance, location.accuracy_m)

    def _grid_above(self, point: BaseGeometry) -> str | None:
        """In a gap between the lowest grids: the deepest grid above them that holds the point."""
        codes = [self._upper.codes[index] for index in self._upper.holding(point)]
        return max(codes, key=lambda code: len(self.tree.chain(code)), default=None)

    def _specials_within_reach(self, point: BaseGeometry, location: Location) -> list[int]:
        """Special grids that the disc may touch, smallest first: where they overlap, the smallest speaks."""
        if not self._special.codes:
            return []
        near = self._special.tree.query(point, predicate="dwithin", distance=_reach(location)).tolist()
        return sorted(near, key=lambda index: (self._special_areas[index], index))

    def _special_holds(self, index: int, point: BaseGeometry) -> bool:
        return bool(shapely.intersects(self._special.geometries[index], point))

    def _fragments(self, location: Location, specials: Sequence[int]) -> tuple[Fragment, ...] | None:
        disc = _disc(location)
        touched = self._lowest.touching(disc)
        if len(touched) > MAX_TOUCHED_GRIDS:
            return None
        # Longitude is squeezed evenly over the whole disc, so shares of areas in degrees are shares of areas.
        whole = disc.area
        fragments: list[Fragment] = []
        for index in touched:
            rest = disc.intersection(self._lowest.geometries[index])
            code = self._lowest.codes[index]
            for special in specials:
                overlay = self._special.geometries[special]
                inside = rest.intersection(overlay)
                if not inside.is_empty:
                    fragments.append(Fragment(code, self._special.codes[special], inside.area / whole))
                    rest = rest.difference(overlay)
            fragments.append(Fragment(code, None, rest.area / whole))
        return tuple(fragment for fragment in fragments if fragment.share >= MIN_SHARE)

    def _nearest(self, point: BaseGeometry) -> tuple[str, float]:
        """The nearest lowest grid and the distance to it in metres, on the tangent plane at the point."""
        index = int(self._lowest.tree.nearest(point))
        there = shapely.shortest_line(point, self._lowest.geometries[index])
        (lon_a, lat_a), (lon_b, lat_b) = there.coords[0], there.coords[-1]
        east = (lon_b - lon_a) * _METRES_PER_DEGREE * math.cos(math.radians(lat_a))
        north = (lat_b - lat_a) * _METRES_PER_DEGREE
        return self._lowest.codes[index], math.hypot(east, north)


def _radii(location: Location) -> tuple[float, float]:
    """The 95 % radius in degrees of longitude and of latitude."""
    north = location.accuracy_m / _METRES_PER_DEGREE
    return north / max(math.cos(math.radians(location.point.latitude)), 1e-9), north


def _reach(location: Location) -> float:
    """A distance in degrees beyond which nothing can touch the disc: its longer radius."""
    return _radii(location)[0]


def _disc(location: Location) -> BaseGeometry:
    """The 95 % disc in degrees: `contract.geometry.accuracy_ring`, a twentieth of its cost."""
    return shapely.Polygon(_UNIT_CIRCLE * _radii(location) + location.point.coordinates)
