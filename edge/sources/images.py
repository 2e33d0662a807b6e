"""Stills in a folder as a source: once, in a loop, or as they come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, cast

import av
from av.error import FFmpegError

from edge.config.inputs import ImagesInput
from edge.sources.decoding import DecodeMode
from edge.sources.errors import SourceError
from edge.sources.pacing import Pacer
from edge.sources.still_times import time_in_name, time_taken
from edge.sources.video import StreamTemplate, VideoSource

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

TIME_BASE = Fraction(1, 90_000)
LOOK_SECONDS = 0.5
"""How often a watched folder is looked at; a file that has not changed between two looks is whole."""
MAX_PICTURE_BYTES = 256 * 1024 * 1024
"""A survey drone's 150 MP picture has 80 MB; what is larger is no picture."""
JPEG_TAIL_BYTES = 4096
"""Cameras append their own notes behind the end of the picture."""

_MAGIC = {b"\xff\xd8\xff": "mjpeg", b"\x89PNG": "png"}
"""What clips can be cut from: containers hold no BMP or TIFF."""
SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})


class BrokenPictureError(ValueError):
    """A file that is no whole picture."""


class ImagesSource(VideoSource):
    """The pictures of a folder or pattern, all of the first one's encoding and size.

    A broken picture, or one of another kind, costs itself only and is counted.

    Raises:
        SourceError: there is no picture; while iterating: none could be used, or (`watch`) none came for long.
    """

    def __init__(self, settings: ImagesInput) -> None:
        super().__init__(str(settings.path))
        self.live = settings.watch
        self._settings = settings
        self._broken = 0
        self._mode = DecodeMode.FULL
        self._seen: frozenset[Path] = frozenset()
        self._first = self._first_picture()
        self._container = av.open(str(self._first), "r", metadata_errors="replace")
        self._stream = self._container.streams.video[0]
        self._context = cast("VideoCodecContext", av.CodecContext.create(self._stream.codec_context.name, "r"))
        self._context.thread_type = "NONE"

    @property
    def width(self) -> int:
        return int(self._stream.width)

    @property
    def height(self) -> int:
        return int(self._stream.height)

    @property
    def time_base(self) -> Fraction:
        return TIME_BASE

    @property
    def codec(self) -> str:
        return str(self._context.name)

    @property
    def decoding(self) -> str:
        return str(self._mode)

    @property
    def packets_broken(self) -> int:
        return self._broken

    @property
    def mode(self) -> DecodeMode:
        return self._mode

    @mode.setter
    def mode(self, mode: DecodeMode) -> None:
        self._mode = mode  # every still stands by itself: there is nothing to leave out

    @property
    def nominal_fps(self) -> float | None:
        return self._settings.fps if self._settings.times == "fps" and not self.live else None

    def template_for(self, packet: Packet[VideoStream]) -> StreamTemplate:
        return StreamTemplate(self._stream, packet)

    def packets(self) -> Iterator[Packet[VideoStream]]:
        return self._watched() if self.live else self._played()

    def decode(self, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
        if packet is None:
            return []
        try:
            frames = self._context.decode(packet) + self._context.decode(None)
        except FFmpegError:
            frames = []
        self._context.flush_buffers()
        if not self.live:  # a watched folder whose pictures change is opened again, one that is played goes on
            frames = [frame for frame in frames if (frame.width, frame.height) == (self.width, self.height)]
        for frame in frames:
            frame.pts = packet.pts
        if not frames:
            self._broken += 1
        return frames

    def close(self) -> None:
        super().close()
        self._container.close()

    # ---- once or looped

    def _played(self) -> Iterator[Packet[VideoStream]]:
        pacer = Pacer(self) if self._settings.pace == "realtime" else None
        offset, last = 0.0, -1.0
        while True:
            timed = self._timed(self._paths())
            used = 0
            for path, at in timed:
                if self.stopping.is_set():
                    return
                packet = self._packet(path, offset + at) if offset + at > last else None
                if packet is None:
                    continue
                used += 1
                last = offset + at
                if pacer is not None and not pacer.wait_for(packet):
                    return
                yield packet
            if not used:
                raise SourceError(f"{self.name}: none of {len(timed)} pictures could be read; copy them again")
            if not self._settings.loop:
                return
            steps = [later - earlier for (_, earlier), (_, later) in pairwise(timed) if later > earlier]
            offset = last + (median(steps) if steps else 1 / self._settings.fps)

    def _timed(self, paths: Sequence[Path]) -> list[tuple[Path, float]]:
        """Each path with its seconds since the first one."""
        if self._settings.times == "fps":
            return [(path, index / self._settings.fps) for index, path in enumerate(paths)]
        when: Callable[[Path], float | None] = (
            _taken if self._settings.times == "taken" else lambda path: time_in_name(path.stem)
        )
        found = [(path, at) for path, at in ((path, when(path)) for path in paths) if at is not None]
        self._broken += len(paths) - len(found)
        if not found:
            example = f", such as {paths[0].name}" if paths else ""
            raise SourceError(
                f"{self.name}: found no time in the names of {len(paths)} pictures{example}; "
                "expected digits such as 20261121_081500, or set times: fps"
            )
        return [(path, at - found[0][1]) for path, at in found]

    # ---- watched

    def _watched(self) -> Iterator[Packet[VideoStream]]:
        self._seen = frozenset(self._paths())
        yield from self._arrived(self._first)
        latest = time.monotonic()
        growing: dict[Path, tuple[int, int]] = {}
        while not self.stopping.wait(LOOK_SECONDS):
            self._tell("")
            present = self._paths()
            self._seen &= frozenset(present)
            states = {path: _state(path) for path in present if path not in self._seen}
            whole = [path for path, state in states.items() if growing.get(path) == state and state is not None]
            growing = {path: state for path, state in states.items() if state is not None}
            for path in whole:
                self._seen |= {path}
                for packet in self._arrived(path):
                    latest = time.monotonic()
                    yield packet
            if time.monotonic() - latest > self._settings.read_timeout_seconds:
                raise SourceError(
                    f"{self.name}: no new picture for {self._settings.read_timeout_seconds:g} s; "
                    "check what puts them there"
                )

    def _arrived(self, path: Path) -> Iterator[Packet[VideoStream]]:
        packet = self._packet(path, time.monotonic())
        if packet is not None:
            yield packet

    # ---- both

    def _packet(self, path: Path, at: float) -> Packet[VideoStream] | None:
        self.packets_read += 1
        try:
            content = _read(path)
            if _codec_of(content) != self.codec:
                raise BrokenPictureError("another encoding than the first picture's")
        except (OSError, BrokenPictureError):
            self._broken += 1
            return None
        self.bytes_read += len(content)
        packet = cast("Packet[VideoStream]", av.Packet(content))
        packet.time_base = TIME_BASE
        packet.pts = packet.dts = round(at / TIME_BASE)
        packet.is_keyframe = True
        return packet

    def _paths(self) -> list[Path]:
        path = self._settings.path
        try:
            if path.is_dir():
                found = [each for each in path.iterdir() if each.suffix.lower() in SUFFIXES and each.is_file()]
            else:
                found = [each for each in path.parent.glob(path.name) if each.is_file()]
        except OSError as error:
            raise SourceError(f"{self.name}: cannot be listed: {error.strerror}") from error
        if self._settings.order == "name":
            return sorted(found)
        taken = [(_taken(each), each) for each in found]
        return [each for _, each in sorted((at, each) for at, each in taken if at is not None)]

    def _first_picture(self) -> Path:
        """The picture whose size and encoding count: the first that is whole, of a watched folder the newest."""
        deadline = time.monotonic() + (self._settings.open_timeout_seconds if self.live else 0)
        while True:
            paths = self._paths()
            for path in reversed(paths) if self.live else paths:
                if _is_picture(path):
                    return path
            if time.monotonic() >= deadline:
                break
            self.stopping.wait(LOOK_SECONDS)
        if not self._settings.path.parent.is_dir():
            raise SourceError(f"{self.name}: no such folder; relative paths start at the configuration file's folder")
        expected = ", ".join(f"*{suffix}" for suffix in sorted(SUFFIXES))
        raise SourceError(f"{self.name}: found no picture among {len(paths)} files, expected {expected}")


def _read(path: Path) -> bytes:
    if path.stat().st_size > MAX_PICTURE_BYTES:
        raise BrokenPictureError("too large for a picture")
    content = path.read_bytes()
    # libav fills up what is missing of a JPEG with grey, and calls it decoded.
    if content.startswith(b"\xff\xd8") and b"\xff\xd9" not in content[-JPEG_TAIL_BYTES:]:
        raise BrokenPictureError("cut short")
    return content


def _codec_of(content: bytes) -> str:
    for magic, codec in _MAGIC.items():
        if content.startswith(magic):
            return codec
    raise BrokenPictureError("no picture")


def _is_picture(path: Path) -> bool:
    try:
        _codec_of(_read(path))
        with av.open(str(path), "r", metadata_errors="replace") as container:
            return any(True for _ in container.decode(video=0))
    except (OSError, FFmpegError, BrokenPictureError, IndexError):
        return False


def _taken(path: Path) -> float | None:
    try:
        return time_taken(path)
    except OSError:
        return None


def _state(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_size, found.st_mtime_ns) if found.st_size else None
