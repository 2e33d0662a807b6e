"""A camera spoken to by RTSP. It never ends by itself: an end is a fault, however clean it looks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from edge.sources.errors import SourceError, redact_url
from edge.sources.video import Timeline, VideoSource

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream


class RtspSource(VideoSource):
    """A live camera. Credentials inside `url` appear in no message.

    `transport`: TCP loses nothing and passes firewalls; UDP is for networks where latency matters more than pictures.
    A frozen camera is noticed after up to twice `read_timeout_seconds` (the demuxer reads twice before it gives up).

    Raises:
        SourceError: no connection, refused, no video; while iterating: the stream ended, froze or broke.
    """

    live = True

    def __init__(
        self,
        url: str,
        *,
        transport: Literal["tcp", "udp"] = "tcp",
        open_timeout_seconds: float = 10.0,
        read_timeout_seconds: float = 10.0,
        decode_threads: int = 1,
    ) -> None:
        super().__init__(
            url,
            redact_url(url),
            decode_threads=decode_threads,
            timeouts_seconds=(open_timeout_seconds, read_timeout_seconds),
            options={"rtsp_transport": transport, "allowed_media_types": "video"},
        )

    def packets(self) -> Iterator[Packet[VideoStream]]:
        timeline = Timeline(self.time_base, self.reorder_depth)
        for packet in self._demux():
            if timeline.place(packet):
                yield packet
        if not self.stopping.is_set():
            raise SourceError(
                f"{self.name}: the live stream ended after {self.packets_read} packets; "
                "the camera stopped sending or restarted, it will be opened again"
            )
