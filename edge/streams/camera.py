"""The decode loop of one camera: packets into the ring, frames out, both on one media time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from edge.detectors.interface import Frame, Image
from edge.detectors.registry import FrameNeeds
from edge.sources.decoding import DecodeMode
from edge.sources.errors import SourceError, StreamChangedError
from edge.sources.video import StreamTemplate, VideoSource
from edge.streams.broken import BrokenWatch
from edge.streams.colour import PLANAR_LUMA, bgr_reader, converted, luma_view
from edge.streams.late import Baseline, LateGuard, Shedding
from edge.streams.plan import decode_plan, leaner
from edge.streams.planes import planes_reader
from edge.streams.rhythm import Rhythm, StreamFacts
from edge.streams.ring import PacketRing, RingPacket

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

HISTORY_SECONDS = 20.0
"""Lead (5 s) and tail (5 s) of a clip, the longest episode that is still one clip, and lag. A group of pictures (8 s
in office1) comes on top, see PacketRing."""
HISTORY_BYTES = 64 * 1024 * 1024
"""20 s at 16 Mbit/s are 40 MB: above what a 4K camera sends, below what twenty cameras may take of a small box."""
NO_PICTURE_SECONDS = 10.0
"""Packets of a live camera that give no picture for so long are garbage: opening it again may help, not waiting."""
NO_KEY_PICTURE_SECONDS = 60.0
"""The same where only key frames are decoded: some codecs space them out by 20 s and more when nothing moves."""

_SHED_MODE = {
    Shedding.NOTHING: DecodeMode.FULL,
    Shedding.FRAMES: DecodeMode.FULL,
    Shedding.NON_REFERENCE: DecodeMode.SKIP_NON_REFERENCE,
    Shedding.KEY_FRAMES_ONLY: DecodeMode.KEY_FRAMES,
}


class CameraStream:
    """Frames of a source, in presentation order, each with its media time and wall time.

    `wall_start` is the wall time of media time 0 (recordings); None stamps frames with their arrival (live cameras).
    `needs` lets the stream decode less than everything, and leave frames out when a live camera's judging falls behind;
    None decodes and gives everything, as `replay` does.
    """

    def __init__(
        self,
        source_id: str,
        source: VideoSource,
        *,
        wall_start: datetime | None = None,
        history_seconds: float = HISTORY_SECONDS,
        history_bytes: int = HISTORY_BYTES,
        needs: Sequence[FrameNeeds] | None = None,
        role: str = "main",
        ring: PacketRing | None = None,
    ) -> None:
        if wall_start is not None and wall_start.tzinfo is None:
            raise ValueError("wall_start needs a time zone")
        self.source_id = source_id
        self.ring = PacketRing(history_seconds, history_bytes) if ring is None else ring
        self.frames_decoded = 0
        self.dropped: Counter[str] = Counter()
        """Frames that were decoded and not given out: `late`, `out_of_order` (no stamp, or not after the previous)."""
        self.converted_from: str | None = None
        """The pixel format, where luma had to be converted (slower than looking at it in place)."""
        self.lag_seconds = 0.0
        self.baseline = Baseline()
        self._source = source
        self._size = (source.width, source.height)
        self._needs = needs
        self.also_needs: Callable[[], Sequence[FrameNeeds]] = tuple
        """Asked again at every key frame: what is needed for a while, beside the detectors."""
        self._guard = LateGuard() if source.live and needs is not None else None
        self._rhythm = Rhythm(role, source.codec, source.width, source.height)
        self._wall_start = wall_start
        self._time_base = source.time_base  # kept: PyAV makes a new Fraction at every look
        self._seconds_per_tick = float(source.time_base)
        self._origin: int | None = None
        self._template: StreamTemplate | None = None
        self._last_media_time = -1.0
        self._picture_at = 0.0
        self._broken = BrokenWatch()

    @property
    def media_time(self) -> float:
        """Of the latest picture, in seconds."""
        return max(self._last_media_time, 0.0)

    @property
    def origin_seconds(self) -> float | None:
        """Of media time 0, on the axis of the source's own stamps; None before the first packet."""
        return None if self._origin is None else self._origin * self._seconds_per_tick

    @property
    def facts(self) -> StreamFacts:
        """What is known of the stream's rhythm."""
        return self._rhythm.facts

    @property
    def shedding(self) -> Shedding:
        """What is left out now because judging falls behind."""
        return Shedding.NOTHING if self._guard is None else self._guard.shedding

    def frames(self) -> Iterator[Frame]:
        """Decodes until the source ends.

        Raises:
            StreamChangedError: the pictures have another size now.
            SourceError: the source is broken, or live and over; also when it ended without a single picture.
        """
        for packet in self._source.packets():
            self._remember(packet)
            if self._guard is not None:
                self._look_at_lag(packet)
            pictures = self._source.decode(packet)
            for picture in pictures:
                yield from self._frame(picture)
            if self._source.live:
                self._check_pictures(bool(pictures))
        for picture in self._source.decode(None):
            yield from self._frame(picture)
        if not self.frames_decoded and not self._source.stopping.is_set():
            raise self._source.nothing_decoded()

    def stop(self) -> None:
        """Makes `frames` end soon; from any thread."""
        self._source.stop()

    def close(self) -> None:
        """Closes the source. The ring stays and can still be cut."""
        self._source.close()

    def _remember(self, packet: Packet[VideoStream]) -> None:
        if packet.pts is None or packet.dts is None:
            return  # without a presentation time there is no place for it in a clip
        if self._origin is None:
            self._origin = packet.pts
        if self._template is None:
            self._template = self._source.template_for(packet)
        remembered = RingPacket.of(packet, self._media_time(packet.pts), self._time_base)
        self.ring.append(remembered, self._template)
        if self._needs is not None:
            self._rhythm.saw(remembered.media_time, remembered.data, is_key=remembered.is_key)
            if remembered.is_key:
                self._choose_mode()

    def _choose_mode(self) -> None:
        assert self._needs is not None, "without needs everything is decoded"
        planned = decode_plan([*self._needs, *self.also_needs()], [self._rhythm.facts]).mode
        self._source.mode = leaner(planned, _SHED_MODE[self.shedding])

    def _look_at_lag(self, packet: Packet[VideoStream]) -> None:
        assert self._guard is not None, "only live streams fall behind"
        if packet.dts is None or self._origin is None:
            return
        now = time.monotonic()
        # By decode stamps: with reordered pictures, presentation stamps leap to and fro.
        self.lag_seconds = self.baseline.saw(self._media_time(packet.dts), now)
        before = self._guard.shedding
        if self._guard.saw(self.lag_seconds, now) > before:
            self._choose_mode()  # at once; doing more again waits for a key frame anyway

    def _media_time(self, pts: int) -> float:
        assert self._origin is not None, "a packet comes before its frame"
        return (pts - self._origin) * self._seconds_per_tick

    def _frame(self, picture: VideoFrame) -> Iterator[Frame]:
        if (picture.width, picture.height) != self._size:
            raise StreamChangedError(
                f"{self._source.name}: the picture's size changed from {self._size[0]} × {self._size[1]} to "
                f"{picture.width} × {picture.height}; the stream is opened anew"
            )
        media_time = -1.0 if picture.pts is None else self._media_time(picture.pts)
        if media_time <= self._last_media_time:
            self.dropped["out_of_order"] += 1
            return
        self._last_media_time = media_time
        index = self.frames_decoded
        self.frames_decoded += 1
        if self._guard is not None and self._guard.drops(media_time):
            self.dropped["late"] += 1
            return
        start = self._wall_start
        yield Frame(
            source_id=self.source_id,
            index=index,
            media_time=media_time,
            wall_time=datetime.now(UTC) if start is None else start + timedelta(seconds=media_time),
            luma=self._luma(picture),
            read_bgr=bgr_reader(picture),
            read_planes=planes_reader(picture),
        )

    def _check_pictures(self, came: bool) -> None:
        now = time.monotonic()
        broken = self._broken.saw(self._source.packets_read, self._source.packets_broken, now)
        if broken:
            raise SourceError(
                f"{self._source.name}: {broken}; it sends garbage or packets are lost, it will be opened again"
            )
        if came or not self._picture_at:
            self._picture_at = now  # after they were judged: time that detectors took is not the camera's fault
        waited = now - self._picture_at
        if waited <= NO_PICTURE_SECONDS:
            return
        if self._source.mode is DecodeMode.KEY_FRAMES and waited <= NO_KEY_PICTURE_SECONDS:
            return
        raise SourceError(
            f"{self._source.name}: packets come, but none could be decoded for {waited:.0f} s "
            f"({self._source.packets_broken} broken); it sends garbage or packets are lost, it will be opened again"
        )

    def _luma(self, picture: VideoFrame) -> Image:
        if picture.format.name not in PLANAR_LUMA:
            self.converted_from = picture.format.name
            picture = converted(picture, "gray")
        return luma_view(picture)
