"""The first boot's measurement: what is tried, refused, chosen, stored, and measured again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.config.inference import InferenceSettings, ModelSettings, Precision
from edge.inference.choice import Choice, best_of, choose
from edge.inference.detecting import DetectionModel
from edge.inference.drawn import likely_picture
from edge.inference.errors import ModelError
from edge.inference.measuring import Measurement, Step, candidates, measure, parity
from edge.inference.opening import opener
from edge.inference.proving import raw_answer, read_parts
from edge.inference.selftest import as_yaml, fingerprint_of
from edge.inference.sessions import REFERENCE, Backend, SessionPlan, read_model
from tests.edge.inference.conftest import MakeSettings
from tests.edge.inference.tiny_model import tiny_model

EVERYTHING = {"backend": "auto", "threads": "auto", "max_batch": 2}


def measured(
    backend: Backend, cpu: float, wall: float, *, threads: int = 1, batch: int = 1, bad: str | None = None
) -> Measurement:
    return Measurement(
        backend=backend,
        threads=threads,
        precision=Precision.F32,
        batch=batch,
        cpu_ms=None if bad else cpu,
        wall_ms=None if bad else wall,
        difference=0.0,
        refused=bad,
        runs=5,
    )


def run_choice(settings: InferenceSettings, state_dir: Path, steps: list[Step] | None = None) -> Choice:
    model = settings.models["tiny"]
    watch = (lambda _step: None) if steps is None else steps.append
    return choose("tiny", model, read_parts(model), settings, state_dir, watch=watch)


def test_everything_installed_is_measured_once_and_stored(inference: MakeSettings, tmp_path: Path) -> None:
    settings, steps = inference(EVERYTHING), []
    first = run_choice(settings, tmp_path / "state", steps)
    tried = [one.plan for one in first.measurements]
    assert tried == list(candidates(settings, any_batch=True))
    assert {plan.backend for plan in tried} == set(Backend)
    assert {plan.batch for plan in tried} == {1, 2}
    assert [step.number for step in steps if step.done] == list(range(1, len(tried) + 1))
    good = [one for one in first.measurements if one.refused is None]
    assert len(good) >= 2
    assert all(one.cpu_ms and one.wall_ms and one.runs >= 3 and (one.difference or 0) < 1 for one in good)
    assert first.plan.precision is Precision.F32
    steps.clear()
    assert run_choice(settings, tmp_path / "state", steps) == first
    assert not steps
    stored = json.loads((tmp_path / "state" / "inference.json").read_text())
    assert stored["machine"]["cores"] == len(os.sched_getaffinity(0))
    assert stored["choices"][0]["sha256"] == read_model(settings.models["tiny"].path).sha256


@pytest.mark.parametrize("change", ["machine", "model", "wish", "torn"])
def test_it_is_measured_again_when_what_it_holds_for_changed(
    inference: MakeSettings, tmp_path: Path, tiny: Path, change: str
) -> None:
    settings = inference()
    run_choice(settings, tmp_path)
    store = tmp_path / "inference.json"
    if change == "machine":
        stored = json.loads(store.read_text())
        stored["machine"]["cpu"] = "another one"
        store.write_text(json.dumps(stored))
    elif change == "torn":
        store.write_text(store.read_text()[:100])
    elif change == "wish":
        settings = inference({"backend": "openvino"})
    else:
        # Any other bytes: a field that nobody knows is left out by those who read it.
        tiny.write_bytes(tiny.read_bytes() + b"\x9a\x06\x01x")
    steps: list[Step] = []
    run_choice(settings, tmp_path, steps)
    assert steps
    kept = json.loads(store.read_text())["choices"]
    assert len(kept) == (2 if change in ("wish", "model") else 1)


def test_two_at_once_measure_once(inference: MakeSettings, tmp_path: Path) -> None:
    settings, steps = inference(), []
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: run_choice(settings, tmp_path, steps), range(2)))
    assert both[0] == both[1]
    assert sum(step.done is not None for step in steps) == len(both[0].measurements)


def test_a_broken_model_is_told_by_the_child(inference: MakeSettings, tmp_path: Path, tiny: Path) -> None:
    tiny.write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"tiny\.onnx: onnxruntime cannot load it"):
        run_choice(inference(), tmp_path)
    assert not (tmp_path / "inference.json").exists()


def test_a_child_that_dies_is_told(inference: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that stumbles takes its process with it: here, an interpreter that ends at once."""
    ending = tmp_path / "python"
    ending.write_text("#!/bin/sh\nexit 132\n")
    ending.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(ending))
    with pytest.raises(ModelError, match=r"measuring it ended early \(exit code 132, nothing was measured\)"):
        run_choice(inference(), tmp_path)


