"""DJI's subtitle files (`DJI_0001.SRT`): cues, their times, and the fixes in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from edge.flights.reading import dji
from edge.flights.reading.angles import upright
from edge.flights.reading.logs import MAX_FIXES, Clues, Collected, Line, lines_of, zone_of
from edge.flights.reading.order import OrderEvidence
from edge.flights.reading.plausible import fault_of, keep_track, refuse_faults
from edge.flights.telemetry import Attitude, Fix, Positioning, TelemetryError, TelemetryLog

_CUE = re.compile(r"\s{0,8}(\d{1,3}):([0-5]\d):([0-6]\d)[,.](\d{1,3})\s{0,4}-->[\s\d:,.]{1,40}")
"""The Matrice 300 counts seconds to 60."""
_DATE = re.compile(
    r"(?<!\d)(\d{4})[-./](\d\d?)[-./](\d\d?)[ T](\d\d?):(\d\d):(\d\d)(?:[.,](\d{1,3})(?!\d)(?:[.,](\d{3}))?)?(?![\d])"
)
_INDEX = re.compile(r"\s{0,8}\d{1,9}\s{0,8}")
CUE_LINES = 24
CUE_LETTERS = 4_096
"""Of one cue; the longest known record has five lines and 800 letters."""

FAR_UP_M = 500.0
"""DJI's ceiling above take-off: an `altitude` over it is above the sea."""
_COARSE_DECIMALS = 5
TENTHS_FROM = 100.0
FILM_FROM_MM = 15.0
"""`240` is 24.0 mm; `24.00` is 24 mm of 35 mm film; no drone's own lens has 15 mm, no 35 mm equivalent less."""
ZOOM_ONE = 10_000.0
RESOLUTION = "position resolution"
"""The name of the interpretation that says that positions are coarser than GNSS knows them."""


@dataclass(slots=True)
class Cue:
    """One subtitle: when it is shown and the lines of its text."""

    line: int
    """Of its time."""
    start: float | None
    """Seconds, None where the time cannot be read."""
    text: list[Line] = field(default_factory=list)
    letters: int = 0
    longer: bool = False

    def add(self, line: Line) -> None:
        self.letters += len(line.text)
        if len(self.text) < CUE_LINES and self.letters <= CUE_LETTERS:
            self.text.append(line)
        else:
            self.longer = True


def read_srt(path: Path, clues: Clues | None = None) -> TelemetryLog:
    """Fixes of a subtitle file. `media_time` is when the cue starts, `line` that of the position.

    Raises:
        TelemetryError: it cannot be read, or has not one record with a position; names line and dialect.
    """
    return read_cues(path, cues_of(lines_of(path)), clues)


def read_cues(path: Path, cues: Iterable[Cue], clues: Clues | None = None) -> TelemetryLog:
    """Fixes of cues, wherever they were found; `path` is named in the log.

    Raises:
        TelemetryError: not one of them has a position; names line and dialect.
    """
    return _Reader(path, clues or Clues()).read(cues)


def cues_of(lines: Iterable[Line]) -> Iterator[Cue]:
    """Cues of a subtitle file. A cue ends where another begins; its number is left out."""
    cue: Cue | None = None
    held: Line | None = None
    """A line of digits: the number of the cue that comes, or a text."""
    for line in lines:
        if "-->" in line.text:
            if cue is not None:
                yield cue
            cue, held = Cue(line.number, _seconds(line.text)), None
            continue
        if held is not None:
            cue = cue or Cue(held.number, None)
            cue.add(held)
            held = None
        if not line.text.strip():
            continue
        if _INDEX.fullmatch(line.text):
            held = line
            continue
        cue = cue or Cue(line.number, None)
        cue.add(line)
    if cue is not None:
        yield cue


def _seconds(text: str) -> float | None:
    found = _CUE.fullmatch(text)
    if found is None:
        return None
    hours, minutes, seconds, fraction = found.groups()
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + int(fraction.ljust(3, "0")) / 1000


@dataclass(slots=True)
class _Draft:
    """A fix whose order of coordinates may still be open: then latitude is what came first."""

    fix: Fix
    dialect: str | None
    """Of the open order, None if there is no doubt."""


