"""A container with one video stream, opened through PyAV: packets with continuous time stamps, and their frames."""

from __future__ import annotations

import io
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

import av
from av.error import FFmpegError

from edge.sources.errors import SourceError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

RESTART_SECONDS = 1.0
"""A decode stamp that falls by more than this is a new beginning (a loop, a restarted encoder), not reordering."""


class StreamTemplate:
    """The parameters of a video stream, kept apart from the container they came from.

    A PyAV stream whose container is closed is a dangling pointer: using it as a template kills the process. NUT keeps
    codec parameters as they are (Matroska would rewrite Annex B parameter sets, and then packets no longer fit them).
    """

    def __init__(self, stream: VideoStream, packet: Packet[VideoStream]) -> None:
        buffer = io.BytesIO()
        with av.open(buffer, "w", format="nut") as output:
            copy = output.add_stream_from_template(stream)
            twin = av.Packet(bytes(packet))
            twin.pts = twin.dts = 0
            twin.time_base = stream.time_base or Fraction(1, 90_000)
            twin.is_keyframe = True
            twin.stream = copy
            output.mux(twin)
        self._header = buffer.getvalue()
        self.codec = stream.codec_context.name
        self.width = stream.width
        self.height = stream.height

    def open(self) -> InputContainer:
        """A container whose only stream has these parameters: for `add_stream_from_template`, then close it."""
        return av.open(io.BytesIO(self._header), "r", format="nut")


