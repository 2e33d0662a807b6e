"""Clips cut from the packets of a stream: remuxed where browsers play it as it is, else encoded once more."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import av
from av.error import FFmpegError

from edge.evidence.bitstream import Layout, codec_text, layout_of, nal_units, parameter_sets, with_start_codes
from edge.streams.ring import PacketCut, RingPacket

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

MP4 = "video/mp4"
_BROWSER_PIXELS = {
    "h264": frozenset({"yuv420p", "yuvj420p"}),
    "vp9": frozenset({"yuv420p"}),
    "av1": frozenset({"yuv420p", "yuv420p10le"}),
    "libdav1d": frozenset({"yuv420p", "yuv420p10le"}),
}
"""What every browser decodes by itself. H.264 in 4:2:2, 4:4:4 or ten bits is not among it."""
_HEVC_PIXELS = frozenset({"yuv420p", "yuvj420p", "yuv420p10le"})
_NAL_CODECS = frozenset({"h264", "hevc"})

SHORT_SECONDS = 1.0
"""A clip that is short of less than this is what was asked for: packets do not end where seconds do."""

_INDEX_BYTES = 16 * 1024
_INDEX_BYTES_PER_PACKET = 48
"""A sample takes at most 44 in MP4's tables: duration 8, offset 8, size 4, chunk 12 and 8, key 4."""
START_COMMENT = "gridsentry start_seconds="
"""Written into a clip, so that a track (which counts media time) can be laid over the file alone."""


class ClipError(ValueError):
    """Packets that no clip can be made from, with the reason."""


@dataclass(frozen=True, slots=True)
class Clip:
    """An MP4 and what is in it. Media times in seconds."""

    content: bytes
    media_type: str
    """With its codec, where that is known."""
    start_media_time: float
    end_media_time: float

    def short_of(self, start_seconds: float, end_seconds: float) -> float | None:
        """How much of the asked time is missing; None where that is not worth a word."""
        missing = max(0.0, self.start_media_time - start_seconds) + max(0.0, end_seconds - self.end_media_time)
        return round(missing, 1) if missing >= SHORT_SECONDS else None


def plays_in_browsers(cut: PacketCut, hevc: Literal["keep", "transcode"] = "keep") -> bool:
    """Whether the packets can stay as they are. H.265 plays only where the machine's own decoder helps: `hevc` says
    whether that is good enough.

    Raises:
        ClipError: the packets cannot be read.
    """
    with _as_clip_error(cut), _template(cut) as template:
        codec, pixels = template.codec_context.name, template.codec_context.pix_fmt
    if codec == "hevc":
        return hevc == "keep" and pixels in _HEVC_PIXELS
    return pixels in _BROWSER_PIXELS.get(codec, frozenset())


def remuxed(cut: PacketCut) -> Clip:
    """An MP4 that starts at the cut's first key frame, its index in front, the same bytes for the same packets.

    Raises:
        ClipError: the codec does not fit, or the packets do not make a stream.
    """
    packets = _shown_from_the_start(cut.packets)
    target = io.BytesIO()
    with _as_clip_error(cut), _template(cut) as template:
        codec = template.codec_context.name
        layout = layout_of(codec, template.codec_context.extradata) if codec in _NAL_CODECS else None
        _mux(packets, template, target, tag=_tag(codec, layout, packets))
        text = None if layout is None else codec_text(codec, layout.sets)
    media_type = MP4 if text is None else f'{MP4}; codecs="{text}"'
    return Clip(target.getvalue(), media_type, packets[0].media_time, max(packet.media_time for packet in packets))


def open_mp4(target: io.BytesIO, packet_count: int, start_media_time: float) -> OutputContainer:
    """An MP4 to be written: bitexact (no library versions, no time of writing), with its index in front."""
    # The index goes into room that is kept at the front: `faststart` would write everything twice, and wants a file.
    room = _INDEX_BYTES + _INDEX_BYTES_PER_PACKET * packet_count
    output = av.open(target, "w", format="mp4", options={"moov_size": str(room), "fflags": "+bitexact"})
    output.metadata["comment"] = f"{START_COMMENT}{start_media_time:.6f}"
    return output


def _mux(packets: Sequence[RingPacket], template: VideoStream, target: io.BytesIO, tag: str | None) -> None:
    first = packets[0]
    with open_mp4(target, len(packets), first.media_time) as output:
        stream = output.add_stream_from_template(template)
        stream.time_base = first.time_base
        if tag is not None:
            stream.codec_context.codec_tag = tag
        last_dts: int | None = None
        for packet in packets:
            moved = packet.to_av(stream, first.pts)
            # Cameras repeat decode stamps now and then; MP4 wants them to grow.
            if last_dts is not None and moved.dts is not None and moved.dts <= last_dts:
                moved.dts = last_dts + 1
                moved.pts = max(moved.pts or 0, moved.dts)
            last_dts = moved.dts
            output.mux(moved)


def _shown_from_the_start(packets: Sequence[RingPacket]) -> Sequence[RingPacket]:
    """Without the leading pictures of the first key frame: they are shown before it, and in an open group they refer
    to pictures that are not in the clip."""
    begin = packets[0].pts
    kept = [packets[0]]
    leading = True
    for packet in packets[1:]:
        leading = leading and not packet.is_key
        if leading and packet.pts < begin:
            continue
        kept.append(packet)
    return kept


@contextmanager
def _template(cut: PacketCut) -> Iterator[VideoStream]:
    """A stream with the parameters that are in force at the cut's first key frame.

    What the source said when it was opened may be outdated: cameras change their parameter sets when their settings
    change, and only say so inside the stream.
    """
    with cut.template.open() as container:
        stream = container.streams.video[0]
        codec = stream.codec_context.name
        if codec not in _NAL_CODECS:
            yield stream
            return
        layout = layout_of(codec, stream.codec_context.extradata)
        key = cut.packets[0].data
        inside = parameter_sets(codec, key, layout.length_bytes)
        if not inside or layout.length_bytes or set(inside) == set(layout.sets):
            # Behind lengths the parameters beside the packets stay: those inside follow them at each key frame.
            yield stream
            return
    raw = with_start_codes(nal_units(key, 0))
    with av.open(io.BytesIO(raw), "r", format=codec) as container:
        yield container.streams.video[0]


def _tag(codec: str, layout: Layout | None, packets: Sequence[RingPacket]) -> str | None:
    """`hvc1` is what Apple's players take; it keeps parameter sets only beside the packets, `hev1` inside them too."""
    if codec != "hevc" or layout is None:
        return None
    known = set(layout.sets)
    keys = (packet for packet in packets if packet.is_key)
    changed = any(set(parameter_sets(codec, key.data, layout.length_bytes)) - known for key in keys)
    return "hev1" if changed else "hvc1"


@contextmanager
def _as_clip_error(cut: PacketCut) -> Iterator[None]:
    try:
        yield
    except (FFmpegError, ValueError, IndexError) as error:
        raise ClipError(f"packets of {cut.template.codec} could not be written as MP4: {error}") from error
