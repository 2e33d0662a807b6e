"""What a flight covered: overlap from picture to picture, what was seen once and twice, and gaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon

from edge.vision.arrays import Doubles

_LEAST_GAP_M2 = 1.0


@dataclass(frozen=True, slots=True)
class Gap:
    """Ground inside of what was flown over that no picture shows."""

    outline: tuple[tuple[float, float], ...]
    """Corners in metres of the plane."""
    area_m2: float


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of a flight's footprints, in their order."""

    area_m2: float
    """Shown by at least one picture."""
    twice_m2: float
    """By at least two: what could be seen from two sides, and be sure."""
    forward_overlap: tuple[float, ...]
    """From each picture to the next: the shared area as a part of the smaller one. 0 where either shows no ground."""
    gaps: tuple[Gap, ...]
    """Largest first: holes, and what separates parts of the flight within the hull of all."""


def footprint_of(outline: Doubles | None) -> Polygon:
    """Of corners (n, 2) in metres. Valid whatever the corners; empty for None."""
    if outline is None or len(outline) < 3 or not np.isfinite(outline).all():
        return Polygon()
    shape = shapely.make_valid(Polygon(outline))
    parts = [part for part in getattr(shape, "geoms", [shape]) if isinstance(part, Polygon)]
    return max(parts, key=lambda part: part.area, default=Polygon())


def overlap(first: Polygon, second: Polygon) -> float:
    """The shared area as a part of the smaller one, 0 to 1."""
    smaller = min(first.area, second.area)
    return float(first.intersection(second).area / smaller) if smaller else 0.0


def coverage_of(footprints: Sequence[Polygon]) -> Coverage:
    """Takes a second for a thousand pictures: pairs that are apart are not looked at."""
    forward = tuple(overlap(a, b) for a, b in pairwise(footprints))
    shown = [shape for shape in footprints if not shape.is_empty]
    if not shown:
        return Coverage(0.0, 0.0, forward, ())
    union = shapely.union_all(shown)
    tree = shapely.STRtree(shown)
    first, second = tree.query(shown, predicate="intersects")
    pairs = [(shown[a], shown[b]) for a, b in zip(first, second, strict=True) if a < b]
    # Long flights meet themselves in tens of thousands of pairs: they are joined a part at a time.
    twice = shapely.union_all([_areas(a.intersection(b)) for a, b in pairs])
    return Coverage(
        area_m2=float(union.area),
        twice_m2=float(twice.area),
        forward_overlap=forward,
        gaps=_gaps(union),
    )


def _areas(shape: shapely.Geometry) -> shapely.Geometry:
    """Without the lines and points in which neighbours touch."""
    parts = [part for part in getattr(shape, "geoms", [shape]) if isinstance(part, Polygon | MultiPolygon)]
    return shapely.union_all(parts)


def _gaps(union: shapely.Geometry) -> tuple[Gap, ...]:
    parts = [part for part in getattr(union, "geoms", [union]) if isinstance(part, Polygon) and not part.is_empty]
    missing: list[shapely.Geometry] = [Polygon(hole) for part in parts for hole in part.interiors]
    if len(parts) > 1:
        # Bays of one connected area are the shape of the flight; what lies between two areas was left out.
        filled = shapely.union_all([Polygon(part.exterior) for part in parts])
        between = filled.convex_hull.difference(filled)
        missing += [
            piece
            for piece in getattr(between, "geoms", [between])
            if isinstance(piece, Polygon) and sum(piece.distance(part) < 1e-6 for part in parts) > 1
        ]
    found = [
        Gap(tuple((float(x), float(y)) for x, y in piece.exterior.coords), float(piece.area))
        for piece in missing
        if isinstance(piece, Polygon) and piece.area >= _LEAST_GAP_M2
    ]
    return tuple(sorted(found, key=lambda gap: -gap.area_m2))
