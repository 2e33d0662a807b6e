"""What a flight or a register holds, as a hash: the same under another name, another one when a picture is added."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from contract.canonical import canonical_bytes, sha256_hex
from edge.flights.material import MOST_ENTRIES, STILLS, VIDEOS, FlightError, shown
from edge.flights.reading.sniff import LOG_SUFFIXES
from edge.flights.survey_settings import SurveySettings

END_BYTES = 64 * 1024
"""Read of either end of a file. Headers, times and places stand there; a flight of 10 GB is known in a second."""
DEEPEST = 5
"""Folders below an entry of a watched folder: cards have DCIM/100MEDIA."""
MOST_STAMPED = 200_000


@dataclass(frozen=True, slots=True)
class Stamp:
    """Whether something still grows: two that are equal, some time apart, say that it does not."""

    files: int
    bytes: int
    changed_ns: int


def flight_sha256(path: Path) -> str:
    """Of a folder's pictures, videos and logs, or of a video and its logs: names, sizes and both ends of each. An
    orthophoto is a file as well.

    Raises:
        FlightError: it cannot be read, or there are too many files.
    """
    digest = hashlib.sha256()
    try:
        for file in sorted(_of_flight(path), key=lambda each: each.name.encode("utf-8", "surrogateescape")):
            size = file.stat().st_size
            digest.update(file.name.encode("utf-8", "surrogateescape") + b"\x00" + str(size).encode() + b"\x00")
            digest.update(_ends(file, size))
    except OSError as error:
        raise FlightError(f"{shown(path)}: cannot be read: {error.strerror or error}") from None
    return digest.hexdigest()


def given_sha256(settings: SurveySettings, base: Path) -> str:
    """Of what shapes a survey beside the flights: settings, files of the register, terrain, the orthophoto.

    What cannot be read counts as absent: the survey itself says what is wrong with it.
    """
    files = [] if settings.register_ is None else [base / file.path for _, file in settings.register_.files()]
    terrain = settings.flight.ground.elevation
    if terrain is not None:
        files.append(terrain)
    if settings.orthophoto.surface is not None:
        files.append(settings.orthophoto.surface)
    if settings.change_model is not None:
        files.append(base / settings.change_model.path)
    parts = [_whole(file) for each in files for file in _with_siblings(each)]
    if settings.orthophoto.path is not None:
        with suppress(FlightError):
            parts.append(flight_sha256(settings.orthophoto.path))
    return sha256_hex(canonical_bytes({"settings": settings.model_dump(mode="json"), "files": parts}))


def stamp_of(path: Path) -> Stamp:
    """Of a file and its namesakes, or of everything in a folder.

    Raises:
        OSError: it cannot be read.
    """
    files = list(walked(path)) if path.is_dir() else list(_namesakes(path))
    stats = [file.stat() for file in files]
    times = [stat.st_mtime_ns for stat in stats]
    return Stamp(len(stats), sum(stat.st_size for stat in stats), max(times, default=0))


def flights_under(entry: Path) -> list[Path]:
    """What of an entry of a watched folder is a flight: folders with stills, and videos. By name; may be empty.

    Raises:
        OSError: it cannot be read.
    """
    if not entry.is_dir():
        return [entry] if entry.suffix.lower() in VIDEOS and entry.is_file() else []
    found: dict[Path, None] = {}
    for file in sorted(walked(entry)):
        if file.suffix.lower() in STILLS:
            found[file.parent] = None
        elif file.suffix.lower() in VIDEOS:
            found[file] = None
    # A video among stills is no flight of its own: folders of stills name what they leave.
    return [path for path in found if path.is_dir() or path.parent not in found]


def walked(folder: Path) -> Iterator[Path]:
    """Files at most `DEEPEST` folders down; links to folders are not followed, hidden files are a system's notes.

    Raises:
        OSError: it cannot be read, or holds more files than flights do.
    """
    waiting, count = [(folder, 0)], 0
    while waiting:
        current, depth = waiting.pop()
        for entry in current.iterdir():
            if entry.name.startswith("."):
                continue
            count += 1
            if count > MOST_STAMPED:
                raise OSError(f"holds more than {MOST_STAMPED} files: give one flight's folder")
            if entry.is_dir():
                if depth < DEEPEST and not entry.is_symlink():
                    waiting.append((entry, depth + 1))
            elif entry.is_file():
                yield entry


def _of_flight(path: Path) -> Iterable[Path]:
    if not path.is_dir():
        path.stat()  # says why it cannot be read
        return _namesakes(path)
    known = STILLS | VIDEOS | set(LOG_SUFFIXES)
    found = []
    for entry in path.iterdir():
        if not entry.name.startswith(".") and entry.suffix.lower() in known and entry.is_file():
            found.append(entry)
            if len(found) > MOST_ENTRIES:
                raise FlightError(f"{shown(path)}: has more than {MOST_ENTRIES} entries: give one flight's folder")
    return found


def _namesakes(path: Path) -> Iterator[Path]:
    """A video and the logs beside it."""
    for entry in path.parent.iterdir():
        is_log = entry.stem == path.stem and entry.suffix.lower() in LOG_SUFFIXES
        if (entry.name == path.name or is_log) and entry.is_file():
            yield entry


def _ends(file: Path, size: int) -> bytes:
    with file.open("rb") as opened:
        head = opened.read(END_BYTES)
        if size > 2 * END_BYTES:
            opened.seek(size - END_BYTES)
        return hashlib.sha256(head + opened.read(END_BYTES)).digest()


def _with_siblings(file: Path) -> list[Path]:
    """A Shapefile is five files."""
    if file.suffix.lower() != ".shp":
        return [file]
    try:
        return sorted(each for each in file.parent.iterdir() if each.stem == file.stem and each.is_file())
    except OSError:
        return [file]


def _whole(file: Path) -> str:
    digest = hashlib.sha256()
    try:
        with file.open("rb") as opened:
            while block := opened.read(1024 * 1024):
                digest.update(block)
    except OSError:
        return ""
    return digest.hexdigest()
