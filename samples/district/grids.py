"""The fictional district's grids: one district, five streets, their communities and micro-grids, and special grids."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import shapely
from shapely import MultiPolygon, Polygon
from shapely.affinity import rotate, scale, translate

from samples.district import names
from samples.district.layout import METRES_PER_DEGREE_LAT, METRES_PER_DEGREE_LON, Layout, draw_layout, to_lon_lat
from samples.district.names import Name
from samples.district.partition import LATTICE, CutStyle, PartitionError, cut_along, divide, long_axis, snap, weight

DISTRICT_CODE: Final = "410199"
"""A pseudo-code: no division of GB/T 2260 has it."""
COMMUNITIES: Final = 25
MICRO_GRIDS: Final = 356
_ROAD_STYLE: Final = CutStyle(turn_degrees=5.0, bend=0.022)
_LANE_STYLE: Final = CutStyle(turn_degrees=3.0, bend=0.008)


@dataclass(frozen=True, slots=True)
class Grid:
    """One grid; `shape` is in whole lattice steps (see partition.LATTICE)."""

    code: str
    name: Name
    layer: str
    level: int
    parent: str | None
    shape: Polygon


@dataclass(frozen=True, slots=True)
class _SpecialPlan:
    """A special grid before it has its place; `near_m` is in the layout's metres."""

    name: Name
    street: str
    parent_level: int
    near_m: tuple[float, float]
    size_m: tuple[float, float]


_SPECIAL_PLANS: Final = (
    _SpecialPlan(names.MALL, "410199004", 2, (4600.0, 3500.0), (230.0, 150.0)),
    _SpecialPlan(names.CAMPUS, "410199002", 1, (6200.0, 6200.0), (520.0, 380.0)),
    _SpecialPlan(names.MARKET, "410199003", 2, (1500.0, 3150.0), (130.0, 95.0)),
)


@dataclass(frozen=True, slots=True)
class District:
    """All grids, parents before children, and the layout they were cut along (local metres)."""

    grids: tuple[Grid, ...]
    layout: Layout

    def at_level(self, level: int) -> tuple[Grid, ...]:
        """The admin grids of one level."""
        return tuple(grid for grid in self.grids if grid.layer == "admin" and grid.level == level)

    @property
    def special(self) -> tuple[Grid, ...]:
        """The special grids."""
        return tuple(grid for grid in self.grids if grid.layer == "special")


def build_district(seed: int) -> District:
    """Draw the district of this seed.

    Raises:
        PartitionError: this seed's lines do not cut the land as needed (rare; take another).
    """
    rng = random.Random(seed)
    layout = draw_layout(rng)
    streets = _streets(layout)
    community_counts = _shares(COMMUNITIES, [weight(street) for street in streets], least=4, most=7)
    communities = [
        (index, land)
        for index, (street, count) in enumerate(zip(streets, community_counts, strict=True))
        for land in _reading_order(divide(street, count, rng, _ROAD_STYLE))
    ]
    micro_counts = _shares(MICRO_GRIDS, [weight(land) for _, land in communities], least=8, most=22)
    micro_owner: list[int] = []
    micro_land: list[Polygon] = []
    for index, ((_, land), count) in enumerate(zip(communities, micro_counts, strict=True)):
        parts = _reading_order(divide(land, count, rng, _LANE_STYLE))
        micro_owner += [index] * len(parts)
        micro_land += parts
    admin = _named([street for street, _ in communities], micro_owner, snap(micro_land))
    return District(grids=(*admin, *_special_grids(admin)), layout=layout)


def _streets(layout: Layout) -> list[Polygon]:
    """The five streets: two north of the river, the west bank, the old town, the south."""
    north, south = cut_along(layout.outline, layout.river)
    north_west, north_east = cut_along(north, layout.north_road)
    rest, west = cut_along(south, layout.west_road)
    old_town, southern = cut_along(rest, layout.south_road)
    return [north_west, north_east, west, old_town, southern]


def _shares(total: int, weights: Sequence[float], *, least: int, most: int) -> list[int]:
    """Whole numbers that add up to `total`, in proportion to the weights but within `least` and `most`."""
    summed = sum(weights)
    wanted = [total * value / summed for value in weights]
    counts = [min(max(int(value), least), most) for value in wanted]
    while (missing := total - sum(counts)) != 0:
        step = 1 if missing > 0 else -1
        free = [i for i, count in enumerate(counts) if least <= count + step <= most]
        if not free:
            raise PartitionError(f"cannot share {total} among {len(weights)} with {least} to {most} each")
        neediest = max(free, key=lambda i: step * (wanted[i] - counts[i]))
        counts[neediest] += step
    return counts


