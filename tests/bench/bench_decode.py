"""What decoding less saves, and colour of a region: 1080p25 H.264 with a key frame every 2 s, one thread.

Modes alternate within each round, and CPU time of the thread is measured: ratios hold on a busy machine.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from edge.detectors.interface import Region
from edge.sources.decoding import DecodeMode
from edge.sources.file import FileSource
from edge.streams.colour import bgr_reader
from edge.streams.nal import is_disposable
from tests.bench.rows import Row, at_most, publish

WIDTH, HEIGHT, FPS, SECONDS, GROUP = 1920, 1080, 25, 8, 50
ROUNDS = 7
COLOUR_ROUNDS = 40
REGION = Region(811, 333, 320, 320)


def street(path: Path) -> Path:
    """A textured scene with a sensor's noise and things that move, as a camera's encoder would send it."""
    random = np.random.default_rng(20_261_121)
    coarse = random.integers(40, 215, (HEIGHT // 24, WIDTH // 24, 3), dtype=np.uint8)
    scene = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    noises = [random.normal(0, 2.5, (HEIGHT, WIDTH, 1)).astype(np.int8) for _ in range(6)]
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = WIDTH, HEIGHT, "yuv420p", GROUP
        stream.options = {"sc_threshold": "0", "bf": "2", "b_strategy": "0", "preset": "veryfast", "crf": "25"}
        stream.time_base = stream.codec_context.time_base = Fraction(1, FPS)
        for number in range(SECONDS * FPS):
            picture = np.clip(scene + noises[number % 6].astype(np.int16), 0, 255).astype(np.uint8)
            for thing in range(5):
                left = (150 * thing + 9 * number * (thing + 1)) % (WIDTH - 120)
                cv2.rectangle(
                    picture, (left, 150 + 170 * thing), (left + 110, 240 + 170 * thing), (30, 60, 40 * thing), -1
                )
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = number
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def decoding_cost(path: Path, mode: DecodeMode) -> tuple[float, int]:
    """CPU seconds to demux and decode the file in a mode, and how many pictures came."""
    pictures = 0
    began = time.thread_time()
    with FileSource(path) as source:
        source.mode = mode
        for packet in source.packets():
            pictures += len(source.decode(packet))
        pictures += len(source.decode(None))
    return time.thread_time() - began, pictures


def disposable_share(path: Path) -> float:
    """Of the clip's pictures."""
    with FileSource(path) as source:
        kinds = [bool(is_disposable(source.codec, bytes(packet))) for packet in source.packets()]
    return sum(kinds) / len(kinds)


def cost_of(work: Callable[[], object]) -> float:
    """CPU milliseconds."""
    began = time.thread_time()
    work()
    return (time.thread_time() - began) * 1000


def mode_rows(path: Path) -> list[Row]:
    """Cost of each mode: a share of a core for this stream, and over full decoding."""
    costs: dict[DecodeMode, list[float]] = {mode: [] for mode in DecodeMode}
    counts = {}
    for _ in range(ROUNDS):
        for mode in DecodeMode:
            seconds, counts[mode] = decoding_cost(path, mode)
            costs[mode].append(seconds)
    share = disposable_share(path)
    rows = []
    for mode in DecodeMode:
        note = f"{counts[mode]} of {SECONDS * FPS} pictures"
        note += f"; {share:.0%} are needed by no other" if mode is DecodeMode.SKIP_NON_REFERENCE else ""
        rows.append(at_most(f"{mode}: share of a core", [cost / SECONDS for cost in costs[mode]], "core", None, note))
    full = costs[DecodeMode.FULL]
    targets = {DecodeMode.SKIP_NON_REFERENCE: 0.85, DecodeMode.KEY_FRAMES: 0.15}
    for mode, target in targets.items():
        ratios = [cost / whole for cost, whole in zip(costs[mode], full, strict=True)]
        rows.append(at_most(f"{mode} over full", ratios, "×", target))
    return rows


def colour_rows(path: Path) -> list[Row]:
    """A region of 320 × 320 in colour against the whole picture."""
    whole: list[float] = []
    part: list[float] = []
    with FileSource(path) as source:
        pictures = [frame for packet in source.packets() for frame in source.decode(packet)][:COLOUR_ROUNDS]
    for picture in pictures:
        read = bgr_reader(picture)
        whole.append(cost_of(read))
        part.append(cost_of(lambda read=read: read(REGION)))
    ratios = [one / other for one, other in zip(part, whole, strict=True)]
    return [
        at_most("colour of a whole 1080p picture", whole, "ms", None),
        at_most("colour of 320 × 320 of it", part, "ms", None),
        at_most(
            "colour of the region over the whole", ratios, "×", 0.4, f"{320 * 320 / WIDTH / HEIGHT:.0%} of the pixels"
        ),
    ]


def run() -> Sequence[Row]:
    """All rows, published."""
    with tempfile.TemporaryDirectory() as folder:
        clip = street(Path(folder) / "street.mp4")
        rows = [*mode_rows(clip), *colour_rows(clip)]
    publish("decode", rows)
    return rows
