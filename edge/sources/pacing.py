"""Packets in their own time, as a camera would send them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

    from edge.sources.video import VideoSource


class Pacer:
    """Holds packets back until their time has come. What is late is handed out at once."""

    def __init__(self, source: VideoSource) -> None:
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
