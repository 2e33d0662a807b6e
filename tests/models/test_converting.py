"""Checkpoints made ONNX, where torch is: in this environment, or in that of `make bench-peers`."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from edge.config.inference import ModelSettings
from edge.inference.detecting import DetectionModel, Question
from edge.inference.sessions import REFERENCE, read_model
from edge.vision.regions import Window

PEERS = Path(__file__).parents[2] / "var" / "bench" / "peers" / "bin" / "python"

PROGRAM = """
import hashlib, json, os, sys
os.environ.update(YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false", YOLO_VERBOSE="false")
from pathlib import Path
import torch
from ultralytics import YOLO
from models.converting import ConvertError, convert
from models.registry import ModelRow, fetched_path, made_sha256

store = Path(sys.argv[1])
head = "\\n".join([
    "nc: 2", "backbone:", "- [-1, 1, Conv, [8, 3, 2]]", "- [-1, 1, Conv, [8, 3, 2]]", "- [-1, 1, Conv, [16, 3, 2]]",
    "head:", "- [[2], 1, Detect, [nc]]",
])
(store / "tiny.yaml").write_text(head)
torch.manual_seed(0)
tiny = YOLO(store / "tiny.yaml")
tiny.model.names = {0: "smoke", 1: "fire"}
tiny.save(store / "tiny-1-f32.pt")
content = (store / "tiny-1-f32.pt").read_bytes()


def row(labels, **file):
    given = {"url": "https://publisher.invalid/tiny.pt", "sha256": hashlib.sha256(content).hexdigest(), **file}
    return ModelRow.model_validate({
        "task": "detection", "title": {"zh": "x", "en": "x"}, "version": "1", "format": "yolov8", "labels": labels,
        "input": {"width": 96, "height": 64}, "origin": "third_party", "licence": "MIT", "source": "x",
        "files": [{**given, "export": {"framework": "ultralytics"}}],
    })


def said(one):
    try:
        convert("tiny", one, one.file(), store)
    except ConvertError as error:
        return str(error)


swapped, exchanged = said(row(["fire", "smoke"])), said(row(["smoke", "fire"], sha256="0" * 64))
left = sorted(path.name for path in store.glob("*.onnx*"))
one = row(["smoke", "fire"])
made = convert("tiny", one, one.file(), store)
print(json.dumps({
    "swapped": swapped, "exchanged": exchanged, "left": left, "path": str(made.path), "difference": made.difference,
    "noted": made_sha256(made.path) == made.sha256 == hashlib.sha256(made.path.read_bytes()).hexdigest(),
}))
"""


def interpreter() -> str:
    if all(find_spec(name) is not None for name in ("torch", "ultralytics", "onnx")):
        return sys.executable
    if PEERS.exists():
        return str(PEERS)
    pytest.skip("neither here nor in var/bench/peers (make bench-peers) are torch, ultralytics and onnx installed")


@pytest.mark.slow
def test_a_checkpoint_becomes_an_onnx_file_that_the_box_runs(tmp_path: Path, root: Path) -> None:
    command = [interpreter(), "-c", PROGRAM, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False, cwd=root)
    assert done.returncode == 0, done.stderr[-2000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert "found classes smoke, fire, expected fire, smoke as the registry says" in said["swapped"]
    assert "expected 0000" in said["exchanged"]
    assert said["left"] == []
    assert said["noted"]
    assert said["difference"] < 0.01

    settings = ModelSettings.model_validate({"path": said["path"], "format": "yolov8", "min_score": 1e-6})
    model = DetectionModel("tiny", settings, read_model(settings.path), REFERENCE)
    (answer,) = model.answer([Question(0.0, Window(0, 0, 96, 64), None, np.zeros((64, 96, 3), np.uint8))])
    assert set(answer.classes.tolist()) <= {0, 1}
    assert len(answer.boxes) > 0
