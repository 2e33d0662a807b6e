"""What every reader of logs shares: what it is told, lines within bounds, and what it brings back.

A log comes from a stranger's memory card: each limit here keeps a hostile file to bounded memory and time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from contract.geometry import Point
from edge.flights.telemetry import Fix, Interpretation, TelemetryError, TelemetryLog, Unread

MAX_FILE_BYTES = 500 * 1024 * 1024
"""Two hours of a record a frame have 200 MB."""
MAX_VIDEO_BYTES = 1 << 44
"""Any: a video is read packet by packet."""
MAX_LINE_BYTES = 16 * 1024
"""The longest line of a known dialect has 700."""
MAX_LINES = 5_000_000
"""Ten lines a record."""
MAX_FIXES = 500_000
"""Two hours and a quarter at 60 a second; no multirotor flies so long. About 350 MB."""
MAX_UNREAD = 1_000
"""What is beyond is counted, not listed."""

_NUMBER = re.compile(r"[-+]?\d{1,17}(?:\.\d{0,18})?")


@dataclass(frozen=True, slots=True)
class Clues:
    """What the caller knows and a log may not say.

    `near`: where the flight was, within some 100 km (the area of the survey); decides between latitude and longitude.
    `zone`: of the drone's clock, for logs that state none.
    """

    near: Point | None = None
    zone: tzinfo | None = None


@dataclass(frozen=True, slots=True)
class Line:
    number: int
    text: str
    """Without its end."""
    whole: bool
    """False: the file's last one without an end, which may be cut short; or `longer`."""
    longer: bool = False
    """Than a line may be: the rest of it is left out."""


def open_log(path: Path, most_bytes: int = MAX_FILE_BYTES) -> BinaryIO:
    """The file, if it is an ordinary one (no pipe, which may never answer) of an ordinary size.

    Raises:
        TelemetryError: it is missing, no file, too large, or may not be read.
    """
    try:
        found = path.stat()
        if not S_ISREG(found.st_mode):
            raise TelemetryError(f"{path}: is no file, expected a log; give the log's own path")
        if found.st_size > most_bytes:
            raise TelemetryError(
                f"{path}: has {found.st_size / 1e6:.0f} MB, a log has at most {most_bytes / 1e6:.0f}; split it"
            )
        return path.open("rb")
    except OSError as error:
        raise TelemetryError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a zero byte in the path
        raise TelemetryError(f"{path!r}: is no path: {error}") from error


def lines_of(path: Path) -> Iterator[Line]:
    """Lines of a text in UTF-8, or Latin-1 where a line is no UTF-8; a byte-order mark is left out.

    Raises:
        TelemetryError: see `open_log`; or the text is UTF-16, or has too many lines.
    """
    with open_log(path) as file:
        number = 0
        try:
            while raw := file.readline(MAX_LINE_BYTES):
                number, had = number + 1, len(raw)
                if number > MAX_LINES:
                    raise TelemetryError(f"{path}: line {number}: a log has at most {MAX_LINES} lines; split it")
                if number == 1:
                    raw = _without_mark(raw, path)
                whole = raw.endswith(b"\n")
                longer = not whole and _skipped(file, had)
                yield Line(number, _decoded(raw).rstrip("\r\n"), whole, longer)
        except OSError as error:
            raise TelemetryError(f"{path}: line {number}: cannot be read on: {error.strerror or error}") from error


def _without_mark(raw: bytes, path: Path) -> bytes:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise TelemetryError(f"{path}: line 1: the text is UTF-16, expected UTF-8; save it as UTF-8")
    return raw.removeprefix(b"\xef\xbb\xbf")


def _skipped(file: BinaryIO, had: int) -> bool:
    """Goes to the line's end; False if it was the end of the file."""
    if had < MAX_LINE_BYTES or not (more := file.readline(MAX_LINE_BYTES)):
        return False
    while more and not more.endswith(b"\n"):
        more = file.readline(MAX_LINE_BYTES)
    return True


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")  # every byte is a character: degree signs of older firmware


def number_in(text: str) -> float | None:
    """A plain decimal number, else None: no exponents, no `nan`, no `inf`, no separators of thousands."""
    found = _NUMBER.fullmatch(text)
    return None if found is None else float(text)


@dataclass(slots=True)
class Collected:
    """What a reader has found so far. It stops growing at the limits, and says so."""

    fixes: list[Fix] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    left_out: int = 0
    last_line: int = 0
    readings: dict[str, Interpretation] = field(default_factory=dict)

    @property
    def full(self) -> bool:
        return len(self.fixes) >= MAX_FIXES

    def refuse(self, line: int, why: str) -> None:
        self.last_line = max(self.last_line, line)
        if len(self.unread) < MAX_UNREAD:
            self.unread.append(Unread(line, why))
        else:
            self.left_out += 1

    def read(self, name: str, taken_as: str, because: str, *, certain: bool = True) -> None:
        """The first reading of a field stands for the file, but doubt is kept."""
        had = self.readings.get(name)
        if had is None or (had.certain and not certain):
            self.readings[name] = Interpretation(name, taken_as, because, certain)

    def log(self, path: Path, dialect: str) -> TelemetryLog:
        unread = sorted(self.unread, key=lambda each: each.line)
        if self.left_out:
            unread.append(Unread(self.last_line, f"and {self.left_out} more records that could not be used"))
        return TelemetryLog(str(path), dialect, tuple(self.fixes), tuple(self.readings.values()), tuple(unread))

    def nothing(self, path: Path, dialect: str, todo: str) -> TelemetryError:
        """The error of a file that has not one record that can be used."""
        if not self.unread:
            return TelemetryError(f"{path}: line 1 ({dialect}): holds no record; {todo}")
        first, count = self.unread[0], len(self.unread) + self.left_out
        return TelemetryError(
            f"{path}: line {first.line} ({dialect}): none of {count} records can be used, this one: {first.why}; {todo}"
        )


def zone_of(clues: Clues, collected: Collected) -> tzinfo:
    """The zone of a clock that states none, and how that was read."""
    if clues.zone is not None:
        collected.read("time zone", str(clues.zone), "the log states none; it is configured")
        return clues.zone
    collected.read("time zone", "UTC", "the log states none, and none is configured", certain=False)
    return UTC
