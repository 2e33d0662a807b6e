"""What the rest of the program knows of a source of pictures: packets with continuous time stamps, and their frames."""

from __future__ import annotations

import io
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

import av

from edge.sources.decoding import DecodeMode
from edge.sources.errors import SourceError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

WAITING_FOR_KEY_FRAME = "waiting for a key frame"


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

    def __init__(self, name: str) -> None:
        self.name = name
        self.stopping = threading.Event()
        self.packets_read = 0
        self.bytes_read = 0
        self.on_data: Callable[[bytes, float | None], None] | None = None
        """Given what lies between the pictures, and its time in seconds on the axis of the pictures' own stamps, where
        there is one. Called by the thread that iterates, and must not raise."""
        self.says: Callable[[str], None] | None = None
        """Told each second or so why a live source gives no packets; an empty text: nothing is wrong."""

    @property
    @abstractmethod
    def width(self) -> int:
        """Pixels."""

    @property
    @abstractmethod
    def height(self) -> int:
        """Pixels."""

    @property
    @abstractmethod
    def time_base(self) -> Fraction:
        """Seconds per tick of packet and frame stamps."""

    @property
    @abstractmethod
    def codec(self) -> str:
        """As libav calls it: `h264`, `hevc`, `mjpeg`."""

    @property
    @abstractmethod
    def decoding(self) -> str:
        """How pictures are decoded now, for people: the mode, and the accelerator or why there is none."""

    @property
    @abstractmethod
    def packets_broken(self) -> int:
        """Packets that could not be decoded."""

    @property
    @abstractmethod
    def mode(self) -> DecodeMode:
        """Which pictures are decoded. May be set at any time; doing more again takes effect at the next key frame."""

    @mode.setter
    @abstractmethod
    def mode(self, mode: DecodeMode) -> None: ...

    @property
    def holds_data(self) -> bool:
        """Whether there is anything beside the pictures that `on_data` would be given."""
        return False

    @property
    def nominal_fps(self) -> float | None:
        """What the source says, which is not always what the camera does; None where it says nothing."""
        return None

    @property
    def duration_seconds(self) -> float | None:
        """What the source says; None where it says nothing, as live ones do."""
        return None

    @abstractmethod
    def template_for(self, packet: Packet[VideoStream]) -> StreamTemplate:
        """Parameters for clips cut from this source; `packet` is any key packet of it."""

    @abstractmethod
    def packets(self) -> Iterator[Packet[VideoStream]]:
        """Packets in decode order from the first key packet with a PTS on; their stamps never fall back.

        Raises:
            SourceError: the source is broken, or live and over.
        """

    @abstractmethod
    def decode(self, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
        """The frames that `packet` completes (None: those still inside the decoder).

        A packet that cannot be decoded is counted in `packets_broken`, never fatal: one lost datagram spoils one.

        Raises:
            AcceleratorError: the accelerator does not decode this stream.
        """

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

    def __enter__(self) -> VideoSource:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _tell(self, what: str) -> None:
        if self.says is not None:
            self.says(what)
