"""A container with a video stream, opened through PyAV: a file, a camera behind a network or on a cable."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeGuard

import av
from av.codec.hwaccel import HWAccel
from av.error import FFmpegError
from av.stream import Discard

from edge.sources.decoding import DecodeMode, Decoder, chosen_accelerator
from edge.sources.errors import SourceError
from edge.sources.timeline import Timeline
from edge.sources.video import WAITING_FOR_KEY_FRAME, StreamTemplate, VideoSource

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

ARRIVAL_TIME_BASE = Fraction(1, 90_000)
PATIENCE_SECONDS = 2.0
"""Cameras begin in the middle of a group as often as not; a wait of this length is nothing to speak of."""

TELL_SECONDS = 1.0
UNREACHED = "check that the camera is on, and its host, port and network"
MAX_DATA_BYTES = 256 * 1024
"""Of one packet that is no picture: telemetry has some hundred."""


@dataclass(frozen=True, slots=True)
class Opening:
    """How a container is opened. `url` may hold credentials: it is shown nowhere."""

    url: str = field(repr=False)
    options: Mapping[str, str] = field(default_factory=dict)
    format: str | None = None
    timeouts_seconds: tuple[float, float] | None = None
    """To open, to read."""
    decode_threads: int = 1
    hardware: str = "none"
    """An accelerator, `auto` or `none`."""
    with_data: bool = False
    """Data streams are read too, for `VideoSource.on_data`."""


class ContainerSource(VideoSource):
    """What all sources have in common that libav opens.

    Raises:
        SourceError: it cannot be opened, or holds no video.
    """

    def __init__(self, opening: Opening, name: str) -> None:
        super().__init__(name)
        accelerator, self._without = chosen_accelerator(opening.hardware)
        self._read_timeout = None if opening.timeouts_seconds is None else opening.timeouts_seconds[1]
        self._container = _open(opening, name, accelerator)
        try:
            self._stream = self._only_video_stream()
        except SourceError:
            self._container.close()
            raise
        self._data = tuple(self._container.streams.data) if opening.with_data else ()
        for other in self._container.streams:
            if other.index != self._stream.index and other not in self._data:
                # Sound would keep the connection alive where the picture has stopped, and no timeout would ever strike.
                other.discard = Discard.all
        context = self._stream.codec_context
        context.thread_count = opening.decode_threads
        # One decoding thread a stream by default: the box decodes many streams, and its cost can be measured.
        context.thread_type = "NONE" if opening.decode_threads == 1 else "AUTO"
        self._decoder = Decoder(context, accelerator)
        self._picture_at = time.monotonic()
        self._picture_stamp: float | None = None
        self._moved_seconds = 0.0
        """By how much stamps of pictures were moved to be continuous: stamps of data follow them."""

    @property
    def width(self) -> int:
        return int(self._stream.width)

    @property
    def height(self) -> int:
        return int(self._stream.height)

    @property
    def time_base(self) -> Fraction:
        assert self._stream.time_base is not None, "libavformat gives every opened stream a time base"
        return self._stream.time_base

    @property
    def reorder_depth(self) -> int:
        """How many frames decoding runs ahead of showing."""
        return int(self._stream.codec_context.reorder_depth)

    @property
    def codec(self) -> str:
        return str(self._stream.codec_context.name)

    @property
    def holds_data(self) -> bool:
        return bool(self._data)

    @property
    def stream(self) -> VideoStream:
        """For `probe`, which asks more than the pipeline does."""
        return self._stream

    @property
    def container(self) -> InputContainer:
        """For `probe`."""
        return self._container

    @property
    def nominal_fps(self) -> float | None:
        rate = self._stream.average_rate or self._stream.base_rate
        return float(rate) if rate else None

    @property
    def duration_seconds(self) -> float | None:
        if self._stream.duration is not None:
            return float(self._stream.duration * self.time_base)
        return self._container.duration / 1_000_000 if self._container.duration else None

    @property
    def decoding(self) -> str:
        mode = str(self._decoder.mode)
        if self._decoder.accelerator:
            return f"{mode} by {self._decoder.accelerator}"
        return f"{mode} by the processor ({self._without})" if self._without else mode

    @property
    def packets_broken(self) -> int:
        return self._decoder.broken

    @property
    def mode(self) -> DecodeMode:
        return self._decoder.mode

    @mode.setter
    def mode(self, mode: DecodeMode) -> None:
        self._decoder.mode = mode

    def template_for(self, packet: Packet[VideoStream]) -> StreamTemplate:
        return StreamTemplate(self._stream, packet)

    def decode(self, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
        return self._decoder.decode(packet)

    def close(self) -> None:
        super().close()
        self._container.close()

    def _only_video_stream(self) -> VideoStream:
        if not self._container.streams.video:
            kinds = sorted({str(stream.type) for stream in self._container.streams}) or ["nothing"]
            raise SourceError(
                f"{self.name}: no video stream, found only {', '.join(kinds)}; "
                "give a video file, or the camera's video address"
            )
        stream = self._container.streams.video[0]
        if stream.codec_context is None or not stream.width or not stream.height:
            told = f"{self.name}: the video stream has no known codec or size"
            if not self.live:
                raise SourceError(f"{told}; re-encode it as H.264")
            raise SourceError(
                f"{told}, which a key frame tells, and none came while it was opened; "
                "check that the camera sends H.264 or H.265, and a key frame at least every two seconds"
            )
        return stream

    def _demux(self) -> Iterator[Packet[VideoStream]]:
        """Whole packets of the pictures until the source ends. Raises SourceError where reading fails."""
        try:
            for packet in self._container.demux(self._stream, *self._data):
                if self.stopping.is_set():
                    return
                if packet.size == 0:  # PyAV's mark of the end; we flush the decoder ourselves
                    continue
                if not self._is_picture(packet):
                    continue
                self.packets_read += 1
                self.bytes_read += packet.size
                yield packet
        except FFmpegError as error:
            reason = reason_of(error)
            if isinstance(error, av.error.ExitError) and self._read_timeout is not None:
                reason = f"nothing came for {self._read_timeout:g} s; the camera or the network stands still"
            raise SourceError(f"{self.name}: reading failed after {self.packets_read} packets: {reason}") from None
        except IndexError:
            # A transport stream began a stream that PyAV has not seen: opening it again shows them all.
            raise SourceError(
                f"{self.name}: a stream was added after {self.packets_read} packets; it will be opened again"
            ) from None

    def _is_picture(self, packet: Packet[Any]) -> TypeGuard[Packet[VideoStream]]:
        """Hands on what is none. Data must not keep a connection alive on which pictures have stopped."""
        if not self._data:
            return True
        now = time.monotonic()
        stamp = None
        if packet.pts is not None and packet.time_base is not None:
            stamp = float(packet.pts * packet.time_base) + self._moved_seconds
        if packet.stream.index == self._stream.index:
            self._picture_at, self._picture_stamp = now, stamp
            return True
        if self.on_data is not None and packet.size <= MAX_DATA_BYTES:
            # Asynchronous metadata (MISB ST 1402) has no stamp: it belongs to the picture that it comes behind.
            self.on_data(bytes(packet), self._picture_stamp if stamp is None else stamp)
        if self._read_timeout is not None and now - self._picture_at > 2 * self._read_timeout:
            raise SourceError(
                f"{self.name}: data came, but no picture for {2 * self._read_timeout:g} s; the camera stands still"
            )
        return False


class LiveSource(ContainerSource):
    """A camera. It never ends by itself: an end is a fault, however clean it looks.

    `stamps_by_arrival`: the format carries no times worth the name, so packets get that of their arrival.
    """

    live = True
    stamps_by_arrival = False

    @property
    def time_base(self) -> Fraction:
        return ARRIVAL_TIME_BASE if self.stamps_by_arrival else super().time_base

    def packets(self) -> Iterator[Packet[VideoStream]]:
        timeline = Timeline(self.time_base, self.reorder_depth, clock=time.monotonic)
        tell_at = time.monotonic() + PATIENCE_SECONDS
        waiting = True
        for packet in self._demux():
            if self.stamps_by_arrival:
                packet.time_base = ARRIVAL_TIME_BASE
                packet.pts = packet.dts = int(time.monotonic() / ARRIVAL_TIME_BASE)
            if timeline.place(packet):
                if self._data:
                    self._moved_seconds = float(timeline.shift * self.time_base)
                if waiting:
                    waiting = False
                    self._tell("")
                yield packet
            elif waiting and time.monotonic() >= tell_at:
                tell_at += TELL_SECONDS
                self._tell(WAITING_FOR_KEY_FRAME)
        if not self.stopping.is_set():
            raise SourceError(
                f"{self.name}: the live stream ended after {self.packets_read} packets; "
                "the camera stopped sending or restarted, it will be opened again"
            )


def reason_of(error: FFmpegError) -> str:
    """libav's words without the address, which may hold a password."""
    return error.strerror or type(error).__name__


