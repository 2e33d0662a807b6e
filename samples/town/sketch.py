"""Where a town is drawn up: a square in its own axes, which is turned and cut when it is done."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from shapely import STRtree
from shapely.geometry import Polygon

from edge.vision.arrays import Doubles
from samples.town.world import Building, Ground, Patch, Plot, Road, Stand, ThingKind, Tree

PARKED = (ThingKind.CAR, ThingKind.CAR, ThingKind.CAR, ThingKind.VAN)


@dataclass(frozen=True, slots=True)
class Rect:
    """West, south, east, north of a piece of the sketch."""

    west: float
    south: float
    east: float
    north: float

    @property
    def width(self) -> float:
        return self.east - self.west

    @property
    def height(self) -> float:
        return self.north - self.south

    @property
    def middle(self) -> tuple[float, float]:
        return (self.west + self.east) / 2, (self.south + self.north) / 2

    def inset(self, by: float) -> Rect:
        """Smaller by `by` on every side."""
        return Rect(self.west + by, self.south + by, self.east - by, self.north - by)

    def outline(self) -> Doubles:
        """(4, 2) corners."""
        return np.array(((self.west, self.south), (self.east, self.south), (self.east, self.north),
                         (self.west, self.north)))  # fmt: skip


@dataclass(slots=True, eq=False)
class Sketch:
    """Collects what a town consists of, in the sketch's own axes."""

    rng: np.random.Generator
    patches: list[Patch] = field(default_factory=list)
    roads: list[Road] = field(default_factory=list)
    buildings: list[Building] = field(default_factory=list)
    trees: list[Tree] = field(default_factory=list)
    stands: list[Stand] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)
    _key: int = 0

    def key(self) -> int:
        """A number that nothing else has."""
        self._key += 1
        return self._key

    def patch(self, outline: Doubles | Rect, ground: Ground, turn: float = 0.0, *, over_roads: bool = False) -> None:
        """Adds a piece of ground."""
        points = outline.outline() if isinstance(outline, Rect) else outline
        self.patches.append(Patch(self.key(), points, ground, turn, over_roads))

    def building(self, **what: Any) -> Building:
        """Adds a building: the fields of `Building` but its key."""
        made = Building(key=self.key(), **what)
        self.buildings.append(made)
        return made

    def tree(self, east: float, north: float, radius: float, evergreen: bool) -> None:
        """Adds a tree; its height follows from its crown."""
        height = radius * float(self.rng.uniform(2.0, 3.2))
        self.trees.append(Tree(self.key(), east, north, radius, height, evergreen))

    def stand(self, east: float, north: float, turn: float, kinds: Sequence[ThingKind], likely: float,
              **more: float) -> None:  # fmt: skip
        """Adds a place where something may stand."""
        self.stands.append(Stand(self.key(), east, north, turn, tuple(kinds), likely, **more))

    def blob(self, east: float, north: float, radius: float, points: int = 18) -> Doubles:
        """(points, 2) outline of something that nobody drew with a ruler."""
        angles = np.linspace(0, 2 * np.pi, points, endpoint=False)
        wave = sum(
            self.rng.uniform(0, 0.22 / n) * np.cos(n * angles + self.rng.uniform(0, 2 * np.pi)) for n in range(1, 5)
        )
        radii = radius * (1 + wave)
        return np.stack((east + radii * np.cos(angles), north + radii * np.sin(angles)), axis=1)


def turned_points(points: Doubles, angle: float) -> Doubles:
    """(n, 2) turned anticlockwise about the origin."""
    c, s = math.cos(angle), math.sin(angle)
    return np.asarray(points @ np.array(((c, s), (-s, c))), np.float64)


def placed(sketch: Sketch, angle: float, half_m: float) -> Sketch:
    """The sketch turned by `angle` in radians and cut to what lies within `half_m` of the origin, east and north."""

    def at(east: float, north: float) -> tuple[float, float]:
        x, y = turned_points(np.array([[east, north]]), angle)[0]
        return float(x), float(y)

    def inside(east: float, north: float) -> bool:
        return max(abs(east), abs(north)) <= half_m

    def moved(things: Sequence[Any]) -> list[Any]:
        found = []
        for thing in things:
            east, north = at(thing.east_m, thing.north_m)
            if inside(east, north):
                changes: dict[str, float] = {"east_m": east, "north_m": north}
                if hasattr(thing, "turn"):
                    changes["turn"] = thing.turn + angle
                found.append(replace(thing, **changes))
        return found

    done = Sketch(sketch.rng)
    done.patches = [replace(p, outline=turned_points(p.outline, angle), turn=p.turn + angle) for p in sketch.patches]
    done.patches = [p for p in done.patches if _reaches(p.outline, half_m)]
    done.roads = [replace(r, from_m=at(*r.from_m), to_m=at(*r.to_m)) for r in sketch.roads]
    done.roads = [r for r in done.roads if _reaches(r.outline(), half_m)]
    done.buildings = moved(sketch.buildings)
    kept = {b.key for b in done.buildings}
    done.buildings = [b for b in done.buildings if b.parent is None or b.parent in kept]
    done.trees, done.stands, done.plots = moved(sketch.trees), moved(sketch.stands), moved(sketch.plots)
    _clear(done)
    done._key = sketch._key
    return done


def _clear(sketch: Sketch) -> None:
    """No tree's trunk and no car within a house."""
    houses = [b for b in sketch.buildings if b.parent is None]
    if not houses:
        return
    index = STRtree([Polygon(b.corners(0.3)) for b in houses])

    def free(things: Sequence[Any], level: bool) -> list[Any]:
        if not things:
            return []
        from shapely import points

        hits = set(index.query(points([(t.east_m, t.north_m) for t in things]), predicate="within")[0].tolist())
        return [t for n, t in enumerate(things) if n not in hits or (level and t.height_m > 0)]

    sketch.trees = free(sketch.trees, level=False)
    sketch.stands = free(sketch.stands, level=True)


def _reaches(points: Doubles, half_m: float) -> bool:
    low, high = points.min(axis=0), points.max(axis=0)
    return bool((low <= half_m).all() and (high >= -half_m).all())
