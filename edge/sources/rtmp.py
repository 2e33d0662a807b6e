"""A stream of an RTMP server: how drones' remote controls send what they see."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from edge.sources.container import LiveSource, Opening
from edge.sources.errors import redact_url


class RtmpSource(LiveSource):
    """What somebody publishes to an RTMP server. Neither credentials nor the stream's name appear in any message.

    Raises:
        SourceError: no connection, refused, nothing is published; while iterating: the stream ended or froze.
    """

    def __init__(
        self,
        url: str,
        *,
        open_timeout_seconds: float = 10.0,
        read_timeout_seconds: float = 10.0,
        decode_threads: int = 1,
        hardware: str = "none",
    ) -> None:
        opening = Opening(
            url=url,
            # `live`: never a recording of the same name. libav's own format is not asked for by content.
            options={"rtmp_live": "live", "analyzeduration": "1000000", "fpsprobesize": "0"},
            format="live_flv",
            timeouts_seconds=(open_timeout_seconds, read_timeout_seconds),
            decode_threads=decode_threads,
            hardware=hardware,
        )
        super().__init__(opening, without_key(redact_url(url)))


def without_key(url: str) -> str:
    """A redacted address without the last part of its path and its query: whoever knows them may publish there, too.

    >>> without_key("rtmp://10.0.0.7/live/k3y?a=b")
    'rtmp://10.0.0.7/live/***'
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return "rtmp://***"
    head, _, key = parts.path.rpartition("/")
    return urlunsplit(parts._replace(path=f"{head}/***" if key else parts.path, query="", fragment=""))
