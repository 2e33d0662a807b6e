"""Columns of CSV logs: which names mean what, in which units. Documented in docs/edge/telemetry.md."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

NAMES: dict[str, tuple[str, ...]] = {
    "latitude": ("latitude", "lat", "gpslatitude", "gpslat", "osdlatitude", "locationlat", "dronelatitude"),
    "longitude": (
        "longitude",
        "longtitude",
        "lon",
        "lng",
        "long",
        "gpslongitude",
        "gpslon",
        "osdlongitude",
        "locationlon",
        "dronelongitude",
    ),
    "above_takeoff": (
        "abovetakeoff",
        "heightabovetakeoff",
        "relativealtitude",
        "relalt",
        "relhomealt",
        "osdheight",
        "relativeheight",
    ),
    "above_sea": (
        "abovesea",
        "altitudeabovesealevel",
        "absolutealtitude",
        "absalt",
        "osdaltitude",
        "amsl",
        "altitudeamsl",
        "altitudemsl",
        "gpsalt",
    ),
    "above_ellipsoid": ("aboveellipsoid", "ellipsoidheight", "ellipsoidalheight", "heightaboveellipsoid", "hae"),
    "altitude": ("altitude", "alt", "height"),
    "media_time": ("mediatime", "videotime"),
    "log_time": ("time", "elapsed", "elapsedtime", "flytime", "osdflytime", "timeus"),
    "moment": ("datetime", "timestamp", "utc", "takenat", "dateandtime", "customdatetime"),
    "date": ("date", "customdate"),
    "clock": ("updatetime", "customupdatetime"),
    "gimbal_yaw": ("gimbalyaw", "gimbalheading", "gbyaw", "camerayaw"),
    "gimbal_pitch": ("gimbalpitch", "gbpitch", "camerapitch"),
    "gimbal_roll": ("gimbalroll", "gbroll", "cameraroll"),
    "gimbal_yaw_tenths": ("gimbalyawraw",),
    "gimbal_pitch_tenths": ("gimbalpitchraw",),
    "gimbal_roll_tenths": ("gimbalrollraw",),
    "platform_yaw": ("yaw", "heading", "compassheading", "osdyaw", "flightyaw", "platformyaw", "y"),
    "platform_pitch": ("pitch", "osdpitch", "flightpitch", "platformpitch", "p"),
    "platform_roll": ("roll", "osdroll", "flightroll", "platformroll", "r"),
    "focal": ("focal", "focallength"),
    "focal_35mm": ("focal35mm", "focallength35mm", "focallengthin35mmfilm"),
    "zoom": ("digitalzoom", "zoomratio"),
    "horizontal_sigma": ("horizontalsigma",),
    "vertical_sigma": ("verticalsigma",),
}
"""What we take of a log, and the names it goes by: small letters and digits, without units."""

_KNOWN = {name: field for field, names in NAMES.items() for name in names}
_METRES = {"m": 1.0, "meter": 1.0, "meters": 1.0, "metre": 1.0, "metres": 1.0, "cm": 0.01, "mm": 0.001}
_METRES |= {"ft": 0.3048, "feet": 0.3048, "foot": 0.3048}
_SECONDS = {"s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "us": 1e-6, "microsecond": 1e-6, "microseconds": 1e-6}
_SECONDS |= {"ms": 1e-3, "millisecond": 1e-3, "milliseconds": 1e-3}
_DEGREES = {
    "deg": 1.0,
    "degree": 1.0,
    "degrees": 1.0,
    "°": 1.0,
    "360": 1.0,
    "rad": math.degrees(1),
    "radians": math.degrees(1),
}
_MILLIMETRES = {"mm": 1.0}
_ZONES = {"utc": 1.0, "local": 1.0, "gmt": 1.0}
UNITS: dict[str, dict[str, float]] = {
    **dict.fromkeys(("above_takeoff", "above_sea", "above_ellipsoid", "altitude"), _METRES),
    **dict.fromkeys(("horizontal_sigma", "vertical_sigma"), _METRES),
    **dict.fromkeys(("media_time", "log_time"), _SECONDS),
    **dict.fromkeys((name for name in NAMES if name.startswith(("gimbal_", "platform_"))), _DEGREES),
    **dict.fromkeys(("latitude", "longitude"), _DEGREES),
    **dict.fromkeys(("moment", "date", "clock"), _ZONES | _SECONDS),
    **dict.fromkeys(("focal", "focal_35mm"), _MILLIMETRES),
}
_UNIT = re.compile(r"[(\[]([^()\[\]]{0,24})[)\]]\s{0,8}$")
_HEADER_LETTERS = 60
"""Of a header, where it is shown."""
_SUFFIX = re.compile(r"(?i)(?<=[a-z0-9])_(m|ft|ms|us|s|deg|mm)$")
"""Our own way of writing units: `above_takeoff_m`."""


@dataclass(frozen=True, slots=True)
class Column:
    index: int
    header: str
    field: str
    unit: str
    """As written, empty if the header has none."""

    @property
    def factor(self) -> float:
        """To metres, seconds, degrees or millimetres; without a unit it is taken to be in these."""
        return UNITS.get(self.field, {}).get(self.unit, 1.0)

    @property
    def unit_known(self) -> bool:
        return not self.unit or self.unit in UNITS.get(self.field, {})


def columns_of(header: list[str]) -> list[Column]:
    """The columns of a header that are known."""
    found = []
    for index, text in enumerate(header):
        name, unit = _split(text.strip())
        known = _KNOWN.get(name)
        if known is not None:
            found.append(Column(index, text.strip()[:_HEADER_LETTERS], known, unit))
    return found


def _split(header: str) -> tuple[str, str]:
    """A header's name in small letters and digits, and its unit."""
    found = _UNIT.search(header)
    if found is not None:
        name, unit = header[: found.start()], found[1].strip().lower()
    else:
        suffix = _SUFFIX.search(header)
        name, unit = (header, "") if suffix is None else (header[: suffix.start()], suffix[1].lower())
    return re.sub(r"[^a-z0-9]", "", name.lower()), unit


def one_of_each(columns: list[Column]) -> tuple[dict[str, Column], list[str]]:
    """The first column of each field whose unit is known, preferring metric ones; and what was passed over."""
    chosen: dict[str, Column] = {}
    passed = []
    for column in columns:
        had = chosen.get(column.field)
        if not column.unit_known:
            passed.append(f"{column.header} (unit unknown)")
        elif had is None or (column.unit in ("m", "s") and had.unit in ("ft", "ms", "formatted")):
            chosen[column.field] = column
            passed += [had.header] if had is not None else []
        else:
            passed.append(column.header)
    return chosen, passed
