"""Decoding as little as is asked for, on an accelerator where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import av
from av.codec.hwaccel import HWAccel, hwdevices_available
from av.error import FFmpegError

from edge.sources.errors import AcceleratorError

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

PREFERRED = ("vaapi", "qsv", "cuda", "vulkan", "videotoolbox", "drm", "amf")
"""For `auto`, best first: what shares memory with the processor copies its pictures back for less."""
HOPELESS_PACKETS = 30
"""Packets in a row that an accelerator fails on, having decoded before: more than a lost datagram spoils."""


class DecodeMode(StrEnum):
    """Which pictures are decoded."""

    FULL = "full"
    SKIP_NON_REFERENCE = "skip_non_reference"
    """Without the pictures that no other needs: typically half of them or more, where the encoder makes such."""
    KEY_FRAMES = "key_frames"
    """Only what stands by itself: one picture a group."""


_SKIP: Mapping[DecodeMode, Literal["DEFAULT", "NONREF"]] = {
    DecodeMode.FULL: "DEFAULT",
    DecodeMode.SKIP_NON_REFERENCE: "NONREF",
    DecodeMode.KEY_FRAMES: "DEFAULT",
}


class Decoder:
    """A codec context that can be told to do less, and to do more again, in the middle of a stream.

    Counts what it could not decode in `broken`; one spoilt packet is never fatal.
    """

    def __init__(self, context: VideoCodecContext, accelerator: str = "") -> None:
        self._context = context
        self._mode = DecodeMode.FULL
        self._awaits_key = False
        self._in_a_row = 0
        self.accelerator = accelerator if context.is_hwaccel else ""
        """Its name, or nothing: the processor decodes."""
        self.broken = 0
        self.decoded = 0

    @property
    def mode(self) -> DecodeMode:
        return self._mode

    @mode.setter
    def mode(self, mode: DecodeMode) -> None:
        if mode is self._mode:
            return
        # Between key frames the decoder was flushed: what is not a key frame refers to pictures that it never saw.
        self._awaits_key = self._mode is DecodeMode.KEY_FRAMES
        self._mode = mode
        self._context.skip_frame = _SKIP[mode]

    def decode(self, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
        """The frames that `packet` completes (None: those still inside).

        Raises:
            AcceleratorError: the accelerator, not the packet, is at fault.
        """
        if packet is not None and not packet.is_keyframe and (self._awaits_key or self._mode is DecodeMode.KEY_FRAMES):
            return []
        self._awaits_key = False
        try:
            frames = self._context.decode(packet)
            if self._mode is DecodeMode.KEY_FRAMES and packet is not None:
                # A decoder that reorders would hold the picture back until the next one, seconds later.
                frames += self._context.decode(None)
                self._context.flush_buffers()
        except FFmpegError as error:
            self._failed(error)
            return []
        if frames:
            self._in_a_row = 0
            self.decoded += len(frames)
        return frames

    def _failed(self, error: FFmpegError) -> None:
        self.broken += 1
        self._in_a_row += 1
        if self._mode is DecodeMode.KEY_FRAMES:
            self._context.flush_buffers()
        if self.accelerator and (self._in_a_row >= HOPELESS_PACKETS or not self.decoded):
            said = error.strerror or type(error).__name__
            raise AcceleratorError(f"{self.accelerator} cannot decode this stream ({said}); the processor does it now")


@cache
def accelerators() -> Mapping[str, str]:
    """Every accelerator that libav was built for: an empty text if this machine has it, else why it cannot be used.

    Tried once a process with H.264, which all of them decode.
    """
    found = {}
    for name in hwdevices_available():
        try:
            HWAccel(name).create(av.Codec("h264", "r"))
            found[name] = ""
        except NotImplementedError:
            found[name] = "not in this build of libav"
        except (FFmpegError, RuntimeError) as error:
            found[name] = str(getattr(error, "strerror", None) or error)
    return MappingProxyType(found)


def chosen_accelerator(wanted: str) -> tuple[str, str]:
    """(accelerator to use or nothing, why not the wanted one). `wanted` is a name, `auto` or `none`."""
    if wanted == "none":
        return "", ""
    known = accelerators()
    if wanted == "auto":
        return next((name for name in PREFERRED if known.get(name) == ""), ""), ""
    reason = known.get(wanted, "not in this build of libav")
    return (wanted, "") if not reason else ("", f"{wanted}: {reason}")
