"""What a model must answer before it serves: the file, the judging, and real files that fail it."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from contract.canonical import sha256_hex
from contract.events import Model
from edge.cli import app
from edge.config.inference import InferenceSettings, ModelSettings, Precision
from edge.detectors.interface import Detections
from edge.inference.detecting import DetectionModel
from edge.inference.errors import ModelError
from edge.inference.proving import SelfTestError, open_proven, raw_answer, read_parts
from edge.inference.selftest import (
    FingerprintTest,
    PictureTest,
    as_yaml,
    fingerprint_distance,
    fingerprint_fault,
    fingerprint_of,
    picture_fault,
    read_selftest,
)
from edge.inference.sessions import REFERENCE, Backend, SessionPlan
from tests.edge.inference.conftest import MakeSettings, frame
from tests.edge.inference.tiny_model import tiny_model

YOLOX = Path(__file__).parents[4] / "shared" / "data" / "weights" / "yolox_nano.onnx"
LABELS = ("red", "blue")


def written(folder: Path, *cells: tuple[int, int, str]) -> tuple[Path, str]:
    """A picture with bright cells, and its hash."""
    path = folder / "cells.png"
    cv2.imwrite(str(path), frame(0, *cells).read_bgr())
    return path, sha256_hex(path.read_bytes())


def selftest(folder: Path, document: Any) -> Path:
    path = folder / "selftest.yaml"
    path.write_text(document if isinstance(document, str) else yaml.safe_dump(document), encoding="utf-8")
    return path


@pytest.fixture
def red_cell(tmp_path: Path) -> dict[str, Any]:
    """A self-test with one picture: a red cell, and nothing else."""
    path, digest = written(tmp_path, (1, 1, "red"))
    box = {"label": "red", "box": [32, 32, 64, 64], "min_score": 0.9}
    return {"pictures": [{"path": path.name, "sha256": digest, "expect": [box], "others_below": 0.5}]}


def proven(settings: ModelSettings, plan: SessionPlan = REFERENCE) -> DetectionModel:
    return open_proven("tiny", settings, read_parts(settings), plan)


# ---- with a model


@pytest.mark.parametrize("backend", Backend)
def test_a_model_that_knows_its_pictures_and_numbers_may_serve(
    inference: MakeSettings, tmp_path: Path, red_cell: dict[str, Any], backend: Backend
) -> None:
    numbers = fingerprint_of(raw_answer(proven(inference().models["tiny"])))
    red_cell["fingerprint"] = yaml.safe_load(as_yaml(numbers, {Precision.F32: 0.02}))["fingerprint"]
    settings = inference(selftest=selftest(tmp_path, red_cell)).models["tiny"]
    assert proven(settings, SessionPlan(backend)).plan.backend is backend


@pytest.mark.parametrize(
    ("weight", "said"),
    [
        (0.8, r"cells\.png: found a score of 0\.80, expected red at \[32, 32, 64, 64\] with 0\.9"),
        (0.0, r"cells\.png: found nothing there, expected red"),
        (float("nan"), "found what is no number in its answer to the drawn picture"),
    ],
    ids=["weaker", "blind", "nan"],
)
def test_a_model_that_does_not_is_refused(
    inference: MakeSettings, tmp_path: Path, red_cell: dict[str, Any], weight: float, said: str
) -> None:
    path = tiny_model(tmp_path / "other.onnx", weight=weight)
    settings = inference(path=path, selftest=selftest(tmp_path, red_cell)).models["tiny"]
    with pytest.raises(SelfTestError, match=said):
        proven(settings)


def test_a_model_without_a_selftest_must_still_fit_its_row(inference: MakeSettings) -> None:
    with pytest.raises(SelfTestError, match=r"found 2 classes or more, expected the 1 of labels"):
        proven(inference(labels=("red",)).models["tiny"])
    with pytest.raises(ModelError, match=r"is no yolox model"):
        proven(inference(format="yolox").models["tiny"])


def test_a_fingerprint_tells_other_weights(inference: MakeSettings, tmp_path: Path) -> None:
    numbers = fingerprint_of(raw_answer(proven(inference().models["tiny"])))
    test = selftest(tmp_path, as_yaml(numbers, {Precision.F32: 0.02}))
    other = tiny_model(tmp_path / "other.onnx", weight=0.97)
    with pytest.raises(SelfTestError, match=r"fingerprint: off by 0\.\d+, expected at most 0\.02 at f32"):
        proven(inference(path=other, selftest=test).models["tiny"])


@pytest.mark.skipif(not YOLOX.exists(), reason=f"{YOLOX} is not there")
@pytest.mark.parametrize("backend", Backend)
def test_a_real_network_passes_the_selftest_of_its_row(backend: Backend) -> None:
    settings = _yolox(YOLOX)
    assert open_proven("things", settings, read_parts(settings), SessionPlan(backend)).sha256 == settings.sha256


@pytest.mark.skipif(not YOLOX.exists(), reason=f"{YOLOX} is not there")
def test_a_real_network_with_damaged_weights_loads_and_is_refused(tmp_path: Path) -> None:
    """A few hundred bytes of one layer; it is still a network, and answers in the right form."""
    content = bytearray(YOLOX.read_bytes())
    names = [found.start() for found in re.finditer(rb"onnx::Conv_", content)]
    start, end = max(pairwise(names), key=lambda pair: pair[1] - pair[0])
    assert end - start > 50_000, "the weights of a whole layer"
    for place in range(start + 1000, end - 1000, 400):
        content[place] ^= 0x40
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(content)
    settings = _yolox(damaged).model_copy(update={"sha256": None})
    parts = read_parts(settings)
    assert raw_answer(DetectionModel("things", settings, parts.file, REFERENCE)).shape == (1, 3549, 85)
    with pytest.raises(SelfTestError, match="fingerprint: "):
        open_proven("things", settings, parts, REFERENCE)


def _yolox(path: Path) -> ModelSettings:
    row = InferenceSettings.model_validate(
        {"models": {"things": {"registry": "yolox_nano"}}}, context={"folder": path.parent, "store": path.parent}
    ).models["things"]
    return row.model_copy(update={"path": path})


# ---- judging


def answer(*found: tuple[str, float, tuple[float, float, float, float]]) -> Detections:
    return Detections(
        media_time=0.0,
        boxes=np.array([box for _, _, box in found], np.float32).reshape(-1, 4),
        scores=np.array([score for _, score, _ in found], np.float32),
        classes=np.array([LABELS.index(label) for label, _, _ in found], np.int32),
        model=Model(name="tiny", version="1", sha256="0" * 64),
    )


def test_each_expected_box_takes_one_answer_of_its_label() -> None:
    box = {"label": "red", "box": (0, 0, 10, 10), "min_score": 0.5}
    two = {"expect": (box, {**box, "box": (20, 0, 30, 10)}), "others_below": 0.4}
    test = PictureTest.model_validate({"path": "p.png", "sha256": "0" * 64, **two})
    both = [("red", 0.9, (0.0, 0.0, 10.0, 10.0)), ("red", 0.6, (20.0, 1.0, 30.0, 11.0))]
    assert picture_fault(test, answer(*both), LABELS) is None
    assert "found nothing there" in str(picture_fault(test, answer(both[0]), LABELS)), "one answer is not two boxes"
    assert "found nothing there" in str(picture_fault(test, answer(both[0], ("blue", 0.9, both[1][2])), LABELS))
    away = ("red", 0.9, (50.0, 50.0, 60.0, 60.0))
    assert "found red with 0.90, expected nothing else" in str(picture_fault(test, answer(*both, away), LABELS))
    weak = ("red", 0.3, away[2])
    assert picture_fault(test, answer(*both, weak), LABELS) is None
    again = ("blue", 0.9, both[0][2])
    assert picture_fault(test, answer(*both, again), LABELS) is None, "the same thing by another name"
    blue = {**box, "label": "blue"}
    mixed = PictureTest.model_validate({"path": "p.png", "sha256": "0" * 64, "expect": (box, blue)})
    assert picture_fault(mixed, answer(both[0], again), LABELS) is None, "two things at one place"
    assert "expects label 'red', found a model with cat" in str(picture_fault(test, answer(*both), ("cat",)))


def test_a_fingerprint_does_not_mind_which_way_the_output_lies() -> None:
    output = np.random.default_rng(1).normal(size=(1, 6, 300)).astype(np.float32)
    numbers = fingerprint_of(output)
    assert numbers.shape == (6, 3)
    assert fingerprint_distance(fingerprint_of(output.transpose(0, 2, 1)), numbers) < 1e-6
    assert fingerprint_distance(numbers + np.float32(0.5), numbers) == pytest.approx(0.5, abs=0.1)
    assert fingerprint_distance(np.full_like(numbers, np.nan), numbers) == float("inf")


def test_coarser_numbers_need_a_limit_of_their_own() -> None:
    numbers = np.array([[0.0, 1.0, 2.0]], np.float32)
    test = FingerprintTest.model_validate({"numbers": numbers.tolist(), "limits": {"f32": 0.02, "int8": 0.5}})
    off = numbers + np.float32(0.3)
    assert fingerprint_fault(test, off, Precision.INT8) is None
    assert "off by 0.3, expected at most 0.02 at f32" in str(fingerprint_fault(test, off, Precision.F32))
    assert "has no limit for bf16, only for f32, int8" in str(fingerprint_fault(test, off, Precision.BF16))
    assert "no number" in str(fingerprint_fault(test, off * np.float32("nan"), Precision.F32))


# ---- the file


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("", "found neither pictures nor fingerprint|expected"),
        ("pictures: []\n", "found neither pictures nor fingerprint: this self-test would test nothing"),
        ("pictures: [{path: a.png, sha256: 12}]\n", r"selftest\.yaml:1.*pictures\[0\]\.sha256"),
        (f"pictures: [{{path: gone.png, sha256: '{'0' * 64}', others_below: 0.5}}]\n", "gone.png: .*cannot be read"),
        (f"pictures: [{{path: cells.png, sha256: '{'0' * 64}', others_below: 0.5}}]\n", "found a picture with sha256"),
        ("pictures: [{path: a.png, sha256: x, expect: [{label: red, box: [9, 0, 1, 5]}]}]\n", "expected .left, top"),
        ("fingerprint: {numbers: [[1, 2]]}\n", r"fingerprint\.numbers"),
        ("fingerprint: {nmbers: []}\n", "did you mean 'numbers'"),
        ("a: [\n", r"selftest\.yaml:"),
    ],
    ids=["empty", "nothing", "hash", "missing", "another", "box", "pair", "typo", "torn"],
)
def test_a_faulty_file_says_where_and_what(tmp_path: Path, document: str, said: str) -> None:
    written(tmp_path)
    with pytest.raises(ModelError, match=said):
        read_selftest(selftest(tmp_path, document))


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "cells.png"
    path.write_bytes(b"no picture")
    digest = sha256_hex(path.read_bytes())
    with pytest.raises(ModelError, match=r"cells\.png: is no picture"):
        read_selftest(selftest(tmp_path, {"pictures": [{"path": path.name, "sha256": digest, "others_below": 0.5}]}))
    with pytest.raises(ModelError, match="the self-test cannot be read"):
        read_selftest(tmp_path / "nowhere.yaml")


# ---- the command


def test_the_command_runs_and_drafts_selftests(tmp_path: Path, tiny: Path) -> None:
    other = tiny_model(tmp_path / "other.onnx", weight=0.5)
    picture, _ = written(tmp_path, (1, 1, "red"))

    def config(path: Path, **more: Any) -> Path:
        row = {"path": str(path), "format": "yolov8", "labels": list(LABELS), **more}
        document = {
            "device": {"id": "box", "state_dir": "state"},
            "inference": {"models": {"tiny": row}},
            "sources": {"gate": {"kind": "camera"}},
        }
        return Path(selftest(tmp_path, document).rename(tmp_path / "edge.yaml"))

    def run(*arguments: object) -> Any:
        return CliRunner().invoke(app, ["selftest", "--config", *map(str, arguments)])

    drafted = run(config(tiny), "--draft", "tiny", "--picture", picture)
    assert drafted.exit_code == 0
    assert "{label: red, box: [32, 32, 64, 64], min_score: 0.60}  # 1.00" in drafted.output
    test = selftest(tmp_path, drafted.output).rename(tmp_path / "drafted.yaml")
    fine = run(config(tiny, selftest=str(test)))
    assert (fine.exit_code, fine.output.split()[:3]) == (0, ["passed", "tiny", "f32"])
    bad = run(config(other, selftest=str(test)))
    assert bad.exit_code == 1
    assert "failed  tiny f32" in bad.output
    assert "fingerprint: off by" in bad.output
    assert run(config(tiny), "--draft", "tniy").exit_code == 2
    assert run(config(tiny), "--picture", picture).exit_code == 2
    checked = CliRunner().invoke(app, ["check", "--config", str(config(other, selftest=str(test)))])
    assert checked.exit_code == 1
    assert "fails its self-test" in checked.output
