"""What makes a place look lived in: weeds, mended roads, and everything that stands on a roof."""

from __future__ import annotations

import math

import numpy as np

from samples.town.sketch import Rect, Sketch
from samples.town.world import Building, Cover, Ground, Roof, ThingKind

STEEL = (Cover.STEEL_BLUE, Cover.STEEL_BLUE, Cover.STEEL_BLUE, Cover.STEEL_GREY, Cover.STEEL_RED, Cover.STEEL_WHITE)
SMALL = (ThingKind.TARPAULIN, ThingKind.HEAP, ThingKind.JUNK, ThingKind.JUNK)
ROOF_SMALL = (ThingKind.JUNK, ThingKind.JUNK, ThingKind.TANK, ThingKind.PLANTS, ThingKind.JUNK)
MOST_WEEDS = 120


def weeds(sketch: Sketch, rect: Rect, per_m2: float) -> None:
    """Tufts and bare spots, `per_m2` of them."""
    rng = sketch.rng
    count = min(MOST_WEEDS, int(rng.poisson(max(0.0, rect.width * rect.height * per_m2))))
    for x, y in rng.uniform((rect.west, rect.south), (rect.east, rect.north), (count, 2)):
        ground = (Ground.SCRUB, Ground.GARDEN, Ground.DIRT, Ground.SOIL)[int(rng.integers(4))]
        sketch.patch(sketch.blob(float(x), float(y), float(rng.uniform(0.4, 2.2)), 10), ground)


def mended(sketch: Sketch, start: tuple[float, float], end: tuple[float, float], width_m: float) -> None:
    """Patches of other asphalt in a road."""
    rng = sketch.rng
    length = math.dist(start, end)
    ahead = (np.array(end) - start) / max(length, 1e-6)
    left = np.array((-ahead[1], ahead[0]))
    for _ in range(int(rng.poisson(length / 28))):
        at = np.array(start) + ahead * rng.uniform(0, length) + left * rng.uniform(-0.5, 0.35) * width_m
        size = ahead * rng.uniform(0.8, 6.0), left * rng.uniform(0.6, 2.2)
        outline = np.stack((at, at + size[0], at + size[0] + size[1], at + size[1]))
        ground = Ground.ASPHALT if rng.random() < 0.7 else Ground.LANE
        sketch.patch(outline, ground, over_roads=True)


def roof_life(sketch: Sketch, house: Building) -> None:
    """Stair heads, rooms that were added long ago, solar heaters, washing and what nobody threw away."""
    rng = sketch.rng
    if rng.random() < 0.6 and house.eaves_m > 5:
        _on_roof(sketch, house, 3.0, 3.6, 2.5, Cover.CONCRETE, 0.3)
    if rng.random() < 0.22:
        cover = STEEL[int(rng.integers(len(STEEL)))]
        size = rng.uniform(0.35, 0.6), rng.uniform(0.5, 0.9)
        _on_roof(sketch, house, house.length_m * size[0], house.width_m * size[1], 2.8, cover, 0.0)
    for n in range(int(rng.integers(2, 11))):
        along = float(rng.uniform(-0.36, 0.36)) * house.length_m
        across = float(rng.uniform(-0.36, 0.36)) * house.width_m
        east, north = house.to_world(np.array([[along, across]]))[0]
        kinds = (ThingKind.LAUNDRY, ThingKind.SOLAR, ThingKind.TARPAULIN) if n < 2 else ROOF_SMALL
        sketch.stand(float(east), float(north), house.turn, kinds, 0.5, height_m=house.eaves_m)


def _on_roof(sketch: Sketch, house: Building, length: float, width: float, height: float, cover: Cover,
             parapet: float) -> None:  # fmt: skip
    rng = sketch.rng
    room = (house.length_m - length) / 2 - 0.4, (house.width_m - width) / 2 - 0.4
    if min(room) < 0 or any(b.parent == house.key for b in sketch.buildings[-4:]):
        return
    corner = np.array([[rng.choice([-1, 1]) * room[0], rng.choice([-1, 1]) * room[1]]])
    east, north = house.to_world(corner)[0]
    sketch.building(
        east_m=float(east), north_m=float(north), length_m=length, width_m=width, turn=house.turn,
        base_m=house.eaves_m, eaves_m=house.eaves_m + height, cover=cover, parapet_m=parapet, parent=house.key,
        roof=Roof.FLAT if parapet else Roof.GABLE, rise_m=0.0 if parapet else 0.4, overhang_m=0.0 if parapet else 0.2,
    )  # fmt: skip
