"""Which reader a file needs: by what is in it, not by its name. And the log that belongs to a video."""

from __future__ import annotations

from datetime import tzinfo
from enum import StrEnum
from pathlib import Path

from contract.geometry import Point
from edge.flights.reading.captions import read_captions
from edge.flights.reading.csv_log import looks_like_csv, read_csv
from edge.flights.reading.klv_log import looks_like_klv, read_klv, read_transport_stream
from edge.flights.reading.logs import MAX_VIDEO_BYTES, Clues, open_log
from edge.flights.reading.srt import read_srt
from edge.flights.reading.stills import read_still_log
from edge.flights.telemetry import TelemetryError, TelemetryLog

LOG_SUFFIXES = (".srt", ".klv", ".bin", ".csv")
"""Of logs beside a video, the better one first: a record a frame before one a second."""
_HEAD_BYTES = 64 * 1024
_PACKET_BYTES = ((188, 0), (192, 4), (204, 0))
"""Of transport streams, and where in a packet the sync byte stands: plain, with time codes, with error correction."""
_SYNC = 0x47
_PICTURES = (b"\xff\xd8\xff", b"II*\x00", b"MM\x00*")
_VIDEOS = ((4, b"ftyp"), (0, b"\x1aE\xdf\xa3"), (0, b"RIFF"), (0, b"FLV"), (4, b"moov"), (4, b"mdat"))


class Kind(StrEnum):
    """What a file holds."""

    STILL = "still"
    KLV = "klv"
    TRANSPORT_STREAM = "transport_stream"
    VIDEO = "video"
    CSV = "csv"
    SUBTITLES = "subtitles"
    UNKNOWN = "unknown"


def read_telemetry(path: Path, *, near: Point | None = None, zone: tzinfo | None = None) -> TelemetryLog:
    """What a log, a still or a video with KLV says; for other videos the log beside it, else captions inside of it.

    `near`: where the flight was, within some 100 km; decides where latitude and longitude may be exchanged.
    `zone`: of the drone's clock, for logs that state none; without it their times are taken as UTC, which is told.

    Raises:
        TelemetryError: it cannot be read or is of no known kind; names file, line and dialect.
    """
    clues, kind = Clues(near, zone), _kind_at(path)
    beside = companion_of(path) if kind in (Kind.VIDEO, Kind.TRANSPORT_STREAM) else None
    if kind is Kind.TRANSPORT_STREAM:
        try:
            return read_transport_stream(path)
        except TelemetryError:
            if beside is None:
                raise
    if beside is not None:
        path, kind = beside, _kind_at(beside)
    return _read(path, kind, clues)


def _read(path: Path, kind: Kind, clues: Clues) -> TelemetryLog:
    if kind is Kind.STILL:
        return read_still_log(path, clues)
    if kind is Kind.KLV:
        return read_klv(path)
    if kind is Kind.CSV:
        return read_csv(path, clues)
    if kind is Kind.SUBTITLES:
        return read_srt(path, clues)
    if kind is Kind.VIDEO:
        return _of_video(path, clues)
    raise TelemetryError(
        f"{path}: line 1 (unknown): is of no known kind; expected DJI subtitles, CSV with a header, MISB KLV, "
        "a transport stream, or a JPEG, TIFF or DNG"
    )


def _of_video(path: Path, clues: Clues) -> TelemetryLog:
    """Captions inside of it: there is nothing beside it.

    Raises:
        TelemetryError: it has none, or none with a position.
    """
    try:
        return read_captions(path, clues)
    except TelemetryError as error:
        expected = f"{path.stem}.SRT or another of {', '.join(LOG_SUFFIXES)}"
        raise TelemetryError(f"{error}; put the log beside the video, named {expected}") from error


def kind_of(head: bytes) -> Kind:
    """What a file holds that begins so; 64 KB are enough."""
    if head.startswith(_PICTURES):
        return Kind.STILL
    if _is_transport_stream(head):
        return Kind.TRANSPORT_STREAM
    if any(head[at : at + len(magic)] == magic for at, magic in _VIDEOS):
        return Kind.VIDEO
    return Kind.KLV if looks_like_klv(head) else _kind_of_text(head)


def _kind_of_text(head: bytes) -> Kind:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Kind.SUBTITLES  # UTF-16: its reader says what to do
    if b"\x00" in head[:1024]:
        return Kind.UNKNOWN
    text = head.removeprefix(b"\xef\xbb\xbf").decode("latin-1")
    if "-->" in text:
        return Kind.SUBTITLES
    lines = text.splitlines()
    first = next((line for line in lines if line.strip()), "")
    separated = max(first.count(delimiter) for delimiter in ",;\t") >= 2
    return Kind.CSV if separated or looks_like_csv(lines) else Kind.SUBTITLES


def _is_transport_stream(head: bytes) -> bool:
    return any(
        len(head) >= 3 * size and all(head[at + size * index] == _SYNC for index in range(min(len(head) // size, 8)))
        for size, at in _PACKET_BYTES
    )


def _kind_at(path: Path) -> Kind:
    with open_log(path, MAX_VIDEO_BYTES) as file:
        try:
            return kind_of(file.read(_HEAD_BYTES))
        except OSError as error:
            raise TelemetryError(f"{path}: cannot be read: {error.strerror or error}") from error


def companion_of(video: Path) -> Path | None:
    """The log beside a video: of the same name, in small or capital letters, `DJI_0001.MP4` and `DJI_0001.srt`."""
    try:
        found = [
            each
            for each in sorted(video.parent.iterdir())
            if each.stem.lower() == video.stem.lower()
            and each.suffix.lower() in LOG_SUFFIXES
            and each.name != video.name
            and each.is_file()
        ]
    except OSError:
        return None
    return min(found, key=lambda each: LOG_SUFFIXES.index(each.suffix.lower()), default=None)
