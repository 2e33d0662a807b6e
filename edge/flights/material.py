"""What lies at a path: a folder of stills or one video. Files come from a stranger's memory card."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path

from edge.flights.reading.sniff import LOG_SUFFIXES

MOST_ENTRIES = 50_000
"""Of a folder: ten flights of a day have fewer."""
STILLS = frozenset({".jpg", ".jpeg", ".tif", ".tiff"})
VIDEOS = frozenset({".mp4", ".mov", ".mkv", ".avi", ".ts", ".m2ts", ".mts", ".mpg", ".mpeg", ".m4v"})
RAW = frozenset({".dng", ".raw", ".arw", ".nef", ".cr2", ".heic"})


class FlightError(Exception):
    """A path of which no flight can be made at all: the message says what was found and what to do."""


@dataclass(frozen=True, slots=True)
class Material:
    """Either stills or a video."""

    path: Path
    stills: tuple[Path, ...]
    video: Path | None
    left: tuple[str, ...] = ()
    """Names of what lies beside the stills and could hold pictures, but is not used."""


def material_of(path: Path) -> Material:
    """The stills of a folder, its only video, or the file itself.

    Raises:
        FlightError: nothing there, nothing that is read, or several videos.
    """
    if path.is_dir():
        return _in_folder(path)
    try:
        path.stat()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise FlightError(f"{shown(path)}: cannot be read: {why}; give a folder of stills, or a video") from None
    suffix = path.suffix.lower()
    if suffix in LOG_SUFFIXES:
        raise FlightError(f"{shown(path)}: is a log, expected its video: give that, the log beside it is found")
    if suffix in STILLS:
        return Material(path, (path,), None)
    return Material(path, (), path)


def _in_folder(folder: Path) -> Material:
    try:
        found = []
        for entry in folder.iterdir():
            found.append(entry)
            if len(found) > MOST_ENTRIES:
                raise FlightError(f"{shown(folder)}: has more than {MOST_ENTRIES} entries: give one flight's folder")
    except OSError as error:
        raise FlightError(f"{shown(folder)}: cannot be read: {error.strerror or error}") from None
    # Files that begin with a dot are a system's notes on the file of that name.
    files = sorted(entry for entry in found if not entry.name.startswith(".") and not entry.is_dir())
    stills = tuple(each for each in files if each.suffix.lower() in STILLS)
    videos = [each for each in files if each.suffix.lower() in VIDEOS]
    raw = [each for each in files if each.suffix.lower() in RAW]
    if stills:
        return Material(folder, stills, None, tuple(shown(each.name) for each in videos + raw))
    if len(videos) == 1:
        return Material(folder, (), videos[0], tuple(shown(each.name) for each in raw))
    if videos:
        names = ", ".join(shown(each.name) for each in videos[:5])
        raise FlightError(f"{shown(folder)}: found {len(videos)} videos ({names} …): give the path of one of them")
    if raw:
        raise FlightError(
            f"{shown(folder)}: found {len(raw)} raw pictures ({shown(raw[0].name)} …), expected JPEG or TIFF: save "
            "them as JPEG with their EXIF and XMP"
        )
    folders = sum(entry.is_dir() for entry in found)
    deeper = f"; it has {folders} folders: give one of them" if folders else ""
    raise FlightError(
        f"{shown(folder)}: found no picture among {len(files)} files, expected JPEG or TIFF stills, or a video{deeper}"
    )


def shown(text: object) -> str:
    """A path, or a text that quotes one, for screens and JSON: names may hold anything but a slash and a zero byte."""
    readable = str(text).encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(_visible(letter) for letter in readable)


def _visible(letter: str) -> str:
    # Cc, Cf: terminal commands, and marks that turn the direction of writing.
    return f"\\x{ord(letter):02x}" if unicodedata.category(letter) in {"Cc", "Cf", "Zl", "Zp"} else letter
