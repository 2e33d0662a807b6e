"""The section `inference` of the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge.config.document import load_config
from edge.config.problems import ConfigError

CONFIG = """
device: {{id: box, state_dir: state}}
sources:
  gate: {{kind: camera, inference_weight: 2}}
inference:
{inference}
"""


def load(tmp_path: Path, inference: str) -> Any:
    path = tmp_path / "edge.yaml"
    path.write_text(CONFIG.format(inference="\n".join("  " + line for line in inference.splitlines())))
    return load_config(path)


def test_paths_start_at_the_configuration(tmp_path: Path) -> None:
    config = load(tmp_path, "models: {things: {path: models/things.onnx, format: yolox}}")
    assert config.inference.models["things"].path == tmp_path / "models" / "things.onnx"
    assert config.sources["gate"].inference_weight == 2


def test_without_the_section_there_are_no_models(tmp_path: Path) -> None:
    path = tmp_path / "edge.yaml"
    path.write_text("device: {id: box, state_dir: state}\nsources: {gate: {kind: camera}}\n")
    assert not load_config(path).inference.models


@pytest.mark.parametrize(
    ("inference", "said"),
    [
        ("models: {a: {path: a.onnx, format: yolo}}", "inference.models.a.format"),
        ("models: {a: {path: a.onnx, format: yolox, sha256: abc}}", "inference.models.a.sha256"),
        (
            "models: {a: {path: a.onnx, format: yolox, reduced: b}}",
            "models.a.reduced: found 'b', expected another model",
        ),
        (
            "models: {a: {path: a.onnx, format: yolox, reduced: a}}",
            "models.a.reduced: found 'a', expected another model",
        ),
        (
            "models:\n  a: {path: a.onnx, format: yolox, labels: [x], reduced: b}\n  b: {path: b.onnx, format: yolox}",
            "'b' has other labels, expected the same",
        ),
        ("precision: bf16", "found bf16 with backend auto, expected backend: openvino"),
        ("threads: 3", "inference.threads"),
        ("models: {a: {path: a.onnx, format: yolox, input_size: {width: 100, height: 96}}}", "input_size.width"),
    ],
    ids=["format", "hash", "unknown reduced", "own reduced", "other labels", "precision", "threads", "size"],
)
def test_faults_are_named(tmp_path: Path, inference: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        load(tmp_path, inference)
    assert said in str(error.value)
