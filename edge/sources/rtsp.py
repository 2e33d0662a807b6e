"""A camera spoken to by RTSP."""

from __future__ import annotations

from typing import Literal

from edge.sources.container import LiveSource, Opening
from edge.sources.errors import redact_url

UDP_BUFFER_BYTES = 2 * 1024 * 1024
"""A 4K key frame is 0.5-1 MB in one burst; Linux keeps 0.2 MB unless asked, and only if `net.core.rmem_max` allows."""
QUICK_OPENING = {"analyzeduration": "1000000", "fpsprobesize": "0"}
"""libav watches a stream for seconds before it calls it open, to guess its rate: a reconnect would be blind for 2.4 s
instead of 1.0 [measured, 15 frames a second]. Nothing is lost by it: what was watched is handed out."""


class RtspSource(LiveSource):
    """A live camera. Credentials inside `url` appear in no message.

    `transport`: TCP loses nothing and passes firewalls; UDP is for networks where latency matters more than pictures.
    A frozen camera is noticed after up to twice `read_timeout_seconds` (the demuxer reads twice before it gives up).

    Raises:
        SourceError: no connection, refused, no video; while iterating: the stream ended, froze or broke.
    """

    def __init__(
        self,
        url: str,
        *,
        transport: Literal["tcp", "udp"] = "tcp",
        open_timeout_seconds: float = 10.0,
        read_timeout_seconds: float = 10.0,
        decode_threads: int = 1,
        hardware: str = "none",
        with_data: bool = False,
    ) -> None:
        media = "video+data" if with_data else "video"
        options = {"rtsp_transport": transport, "allowed_media_types": media, **QUICK_OPENING}
        if transport == "udp":
            options["buffer_size"] = str(UDP_BUFFER_BYTES)
        opening = Opening(
            url=url,
            options=options,
            timeouts_seconds=(open_timeout_seconds, read_timeout_seconds),
            decode_threads=decode_threads,
            hardware=hardware,
            with_data=with_data,
        )
        super().__init__(opening, redact_url(url))
