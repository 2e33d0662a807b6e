"""Small H.264 recordings made on the spot: a grey wall on which a square falls."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np


def record(
    path: Path,
    *,
    seconds: float = 4,
    fps: int = 10,
    size: tuple[int, int] = (160, 120),
    gop: int = 10,
    codec: str = "libx264",
) -> Path:
    """Writes a recording; frame n shows a bright square n pixels down, and a brightness of 60 + n % 100."""
    width, height = size
    with av.open(path, "w") as output:
        stream = output.add_stream(codec, rate=fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.gop_size = gop
        if codec == "libx264":
            stream.options = {"sc_threshold": "0"}  # key frames where the tests expect them
        stream.time_base = Fraction(1, fps)
        for number in range(int(seconds * fps)):
            picture = np.full((height, width, 3), 60 + number % 100, np.uint8)
            top = number % (height - 10)
            picture[top : top + 8, 20:28] = 250
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")):
                output.mux(packet)
        for packet in stream.encode(None):
            output.mux(packet)
    return path
