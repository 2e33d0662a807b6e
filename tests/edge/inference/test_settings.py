"""The section `inference` of the configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge.config.document import load_config
from edge.config.inference import LossSettings, ModelFormat, ModelSettings, Precision
from edge.config.problems import ConfigError
from edge.config.registered import from_registry
from models.fetching import note_made
from models.registry import FOLDER
from models.registry import load as load_registry

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


def test_a_row_of_the_registry_becomes_plain_settings(tmp_path: Path) -> None:
    model = load(tmp_path, "models: {things: {registry: yolox_nano, min_score: 0.3}}").inference.models["things"]
    row = load_registry().row("yolox_nano")
    assert model.path == tmp_path / "state" / "models" / f"yolox_nano-{row.version}-f32.onnx"
    assert (model.sha256, model.version, model.labels) == (row.file().sha256, row.version, row.labels)
    assert (model.format, model.min_score) == (ModelFormat.YOLOX, 0.3)
    assert ModelSettings.model_validate_json(model.model_dump_json()) == model


def test_fetched_models_lie_where_the_configuration_says(tmp_path: Path) -> None:
    inference = load(tmp_path, "store: weights\nmodels: {things: {registry: yolox_nano}}").inference
    assert inference.store == tmp_path / "weights"
    assert inference.models["things"].path.parent == tmp_path / "weights"
    assert load(tmp_path, "models: {}").inference.store == tmp_path / "state" / "models"


def test_a_converted_model_is_guarded_by_the_hash_noted_then(tmp_path: Path) -> None:
    inference = "store: weights\nmodels: {fire: {registry: fire_detector}}"
    model = load(tmp_path, inference).inference.models["fire"]
    assert (model.path.name, model.sha256) == ("fire_detector-1.0.3-f32.onnx", None)
    (tmp_path / "weights").mkdir()
    note_made(model.path, "3" * 64)
    assert load(tmp_path, inference).inference.models["fire"].sha256 == "3" * 64


def test_what_is_written_beside_a_row_wins(tmp_path: Path) -> None:
    model = load(tmp_path, "models: {a: {registry: yolox_nano, labels: [x], version: mine}}").inference.models["a"]
    assert (model.labels, model.version) == (("x",), "mine")
    assert model.sha256 is not None
    own = load(tmp_path, "models: {a: {registry: yolox_nano, path: own.onnx}}").inference.models["a"]
    assert own.path == tmp_path / "own.onnx"
    assert (own.sha256, own.version, own.input_size, own.variants) == (None, "unversioned", None, ())
    assert own.labels[2] == "car"


ROWS = """
models:
  things:
    task: detection
    title: {zh: 物, en: Things}
    version: "3"
    format: yolov8
    labels: [x]
    origin: ours
    licence: AGPL-3.0-only
    source: models/things/recipe.yaml
    card: things/card.md
    selftest: things/selftest.yaml
    min_score: 0.04
    files:
      - {precision: int8, path: things/int8.onnx, sha256: "%s", bytes: 9, loss: {metric: mAP50, points: 0.4}}
      - {precision: f32, path: things/f32.onnx, sha256: "%s", bytes: 9}
"""


def test_other_precisions_of_a_row_are_variants(tmp_path: Path) -> None:
    rows = tmp_path / "registry.yaml"
    rows.write_text(ROWS % ("1" * 64, "2" * 64), encoding="utf-8")
    values = from_registry({"registry": "things"}, tuple(ModelFormat), None, rows)
    model = ModelSettings.model_validate({key: value for key, value in values.items() if key != "registry"})
    assert (model.path, model.sha256) == (FOLDER / "things/f32.onnx", "2" * 64)
    (variant,) = model.variants
    assert (variant.precision, variant.path, variant.sha256) == (
        Precision.INT8,
        FOLDER / "things/int8.onnx",
        "1" * 64,
    )
    assert variant.loss == LossSettings(metric="mAP50", points=0.4)
    assert model.selftest == FOLDER / "things/selftest.yaml"
    assert model.min_score == 0.04
    own = from_registry({"registry": "things", "path": "own.onnx"}, tuple(ModelFormat), None, rows)
    assert "min_score" not in own, "it speaks of the row's own file"


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("{registry: yolox_nani}", "edge.yaml:6: inference.models.a.registry: found 'yolox_nani', expected one of"),
        ("{registry: yolox_nani}", "did you mean 'yolox_nano'?"),
        ("{registry: signal_heads}", "its format is signal_heads, which is not read here"),
        ("{registry: 3}", "inference.models.a.registry"),
        ("{format: yolox}", "inference.models.a.path"),
        ("{registri: yolox_nano}", "found an unknown key, expected one of "),
        ("{registri: yolox_nano}", "did you mean 'registry'?"),
    ],
    ids=["unknown", "near", "other format", "number", "neither", "unknown key", "near key"],
)
def test_faults_of_rows_are_named(tmp_path: Path, model: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        load(tmp_path, f"models: {{a: {model}}}")
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("precisions", "said"),
    [
        (("int8", "int8"), "found int8, int8, expected each precision once"),
        (("bf16",), "found bf16, expected a precision"),
    ],
    ids=["twice", "no file's"],
)
def test_variants_that_cannot_be(tmp_path: Path, precisions: tuple[str, ...], said: str) -> None:
    variants = ", ".join(f"{{precision: {one}, path: b.onnx}}" for one in precisions)
    with pytest.raises(ConfigError, match=said):
        load(tmp_path, f"models: {{a: {{path: a.onnx, format: yolox, variants: [{variants}]}}}}")
