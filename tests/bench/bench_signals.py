"""What traffic signals cost beside decoding: a head and sample, a whole camera, and streams of key frames a core.

The clip is a rendered junction with twelve heads as a camera of two megapixels sends it: H.264, 25 frames a second, at
most 6 Mbit/s and a key frame every two seconds. One thread; CPU time; rounds alternate with decoding the same file, so
that the ratios hold on a machine that is busy with other things.

    make bench ARGS=signals
"""

from __future__ import annotations

import gc
import logging
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av
import cv2
import structlog
import yaml

from edge.camera_worker import CameraWorker, SharedParts
from edge.config.document import load_config
from edge.config.inputs import FileInput
from edge.config.sources import CameraSource
from edge.detectors.interface import Frame
from edge.detectors.registry import PictureSize
from edge.detectors.traffic_signal.detector import TrafficSignalDetector
from edge.detectors.traffic_signal.settings import TrafficSignalSettings
from edge.evidence.camera import Inline
from edge.sources.opening import open_video
from edge.status import SourceMeter
from edge.streams.camera import CameraStream
from edge.streams.rate import RateLimit
from edge.worker.bell import Bell, new_bell
from edge.worker.cameras import source_parts
from edge.worker.state import State
from samples.junction.installed import document_of
from samples.junction.plans import Crossroads, HeadSpec
from samples.junction.render import Renderer
from samples.junction.scenario import HeadLook, Moment, Scene, Sky
from tests.bench.bench_thrown import decode_only
from tests.bench.clips import CLIPS
from tests.bench.rows import Row, at_least, at_most, publish

SECONDS, FPS = 60.0, 25
SIZE = PictureSize(1920, 1080)
ROUNDS = 3
HEAD_TARGET_MS = 0.3
CAMERA_TARGET = 1.35
"""As of a calm façade: whoever watches signals too must not pay for a second decoder."""
SHORT_SECONDS = 20.0
"""Until a stream's rhythm is known it is decoded in full, once each time it is opened: what key frames cost lasts, and
is the difference between the clip and its first part."""
KEY_FRAME_STREAMS = 40.0
"""Streams a core (detectors.md §3): decoding key frames alone costs 0.024 of a core."""
PLACES = (
    (120, 150, 20), (330, 120, 26), (560, 170, 18), (760, 110, 24), (960, 190, 16), (1150, 130, 28),
    (1370, 180, 20), (1560, 120, 22), (1760, 170, 18), (420, 480, 20), (900, 520, 22), (1500, 470, 20),
)  # fmt: skip
"""(x, y) of the first lamp, and its diameter."""


def scene() -> Scene:
    """Twelve heads of one crossroads by day."""
    plain = Crossroads(heads_per_group=2, scale=0.35).spec()
    heads = (*plain.heads, *(_farther(head) for head in plain.heads))
    spec = replace(plain, heads=heads)
    looks = {head.id: HeadLook(*place) for head, place in zip(heads, PLACES, strict=True)}
    return Scene(
        name="signals-1080p25",
        seed=5,
        width=SIZE.width,
        height=SIZE.height,
        fps=FPS,
        seconds=SECONDS,
        spec=spec,
        looks=looks,
        light=(Moment(0, Sky.DULL),),
        begins_at=datetime(2026, 3, 4, 4, 0, tzinfo=UTC),
    )


def _farther(head: HeadSpec) -> HeadSpec:
    """Another head of the same group, at the other end of the junction."""
    return replace(head, id=f"{head.id}-far", approach=f"{head.approach}-far")


def clip() -> Path:
    """The clip, rendered on the first call and when the scene has changed (two minutes)."""
    of = scene()
    path, stamp = CLIPS / f"{of.name}.mp4", CLIPS / f"{of.name}.made-by.txt"
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != repr(of):
        CLIPS.mkdir(parents=True, exist_ok=True)
        _render(path, of)
        stamp.write_text(repr(of), encoding="utf-8")
    return path


def _render(path: Path, of: Scene) -> None:
    renderer = Renderer(of)
    options = {"preset": "faster", "crf": "12", "maxrate": "6M", "bufsize": "12M", "sc_threshold": "0", "threads": "1"}
    with av.open(path, "w") as output:
        stream = output.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = of.width, of.height, "yuv420p", 2 * FPS
        for index in range(int(of.seconds * FPS)):
            output.mux(
                stream.encode(av.VideoFrame.from_ndarray(renderer.picture(index / FPS, index), format="yuv420p"))
            )
        output.mux(stream.encode(None))


def shortened(path: Path, folder: Path) -> Path:
    """The clip's first part, packet by packet."""
    short = folder / f"short-{path.name}"
    with av.open(str(path)) as whole, av.open(str(short), "w") as output:
        stream = whole.streams.video[0]
        copied = output.add_stream_from_template(stream)
        for packet in whole.demux(stream):
            if packet.pts is None or packet.time_base is None or packet.pts * packet.time_base >= SHORT_SECONDS:
                break
            packet.stream = copied
            output.mux(packet)
    return short


# ---- a head and sample


