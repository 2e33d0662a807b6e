"""What a stream shows of itself: its counters, added to the meter of its source, which outlives the stream."""

from __future__ import annotations

import time

from edge.status import SourceMeter
from edge.streams.camera import CameraStream
from edge.streams.opened import OpenedCamera
from edge.streams.ring import PacketRing
from edge.streams.twin import MainRecorder

EVERY_SECONDS = 0.5
"""The supervisor takes the meter each second; reading a clock for every frame is all that this costs in between."""
RATE_SECONDS = 5.0


class StreamReadings:
    """Copies one session's counters into the meter. Used by the stream's own thread."""

    def __init__(
        self, meter: SourceMeter, opened: OpenedCamera, stream: CameraStream, recorder: MainRecorder | None
    ) -> None:
        self._meter = meter
        self._source = opened.decoded
        self._stream = stream
        self._ring: PacketRing = stream.ring
        self._recorder = recorder
        self._thread_began = time.thread_time()
        self._taken = {"packets": 0, "broken": 0, "bytes": 0, "decoded": 0, "cpu": 0.0}
        self._dropped: dict[str, int] = {}
        self._next = 0.0
        self._rate_from = (time.monotonic(), 0)
        meter.address = opened.decoded.name
        meter.codec = opened.decoded.codec
        meter.width, meter.height = opened.size.width, opened.size.height
        meter.role = opened.role
        meter.notices = (opened.missing,) if opened.missing else ()

    def judged(self) -> None:
        """A frame has been looked at, or passed over, by the detectors."""
        meter, now = self._meter, time.monotonic()
        meter.last_frame_at = now
        if now >= self._next:
            self._next = now + EVERY_SECONDS
            self._read(now)

    def close(self) -> None:
        """The session is over."""
        self._read(time.monotonic())
        self._meter.fps = self._meter.lag_seconds = self._meter.ring_seconds = 0.0
        self._meter.ring_bytes = 0
        self._meter.notices = ()

    def _read(self, now: float) -> None:
        meter, source, stream = self._meter, self._source, self._stream
        recorder_cpu = self._recorder.cpu_seconds if self._recorder is not None else 0.0
        cpu = time.thread_time() - self._thread_began + recorder_cpu
        meter.packets_read += self._more("packets", source.packets_read)
        meter.packets_broken += self._more("broken", source.packets_broken)
        meter.bytes_read += self._more("bytes", source.bytes_read)
        meter.frames_decoded += self._more("decoded", stream.frames_decoded)
        meter.cpu_seconds += max(cpu - self._taken["cpu"], 0.0)
        self._taken["cpu"] = cpu
        for reason, count in stream.dropped.items():
            meter.frames_dropped[reason] += count - self._dropped.get(reason, 0)
            self._dropped[reason] = count
        meter.decoding = source.decoding
        meter.media_time = stream.media_time
        meter.lag_seconds = round(max(stream.lag_seconds, 0.0), 3)
        meter.ring_bytes, meter.ring_seconds = self._ring.size_bytes, round(self._ring.seconds, 3)
        since, frames = self._rate_from
        if now - since >= RATE_SECONDS:
            meter.fps = round((stream.frames_decoded - frames) / (now - since), 2)
            self._rate_from = (now, stream.frames_decoded)

    def _more(self, name: str, count: int) -> int:
        added = count - int(self._taken[name])
        self._taken[name] = count
        return added
