"""What people built, tore down, painted and dug between two flights, with the truth about it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import numpy as np
import shapely
from shapely import STRtree
from shapely.geometry import Point, Polygon

from edge.vision.arrays import Doubles
from samples.facade.seeding import stream
from samples.town.details import STEEL
from samples.town.world import Building, Cover, Ground, Patch, Plot, Roof, Town


class ChangeKind(StrEnum):
    """What happened to a structure."""

    NEW_SHED = "new_shed"
    NEW_HOUSE = "new_house"
    EXTENSION = "extension"
    CANOPY = "canopy"
    """A roof of coloured steel over a yard."""
    ROOF_ROOM = "roof_room"
    """A room on a flat roof."""
    STOREY = "storey"
    """The same footprint, a storey higher."""
    REMOVED = "removed"


NEW_STRUCTURES = (
    ChangeKind.NEW_SHED,
    ChangeKind.NEW_HOUSE,
    ChangeKind.EXTENSION,
    ChangeKind.CANOPY,
    ChangeKind.ROOF_ROOM,
)
"""What a survey must find."""


class NuisanceKind(StrEnum):
    """What changed and is no structure."""

    NEW_COVER = "new_cover"
    """The same roof, painted or covered anew."""
    ROAD_WORKS = "road_works"
    DUG_FIELD = "dug_field"
    WATER_LEVEL = "water_level"
    FELLED = "felled"


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """A structure that is another one than before."""

    key: int
    """Of the building."""
    kind: ChangeKind
    outline: Doubles
    """(n, 2) east and north in metres: the outline of its roof, as it lies above the ground."""
    area_m2: float
    top_m: float
    """Height of its roof's edge above the ground."""
    base_m: float
    """Height of what it stands on."""

    @property
    def is_new_structure(self) -> bool:
        """Whether a survey must find it: a footprint that was not there."""
        return self.kind in NEW_STRUCTURES


@dataclass(frozen=True, slots=True, eq=False)
class Nuisance:
    """Something else that is another one than before."""

    kind: NuisanceKind
    outline: Doubles
    """(n, 2) east and north in metres."""


@dataclass(frozen=True, slots=True, eq=False)
class Later:
    """A town after some months, and what is different."""

    town: Town
    changes: tuple[Change, ...]
    nuisances: tuple[Nuisance, ...]


def later(town: Town, seed: int, changes: int, nuisances: bool = True) -> Later:
    """The town with up to `changes` structures changed (fewer where there is no room), and, if wanted, nuisances.

    A town has only so many free plots: kinds take turns, and a kind that finds no room is passed over.
    """
    if changes < 0:
        raise ValueError(f"changes is {changes}; expected 0 or more")
    work = _Works(town, seed)
    makers = (
        work.shed,
        work.room,
        work.extension,
        work.canopy,
        work.house,
        work.storey,
        work.shed,
        work.room,
        work.extension,
        work.removed,
    )
    idle = 0
    turn = 0
    while len(work.done) < changes and idle < len(makers):
        idle = 0 if makers[turn % len(makers)]() else idle + 1
        turn += 1
    if nuisances:
        work.nuisances()
    return Later(work.finished(), tuple(work.done), tuple(work.other))


