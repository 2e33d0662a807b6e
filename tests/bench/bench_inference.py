"""What models cost: around the bare session, in a whole replay, and beside ultralytics; one thread each.

CPU time everywhere, rounds in turn. The 320-pixel detector is YOLO11n by its architecture, exported by the peers'
environment (`make bench-peers`) with untrained weights: it costs what a trained one costs, and finds next to nothing.
The 416-pixel one is YOLOX-nano with its trained weights, on street pictures in which it finds things.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np

from edge.config.inference import ModelFormat, ModelSettings
from edge.inference.detecting import DetectionModel, Question
from edge.inference.sessions import REFERENCE, open_session, read_model
from edge.streams.planes import planes_of
from edge.vision.regions import Window
from tests.bench.asking import plugin_path
from tests.bench.clips import bench_clip
from tests.bench.peer_programs import MISSING, ONE_THREAD, installed, run_peer
from tests.bench.rows import FOLDER, ROOT, Row, at_least, at_most, publish, skipped

DATA = ROOT.parent / "shared" / "data"
YOLOX = DATA / "weights" / "yolox_nano.onnx"
STREETS = DATA / "signals" / "dusk_crossings.mp4"
SMALL = FOLDER / "models" / "yolo11n-320.onnx"

PICTURES = 12
OVERHEAD_ROUNDS = 15
OVERHEAD_TARGET = 15.0
ROUNDS = 3
EVERY_SECONDS = 0.5
EVERY_FRAME_SECONDS = 0.001
PIPELINE_TARGET = 2.0
ULTRALYTICS_TARGET = 3.0
STRIDE = 12
"""Frames of 25 a second between two looks, twice a second: for ultralytics, which counts frames."""


def small_model() -> Path | None:
    """The 320-pixel detector; None where it cannot be made."""
    if not SMALL.exists() and installed():
        run_peer("export", [str(SMALL)])
    return SMALL if SMALL.exists() else None


def pictures(clip: Path) -> Sequence[Question]:
    """Questions about frames spread over a clip; they keep their pictures."""
    questions = []
    with av.open(str(clip)) as container:
        for number, picture in enumerate(container.decode(video=0)):
            if number % 5 == 0:
                planes = planes_of(picture)
                questions.append(Question(float(number), Window(0, 0, planes.width, planes.height), planes))
            if len(questions) == PICTURES:
                break
    return questions


def overhead(path: Path, kind: ModelFormat, clip: Path) -> tuple[list[float], float]:
    """Percent of the bare session's time that letterbox, decoding and suppression take, a round each; boxes found."""
    settings = ModelSettings(path=path, format=kind)
    file = read_model(path)
    model = DetectionModel("bench", settings, file, REFERENCE)
    bare = open_session(file, REFERENCE)
    questions = pictures(clip)
    batch = np.full((1, 3, bare.shape.height, bare.shape.width), 100, np.float32)
    percents, boxes = [], 0
    for _ in range(OVERHEAD_ROUNDS):
        whole = alone = 0.0
        for question in questions:
            began = time.thread_time()
            answer = model.answer([question])[0]
            between = time.thread_time()
            bare.run(batch)
            alone += time.thread_time() - between
            whole += between - began
            boxes += len(answer.scores)
        percents.append((whole / alone - 1) * 100)
    return percents, boxes / (OVERHEAD_ROUNDS * len(questions))


