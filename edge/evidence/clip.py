"""Clips cut from the packets of a stream: nothing is encoded again."""

from __future__ import annotations

import io

import av
from av.error import FFmpegError

from edge.streams.ring import PacketCut

PLAYABLE_CODECS = frozenset({"h264", "av1", "hevc"})
"""What fits an MP4 and what browsers decode; HEVC only where the machine's own decoder helps."""

_INDEX_BYTES = 16 * 1024
_INDEX_BYTES_PER_PACKET = 48
"""A sample takes at most 44 in MP4's tables: duration 8, offset 8, size 4, chunk 12 and 8, key 4."""


class ClipError(ValueError):
    """Packets that no clip can be made from, with the reason."""


def mp4_of(cut: PacketCut) -> bytes:
    """An MP4 that starts at the cut's first key frame, its index in front, the same bytes for the same packets.

    Raises:
        ClipError: the codec does not fit, or the packets do not make a stream.
    """
    codec = cut.template.codec
    if codec not in PLAYABLE_CODECS:
        expected = ", ".join(sorted(PLAYABLE_CODECS))
        raise ClipError(f"the stream is {codec}, clips are made from {expected}: set the camera to H.264")
    target = io.BytesIO()
    try:
        _mux(cut, target)
    except (FFmpegError, ValueError) as error:
        raise ClipError(f"packets of {codec} could not be written as MP4: {error}") from error
    return target.getvalue()


def _mux(cut: PacketCut, target: io.BytesIO) -> None:
    # bitexact: no library versions and no time of writing inside, so that equal packets give equal bytes. The index
    # goes into room that is kept at the front: `faststart` would write everything twice, and wants a file for it.
    room = _INDEX_BYTES + _INDEX_BYTES_PER_PACKET * len(cut.packets)
    options = {"moov_size": str(room), "fflags": "+bitexact"}
    with cut.template.open() as template, av.open(target, "w", format="mp4", options=options) as output:
        stream = output.add_stream_from_template(template.streams.video[0])
        first = cut.packets[0]
        last_dts: int | None = None
        for packet in cut.packets:
            moved = packet.to_av(stream, first.pts)
            # Cameras repeat decode stamps now and then; MP4 wants them to grow.
            if last_dts is not None and moved.dts is not None and moved.dts <= last_dts:
                moved.dts = last_dts + 1
                moved.pts = max(moved.pts or 0, moved.dts)
            last_dts = moved.dts
            output.mux(moved)
