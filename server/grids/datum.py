"""The offset of GCJ-02, the datum of China's public maps: a grids file drawn on such a map lies 300–700 m away.

Storage is WGS-84 only; this exists to recognise files that are not. The formula is the one in general use since 2010;
it reproduces published control points to about a metre, which is more than enough to tell the datums apart.
"""

from __future__ import annotations

import math

_SEMI_MAJOR_M = 6_378_245.0
_ECCENTRICITY_SQUARED = 0.00669342162296594323
"""Krasovsky's ellipsoid, on which the offset is defined."""


def to_gcj02(longitude: float, latitude: float) -> tuple[float, float]:
    """Where a WGS-84 position appears on a public map in mainland China."""
    x, y = longitude - 105.0, latitude - 35.0
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x))
    north += _waves(x, ((20, 6), (20, 2))) + _waves(y, ((20, 1), (40, 1 / 3), (160, 1 / 12), (320, 1 / 30)))
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x))
    east += _waves(x, ((20, 6), (20, 2), (20, 1), (40, 1 / 3), (150, 1 / 12), (300, 1 / 30)))
    radians = math.radians(latitude)
    bend = 1 - _ECCENTRICITY_SQUARED * math.sin(radians) ** 2
    meridian_m = _SEMI_MAJOR_M * (1 - _ECCENTRICITY_SQUARED) / (bend * math.sqrt(bend))
    parallel_m = _SEMI_MAJOR_M / math.sqrt(bend) * math.cos(radians)
    return longitude + math.degrees(east / parallel_m), latitude + math.degrees(north / meridian_m)


def _waves(value: float, terms: tuple[tuple[float, float], ...]) -> float:
    return sum(size * math.sin(value * pace * math.pi) for size, pace in terms) * 2 / 3
