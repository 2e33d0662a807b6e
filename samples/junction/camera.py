"""Frames of a rendered junction as a decoder would give them, compressed or nearly so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from typing import Protocol

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detectors.interface import Frame, Image, Region
from edge.vision.planes import Planes
from samples.facade.seeding import stream
from samples.junction.backdrop import MARGIN
from samples.junction.heads import Box
from samples.junction.lights import Picture
from samples.junction.render import Renderer
from samples.junction.scenario import Codec, Scene

BLOCK = 16
"""Chroma blocks of 4:2:0 cover so many pixels."""
LOST_SHARE = 0.01
"""Pictures that never arrive: times are irregular in the field."""
GOP_PICTURES = 50


class Compressor(Protocol):
    """Takes a picture through a lossy codec."""

    def through(self, i420: Picture) -> Picture:
        """The picture as it comes out, I420."""


class Coded(Protocol):
    """What an encoder must know of a scene."""

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...

    @property
    def fps(self) -> float: ...

    @property
    def quality(self) -> int: ...


class H264:
    """A real encoder and decoder, one picture in, one out."""

    def __init__(self, scene: Coded) -> None:
        self._encoder = av.CodecContext.create("libx264", "w")
        self._encoder.width, self._encoder.height = scene.width, scene.height
        self._encoder.pix_fmt = "yuv420p"
        self._encoder.time_base = Fraction(1, 1000)
        self._encoder.framerate = Fraction(max(round(scene.fps), 1), 1)
        self._encoder.thread_count = 1
        self._encoder.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "crf": str(scene.quality),
            "g": str(GOP_PICTURES),
        }
        self._decoder = av.CodecContext.create("h264", "r")
        self._decoder.thread_count = 1
        self._count = 0
        self._latest: Picture | None = None

    def through(self, i420: Picture) -> Picture:
        frame = av.VideoFrame.from_ndarray(i420, format="yuv420p")
        frame.pts, frame.time_base = self._count * 40, Fraction(1, 1000)
        self._count += 1
        for packet in self._encoder.encode(frame):
            for decoded in self._decoder.decode(packet):
                self._latest = np.asarray(decoded.to_ndarray(format="yuv420p"), np.uint8)
        return i420 if self._latest is None else self._latest


class Blocks:
    """JPEG's transform on windows around the heads; the rest of the picture stays as it is."""

    def __init__(self, scene: Scene, windows: list[Box]) -> None:
        self._quality = [cv2.IMWRITE_JPEG_QUALITY, scene.quality]
        self._size = scene.width, scene.height
        self._windows = [_aligned(window, scene.width, scene.height) for window in windows]

    def through(self, i420: Picture) -> Picture:
        width, height = self._size
        luma, u, v = split(i420, width, height)
        for window in self._windows:
            self._squeeze(luma[window.slices])
            half = Box(window.left // 2, window.top // 2, window.right // 2, window.bottom // 2).slices
            self._squeeze(u[half])
            self._squeeze(v[half])
        return i420

    def _squeeze(self, plane: NDArray[np.uint8]) -> None:
        if plane.size:
            _, coded = cv2.imencode(".jpg", plane, self._quality)
            plane[:] = np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)


def split(i420: Picture, width: int, height: int) -> tuple[Picture, Picture, Picture]:
    """Views of the planes Y, U and V."""
    quarter = (width // 2) * (height // 2)
    flat = i420.reshape(-1)
    chroma = flat[width * height :]
    return (
        i420[:height],
        chroma[:quarter].reshape(height // 2, width // 2),
        chroma[quarter : 2 * quarter].reshape(height // 2, width // 2),
    )


@dataclass(frozen=True, slots=True, eq=False)
class ReadRegion:
    """`read_bgr` of a frame: converts no more than is asked."""

    planes: Planes

    def __call__(self, region: Region | None = None) -> Image:
        """A fresh (height, width, 3) picture in BGR."""
        luma = self.planes.luma
        if region is None:
            region = Region(0, 0, luma.shape[1], luma.shape[0])
        # As the real reader does: what lies beyond the border is not there.
        x, y = max(region.x, 0), max(region.y, 0)
        last_x, last_y = (
            min(region.x + region.width, luma.shape[1]),
            min(region.y + region.height, luma.shape[0]),
        )
        if x >= last_x or y >= last_y:
            return np.zeros((0, 0, 3), np.uint8)
        # Chroma pixels are two wide: convert the even window around the region and cut.
        left, top = x // 2 * 2, y // 2 * 2
        right, bottom = min((last_x + 1) // 2 * 2, luma.shape[1]), min((last_y + 1) // 2 * 2, luma.shape[0])
        u, v = (plane[top // 2 : bottom // 2, left // 2 : right // 2] for plane in self.planes.chroma)
        uv = np.dstack((u, v))
        bgr = cv2.cvtColorTwoPlane(np.ascontiguousarray(luma[top:bottom, left:right]), uv, cv2.COLOR_YUV2BGR_NV12)
        return np.ascontiguousarray(bgr[y - top : last_y - top, x - left : last_x - left], np.uint8)


class Camera:
    """The frames of a scene, in order."""

    def __init__(self, renderer: Renderer) -> None:
        self.renderer = renderer
        scene = self.scene = renderer.scene
        self._compressor: Compressor = H264(scene) if scene.codec is Codec.H264 else Blocks(scene, _windows(renderer))

    def times(self) -> Iterator[tuple[int, float]]:
        """Index and seconds of every picture that arrives."""
        rng = stream(self.scene.seed, "lost")
        for index in range(int(self.scene.seconds * self.scene.fps)):
            if rng.random() >= LOST_SHARE:
                yield index, index / self.scene.fps

    def frames(self) -> Iterator[Frame]:
        """All frames. Their planes are valid until the next one is asked for."""
        for index, t in self.times():
            yield self.frame(index, t)

    def frame(self, index: int, t: float) -> Frame:
        """One frame; ask in order of time, for a codec remembers the last one."""
        scene = self.scene
        i420 = self._compressor.through(self.renderer.picture(t, index))
        luma, u, v = split(i420, scene.width, scene.height)
        planes = Planes(luma, (u, v))
        return Frame(
            source_id=scene.name,
            index=index,
            media_time=t,
            wall_time=scene.begins_at + timedelta(seconds=t),
            luma=luma,
            read_bgr=ReadRegion(planes),
            read_planes=lambda: planes,
        )


def _windows(renderer: Renderer) -> list[Box]:
    return [
        Box(box.left - MARGIN, box.top - MARGIN, box.right - MARGIN, box.bottom - MARGIN).grown(8)
        for box in renderer.head_boxes
    ]


def _aligned(box: Box, width: int, height: int) -> Box:
    """Grown to whole blocks, inside the picture."""
    inside = box.inside(width, height)
    return Box(
        inside.left // BLOCK * BLOCK,
        inside.top // BLOCK * BLOCK,
        min(-(-inside.right // BLOCK) * BLOCK, width // 2 * 2),
        min(-(-inside.bottom // BLOCK) * BLOCK, height // 2 * 2),
    )
