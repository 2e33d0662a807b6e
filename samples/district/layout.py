"""What the partition follows: the district's outline, its river and its arterial roads, in local metres.

The frame is a plane with x to the east and y to the north, its origin at `ORIGIN_LON`, `ORIGIN_LAT`. The land is
invented: no coordinate follows a real boundary, river or road.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
from shapely import LineString, Polygon

ORIGIN_LON: Final = 113.60
ORIGIN_LAT: Final = 34.70
METRES_PER_DEGREE_LAT: Final = 110_940.0
"""At latitude 34.74°, WGS-84; good to 0.01 % over the district, which is more than an invented map needs."""
METRES_PER_DEGREE_LON: Final = 91_570.0

Points = list[tuple[float, float]]

_OUTLINE: Final = (
    (420, 2550), (900, 1250), (1650, 900), (2250, 330), (3600, 420), (4150, 150), (5650, 520), (6900, 240), (7800, 950),
    (8050, 1750), (8850, 2150), (8700, 3300), (8930, 4500), (8350, 5350), (8600, 6350), (7950, 7450), (6600, 7650),
    (5900, 8350), (4900, 8650), (3700, 8150), (2350, 8400), (1550, 7900), (950, 6900), (480, 6300), (180, 5000),
    (650, 3800),
)  # fmt: skip
_RIVER: Final = (
    (-900, 6350), (350, 5750), (1500, 5650), (2500, 5150), (3400, 5250), (4300, 5000), (5050, 4450), (5950, 4350),
    (6900, 4800), (7800, 4650), (8800, 4050), (10200, 3900),
)  # fmt: skip
_NORTH_ROAD: Final = ((4350, 4200), (4420, 5600), (4250, 6900), (4480, 8100), (4450, 9600))
_WEST_ROAD: Final = ((2900, 6200), (3050, 4800), (3000, 3400), (2820, 2000), (2950, 900), (2900, -900))
_SOUTH_ROAD: Final = ((2300, 2300), (3400, 2420), (4700, 2260), (6100, 2480), (7500, 2350), (9900, 2650))
_CENTRE: Final = (4500.0, 3700.0)
_CENTRE_SPREAD_M: Final = 2100.0


@dataclass(frozen=True, slots=True)
class Layout:
    """The lines that streets (level 1) are cut along."""

    outline: Polygon
    river: LineString
    north_road: LineString
    west_road: LineString
    south_road: LineString

    @property
    def arterials(self) -> tuple[LineString, ...]:
        """Every road that is a border between streets."""
        return (self.north_road, self.west_road, self.south_road)


def draw_layout(rng: random.Random) -> Layout:
    """The district's outline, river and arterials, moved a little from where they were sketched."""
    return Layout(
        outline=Polygon(_crumpled(_moved(_OUTLINE, rng, 70.0), rng, depth=3)),
        river=LineString(_moved(_smooth(_moved(_RIVER, rng, 110.0), closed=False, steps=9), rng, 7.0)),
        north_road=LineString(_smooth(_moved(_NORTH_ROAD, rng, 60.0), closed=False, steps=4)),
        west_road=LineString(_smooth(_moved(_WEST_ROAD, rng, 60.0), closed=False, steps=4)),
        south_road=LineString(_smooth(_moved(_SOUTH_ROAD, rng, 60.0), closed=False, steps=4)),
    )


def density(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How densely people live at each of the (n, 2) points, without a unit: 1 at the rim, above 3 in the old town."""
    squared = ((points - np.array(_CENTRE)) ** 2).sum(axis=1)
    return np.asarray(1.0 + 2.4 * np.exp(-squared / (2 * _CENTRE_SPREAD_M**2)))


def to_lon_lat(x_m: float, y_m: float) -> tuple[float, float]:
    """Local metres to degrees."""
    return ORIGIN_LON + x_m / METRES_PER_DEGREE_LON, ORIGIN_LAT + y_m / METRES_PER_DEGREE_LAT


def to_metres(lon: float, lat: float) -> tuple[float, float]:
    """Degrees to local metres."""
    return (lon - ORIGIN_LON) * METRES_PER_DEGREE_LON, (lat - ORIGIN_LAT) * METRES_PER_DEGREE_LAT


def _moved(points: Sequence[tuple[float, float]], rng: random.Random, sigma_m: float) -> Points:
    return [(x + rng.gauss(0, sigma_m), y + rng.gauss(0, sigma_m)) for x, y in points]


def _crumpled(ring: Points, rng: random.Random, depth: int) -> Points:
    """A closed ring with each side broken at its middle, `depth` times: field edges and ditches, not a smooth curve."""
    for _ in range(depth):
        broken: Points = []
        for (x1, y1), (x2, y2) in pairwise([*ring, ring[0]]):
            bulge = min(max(rng.gauss(0, 0.075), -0.16), 0.16)
            broken += [(x1, y1), ((x1 + x2) / 2 - bulge * (y2 - y1), (y1 + y2) / 2 + bulge * (x2 - x1))]
        ring = broken
    return ring


def _smooth(points: Points, *, closed: bool, steps: int) -> Points:
    """A Catmull-Rom curve through the points, `steps` samples a span."""
    count = len(points)
    spans = count if closed else count - 1
    curve: Points = []
    for span in range(spans):
        before, start, end, after = (_at(points, span + offset, closed=closed) for offset in (-1, 0, 1, 2))
        for step in range(steps):
            t = step / steps
            curve.append(
                (
                    _catmull_rom(before[0], start[0], end[0], after[0], t),
                    _catmull_rom(before[1], start[1], end[1], after[1], t),
                )
            )
    if not closed:
        curve.append(points[-1])
    return curve


def _at(points: Points, index: int, *, closed: bool) -> tuple[float, float]:
    count = len(points)
    return points[index % count] if closed else points[min(max(index, 0), count - 1)]


def _catmull_rom(before: float, start: float, end: float, after: float, t: float) -> float:
    return 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * math.pow(t, 3)
    )
