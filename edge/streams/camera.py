"""The decode loop of one camera: packets into the ring, frames out, both on one media time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import numpy as np

from edge.detectors.interface import Frame, Image, ReadBgr, Region
from edge.sources.video import StreamTemplate, VideoSource
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

PLANAR_LUMA = frozenset(
    {
        *("yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "yuv440p", "yuvj440p"),
        *("yuv411p", "yuvj411p", "yuv410p", "nv12", "nv21", "nv16", "nv24", "gray"),
    }
)
"""Pixel formats whose first plane is 8-bit luma, to be looked at where it lies."""


class CameraStream:
    """Frames of a source, in presentation order, each with its media time and wall time.

    `wall_start` is the wall time of media time 0 (recordings); None stamps frames with their arrival (live cameras).
    """

    def __init__(
        self,
        source_id: str,
        source: VideoSource,
        *,
        wall_start: datetime | None = None,
        history_seconds: float = HISTORY_SECONDS,
        history_bytes: int = HISTORY_BYTES,
    ) -> None:
        if wall_start is not None and wall_start.tzinfo is None:
            raise ValueError("wall_start needs a time zone")
        self.source_id = source_id
        self.ring = PacketRing(history_seconds, history_bytes)
        self.frames_decoded = 0
        self.frames_out_of_order = 0
        """Frames without a stamp, or whose time is not after the previous one's: left out."""
        self.converted_from: str | None = None
        """The pixel format, where luma had to be converted (slower than looking at it in place)."""
        self._source = source
        self._wall_start = wall_start
        self._time_base = source.time_base  # kept: PyAV makes a new Fraction at every look
        self._seconds_per_tick = float(source.time_base)
        self._origin: int | None = None
        self._template: StreamTemplate | None = None
        self._last_media_time = -1.0

    def frames(self) -> Iterator[Frame]:
        """Decodes until the source ends.

        Raises:
            SourceError: the source is broken, or live and over; also when it ended without a single picture.
        """
        for packet in self._source.packets():
            self._remember(packet)
            for picture in self._source.decode(packet):
                yield from self._frame(picture)
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
        self.ring.append(
            RingPacket(
                data=bytes(packet),
                media_time=self._media_time(packet.pts),
                pts=packet.pts,
                dts=packet.dts,
                duration=packet.duration or 0,
                time_base=self._time_base,
                is_key=packet.is_keyframe,
            ),
            self._template,
        )

    def _media_time(self, pts: int) -> float:
        assert self._origin is not None, "a packet comes before its frame"
        return (pts - self._origin) * self._seconds_per_tick

    def _frame(self, picture: VideoFrame) -> Iterator[Frame]:
        media_time = -1.0 if picture.pts is None else self._media_time(picture.pts)
        if media_time <= self._last_media_time:
            self.frames_out_of_order += 1
            return
        self._last_media_time = media_time
        start = self._wall_start
        wall_time = datetime.now(UTC) if start is None else start + timedelta(seconds=media_time)
        frame = Frame(
            source_id=self.source_id,
            index=self.frames_decoded,
            media_time=media_time,
            wall_time=wall_time,
            luma=self._luma(picture),
            read_bgr=bgr_reader(picture),
        )
        self.frames_decoded += 1
        yield frame

    def _luma(self, picture: VideoFrame) -> Image:
        if picture.format.name not in PLANAR_LUMA:
            self.converted_from = picture.format.name
            picture = picture.reformat(format="gray")
        return luma_view(picture)


def luma_view(picture: VideoFrame) -> Image:
    """The (height, width) Y plane of a picture in one of PLANAR_LUMA, read-only and without a copy.

    The view keeps the picture alive. Rows are `line_size` apart, which is often more than the width.
    """
    plane = picture.planes[0]
    view: Image = np.ndarray(
        (picture.height, picture.width), np.uint8, cast("memoryview[int]", plane), strides=(plane.line_size, 1)
    )
    view.flags.writeable = False
    return view


def bgr_reader(picture: VideoFrame) -> ReadBgr:
    """Converts on demand: colour costs more than everything the thrown-object detector does."""

    def read(region: Region | None = None) -> Image:
        bgr = np.asarray(picture.to_ndarray(format="bgr24"), dtype=np.uint8)
        if region is None:
            return bgr
        return bgr[region.y : region.y + region.height, region.x : region.x + region.width]

    return read
