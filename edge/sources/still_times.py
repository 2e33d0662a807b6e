"""When a still was taken: digits in its name, EXIF, or the file's own time. Pure but for looking at the file."""

from __future__ import annotations

import re
import struct
from datetime import UTC, datetime
from pathlib import Path

_IN_NAME = re.compile(
    r"(?<!\d)((?:19|20)\d{2})\D?(\d{2})\D?(\d{2})\D{0,2}(\d{2})\D?(\d{2})\D?(\d{2})(?:\D?(\d{1,6}))?(?!\d)"
)
"""20261121_081500, 2026-11-21T08-15-00.250, IMG20261121081500123 …"""
_HEAD_BYTES = 128 * 1024
"""EXIF lies in the first segment, which has at most 64 KB; some cameras put a JFIF segment before it."""
_IFD_ENTRIES = 200
_DATE_TIME, _EXIF_IFD, _DATE_TIME_ORIGINAL = 0x0132, 0x8769, 0x9003


def time_in_name(stem: str) -> float | None:
    """Seconds on the axis of the name's own clock (no zone is known: only differences mean something)."""
    found = _IN_NAME.search(stem)
    if found is None:
        return None
    *fields, fraction = found.groups()
    year, month, day, hour, minute, second = (int(part) for part in fields)
    microsecond = int((fraction or "0").ljust(6, "0"))
    try:
        return datetime(year, month, day, hour, minute, second, microsecond, tzinfo=UTC).timestamp()
    except ValueError:
        return None  # digits, but no time


def time_taken(path: Path) -> float:
    """Seconds: by EXIF, else the file's time of change.

    Raises:
        OSError: the file is gone.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    taken = exif_time(head)
    return path.stat().st_mtime if taken is None else taken


def exif_time(head: bytes) -> float | None:
    """`DateTimeOriginal` (or `DateTime`) of a JPEG's beginning, as seconds on the camera's own clock.

    Exif 2.32, §4.5: an APP1 segment that holds a TIFF structure. None: there is none, or it is broken.
    """
    start = head.find(b"Exif\x00\x00")
    if not head.startswith(b"\xff\xd8") or start < 0:
        return None
    tiff = head[start + 6 :]
    try:
        return _tiff_time(tiff)
    except (struct.error, ValueError, UnicodeDecodeError):
        return None


def _tiff_time(tiff: bytes) -> float | None:
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return None
    first = _directory(tiff, order, struct.unpack_from(order + "I", tiff, 4)[0])
    inner = _directory(tiff, order, first[_EXIF_IFD]) if _EXIF_IFD in first else {}
    for entries, tag in ((inner, _DATE_TIME_ORIGINAL), (first, _DATE_TIME)):
        if tag in entries:
            text = tiff[entries[tag] : entries[tag] + 19].decode("ascii")
            return datetime.strptime(text, "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
    return None


def _directory(tiff: bytes, order: str, offset: int) -> dict[int, int]:
    """Tags of one image file directory, with their value or its offset (of 32 bits either way)."""
    (count,) = struct.unpack_from(order + "H", tiff, offset)
    found = {}
    for index in range(min(count, _IFD_ENTRIES)):
        tag, _kind, _count, value = struct.unpack_from(order + "HHII", tiff, offset + 2 + 12 * index)
        found[tag] = value
    return found
