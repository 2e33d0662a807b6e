"""Cameras that speak HTTP: an endless body (MJPEG, MPEG-TS, FLV), or a live playlist (HLS)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from edge.sources.container import LiveSource, Opening
from edge.sources.errors import SourceError, redact_url
from edge.sources.pacing import Pacer

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

PROTOCOLS = "http,https,httpproxy,tcp,tls,crypto"
"""What a playlist or a redirection may lead to: never a file of this box."""
UNSTAMPED_FORMATS = frozenset({"mpjpeg", "mjpeg", "h264", "hevc", "m4v"})
"""Formats without time stamps: libav counts pictures at 25 a second, whatever the camera does."""
ANALYSE_MICROSECONDS = 1_000_000
"""How much libav looks at before it opens: MJPEG is counted at 25 pictures a second, so a slow camera takes long."""


class HttpSource(LiveSource):
    """An endless video behind an HTTP address. Credentials inside `url` appear in no message.

    Raises:
        SourceError: no connection, refused, no video, or a recording; while iterating: the stream ended or froze.
    """

    def __init__(
        self,
        url: str,
        *,
        open_timeout_seconds: float = 10.0,
        read_timeout_seconds: float = 10.0,
        decode_threads: int = 1,
        hardware: str = "none",
        with_data: bool = False,
    ) -> None:
        opening = Opening(
            url=url,
            options={
                "protocol_whitelist": PROTOCOLS,
                "analyzeduration": str(ANALYSE_MICROSECONDS),
                "fpsprobesize": "0",
            },
            timeouts_seconds=(open_timeout_seconds, read_timeout_seconds),
            decode_threads=decode_threads,
            hardware=hardware,
            with_data=with_data,
        )
        super().__init__(opening, redact_url(url))
        _refuse_recording(self)
        names = set(self._container.format.name.split(","))
        self.stamps_by_arrival = bool(names & UNSTAMPED_FORMATS)

    @property
    def nominal_fps(self) -> float | None:
        return None if self.stamps_by_arrival else super().nominal_fps


class HlsSource(LiveSource):
    """A live playlist, from its newest segment on. Segments come at once; their packets are handed out in their time.

    Raises:
        SourceError: no connection, no playlist, or a finished one; while iterating: it ended, or nothing new came.
    """

    def __init__(
        self,
        url: str,
        *,
        open_timeout_seconds: float = 10.0,
        read_timeout_seconds: float = 30.0,
        decode_threads: int = 1,
        hardware: str = "none",
        with_data: bool = False,
    ) -> None:
        opening = Opening(
            url=url,
            options={"protocol_whitelist": PROTOCOLS, "live_start_index": "-1"},
            format="hls",
            timeouts_seconds=(open_timeout_seconds, read_timeout_seconds),
            decode_threads=decode_threads,
            hardware=hardware,
            with_data=with_data,
        )
        super().__init__(opening, redact_url(url))
        _refuse_recording(self)

    def packets(self) -> Iterator[Packet[VideoStream]]:
        pacer = Pacer(self)
        for packet in super().packets():
            if not pacer.wait_for(packet):
                return
            yield packet


def _refuse_recording(source: LiveSource) -> None:
    duration = source.duration_seconds
    if duration:
        source.close()
        raise SourceError(
            f"{source.name}: found a recording of {duration:.0f} s, expected a live stream; "
            "download it and give it as type: file"
        )