def test_what_was_measured_before_a_child_died_counts(
    inference: MakeSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The processor lacks what the next library needs: the one before it is good all the same."""
    ending = tmp_path / "python"
    ending.write_text(f'#!/bin/sh\n{sys.executable} "$@" | head -n 3\nexit 132\n')
    ending.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(ending))
    choice = run_choice(inference({"backend": "auto"}), tmp_path)
    assert [one.plan for one in choice.measurements] == [SessionPlan()]
    assert choice.plan == SessionPlan()


def test_parity_knows_what_is_far() -> None:
    expected = np.array([[0.5, 100.0, -3.0]], np.float32)
    assert parity(expected + np.float32(1e-5), expected) < 0.02
    assert parity(expected + np.array([[0.0, 0.19, 0.0]], np.float32), expected) == pytest.approx(0.94, abs=0.02)
    assert parity(expected + np.array([[0.004, 0.0, 0.0]], np.float32), expected) > 1
    assert parity(np.full_like(expected, np.nan), expected) == float("inf")
    with pytest.raises(ModelError, match=r"found an output of \(1, 2\), expected \(1, 3\)"):
        parity(expected[:, :2], expected)


def test_the_cheapest_in_processor_time_is_chosen() -> None:
    """Simpler plans first; a batch, or another library, must save more than the scatter of a measurement."""
    ort, vino = Backend.ONNXRUNTIME, Backend.OPENVINO
    path = Path("m.onnx")
    assert best_of(path, [measured(ort, 10, 10), measured(vino, 9.7, 9.7)]) == 0
    assert best_of(path, [measured(ort, 10, 10), measured(vino, 8, 8)]) == 1
    assert best_of(path, [measured(ort, 10, 10), measured(ort, 9, 9, batch=4), measured(vino, 8, 8, bad="far")]) == 1
    assert best_of(path, [measured(ort, 10, 10), measured(ort, 9, 4, threads=2)]) == 0


def test_a_second_thread_is_for_models_that_are_too_slow() -> None:
    ort = Backend.ONNXRUNTIME
    slow = [measured(ort, 600, 600), measured(ort, 640, 330, threads=2)]
    assert best_of(Path("m.onnx"), slow) == 1
    assert best_of(Path("m.onnx"), [slow[0], measured(ort, 640, 500, threads=2)]) == 0


def test_nothing_usable_says_why() -> None:
    with pytest.raises(ModelError, match=r"m\.onnx: no way of running it can be used: openvino f32, 1 thread: far off"):
        best_of(Path("m.onnx"), [measured(Backend.OPENVINO, 1, 1, bad="far off")])


def test_wishes_narrow_what_is_tried() -> None:
    only = InferenceSettings.model_validate({"backend": "openvino", "threads": 1, "precision": "bf16"})
    assert candidates(only, any_batch=False) == (SessionPlan(Backend.OPENVINO, 1, Precision.BF16),)
    two = InferenceSettings.model_validate({"backend": "onnxruntime", "threads": 1, "max_batch": 8})
    assert [plan.batch for plan in candidates(two, any_batch=True)] == [1, 2, 4, 8]
    assert [plan.batch for plan in candidates(two, any_batch=False)] == [1]


def test_the_picture_is_always_the_same() -> None:
    picture = likely_picture(128, 96)
    assert (picture.shape, picture.dtype) == ((1, 3, 96, 128), np.float32)
    assert (likely_picture(128, 96) == picture).all()
    assert picture.min() >= 0
    assert 200 < picture.max() <= 255


def test_the_child_prints_nothing_but_answers(inference: MakeSettings) -> None:
    """Libraries print; their lines must not be taken for steps."""
    settings = inference()
    request = {
        "model": settings.models["tiny"].model_dump(mode="json"),
        "inference": settings.model_dump(mode="json"),
    }
    done = subprocess.run(
        [sys.executable, "-m", "edge.inference.measuring"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        check=True,
    )
    assert [Step.model_validate_json(line).number for line in done.stdout.splitlines()] == [1, 1]


def test_bf16_is_refused_unless_it_is_wished_for(tmp_path: Path) -> None:
    """With a real network, whose numbers it moves; only on processors that have it."""
    if "avx512_bf16" not in Path("/proc/cpuinfo").read_text() and "amx_bf16" not in Path("/proc/cpuinfo").read_text():
        pytest.skip("the processor has no bf16")
    path = Path(__file__).parents[4] / "shared" / "data" / "weights" / "yolox_nano.onnx"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    model = ModelSettings.model_validate({"path": path, "format": "yolox"})
    both = InferenceSettings(models={"tiny": model}, backend="openvino", threads=1, measure_seconds=0.01)  # type: ignore[arg-type]
    choice = run_choice(both, tmp_path)
    exact, coarse = choice.measurements
    assert choice.plan.precision is Precision.F32
    assert exact.difference is not None
    assert exact.difference < 0.5
    assert coarse.refused == "only on request: precision: bf16"
    assert coarse.difference is not None
    assert coarse.difference > 1
    wished = both.model_copy(update={"precision": Precision.BF16})
    taken = run_choice(wished, tmp_path)
    assert taken.plan.precision is Precision.BF16
    assert taken.measurements[0].difference is not None
    assert taken.measurements[0].difference > 1


# ---- other precisions of the same model


@pytest.fixture
def slow_and_small(tmp_path: Path) -> dict[str, Path]:
    """A model with many layers that change nothing, and a file that gives the same without them, as if it were int8."""
    small = tiny_model(tmp_path / "int8.onnx", width=256, height=256)
    return {"slow": tiny_model(tmp_path / "slow.onnx", width=256, height=256, detours=3), "small": small}


def measured_here(settings: InferenceSettings) -> list[Measurement]:
    """What the child finds, without one."""
    steps: list[Step] = []
    model = settings.models["tiny"]
    measure(model, read_parts(model), settings, steps.append)
    return [step.done for step in steps if step.done is not None]


def offered(files: dict[str, Path], folder: Path, *, loss: bool = True, test: bool = True) -> dict[str, Any]:
    """The settings of the model with its int8 file. The self-test is the f32 file's own fingerprint."""
    variant: dict[str, Any] = {"precision": "int8", "path": files["small"]}
    if loss:
        variant["loss"] = {"metric": "mAP50", "points": 0.4}
    model: dict[str, Any] = {"path": files["slow"], "variants": [variant]}
    if test:
        plain = ModelSettings.model_validate({"path": files["slow"], "format": "yolov8"})
        numbers = fingerprint_of(raw_answer(DetectionModel("tiny", plain, read_parts(plain).file, REFERENCE)))
        model["selftest"] = folder / "selftest.yaml"
        model["selftest"].write_text(as_yaml(numbers, {Precision.F32: 0.02, Precision.INT8: 0.02}))
    return model


def test_a_cheaper_precision_that_states_its_loss_and_passes_is_chosen(
    inference: MakeSettings, tmp_path: Path, slow_and_small: dict[str, Path]
) -> None:
    settings = inference({"backend": "auto"}, **offered(slow_and_small, tmp_path))
    choice = run_choice(settings, tmp_path / "state")
    assert choice.plan.precision is Precision.INT8
    assert choice.measurements[choice.chosen].loss == "0.4 points of mAP50"
    assert {one.plan.precision for one in choice.measurements if one.refused is None} == {Precision.F32, Precision.INT8}
    model = opener(settings, tmp_path / "state")("tiny", settings.models["tiny"])
    assert model.sha256 == read_model(slow_and_small["small"]).sha256, "events name the file that runs"


@pytest.mark.parametrize(
    ("offer", "said"),
    [
        ({"loss": False}, "only on request (precision: int8): its row does not say what it loses"),
        ({"test": False}, "only on request (precision: int8): it has no self-test"),
    ],
    ids=["loss", "selftest"],
)
def test_one_of_which_nobody_knows_what_it_misses_is_chosen_only_by_name(
    inference: MakeSettings, tmp_path: Path, slow_and_small: dict[str, Path], offer: dict[str, bool], said: str
) -> None:
    model = offered(slow_and_small, tmp_path, **offer)
    found = measured_here(inference(**model))
    assert [one.refused for one in found] == [None, said]
    assert best_of(slow_and_small["slow"], found) == 0
    wished = measured_here(inference({"precision": "int8"}, **model))
    assert [(one.plan, one.refused) for one in wished] == [(SessionPlan(precision=Precision.INT8), None)]


def test_one_that_fails_the_selftest_is_refused_even_by_name(
    inference: MakeSettings, tmp_path: Path, slow_and_small: dict[str, Path]
) -> None:
    model = offered(slow_and_small, tmp_path)
    tiny_model(slow_and_small["small"], width=256, height=256, weight=0.5)
    found = measured_here(inference(**model))
    assert best_of(slow_and_small["slow"], found) == 0
    assert "fails the self-test: fingerprint: off by" in str(found[1].refused)
    wished = measured_here(inference({"precision": "int8"}, **model))
    with pytest.raises(ModelError, match=r"int8, 1 thread: fails the self-test: fingerprint: off by"):
        best_of(slow_and_small["slow"], wished)


def test_a_variant_that_was_not_fetched_is_left_out_and_measured_when_it_is_there(
    inference: MakeSettings, tmp_path: Path, slow_and_small: dict[str, Path]
) -> None:
    model = offered(slow_and_small, tmp_path)
    content = slow_and_small["small"].read_bytes()
    slow_and_small["small"].unlink()
    settings = inference(**model)
    assert [one.plan for one in run_choice(settings, tmp_path / "state").measurements] == [REFERENCE]
    slow_and_small["small"].write_bytes(content)
    assert run_choice(settings, tmp_path / "state").plan.precision is Precision.INT8
