"""KLV as a log: of a file of packets, or of the data stream in an MPEG transport stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import av
from av.error import FFmpegError
from av.stream import Discard

from edge.flights.reading.klv import KEY, Broken, LocalSet, Scanner, fix_of
from edge.flights.reading.logs import MAX_FIXES, MAX_VIDEO_BYTES, Collected, open_log
from edge.flights.reading.plausible import keep_track, refuse_faults
from edge.flights.telemetry import TelemetryError, TelemetryLog

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream

DIALECT = "misb-0601"
_PIECE_BYTES = 64 * 1024
_PATIENCE = 1_000
Timed = tuple[LocalSet | Broken, float | None]


def read_klv(path: Path) -> TelemetryLog:
    """Fixes of a file that holds KLV packets one after another (`.klv`, `.bin`). They have no `media_time`.

    Raises:
        TelemetryError: it cannot be read, or no packet has a position.
    """
    return _log(path, _of_file(path))


def read_transport_stream(path: Path) -> TelemetryLog:
    """Fixes of the KLV that is multiplexed with a video (MISB ST 1402: private or metadata stream).

    `media_time` counts from the first picture. `line` counts packets.

    Raises:
        TelemetryError: it cannot be opened, has no data stream, or no packet has a position.
    """
    open_log(path, MAX_VIDEO_BYTES).close()
    try:
        # An absolute path and a named format: nothing in a file's name or content sends libav elsewhere.
        with av.open(str(path.absolute()), "r", format="mpegts", metadata_errors="replace") as container:
            if not container.streams.data:
                raise TelemetryError(
                    f"{path}: line 1 ({DIALECT}): has no data stream, only {len(container.streams)} others; "
                    "give the log beside the video"
                )
            return _log(path, _of_container(container))
    except (FFmpegError, OSError, ValueError) as error:
        raise TelemetryError(f"{path}: line 1 ({DIALECT}): cannot be opened as a video: {error}") from error


def _log(path: Path, found: Iterable[Timed]) -> TelemetryLog:
    collected, fixes, unknown = Collected(), [], 0
    for number, (packet, media_time) in enumerate(found, start=1):
        if isinstance(packet, Broken) or packet.checksum_fault:
            collected.refuse(number, packet.why if isinstance(packet, Broken) else packet.checksum_fault)
            continue
        unknown += packet.unknown
        for fault in packet.faults:
            collected.read("values that cannot be read", "not known", fault, certain=False)
        fix = fix_of(packet, number, media_time, collected)
        if isinstance(fix, str):
            collected.refuse(number, fix)
        else:
            fixes.append(fix)
        if len(fixes) >= MAX_FIXES:
            collected.refuse(number, "the log is too long; split it")
            break
    refuse_faults(fixes, collected)
    keep_track(collected)
    if unknown:
        collected.read("other tags", f"{unknown} values left out", "nothing here needs them")
    if not collected.fixes:
        raise collected.nothing(path, DIALECT, "expected MISB ST 0601 packets with tags 13 and 14")
    return collected.log(path, DIALECT)


def _of_file(path: Path) -> Iterator[Timed]:
    scanner = Scanner()
    with open_log(path) as file:
        while piece := file.read(_PIECE_BYTES):
            for packet in scanner.feed(piece):
                yield packet, None
    for packet in scanner.finish():
        yield packet, None


def _of_container(container: InputContainer) -> Iterator[Timed]:
    """Packets of every data stream that holds KLV, each with seconds since the first picture."""
    pictures = container.streams.video
    began = None
    if pictures and pictures[0].start_time is not None and pictures[0].time_base is not None:
        began = float(pictures[0].start_time * pictures[0].time_base)
    for stream in container.streams:
        if stream.type != "data":
            stream.discard = Discard.all  # pictures are not put together for their telemetry
    scanners: dict[int, Scanner] = {}
    for packet in _packets(container):
        if packet is None:
            yield Broken("the stream is broken from here on"), None
            break
        scanner = scanners.setdefault(packet.stream.index, Scanner())
        seconds = None
        if packet.pts is not None and packet.time_base is not None and began is not None:
            seconds = float(packet.pts * packet.time_base) - began
        for found in scanner.feed(bytes(packet)):
            yield found, seconds
    for scanner in scanners.values():
        for found in scanner.finish():
            yield found, None


def _packets(container: InputContainer) -> Iterator[Packet[Stream] | None]:
    """Packets of the data streams; None where they cannot be read on."""
    stuck = 0
    while stuck < _PATIENCE:
        try:
            for packet in container.demux(*container.streams.data):
                stuck = 0
                yield packet
            return
        except BlockingIOError:  # libav found no packet in a stretch of the file, and would look on
            stuck += 1
        except (FFmpegError, IndexError):  # IndexError: a broken packet has added a stream that PyAV has not seen
            break
    yield None


def looks_like_klv(head: bytes) -> bool:
    """Whether a file that begins so holds packets of its own."""
    return KEY in head
