"""GCJ-02 and BD-09, the datums of China's public maps: what is drawn on one lies 300-1,200 m away from where it is.

Storage is WGS-84 only; this exists to recognise files that are not, and to convert them at the border. The formula of
GCJ-02 is the one in general use since 2010; it reproduces published control points to about a metre. The way back is
the same formula inverted step by step, so that there and back is exact to a tenth of a millimetre.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import StrEnum

_SEMI_MAJOR_M = 6_378_245.0
_ECCENTRICITY_SQUARED = 0.00669342162296594323
"""Krasovsky's ellipsoid, on which the offset is defined."""
_BAIDU_PACE = math.pi * 3000 / 180
_STEPS = 6
"""Each step of the way back leaves less than a hundredth of the error of the one before."""

WEST, SOUTH, EAST, NORTH = 72.004, 0.8293, 137.8347, 55.8271
"""Where public maps are moved: the rectangle that the formula is used in, degrees."""


class Datum(StrEnum):
    """What longitudes and latitudes of a file mean."""

    WGS84 = "wgs84"
    GCJ02 = "gcj02"
    """Amap, Tencent, and what was drawn on them."""
    BD09 = "bd09"
    """Baidu."""


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


def from_gcj02(longitude: float, latitude: float) -> tuple[float, float]:
    """The WGS-84 position of what appears there on a public map in mainland China."""
    return _undone(to_gcj02, longitude, latitude)


def to_bd09(longitude: float, latitude: float) -> tuple[float, float]:
    """Where a WGS-84 position appears on Baidu's map: GCJ-02, moved once more."""
    x, y = to_gcj02(longitude, latitude)
    length = math.hypot(x, y) + 0.00002 * math.sin(y * _BAIDU_PACE)
    angle = math.atan2(y, x) + 0.000003 * math.cos(x * _BAIDU_PACE)
    return length * math.cos(angle) + 0.0065, length * math.sin(angle) + 0.006


def from_bd09(longitude: float, latitude: float) -> tuple[float, float]:
    """The WGS-84 position of what appears there on Baidu's map."""
    return _undone(to_bd09, longitude, latitude)


def to_wgs84(datum: Datum, longitude: float, latitude: float) -> tuple[float, float]:
    """The WGS-84 position of one that was written down in a datum."""
    match datum:
        case Datum.WGS84:
            return longitude, latitude
        case Datum.GCJ02:
            return from_gcj02(longitude, latitude)
        case Datum.BD09:
            return from_bd09(longitude, latitude)


def from_wgs84(datum: Datum, longitude: float, latitude: float) -> tuple[float, float]:
    """How a WGS-84 position is written down in a datum."""
    match datum:
        case Datum.WGS84:
            return longitude, latitude
        case Datum.GCJ02:
            return to_gcj02(longitude, latitude)
        case Datum.BD09:
            return to_bd09(longitude, latitude)


def is_moved(longitude: float, latitude: float) -> bool:
    """Whether public maps are moved there at all."""
    return WEST <= longitude <= EAST and SOUTH <= latitude <= NORTH


def _undone(there: Callable[[float, float], tuple[float, float]], x: float, y: float) -> tuple[float, float]:
    longitude, latitude = x, y
    for _step in range(_STEPS):
        found_x, found_y = there(longitude, latitude)
        off_x, off_y = x - found_x, y - found_y
        longitude, latitude = longitude + off_x, latitude + off_y
        if abs(off_x) + abs(off_y) < 1e-12:
            break
    return longitude, latitude


def _waves(value: float, terms: tuple[tuple[float, float], ...]) -> float:
    return sum(size * math.sin(value * pace * math.pi) for size, pace in terms) * 2 / 3
