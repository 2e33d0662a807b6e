"""What a town consists of. Values only: metres east, north and up of the town's origin, turns in radians from east."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from contract.geometry import Point
from edge.vision.arrays import Doubles


class Roof(StrEnum):
    """The shape of a roof."""

    FLAT = "flat"
    GABLE = "gable"
    HIP = "hip"


class Cover(StrEnum):
    """What a roof is covered with."""

    CONCRETE = "concrete"
    TILE_RED = "tile_red"
    TILE_GREY = "tile_grey"
    STEEL_BLUE = "steel_blue"
    STEEL_RED = "steel_red"
    STEEL_GREY = "steel_grey"
    STEEL_WHITE = "steel_white"
    FELT = "felt"
    FELT_GREEN = "felt_green"
    PLASTIC = "plastic"


class Ground(StrEnum):
    """What the ground is covered with."""

    GRASS = "grass"
    SCRUB = "scrub"
    SOIL = "soil"
    CROP = "crop"
    GARDEN = "garden"
    CONCRETE = "concrete"
    PAVING = "paving"
    ASPHALT = "asphalt"
    LANE = "lane"
    DIRT = "dirt"
    WATER = "water"
    NET = "net"
    TRACK = "track"


class ThingKind(StrEnum):
    """What stands about for a day or a month, and is nobody's structure."""

    CAR = "car"
    VAN = "van"
    TRUCK = "truck"
    UMBRELLA = "umbrella"
    TARPAULIN = "tarpaulin"
    HEAP = "heap"
    LAUNDRY = "laundry"
    CONTAINER = "container"
    SOLAR = "solar"
    JUNK = "junk"
    TANK = "tank"
    PLANTS = "plants"


@dataclass(frozen=True, slots=True)
class Building:
    """A prism under a roof. `length_m` lies along `turn`, the ridge too."""

    key: int
    east_m: float
    north_m: float
    length_m: float
    width_m: float
    turn: float
    eaves_m: float
    """Above the ground."""
    base_m: float = 0.0
    """Above the ground: more than 0 for what stands on a roof."""
    rise_m: float = 0.0
    roof: Roof = Roof.FLAT
    cover: Cover = Cover.CONCRETE
    parapet_m: float = 0.0
    overhang_m: float = 0.0
    open_sides: bool = False
    """A roof on posts."""
    parent: int | None = None
    """Key of the building that it stands on."""
    look: int = 0
    """Another number: repainted, soiled or with a new covering."""

    @property
    def top_m(self) -> float:
        """The highest point above the ground."""
        return self.eaves_m + max(self.rise_m, self.parapet_m)

    @property
    def radius_m(self) -> float:
        """Of a circle around the whole roof."""
        return math.hypot(self.length_m / 2 + self.overhang_m, self.width_m / 2 + self.overhang_m)

    def corners(self, grown_m: float = 0.0) -> Doubles:
        """(4, 2) corners of the walls, or of a rectangle that is `grown_m` larger on every side, anticlockwise."""
        along, across = self.length_m / 2 + grown_m, self.width_m / 2 + grown_m
        local = np.array(((-along, -across), (along, -across), (along, across), (-along, across)))
        return self.to_world(local)

    def to_world(self, local: Doubles) -> Doubles:
        """(n, 2) east and north of (n, 2) metres along the length and the width from the centre."""
        c, s = math.cos(self.turn), math.sin(self.turn)
        return np.asarray(local @ np.array(((c, s), (-s, c))) + (self.east_m, self.north_m), np.float64)

    def footprint(self) -> Doubles:
        """(4, 2) outline of the roof: what is seen from above."""
        return self.corners(self.overhang_m)


@dataclass(frozen=True, slots=True)
class Tree:
    """A crown on a trunk."""

    key: int
    east_m: float
    north_m: float
    radius_m: float
    height_m: float
    evergreen: bool


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """A piece of ground. Later ones lie over earlier ones."""

    key: int
    outline: Doubles
    """(n, 2)."""
    ground: Ground
    turn: float = 0.0
    """Direction of crop rows or slabs."""
    over_roads: bool = False
    """A trench in a road."""


@dataclass(frozen=True, slots=True)
class Road:
    """A straight piece of road."""

    key: int
    from_m: tuple[float, float]
    to_m: tuple[float, float]
    width_m: float
    ground: Ground
    marked: bool

    @property
    def turn(self) -> float:
        """Its direction."""
        return math.atan2(self.to_m[1] - self.from_m[1], self.to_m[0] - self.from_m[0])

    def outline(self, grown_m: float = 0.0) -> Doubles:
        """(4, 2) corners."""
        ahead = np.array((math.cos(self.turn), math.sin(self.turn)))
        left = np.array((-ahead[1], ahead[0])) * (self.width_m / 2 + grown_m)
        a, b = np.array(self.from_m), np.array(self.to_m)
        return np.stack((a - left, b - left, b + left, a + left))


@dataclass(frozen=True, slots=True)
class Stand:
    """A place where a car, a stall or a heap may or may not be on a given day."""

    key: int
    east_m: float
    north_m: float
    turn: float
    kinds: tuple[ThingKind, ...]
    likely: float
    height_m: float = 0.0
    """Of what it stands on."""
    room_m: float = 3.0
    """Radius free of other things."""


@dataclass(frozen=True, slots=True)
class Thing:
    """What is there on one day. `east_m`, `north_m` is its centre, `base_m` what it stands on."""

    key: int
    kind: ThingKind
    east_m: float
    north_m: float
    turn: float
    length_m: float
    width_m: float
    height_m: float
    base_m: float = 0.0


@dataclass(frozen=True, slots=True)
class Plot:
    """A rectangle of open ground that is large enough to be built on."""

    east_m: float
    north_m: float
    length_m: float
    width_m: float
    turn: float
    yard: bool
    """Paved and private: a canopy over it is what people build."""


@dataclass(frozen=True, slots=True, eq=False)
class Town:
    """A square of `size_m` around `origin`, with something beyond its edges so that pictures there are not empty."""

    seed: int
    size_m: float
    origin: Point
    base: Ground
    patches: tuple[Patch, ...]
    roads: tuple[Road, ...]
    buildings: tuple[Building, ...]
    trees: tuple[Tree, ...]
    stands: tuple[Stand, ...] = ()
    plots: tuple[Plot, ...] = field(default=(), repr=False)
