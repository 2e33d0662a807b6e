"""What a drone wrote down while it flew, whichever file it came from. Values only; reading is done in `reading/`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Attitude:
    """Where something points, in degrees.

    `yaw` clockwise from true north, `pitch` above the horizon (a camera that looks straight down has -90), `roll`
    clockwise about the forward axis as seen from behind. Turned in this order: yaw, pitch, roll.
    """

    yaw: float
    pitch: float
    roll: float


class Positioning(StrEnum):
    """How the drone knew where it was: decides how far its position is trusted where it does not say so itself."""

    GNSS = "gnss"
    RTK_FLOAT = "rtk_float"
    RTK_FIXED = "rtk_fixed"
    UNKNOWN = "unknown"


class Datum(StrEnum):
    """What heights are above."""

    TAKEOFF = "takeoff"
    """The place where this flight took off."""
    SEA = "sea"
    """Mean sea level: a geoid, as national heights and most elevation models have it."""
    ELLIPSOID = "ellipsoid"
    """WGS-84's, as RTK gives it: the sea's level is up to a hundred metres off it."""


@dataclass(frozen=True, slots=True)
class Fix:
    """One record of a log. What the log does not say is None: nothing is made up here.

    WGS-84 degrees; heights in metres, each above what its name says; sigmas are standard deviations of one axis in
    metres, only where the log states them.
    """

    line: int
    """Where it stands: line of a text, packet of a stream, 1 for a still."""
    latitude: float
    longitude: float
    media_time: float | None = None
    """Seconds since the first picture of the video that the log belongs to."""
    taken_at: datetime | None = None
    """Aware. A log without time zone is read as local to nowhere: see the log's readings."""
    above_takeoff_m: float | None = None
    above_sea_m: float | None = None
    """As logged: above the geoid, or what the maker takes for it."""
    above_ellipsoid_m: float | None = None
    gimbal: Attitude | None = None
    """Of the camera itself, against the world."""
    platform: Attitude | None = None
    focal_mm: float | None = None
    focal_35mm_mm: float | None = None
    digital_zoom: float | None = None
    positioning: Positioning = Positioning.UNKNOWN
    horizontal_sigma_m: float | None = None
    vertical_sigma_m: float | None = None


@dataclass(frozen=True, slots=True)
class Interpretation:
    """How something that can be read in two ways was read, and why: told to people, never decided silently."""

    field: str
    taken_as: str
    because: str
    certain: bool
    """False: another reading was possible, and the uncertainty of what rests on it has grown for it."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A record that could not be used. It costs itself only."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class TelemetryLog:
    """All records of one file, in its order."""

    path: str
    dialect: str
    """As the documentation lists them: `dji-bracketed`, `dji-gps`, `dji-p4rtk`, `misb-0601`, `csv` …"""
    fixes: tuple[Fix, ...]
    interpretations: tuple[Interpretation, ...] = ()
    unread: tuple[Unread, ...] = ()


class TelemetryError(Exception):
    """A log that cannot be used at all: the message names file, line, dialect, what was found and what to do."""
