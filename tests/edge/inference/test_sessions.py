"""Two libraries behind one interface, and what is said of files that are no models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.config.inference import PictureSizeSettings, Precision
from edge.inference.errors import ModelError
from edge.inference.sessions import Backend, InputShape, SessionPlan, open_session, read_model
from tests.edge.inference.tiny_model import tiny_model

EVERY_PLAN = [
    SessionPlan(backend, threads, Precision.F32, batch) for backend in Backend for threads in (1, 2) for batch in (1, 3)
]
SIZE = PictureSizeSettings(width=128, height=96)


def pictures(count: int) -> np.ndarray:
    return np.random.default_rng(count).uniform(0, 1, (count, 3, 96, 128)).astype(np.float32)


@pytest.mark.parametrize("plan", EVERY_PLAN, ids=str)
def test_every_plan_gives_the_same_numbers(tiny: Path, plan: SessionPlan) -> None:
    session = open_session(read_model(tiny), plan)
    assert session.shape == InputShape(128, 96, any_batch=True)
    batch = pictures(plan.batch)
    output = session.run(batch)
    expected = batch.reshape(plan.batch, 3, 3, 32, 4, 32).mean(axis=(3, 5)).reshape(plan.batch, 3, 12)
    assert output.shape == (plan.batch, 6, 12)
    assert output[:, 4:] == pytest.approx(expected[:, [0, 2]], abs=1e-5)
    assert output[0, :4, 5].tolist() == [48, 48, 32, 32]


@pytest.mark.parametrize("backend", Backend)
def test_a_batch_may_be_smaller_than_planned(tiny: Path, backend: Backend) -> None:
    session = open_session(read_model(tiny), SessionPlan(backend, batch=4))
    batch = pictures(3)
    assert session.run(batch)[2] == pytest.approx(open_session(read_model(tiny), SessionPlan()).run(batch[2:])[0])


@pytest.mark.parametrize("backend", Backend)
def test_a_model_of_open_size_needs_one(tmp_path: Path, backend: Backend) -> None:
    file = read_model(tiny_model(tmp_path / "open.onnx", open_size=True))
    session = open_session(file, SessionPlan(backend), SIZE)
    assert (session.shape.width, session.shape.height) == (128, 96)
    assert session.run(pictures(1)).shape == (1, 6, 12)
    with pytest.raises(ModelError, match=r"its input has no fixed size; say which: input_size"):
        open_session(file, SessionPlan(backend))


@pytest.mark.parametrize("backend", Backend)
@pytest.mark.parametrize(
    ("changes", "plan", "said"),
    [
        ({"batch": 1}, {"batch": 2}, r"found a batch of 2, expected 1: it takes one picture at a time"),
        ({"batch": 5}, {}, r"found a model for 5 pictures at once, expected one or any number"),
    ],
    ids=["one picture", "five pictures"],
)
def test_models_that_do_not_fit(
    tmp_path: Path, backend: Backend, changes: dict[str, int], plan: dict[str, int], said: str
) -> None:
    file = read_model(tiny_model(tmp_path / "odd.onnx", **changes))  # type: ignore[arg-type]  # of several types
    with pytest.raises(ModelError, match=said):
        open_session(file, SessionPlan(backend, **plan))


@pytest.mark.parametrize("backend", Backend)
def test_a_size_that_the_model_does_not_have(tiny: Path, backend: Backend) -> None:
    other = PictureSizeSettings(width=320, height=320)
    with pytest.raises(ModelError, match=r"found input_size 320 × 320, expected none: it is made for 128 × 96"):
        open_session(read_model(tiny), SessionPlan(backend), other)


@pytest.mark.parametrize("backend", Backend)
@pytest.mark.parametrize("content", [b"", b"not a model", bytes(range(256)) * 40], ids=["empty", "text", "bytes"])
def test_a_broken_file_is_said_to_be_broken(tmp_path: Path, backend: Backend, content: bytes) -> None:
    path = tmp_path / "broken.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=rf"broken\.onnx: ({backend} cannot load it: .+|found inputs )"):
        open_session(read_model(path), SessionPlan(backend))


def test_a_missing_or_exchanged_file(tmp_path: Path, tiny: Path) -> None:
    with pytest.raises(ModelError, match=r"nowhere\.onnx: the model cannot be read: No such file or directory"):
        read_model(tmp_path / "nowhere.onnx")
    with pytest.raises(ModelError, match=r"; fetch it: gridsentry-models fetch yolox_nano --store \S+$"):
        read_model(tmp_path / "yolox_nano-0.1.1rc0-f32.onnx")
    (tmp_path / "fire_detector-1.0.3-f32.pt").write_bytes(b"a checkpoint")
    with pytest.raises(ModelError, match="; convert it: gridsentry-models convert fire_detector --store"):
        read_model(tmp_path / "fire_detector-1.0.3-f32.onnx")
    file = read_model(tiny)
    assert read_model(tiny, file.sha256).content == tiny.read_bytes()
    with pytest.raises(ModelError, match=rf"found a file with sha256 {file.sha256}, expected {'0' * 64}"):
        read_model(tiny, "0" * 64)


def test_precision_is_what_was_asked_for(tiny: Path) -> None:
    with pytest.raises(ModelError, match="onnxruntime computes f32 here, found precision bf16"):
        open_session(read_model(tiny), SessionPlan(Backend.ONNXRUNTIME, precision=Precision.BF16))
