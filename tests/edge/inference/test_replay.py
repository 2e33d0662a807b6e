"""Recordings: the same frames give the same answers, and a replay whose model fails says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edge.config.inputs import FileInput
from edge.detectors.interface import Detections
from edge.inference.errors import ModelError
from edge.inference.port import ReplayModels
from edge.sources.opening import open_video
from edge.streams.camera import CameraStream
from tests.bench.asking import plugin_path
from tests.edge.inference.conftest import T0, MakeSettings, frame
from tests.edge.video import record

ROOT = Path(__file__).parents[3]


def answers_over(clip: Path, models: ReplayModels) -> list[Detections]:
    """Asks about every frame of a recording, decoded as it always is."""
    port, answers = models.port(), []
    source = open_video(FileInput(type="file", path=clip, pace="fastest"))
    try:
        for one in CameraStream("gate", source, wall_start=T0).frames():
            assert one.read_planes is not None, "a decoded picture has planes"
            port.ask("tiny", one)
            answers += port.answers()
    finally:
        source.close()
    return answers


def test_the_same_recording_gives_the_same_answers(inference: MakeSettings, tmp_path: Path) -> None:
    clip = record(tmp_path / "gate.mp4", seconds=3, size=(320, 240))
    settings = inference(min_score=0.2)
    models = ReplayModels(settings)
    first, second, third = (answers_over(clip, one) for one in (models, models, ReplayModels(settings)))
    assert len(first) == 30
    assert [answer.media_time for answer in first] == pytest.approx([number / 10 for number in range(30)])
    assert sum(len(answer.scores) for answer in first) > 0
    for one, other, anew in zip(first, second, third, strict=True):
        assert np.array_equal(one.boxes, other.boxes)
        assert np.array_equal(one.boxes, anew.boxes)
        assert np.array_equal(one.scores, anew.scores)


def test_planes_and_colour_lead_to_the_same_boxes(inference: MakeSettings, tmp_path: Path) -> None:
    """The short way of a decoded picture (planes) against the long one (converted as a whole)."""
    clip = record(tmp_path / "gate.mp4", seconds=0.5, size=(256, 192))
    port = ReplayModels(inference(min_score=0.01)).port()
    source = open_video(FileInput(type="file", path=clip, pace="fastest"))
    for one in CameraStream("gate", source, wall_start=T0).frames():
        port.ask("tiny", one)
        from_colour = frame(one.media_time)
        object.__setattr__(from_colour, "luma", one.luma)
        object.__setattr__(from_colour, "read_bgr", one.read_bgr)
        port.ask("tiny", from_colour)
        short, long = port.answers()
        assert np.sort(short.scores) == pytest.approx(np.sort(long.scores), abs=0.02)
    source.close()


def test_a_model_that_fails_is_not_tried_for_every_frame(inference: MakeSettings, tmp_path: Path) -> None:
    port = ReplayModels(inference(path=tmp_path / "none.onnx")).port()
    with pytest.raises(ModelError, match="cannot be read") as first:
        port.ask("tiny", frame(0.0))
    with pytest.raises(ModelError) as second:
        port.ask("tiny", frame(0.1))
    assert second.value is first.value
    assert port.fault is first.value


def replay_with_a_plugin(clip: Path, model: Path) -> subprocess.CompletedProcess[str]:
    """The whole way with a detector that is installed as a plug-in and asks twice a second."""
    path = os.pathsep.join((str(ROOT), str(plugin_path())))
    command = [sys.executable, "-m", "tests.bench.asking_program", str(clip), str(model), "yolov8", "0.5", "2"]
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_a_detector_that_asks_is_a_plugin(tiny: Path, tmp_path: Path) -> None:
    clip = record(tmp_path / "gate.mp4", seconds=8, size=(160, 120))
    done = replay_with_a_plugin(clip, tiny)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["frames"], told["inferences"]) == (80, 16)


def test_a_replay_whose_model_is_broken_fails_with_the_reason(tmp_path: Path) -> None:
    """Detectors are guarded, and would go on without: the result would look whole."""
    clip = record(tmp_path / "gate.mp4", seconds=2, size=(160, 120))
    done = replay_with_a_plugin(clip, tmp_path / "none.onnx")
    assert done.returncode != 0
    assert "none.onnx: the model cannot be read: No such file or directory" in done.stderr
