"""What fills a block between roads: village, suburb, works, fields, park, waste land."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import StrEnum

import numpy as np

from samples.town.details import SMALL, STEEL, roof_life, weeds
from samples.town.sketch import PARKED, Rect, Sketch
from samples.town.world import Cover, Ground, Plot, Roof, ThingKind


class District(StrEnum):
    """Kinds of block."""

    TOWERS = "towers"
    """A village in the city: houses of three to six floors, wall to wall."""
    COURTYARDS = "courtyards"
    """A northern village: low houses around walled yards."""
    SUBURB = "suburb"
    VILLAS = "villas"
    INDUSTRY = "industry"
    FIELDS = "fields"
    PARK = "park"
    WASTE = "waste"


def fill(sketch: Sketch, block: Rect, kind: District) -> None:
    """Draws one block. A sliver between roads becomes a lawn."""
    if min(block.width, block.height) < (22 if kind in (District.TOWERS, District.COURTYARDS) else 32):
        sketch.patch(block, Ground.GRASS)
        _lining(sketch, block, 7.0, 0.6)
        return
    FILLERS[kind](sketch, block)


def _pick(rng: np.random.Generator, *choices: tuple[object, float]) -> object:
    weights = np.array([weight for _, weight in choices])
    return choices[int(rng.choice(len(choices), p=weights / weights.sum()))][0]


def _rows(low: float, high: float, depth: float, gap: float) -> list[tuple[float, float]]:
    """Strips of about `depth` with `gap` between them, from low to high."""
    count = max(1, int((high - low + gap) / (depth + gap)))
    each = (high - low - gap * (count - 1)) / count
    return [(low + n * (each + gap), low + n * (each + gap) + each) for n in range(count)]


def towers(sketch: Sketch, block: Rect) -> None:
    """Houses of 8 to 13 m with a metre between them, in double rows along lanes."""
    rng = sketch.rng
    sketch.patch(block, Ground.CONCRETE)
    weeds(sketch, block, 0.004)
    lane = float(rng.uniform(2.5, 4.5))
    for south, north in _rows(block.south + 2, block.north - 2, float(rng.uniform(22, 27)), lane):
        sketch.patch(Rect(block.west, north, block.east, north + lane), Ground.LANE)
        half = (south + north) / 2
        for low, high in ((south, half - 0.5), (half + 0.5, north)):
            at = block.west + 1.5
            while at < block.east - 9:
                width = float(rng.uniform(8, 13.5))
                if at + width > block.east - 1:
                    break
                _tower(sketch, Rect(at, low, at + width, high))
                at += width + float(rng.choice([0.6, 1.0, 1.5, 3.2], p=[0.3, 0.4, 0.2, 0.1]))


def _tower(sketch: Sketch, plot: Rect) -> None:
    rng = sketch.rng
    if rng.random() < 0.08:
        _yard(sketch, plot, 0.6)
        return
    depth = plot.height - float(rng.uniform(0, 2.5))
    east, north = plot.middle
    floors = int(_pick(rng, (1, 0.06), (2, 0.24), (3, 0.34), (4, 0.22), (5, 0.1), (6, 0.04)))  # type: ignore[call-overload]
    flat = rng.random() < 0.8
    cover = (
        _pick(rng, (Cover.CONCRETE, 0.72), (Cover.FELT, 0.12), (Cover.FELT_GREEN, 0.05), (Cover.TILE_RED, 0.11))
        if flat
        else _pick(
            rng, (Cover.TILE_RED, 0.4), (Cover.TILE_GREY, 0.35), (Cover.STEEL_BLUE, 0.15), (Cover.STEEL_RED, 0.1)
        )
    )
    house = sketch.building(
        east_m=east + float(rng.normal(0, 0.15)),
        north_m=north + float(rng.normal(0, 0.3)),
        length_m=plot.width,
        width_m=depth,
        turn=float(rng.normal(0, 0.02)),
        eaves_m=floors * 3.2 + 0.4,
        roof=Roof.FLAT if flat else Roof.GABLE,
        rise_m=0.0 if flat else float(rng.uniform(1.2, 2.2)),
        cover=cover,
        parapet_m=float(rng.choice([0.3, 0.6, 1.0])) if flat else 0.0,
        overhang_m=0.0 if flat else 0.35,
    )
    if flat:
        roof_life(sketch, house)


def _yard(sketch: Sketch, plot: Rect, paved: float) -> None:
    rng = sketch.rng
    inner = plot.inset(0.4)
    sketch.patch(inner, Ground.CONCRETE if rng.random() < paved else Ground.DIRT)
    weeds(sketch, inner, 0.03)
    east, north = inner.middle
    sketch.plots.append(Plot(east, north, inner.width, inner.height, 0.0, yard=True))
    for _ in range(int(rng.integers(1, 4))):
        x, y = rng.uniform(inner.west, inner.east), rng.uniform(inner.south, inner.north)
        sketch.stand(float(x), float(y), float(rng.uniform(0, 6)), (*SMALL, ThingKind.CAR, ThingKind.LAUNDRY), 0.45)
    if rng.random() < 0.4:
        sketch.tree(float(rng.uniform(inner.west, inner.east)), float(rng.uniform(inner.south, inner.north)),
                    float(rng.uniform(1.3, 2.8)), bool(rng.random() < 0.3))  # fmt: skip


def courtyards(sketch: Sketch, block: Rect) -> None:
    """Plots of 14 by 16 m: a house in the north, wings, a wall, a yard; lanes between the rows."""
    rng = sketch.rng
    sketch.patch(block, Ground.DIRT)
    weeds(sketch, block, 0.012)
    lane = float(rng.uniform(3.5, 5.5))
    for south, north in _rows(block.south + 2, block.north - 2, float(rng.uniform(15, 18)), lane):
        sketch.patch(Rect(block.west, north, block.east, north + lane), Ground.LANE)
        at = block.west + 2
        while at < block.east - 12:
            width = float(rng.uniform(11, 15))
            if at + width > block.east - 1:
                break
            plot = Rect(at, south, at + width, north)
            if rng.random() < 0.1:
                _vacant(sketch, plot)
            else:
                _courtyard(sketch, plot)
            at += width + float(rng.choice([0.3, 0.8, 2.5], p=[0.6, 0.3, 0.1]))
        for x in np.arange(block.west + 4, block.east - 4, 9.0):
            if rng.random() < 0.3:
                sketch.tree(float(x + rng.normal(0, 2)), north + 0.7, float(rng.uniform(1.6, 3.2)), False)


def _vacant(sketch: Sketch, plot: Rect) -> None:
    rng = sketch.rng
    ground = (Ground.SCRUB, Ground.GARDEN, Ground.DIRT)[int(rng.integers(3))]
    sketch.patch(plot, ground)
    east, north = plot.middle
    sketch.plots.append(Plot(east, north, plot.width, plot.height, 0.0, yard=False))
    for _ in range(int(rng.integers(0, 3))):
        x, y = rng.uniform((plot.west + 2, plot.south + 2), (plot.east - 2, plot.north - 2))
        sketch.stand(float(x), float(y), float(rng.uniform(0, 6)), SMALL, 0.5)


def _courtyard(sketch: Sketch, plot: Rect) -> None:
    rng = sketch.rng
    depth = float(rng.uniform(6, 7.5))
    cover = _pick(rng, (Cover.CONCRETE, 0.45), (Cover.TILE_RED, 0.25), (Cover.TILE_GREY, 0.2), (Cover.STEEL_BLUE, 0.1))
    flat = cover is Cover.CONCRETE
    floors = 2 if rng.random() < 0.25 else 1
    east, _ = plot.middle
    house = sketch.building(
        east_m=east, north_m=plot.north - depth / 2, length_m=plot.width - 0.3, width_m=depth,
        turn=float(rng.normal(0, 0.015)), eaves_m=3.3 * floors, roof=Roof.FLAT if flat else Roof.GABLE,
        rise_m=0.0 if flat else float(rng.uniform(1.3, 2.0)), cover=cover, parapet_m=0.4 if flat else 0.0,
        overhang_m=0.0 if flat else 0.3,
    )  # fmt: skip
    yard = Rect(plot.west + 0.3, plot.south, plot.east - 0.3, plot.north - depth - 0.2)
    sides = [rng.random() < 0.65, rng.random() < 0.35]
    for there, sign in zip(sides, (-1, 1), strict=True):
        if not there:
            continue
        wing = float(rng.uniform(3, 4))
        x = plot.west + 0.15 + wing / 2 if sign < 0 else plot.east - 0.15 - wing / 2
        length = float(rng.uniform(0.6, 0.95)) * yard.height
        sketch.building(
            east_m=x, north_m=yard.north - length / 2 - 0.1, length_m=length, width_m=wing, turn=math.pi / 2,
            eaves_m=2.9, cover=_pick(rng, (Cover.CONCRETE, 0.6), (Cover.STEEL_BLUE, 0.25), (Cover.TILE_RED, 0.15)),
            parapet_m=0.2,
        )  # fmt: skip
        yard = (
            Rect(yard.west + wing, yard.south, yard.east, yard.north)
            if sign < 0
            else Rect(yard.west, yard.south, yard.east - wing, yard.north)
        )
    if rng.random() < 0.15 and yard.width > 5:
        x, y = yard.middle
        sketch.patch(yard, Ground.CONCRETE)
        sketch.building(
            east_m=x, north_m=y, length_m=yard.width, width_m=yard.height * 0.9, turn=0.0, eaves_m=3.6, rise_m=0.5,
            roof=Roof.GABLE, cover=STEEL[int(rng.integers(len(STEEL)))], open_sides=True,
        )  # fmt: skip
    else:
        _yard(sketch, yard, 0.65)
    sketch.building(
        east_m=plot.middle[0], north_m=plot.south + 0.12, length_m=plot.width, width_m=0.24, turn=0.0, eaves_m=2.2
    )
    if flat:
        roof_life(sketch, house)


def suburb(sketch: Sketch, block: Rect) -> None:
    """Slabs of five to eight floors in rows, lawns and parked cars between them."""
    rng = sketch.rng
    sketch.patch(block, Ground.GRASS)
    sketch.patch(block.inset(2.5), Ground.PAVING)
    floors = int(rng.integers(5, 9))
    cover = _pick(rng, (Cover.CONCRETE, 0.4), (Cover.TILE_RED, 0.35), (Cover.FELT, 0.15), (Cover.TILE_GREY, 0.1))
    flat = cover in (Cover.CONCRETE, Cover.FELT)
    deep = float(rng.uniform(11.5, 14))
    for south, north in _rows(block.south + 5, block.north - 4, deep, float(rng.uniform(18, 26))):
        wide = north - south
        for west, east in _rows(block.west + 5, block.east - 5, float(rng.uniform(36, 56)), 8.0):
            house = sketch.building(
                east_m=(west + east) / 2, north_m=(south + min(north, south + deep)) / 2, length_m=east - west,
                width_m=min(wide, deep), turn=0.0, eaves_m=floors * 2.9 + 0.8, cover=cover,
                roof=Roof.FLAT if flat else Roof.HIP, rise_m=0.0 if flat else 2.6, parapet_m=0.9 if flat else 0.0,
                overhang_m=0.0 if flat else 0.5,
            )  # fmt: skip
            if flat:
                for x in np.arange(-house.length_m / 2 + 6, house.length_m / 2 - 4, 14):
                    room = house.to_world(np.array([[x, 1.5]]))[0]
                    sketch.building(
                        east_m=float(room[0]), north_m=float(room[1]), length_m=3.2, width_m=5.0, turn=0.0,
                        base_m=house.eaves_m, eaves_m=house.eaves_m + 2.7, parapet_m=0.2, parent=house.key,
                    )  # fmt: skip
            sketch.patch(Rect(west, south - 4.5, east, south - 0.6), Ground.GARDEN)
            for x in np.arange(west + 2, east - 1, 2.7):
                sketch.stand(float(x), south + deep + 3.6, math.pi / 2, PARKED, 0.45)
            for x in np.arange(west + 3, east, 6.5):
                if rng.random() < 0.8:
                    sketch.tree(float(x + rng.normal(0, 1)), south - 3 + float(rng.normal(0, 0.6)),
                                float(rng.uniform(1.5, 3.2)), bool(rng.random() < 0.5))  # fmt: skip
        if rng.random() < 0.35:
            x = float(rng.uniform(block.west + 10, block.east - 20))
            sketch.plots.append(Plot(x, south + deep + 10.5, 18, 7, 0.0, yard=False))
    _lining(sketch, block, 8.0, 0.7)


def villas(sketch: Sketch, block: Rect) -> None:
    """Houses with hip roofs in gardens."""
    rng = sketch.rng
    sketch.patch(block, Ground.GRASS)
    for south, north in _rows(block.south + 3, block.north - 3, 19.0, 6.0):
        sketch.patch(Rect(block.west, north, block.east, north + 6), Ground.LANE)
        for west, east in _rows(block.west + 2, block.east - 2, float(rng.uniform(16, 21)), 1.0):
            plot = Rect(west, south, east, north)
            sketch.patch(plot, Ground.GARDEN if rng.random() < 0.5 else Ground.GRASS)
            length, width = float(rng.uniform(10, 13)), float(rng.uniform(8, 10))
            cover = _pick(rng, (Cover.TILE_RED, 0.6), (Cover.TILE_GREY, 0.3), (Cover.STEEL_BLUE, 0.1))
            sketch.building(
                east_m=plot.middle[0], north_m=plot.north - width / 2 - 1.5, length_m=length, width_m=width,
                turn=float(rng.normal(0, 0.03)), eaves_m=float(rng.choice([3.4, 6.4, 6.4, 9.4])), cover=cover,
                roof=Roof.HIP if rng.random() < 0.7 else Roof.GABLE, rise_m=float(rng.uniform(1.8, 2.8)),
                overhang_m=0.5,
            )  # fmt: skip
            front = Rect(plot.west + 1, plot.south + 0.5, plot.west + 6, plot.north - width - 2)
            sketch.patch(front, Ground.PAVING)
            sketch.stand(*front.middle, math.pi / 2, PARKED, 0.6)
            garden = Rect(front.east + 0.5, front.south, plot.east - 0.5, front.north)
            sketch.plots.append(Plot(*garden.middle, garden.width, garden.height, 0.0, yard=False))
            for _ in range(int(rng.integers(0, 4))):
                x, y = rng.uniform((garden.west, garden.south), (garden.east, garden.north))
                sketch.tree(float(x), float(y), float(rng.uniform(1.0, 2.6)), bool(rng.random() < 0.4))


def industry(sketch: Sketch, block: Rect) -> None:
    """Halls of coloured steel around concrete yards with lorries and containers."""
    rng = sketch.rng
    sketch.patch(block, Ground.CONCRETE)
    weeds(sketch, block, 0.003)
    depth = float(rng.uniform(24, 42))
    for south, north in _rows(block.south + 6, block.north - 6, depth, float(rng.uniform(14, 20))):
        for west, east in _rows(block.west + 6, block.east - 6, float(rng.uniform(38, 70)), 12.0):
            if rng.random() < 0.18:
                sketch.plots.append(Plot((west + east) / 2, (south + north) / 2, east - west, north - south, 0.0,
                                         yard=True))  # fmt: skip
                for _ in range(12):
                    sketch.stand(float(rng.uniform(west, east)), float(rng.uniform(south, north)), 0.0,
                                 (ThingKind.CONTAINER, ThingKind.HEAP, ThingKind.TRUCK, ThingKind.JUNK), 0.5,
                                 room_m=7.0)  # fmt: skip
                continue
            cover = STEEL[int(rng.integers(len(STEEL)))]
            sketch.building(
                east_m=(west + east) / 2, north_m=(south + north) / 2, length_m=east - west, width_m=north - south,
                turn=0.0, eaves_m=float(rng.uniform(6, 10)), rise_m=float(rng.uniform(1.2, 2.4)), roof=Roof.GABLE,
                cover=cover, overhang_m=0.3,
            )  # fmt: skip
            for x in np.arange(west + 4, east - 4, 9.0):
                sketch.stand(float(x), south - 5.0, math.pi / 2, (ThingKind.TRUCK, *PARKED, ThingKind.CONTAINER), 0.3)
        gap = float(rng.uniform(block.west + 10, block.east - 18))
        sketch.plots.append(Plot(gap, south - 7.0, 12, 7, 0.0, yard=True))
    _lining(sketch, block, 9.0, 0.5)


def fields(sketch: Sketch, block: Rect) -> None:
    """Strips of crops, some under plastic, some ponds, a shed here and there."""
    rng = sketch.rng
    sketch.patch(block, Ground.SCRUB)
    along = bool(rng.random() < 0.5)
    for south, north in _rows(block.south + 1, block.north - 1, float(rng.uniform(35, 60)), 1.6):
        at = block.west + 1
        while at < block.east - 6:
            width = float(rng.uniform(6, 24))
            strip = Rect(at, south, min(at + width, block.east - 1), north)
            _strip(sketch, strip, along)
            at += width + 0.7
    if rng.random() < 0.6:
        for x in np.arange(block.west, block.east, 5.0):
            if rng.random() < 0.85:
                sketch.tree(float(x), block.south + float(rng.normal(0, 0.4)), float(rng.uniform(1.4, 2.6)), False)


def _strip(sketch: Sketch, strip: Rect, along: bool) -> None:
    rng = sketch.rng
    turn = 0.0 if along else math.pi / 2
    kind = rng.random()
    if kind < 0.07 and strip.width > 9:
        sketch.patch(strip, Ground.SOIL)
        for west, east in _rows(strip.west, strip.east, 8.0, 1.0):
            sketch.building(
                east_m=(west + east) / 2, north_m=strip.middle[1], length_m=strip.height - 2, width_m=east - west,
                turn=math.pi / 2, eaves_m=1.6, rise_m=1.2, roof=Roof.GABLE, cover=Cover.PLASTIC,
            )  # fmt: skip
    elif kind < 0.1 and strip.width > 10:
        sketch.patch(strip, Ground.DIRT)
        sketch.patch(strip.inset(1.5), Ground.WATER)
    elif kind < 0.17:
        sketch.patch(strip, Ground.SCRUB)
        sketch.plots.append(Plot(*strip.middle, strip.width, strip.height, 0.0, yard=False))
        for _ in range(int(rng.integers(1, 6))):
            sketch.stand(float(rng.uniform(strip.west + 2, strip.east - 2)),
                         float(rng.uniform(strip.south + 2, strip.north - 2)), 0.0, SMALL, 0.4)  # fmt: skip
    elif kind < 0.25:
        sketch.patch(strip, Ground.SOIL, turn)
        for x in np.arange(strip.west + 2, strip.east - 1, 4.2):
            for y in np.arange(strip.south + 2, strip.north - 1, 4.2):
                sketch.tree(float(x + rng.normal(0, 0.2)), float(y + rng.normal(0, 0.2)), float(rng.uniform(1.1, 1.9)),
                            False)  # fmt: skip
    else:
        sketch.patch(strip, Ground.CROP, turn)
        if rng.random() < 0.05:
            sketch.building(
                east_m=strip.middle[0], north_m=strip.north - 4, length_m=4.5, width_m=3.2,
                turn=float(rng.uniform(-0.2, 0.2)), eaves_m=2.6, rise_m=0.6, roof=Roof.GABLE,
                cover=_pick(rng, (Cover.TILE_GREY, 0.5), (Cover.STEEL_BLUE, 0.3), (Cover.FELT, 0.2)), overhang_m=0.2,
            )  # fmt: skip
        elif rng.random() < 0.25:
            sketch.plots.append(Plot(*strip.middle, strip.width, strip.height, 0.0, yard=False))


def park(sketch: Sketch, block: Rect) -> None:
    """Lawns, woods, water or a running track."""
    rng = sketch.rng
    sketch.patch(block, Ground.GRASS)
    east, north = block.middle
    small = min(block.width, block.height)
    if small > 70 and rng.random() < 0.4:
        _track(sketch, east, north, min(block.width, 150) * 0.4)
        sketch.building(
            east_m=east, north_m=block.north - 8, length_m=min(60, block.width * 0.6), width_m=11, turn=0.0,
            eaves_m=12.5, parapet_m=0.9,
        )  # fmt: skip
        _lining(sketch, block, 6.0, 0.9)
        return
    if rng.random() < 0.6:
        sketch.patch(sketch.blob(east, north, small * 0.28), Ground.WATER)
    for _ in range(3):
        centre = rng.uniform((block.west, block.south), (block.east, block.north))
        spread = float(rng.uniform(8, 22))
        for _ in range(int(spread * 2.2)):
            x, y = centre + rng.normal(0, spread, 2)
            if block.west < x < block.east and block.south < y < block.north and math.hypot(
                x - east, y - north) > small * 0.33:  # fmt: skip
                sketch.tree(float(x), float(y), float(rng.uniform(1.5, 4.2)), bool(rng.random() < 0.35))
    sketch.patch(Rect(block.west, north - small * 0.4, block.east, north - small * 0.4 + 2), Ground.PAVING)
    sketch.plots.append(Plot(block.west + 12, block.south + 10, 16, 12, 0.0, yard=False))


def _track(sketch: Sketch, east: float, north: float, reach: float) -> None:
    def oval(radius: float, straight: float) -> np.ndarray:
        angles = np.linspace(-np.pi / 2, np.pi / 2, 14)
        right = np.stack((east + straight + radius * np.cos(angles), north + radius * np.sin(angles)), axis=1)
        left = np.stack((east - straight - radius * np.cos(angles), north - radius * np.sin(angles)), axis=1)
        return np.concatenate((right, left))

    radius = reach * 0.5
    sketch.patch(oval(radius, radius), Ground.TRACK)
    sketch.patch(oval(radius * 0.76, radius), Ground.GRASS)


def waste(sketch: Sketch, block: Rect) -> None:
    """What was torn down and waits: soil under green nets, heaps, scrub."""
    rng = sketch.rng
    sketch.patch(block, Ground.SCRUB if rng.random() < 0.5 else Ground.DIRT)
    weeds(sketch, block, 0.015)
    for _ in range(int(rng.integers(3, 8))):
        x, y = rng.uniform((block.west, block.south), (block.east, block.north))
        radius = float(rng.uniform(4, min(18, block.height / 3, block.width / 3)))
        ground = (Ground.NET, Ground.DIRT, Ground.SOIL, Ground.SCRUB)[int(rng.integers(4))]
        sketch.patch(sketch.blob(float(x), float(y), radius), ground)
    for _ in range(int(rng.integers(6, 20))):
        x, y = rng.uniform((block.west + 4, block.south + 4), (block.east - 4, block.north - 4))
        sketch.stand(float(x), float(y), float(rng.uniform(0, 6)), (ThingKind.HEAP, ThingKind.HEAP, *SMALL), 0.5)
    for _ in range(3):
        x, y = rng.uniform((block.west + 12, block.south + 12), (block.east - 12, block.north - 12))
        sketch.plots.append(Plot(float(x), float(y), 20, 18, float(rng.uniform(-0.3, 0.3)), yard=False))


def _lining(sketch: Sketch, block: Rect, step: float, likely: float) -> None:
    """Trees along the edges of a block."""
    rng = sketch.rng
    for x in np.arange(block.west + 2, block.east, step):
        for y in (block.south + 1.2, block.north - 1.2):
            if rng.random() < likely:
                sketch.tree(float(x + rng.normal(0, 0.5)), y, float(rng.uniform(1.6, 3.0)), bool(rng.random() < 0.4))
    for y in np.arange(block.south + 4, block.north, step):
        for x in (block.west + 1.2, block.east - 1.2):
            if rng.random() < likely:
                sketch.tree(float(x), float(y + rng.normal(0, 0.5)), float(rng.uniform(1.6, 3.0)),
                            bool(rng.random() < 0.4))  # fmt: skip


FILLERS: dict[District, Callable[[Sketch, Rect], None]] = {
    District.TOWERS: towers,
    District.COURTYARDS: courtyards,
    District.SUBURB: suburb,
    District.VILLAS: villas,
    District.INDUSTRY: industry,
    District.FIELDS: fields,
    District.PARK: park,
    District.WASTE: waste,
}
