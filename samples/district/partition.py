"""Cut land into parts that tile it exactly, with shared vertices on a lattice of `1 / LATTICE` degrees."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import shapely
from shapely import LineString, MultiLineString, Point, Polygon, STRtree
from shapely.affinity import affine_transform
from shapely.ops import split

from samples.district.layout import METRES_PER_DEGREE_LAT, METRES_PER_DEGREE_LON, ORIGIN_LAT, ORIGIN_LON, density

LATTICE: Final = 1_000_000
"""Lattice steps a degree: vertices have six decimals, about 0.1 m."""
_SAMPLE_STEP_M: Final = 40.0
_TRIES: Final = 14


class PartitionError(RuntimeError):
    """The land could not be cut as asked."""


@dataclass(frozen=True, slots=True)
class CutStyle:
    """How a dividing line looks: `turn_degrees` off the right angle, and `bend` as a share of its length."""

    turn_degrees: float
    bend: float


def weight(land: Polygon) -> float:
    """How much lives on the land: its area in square metres times the density there."""
    return float(density(_sample(land)).mean() * land.area)


def cut_along(land: Polygon, line: LineString) -> tuple[Polygon, Polygon]:
    """The two sides of the land, the one left of the line first.

    Raises:
        PartitionError: the line does not cut the land into exactly two.
    """
    pieces = _pieces(land, line)
    if len(pieces) != 2:
        raise PartitionError(f"a line cuts the land into {len(pieces)} pieces, expected 2; try another seed")
    first, second = pieces
    return (first, second) if _is_left(first, line) else (second, first)


def divide(land: Polygon, parts: int, rng: random.Random, style: CutStyle) -> Iterator[Polygon]:
    """Cut the land into `parts` parts of about equal weight by halving across the longer side, again and again.

    This is the subdivision by oriented bounding box that procedural city models use for blocks and parcels (Vanegas et
    al., "Procedural Generation of Parcels in Urban Modeling", 2012).
    """
    if parts == 1:
        yield land
        return
    first_parts = parts // 2 if rng.random() < 0.5 else parts - parts // 2
    first, second = _best_cut(land, first_parts / parts, rng, style)
    yield from divide(first, first_parts, rng, style)
    yield from divide(second, parts - first_parts, rng, style)


def long_axis(shape: shapely.Geometry) -> float:
    """The direction of the longer side of the smallest rectangle around the shape, radians."""
    frame = shapely.minimum_rotated_rectangle(shape)
    corners = shapely.get_coordinates(frame).tolist()
    sides = ((math.dist(a, b), math.atan2(b[1] - a[1], b[0] - a[0])) for a, b in pairwise(corners))
    return max(sides)[1]


def snap(cells: Sequence[Polygon]) -> list[Polygon]:
    """The cells (local metres) on the lattice (whole lattice steps): every vertex where cells meet is a vertex of each.

    Raises:
        PartitionError: a cell fell apart or vanished in snapping.
    """
    scale = (
        LATTICE / METRES_PER_DEGREE_LON,
        0,
        0,
        LATTICE / METRES_PER_DEGREE_LAT,
        ORIGIN_LON * LATTICE,
        ORIGIN_LAT * LATTICE,
    )
    scaled = [affine_transform(cell, scale) for cell in cells]
    lines = shapely.unary_union(MultiLineString([cell.exterior for cell in scaled]), grid_size=1)
    faces = list(shapely.get_parts(shapely.polygonize([lines])))
    tree = STRtree(scaled)
    owned: list[list[Polygon]] = [[] for _ in scaled]
    for face in faces:
        inside = face.representative_point()
        owner = int(tree.query(inside, predicate="within")[0])
        owned[owner].append(face)
    snapped = []
    for index, members in enumerate(owned):
        whole = members[0] if len(members) == 1 else shapely.coverage_union_all(members)
        if not isinstance(whole, Polygon) or whole.is_empty or whole.interiors:
            raise PartitionError(f"cell {index} is no simple polygon after snapping; try another seed")
        snapped.append(whole)
    return snapped


def _best_cut(land: Polygon, share: float, rng: random.Random, style: CutStyle) -> tuple[Polygon, Polygon]:
    """The cut, of several tried, whose two sides are the most compact."""
    along = long_axis(land)
    samples = _sample(land)
    weights = density(samples)
    best: tuple[float, tuple[Polygon, Polygon]] | None = None
    for attempt in range(_TRIES):
        across = attempt >= _TRIES // 2 and attempt % 3 == 0
        angle = along + (math.pi / 2 if across else 0) + math.radians(rng.gauss(0, style.turn_degrees))
        wanted = min(max(share + rng.gauss(0, 0.025), 0.15), 0.85)
        line = _dividing_line(land, angle, _quantile(samples, weights, angle, wanted), rng, style)
        pieces = _pieces(land, line)
        if len(pieces) != 2:
            continue
        cost = max(piece.length**2 / piece.area for piece in pieces)
        if best is None or cost < best[0]:
            first, second = pieces
            normal_left = _mean_projection(first, angle) < _mean_projection(second, angle)
            best = (cost, (first, second) if normal_left else (second, first))
    if best is None:
        raise PartitionError("no straight cut divides the land into two; try another seed")
    return best[1]


def _dividing_line(land: Polygon, angle: float, offset: float, rng: random.Random, style: CutStyle) -> LineString:
    """A slightly bent line at right angles to `angle`, at `offset` metres along it, reaching over the land's rim."""
    along = np.array([math.cos(angle), math.sin(angle)])
    across = np.array([-along[1], along[0]])
    low_x, low_y, high_x, high_y = land.bounds
    middle = np.array([(low_x + high_x) / 2, (low_y + high_y) / 2])
    reach = math.hypot(high_x - low_x, high_y - low_y)
    start = middle + along * (offset - _dot(middle, along))
    chord = land.intersection(LineString([start - across * reach, start + across * reach]))
    low_x, low_y, high_x, high_y = chord.bounds
    ends = [
        _dot(np.array(point), across) for point in ((low_x, low_y), (low_x, high_y), (high_x, low_y), (high_x, high_y))
    ]
    low, high = min(ends), max(ends)
    length = high - low
    origin = along * offset
    points = [origin + across * (low - 0.6 * length)]
    for step in (0.0, 0.22, 0.5, 0.78, 1.0):
        bend = rng.gauss(0, style.bend) * length
        points.append(origin + across * (low + step * length) + along * bend)
    points.append(origin + across * (high + 0.6 * length))
    return LineString(points)


