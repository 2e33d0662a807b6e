"""CSV logs of flights: Airdata, Litchi, DJI's records as PhantomHelp writes them, ArduPilot's tables, and our own.

The header decides. See `csv_columns` for the names.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edge.flights.reading.angles import upright
from edge.flights.reading.csv_columns import NAMES, Column, columns_of, one_of_each
from edge.flights.reading.logs import MAX_FIXES, Clues, Collected, Line, lines_of, number_in, zone_of
from edge.flights.reading.plausible import fault_of, keep_track
from edge.flights.reading.srt import FAR_UP_M
from edge.flights.telemetry import Attitude, Fix, TelemetryError, TelemetryLog

DIALECT = "csv"
HEADER_LINES = 20
"""A header stands in one of these: exports begin with `sep=,` or remarks."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_UNITS = ((1e9, 1e10, 1.0), (1e12, 1e13, 1e-3), (1e15, 1e16, 1e-6))
"""Seconds, milliseconds, microseconds since 1970, told apart by their size: 2001 to 2286."""
_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_TIME_OF_DAY = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?(?:\s?([AP]M))?", re.IGNORECASE)
_TEN_MILLIONTHS = 1e6
"""Latitudes from here on are integers of 1e-7 degrees, as MAVLink has them."""


class _BadRowError(ValueError):
    """A row that cannot be used; says why."""


def read_csv(path: Path, clues: Clues | None = None) -> TelemetryLog:
    """Fixes of a CSV log. `line` is the row's.

    Raises:
        TelemetryError: it cannot be read, its header has no latitude and longitude, or no row can be used.
    """
    return _Reader(path, clues or Clues()).read()


def looks_like_csv(lines: list[str]) -> bool:
    """Whether one of a text's first lines is a header that we know."""
    return any(_header(line) is not None for line in lines[:HEADER_LINES])


def _header(line: str) -> tuple[str, dict[str, Column], list[str]] | None:
    """Delimiter, columns and what was passed over, if the line is a header with latitude and longitude."""
    for delimiter in (",", ";", "\t"):
        row = _row(line, delimiter)
        chosen, passed = one_of_each(columns_of(row))
        if "latitude" in chosen and "longitude" in chosen:
            return delimiter, chosen, passed
    return None