class Timed:
    """CPU milliseconds spent in some calls."""

    def __init__(self) -> None:
        self.ms: dict[str, float] = {}

    def around(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The call, timed."""

        def timed(*arguments: Any) -> Any:
            began = time.thread_time()
            try:
                return call(*arguments)
            finally:
                self.ms[name] = self.ms.get(name, 0.0) + (time.thread_time() - began) * 1e3

        return timed


def detector_cost(path: Path, settings: TrafficSignalSettings) -> tuple[dict[str, float], int]:
    """Milliseconds of a whole clip by part (`place`, `look`, `judge`, `all`), and how many samples it had.

    The first ten seconds, in which anchors prove themselves in every picture, do not count: they come once.
    """
    detector, timed = TrafficSignalDetector(settings, SIZE), Timed()
    for part, method, name in (
        ("_placer", "place", "place"),
        ("_eye", "look", "look"),
        ("_machine", "observe", "judge"),
    ):
        owner = getattr(detector, part)
        setattr(owner, method, timed.around(name, getattr(owner, method)))
    observe, samples = timed.around("all", detector.observe), 0
    for frame in sampled(path, settings.max_fps):
        if frame.media_time < 20:
            detector.observe(frame)
            timed.ms.clear()
            continue
        observe(frame)
        samples += 1
    return timed.ms, samples


def sampled(path: Path, fps: float) -> Iterator[Frame]:
    """Decoded frames, as often as a detector asks for."""
    source, rate = open_video(FileInput(type="file", path=path, pace="fastest")), RateLimit(fps)
    try:
        stream = CameraStream("bench", source, wall_start=scene().begins_at)
        yield from (frame for frame in stream.frames() if rate.wants(frame.media_time))
    finally:
        source.close()


def cost_rows(path: Path, settings: TrafficSignalSettings) -> list[Row]:
    """By part, over the rounds."""
    found: dict[str, list[float]] = {}
    heads = len(settings.heads)
    for _ in range(ROUNDS):
        ms, samples = detector_cost(path, settings)
        for name, spent in ms.items():
            found.setdefault(name, []).append(spent / samples)
    note = f"{heads} heads, 1080p at {settings.max_fps:g} samples/s, after decoding; {ROUNDS} rounds, CPU time"
    per_head = [value / heads for value in found["all"]]
    rows = [at_most("signals.head_sample", per_head, "ms a head and sample", HEAD_TARGET_MS, note)]
    for name, part in (("place", "registration"), ("look", "lamps and sight"), ("judge", "time machine")):
        rows.append(at_most(f"signals.sample_{name}", found[name], "ms a sample", None, f"{part}, all heads together"))
    return rows


# ---- whole cameras


def whole_camera(path: Path, folder: Path, **settings: Any) -> float:
    """CPU seconds of a camera of `run` over the clip: demuxing, ring, decoding, health, detector, outbox."""
    folder.mkdir(parents=True)
    document = {
        "device": {"id": "bench", "state_dir": str(folder / "state")},
        "sources": {
            "bench": {
                "kind": "camera",
                "location": {"lon": 113.65, "lat": 34.75, "accuracy_m": 25},
                "input": {"type": "file", "path": str(path), "pace": "fastest"},
                "detectors": {"traffic_signal": {**document_of(scene()), **settings}},
            }
        },
    }
    config_path = folder / "edge.yaml"
    config_path.write_text(yaml.safe_dump(document), encoding="utf-8")
    config = load_config(config_path)
    camera = config.sources["bench"]
    assert isinstance(camera, CameraSource)
    gc.collect()
    cpu = time.process_time()
    bell = new_bell()
    state = State(config, Bell(bell), threading.Event())
    sink = state.patient_sink()
    meter = SourceMeter("bench", camera.kind, camera.name)
    parts = source_parts(state, config, camera, meter, sink)
    CameraWorker("bench", camera, parts, SharedParts(config.evidence, state.store, Inline(), sink)).run()
    cpu = time.process_time() - cpu
    state.outbox.close()
    os.close(bell)
    assert not meter.broken_detectors, meter.broken_detectors
    assert meter.frames_judged >= SHORT_SECONDS / 2.5, "it looked at the clip"
    return cpu


def camera_rows(path: Path, scratch: Path) -> list[Row]:
    """A camera at eight samples a second against decoding alone, and one that looks at key frames only."""
    ratios, streams, decodes = [], [], []
    decode_only(path)
    short = shortened(path, scratch)
    for number in range(ROUNDS):
        decode = decode_only(path)
        ratios.append(whole_camera(path, scratch / f"full-{number}") / decode)
        some = whole_camera(short, scratch / f"some-{number}", key_frames=True)
        all_of_it = whole_camera(path, scratch / f"key-{number}", key_frames=True)
        streams.append((SECONDS - SHORT_SECONDS) / (all_of_it - some))
        decodes.append(decode / SECONDS)
    size = path.stat().st_size * 8 / SECONDS / 1e6
    note = f"12 heads, 1080p25 at {size:.1f} Mbit/s, {ROUNDS} alternating rounds, CPU time, one thread"
    return [
        at_most("signals.camera_ratio", ratios, "x decode-only", CAMERA_TARGET, f"at 8 samples/s; {note}"),
        at_least(
            "signals.key_frame_streams",
            streams,
            "streams a core",
            KEY_FRAME_STREAMS,
            f"key frames of 2 s, once its rhythm is known; {note}",
        ),
        at_most("signals.decode_core", decodes, "core a stream", None, "decoding every frame and nothing else"),
    ]


def run() -> list[Row]:
    """Measures and publishes."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    cv2.setNumThreads(1)
    path = clip()
    settings = TrafficSignalSettings.model_validate(document_of(scene()))
    rows = cost_rows(path, settings)
    with tempfile.TemporaryDirectory() as scratch:
        rows += camera_rows(path, Path(scratch))
    publish("signals", rows)
    return rows


if __name__ == "__main__":
    sys.exit(any(row.ok is False for row in run()))
