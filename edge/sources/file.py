"""A recording as a source: once or in a loop, as fast as possible or at the pace of the clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from edge.sources.errors import SourceError
from edge.sources.video import Timeline, VideoSource

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream


class FileSource(VideoSource):
    """A video file. `realtime` hands out packets when their time has come, as a camera would.

    Raises:
        SourceError: the file is missing, is no video, or holds no video stream; while iterating: it is cut short.
    """

    live = False

    def __init__(self, path: Path, *, realtime: bool = False, loop: bool = False, decode_threads: int = 1) -> None:
        if not path.exists():
            raise SourceError(f"{path}: no such file; relative paths start at the configuration file's folder")
        if path.is_dir():
            raise SourceError(f"{path}: is a folder, expected a video file")
        super().__init__(str(path), str(path), decode_threads=decode_threads)
        self._realtime = realtime
        self._loop = loop

    def packets(self) -> Iterator[Packet[VideoStream]]:
        timeline = Timeline(self.time_base, self.reorder_depth)
        pacer = _Pacer(self) if self._realtime else None
        placed = 0
        while True:
            restarted = placed > 0
            found = 0
            for packet in self._demux():
                found += 1
                if not timeline.place(packet, restarted=restarted):
                    continue
                restarted = False
                placed += 1
                if pacer is not None and not pacer.wait_for(packet):
                    return
                yield packet
            if self.stopping.is_set():
                return
            self._check_whole(found, placed)
            if not self._loop:
                return
            self._container.seek(0)

    def _check_whole(self, found: int, placed: int) -> None:
        expected = self._stream.frames  # 0 where the container does not say
        if not placed:
            raise SourceError(
                f"{self.name}: {found} packets, none of them a key frame with a time stamp; "
                "it is damaged or has no time stamps, copy it again or remux it into MP4"
            )
        if found < expected:
            raise SourceError(
                f"{self.name}: ends after {found} of {expected} frames; it was cut short, copy the whole file again"
            )


class _Pacer:
    """Holds packets back until their time has come, as a camera would."""

    def __init__(self, source: FileSource) -> None:
        self._source = source
        self._seconds_per_tick = float(source.time_base)
        self._origin: float | None = None

    def wait_for(self, packet: Packet[VideoStream]) -> bool:
        """False: the source was stopped while waiting."""
        assert packet.dts is not None, "the timeline stamps every packet"
        due = packet.dts * self._seconds_per_tick
        now = time.monotonic()
        if self._origin is None:
            self._origin = now - due
        wait = self._origin + due - now
        return wait <= 0 or not self._source.stopping.wait(wait)
