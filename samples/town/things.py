"""What stands about on the day of a flight: cars, stalls, heaps, washing. Another day, other things."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from shapely import STRtree
from shapely.geometry import Polygon

from edge.vision.arrays import Doubles
from samples.facade.seeding import stream
from samples.town.world import Building, Stand, Thing, ThingKind, Town

SIZES: dict[ThingKind, tuple[tuple[float, float, float], tuple[float, float, float]]] = {
    ThingKind.CAR: ((4.1, 1.75, 1.45), (4.95, 1.95, 1.75)),
    ThingKind.VAN: ((4.8, 1.9, 1.9), (5.9, 2.1, 2.6)),
    ThingKind.TRUCK: ((6.5, 2.3, 2.6), (13.0, 2.55, 3.8)),
    ThingKind.UMBRELLA: ((2.4, 2.4, 2.3), (3.4, 3.4, 2.8)),
    ThingKind.TARPAULIN: ((1.6, 1.4, 0.1), (4.6, 3.0, 0.5)),
    ThingKind.HEAP: ((2.0, 2.0, 0.7), (6.5, 6.0, 2.2)),
    ThingKind.LAUNDRY: ((2.5, 1.0, 1.6), (4.5, 2.0, 1.9)),
    ThingKind.CONTAINER: ((6.06, 2.44, 2.6), (6.06, 2.44, 2.6)),
    ThingKind.SOLAR: ((1.8, 1.8, 1.2), (3.6, 2.0, 1.4)),
    ThingKind.JUNK: ((0.6, 0.5, 0.3), (1.8, 1.4, 1.1)),
    ThingKind.TANK: ((0.9, 0.9, 1.2), (1.5, 1.5, 1.9)),
    ThingKind.PLANTS: ((0.8, 0.4, 0.3), (3.0, 1.2, 0.8)),
}
"""Least and largest length, width and height in metres."""
MOSTLY_SMALL = (ThingKind.HEAP, ThingKind.TARPAULIN, ThingKind.JUNK)
LASTING = {
    ThingKind.HEAP: 0.5,
    ThingKind.CONTAINER: 0.85,
    ThingKind.SOLAR: 1.0,
    ThingKind.TANK: 1.0,
    ThingKind.PLANTS: 0.8,
    ThingKind.JUNK: 0.65,
    ThingKind.TARPAULIN: 0.4,
}
"""How likely it is that what stood there on one day stands there, the same, on any other."""


def things_of(town: Town, seed: int) -> tuple[Thing, ...]:
    """What stands in the town on the day with this seed. Nothing stands in a house."""
    usual = stream(town.seed, "town", "things").random((len(town.stands), 10))
    today = stream(seed, "today", "things").random((len(town.stands), 10))
    made = []
    for stand, always, now in zip(town.stands, usual, today, strict=True):
        drawn = always if now[0] < LASTING.get(_kind(stand, always), 0.0) else now
        if drawn[1] < stand.likely:
            made.append(_thing(stand, drawn))
    return _free(town, made)


def _kind(stand: Stand, drawn: Doubles) -> ThingKind:
    return stand.kinds[int(drawn[2] * len(stand.kinds))]


def _thing(stand: Stand, drawn: Doubles) -> Thing:
    kind = _kind(stand, drawn)
    low, high = (np.array(size) for size in SIZES[kind])
    # Heaps and sheets are mostly small.
    length, width, height = low + (high - low) * drawn[3:6] ** (2 if kind in MOSTLY_SMALL else 1)
    loose = kind in (ThingKind.CAR, ThingKind.VAN)
    turn = stand.turn + (float(drawn[6] - 0.5) * 0.06 if loose or kind is ThingKind.TRUCK else 0.0)
    if loose and drawn[7] < 0.5:
        turn += np.pi
    return Thing(
        key=stand.key * 65536 + int(drawn[8] * 65536),
        kind=kind,
        east_m=stand.east_m + float(drawn[9] - 0.5) * 0.5,
        north_m=stand.north_m + float(drawn[7] - 0.5) * 0.5,
        turn=float(turn),
        length_m=float(length),
        width_m=float(width),
        height_m=float(height),
        base_m=stand.height_m,
    )


def thing_corners(thing: Thing, grown_m: float = 0.0) -> Doubles:
    """(4, 2) corners of the rectangle around it, anticlockwise."""
    along, across = thing.length_m / 2 + grown_m, thing.width_m / 2 + grown_m
    c, s = np.cos(thing.turn), np.sin(thing.turn)
    local = np.array(((-along, -across), (along, -across), (along, across), (-along, across)))
    return local @ np.array(((c, s), (-s, c))) + (thing.east_m, thing.north_m)


def _free(town: Town, made: list[Thing]) -> tuple[Thing, ...]:
    """Without what would stand in a house, or on a roof but not wholly, or in a room on it."""
    shapes = np.array([Polygon(thing_corners(thing, 0.1)) for thing in made], object)
    level = np.array([thing.base_m == 0 for thing in made], bool)
    houses = [b for b in town.buildings if b.parent is None]
    rooms = [b for b in town.buildings if b.parent is not None]
    kept = ~(level & _hits(shapes, houses, "intersects"))
    kept &= level | (_hits(shapes, houses, "within") & ~_hits(shapes, rooms, "intersects"))
    return _apart([thing for thing, keep in zip(made, kept, strict=True) if keep], shapes[kept])


def _apart(things: list[Thing], shapes: NDArray[Any]) -> tuple[Thing, ...]:
    """Without those that would stand where an earlier one stands."""
    gone: set[int] = set()
    if len(shapes):
        for later, earlier in sorted(STRtree(shapes).query(shapes, predicate="intersects").T.tolist()):
            if earlier < later and earlier not in gone and things[earlier].base_m == things[later].base_m:
                gone.add(later)
    return tuple(thing for n, thing in enumerate(things) if n not in gone)


def _hits(
    shapes: NDArray[Any], buildings: Sequence[Building], how: Literal["intersects", "within"]
) -> NDArray[np.bool]:
    """(n,): which of the shapes meet, or lie within, the footprint of any building."""
    found = np.zeros(len(shapes), bool)
    if len(shapes) and buildings:
        index = STRtree([Polygon(building.footprint()) for building in buildings])
        found[index.query(shapes, predicate=how)[0]] = True
    return found
