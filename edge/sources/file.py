"""A recording as a source: once or in a loop, as fast as possible or at the pace of the clock."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from edge.sources.container import ContainerSource, Opening
from edge.sources.errors import SourceError
from edge.sources.pacing import Pacer
from edge.sources.timeline import Timeline

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream


class FileSource(ContainerSource):
    """A video file. `realtime` hands out packets when their time has come, as a camera would.

    Raises:
        SourceError: the file is missing, is no video, or holds no video stream; while iterating: it is cut short.
    """

    live = False

    def __init__(
        self,
        path: Path,
        *,
        realtime: bool = False,
        loop: bool = False,
        decode_threads: int = 1,
        hardware: str = "none",
    ) -> None:
        if not path.exists():
            raise SourceError(f"{path}: no such file; relative paths start at the configuration file's folder")
        if path.is_dir():
            raise SourceError(f"{path}: is a folder, expected a video file")
        super().__init__(Opening(str(path), decode_threads=decode_threads, hardware=hardware), str(path))
        self._realtime = realtime
        self._loop = loop

    def packets(self) -> Iterator[Packet[VideoStream]]:
        timeline = Timeline(self.time_base, self.reorder_depth)
        pacer = Pacer(self) if self._realtime else None
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
