"""H.264 in MP4 as a camera would send it, with the same bytes on every run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path

import av

from samples.facade.render import Picture
from samples.facade.scenario import Encoding, Scenario


def write_clip(
    path: Path, scenario: Scenario, frames: Iterable[Picture], on_frame: Callable[[], None] = lambda: None
) -> None:
    """Encodes I420 frames to `path`. One thread and no stamps of time or version: equal frames give equal bytes."""
    encoding, camera = scenario.encoding, scenario.camera
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    with av.open(str(path), "w", format="mp4", options=options) as container:
        stream = container.add_stream("libx264", rate=scenario.fps, options=_options(encoding, scenario.fps))
        stream.width, stream.height, stream.pix_fmt = camera.width, camera.height, "yuv420p"
        stream.codec_context.thread_count = 1
        stream.codec_context.time_base = Fraction(1, scenario.fps)
        for index, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, scenario.fps)
            container.mux(stream.encode(frame))
            on_frame()
        container.mux(stream.encode(None))


def _options(encoding: Encoding, fps: int) -> dict[str, str]:
    gop = max(1, round(encoding.gop_seconds * fps))
    return {
        "preset": encoding.preset,
        "profile": "main",
        "crf": str(encoding.crf),
        "maxrate": f"{encoding.cap_kbit_s}k",
        "bufsize": f"{2 * encoding.cap_kbit_s}k",
        "g": str(gop),
        "keyint_min": str(gop),
        "sc_threshold": "0",
        "bf": "0",
        "threads": "1",
        "flags": "+bitexact",
        # limited-range BT.601, said aloud so that every player agrees
        "x264-params": "colorprim=smpte170m:transfer=smpte170m:colormatrix=smpte170m:range=tv",
    }
