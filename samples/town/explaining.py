"""What lies at a place of a pair of flights: why somebody may have taken it for a change."""

from __future__ import annotations

from dataclasses import dataclass

from shapely import STRtree
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

from edge.vision.arrays import Doubles
from samples.town.ground import GROWING
from samples.town.light import building_shadow
from samples.town.pairs import Flown, Truth
from samples.town.things import thing_corners, things_of


@dataclass(frozen=True, slots=True)
class Cause:
    """Something at a place, and the share of the place that it covers."""

    what: str
    """`change:new_shed`, `nuisance:road_works`, `before:car`, `after:shadow`, `roof`, `growing`."""
    share: float


class Explainer:
    """Looks up places of one pair. Made once a pair: it takes a second for a square kilometre."""

    def __init__(self, truth: Truth) -> None:
        named: list[tuple[str, Doubles]] = []
        named += [(f"change:{change.kind.value}", change.outline) for change in truth.changes]
        named += [(f"nuisance:{nuisance.kind.value}", nuisance.outline) for nuisance in truth.nuisances]
        for name, flown in (("before", truth.before), ("after", truth.after)):
            named += [(f"{name}:{t.kind.value}", thing_corners(t)) for t in things_of(flown.town, flown.state.seed)]
            named += _shadows(name, flown)
        named += [("roof", b.footprint()) for b in truth.before.town.buildings]
        named += [("growing", p.outline) for p in truth.before.town.patches if p.ground in GROWING]
        self._names = [name for name, _ in named]
        self._shapes = [_shape(outline) for _, outline in named]
        self._tree = STRtree(self._shapes)

    def causes(self, outline: Doubles) -> tuple[Cause, ...]:
        """Of a place (n, 2) in metres of the pair's plane: kinds of things with the share that the largest of each
        covers, the largest first. Raises ValueError for an outline without area."""
        place = _shape(outline)
        if place.is_empty or place.area <= 0:
            raise ValueError(f"an outline of {len(outline)} points without area; expected a polygon in metres")
        shares: dict[str, float] = {}
        for n in self._tree.query(place, predicate="intersects").tolist():
            share = float(self._shapes[n].intersection(place).area / place.area)
            shares[self._names[n]] = max(share, shares.get(self._names[n], 0.0))
        found = [Cause(name, share) for name, share in shares.items() if share > 0.02]
        return tuple(sorted(found, key=lambda cause: (-cause.share, cause.what)))


def _shadows(name: str, flown: Flown) -> list[tuple[str, Doubles]]:
    if flown.state.overcast > 0.9:
        return []
    cast = (building_shadow(building, flown.state, 0.0) for building in flown.town.buildings)
    return [(f"{name}:shadow", outline) for outline in cast if outline is not None]


def _shape(outline: Doubles) -> BaseGeometry:
    shape = Polygon(outline)
    return shape if shape.is_valid else shape.buffer(0)
