"""What the edge costs beside decoding: a camera's whole way, and the replay of office1, against decoding the same file.

One thread each. Rounds alternate (A B A B …) in one process and CPU time is measured, so that the ratio holds on a
machine that is busy with other things; the spread of the rounds is given with it.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import av
import structlog
import yaml

from edge.camera_worker import CameraWorker, SharedParts
from edge.config.document import EdgeConfig, load_config
from edge.config.sources import CameraSource
from edge.evidence.camera import Inline
from edge.replay import Progress, replay
from edge.status import SourceMeter
from edge.worker.bell import Bell, new_bell
from edge.worker.cameras import source_parts
from edge.worker.state import State
from samples.demo.programs import installed
from tests.bench.clips import BenchClip, bench_clip
from tests.bench.rows import ROOT, Row, at_least, at_most, publish, skipped

CLIP = ROOT.parent / "shared" / "data" / "thrown" / "office1.mp4"
CONFIG = ROOT / "tests" / "data" / "office1.yaml"
ROUNDS = 15
PROCESS_ROUNDS = 5
TARGET_RATIO = 1.5
CAMERA_ROUNDS = 5
CAMERA_TARGETS = {"calm": 1.35, "leafy": 1.6}
"""By bench clip: nothing but a fall moves in the polygon; a branch swings in it."""

DECODE_PROGRAM = """
import sys, av
container = av.open(sys.argv[1])
container.streams.video[0].codec_context.thread_count = 1
for frame in container.decode(video=0):
    pass
"""


def decode_only(clip: Path = CLIP) -> float:
    """CPU seconds to open the file and decode every frame on one thread."""
    start = time.process_time()
    with av.open(str(clip), metadata_errors="replace") as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        stream.codec_context.thread_type = "NONE"
        for packet in container.demux(stream):
            for _frame in packet.decode():
                pass
    return time.process_time() - start


def whole_camera(clip: BenchClip, folder: Path) -> float:
    """CPU seconds of a camera of `run`: demuxing, packet ring, decoding, health, detector, episodes, evidence, outbox.

    Raises:
        AssertionError: it did not see the clip's fall, exactly once: then its cost says nothing.
    """
    folder.mkdir(parents=True)
    config_path = folder / "edge.yaml"
    document = clip.edge_config(folder / "state")
    document["sources"][clip.path.stem]["input"] = {"type": "file", "path": str(clip.path), "pace": "fastest"}
    config_path.write_text(yaml.safe_dump(document), encoding="utf-8")
    config = load_config(config_path)
    source_id, settings = next(iter(config.sources.items()))
    assert isinstance(settings, CameraSource)
    gc.collect()
    cpu = time.process_time()
    bell = new_bell()
    state = State(config, Bell(bell), threading.Event())
    sink = state.patient_sink()
    meter = SourceMeter(source_id, settings.kind, settings.name)
    parts = source_parts(state, config, settings, meter, sink)
    CameraWorker(source_id, settings, parts, SharedParts(config.evidence, state.store, Inline(), sink)).run()
    cpu = time.process_time() - cpu
    phases = [json.loads(event.content)["data"].get("phase") for event in state.outbox.next_batch(1000, 10_000_000)]
    state.outbox.close()
    os.close(bell)
    assert (phases.count("opened"), phases.count("cleared")) == (1, 1), phases
    return cpu


def camera_rows(name: str, scratch: Path) -> list[Row]:
    """Figures of one bench clip."""
    clip = bench_clip(name)
    decode_only(clip.path)
    decodes, ratios = [], []
    for number in range(CAMERA_ROUNDS):
        decode = decode_only(clip.path)
        ratios.append(whole_camera(clip, scratch / f"{name}-{number}") / decode)
        decodes.append(decode * 1000)
    watched = {"calm": "no foliage", "leafy": "foliage"}[name]
    note = f"{watched} in the polygon, 1080p25 at 6 Mbit/s; {CAMERA_ROUNDS} alternating rounds, CPU time, one thread"
    return [
        at_most(f"thrown.camera_ratio.{name}", ratios, "x decode-only", CAMERA_TARGETS[name], note),
        at_most(f"thrown.camera_decode_cpu.{name}", decodes, "ms a clip", None, "40 s of 1920 x 1080"),
    ]


def whole_replay(config: EdgeConfig, folder: Path) -> tuple[float, float, float]:
    """(CPU seconds, wall seconds, media seconds) of a replay with its evidence, as `gridsentry-edge replay` does it."""
    cpu, wall = time.process_time(), time.monotonic()
    results = replay([CLIP], config, folder / "events.jsonl", folder / "evidence", Progress())
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    assert results[0].problem is None, results[0].problem
    return cpu, wall, results[0].media_seconds


def process_cpu(command: Sequence[str]) -> float:
    """CPU seconds of a whole process, with its start-up."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def process_ratios(scratch: Path) -> list[float]:
    """CPU of the command `replay` over that of a program that only decodes: on a short clip start-up weighs most."""
    decode = [sys.executable, "-c", DECODE_PROGRAM, str(CLIP)]
    whole = [installed("gridsentry-edge"), "replay", str(CLIP), "--config", str(CONFIG)]
    whole += ["--out", str(scratch / "whole.jsonl")]
    ratios = []
    for _ in range(PROCESS_ROUNDS):
        decoding = process_cpu(decode)
        ratios.append(process_cpu(whole) / decoding)
    return ratios


def run() -> list[Row]:
    """Measures and publishes."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with tempfile.TemporaryDirectory() as scratch:
        rows = [row for name in CAMERA_TARGETS for row in camera_rows(name, Path(scratch))]
    rows += office_rows()
    publish("thrown", rows)
    return rows


def office_rows() -> list[Row]:
    """Figures of the real clip, 720p."""
    names = ("thrown.cost_ratio", "thrown.speed")
    if not CLIP.exists():
        return [skipped(name, "x", None, f"{CLIP} is not there") for name in names]
    decodes, costs, speeds, ratios = [], [], [], []
    with tempfile.TemporaryDirectory() as scratch:
        config = load_config(CONFIG)
        decode_only()
        whole_replay(config, Path(scratch) / "warm")
        for number in range(ROUNDS):
            decode = decode_only()
            cpu, wall, media = whole_replay(config, Path(scratch) / str(number))
            decodes.append(decode * 1000)
            costs.append(cpu * 1000)
            ratios.append(cpu / decode)
            speeds.append(media / max(cpu, wall))
        processes = process_ratios(Path(scratch))
    note = f"{ROUNDS} alternating rounds, CPU time, one thread, foliage masked, evidence written, without start-up"
    return [
        at_most(names[0], ratios, "x decode-only", TARGET_RATIO, note),
        at_least(names[1], speeds, "x real time", 1.0, "media seconds a second, the slower of CPU and wall time"),
        at_most("thrown.process_ratio", processes, "x decode-only", None, "both as whole processes, with start-up"),
        at_most("thrown.decode_cpu", decodes, "ms a clip", None, "332 frames of 1280 x 720"),
        at_most("thrown.replay_cpu", costs, "ms a clip", None, "the same frames through the whole edge"),
    ]


if __name__ == "__main__":
    sys.exit(any(row.ok is False for row in run()))
