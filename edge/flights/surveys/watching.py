"""A folder in which flights appear: each is surveyed once it is whole, and none of them stops the next."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from zoneinfo import ZoneInfo

import structlog

from contract.ids import uuid7
from edge.flights.ground import GroundError
from edge.flights.material import STILLS, FlightError, shown
from edge.flights.reading.logs import Clues
from edge.flights.reading.sniff import LOG_SUFFIXES
from edge.flights.reading.stills import read_still
from edge.flights.register.errors import RegisterError
from edge.flights.shots import Progress
from edge.flights.surveys.area import Area, Said
from edge.flights.surveys.contents import Stamp, flight_sha256, flights_under, stamp_of
from edge.flights.surveys.health import AreaHealth, state_of
from edge.flights.surveys.records import RecordsError
from edge.flights.surveys.settings import SettingsError
from edge.flights.telemetry import TelemetryError
from edge.inference.errors import ModelError
from edge.outbox.sink import Commit
from edge.outbox.store import Outbox, OutboxError

log = structlog.get_logger("survey")

ASIDE = "aside"
"""Below the watched folder: what could not be surveyed, each with its reason in a text beside it."""
MOST_ATTEMPTS = 3
"""At one flight: what ends the program each time, by its memory or a fault of a decoder, must not do so for ever."""
LATER_SECONDS = 60.0
"""After settings, register or disk refused: people mend them."""
LOOK_AGAIN_SECONDS = 600.0
"""At what was surveyed: pictures may have been added. Counting all files of all flights each time would be slow."""
HEALTH_SECONDS = 60.0
MOST_REASON = 4_000
_LATER = (SettingsError, GroundError, RegisterError, RecordsError, ModelError, OutboxError, OSError, sqlite3.Error)
"""Nothing of it is the flight's fault."""


class Took(StrEnum):
    """What became of a flight that lay in the folder."""

    DONE = "done"
    ASIDE = "aside"
    LATER = "later"


@dataclass(slots=True)
class _Entry:
    """Something in the folder: how it was when it was last looked at."""

    stamp: Stamp
    since: float
    handled: bool = False
    look_at: float = 0.0


