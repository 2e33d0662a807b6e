"""Pictures of a flight, read when they are asked for: stills from their files, key frames from their place in a video.

A video is not decoded from end to end. Its container tells where key frames lie, and each of them is decoded by itself
when somebody wants it: a flight of any length costs the memory of one picture, and what is not chosen costs nothing.
The file stays open in between: its index grows with its length, and would be read anew for each picture.
The other way, one pass that hands pictures to a caller, would decode only as much, but everybody who looks twice (to
register, to compare, to cut out evidence) would have to keep pictures, or go through the whole flight again.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISREG
from threading import Lock
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np
from av.error import FFmpegError
from av.stream import Discard

from edge.detectors.interface import Image
from edge.flights.material import FlightError, shown
from edge.flights.reading.logs import MAX_VIDEO_BYTES, open_log
from edge.flights.reading.sniff import Kind, kind_of
from edge.flights.telemetry import TelemetryError
from edge.sources.errors import SourceError

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream

MOST_FILE_BYTES = 300 * 1024 * 1024
MOST_PIXELS = 150_000_000
"""Of a picture: 450 MB in memory. Survey cameras have up to 100 million."""
MOST_KEY_FRAMES = 100_000
_PACKETS_A_PICTURE = 2_000
"""After a seek. The key frame is the first, or close behind; a broken index must not have the whole video read."""
_EARLIER_SECONDS = (0.0, 3.0)
"""Transport streams have no index: a seek may land behind what it was meant for."""
_REORDERED_SECONDS = 2.0
"""Pictures may be stored a little out of their order."""
KEPT_OPEN = 2
"""Of one video, while nobody reads: as many threads look at a flight. A decoder of 4K keeps some 50 MB."""
_TAIL_BYTES = 64 * 1024
_HEAD_BYTES = 64 * 1024


def read_still_bgr(path: Path, size: tuple[int, int]) -> Image:
    """A still of (width, height) as it is stored, whatever way its EXIF would turn it for showing.

    Raises:
        SourceError: it is missing, broken, cut short, or of another size.
    """
    try:
        found = path.stat()
        if not S_ISREG(found.st_mode) or found.st_size > MOST_FILE_BYTES or size[0] * size[1] > MOST_PIXELS:
            raise SourceError(f"{shown(path.name)}: too large for a picture, or no file")
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise SourceError(f"{shown(path.name)}: cannot be read: {why}") from error
    # What is missing of a JPEG would be filled up with grey, and called decoded.
    if content.startswith(b"\xff\xd8") and b"\xff\xd9" not in content[-_TAIL_BYTES:]:
        raise SourceError(f"{shown(path.name)}: is cut short: copy it again")
    try:
        flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), flags) if content else None
    except cv2.error:
        picture = None
    if picture is None:
        raise SourceError(f"{shown(path.name)}: cannot be decoded: copy it again")
    return _of_size(np.asarray(picture, np.uint8), size, shown(path.name))


def _of_size(picture: Image, size: tuple[int, int], name: str) -> Image:
    if (picture.shape[1], picture.shape[0]) != size:
        raise SourceError(
            f"{name}: found {picture.shape[1]} x {picture.shape[0]} pixels, expected {size[0]} x {size[1]}: it has "
            "been cut or scaled, and says otherwise"
        )
    return picture


@dataclass(frozen=True, slots=True)
class KeyMoment:
    """Where a key frame lies."""

    pts: int
    seconds: float
    """Since the first picture."""


class VideoPictures:
    """Key frames of one video, by seeking. May be used by several threads at once.

    What is open is closed once nobody holds this any more.
    """

    def __init__(self, path: Path) -> None:
        """Opens it once, to look.

        Raises:
            FlightError: no video that can be read.
        """
        self._path, self._lock = path, Lock()
        self._idle: list[InputContainer] = []
        # Containers and their streams hold each other: without this they would stay open until garbage is collected.
        weakref.finalize(self, _close_all, self._idle)
        try:
            with open_log(path, MAX_VIDEO_BYTES) as file:
                kind = kind_of(file.read(_HEAD_BYTES))
        except (TelemetryError, OSError) as error:
            raise FlightError(f"{shown(path)}: cannot be read as a video: {shown(error)}") from error
        # By content: libav would follow a playlist to wherever it points.
        if kind not in (Kind.VIDEO, Kind.TRANSPORT_STREAM):
            raise FlightError(f"{shown(path)}: is no video, expected MP4, MOV, MKV or a transport stream")
        try:
            with self._opened() as container:
                self._describe(container)
        except (FFmpegError, OSError, ValueError) as error:
            raise FlightError(
                f"{shown(path)}: cannot be opened as a video: {shown(error)}; a recording that was cut off lacks its "
                "index: repair it with the maker's tool, or copy it again"
            ) from error

    def _describe(self, container: InputContainer) -> None:
        stream = _pictures_of(container)
        self.width, self.height = stream.codec_context.width, stream.codec_context.height
        if not 0 < self.width * self.height <= MOST_PIXELS:
            raise ValueError(f"found pictures of {self.width} x {self.height}")
        base = stream.time_base
        if base is None:
            raise ValueError("its pictures have no times")
        self._seconds_a_tick = float(base)
        self._first = stream.start_time or 0
        length = stream.duration * self._seconds_a_tick if stream.duration else (container.duration or 0) / av.time_base
        self.seconds: float | None = float(length) or None
        """How long it lasts, as it says itself; None: it does not."""

    def _opened(self) -> InputContainer:
        return av.open(str(self._path.absolute()), "r", metadata_errors="replace")

    def key_moments(self) -> tuple[KeyMoment, ...]:
        """All key frames, without decoding one. What lies behind a break in the file is left out."""
        return tuple(self._key_moments())

    def _key_moments(self) -> Iterator[KeyMoment]:
        known: set[int] = set()
        try:
            with self._opened() as container:
                wanted = _pictures_of(container)
                for stream in container.streams:
                    # An MP4's other pictures are then not even read from the disk.
                    stream.discard = Discard.nonkey if stream.index == wanted.index else Discard.all
                for packet in container.demux(wanted):
                    if not packet.is_keyframe or packet.pts is None or packet.pts in known:
                        continue
                    known.add(packet.pts)
                    yield KeyMoment(packet.pts, (packet.pts - self._first) * self._seconds_a_tick)
                    if len(known) >= MOST_KEY_FRAMES:
                        return
        except (FFmpegError, OSError, ValueError, IndexError):
            return

    def read_bgr(self, moment: KeyMoment) -> Image:
        """(height, width, 3), decoded anew.

        Raises:
            SourceError: broken there.
        """
        name = f"{shown(self._path.name)} at {moment.seconds:.3f} s"
        try:
            picture = self._read(moment)
        except (FFmpegError, OSError, ValueError, IndexError) as error:
            raise SourceError(f"{name}: cannot be decoded: {shown(error)}") from error
        if picture is None:
            raise SourceError(f"{name}: the key frame is not there any more, or broken")
        return _of_size(picture, (self.width, self.height), name)

    def _read(self, moment: KeyMoment) -> Image | None:
        with self._lock:
            container = self._idle.pop() if self._idle else None
        if container is None:
            container = self._ready()
        picture = None
        try:
            picture = self._at(container, moment)
        finally:
            # What has met something broken is not used again: the next picture is not to suffer from it.
            if picture is None or not self._kept(container):
                container.close()
        return picture

    def _ready(self) -> InputContainer:
        """To read key frames from."""
        container = self._opened()
        try:
            stream = _pictures_of(container)
        except ValueError:
            container.close()
            raise
        stream.codec_context.thread_count = 1
        for other in container.streams:
            other.discard = Discard.nonkey if other.index == stream.index else Discard.all
        return container

    def _kept(self, container: InputContainer) -> bool:
        """For the next picture, unless there are enough."""
        with self._lock:
            if len(self._idle) >= KEPT_OPEN:
                return False
            self._idle.append(container)
            return True

    def _at(self, container: InputContainer, moment: KeyMoment) -> Image | None:
        stream = _pictures_of(container)
        for earlier in _EARLIER_SECONDS:
            start = moment.pts - round(earlier / self._seconds_a_tick)
            container.seek(start, stream=stream, backward=True, any_frame=False)
            stream.codec_context.flush_buffers()
            for _, packet in zip(range(_PACKETS_A_PICTURE), container.demux(stream), strict=False):
                if packet.pts == moment.pts and packet.is_keyframe:
                    return _decoded(stream, packet)
                if packet.pts is None or packet.pts > moment.pts + _REORDERED_SECONDS / self._seconds_a_tick:
                    break
        return None


def _close_all(containers: list[InputContainer]) -> None:
    while containers:
        containers.pop().close()


def _decoded(stream: VideoStream, packet: Packet[VideoStream]) -> Image | None:
    # A key frame needs no other picture: what the decoder holds back is asked for at once.
    for frame in [*stream.codec_context.decode(packet), *stream.codec_context.decode(None)]:
        if not frame.is_corrupt:
            return np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)
    return None


def _pictures_of(container: InputContainer) -> VideoStream:
    if not container.streams.video:
        raise ValueError("it has no pictures")
    stream = container.streams.video[0]
    if stream.codec_context is None:  # whatever its types say
        raise ValueError("its pictures are of a kind that is not known")
    return stream
