"""Subtitles inside of a video: DJI's "video captions", which some models write into the MP4 instead of beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import av
from av.error import FFmpegError
from av.stream import Discard

from edge.flights.reading.logs import MAX_VIDEO_BYTES, Clues, Line, open_log
from edge.flights.reading.srt import CUE_LETTERS, Cue, read_cues
from edge.flights.telemetry import TelemetryError, TelemetryLog

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.subtitles.stream import SubtitleStream


def read_captions(path: Path, clues: Clues | None = None) -> TelemetryLog:
    """Fixes of a video's first text track. `line` counts captions, `media_time` from the first picture.

    Raises:
        TelemetryError: it cannot be opened, has no text track, or no caption has a position.
    """
    open_log(path, MAX_VIDEO_BYTES).close()
    try:
        with av.open(str(path.absolute()), "r", metadata_errors="replace") as container:
            if not container.streams.subtitles:
                raise TelemetryError(f"{path}: line 1 (captions): has no text track")
            return read_cues(path, _cues(container), clues)
    except (FFmpegError, OSError, ValueError) as error:
        raise TelemetryError(f"{path}: line 1 (captions): cannot be opened as a video: {error}") from error


def _packets(container: InputContainer) -> Iterator[Packet[SubtitleStream] | None]:
    """Packets of the first text track; None where they cannot be read on."""
    wanted = container.streams.subtitles[0]
    for stream in container.streams:
        if stream.index != wanted.index:
            stream.discard = Discard.all  # else every picture of a video of many gigabytes is read for its captions
    try:
        yield from container.demux(wanted)
    except (FFmpegError, IndexError):
        yield None


def _cues(container: InputContainer) -> Iterator[Cue]:
    stream, pictures = container.streams.subtitles[0], container.streams.video
    began = 0.0
    if pictures and pictures[0].start_time is not None and pictures[0].time_base is not None:
        began = float(pictures[0].start_time * pictures[0].time_base)
    sized = stream.codec_context.name == "mov_text"
    for number, packet in enumerate(_packets(container), start=1):
        if packet is None:
            yield Cue(number, None)
            break
        content = bytes(packet)
        if sized:  # two bytes with the text's length, and what styles it behind
            content = content[2 : 2 + int.from_bytes(content[:2], "big")]
        if not content.strip():
            continue
        start = None
        if packet.pts is not None and packet.time_base is not None:
            start = max(float(packet.pts * packet.time_base) - began, 0.0)
        cue = Cue(number, start)
        for text in content[: CUE_LETTERS + 1].decode("utf-8", "replace").splitlines():
            cue.add(Line(number, text, whole=True))
        yield cue