def _dot(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    """Of two vectors of the plane, to the last digit the same on every processor."""
    return float(one[0]) * float(other[0]) + float(one[1]) * float(other[1])


def _pieces(land: Polygon, line: LineString) -> list[Polygon]:
    return [piece for piece in split(land, line).geoms if isinstance(piece, Polygon)]


def _is_left(piece: Polygon, line: LineString) -> bool:
    inside = piece.representative_point()
    at = line.project(inside)
    here, ahead = line.interpolate(max(at - 1.0, 0.0)), line.interpolate(at + 1.0)
    cross = (ahead.x - here.x) * (inside.y - here.y) - (ahead.y - here.y) * (inside.x - here.x)
    return bool(cross > 0)


def _sample(land: Polygon) -> npt.NDArray[np.float64]:
    """Points on a square lattice inside the land, (n, 2)."""
    low_x, low_y, high_x, high_y = land.bounds
    step = min(_SAMPLE_STEP_M, math.sqrt(land.area) / 12)
    xs, ys = np.meshgrid(np.arange(low_x, high_x, step) + step / 2, np.arange(low_y, high_y, step) + step / 2)
    points = np.column_stack([xs.ravel(), ys.ravel()])
    return np.asarray(points[shapely.contains_xy(land, points)])


def _quantile(samples: npt.NDArray[np.float64], weights: npt.NDArray[np.float64], angle: float, share: float) -> float:
    """How far along `angle` the first `share` of the weight ends, metres."""
    # Not a product of matrices: libraries of these differ in the last digit from processor to processor, and a line
    # that falls on a sample then falls on its neighbour.
    along = samples[:, 0] * math.cos(angle) + samples[:, 1] * math.sin(angle)
    order = np.argsort(along, kind="stable")
    summed = np.cumsum(weights[order])
    return float(along[order][int(np.searchsorted(summed, share * summed[-1]))])


def _mean_projection(piece: Polygon, angle: float) -> float:
    centre: Point = piece.centroid
    return float(centre.x * math.cos(angle) + centre.y * math.sin(angle))
