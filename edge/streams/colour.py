"""Pictures as detectors get them: luma where it lies, colour only of the region that is asked for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, cast

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from edge.detectors.interface import Image, ReadBgr, Region

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.plane import VideoPlane

PLANAR_LUMA = frozenset(
    {
        *("yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "yuv440p", "yuvj440p"),
        *("yuv411p", "yuvj411p", "yuv410p", "nv12", "nv21", "nv16", "nv24", "gray"),
    }
)
"""Pixel formats whose first plane is 8-bit luma, to be looked at where it lies."""

_CHROMA_STEPS = {
    **dict.fromkeys(("yuv420p", "yuvj420p", "nv12", "nv21"), (2, 2)),
    **dict.fromkeys(("yuv422p", "yuvj422p", "nv16"), (2, 1)),
    **dict.fromkeys(("yuv444p", "yuvj444p", "nv24"), (1, 1)),
}
"""Formats that can be cut out, with how many pixels across and down share a colour sample."""
_MARGIN = 4
"""Pixels: two samples of the coarsest colours."""
_WHOLE_FROM = 0.8
"""Share of the picture from which cutting out first costs more than it saves."""


def luma_view(picture: VideoFrame) -> Image:
    """The (height, width) Y plane of a picture in one of PLANAR_LUMA, read-only and without a copy.

    The view keeps the picture alive. Rows are `line_size` apart, which is often more than the width.
    """
    view = _rows(picture.planes[0], picture.height, picture.width)
    view.flags.writeable = False
    return view


def bgr_reader(picture: VideoFrame) -> ReadBgr:
    """Converts on demand: colour costs more than everything the thrown-object detector does."""

    def read(region: Region | None = None) -> Image:
        if region is None:
            return _bgr(picture)
        left, top = max(region.x, 0), max(region.y, 0)
        right, bottom = min(region.x + region.width, picture.width), min(region.y + region.height, picture.height)
        if left >= right or top >= bottom:
            return np.zeros((0, 0, 3), np.uint8)
        steps = _CHROMA_STEPS.get(picture.format.name)
        if steps is None or (right - left) * (bottom - top) > _WHOLE_FROM * picture.width * picture.height:
            return np.ascontiguousarray(_bgr(picture)[top:bottom, left:right])
        # Cut at whole colour samples, or the cut would shift the colours by half a one; with a margin, for the
        # converter smooths colours across neighbours.
        first_x, first_y = _down_to(left - _MARGIN, steps[0]), _down_to(top - _MARGIN, steps[1])
        last_x = min(right + _MARGIN + -(right + _MARGIN) % steps[0], picture.width)
        last_y = min(bottom + _MARGIN + -(bottom + _MARGIN) % steps[1], picture.height)
        bgr = _bgr(_cut_out(picture, first_x, first_y, last_x, last_y, steps))
        return bgr[top - first_y : bottom - first_y, left - first_x : right - first_x]

    return read


def _down_to(value: int, step: int) -> int:
    return max(value - value % step, 0)


_converters = threading.local()
_MAX_CONVERTERS = 8
"""Sizes that one thread converts by turns: whole pictures, and the regions of a few detectors."""


def converted(picture: VideoFrame, pixel_format: str) -> VideoFrame:
    """The picture in another pixel format. Several threads may ask for the same picture.

    Each thread keeps its converters, one a size. A picture's own (`VideoFrame.reformat`) is made anew for every
    picture, which costs ten times as much as converting, and two threads that use it at once crash the process.
    """
    kept: OrderedDict[tuple[int, int, str, str], VideoReformatter] | None = getattr(_converters, "kept", None)
    if kept is None:
        kept = _converters.kept = OrderedDict()
    key = (picture.width, picture.height, picture.format.name, pixel_format)
    converter = kept.get(key)
    if converter is None:
        converter = kept[key] = VideoReformatter()
        if len(kept) > _MAX_CONVERTERS:
            kept.popitem(last=False)
    kept.move_to_end(key)
    return converter.reformat(picture, format=pixel_format)


def _bgr(picture: VideoFrame) -> Image:
    return np.asarray(converted(picture, "bgr24").to_ndarray(), dtype=np.uint8)


def _cut_out(picture: VideoFrame, left: int, top: int, right: int, bottom: int, steps: tuple[int, int]) -> VideoFrame:
    """A picture of its own that holds one region, in the same format and colours."""
    width, height = right - left, bottom - top
    part = av.VideoFrame(width, height, picture.format.name)
    part.color_range, part.colorspace = picture.color_range, picture.colorspace
    across, down = steps
    for number, (source, target) in enumerate(zip(picture.planes, part.planes, strict=True)):
        if number == 0:
            x, y, columns, lines = left, top, width, height
        else:
            paired = 2 if len(picture.planes) == 2 else 1  # nv12: both colours side by side in one plane
            x, y = left // across * paired, top // down
            columns, lines = -(-width // across) * paired, -(-height // down)
        window = _rows(source, y + lines, x + columns)[y:, x:]
        _rows(target, lines, columns)[:] = window
    return part


def _rows(plane: VideoPlane, height: int, width: int) -> Image:
    """A plane as (height, width) bytes, without a copy."""
    view: Image = np.ndarray((height, width), np.uint8, cast("memoryview[int]", plane), strides=(plane.line_size, 1))
    return view
