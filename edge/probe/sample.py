"""Looks at a source for some seconds: what comes, how, and what decoding it costs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, cast

import av
import cv2

from edge.config.inputs import CameraInput, RtspInput
from edge.detectors.interface import Image
from edge.probe.clock import CameraClock, clock_of, producer_time
from edge.sources.container import ContainerSource
from edge.sources.decoding import DecodeMode, Decoder
from edge.sources.errors import SourceError
from edge.sources.opening import open_video
from edge.sources.video import StreamTemplate, VideoSource
from edge.streams.colour import bgr_reader
from edge.streams.nal import is_disposable

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.codeccontext import VideoCodecContext
    from av.video.stream import VideoStream

MAX_SAMPLE_BYTES = 128 * 1024 * 1024
MAX_DECODED_PACKETS = 400
"""Enough for a steady figure, and done in 2 s on a slow core at 1080p."""
MIN_MODE_PICTURES = 2


@dataclass(frozen=True, slots=True)
class ModeCost:
    """What decoding in one mode costs on this machine, one thread."""

    mode: DecodeMode
    pictures: int
    ms_per_picture: float
    core_share: float
    """Of a core, for this stream."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen of a stream."""

    address: str
    """Without credentials."""
    transport: str
    opened_seconds: float
    watched_seconds: float
    codec: str
    profile: str
    width: int
    height: int
    pixel_format: str
    nominal_fps: float | None
    fps: float | None
    interval_spread: float | None
    """Standard deviation of the time between pictures over its mean: above 0.2 the rate is not steady."""
    group_frames: float | None
    group_seconds: float | None
    """Between two key frames, the longest that was seen; None: only one came."""
    reordered: bool
    """B-frames: pictures are shown in another order than they are sent."""
    disposable_share: float | None
    bits_per_second: float | None
    audio: str
    """Its codec, or nothing."""
    packets: int
    clock: CameraClock | None
    costs: tuple[ModeCost, ...]
    taken_at: datetime
    still: Image
    """(height, width, 3), BGR."""


@dataclass(frozen=True, slots=True)
class _Seen:
    data: bytes
    pts: float
    dts: float
    is_key: bool
    disposable: bool | None


def take_sample(settings: CameraInput, seconds: float) -> Sample:
    """Watches for `seconds`, decodes what came in every mode, and closes.

    Raises:
        SourceError: it cannot be opened, breaks, or sends nothing that can be decoded.
    """
    began = time.monotonic()
    with open_video(settings, software_only=True) as source:
        opened = time.monotonic() - began
        seen, clock_stamps, template = _watched(source, seconds)
        watched = time.monotonic() - began - opened
        if not seen or template is None:
            raise SourceError(
                f"{source.name}: no key frame within {watched:.0f} s; ask for a shorter key frame interval"
            )
        costs, still = _decoded(seen, template)
        facts = _Facts(source)
        if still is None:
            raise source.nothing_decoded()
        return Sample(
            address=source.name,
            transport=settings.transport if isinstance(settings, RtspInput) else settings.type,
            opened_seconds=round(opened, 2),
            watched_seconds=round(watched, 2),
            codec=source.codec,
            profile=facts.profile,
            width=still.shape[1],
            height=still.shape[0],
            pixel_format=facts.pixel_format,
            nominal_fps=source.nominal_fps,
            fps=_fps(seen),
            interval_spread=_spread(seen),
            group_frames=_group(seen)[0],
            group_seconds=_group(seen)[1],
            reordered=any(later.pts < earlier.pts for earlier, later in pairwise(seen)),
            disposable_share=_disposable(seen),
            bits_per_second=_bit_rate(seen),
            audio=facts.audio,
            packets=len(seen),
            clock=clock_of(clock_stamps),
            costs=costs,
            taken_at=datetime.now(UTC),
            still=still,
        )


class _Facts:
    """What libav says of a container, beyond what the pipeline asks."""

    def __init__(self, source: VideoSource) -> None:
        self.profile = self.pixel_format = self.audio = ""
        if isinstance(source, ContainerSource):
            self.profile = str(source.stream.profile or "")
            self.pixel_format = str(source.stream.codec_context.pix_fmt or "")
            sounds = source.container.streams.audio
            self.audio = str(sounds[0].codec_context.name) if sounds and sounds[0].codec_context else ""


