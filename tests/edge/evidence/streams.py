"""Streams as cameras send them, made on the spot, and the cuts that clips are made from."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from edge.sources.file import FileSource
from edge.sources.video import StreamTemplate
from edge.streams.camera import CameraStream
from edge.streams.ring import PacketCut, RingPacket
from tests.edge.parts import T0

FPS = 10


def encode(
    path: Path,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    *,
    count: int = 60,
    first: int = 0,
    size: tuple[int, int] = (160, 120),
    gop: int = 20,
    options: dict[str, str] | None = None,
) -> Path:
    """Writes pictures of brightness 60 + 2 · (number % 80), ten a second."""
    with av.open(path, "w") as output:
        stream = output.add_stream(codec, rate=FPS, options=options or {})
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        stream.gop_size = gop
        for number in range(first, first + count):
            picture = np.full((size[1], size[0], 3), brightness(number), np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")):
                output.mux(packet)
        for packet in stream.encode(None):
            output.mux(packet)
    return path


def brightness(number: int) -> int:
    return 60 + 2 * (number % 80)


def ring_of(path: Path) -> CameraStream:
    """The stream of a recording with all its packets in the ring."""
    with FileSource(path) as source:
        stream = CameraStream("c", source, wall_start=T0, history_seconds=600)
        for _ in stream.frames():
            pass
    return stream


def cut_of(path: Path, start: float, end: float) -> PacketCut:
    cut = ring_of(path).ring.cut(start, end)
    assert cut is not None
    return cut


def joined(first: PacketCut, second: PacketCut) -> PacketCut:
    """Two streams of one camera whose settings were changed in between: only the packets tell."""
    last = first.packets[-1]
    step = round(Fraction(1, FPS) / last.time_base)
    shift = max(packet.pts for packet in first.packets) + step - min(packet.pts for packet in second.packets)
    moved = tuple(_moved(packet, shift) for packet in second.packets)
    return PacketCut(first.packets + moved, first.template, covers_start=True)


def _moved(packet: RingPacket, ticks: int) -> RingPacket:
    return replace(
        packet,
        pts=packet.pts + ticks,
        dts=packet.dts + ticks,
        media_time=packet.media_time + float(ticks * packet.time_base),
    )


def with_template(cut: PacketCut, template: StreamTemplate) -> PacketCut:
    return PacketCut(cut.packets, template, cut.covers_start)


def frames_of(content: bytes) -> list[tuple[float, float]]:
    """(time, mean brightness) of each picture of a clip."""
    with av.open(io.BytesIO(content)) as clip:
        return [(float(frame.time), float(frame.to_ndarray(format="gray").mean())) for frame in clip.decode(video=0)]
