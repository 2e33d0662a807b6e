"""The ground of a town on one day, lit and in shadow, as square tiles seen straight from above."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import cv2
import numpy as np

from edge.detectors.interface import Image
from edge.vision.arrays import Doubles, Floats
from samples.facade.seeding import stream
from samples.town.grain import grain, texel_near
from samples.town.light import building_shadow, light_map, thing_shadow, tree_shadow
from samples.town.state import FlightState, Season
from samples.town.world import Ground, Patch, Road, Thing, Town

Colour = tuple[float, float, float]
"""Blue, green, red, 0-255."""
GROWING = (Ground.GRASS, Ground.SCRUB, Ground.CROP, Ground.GARDEN)
HARD: dict[Ground, tuple[Colour, Colour]] = {
    Ground.SOIL: ((92, 116, 140), (78, 100, 124)),
    Ground.CONCRETE: ((158, 166, 172), (138, 148, 156)),
    Ground.PAVING: ((138, 146, 156), (126, 132, 140)),
    Ground.ASPHALT: ((104, 104, 106), (92, 92, 95)),
    Ground.LANE: ((146, 152, 157), (126, 134, 140)),
    Ground.DIRT: ((112, 136, 154), (98, 122, 140)),
    Ground.WATER: ((82, 86, 68), (74, 82, 66)),
    Ground.NET: ((78, 108, 78), (90, 112, 92)),
    Ground.TRACK: ((66, 72, 158), (62, 68, 150)),
}
GREENS: dict[Season, dict[Ground, tuple[tuple[Colour, Colour], ...]]] = {
    Season.SUMMER: {
        Ground.GRASS: (((58, 118, 92), (66, 112, 104)),),
        Ground.SCRUB: (((56, 104, 84), (84, 118, 122)), ((52, 98, 76), (76, 116, 112))),
        Ground.CROP: (
            ((50, 112, 78), (58, 116, 90)),
            ((48, 98, 70), (56, 102, 78)),
            ((62, 128, 104), (70, 126, 110)),
            ((84, 108, 128), (80, 110, 120)),
        ),
        Ground.GARDEN: (((48, 104, 74), (84, 112, 120)),),
    },
    Season.SPRING: {
        Ground.GRASS: (((66, 124, 106), (82, 124, 124)),),
        Ground.SCRUB: (((70, 116, 106), (94, 124, 134)), ((64, 112, 98), (88, 120, 128))),
        Ground.CROP: (
            ((52, 122, 90), (60, 124, 98)),
            ((86, 110, 130), (92, 118, 136)),
            ((56, 158, 168), (58, 140, 140)),
            ((74, 98, 116), (82, 106, 124)),
        ),
        Ground.GARDEN: (((58, 114, 90), (90, 118, 130)),),
    },
    Season.AUTUMN: {
        Ground.GRASS: (((76, 118, 118), (92, 122, 134)),),
        Ground.SCRUB: (((80, 112, 122), (98, 122, 138)), ((74, 110, 116), (92, 118, 132))),
        Ground.CROP: (
            ((88, 142, 162), (94, 138, 156)),
            ((78, 102, 120), (84, 108, 126)),
            ((66, 112, 102), (72, 112, 108)),
            ((96, 128, 148), (92, 122, 140)),
        ),
        Ground.GARDEN: (((66, 106, 96), (94, 118, 132)),),
    },
    Season.WINTER: {
        Ground.GRASS: (((98, 124, 136), (104, 128, 142)),),
        Ground.SCRUB: (((98, 120, 134), (106, 126, 142)), ((92, 114, 128), (102, 122, 138))),
        Ground.CROP: (
            ((82, 104, 120), (88, 110, 126)),
            ((68, 110, 92), (76, 112, 102)),
            ((92, 114, 132), (86, 108, 126)),
            ((76, 98, 114), (84, 106, 122)),
        ),
        Ground.GARDEN: (((84, 108, 112), (96, 116, 130)),),
    },
}
GRAINS: dict[Ground, tuple[float, float, float]] = {
    Ground.GRASS: (0.11, 0.06, 0.07),
    Ground.SCRUB: (0.16, 0.11, 0.09),
    Ground.SOIL: (0.10, 0.06, 0.06),
    Ground.CROP: (0.12, 0.05, 0.05),
    Ground.GARDEN: (0.20, 0.16, 0.05),
    Ground.CONCRETE: (0.045, 0.045, 0.05),
    Ground.PAVING: (0.05, 0.03, 0.04),
    Ground.ASPHALT: (0.065, 0.03, 0.05),
    Ground.LANE: (0.05, 0.05, 0.05),
    Ground.DIRT: (0.10, 0.08, 0.08),
    Ground.WATER: (0.015, 0.02, 0.05),
    Ground.NET: (0.06, 0.08, 0.06),
    Ground.TRACK: (0.03, 0.02, 0.03),
}
"""How much leaf-sized, bush-sized and house-sized grain there is, as a share of the brightness."""
LABELS = {ground: number for number, ground in enumerate(Ground)}
CRACKED = {Ground.ASPHALT: 0.10, Ground.LANE: 0.12, Ground.CONCRETE: 0.09, Ground.PAVING: 0.05}
CRACKS = np.array([CRACKED.get(ground, 0.0) for ground in Ground], np.float32)
"""How much darker cracks are: they run where the grain of bush size crosses nought."""
GROWS = np.array([ground in GROWING for ground in Ground], np.float32)
WHITE: Colour = (204, 207, 209)
YELLOW: Colour = (90, 190, 214)
FINEST_CRACKS_M = 0.13
KEPT_PIXELS = 40_000_000


def colours_of(ground: Ground, key: int, state: FlightState) -> tuple[Colour, Colour]:
    """The two colours that a piece of ground is mottled with."""
    if ground in GROWING:
        kinds = GREENS[state.season][ground]
        # What a field bears is decided anew by every season, not by every flight.
        number = (key * 2654435761 >> 7) + tuple(Season).index(state.season) * (key % 3)
        pair = kinds[number % len(kinds)]
    else:
        pair = HARD[ground]
    if ground is Ground.WATER:
        pair = _water_of(pair, state)
    wobble = (1 + ((key * 40503 % 1000) / 1000 - 0.5) * 0.16) * (1 - (0.22 * state.wet if ground not in GROWING else 0))
    a, b = (tuple(channel * wobble for channel in colour) for colour in pair)
    return (a[0], a[1], a[2]), (b[0], b[1], b[2])


def _water_of(pair: tuple[Colour, Colour], state: FlightState) -> tuple[Colour, Colour]:
    """Green with algae on one day, brown after rain or dark on another."""
    rng = stream(state.seed, "water")
    tint = rng.uniform(0.75, 1.5) * np.array((rng.uniform(0.85, 1.1), rng.uniform(0.95, 1.15), rng.uniform(0.8, 1.35)))
    first, second = (tuple(float(c) for c in np.array(colour) * tint) for colour in pair)
    return (first[0], first[1], first[2]), (second[0], second[1], second[2])


class GroundTiles:
    """Tiles by column and row (see `grain`), made when they are asked for; the latest are kept."""

    def __init__(self, town: Town, state: FlightState, things: Sequence[Thing], gsd_m: float) -> None:
        self.texel_m, self.side_m, self.pixels = texel_near(gsd_m)
        self._town, self._state = town, state
        self._kept: OrderedDict[tuple[int, int], Image] = OrderedDict()
        self._patches = _Boxes([patch.outline for patch in town.patches])
        self._roads = _Boxes([road.outline(3.0) for road in town.roads])
        self._shadows, self._strength = _shadows(town, state, things)
        self._cast = _Boxes(self._shadows)
        self._amplitudes = np.array([GRAINS[ground] for ground in Ground], np.float32)

    def tile(self, column: int, row: int) -> Image:
        """(pixels, pixels, 3) BGR; the first row is the north edge."""
        found = self._kept.get((column, row))
        if found is None:
            found = self._made(column, row)
            self._kept[column, row] = found
            while len(self._kept) * self.pixels**2 > KEPT_PIXELS:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end((column, row))
        return found

    def window(self, low: Doubles, high: Doubles) -> tuple[Image, float, float]:
        """Ground that covers the rectangle from `low` to `high` (east, north), and the east and north of the centre of
        its upper left pixel."""
        columns = range(int(np.floor(low[0] / self.side_m)), int(np.floor(high[0] / self.side_m)) + 1)
        rows = range(int(np.floor(-high[1] / self.side_m)), int(np.floor(-low[1] / self.side_m)) + 1)
        left = max(0, int((low[0] / self.side_m - columns[0]) * self.pixels) - 2)
        top = max(0, int((-high[1] / self.side_m - rows[0]) * self.pixels) - 2)
        width = min(len(columns) * self.pixels - left, int((high[0] - low[0]) / self.texel_m) + 6)
        height = min(len(rows) * self.pixels - top, int((high[1] - low[1]) / self.texel_m) + 6)
        found = np.empty((height, width, 3), np.uint8)
        for m, row in enumerate(rows):
            for n, column in enumerate(columns):
                x, y = n * self.pixels - left, m * self.pixels - top
                x0, y0, x1, y1 = max(0, x), max(0, y), min(width, x + self.pixels), min(height, y + self.pixels)
                if x0 < x1 and y0 < y1:
                    found[y0:y1, x0:x1] = self.tile(column, row)[y0 - y : y1 - y, x0 - x : x1 - x]
        east = columns[0] * self.side_m + (left + 0.5) * self.texel_m
        north = -rows[0] * self.side_m - (top + 0.5) * self.texel_m
        return found, east, north

    def _made(self, column: int, row: int) -> Image:
        west, north = column * self.side_m, -row * self.side_m
        canvas = _Canvas(self.pixels, self.texel_m, west, north)
        box = (west - 2, north - self.side_m - 2, west + self.side_m + 2, north + 2)
        canvas.flood(self._town.base, colours_of(self._town.base, 1, self._state))
        pieces = [self._town.patches[n] for n in self._patches.within(*box)]
        near = [self._town.roads[n] for n in self._roads.within(*box)]
        for patch in pieces:
            if not patch.over_roads:
                self._cover(canvas, patch)
        for road in reversed(near):
            self._pave(canvas, road)
        for patch in pieces:
            if patch.over_roads:
                self._cover(canvas, patch)
        gain = 1 + canvas.furrows + self._grain(canvas.label, column, row)
        # Another lattice for where one colour gives way to the other.
        mottle = np.clip(0.5 + 0.8 * grain(column + 371, row + 113, self.side_m, self.pixels, 0.7, 26.0), 0, 1)
        mixed = cv2.blendLinear(canvas.first, canvas.second, 1 - mottle, mottle)
        shadow = np.zeros((self.pixels, self.pixels), np.uint8)
        for n in self._cast.within(*box):
            _fill(shadow, canvas.at(self._shadows[n]), self._strength[n])
        factors = light_map(shadow, self._state, self.texel_m)
        factors *= np.clip(gain, 0.45, 1.7)[..., None]
        lit = np.asarray(cv2.multiply(mixed, factors, dtype=cv2.CV_8U), np.uint8)
        _paint(lit, canvas, near, factors)
        lit.setflags(write=False)
        return lit

    def _grain(self, label: Image, column: int, row: int) -> Floats:
        """What stone and soil look like stays; leaves lie differently on every day."""
        amplitudes = self._amplitudes[label]
        grows = GROWS[label]
        today = self._state.seed % 997
        found = np.zeros(label.shape, np.float32)
        for n, (shortest, longest) in enumerate(((0.1, 0.5), (0.6, 4.0), (5.0, 120.0))):
            lasting = grain(column, row, self.side_m, self.pixels, shortest, longest)
            if n < 2 and grows.any():
                passing = grain(column + today, row + 2 * today, self.side_m, self.pixels, shortest, longest)
                share = (0.9, 0.5)[n] * grows
                lasting += share * (passing - lasting)
            found += amplitudes[..., n] * lasting
            if n == 1 and self.texel_m < FINEST_CRACKS_M:
                found -= CRACKS[label] * np.exp(-((lasting / (0.6 * self.texel_m)) ** 2))
        return found

    def _cover(self, canvas: _Canvas, patch: Patch) -> None:
        canvas.fill(patch.outline, patch.ground, colours_of(patch.ground, patch.key, self._state))
        if patch.ground in (Ground.CROP, Ground.SOIL):
            canvas.rows(patch)

    def _pave(self, canvas: _Canvas, road: Road) -> None:
        if road.width_m > 8:
            canvas.fill(road.outline(2.2), Ground.PAVING, colours_of(Ground.PAVING, road.key, self._state))
        canvas.fill(road.outline(), road.ground, colours_of(road.ground, road.key, self._state))


def _shadows(town: Town, state: FlightState, things: Sequence[Thing]) -> tuple[list[Doubles], list[int]]:
    """Outlines on the ground and how dark they are, lighter ones first."""
    if state.overcast > 0.97:
        return [], []
    outlines, strengths = [], []
    leafless = state.season is Season.WINTER
    for tree in town.trees:
        bare = leafless and not tree.evergreen
        shadow = tree_shadow(tree, state, 0.0, bare)
        if shadow is not None:
            outlines.append(shadow)
            strengths.append(75 if bare else 225)
    for shadow in (
        *(thing_shadow(thing, state, 0.0) for thing in things if thing.base_m == 0),
        *(building_shadow(building, state, 0.0) for building in town.buildings),
    ):
        if shadow is not None:
            outlines.append(shadow)
            strengths.append(255)
    return outlines, strengths


def _paint(lit: Image, canvas: _Canvas, roads: Sequence[Road], factors: Floats) -> None:
    """Markings on the roads, under the same light."""
    quads: dict[Colour, list[Doubles]] = {}
    for road in roads:
        if not road.marked:
            continue
        ahead = np.array((np.cos(road.turn), np.sin(road.turn)))
        left = np.array((-ahead[1], ahead[0]))
        length = float(np.hypot(*(np.array(road.to_m) - road.from_m)))
        wide = road.width_m > 9
        lines = [(0.0, YELLOW if wide else WHITE, 0.0 if wide else 4.0)]
        if wide:
            for side in (-1, 1):
                lines += [(side * road.width_m / 4, WHITE, 4.0), (side * (road.width_m / 2 - 0.5), WHITE, 0.0)]
        for offset, colour, dash_m in lines:
            start = np.array(road.from_m) + left * offset
            begins = np.arange(0, length, dash_m * 2.5) if dash_m else np.array([0.0])
            along = ahead * (dash_m or length)
            sides = np.stack((-left, along / 0.08 - left, along / 0.08 + left, left)) * 0.08
            places = (start + ahead * begins[:, None])[:, None] + sides
            quads.setdefault(colour, []).extend(canvas.at(places.reshape(-1, 2)).reshape(-1, 4, 2))
    limit = canvas.pixels + 20
    for colour, found in quads.items():
        near = [q for q in found if (q.max(axis=0) > -20).all() and (q.min(axis=0) < limit).all()]
        mask = np.zeros(lit.shape[:2], np.uint8)
        cv2.fillPoly(mask, [np.round(q * 16).astype(np.int32) for q in near], 255, cv2.LINE_AA, 4)
        rows, columns = np.nonzero(mask)
        share = mask[rows, columns, None] * np.float32(min(0.8, 0.13 / canvas.texel_m) / 255)
        painted = np.array(colour, np.float32) * factors[rows, columns]
        lit[rows, columns] = np.clip(lit[rows, columns] * (1 - share) + painted * share, 0, 255)


class _Boxes:
    """Outlines by where they lie."""

    def __init__(self, outlines: Sequence[Doubles]) -> None:
        self._low = np.array([o.min(axis=0) for o in outlines]).reshape(-1, 2)
        self._high = np.array([o.max(axis=0) for o in outlines]).reshape(-1, 2)

    def within(self, west: float, south: float, east: float, north: float) -> list[int]:
        """Indices, in order, of those whose box meets this one."""
        meets = (
            (self._low[:, 0] <= east) & (self._high[:, 0] >= west) & (self._low[:, 1] <= north)
            & (self._high[:, 1] >= south)
        )  # fmt: skip
        return np.flatnonzero(meets).tolist()


def _fill(mask: Image, points: Doubles, value: int) -> None:
    cv2.fillPoly(mask, [np.round(points * 16).astype(np.int32)], value, cv2.LINE_AA, 4)


class _Canvas:
    """One tile while it is painted."""

    def __init__(self, pixels: int, texel_m: float, west: float, north: float) -> None:
        self.pixels, self.texel_m = pixels, texel_m
        self._west, self._north = west, north
        self.first = np.empty((pixels, pixels, 3), np.uint8)
        self.second = np.empty((pixels, pixels, 3), np.uint8)
        self.label = np.zeros((pixels, pixels), np.uint8)
        self.furrows = np.zeros((pixels, pixels), np.float32)

    def at(self, metres: Doubles) -> Doubles:
        """(n, 2) pixels of (n, 2) east and north."""
        return np.stack(
            ((metres[:, 0] - self._west) / self.texel_m - 0.5, (self._north - metres[:, 1]) / self.texel_m - 0.5),
            axis=1,
        )

    def flood(self, ground: Ground, colours: tuple[Colour, Colour]) -> None:
        """Covers all of it."""
        self.first[:], self.second[:], self.label[:] = colours[0], colours[1], LABELS[ground]

    def fill(self, outline: Doubles, ground: Ground, colours: tuple[Colour, Colour]) -> None:
        """Covers one outline."""
        points = [np.round(self.at(outline) * 16).astype(np.int32)]
        cv2.fillPoly(self.first, points, colours[0], cv2.LINE_AA, 4)
        cv2.fillPoly(self.second, points, colours[1], cv2.LINE_AA, 4)
        cv2.fillPoly(self.label, points, LABELS[ground], cv2.LINE_8, 4)
        cv2.fillPoly(self.furrows, points, 0.0, cv2.LINE_8, 4)

    def rows(self, patch: Patch) -> None:
        """Furrows along a field."""
        pixels = self.at(patch.outline)
        low = np.clip(np.floor(pixels.min(axis=0)).astype(int), 0, self.pixels)
        high = np.clip(np.ceil(pixels.max(axis=0)).astype(int) + 1, 0, self.pixels)
        if (high <= low).any():
            return
        spacing = 0.55 + 0.12 * (patch.key % 9)
        if spacing < 2.5 * self.texel_m:
            spacing *= 3
        if spacing < 2.5 * self.texel_m:
            return
        across = np.array((-np.sin(patch.turn), np.cos(patch.turn)))
        x = self._west + (np.arange(low[0], high[0]) + 0.5) * self.texel_m
        y = self._north - (np.arange(low[1], high[1]) + 0.5) * self.texel_m
        phase = (x[None, :] * across[0] + y[:, None] * across[1]) * (2 * np.pi / spacing)
        inside = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
        _fill(inside, pixels - low, 255)
        strength = 0.05 + 0.02 * (patch.key % 5)
        window = self.furrows[low[1] : high[1], low[0] : high[0]]
        np.copyto(window, (strength * np.sin(phase)).astype(np.float32), where=inside > 127)
