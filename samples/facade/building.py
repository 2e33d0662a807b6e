"""The building in metres: where its windows, balconies, ledges and air conditioners are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from samples.facade.seeding import stream

Colour = tuple[float, float, float]
"""Linear red, green, blue; an albedo in 0..1, or a radiance where 1.0 is the brightest the camera can hold."""


def as_colour(values: Sequence[float] | NDArray[np.float64]) -> Colour:
    """Three numbers as a colour."""
    red, green, blue = (float(value) for value in values)
    return (red, green, blue)


class Wall(StrEnum):
    """What the wall is made of."""

    BRICK = "brick"
    TILE = "tile"
    PLASTER = "plaster"


@dataclass(frozen=True, slots=True)
class Rectangle:
    """On the façade plane, metres: x to the right, y up."""

    left: float
    bottom: float
    right: float
    top: float


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-parallel box in front of the façade, lower and upper corner in metres."""

    low: tuple[float, float, float]
    high: tuple[float, float, float]
    albedo: Colour


@dataclass(frozen=True, slots=True)
class Building:
    """A regular façade: `floors` × `bays`; some bays carry balconies, the rest windows."""

    floors: int = 10
    bays: int = 6
    bay_width_m: float = 3.6
    floor_height_m: float = 3.0
    centre_x_m: float = 0.0
    wall: Wall = Wall.PLASTER
    wall_albedo: Colour = (0.50, 0.46, 0.40)
    trim_albedo: Colour = (0.66, 0.65, 0.62)
    ledge_m: float = 0.18
    balcony_bays: tuple[int, ...] = ()
    balcony_depth_m: float = 1.2
    glass_bays: tuple[int, ...] = ()
    """Bays that are one sheet of curtain glass from the first floor to the roof."""
    conditioners: float = 0.45
    """Share of windows with an air conditioner below."""
    reflectance: float = 0.22
    """Share of light that glass mirrors at the angle of this camera; plain panes 0.1, coated curtain walls 0.4."""

    @property
    def left_m(self) -> float:
        return self.centre_x_m - self.bays * self.bay_width_m / 2

    @property
    def right_m(self) -> float:
        return self.centre_x_m + self.bays * self.bay_width_m / 2

    @property
    def height_m(self) -> float:
        """Top of the parapet."""
        return self.floors * self.floor_height_m + 1.0

    def bay_centre(self, bay: int) -> float:
        """Middle of a bay, counted from 0 at the left."""
        return self.left_m + (bay + 0.5) * self.bay_width_m

    def floor_base(self, floor: int) -> float:
        """Height of a storey's slab, counted from 1 at the ground."""
        return (floor - 1) * self.floor_height_m

    def window(self, floor: int, bay: int) -> Rectangle:
        """The opening of a bay: a balcony's door is taller, curtain glass fills the bay."""
        base, centre = self.floor_base(floor), self.bay_centre(bay)
        if bay in self.glass_bays:
            half = self.bay_width_m / 2 - 0.25
            return Rectangle(centre - half, base + 0.05, centre + half, base + self.floor_height_m - 0.05)
        if bay in self.balcony_bays:
            half = self.bay_width_m / 2 - 0.55
            return Rectangle(centre - half, base + 0.1, centre + half, base + 2.4)
        half = min(0.95, self.bay_width_m / 2 - 0.6)
        return Rectangle(centre - half, base + 0.95, centre + half, base + 2.45)

    def release_point(self, floor: int, bay: int) -> tuple[float, float, float]:
        """Where a hand lets go: over the sill or the rail, clear of what sticks out below; `floors + 1` is the roof."""
        if floor > self.floors:
            return (self.bay_centre(bay), self.height_m + 0.3, 0.35)
        depth = self.balcony_depth_m if bay in self.balcony_bays else self.ledge_m
        return (self.bay_centre(bay), self.floor_base(floor) + 1.3, depth + 0.25)

    def boxes(self, seed: int) -> list[Box]:
        """Everything that sticks out, drawn from `seed`."""
        rng = stream(seed, "building", "boxes")
        found = [*self._ledges(), *self._pipes()]
        for floor in range(1, self.floors + 1):
            for bay in range(self.bays):
                if bay in self.balcony_bays:
                    found += self._balcony(floor, bay, rng)
                elif bay not in self.glass_bays and rng.random() < self.conditioners:
                    found.append(self._conditioner(floor, bay, rng))
        return found

    def _ledges(self) -> list[Box]:
        left, right, depth = self.left_m - 0.1, self.right_m + 0.1, self.ledge_m
        ledges = [
            Box((left, base - 0.14, 0.0), (right, base + 0.10, depth), self.trim_albedo)
            for base in (self.floor_base(floor) for floor in range(2, self.floors + 1))
        ]
        roof = Box((left, self.height_m - 0.45, 0.0), (right, self.height_m, depth + 0.2), self.trim_albedo)
        return [*ledges, roof]

    def _pipes(self) -> list[Box]:
        grey = (0.42, 0.42, 0.40)
        edges = [self.left_m + bay * self.bay_width_m for bay in range(1, self.bays, 2)]
        return [Box((x - 0.06, 0.0, 0.05), (x + 0.06, self.height_m - 0.5, 0.17), grey) for x in edges]

    def _balcony(self, floor: int, bay: int, rng: np.random.Generator) -> list[Box]:
        base, centre, depth = self.floor_base(floor), self.bay_centre(bay), self.balcony_depth_m
        half = self.bay_width_m / 2 - 0.12
        parts = [
            Box((centre - half, base - 0.15, 0.0), (centre + half, base + 0.05, depth), self.trim_albedo),
            Box((centre - half, base + 0.05, depth - 0.1), (centre + half, base + 1.1, depth), self.trim_albedo),
        ]
        if rng.random() < 0.4:  # laundry on the line
            hang = centre - half + 0.4
            while hang < centre + half - 0.6:
                width, drop = float(rng.uniform(0.3, 0.6)), float(rng.uniform(0.5, 0.9))
                colour = rng.uniform(0.2, 0.7) + rng.uniform(-0.16, 0.16, 3)
                low = (hang, base + 2.2 - drop, depth - 0.3)
                parts.append(Box(low, (hang + width, base + 2.2, depth - 0.26), as_colour(colour)))
                hang += width + float(rng.uniform(0.1, 0.7))
        return parts

    def _conditioner(self, floor: int, bay: int, rng: np.random.Generator) -> Box:
        base, centre = self.floor_base(floor), self.bay_centre(bay)
        left = centre + float(rng.choice([-0.9, 0.1]))
        tone = float(rng.uniform(0.45, 0.7))
        return Box((left, base + 0.22, 0.1), (left + 0.8, base + 0.78, 0.42), (tone, tone, tone * 0.94))
