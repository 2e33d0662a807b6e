"""A decoded picture's planes as they lie, for what scales before it makes colour."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, cast

import numpy as np
from av.video.reformatter import ColorRange

from edge.detectors.interface import Image
from edge.vision.planes import Planes

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.plane import VideoPlane

PLANAR = frozenset(
    {
        *("yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "yuv440p", "yuvj440p"),
        *("yuv411p", "yuvj411p", "yuv410p", "nv12", "nv21", "nv16", "nv24", "gray"),
    }
)
"""Pixel formats of 8 bits whose planes are luma, and U and V apart or side by side."""


def planes_reader(picture: VideoFrame) -> Callable[[], Planes] | None:
    """Reads the planes when they are asked for; None where the picture's format has none to be read in place."""
    return partial(planes_of, picture) if picture.format.name in PLANAR else None


def planes_of(picture: VideoFrame) -> Planes:
    """The planes of a picture in one of PLANAR, as views that keep it alive."""
    luma, *others = picture.planes
    paired = 2 if len(others) == 1 else 1  # nv12 and its like: both colours side by side
    chroma = tuple(_view(plane, paired) for plane in others)
    if picture.format.name == "nv21":
        chroma = tuple(both[:, :, ::-1] for both in chroma)
    full_range = picture.format.name.startswith("yuvj") or picture.color_range == ColorRange.JPEG
    return Planes(_view(luma, 1), chroma, full_range=full_range)


def _view(plane: VideoPlane, samples: int) -> Image:
    """(height, width) of one sample a pixel, or (height, width, samples); rows are `line_size` bytes apart."""
    axes = 2 if samples == 1 else 3
    view: Image = np.ndarray(
        (plane.height, plane.width, samples)[:axes],
        np.uint8,
        cast("memoryview[int]", plane),
        strides=(plane.line_size, samples, 1)[:axes],
    )
    view.flags.writeable = False
    return view
