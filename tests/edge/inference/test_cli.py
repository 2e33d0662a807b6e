"""`gridsentry-edge bench` and what `check` says of models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from edge.cli import app
from edge.inference.sessions import read_model


@pytest.fixture
def config(tmp_path: Path, tiny: Path) -> Path:
    models = {
        "tiny": {"path": "tiny.onnx", "format": "yolov8", "sha256": read_model(tiny).sha256},
        "loose": {"path": "tiny.onnx", "format": "yolov8"},
        "gone": {"path": "gone.onnx", "format": "yolox"},
    }
    document = {
        "device": {"id": "box", "state_dir": "state"},
        "inference": {"models": models, "measure_seconds": 0.01, "threads": 1, "backend": "onnxruntime"},
        "sources": {"gate": {"kind": "camera"}},
    }
    path = tmp_path / "edge.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def test_bench_measures_shows_and_stores(config: Path) -> None:
    """A broken model is named and costs the exit code, not the others."""
    done = CliRunner().invoke(app, ["bench", "--config", str(config)])
    assert done.exit_code == 1
    assert "onnxruntime f32, 1 thread" in done.output
    assert "chosen" in done.output
    assert f"gone: {config.parent / 'gone.onnx'}: the model cannot be read" in done.output.replace("\n", " ")
    stored = json.loads((config.parent / "state" / "inference.json").read_text())
    first = stored["choices"][0]["measurements"]
    again = CliRunner().invoke(app, ["bench", "--config", str(config), "--stored"])
    assert "chosen" in again.output
    assert json.loads((config.parent / "state" / "inference.json").read_text())["choices"][0]["measurements"] == first


def test_bench_without_models_has_nothing_to_do(tmp_path: Path) -> None:
    path = tmp_path / "edge.yaml"
    path.write_text("device: {id: box, state_dir: state}\nsources: {gate: {kind: camera}}\n")
    done = CliRunner().invoke(app, ["bench", "--config", str(path)])
    assert done.exit_code == 0
    assert "no models are configured" in done.output


def test_check_loads_every_model(config: Path) -> None:
    done = CliRunner().invoke(app, ["check", "--config", str(config)])
    assert done.exit_code == 1
    lines = done.output.splitlines()
    assert any(line.startswith("fine") and "model tiny" in line and "128 × 96" in line for line in lines)
    assert any(line.startswith("warning") and "model loose" in line and "set sha256" in line for line in lines)
    assert any(line.startswith("problem") and "model gone" in line and "cannot be read" in line for line in lines)
