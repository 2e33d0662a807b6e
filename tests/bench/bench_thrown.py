"""What the edge costs beside decoding: the replay of office1 against decoding the same file, one thread each.

Rounds alternate (A B A B …) in one process and CPU time is measured, so that the ratio holds on a machine that is
busy with other things; the spread of the rounds is given with it.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import av

from edge.config.document import EdgeConfig, load_config
from edge.replay import Progress, replay
from samples.demo.programs import installed
from tests.bench.rows import ROOT, Row, at_least, at_most, publish, skipped

CLIP = ROOT.parent / "shared" / "data" / "thrown" / "office1.mp4"
CONFIG = ROOT / "tests" / "data" / "office1.yaml"
ROUNDS = 15
PROCESS_ROUNDS = 5
TARGET_RATIO = 1.5

DECODE_PROGRAM = """
import sys, av
container = av.open(sys.argv[1])
container.streams.video[0].codec_context.thread_count = 1
for frame in container.decode(video=0):
    pass
"""


def decode_only() -> float:
    """CPU seconds to open the file and decode every frame on one thread."""
    start = time.process_time()
    with av.open(str(CLIP), metadata_errors="replace") as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        stream.codec_context.thread_type = "NONE"
        for packet in container.demux(stream):
            for _frame in packet.decode():
                pass
    return time.process_time() - start


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
    names = ("thrown.cost_ratio", "thrown.speed")
    if not CLIP.exists():
        rows = [skipped(name, "x", None, f"{CLIP} is not there") for name in names]
        publish("thrown", rows)
        return rows
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
    rows = [
        at_most(names[0], ratios, "x decode-only", TARGET_RATIO, note),
        at_least(names[1], speeds, "x real time", 1.0, "media seconds a second, the slower of CPU and wall time"),
        at_most("thrown.process_ratio", processes, "x decode-only", None, "both as whole processes, with start-up"),
        at_most("thrown.decode_cpu", decodes, "ms a clip", None, "332 frames of 1280 x 720"),
        at_most("thrown.replay_cpu", costs, "ms a clip", None, "the same frames through the whole edge"),
    ]
    publish("thrown", rows)
    return rows


if __name__ == "__main__":
    sys.exit(any(row.ok is False for row in run()))
