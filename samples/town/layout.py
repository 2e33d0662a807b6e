"""`lay_out(seed, size_m)`: a town. Same arguments, same town."""

from __future__ import annotations

import math

import numpy as np

from contract.geometry import Point
from samples.facade.seeding import stream
from samples.town.details import mended
from samples.town.districts import District, fill
from samples.town.sketch import PARKED, Rect, Sketch, placed
from samples.town.world import Ground, Road, ThingKind, Town

ORIGIN = Point(coordinates=(113.62, 34.75))
SMALLEST_M, LARGEST_M = 60.0, 4000.0
MARGIN_M = 60.0
"""Beyond the square: pictures at its edge look farther."""
MIXES: dict[str, dict[District, float]] = {
    "village": {District.TOWERS: 5, District.WASTE: 0.6, District.PARK: 0.4, District.SUBURB: 0.8},
    "courtyards": {District.COURTYARDS: 5, District.FIELDS: 1.2, District.WASTE: 0.4},
    "suburb": {District.SUBURB: 3, District.VILLAS: 2, District.PARK: 1.2, District.WASTE: 0.6},
    "industry": {District.INDUSTRY: 4, District.WASTE: 1, District.FIELDS: 0.5, District.TOWERS: 0.4},
    "farmland": {District.FIELDS: 6, District.COURTYARDS: 0.7, District.PARK: 0.2},
}
"""Which blocks a quarter has, as weights."""


def lay_out(seed: int, size_m: float, mix: str | None = None) -> Town:
    """A town of `size_m` by `size_m`. `mix`: all of it one of `MIXES`; None: quarters of several.

    Raises ValueError for a seed, a size or a mix that there is not.
    """
    if seed < 0:
        raise ValueError(f"seed is {seed}; expected 0 or more")
    if not SMALLEST_M <= size_m <= LARGEST_M:
        raise ValueError(f"size_m is {size_m}; expected {SMALLEST_M:g} to {LARGEST_M:g} metres")
    if mix is not None and mix not in MIXES:
        raise ValueError(f"there is no mix {mix!r}; expected one of {', '.join(MIXES)}")
    rng = stream(seed, "town", "layout")
    angle = float(rng.uniform(-0.5, 0.5))
    half = size_m / 2 + MARGIN_M
    reach = half * (abs(math.cos(angle)) + abs(math.sin(angle))) + 10
    sketch = Sketch(rng)
    for quarter, road_m in _split(sketch, Rect(-reach, -reach, reach, reach), 330.0, 14.0):
        kind = mix or str(rng.choice(list(MIXES), p=[0.3, 0.2, 0.2, 0.12, 0.18]))
        weights = MIXES[kind]
        chances = np.array(list(weights.values()))
        side = 105.0 if kind == "village" else 120.0 if kind in ("farmland", "industry") else 100.0
        for block, _ in _split(sketch, quarter, side, road_m):
            fill(sketch, block, list(weights)[int(rng.choice(len(weights), p=chances / chances.sum()))])
    done = placed(sketch, angle, half)
    return Town(
        seed, size_m, ORIGIN, Ground.SCRUB, tuple(done.patches), tuple(done.roads), tuple(done.buildings),
        tuple(done.trees), tuple(done.stands), tuple(done.plots),
    )  # fmt: skip


def _split(sketch: Sketch, whole: Rect, side: float, road_m: float) -> list[tuple[Rect, float]]:
    """Cuts a rectangle by roads until no piece is longer than `side`; with each piece the width of its last road."""
    longest = max(whole.width, whole.height)
    if longest <= side:
        return [(whole, road_m)]
    share = float(sketch.rng.uniform(0.4, 0.6))
    if whole.width >= whole.height:
        at = whole.west + share * whole.width
        _road(sketch, (at, whole.south), (at, whole.north), road_m)
        parts = (Rect(whole.west, whole.south, at - road_m / 2, whole.north),
                 Rect(at + road_m / 2, whole.south, whole.east, whole.north))  # fmt: skip
    else:
        at = whole.south + share * whole.height
        _road(sketch, (whole.west, at), (whole.east, at), road_m)
        parts = (Rect(whole.west, whole.south, whole.east, at - road_m / 2),
                 Rect(whole.west, at + road_m / 2, whole.east, whole.north))  # fmt: skip
    narrower = max(4.0, road_m * float(sketch.rng.uniform(0.5, 0.78)))
    return [piece for part in parts for piece in _split(sketch, part, side, narrower)]


def _road(sketch: Sketch, start: tuple[float, float], end: tuple[float, float], width_m: float) -> None:
    rng = sketch.rng
    asphalt = width_m > 7 or rng.random() < 0.3
    road = Road(sketch.key(), start, end, width_m, Ground.ASPHALT if asphalt else Ground.LANE, asphalt and width_m > 6)
    sketch.roads.append(road)
    mended(sketch, start, end, width_m)
    ahead = np.array((math.cos(road.turn), math.sin(road.turn)))
    left = np.array((-ahead[1], ahead[0]))
    length = math.dist(start, end)
    for along in np.arange(8, length - 8, 7.5):
        for side in (-1, 1):
            place = np.array(start) + ahead * along + left * side * (width_m / 2 - 1.3)
            turn = road.turn + (0 if side < 0 else math.pi)
            sketch.stand(float(place[0]), float(place[1]), turn, PARKED, 0.14 if width_m < 8 else 0.1)
            if width_m > 8:
                lane = np.array(start) + ahead * (along + float(rng.uniform(-3, 3))) + left * side * width_m * 0.16
                sketch.stand(float(lane[0]), float(lane[1]), turn, (*PARKED, ThingKind.TRUCK), 0.07)
                if rng.random() < 0.5:
                    tree = np.array(start) + ahead * along + left * side * (width_m / 2 + 1.0)
                    sketch.tree(float(tree[0]), float(tree[1]), float(rng.uniform(1.8, 3.4)), bool(rng.random() < 0.4))
            elif rng.random() < 0.03:
                stall = np.array(start) + ahead * along + left * side * (width_m / 2 - 0.6)
                sketch.stand(float(stall[0]), float(stall[1]), turn, (ThingKind.UMBRELLA, ThingKind.TARPAULIN), 0.6)