def _reading_order(parts: Iterable[Polygon]) -> list[Polygon]:
    """Parts from the north-west to the south-east, as people number them on a wall map."""
    return sorted(parts, key=lambda part: part.centroid.x - 2.0 * part.centroid.y)


def _named(street_of: Sequence[int], micro_owner: Sequence[int], micro_shapes: Sequence[Polygon]) -> list[Grid]:
    """Give codes and names, and build the parents from exactly their children."""
    micros: list[Grid] = []
    communities: list[Grid] = []
    streets: list[Grid] = []
    for street_index, (street_name, community_names) in enumerate(names.STREETS):
        street_code = f"{DISTRICT_CODE}{street_index + 1:03d}"
        members = [index for index, street in enumerate(street_of) if street == street_index]
        own: list[Grid] = []
        for number, (community_index, name) in enumerate(zip(members, community_names, strict=False), start=1):
            code = f"{street_code}{number:03d}"
            shapes = [shape for owner, shape in zip(micro_owner, micro_shapes, strict=True) if owner == community_index]
            micros += [
                Grid(f"{code}{place:03d}", names.micro_grid_name(name, place), "admin", 3, code, shape)
                for place, shape in enumerate(shapes, start=1)
            ]
            own.append(Grid(code, name, "admin", 2, street_code, union_of(shapes)))
        communities += own
        streets.append(Grid(street_code, street_name, "admin", 1, DISTRICT_CODE, union_of([g.shape for g in own])))
    district = Grid(DISTRICT_CODE, names.DISTRICT, "admin", 0, None, union_of([g.shape for g in streets]))
    return [district, *streets, *communities, *micros]


def union_of(shapes: Sequence[Polygon]) -> Polygon:
    """The land that the shapes tile, with every one of their outer vertices kept.

    Raises:
        PartitionError: the shapes are not one piece of land.
    """
    whole = shapely.coverage_union_all(list(shapes))
    if isinstance(whole, MultiPolygon) and len(whole.geoms) == 1:
        whole = whole.geoms[0]
    if not isinstance(whole, Polygon):
        raise PartitionError("children do not form one piece of land; try another seed")
    return whole


def _special_grids(admin: Sequence[Grid]) -> list[Grid]:
    """The mall and the market each lie across two micro-grids of a community, the campus across two communities."""
    special = []
    for number, plan in enumerate(_SPECIAL_PLANS, start=1):
        parent, shape = _place_special(admin, plan)
        special.append(
            Grid(f"{DISTRICT_CODE}S{number:02d}", plan.name, "special", parent.level + 1, parent.code, shape)
        )
    return special


def _place_special(admin: Sequence[Grid], plan: _SpecialPlan) -> tuple[Grid, Polygon]:
    """Of all places across the border of two siblings, and within those two, the one nearest to where it is wanted."""
    wanted_at = shapely.Point([round(part * LATTICE) for part in to_lon_lat(*plan.near_m)])
    best: tuple[float, Grid, Polygon] | None = None
    for parent in (grid for grid in admin if grid.level == plan.parent_level and grid.code.startswith(plan.street)):
        children = [grid.shape for grid in admin if grid.parent == parent.code]
        for first, second in combinations(children, 2):
            border = shapely.intersection(first, second)
            if border.length == 0:
                continue
            shape = _compound(border, plan.size_m)
            shares = [shape.intersection(child).area / shape.area for child in (first, second)]
            fits = shapely.union(first, second).contains_properly(shape) and min(shares) >= 0.25
            distance = wanted_at.distance(shape)
            if fits and (best is None or distance < best[0]):
                best = (distance, parent, shape)
    if best is None:
        raise PartitionError(f"no room for {plan.name.en} in {plan.street}; try another seed")
    return best[1], best[2]


def _compound(border: shapely.Geometry, size_m: tuple[float, float]) -> Polygon:
    """A walled compound with one cut-off corner, centred on a border and turned with it (lattice steps)."""
    metres_a_step = (METRES_PER_DEGREE_LON / LATTICE, METRES_PER_DEGREE_LAT / LATTICE)
    metric = scale(border, *metres_a_step, origin=(0, 0))
    low_x, low_y, high_x, high_y = metric.bounds
    angle = math.degrees(long_axis(metric))
    centre = ((low_x + high_x) / 2, (low_y + high_y) / 2)
    half_x, half_y = size_m[0] / 2, size_m[1] / 2
    plan = Polygon(
        [(-half_x, -half_y), (half_x, -half_y), (half_x, 0.45 * half_y), (0.6 * half_x, half_y), (-half_x, half_y)]
    )
    turned = rotate(plan, angle, origin=(0, 0))
    back = scale(translate(turned, *centre), 1 / metres_a_step[0], 1 / metres_a_step[1], origin=(0, 0))
    return Polygon([(round(x), round(y)) for x, y in back.exterior.coords])