def _row(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


class _Reader:
    def __init__(self, path: Path, clues: Clues) -> None:
        self._path = path
        self._clues = clues
        self._collected = Collected()
        self._columns: dict[str, Column] = {}
        self._delimiter = ","
        self._scale: float | None = None
        self._log_began: float | None = None

    def read(self) -> TelemetryLog:
        lines = lines_of(self._path)
        self._find_header(lines)
        fixes: list[Fix] = []
        for line in lines:
            if not line.text.strip():
                continue
            if len(fixes) >= MAX_FIXES:
                self._collected.refuse(line.number, "the log is too long; split it")
                break
            try:
                fix = self._fix(line)
                why = fault_of(fix)
                if why is not None:
                    raise _BadRowError(why)
                fixes.append(fix)
            except _BadRowError as error:
                self._collected.refuse(line.number, str(error))
        self._collected.fixes = fixes
        keep_track(self._collected)
        self._heights()
        if not self._collected.fixes:
            raise self._collected.nothing(self._path, DIALECT, "look whether the columns fit their headers")
        return self._collected.log(self._path, DIALECT)

    def _find_header(self, lines: Iterator[Line]) -> None:
        first: Line | None = None
        for line in lines:
            first = first or line
            found = _header(line.text)
            if found is not None:
                self._delimiter, self._columns, passed = found
                self._units(passed)
                return
            if line.number >= HEADER_LINES:
                break
        columns = [] if first is None else [each.strip()[:40] for each in _row(first.text, ",")[:12]]
        expected = f"{' or '.join(NAMES['latitude'][:3])}, and {' or '.join(NAMES['longitude'][:3])}"
        raise TelemetryError(
            f"{self._path}: line 1 ({DIALECT}): found columns {', '.join(columns) or 'none'}; "
            f"expected a header with {expected}; name the columns so (docs/edge/telemetry.md lists all names)"
        )

    def _units(self, passed: list[str]) -> None:
        """What the header leaves open."""
        read = self._collected.read
        for field in ("above_takeoff", "above_sea", "above_ellipsoid", "altitude"):
            column = self._columns.get(field)
            if column is not None and not column.unit:
                # ArduPilot's tables, which TimeUS tells, are in metres.
                certain = any(each.header.lower() == "timeus" for each in self._columns.values())
                read(f"unit of {column.header}", "metres", "the header has none", certain=certain)
        if passed:
            why = "others say the same, or their unit is unknown"
            read("columns passed over", ", ".join(each[:60] for each in passed[:8]), why)

    # ---- rows

    def _fix(self, line: Line) -> Fix:
        if not line.whole:
            raise _BadRowError("is cut short, or longer than a row can be")
        row = _row(line.text, self._delimiter)
        latitude, longitude = self._number(row, "latitude"), self._number(row, "longitude")
        if latitude is None or longitude is None:
            raise _BadRowError("has no latitude and longitude")
        scale = self._coordinates(latitude, longitude)
        return Fix(
            line.number,
            latitude * scale,
            longitude * scale,
            media_time=self._media_time(row),
            taken_at=self._taken(row),
            above_takeoff_m=self._height(row, "above_takeoff"),
            above_sea_m=self._height(row, "above_sea"),
            above_ellipsoid_m=self._height(row, "above_ellipsoid"),
            gimbal=self._attitude(row, "gimbal"),
            platform=self._attitude(row, "platform"),
            focal_mm=self._number(row, "focal"),
            focal_35mm_mm=self._number(row, "focal_35mm"),
            digital_zoom=self._number(row, "zoom"),
            horizontal_sigma_m=self._number(row, "horizontal_sigma"),
            vertical_sigma_m=self._number(row, "vertical_sigma"),
        )

    def _text(self, row: list[str], field: str) -> str:
        column = self._columns.get(field)
        return "" if column is None or column.index >= len(row) else row[column.index].strip()

    def _number(self, row: list[str], field: str) -> float | None:
        """In our units. None: there is no such column, or nothing in it."""
        text = self._text(row, field)
        if not text:
            return None
        if self._delimiter == ";":
            text = text.replace(",", ".", 1)
        value = number_in(text)
        column = self._columns[field]
        if value is None:
            raise _BadRowError(f"{column.header} is {text[:40]!r}, expected a number")
        return value * column.factor

    def _coordinates(self, latitude: float, longitude: float) -> float:
        """What coordinates are multiplied with; the first row that is no zero fix decides."""
        if self._scale is None and (latitude, longitude) != (0.0, 0.0):
            large = max(abs(latitude), abs(longitude)) >= _TEN_MILLIONTHS
            self._scale = 1e-7 if large else 1.0
            if large:
                self._collected.read("latitude, longitude", "1e-7 degrees", "they are integers over a million")
        return self._scale or 1.0

    def _height(self, row: list[str], field: str) -> float | None:
        value = self._number(row, field)
        if value is None and field == "above_takeoff" and self._altitude_is == "above_takeoff":
            return self._number(row, "altitude")
        if value is None and field == "above_sea" and self._altitude_is == "above_sea":
            return self._number(row, "altitude")
        return value

    @property
    def _altitude_is(self) -> str:
        """What a bare `altitude` stands for: beside a height above take-off it is the other one."""
        if "altitude" not in self._columns:
            return ""
        if "above_takeoff" in self._columns:
            return "" if "above_sea" in self._columns else "above_sea"
        return "above_takeoff"

    def _attitude(self, row: list[str], whose: str) -> Attitude | None:
        angles: list[float | None] = []
        for angle in ("yaw", "pitch", "roll"):
            value = self._number(row, f"{whose}_{angle}")
            if value is None and whose == "gimbal":
                tenths = self._number(row, f"{whose}_{angle}_tenths")
                value = None if tenths is None else tenths / 10
                if tenths is not None:
                    self._collected.read("gimbal…Raw", "tenths of a degree", "Litchi's raw values")
            angles.append(value)
        yaw, pitch, roll = angles
        if yaw is None or pitch is None:
            return None
        if roll is None:
            self._collected.read(f"roll of the {whose}", "0", "not logged; a gimbal keeps level", certain=False)
            roll = 0.0
        if max(abs(yaw), abs(pitch), abs(roll)) > 360:
            return Attitude(yaw, pitch, roll)  # refused later, with its number
        return upright(Attitude(yaw, pitch, roll))

    # ---- times

    def _media_time(self, row: list[str]) -> float | None:
        own = self._number(row, "media_time")
        if own is not None:
            return own
        column = self._columns.get("log_time")
        if column is None or ":" in self._text(row, "log_time"):
            return None
        seconds = self._number(row, "log_time")
        if seconds is None:
            return None
        if column.header.lower() == "timeus":
            seconds *= 1e-6
        elif not column.unit:
            self._collected.read(f"unit of {column.header}", "seconds", "the header has none", certain=False)
        self._collected.read(
            column.header,
            "since the first row, which is taken for the video's beginning",
            "no column says",
            certain=False,
        )
        self._log_began = seconds if self._log_began is None else self._log_began
        return seconds - self._log_began

    def _taken(self, row: list[str]) -> datetime | None:
        text = self._text(row, "moment")
        if not text:
            text = " ".join(each for each in (self._text(row, "date"), self._text(row, "clock")) if each)
        column = self._columns.get("moment") or self._columns.get("clock") or self._columns.get("date")
        if not text or column is None:
            return None
        number = number_in(text)
        if number is not None:
            return self._since_epoch(number, column)
        moment = _iso(text) or self._american(text)
        if moment is None or moment.tzinfo is not None:
            return moment
        if column.unit in ("utc", "gmt") or column.header.lower() == "utc":
            return moment.replace(tzinfo=UTC)
        return moment.replace(tzinfo=zone_of(self._clues, self._collected))

    def _since_epoch(self, number: float, column: Column) -> datetime | None:
        for least, most, factor in _EPOCH_UNITS:
            if least <= number < most:
                unit = {1.0: "seconds", 1e-3: "milliseconds", 1e-6: "microseconds"}[factor]
                self._collected.read(column.header, f"{unit} since 1970", "their size")
                return _EPOCH + timedelta(seconds=number * factor)
        return None

    def _american(self, text: str) -> datetime | None:
        """`8/29/2017 10:30:28.9 AM`, as DJI's records are exported."""
        date, clock = _AMERICAN.match(text), _TIME_OF_DAY.search(text)
        if date is None or clock is None:
            return None
        month, day, year = (int(part) for part in date.groups())
        hour, minute, second = (int(part) for part in clock.groups()[:3])
        if clock[5]:
            hour = hour % 12 + (12 if clock[5].upper() == "PM" else 0)
        try:
            moment = datetime(year, month, day, hour, minute, second, int((clock[4] or "0").ljust(6, "0")), UTC)
        except ValueError:
            return None
        self._collected.read("date", "month/day/year", "DJI's records are exported so", certain=day > 12)
        return moment.replace(tzinfo=None)

    def _heights(self) -> None:
        column = self._columns.get("altitude")
        if column is None or not self._altitude_is:
            return
        if self._altitude_is == "above_sea":
            self._collected.read(column.header, "height above the sea", "beside a height above take-off")
            return
        fixes = self._collected.fixes
        if any((fix.above_takeoff_m or 0) > FAR_UP_M for fix in fixes):
            taken_as, because = "height above the sea", f"over {FAR_UP_M:g} m above take-off no drone goes"
            self._collected.fixes = [
                replace(fix, above_takeoff_m=None, above_sea_m=fix.above_takeoff_m) for fix in fixes
            ]
        else:
            taken_as, because = "height above take-off", "as most exports mean it; the log does not say"
        self._collected.read(column.header, taken_as, because, certain=False)


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.strip().replace("/", "-", 2))
    except ValueError:
        return None
