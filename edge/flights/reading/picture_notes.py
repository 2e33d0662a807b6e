"""EXIF and XMP of a picture, as plain values, within bounds: JPEG by its segments, TIFF and DNG as they are."""

from __future__ import annotations

import io
import logging
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import exifread

from edge.flights.reading.logs import open_log
from edge.flights.reading.xmp import BadXmpError, find_packet, values_of
from edge.flights.telemetry import TelemetryError

_EXIF, _XMP = b"Exif\x00\x00", b"http://ns.adobe.com/xap/1.0/\x00"
_MAX_SEGMENTS = 400
_READS = 300_000
_READ_BYTES = 32 * 1024 * 1024
"""A maker's notes of 60 KB are read byte by byte; nothing honest needs more."""
_TIFF = (b"II*\x00", b"MM\x00*")
_FRAMES = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})

logging.getLogger("exifread").setLevel(logging.CRITICAL)  # it logs every oddity; ours are told with the file's name


@dataclass(frozen=True, slots=True)
class Notes:
    """`exif` by exifread's names (`GPS GPSLatitude`), `xmp` by (namespace, name)."""

    exif: Mapping[str, Any]
    xmp: Mapping[tuple[str, str], str]
    width: int | None
    height: int | None
    faults: tuple[str, ...]

    def number(self, tag: str) -> float | None:
        """The first value of an EXIF tag, if it is a finite number."""
        numbers = self.numbers(tag)
        return numbers[0] if numbers else None

    def numbers(self, tag: str) -> tuple[float, ...]:
        """All values of an EXIF tag; empty if one of them is no number, as a ratio over zero is."""
        values = getattr(self.exif.get(tag), "values", ())
        if not isinstance(values, list):
            return ()
        try:
            found = tuple(float(value) for value in values[:16])
        except (TypeError, ValueError, ZeroDivisionError, OverflowError):
            return ()
        return found if all(map(math.isfinite, found)) else ()

    def text(self, tag: str) -> str:
        value = getattr(self.exif.get(tag), "values", "")
        return value.strip(" \x00")[:200] if isinstance(value, str) else ""


class _RationedFile(io.BytesIO):
    """A file that answers so many times and no more: EXIF can ask for four thousand million bytes one by one."""

    def __init__(self, content: bytes = b"", behind: BinaryIO | None = None) -> None:
        super().__init__(content)
        self._behind = behind
        self._reads, self._bytes = _READS, _READ_BYTES

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads -= 1
        if self._reads < 0 or self._bytes <= 0:
            raise OSError("EXIF asks for more than any camera writes")
        size = self._bytes if size is None or size < 0 else min(size, self._bytes)
        piece = super().read(size) if self._behind is None else self._behind.read(size)
        self._bytes -= len(piece)
        return piece

    def seek(self, offset: int, whence: int = 0, /) -> int:
        if self._behind is None:
            return super().seek(offset, whence)
        return self._behind.seek(offset, whence)

    def tell(self) -> int:
        return super().tell() if self._behind is None else self._behind.tell()


def notes_of(path: Path) -> Notes:
    """EXIF and XMP of a JPEG, TIFF or DNG. What is broken of them is told in `faults`.

    Raises:
        TelemetryError: it cannot be read, or is no such picture.
    """
    with open_log(path) as file:
        try:
            head = file.read(4)
            if head.startswith(b"\xff\xd8\xff"):
                return _of_jpeg(file)
            if head in _TIFF:
                return _of_tiff(file)
        except OSError as error:
            raise TelemetryError(f"{path}: line 1 (still): cannot be read: {error.strerror or error}") from error
    found = head.hex(" ") or "nothing"
    raise TelemetryError(f"{path}: line 1 (still): begins with {found}, expected JPEG, TIFF or DNG")


def _of_jpeg(file: BinaryIO) -> Notes:
    exif, xmp, size = b"", b"", (None, None)
    file.seek(2)
    for _ in range(_MAX_SEGMENTS):
        marker = file.read(4)
        if len(marker) < 4 or marker[0] != 0xFF or marker[1] == 0xDA:
            break  # the picture itself begins, or the file is broken from here on
        length = int.from_bytes(marker[2:4], "big") - 2
        if marker[1] == 0xE1 and length > 0:
            segment = file.read(length)
            if segment.startswith(_EXIF) and not exif:
                exif = segment[len(_EXIF) :]
            elif segment.startswith(_XMP) and not xmp:
                xmp = segment[len(_XMP) :]
        elif marker[1] in _FRAMES and length >= 5:
            frame = file.read(length)
            if len(frame) >= 5:
                size = struct.unpack_from(">HH", frame, 1)
        elif length >= 0:
            file.seek(length, io.SEEK_CUR)
    faults: list[str] = []
    tags = _exif(_RationedFile(exif), faults) if exif else {}
    return Notes(tags, _xmp(xmp, faults), size[1] or None, size[0] or None, tuple(faults))


def _of_tiff(file: BinaryIO) -> Notes:
    faults: list[str] = []
    tags = _exif(_RationedFile(behind=file), faults)
    notes = Notes(tags, _xmp(find_packet(file) or b"", faults), None, None, tuple(faults))
    if "Image SubIFDs" in tags:
        return notes  # a DNG: the size that it begins with is its preview's
    width, height = notes.number("Image ImageWidth"), notes.number("Image ImageLength")
    return Notes(tags, notes.xmp, int(width or 0) or None, int(height or 0) or None, notes.faults)


def _exif(file: _RationedFile, faults: list[str]) -> dict[str, Any]:
    try:
        tags: dict[str, Any] = exifread.process_file(file, details=False, extract_thumbnail=False)
    except Exception as error:  # whatever its parser trips over
        faults.append(f"EXIF cannot be read: {str(error)[:120] or type(error).__name__}")
        return {}
    return tags


def _xmp(packet: bytes, faults: list[str]) -> dict[tuple[str, str], str]:
    if not packet:
        return {}
    try:
        return values_of(packet)
    except BadXmpError as error:
        faults.append(str(error))
        return {}
