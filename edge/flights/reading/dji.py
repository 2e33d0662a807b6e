"""One record of DJI's subtitles: the dialects, each turned into the same values. Texts only; see `srt` for the file.

DJI documents none of this. Each dialect is described in docs/edge/telemetry.md from real logs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from edge.flights.reading.logs import number_in

BRACKETED, GPS, P4RTK, COMMA = "dji-bracketed", "dji-gps", "dji-p4rtk", "dji-comma"
SETTINGS_ONLY = "dji-settings-only"

_BRACKET = re.compile(r"\[([^\[\]]{1,300})\]")
_PAIR = re.compile(r"([a-z][a-z_0-9]{0,23})\s{0,4}:\s{0,4}([^\s,:]{1,32})")
_NUMBER = r"([-+]?\d{1,5}(?:\.\d{0,15})?)"
_GPS = re.compile(rf"GPS ?\( ?{_NUMBER} ?, ?{_NUMBER} ?,? ?(?:{_NUMBER} ?(M?) ?)?\)", re.IGNORECASE)
_HOME = re.compile(rf"HOME ?\( ?{_NUMBER} ?, ?{_NUMBER} ?(?:, ?{_NUMBER} ?m? ?)?\)", re.IGNORECASE)
_BAROMETER = re.compile(rf"BAROMETER ?: ?{_NUMBER}(?![\d.])", re.IGNORECASE)
_P4_HEIGHT = re.compile(rf"(?:^|[\s,])H ?[: ] ?{_NUMBER} ?m(?![\w/])")
_P4_HOME_DISTANCE = re.compile(rf"(?:^|[\s,])D ?[: ] ?{_NUMBER} ?m(?![\w/])")
_DEGREES = r"[^\d,().-]{0,3}"
_P4_TURN = re.compile(
    rf"([FG])\.PRY ?\( ?{_NUMBER}{_DEGREES}, ?{_NUMBER}{_DEGREES}, ?{_NUMBER}{_DEGREES}\)", re.IGNORECASE
)
_COMMA_PAIR = re.compile(r"(?:^|[\s,])([A-Za-z]{1,20}) ?: ?([^\s,:]{1,32})")
_LENGTH = re.compile(rf"{_NUMBER} ?m?")

_LOOKS = (
    (BRACKETED, re.compile(r"\[\s{0,4}(?:latitude|long?t?itude)\b", re.IGNORECASE)),
    (P4RTK, re.compile(r"\b(?:[FG]\.PRY|H\.S)\b", re.IGNORECASE)),
    (GPS, re.compile(r"\bGPS ?\(", re.IGNORECASE)),
    (COMMA, re.compile(r"(?:^|[\s,])Lat ?:", re.IGNORECASE)),
    (SETTINGS_ONLY, re.compile(r"\b(?:iso|shutter|fnum|f/\d)", re.IGNORECASE)),
)

_BRACKET_NAMES = {
    "latitude": "latitude",
    "longitude": "longitude",
    "longtitude": "longitude",
    "rel_alt": "rel_alt",
    "abs_alt": "abs_alt",
    "altitude": "altitude",
    "focal_len": "focal_len",
    "dzoom_ratio": "dzoom_ratio",
    "gb_yaw": "gimbal_yaw",
    "gb_pitch": "gimbal_pitch",
    "gb_roll": "gimbal_roll",
    "gimbal_yaw": "gimbal_yaw",
    "gimbal_pitch": "gimbal_pitch",
    "gimbal_roll": "gimbal_roll",
    "drone_yaw": "platform_yaw",
    "drone_pitch": "platform_pitch",
    "drone_roll": "platform_roll",
}
_COMMA_NAMES = {
    "lat": "latitude",
    "lon": "longitude",
    "alt": "altitude",
    "yaw": "platform_yaw",
    "pitch": "platform_pitch",
    "roll": "platform_roll",
    "gimbalyaw": "gimbal_yaw",
    "gimbalpitch": "gimbal_pitch",
    "gimbalroll": "gimbal_roll",
}


POSITION_MARKS = {BRACKETED: "latitude", P4RTK: "gps", GPS: "gps", COMMA: "lat"}
"""What the line with the position has, in small letters."""


class BadRecordError(ValueError):
    """A record that cannot be used; says why."""


@dataclass(frozen=True, slots=True)
class Record:
    """What one record says, by plain names: `latitude`, `rel_alt`, `gimbal_yaw` … Angles in degrees, lengths in metres.

    Where the order of latitude and longitude is open, `pair` has both numbers, and `home` those of the take-off.
    """

    dialect: str
    values: dict[str, float] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    """Numbers whose writing matters: a focal length of `240` is not one of `24.00`."""
    pair: tuple[float, float] | None = None
    home: tuple[float, float] | None = None
    home_m: float | None = None
    metres_third: bool = False
    """The third number of `GPS(…)` is a height in metres, not a count of satellites."""
    decimals: int = 0
    """Of the coordinates."""


def dialect_of(text: str) -> str | None:
    """Which dialect a record is written in, None if it holds nothing that is known."""
    return next((name for name, look in _LOOKS if look.search(text)), None)


def record_in(text: str, dialect: str | None) -> Record:
    """What a record's text says; `dialect` as `dialect_of` has it.

    Raises:
        BadRecordError: it is none, is cut short, contradicts itself, or has no position.
    """
    reader = _READERS.get(dialect or "")
    if reader is not None:
        return reader(text)
    if text.count("[") != text.count("]"):
        raise BadRecordError("is cut short")
    if dialect == SETTINGS_ONLY:
        raise BadRecordError("holds settings of the camera, but no position")
    raise BadRecordError("holds nothing that is known" if text.strip() else "is empty")


def _named(found: list[tuple[str, str]], names: dict[str, str]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, value in found:
        known = names.get(name.lower())
        if known is not None and texts.setdefault(known, value) != value:
            raise BadRecordError(f"says {known} twice: {texts[known]} and {value}")
    return texts


def _numbers(texts: dict[str, str]) -> dict[str, float]:
    values = {}
    for name, text in texts.items():
        value = number_in(text)
        if value is None:
            raise BadRecordError(f"{name} is {text!r}, expected a number")
        values[name] = value
    for name in ("latitude", "longitude"):
        if name not in values:
            raise BadRecordError(f"has no {name}: cut short, or not logged")
    return values


def _bracketed(text: str) -> Record:
    inside = " , ".join(_BRACKET.findall(text)).lower()
    texts = _named(_PAIR.findall(inside), _BRACKET_NAMES)
    return Record(BRACKETED, _numbers(texts), texts, decimals=_decimals(texts["latitude"], texts["longitude"]))


def _gps(text: str) -> Record:
    found = _GPS.search(text)
    if found is None:
        if re.search(r"GPS ?\( ?N/A", text, re.IGNORECASE):
            raise BadRecordError("no fix: GPS(N/A…)")
        raise BadRecordError("GPS(…) cannot be read: cut short, or no numbers")
    home, barometer = _HOME.search(text), _BAROMETER.search(text)
    values = {} if barometer is None else {"barometer": float(barometer[1])}
    return Record(
        GPS,
        values,
        pair=(float(found[1]), float(found[2])),
        home=None if home is None else (float(home[1]), float(home[2])),
        metres_third=found[4] in ("M", "m"),
        decimals=_decimals(found[1], found[2]),
    )


def _p4rtk(text: str) -> Record:
    record = _gps(text)
    turns = {found[1].upper(): found for found in _P4_TURN.finditer(text)}
    if re.search(r"\bG\.PRY", text, re.IGNORECASE) and "G" not in turns:
        raise BadRecordError("G.PRY(…) cannot be read: cut short, or no numbers")
    values = dict(record.values)
    for letter, name in (("F", "platform"), ("G", "gimbal")):
        if letter in turns:
            for index, angle in enumerate(("pitch", "roll", "yaw"), start=2):
                values[f"{name}_{angle}"] = float(turns[letter][index])
    height, distance = _P4_HEIGHT.search(text), _P4_HOME_DISTANCE.search(text)
    if height is not None:
        values["height"] = float(height[1])
    return Record(
        P4RTK,
        values,
        pair=record.pair,
        home=record.home,
        home_m=None if distance is None else float(distance[1]),
        decimals=record.decimals,
    )


def _comma(text: str) -> Record:
    texts = _named(_COMMA_PAIR.findall(text), _COMMA_NAMES)
    if "altitude" in texts:
        height = _LENGTH.fullmatch(texts["altitude"])
        if height is None:
            raise BadRecordError(f"Alt is {texts['altitude']!r}, expected metres such as 12.3m")
        texts["altitude"] = height[1]
    return Record(COMMA, _numbers(texts), texts, decimals=_decimals(texts["latitude"], texts["longitude"]))


def _decimals(*numbers: str) -> int:
    return max(len(number.partition(".")[2]) for number in numbers)


_READERS = {BRACKETED: _bracketed, GPS: _gps, P4RTK: _p4rtk, COMMA: _comma}