def ask(clip: Path, model: Path, kind: ModelFormat, every: float, rounds: int) -> Mapping[str, Any]:
    """Runs `tests.bench.asking_program`."""
    path = os.pathsep.join((str(ROOT), str(plugin_path())))
    command = [sys.executable, "-m", "tests.bench.asking_program"]
    command += [str(clip), str(model), kind.value, str(every), str(rounds)]
    environment = {**os.environ, **ONE_THREAD, "PYTHONPATH": path}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    result: Mapping[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def overhead_rows(small: Path | None) -> list[Row]:
    """Letterbox + decoding + suppression over the bare session."""
    rows = []
    calm = bench_clip("calm").path
    clip = STREETS if STREETS.exists() else calm
    for name, path, kind in (("320", small, ModelFormat.YOLOV8), ("416", YOLOX, ModelFormat.YOLOX)):
        row = f"inference.overhead_{name}"
        if path is None or not path.exists():
            rows.append(
                skipped(row, "% of the bare session", OVERHEAD_TARGET, MISSING if path is None else f"no {path}")
            )
            continue
        percents, boxes = overhead(path, kind, clip)
        note = f"1080p planes to boxes ({boxes:.1f} a picture), onnxruntime f32, {OVERHEAD_ROUNDS} rounds"
        rows.append(at_most(row, percents, "% of the bare session", OVERHEAD_TARGET, note))
    return rows


def pipeline_rows(small: Path | None) -> list[Row]:
    """A replay that asks twice a second, over decoding alone."""
    rows = []
    clip = bench_clip("calm").path
    for name, path, kind in (("320", small, ModelFormat.YOLOV8), ("416", YOLOX, ModelFormat.YOLOX)):
        row = f"inference.pipeline_{name}"
        if path is None or not path.exists():
            rows.append(skipped(row, "x decode-only", PIPELINE_TARGET, MISSING if path is None else f"no {path}"))
            continue
        found = ask(clip, path, kind, EVERY_SECONDS, ROUNDS)
        ratios = [cost / decode for cost, decode in zip(found["cpu_seconds"], found["decode_cpu_seconds"], strict=True)]
        note = (
            f"1080p25 H.264, {found['inferences']:.0f} inferences in {found['media_seconds']:.0f} s, model opened anew"
        )
        rows.append(at_most(row, ratios, "x decode-only", PIPELINE_TARGET, note))
    return rows


def peer_rows(small: Path | None) -> list[Row]:
    """Beside `predict(stream=True)` of ultralytics."""
    names = ("inference.ultralytics", "inference.ultralytics_every_frame", "inference.ultralytics_same_rate")
    if small is None or not installed():
        targets = (ULTRALYTICS_TARGET, None, None)
        return [skipped(name, "x", target, MISSING) for name, target in zip(names, targets, strict=True)]
    clip = bench_clip("calm").path
    steady: dict[str, list[float]] = {name: [] for name in (*names, "whole")}
    for _ in range(ROUNDS):
        ours = ask(clip, small, ModelFormat.YOLOV8, EVERY_SECONDS, 1)
        theirs = run_peer("ultralytics_predict", [str(clip), str(small), "1"])
        every = ask(clip, small, ModelFormat.YOLOV8, EVERY_FRAME_SECONDS, 1)
        strided = run_peer("ultralytics_predict", [str(clip), str(small), str(STRIDE)])
        frame = {"ours": ours["steady_cpu_seconds_a_frame"][0], "every": every["steady_cpu_seconds_a_frame"][0]}
        steady[names[0]].append(theirs["steady_cpu_seconds_a_frame"] / frame["ours"])
        steady[names[1]].append(theirs["steady_cpu_seconds_a_frame"] / frame["every"])
        steady[names[2]].append(strided["steady_cpu_seconds_a_frame"] / frame["ours"])
        steady["whole"].append(theirs["process_cpu_seconds"] / ours["process_cpu_seconds"])
    peer = f"ultralytics {theirs['version']}, same ONNX file, onnxruntime, one thread"
    unit = "x frames a CPU second"
    return [
        at_least(
            names[0], steady[names[0]], unit, ULTRALYTICS_TARGET, f"ours looks twice a second, {peer} at every frame"
        ),
        at_least(
            "inference.ultralytics_process", steady["whole"], unit, None, "the same, whole processes with start-up"
        ),
        at_least(names[1], steady[names[1]], unit, None, "both look at every frame"),
        at_least(names[2], steady[names[2]], unit, None, f"both look twice a second (theirs: vid_stride={STRIDE})"),
    ]


def run() -> list[Row]:
    """Measures and publishes."""
    small = small_model()
    rows = [*overhead_rows(small), *pipeline_rows(small), *peer_rows(small)]
    publish("inference", rows)
    return rows


if __name__ == "__main__":
    sys.exit(any(row.ok is False for row in run()))