def _watched(
    source: VideoSource, seconds: float
) -> tuple[list[_Seen], list[tuple[float, float]], StreamTemplate | None]:
    seen: list[_Seen] = []
    stamps: list[tuple[float, float]] = []
    template: StreamTemplate | None = None
    tick = float(source.time_base)
    until = time.monotonic() + seconds
    size = 0
    for packet in source.packets():
        if packet.pts is None or packet.dts is None:
            continue
        template = template or source.template_for(packet)
        data = bytes(packet)
        size += len(data)
        seen.append(
            _Seen(data, packet.pts * tick, packet.dts * tick, packet.is_keyframe, is_disposable(source.codec, data))
        )
        if packet.has_sidedata("prft"):
            theirs = producer_time(bytes(packet.get_sidedata("prft")))
            stamps += [] if theirs is None else [(theirs, time.time())]
        over = seen[-1].dts - seen[0].dts >= seconds or time.monotonic() >= until
        if over or size >= MAX_SAMPLE_BYTES:
            break
    return seen, stamps, template


def _fps(seen: Sequence[_Seen]) -> float | None:
    span = seen[-1].dts - seen[0].dts
    return (len(seen) - 1) / span if span > 0 else None


def _spread(seen: Sequence[_Seen]) -> float | None:
    times = sorted(packet.pts for packet in seen)
    steps = [later - earlier for earlier, later in pairwise(times)]
    mean = sum(steps) / len(steps) if steps else 0.0
    if mean <= 0:
        return None
    return float((sum((step - mean) ** 2 for step in steps) / len(steps)) ** 0.5 / mean)


def _group(seen: Sequence[_Seen]) -> tuple[float | None, float | None]:
    keys = [number for number, packet in enumerate(seen) if packet.is_key]
    pairs = list(pairwise(keys))
    if not pairs:
        return None, None
    frames = max(later - earlier for earlier, later in pairs)
    return float(frames), max(seen[later].pts - seen[earlier].pts for earlier, later in pairs)


def _disposable(seen: Sequence[_Seen]) -> float | None:
    known = [packet.disposable for packet in seen if packet.disposable is not None]
    return sum(known) / len(known) if known else None


def _bit_rate(seen: Sequence[_Seen]) -> float | None:
    span = seen[-1].dts - seen[0].dts
    return sum(len(packet.data) for packet in seen[:-1]) * 8 / span if span > 0 else None


def _decoded(seen: Sequence[_Seen], template: StreamTemplate) -> tuple[tuple[ModeCost, ...], Image | None]:
    """What each mode costs, and the latest picture."""
    part = seen[:MAX_DECODED_PACKETS]
    span = part[-1].dts - part[0].dts
    costs: list[ModeCost] = []
    still: Image | None = None
    for mode in DecodeMode:
        with template.open() as container:
            context = container.streams.video[0].codec_context
            context.thread_count, context.thread_type = 1, "NONE"
            pictures, cpu_seconds, latest = _run(context, part, mode)
        if still is None:
            still = latest
        if pictures >= MIN_MODE_PICTURES and span > 0:
            share = cpu_seconds / span
            costs.append(ModeCost(mode, pictures, round(cpu_seconds * 1000 / pictures, 3), round(share, 4)))
    return tuple(costs), still


def _run(context: VideoCodecContext, part: Sequence[_Seen], mode: DecodeMode) -> tuple[int, float, Image | None]:
    decoder = Decoder(context)
    decoder.mode = mode
    latest: Image | None = None
    pictures, cpu_seconds = 0, 0.0
    for packet in (*_packets(part), None):
        before = time.thread_time()
        frames = decoder.decode(packet)
        cpu_seconds += time.thread_time() - before
        pictures += len(frames)
        if frames and (latest is None or packet is None or packet.is_keyframe):
            latest = bgr_reader(frames[-1])()
    return pictures, cpu_seconds, latest


def _packets(part: Sequence[_Seen]) -> Iterator[Packet[VideoStream]]:
    time_base = Fraction(1, 90_000)
    for seen in part:
        packet = cast("Packet[VideoStream]", av.Packet(seen.data))
        packet.time_base = time_base
        packet.pts, packet.dts = round(seen.pts / time_base), round(seen.dts / time_base)
        packet.is_keyframe = seen.is_key
        yield packet


def jpeg_of(still: Image, quality: int = 90) -> bytes:
    """The picture as JPEG.

    Raises:
        SourceError: the encoder refused.
    """
    ok, content = cv2.imencode(".jpg", still, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not ok:
        raise SourceError("the still could not be written as JPEG")
    return bytes(content)
