"""Pictures into a model's input: scaled with their shape kept, padded, and laid out as (n, 3, height, width) floats."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Floats, Grey
from edge.vision.planes import Colour, Planes, PlaneScaler
from edge.vision.regions import Window

PADDING = 114
"""The grey that YOLOX and the YOLO of Ultralytics were trained with around their pictures."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a model wants its pictures.

    `centred`: padding on both sides (Ultralytics) instead of right and below (YOLOX). `rgb`: red first. `unit_range`:
    0-1 instead of 0-255. `stretched`: the whole input is filled, whatever that does to the picture's shape. `mean`,
    `deviation`: of the input's channels in their order, taken off and divided by, where a model was trained so.
    """

    centred: bool
    rgb: bool
    unit_range: bool
    stretched: bool = False
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    deviation: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def scale(self, channel: int) -> np.float32:
        """What a pixel is multiplied by, …"""
        return np.float32((1 / 255 if self.unit_range else 1.0) / self.deviation[channel])

    def offset(self, channel: int) -> np.float32:
        """… and what is added then."""
        return np.float32(-self.mean[channel] / self.deviation[channel])


YOLOX_LAYOUT = Layout(centred=False, rgb=False, unit_range=False)
YOLOV8_LAYOUT = Layout(centred=True, rgb=True, unit_range=True)
RTDETR_LAYOUT = Layout(centred=False, rgb=True, unit_range=True, stretched=True)
NANODET_LAYOUT = Layout(
    centred=False,
    rgb=False,
    unit_range=False,
    stretched=True,
    # ImageNet's, blue first, as every configuration of NanoDet has them.
    mean=(103.53, 116.28, 123.675),
    deviation=(57.375, 57.12, 58.395),
)


@dataclass(frozen=True, slots=True)
class Fit:
    """Where a window of a picture lies in a model's input: (left, top) and size in the input's pixels."""

    window: Window
    left: int
    top: int
    width: int
    height: int

    def to_picture(self, boxes: Floats) -> Floats:
        """Boxes (n, 4: left, top, right, bottom) from the input's pixels to the whole picture's, cut at the window.

        In place; returns the same array.
        """
        window = self.window
        across, down = window.width / self.width, window.height / self.height
        boxes *= np.array((across, down, across, down), np.float32)
        boxes += np.array((window.left - self.left * across, window.top - self.top * down) * 2, np.float32)
        columns, rows = boxes[:, 0::2], boxes[:, 1::2]
        np.clip(columns, window.left, window.right, out=columns)
        np.clip(rows, window.top, window.bottom, out=rows)
        return boxes


def fit(window: Window, input_width: int, input_height: int, *, centred: bool) -> Fit:
    """The largest place in the input that keeps the window's shape, in even pixels (colour comes in pairs)."""
    scale = min(input_width / window.width, input_height / window.height)
    width = min(max(2, 2 * round(window.width * scale / 2)), input_width // 2 * 2)
    height = min(max(2, 2 * round(window.height * scale / 2)), input_height // 2 * 2)
    left = (input_width - width) // 2 if centred else 0
    top = (input_height - height) // 2 if centred else 0
    return Fit(window, left, top, width, height)


class Letterbox:
    """The input of a model for up to `batch` pictures, filled a picture at a time; every buffer is made once.

    Only the pixels of the picture are written: padding stays from the picture before as long as the fit is the same.
    """

    def __init__(self, width: int, height: int, layout: Layout, batch: int = 1) -> None:
        self.width = width
        self.height = height
        self.layout = layout
        self.batch = batch
        self._scaler = PlaneScaler()
        self._scales = [layout.scale(channel) for channel in range(3)]
        self._offsets = [layout.offset(channel) for channel in range(3)]
        padding = [
            np.float32(PADDING) * scale + offset for scale, offset in zip(self._scales, self._offsets, strict=True)
        ]
        self._padding = np.array(padding, np.float32)[:, None, None]
        self._input = np.empty((batch, 3, height, width), np.float32)
        self._input[:] = self._padding
        self._fits: list[Fit | None] = [None] * batch
        self._picture = np.empty((0, 0, 3), np.uint8)
        self._channels: list[NDArray[np.uint8]] = []

    def input(self, count: int) -> Floats:
        """The first `count` pictures as (count, 3, height, width): a view, valid until the next picture is put."""
        return self._input[:count]

    def put_planes(self, index: int, planes: Planes, window: Window) -> Fit:
        """A window of a decoded picture.

        Raises:
            ValueError: the window leaves the picture.
        """
        place = self._place(index, window)
        self._scaler.scaled_bgr(planes, window, self._picture)
        self._fill(index, place)
        return place

    def put_bgr(self, index: int, picture: Colour, window: Window | None = None) -> Fit:
        """A (height, width, 3) picture; `window`: which part of the whole picture it shows, if it is a part."""
        place = self._place(index, window or Window(0, 0, picture.shape[1], picture.shape[0]))
        cv2.resize(picture, (place.width, place.height), dst=self._picture, interpolation=cv2.INTER_LINEAR)
        self._fill(index, place)
        return place

    def put_luma(self, index: int, picture: Grey) -> Fit:
        """A (height, width) grey picture, the same in all three channels."""
        place = self._place(index, Window(0, 0, picture.shape[1], picture.shape[0]))
        grey = self._channels[0]
        cv2.resize(picture, (place.width, place.height), dst=grey, interpolation=cv2.INTER_LINEAR)
        cv2.merge([grey, grey, grey], dst=self._picture)
        self._fill(index, place)
        return place

    def _place(self, index: int, window: Window) -> Fit:
        if self.layout.stretched:
            place = Fit(window, 0, 0, self.width, self.height)
        else:
            place = fit(window, self.width, self.height, centred=self.layout.centred)
        before = self._fits[index]
        size = (place.left, place.top, place.width, place.height)
        if before is None or (before.left, before.top, before.width, before.height) != size:
            self._input[index] = self._padding
        self._fits[index] = place
        if self._picture.shape[:2] != (place.height, place.width):
            self._picture = np.empty((place.height, place.width, 3), np.uint8)
            self._channels = [np.empty((place.height, place.width), np.uint8) for _ in range(3)]
        return place

    def _fill(self, index: int, place: Fit) -> None:
        cv2.split(self._picture, self._channels)
        rows = slice(place.top, place.top + place.height)
        columns = slice(place.left, place.left + place.width)
        order = (2, 1, 0) if self.layout.rgb else (0, 1, 2)
        for channel, source in enumerate(order):
            target = self._input[index, channel, rows, columns]
            scale, offset = self._scales[channel], self._offsets[channel]
            if scale == 1:
                np.copyto(target, self._channels[source])
            else:
                np.multiply(self._channels[source], scale, out=target)
            if offset:
                target += offset