def _open(opening: Opening, name: str, accelerator: str) -> InputContainer:
    try:
        try:
            return _open_with(opening, name, HWAccel(accelerator) if accelerator else None)
        except (FFmpegError, RuntimeError) as error:
            if not accelerator or isinstance(error, ConnectionError | TimeoutError):
                raise
            return _open_with(opening, name, None)  # the accelerator may be to blame: the processor decodes everything
    except FFmpegError as error:
        raise SourceError(f"{name}: cannot be opened: {reason_of(error)}; {_remedy(error)}") from None
    except UnicodeError:
        raise SourceError(f"{name}: cannot be opened: the address holds characters that no URL has") from None


def _open_with(opening: Opening, name: str, hwaccel: HWAccel | None) -> InputContainer:
    began = time.monotonic()
    try:
        # Cameras and editors write titles in any encoding: "replace", or libav's text would end the program.
        return av.open(
            opening.url,
            "r",
            format=opening.format,
            metadata_errors="replace",
            timeout=opening.timeouts_seconds,
            container_options=dict(opening.options) or None,
            hwaccel=hwaccel,
        )
    except FFmpegError:
        patience = None if opening.timeouts_seconds is None else opening.timeouts_seconds[0]
        if patience is None or time.monotonic() - began < patience:
            raise
        # libav gives what it was doing when it was interrupted: "invalid data" of a camera that never answered.
        raise SourceError(f"{name}: cannot be opened: no answer within {patience:g} s; {UNREACHED}") from None


def _remedy(error: FFmpegError) -> str:
    if isinstance(error, av.error.HTTPUnauthorizedError | av.error.HTTPForbiddenError | PermissionError):
        return "check user name and password"
    if isinstance(error, av.error.HTTPNotFoundError):
        return "check the path behind the host name, it differs between makers"
    if isinstance(error, av.error.HTTPServerError):
        return "it restarts, or serves as many viewers as it can; close other viewers, or take its second stream"
    if isinstance(error, ConnectionError | TimeoutError | av.error.ExitError):
        return UNREACHED
    if isinstance(error, av.error.InvalidDataError):
        return "it is no video or a broken one; play it, or copy it again"
    return "check the address"