class Watch:
    """Watches the folder of one area. `turn` is called every few seconds, by one thread."""

    def __init__(
        self,
        area: Area,
        folder: Path,
        said: Callable[[], Said],
        outbox: Outbox,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        progress: Progress | None = None,
    ) -> None:
        """`said` reads the settings, anew for each flight; it raises SettingsError."""
        self.area, self.folder = area, folder
        self._said = said
        self._attempts = _Attempts(outbox, area.id)
        self._monotonic = monotonic
        self._progress = progress
        self._entries: dict[Path, _Entry] = {}
        self._not_before = 0.0
        self._missing = False
        self._trouble = ""
        self._health = AreaHealth(area.source, area.device_id, outbox, uuid7)
        self._health_due = 0.0

    def turn(self) -> int:
        """Looks at the folder, and surveys what is whole; how many flights. Raises nothing that a flight can cause."""
        now = self._monotonic()
        if now >= self._health_due:
            self._say_health(now)
        if now < self._not_before:
            return 0
        self._trouble = ""
        entries = {entry: _flights(entry) for entry in self._whole(now)}
        waiting = sorted((self._first_moment(path), str(path), path) for paths in entries.values() for path in paths)
        count = 0
        for _, _, path in waiting:
            if self._take(path) is Took.LATER:
                self._not_before = self._monotonic() + LATER_SECONDS
                self._say_health(now)
                return count
            count += 1
        for entry, paths in entries.items():
            if not paths and entry.is_dir():
                self._put_aside(entry, f"{shown(entry.name)}: found no pictures and no video in it")
            self._entries[entry].handled = True
            self._entries[entry].look_at = now + LOOK_AGAIN_SECONDS
            if not entry.exists():
                del self._entries[entry]  # put aside: what appears there next is another one
        if count:
            self._say_health(now)
        return count

    def _say_health(self, now: float) -> None:
        """Of what lies aside, too: people move it away."""
        self._health_due = now + HEALTH_SECONDS
        try:
            self._health.say(*state_of(self.folder, self.folder / ASIDE, self._trouble))
        except (OSError, sqlite3.Error) as error:
            log.warning("cannot say how an area is", area=self.area.id, reason=str(error))

    # ---- what is there

    def _whole(self, now: float) -> list[Path]:
        """Entries that have not changed for long enough, and were not looked at as they are."""
        try:
            present = [each for each in self.folder.iterdir() if each.name != ASIDE and not each.name.startswith(".")]
        except OSError as error:
            if not self._missing:
                log.error("the watched folder cannot be read", folder=str(self.folder), reason=str(error))
            self._missing = True
            return []
        self._missing = False
        self._entries = {path: entry for path, entry in self._entries.items() if path in set(present)}
        return [path for path in sorted(present) if self._is_whole(path, now)]

    def _is_whole(self, path: Path, now: float) -> bool:
        entry = self._entries.get(path)
        if entry is not None and entry.handled and now < entry.look_at:
            return False
        try:
            stamp = stamp_of(path)
        except OSError as error:
            log.warning("cannot be read, perhaps it is being copied", path=str(path), reason=str(error))
            return False
        if entry is None or entry.stamp != stamp:
            self._entries[path] = _Entry(stamp, now)
            return False
        if entry.handled:
            entry.look_at = now + LOOK_AGAIN_SECONDS
            return False
        return stamp.files > 0 and now - entry.since >= self.area.settings.settle_seconds

    def _first_moment(self, path: Path) -> float:
        """About when a flight began: of several at once the older one is the other's baseline."""
        try:
            if not path.is_dir():
                return path.stat().st_mtime
            first = min(each for each in path.iterdir() if each.suffix.lower() in STILLS)
            zone = self._said().settings.flight.zone
            taken_at = read_still(first, Clues(zone=ZoneInfo(zone) if zone else None)).taken_at
            return first.stat().st_mtime if taken_at is None else taken_at.timestamp()
        except (OSError, ValueError, SettingsError, TelemetryError):
            return 0.0  # what is wrong with it is said when it is its turn

    # ---- one flight

    def _take(self, path: Path) -> Took:
        area = self.area
        try:
            with self._attempts.at(path) as number:
                if number > MOST_ATTEMPTS:
                    ends = f"{MOST_ATTEMPTS} attempts to survey it have ended the program, or were broken off"
                    self._put_aside(path, f"{shown(path.name)}: {ends}; the log says more")
                    return Took.ASIDE
                log.info("begun", area=area.id, flight=str(path), attempt=number)
                taken = area.take(path, self._said(), again=False, progress=self._progress)
        except FlightError as error:
            self._put_aside(path, str(error))
            return Took.ASIDE
        except _LATER as error:
            log.error("cannot survey now, will be tried again", area=area.id, flight=str(path), reason=str(error))
            self._trouble = str(error)
            return Took.LATER
        except Exception as error:
            log.exception("a survey broke", area=area.id, flight=str(path))
            self._put_aside(
                path, f"{shown(path.name)}: {type(error).__name__}: {error}; this is a fault of the program"
            )
            return Took.ASIDE
        log.info("taken in", area=area.id, flight=taken.flight, outcome=taken.outcome.value, events=taken.events)
        return Took.DONE

    def _put_aside(self, path: Path, reason: str) -> None:
        """Moves it below `aside`, with its reason in a text beside it; where it cannot be moved, it stays."""
        log.error("put aside", area=self.area.id, flight=str(path), reason=reason)
        target = _free(self.folder / ASIDE / path.relative_to(self.folder))
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.with_name(f"{target.name}.txt").write_text(reason[:MOST_REASON] + "\n", encoding="utf-8")
            for log_file in [] if path.is_dir() else _logs_of(path):
                log_file.rename(target.parent / log_file.name)
            path.rename(target)
        except OSError as error:
            # A card that is write-protected, or a mount: it is not tried again before it changes.
            log.warning("cannot be moved, it stays where it is", path=str(path), reason=str(error))
        with suppress(OSError):
            _remove_empty(path.parent, self.folder)


class _Attempts:
    """How often a flight was begun and not ended, over restarts of the program."""

    def __init__(self, outbox: Outbox, area_id: str) -> None:
        self._outbox = outbox
        self._name = f"survey-attempts:{area_id}"

    @contextmanager
    def at(self, path: Path) -> Iterator[int]:
        """Which attempt this is, from 1. Only a program that ends without a word leaves it counted.

        Raises:
            FlightError: the flight cannot be read.
        """
        contents = flight_sha256(path)
        counts = self._read()
        number = counts.get(contents, 0) + 1
        self._write({**counts, contents: number})
        try:
            yield number
        finally:
            self._write({key: count for key, count in counts.items() if key != contents})

    def _read(self) -> dict[str, int]:
        text = self._outbox.state(self._name)
        try:
            found = json.loads(text or "{}")
            return {str(key): int(value) for key, value in found.items()}
        except (ValueError, TypeError, AttributeError):
            return {}

    def _write(self, counts: dict[str, int]) -> None:
        self._outbox.commit(Commit(state={self._name: json.dumps(counts, sort_keys=True)}))


def _flights(entry: Path) -> list[Path]:
    try:
        return flights_under(entry)
    except OSError:
        return []


def _logs_of(video: Path) -> list[Path]:
    return [each for each in video.parent.iterdir() if each.stem == video.stem and each.suffix.lower() in LOG_SUFFIXES]


def _free(path: Path) -> Path:
    number, free = 1, path
    while free.exists() or os.path.lexists(free.with_name(f"{free.name}.txt")):
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free


def _remove_empty(folder: Path, top: Path) -> None:
    """What a flight leaves behind that was moved away."""
    while folder != top and folder.is_relative_to(top) and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