class _Works:
    def __init__(self, town: Town, seed: int) -> None:
        self.town = town
        self.rng = stream(town.seed, "changes", seed)
        self.buildings = {b.key: b for b in town.buildings}
        self.patches = list(town.patches)
        self.felled: set[int] = set()
        self.done: list[Change] = []
        self.other: list[Nuisance] = []
        self._next = 50_000_000
        self._taken = [Polygon(b.footprint()) for b in town.buildings if b.parent is None]
        self._owners = [b.key for b in town.buildings if b.parent is None]
        self._built = STRtree(self._taken)
        self._roads = STRtree([Polygon(r.outline()) for r in town.roads])
        self._new: list[Polygon] = []
        half = town.size_m / 2 - 4
        self._plots = [p for p in town.plots if max(abs(p.east_m), abs(p.north_m)) < half]
        self._hosts = [b for b in town.buildings if max(abs(b.east_m), abs(b.north_m)) < half - b.radius_m]
        self._parents = {b.parent for b in town.buildings}
        self._touched: set[int] = set()

    # Each of these makes one change and says whether it found room.

    def shed(self) -> bool:
        rng = self.rng
        size = float(rng.uniform(3.6, 8.5)), float(rng.uniform(2.9, 6.0))
        cover = (*STEEL, Cover.FELT, Cover.CONCRETE, Cover.TILE_GREY)[int(rng.integers(len(STEEL) + 3))]
        return self._on_plot(
            ChangeKind.NEW_SHED,
            size,
            lambda p: True,
            cover=cover,
            eaves_m=float(rng.uniform(2.5, 3.3)),
            roof=Roof.GABLE if rng.random() < 0.7 else Roof.FLAT,
            rise_m=0.5,
            overhang_m=0.2,
        )

    def house(self) -> bool:
        rng = self.rng
        size = float(rng.uniform(8, 12.5)), float(rng.uniform(7, 10))
        flat = rng.random() < 0.6
        cover = Cover.CONCRETE if flat else (Cover.TILE_RED, Cover.TILE_GREY)[int(rng.integers(2))]
        return self._on_plot(
            ChangeKind.NEW_HOUSE,
            size,
            lambda p: not p.yard,
            cover=cover,
            eaves_m=3.3 * int(rng.integers(1, 4)),
            roof=Roof.FLAT if flat else Roof.GABLE,
            rise_m=0.0 if flat else 1.8,
            parapet_m=0.6 if flat else 0.0,
            overhang_m=0.0 if flat else 0.35,
        )

    def canopy(self) -> bool:
        rng = self.rng
        return self._on_plot(
            ChangeKind.CANOPY,
            None,
            lambda p: p.yard and 12 < p.length_m * p.width_m < 160,
            cover=STEEL[int(rng.integers(len(STEEL)))],
            eaves_m=float(rng.uniform(3.0, 4.2)),
            roof=Roof.GABLE,
            rise_m=0.4,
            open_sides=True,
        )

    def extension(self) -> bool:
        rng = self.rng
        for n in rng.permutation(len(self._hosts))[:80]:
            host = self._hosts[n]
            if (
                host.parent is not None
                or host.open_sides
                or host.key in self._touched
                or min(host.length_m, host.width_m) < 4
            ):
                continue
            side = int(rng.integers(4))
            lengthwise = side % 2 == 0
            wide = (host.length_m if lengthwise else host.width_m) * float(rng.uniform(0.4, 1.0))
            deep = float(rng.uniform(2.6, 5.0))
            if wide * deep < 11:
                continue
            reach = (host.width_m if lengthwise else host.length_m) / 2 + host.overhang_m + deep / 2 + 0.02
            slack = ((host.length_m if lengthwise else host.width_m) - wide) / 2 * float(rng.uniform(-1, 1))
            local = np.array([[(slack, -reach), (reach, slack), (slack, reach), (-reach, slack)][side]])
            east, north = host.to_world(local)[0]
            steel = rng.random() < 0.55
            added = Building(
                self._key(),
                float(east),
                float(north),
                wide,
                deep,
                host.turn + (0 if lengthwise else math.pi / 2),
                eaves_m=min(host.eaves_m, 3.1 * (1 if steel else int(rng.integers(1, 3)))),
                rise_m=0.3 if steel else 0.0,
                roof=Roof.GABLE if steel else Roof.FLAT,
                parapet_m=0.0 if steel else 0.3,
                cover=STEEL[int(rng.integers(len(STEEL)))] if steel else Cover.CONCRETE,
            )
            if self._fits(added, host.key):
                self._touched.add(host.key)
                self._add(ChangeKind.EXTENSION, added)
                return True
        return False

    def room(self) -> bool:
        rng = self.rng
        hosts = [
            b
            for b in self._hosts
            if b.parent is None
            and b.roof is Roof.FLAT
            and b.key not in self._parents
            and b.key not in self._touched
            and min(b.length_m, b.width_m) > 5
            and not b.open_sides
        ]
        if not hosts:
            return False
        host = hosts[int(rng.integers(len(hosts)))]
        length = min(12.0, host.length_m * float(rng.uniform(0.4, 0.85)))
        width = min(8.0, host.width_m * float(rng.uniform(0.4, 0.85)))
        if length * width < 10.5:
            return False
        room = np.array(((host.length_m - length) / 2 - 0.5, (host.width_m - width) / 2 - 0.5))
        east, north = host.to_world((room * rng.choice([-1.0, 1.0], 2))[None])[0]
        steel = rng.random() < 0.75
        added = Building(
            self._key(),
            float(east),
            float(north),
            length,
            width,
            host.turn,
            base_m=host.eaves_m,
            eaves_m=host.eaves_m + float(rng.uniform(2.4, 3.0)),
            rise_m=0.4 if steel else 0.0,
            parent=host.key,
            roof=Roof.GABLE if steel else Roof.FLAT,
            parapet_m=0.0 if steel else 0.2,
            overhang_m=0.15 if steel else 0.0,
            cover=STEEL[int(rng.integers(len(STEEL)))] if steel else Cover.CONCRETE,
        )
        self._touched.add(host.key)
        self._add(ChangeKind.ROOF_ROOM, added)
        return True

    def storey(self) -> bool:
        hosts = [
            b
            for b in self._hosts
            if b.parent is None
            and b.key not in self._parents
            and b.key not in self._touched
            and 40 < b.length_m * b.width_m < 250
            and b.eaves_m < 18
            and not b.open_sides
        ]
        if not hosts:
            return False
        host = hosts[int(self.rng.integers(len(hosts)))]
        self._touched.add(host.key)
        raised = replace(host, eaves_m=host.eaves_m + 3.2, look=host.look + 1)
        self.buildings[host.key] = raised
        self.done.append(_change(ChangeKind.STOREY, raised, host.eaves_m))
        return True

    def removed(self) -> bool:
        hosts = [
            b
            for b in self._hosts
            if b.parent is None
            and b.key not in self._parents
            and b.key not in self._touched
            and 12 < b.length_m * b.width_m < 130
            and b.eaves_m < 10
        ]
        if not hosts:
            return False
        host = hosts[int(self.rng.integers(len(hosts)))]
        self._touched.add(host.key)
        del self.buildings[host.key]
        self.patches.append(Patch(self._key(), host.corners(0.6), Ground.DIRT))
        self.done.append(_change(ChangeKind.REMOVED, host, 0.0))
        return True

    def nuisances(self) -> None:
        """Paint, trenches, spades, a lower pond, felled trees: in about one in thirty of each."""
        rng = self.rng
        for building in self._hosts:
            if building.key in self._touched or building.key not in self.buildings or rng.random() > 0.035:
                continue
            cover = building.cover
            if rng.random() < 0.5:
                cover = (Cover.FELT, Cover.FELT_GREEN, Cover.STEEL_RED, Cover.STEEL_BLUE)[int(rng.integers(4))]
            self.buildings[building.key] = replace(building, cover=cover, look=building.look + 1)
            self.other.append(Nuisance(NuisanceKind.NEW_COVER, building.footprint()))
        for n, patch in enumerate(self.town.patches):
            if patch.ground is Ground.WATER and rng.random() < 0.6:
                middle = patch.outline.mean(axis=0)
                self.patches.insert(n, Patch(self._key(), patch.outline, Ground.DIRT))
                at = next(i for i, p in enumerate(self.patches) if p is patch)
                shrunk = middle + (patch.outline - middle) * float(rng.uniform(0.8, 0.95))
                self.patches[at] = replace(patch, outline=shrunk)
                self.other.append(Nuisance(NuisanceKind.WATER_LEVEL, patch.outline))
            elif patch.ground is Ground.CROP and rng.random() < 0.2:
                at = next(i for i, p in enumerate(self.patches) if p is patch)
                self.patches[at] = replace(patch, key=self._key())
                self.other.append(Nuisance(NuisanceKind.DUG_FIELD, patch.outline))
        for tree in self.town.trees:
            if rng.random() < 0.02:
                self.felled.add(tree.key)
                box = np.array(((-1, -1), (1, -1), (1, 1), (-1, 1))) * tree.radius_m
                place = np.array((tree.east_m, tree.north_m))
                self.other.append(Nuisance(NuisanceKind.FELLED, box + place))
        self._road_works()

    def _road_works(self) -> None:
        for road in self.town.roads:
            if self.rng.random() > 0.03:
                continue
            length = math.dist(road.from_m, road.to_m)
            begin = float(self.rng.uniform(0.1, 0.8)) * length
            ahead = np.array((math.cos(road.turn), math.sin(road.turn)))
            left = np.array((-ahead[1], ahead[0]))
            at = np.array(road.from_m) + ahead * begin
            size = float(self.rng.uniform(4, 14)), road.width_m * float(self.rng.uniform(0.2, 0.45))
            offset = left * (road.width_m / 2 - size[1])
            outline = np.stack((at, at + ahead * size[0], at + ahead * size[0] + left * size[1], at + left * size[1]))
            self.patches.append(Patch(self._key(), outline + offset, Ground.SOIL, road.turn, over_roads=True))
            self.other.append(Nuisance(NuisanceKind.ROAD_WORKS, outline + offset))

    def finished(self) -> Town:
        """The town as it is now. Trees in the way, and those whose crowns would hide what was built, are gone."""
        trees = [t for t in self.town.trees if t.key not in self.felled]
        if self._new and trees:
            crowns = shapely.buffer(
                [Point(t.east_m, t.north_m) for t in trees], [0.7 * t.radius_m + 0.5 for t in trees]
            )
            hit = set(STRtree(self._new).query(crowns, predicate="intersects")[0].tolist())
            trees = [t for n, t in enumerate(trees) if n not in hit]
        return replace(
            self.town, buildings=tuple(self.buildings.values()), patches=tuple(self.patches), trees=tuple(trees)
        )

    def _on_plot(
        self, kind: ChangeKind, size: tuple[float, float] | None, fit: Callable[[Plot], bool], **what: Any
    ) -> bool:
        rng = self.rng
        if what["roof"] is Roof.FLAT:
            what = {**what, "rise_m": 0.0, "overhang_m": 0.0}
        for n in rng.permutation(len(self._plots))[:60]:
            plot = self._plots[n]
            length, width = size or (plot.length_m * 0.96, plot.width_m * float(rng.uniform(0.6, 0.96)))
            room = np.array((plot.length_m - length, plot.width_m - width)) / 2
            if not fit(plot) or (room < 0).any():
                continue
            shift = rng.uniform(-1, 1, 2) * room
            c, s = math.cos(plot.turn), math.sin(plot.turn)
            east, north = shift @ np.array(((c, s), (-s, c))) + (plot.east_m, plot.north_m)
            turn = plot.turn + (0.0 if size is None else float(rng.normal(0, 0.03)))
            added = Building(self._key(), float(east), float(north), length, width, turn, **what)
            if self._fits(added, None):
                self._add(kind, added)
                return True
        return False

    def _fits(self, added: Building, host: int | None) -> bool:
        shape = Polygon(added.footprint())
        half = self.town.size_m / 2
        if np.abs(added.footprint()).max() > half - 1:
            return False
        near = self._built.query(shape.buffer(0.15), predicate="intersects")
        if any(self._owners[n] != host and self._owners[n] in self.buildings for n in near):
            return False
        if host is not None and any(self._taken[n].intersection(shape).area > 0.5 for n in near):
            return False
        if len(self._roads.query(shape, predicate="intersects")):
            return False
        return not any(shape.distance(other) < 2.0 for other in self._new)

    def _add(self, kind: ChangeKind, added: Building) -> None:
        self.buildings[added.key] = added
        if added.parent is None:
            self._new.append(Polygon(added.footprint()))
        self.done.append(_change(kind, added, added.base_m))

    def _key(self) -> int:
        self._next += 1
        return self._next


def _change(kind: ChangeKind, building: Building, base_m: float) -> Change:
    outline = building.footprint()
    return Change(
        building.key, kind, outline, float(Polygon(outline).area), building.eaves_m + building.parapet_m, base_m
    )


def outlines_of(changes: Sequence[Change]) -> list[Doubles]:
    """Outlines of what a survey must find."""
    return [change.outline for change in changes if change.is_new_structure]