class VideoSource(ABC):
    """An opened video. One thread iterates and closes it; `stop` may come from any thread.

    `name` is the address with credentials hidden; `live` says that an end is a fault.
    """

    live: bool

    def __init__(
        self,
        url: str,
        name: str,
        *,
        decode_threads: int = 1,
        timeouts_seconds: tuple[float, float] | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.stopping = threading.Event()
        self.packets_read = 0
        self.packets_broken = 0
        self._container = _open(url, name, timeouts_seconds, options or {})
        try:
            self._stream = self._only_video_stream()
        except SourceError:
            self._container.close()
            raise
        context = self._stream.codec_context
        context.thread_count = decode_threads
        # One decoding thread a stream by default: the box decodes many streams, and its cost can be measured.
        context.thread_type = "NONE" if decode_threads == 1 else "AUTO"

    @property
    def width(self) -> int:
        return int(self._stream.width)

    @property
    def height(self) -> int:
        return int(self._stream.height)

    @property
    def time_base(self) -> Fraction:
        """Seconds per tick of packet and frame stamps."""
        assert self._stream.time_base is not None, "libavformat gives every opened stream a time base"
        return self._stream.time_base

    @property
    def reorder_depth(self) -> int:
        """How many frames decoding runs ahead of showing."""
        return int(self._stream.codec_context.reorder_depth)

    @property
    def nominal_fps(self) -> float | None:
        """What the container says, which is not always what the camera does; None where it says nothing."""
        rate = self._stream.average_rate or self._stream.base_rate
        return float(rate) if rate else None

    @property
    def duration_seconds(self) -> float | None:
        """What the container says; None where it says nothing, as live ones do."""
        if self._stream.duration is not None:
            return float(self._stream.duration * self.time_base)
        return self._container.duration / 1_000_000 if self._container.duration else None

    def template_for(self, packet: Packet[VideoStream]) -> StreamTemplate:
        """Parameters for clips cut from this source; `packet` is any key packet of it."""
        return StreamTemplate(self._stream, packet)

    @abstractmethod
    def packets(self) -> Iterator[Packet[VideoStream]]:
        """Packets in decode order from the first key packet with a PTS on; their stamps never fall back.

        Raises:
            SourceError: the source is broken, or live and over.
        """

    def decode(self, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
        """The frames that `packet` completes (None: those still inside the decoder).

        A packet that cannot be decoded is counted in `packets_broken`, never fatal: one lost datagram spoils one.
        """
        try:
            return self._stream.codec_context.decode(packet)
        except FFmpegError:
            self.packets_broken += 1
            return []

    def nothing_decoded(self) -> SourceError:
        """The error for a source that ended without one picture."""
        return SourceError(
            f"{self.name}: none of {self.packets_read} packets could be decoded; "
            "the file is damaged or its encoding is not supported, re-encode it as H.264"
        )

    def stop(self) -> None:
        """Makes `packets` end soon: at the next packet, at the latest after the read timeout."""
        self.stopping.set()

    def close(self) -> None:
        """Releases decoder and connection. Only by the thread that iterates; twice does no harm."""
        self.stopping.set()
        self._container.close()

    def __enter__(self) -> VideoSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _only_video_stream(self) -> VideoStream:
        if not self._container.streams.video:
            kinds = sorted({str(stream.type) for stream in self._container.streams}) or ["nothing"]
            raise SourceError(
                f"{self.name}: no video stream, found only {', '.join(kinds)}; "
                "give a video file, or the camera's video address"
            )
        stream = self._container.streams.video[0]
        if stream.codec_context is None or not stream.width or not stream.height:
            raise SourceError(f"{self.name}: the video stream has no known codec or size; re-encode it as H.264")
        return stream

    def _demux(self) -> Iterator[Packet[VideoStream]]:
        """Whole packets until the source ends. Raises SourceError where reading fails."""
        try:
            for packet in self._container.demux(self._stream):
                if self.stopping.is_set():
                    return
                if packet.size == 0:  # PyAV's mark of the end; we flush the decoder ourselves
                    continue
                self.packets_read += 1
                yield packet
        except FFmpegError as error:
            raise SourceError(self._reading_failed(error)) from None

    def _reading_failed(self, error: FFmpegError) -> str:
        return f"{self.name}: reading failed after {self.packets_read} packets: {reason_of(error)}"


class Timeline:
    """Makes stamps continuous: waits for the first key packet with a PTS, and lifts what comes after a fall back.

    Every packet gets a decode stamp: Matroska leaves out the first ones, as many as frames are reordered.
    """

    def __init__(self, time_base: Fraction, reorder_depth: int = 0) -> None:
        self._restart_ticks = int(RESTART_SECONDS / time_base)
        self._reorder_depth = reorder_depth
        self._shift = 0
        self._last: int | None = None
        self._step = 1

    def place(self, packet: Packet[VideoStream], *, restarted: bool = False) -> bool:
        """Stamps the packet in place. False: it comes before anything that can be decoded, leave it out."""
        if self._last is None and (packet.pts is None or not packet.is_keyframe):
            return False
        stamp = packet.dts if packet.dts is not None else self._missing(packet, restarted)
        if self._last is not None:
            if restarted or stamp + self._shift < self._last - self._restart_ticks:
                self._shift = self._last + self._step - stamp
            step = stamp + self._shift - self._last
            self._step = step if 0 < step < self._restart_ticks else self._step
        self._last = stamp + self._shift
        packet.dts = self._last
        packet.pts = None if packet.pts is None else packet.pts + self._shift
        return True

    def _missing(self, packet: Packet[VideoStream], restarted: bool) -> int:
        """The decode stamp that a packet should have, before it is shifted."""
        step = packet.duration or self._step
        if self._last is not None and not restarted:
            fallen = packet.pts is not None and packet.pts + self._shift < self._last - self._restart_ticks
            if packet.pts is None or not fallen:
                return self._last - self._shift + step
        return (packet.pts or 0) - self._reorder_depth * step


def reason_of(error: FFmpegError) -> str:
    """libav's words without the address, which may hold a password."""
    return error.strerror or type(error).__name__


def _open(
    url: str, name: str, timeouts_seconds: tuple[float, float] | None, options: Mapping[str, str]
) -> InputContainer:
    try:
        # Cameras and editors write titles in any encoding: "replace", or libav's text would end the program.
        return av.open(
            url, "r", metadata_errors="replace", timeout=timeouts_seconds, container_options=dict(options) or None
        )
    except FFmpegError as error:
        raise SourceError(f"{name}: cannot be opened: {reason_of(error)}; {_remedy(error)}") from None


def _remedy(error: FFmpegError) -> str:
    if isinstance(error, av.error.HTTPUnauthorizedError | PermissionError):
        return "check user name and password"
    if isinstance(error, av.error.HTTPNotFoundError):
        return "check the path behind the host name, it differs between makers"
    if isinstance(error, ConnectionError | TimeoutError | av.error.ExitError):
        return "check that the camera is on, and its host, port and network"
    if isinstance(error, av.error.InvalidDataError):
        return "it is no video or a broken one; play it, or copy it again"
    return "check the address"