class _Reader:
    def __init__(self, path: Path, clues: Clues) -> None:
        self._path = path
        self._clues = clues
        self._collected = Collected()
        self._drafts: list[_Draft] = []
        self._orders: dict[str, OrderEvidence] = {}
        self._dialects: dict[str, int] = {}
        self._decimals = 0

    def read(self, cues: Iterable[Cue]) -> TelemetryLog:
        for cue in cues:
            if len(self._drafts) >= MAX_FIXES:
                self._collected.refuse(cue.line, "the log is too long; split it")
                break
            self._take(cue)
        refuse_faults(self._decided(), self._collected)
        keep_track(self._collected)
        self._heights()
        dialect = "+".join(name for name in self._dialects if name != dji.SETTINGS_ONLY) or "srt"
        if not self._collected.fixes:
            raise self._nothing(dialect)
        self._resolution()
        return self._collected.log(self._path, dialect)

    def _take(self, cue: Cue) -> None:
        """One cue: a draft of a fix, or a reason why not."""
        text = "\n".join(line.text for line in cue.text)
        dialect = dji.dialect_of(text)
        if dialect is not None:
            self._dialects[dialect] = self._dialects.get(dialect, 0) + 1
        mark = dji.POSITION_MARKS.get(dialect or "", "[")
        at = next((line.number for line in cue.text if mark in line.text.lower()), cue.line)
        try:
            if cue.start is None:
                raise dji.BadRecordError("its time cannot be read, expected 00:00:01,000 --> 00:00:02,000")
            if cue.longer or not all(map(_is_whole, cue.text)):
                raise dji.BadRecordError("is cut short, or longer than a record can be")
            draft = self._draft(dji.record_in(text, dialect), at, cue.start, text)
            why = fault_of(draft.fix) if draft.dialect is None or _is_zero(draft.fix) else None
            if why is not None:
                raise dji.BadRecordError(why)
            self._drafts.append(draft)
        except dji.BadRecordError as error:
            self._collected.refuse(at, str(error))

    def _draft(self, record: dji.Record, line: int, start: float, text: str) -> _Draft:
        values = record.values
        if record.pair is None:
            latitude, longitude, key = values["latitude"], values["longitude"], None
        else:
            latitude, longitude = record.pair
            key = f"{record.dialect}{'-m' if record.metres_third else ''}"
            evidence = self._orders.get(key) or self._orders.setdefault(key, OrderEvidence(record.metres_third))
            evidence.see(record.pair, record.home, record.home_m)
        self._decimals = max(self._decimals, record.decimals)
        film, own = self._focal(record.texts.get("focal_len"))
        fix = Fix(
            line,
            latitude,
            longitude,
            media_time=start,
            taken_at=self._taken(text),
            above_takeoff_m=self._above_takeoff(values),
            above_sea_m=self._above_sea(values),
            gimbal=self._attitude(values, "gimbal"),
            platform=self._attitude(values, "platform"),
            focal_mm=own,
            focal_35mm_mm=film,
            digital_zoom=self._zoom(record.texts.get("dzoom_ratio")),
            positioning=Positioning.GNSS if record.dialect == dji.GPS else Positioning.UNKNOWN,
        )
        return _Draft(fix, key)

    # ---- values

    def _taken(self, text: str) -> datetime | None:
        found = _DATE.search(text)
        if found is None:
            return None
        year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
        micro = int((found[7] or "").ljust(3, "0") + (found[8] or "000"))
        try:
            return datetime(year, month, day, hour, minute, second, micro, zone_of(self._clues, self._collected))
        except ValueError:
            return None  # digits, but no time

    def _above_takeoff(self, values: dict[str, float]) -> float | None:
        read = self._collected.read
        if "rel_alt" in values:
            read("rel_alt", "height above take-off", "its name")
            return values["rel_alt"]
        if "barometer" in values:
            read("BAROMETER", "height above take-off", "it is 0 at take-off in every log of this dialect")
            return values["barometer"]
        if "height" in values:
            read("H", "height above take-off", "it is 0 at HOME in every log of this dialect")
            return values["height"]
        return values.get("altitude")

    def _above_sea(self, values: dict[str, float]) -> float | None:
        if "abs_alt" not in values:
            return None
        self._collected.read(
            "abs_alt",
            "height above the sea",
            "models without RTK mean the sea, those with RTK the ellipsoid; the log does not say which it is",
            certain=False,
        )
        return values["abs_alt"]

    def _attitude(self, values: dict[str, float], whose: str) -> Attitude | None:
        yaw, pitch, roll = (values.get(f"{whose}_{angle}") for angle in ("yaw", "pitch", "roll"))
        if yaw is None or pitch is None:
            return None
        if roll is None:
            self._collected.read(f"roll of the {whose}", "0", "not logged; a gimbal keeps level", certain=False)
            roll = 0.0
        if max(abs(yaw), abs(pitch), abs(roll)) > 360:
            return Attitude(yaw, pitch, roll)  # refused later, with its number
        return upright(Attitude(yaw, pitch, roll))

    def _focal(self, text: str | None) -> tuple[float | None, float | None]:
        """Focal length of 35 mm film, and the lens's own."""
        if text is None:
            return None, None
        value, read = float(text), self._collected.read
        if value <= 0:
            return None, None
        if "." not in text and value >= TENTHS_FROM:
            usual = 200 <= value <= 600
            read("focal_len", f"{text}: tenths of a millimetre of 35 mm film", "DJI's integers", certain=usual)
            return value / 10, None
        if value >= FILM_FROM_MM:
            read("focal_len", f"{text}: millimetres of 35 mm film", "no drone's own lens is so long", certain=False)
            return value, None
        read("focal_len", f"{text}: the lens's own millimetres", "too short for 35 mm film", certain=False)
        return None, value

    def _zoom(self, text: str | None) -> float | None:
        if text is None:
            return None
        value, read = float(text), self._collected.read
        if value >= ZOOM_ONE / 10:
            read("dzoom_ratio", f"{text}: {value / ZOOM_ONE:g} times", "10000 is no zoom in DJI's integers")
            return value / ZOOM_ONE
        if 1 <= value <= 200:
            read("dzoom_ratio", f"{text}: times", "its size")
            return value
        read("dzoom_ratio", "not used", f"{text} is neither 1 to 200 nor 1000 and more", certain=False)
        return None

    # ---- the whole file

    def _decided(self) -> Iterator[Fix]:
        """Fixes with latitude and longitude told apart."""
        known = next(
            ((draft.fix.latitude, draft.fix.longitude) for draft in self._drafts if draft.dialect is None),
            None,
        )
        orders = {key: evidence.decide(self._clues.near, known) for key, evidence in self._orders.items()}
        for order in orders.values():
            taken_as = "latitude, longitude" if order.latitude_first else "longitude, latitude"
            self._collected.read("GPS(…)", taken_as, order.because, certain=order.certain)
        for draft in self._drafts:
            if draft.dialect is None or orders[draft.dialect].latitude_first:
                yield draft.fix
            else:
                yield replace(draft.fix, latitude=draft.fix.longitude, longitude=draft.fix.latitude)
        self._drafts.clear()

    def _heights(self) -> None:
        """What a bare `altitude` is above: nothing in the log says so."""
        if not ({dji.BRACKETED, dji.COMMA} & self._dialects.keys()):
            return
        read, fixes = self._collected.read, self._collected.fixes
        if "rel_alt" in self._collected.readings or all(fix.above_takeoff_m is None for fix in fixes):
            return
        if any((fix.above_takeoff_m or 0) > FAR_UP_M for fix in fixes):
            read("altitude", "height above the sea", f"over {FAR_UP_M:g} m above take-off no drone goes", certain=False)
            self._collected.fixes = [
                replace(fix, above_takeoff_m=None, above_sea_m=fix.above_takeoff_m) for fix in fixes
            ]
            return
        because = "most models mean it so, some the sea; the log does not say which it is"
        read("altitude", "height above take-off", because, certain=False)

    def _resolution(self) -> None:
        if self._decimals <= _COARSE_DECIMALS:
            step = 111_320 / 10**self._decimals
            self._collected.read(
                RESOLUTION, f"steps of {step:.2g} m", f"coordinates have {self._decimals} decimals", certain=False
            )

    def _nothing(self, dialect: str) -> TelemetryError:
        todo = "look whether the drone had a fix, or give another log of this flight"
        if set(self._dialects) == {dji.SETTINGS_ONLY}:
            dialect = dji.SETTINGS_ONLY
            todo = "this model logs no position into its videos; give the flight log of its app as CSV"
        return self._collected.nothing(self._path, dialect, todo)


def _is_whole(line: Line) -> bool:
    """Whether nothing is missing of it. Of a last line without an end: whether its brackets are closed."""
    return line.whole or (not line.longer and line.text.rstrip().endswith((")", "]", ">")))


def _is_zero(fix: Fix) -> bool:
    return (fix.latitude, fix.longitude) == (0.0, 0.0)
