"""INT8 files: smaller, nearly the same, with the head's arithmetic in float; weights packed and taken out again."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from models.datasets.reading import Labelled, select
from models.training.asking import Asked, Asker
from models.training.errors import TrainingError
from models.training.packing import pack_weights, unpack_weights
from models.training.quantise import chosen_pictures, quantise, tail_of
from models.training.recipe import QuantisePlan
from tests.edge.inference.tiny_model import tiny_model

PLAN = QuantisePlan.model_validate({"file": "x.onnx", "calibration": [{"set": "trained", "split": "all"}]})


def network() -> bytes:
    """Two convolutions with weights that matter, then what YOLO heads do: boxes and scores joined in one array, an
    expectation over bins as a convolution with one channel."""
    rng = np.random.default_rng(1)
    arrays = {
        "w1": rng.normal(0, 0.2, (16, 3, 3, 3)),
        "b1": rng.normal(0, 0.1, 16),
        "w2": rng.normal(0, 0.2, (8, 16, 3, 3)),
        "bins": np.arange(8).reshape(1, 8, 1, 1),
        "big": np.full((1, 8, 1, 1), 100.0),
    }
    nodes = [
        helper.make_node("Conv", ["images", "w1", "b1"], ["a"], name="first", pads=[1] * 4, strides=[2, 2]),
        helper.make_node("Relu", ["a"], ["b"], name="relu"),
        helper.make_node("Conv", ["b", "w2"], ["c"], name="second", pads=[1] * 4, strides=[2, 2]),
        helper.make_node("Softmax", ["c"], ["d"], name="softmax", axis=1),
        helper.make_node("Conv", ["d", "bins"], ["e"], name="expectation"),
        helper.make_node("Sigmoid", ["c"], ["f"], name="sigmoid"),
        helper.make_node("Mul", ["e", "big"], ["g"], name="pixels"),
        helper.make_node("Concat", ["g", "f"], ["output"], name="join", axis=1),
    ]
    stored = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in arrays.items()]
    graph = helper.make_graph(
        nodes,
        "head",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, (1, 3, 32, 32))],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, (1, 16, 8, 8))],
        stored,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def run(content: bytes, batch: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {session.get_inputs()[0].name: batch})[0])


BATCH = np.random.default_rng(2).random((1, 3, 32, 32), np.float32)


def test_packed_weights_are_half_the_size_and_rounded_once() -> None:
    content = network()
    packed = pack_weights(content)
    assert len(packed) < 0.75 * len(content)
    out = run(packed, BATCH)
    np.testing.assert_allclose(out, run(content, BATCH), rtol=2e-3, atol=2e-3)
    unpacked = unpack_weights(packed)
    np.testing.assert_array_equal(run(unpacked, BATCH), out)
    assert unpack_weights(content) == onnx.load_from_string(content).SerializeToString(deterministic=True)
    assert not [node for node in onnx.load_from_string(unpacked).graph.node if node.op_type == "Cast"]


def test_kernels_in_bytes_are_a_quarter_of_the_size_and_rounded_once() -> None:
    content = wide_network()
    packed = pack_weights(content, kernels_in_bytes=True)
    assert len(packed) < 0.35 * len(content)
    out = run(packed, BATCH)
    np.testing.assert_allclose(out, run(content, BATCH), rtol=0.02, atol=0.02)
    unpacked = unpack_weights(packed)
    np.testing.assert_array_equal(run(unpacked, BATCH), out)
    model = onnx.load_from_string(unpacked)
    assert [node.op_type for node in model.graph.node] == ["Conv"]
    assert {tensor.name for tensor in model.graph.initializer} == {"w", "b"}
    # What is rounded already stays as it is.
    np.testing.assert_allclose(run(pack_weights(unpacked, kernels_in_bytes=True), BATCH), out, rtol=1e-5, atol=1e-5)


def wide_network() -> bytes:
    """One convolution whose weights are nearly all of the file; one of its outputs is dead."""
    rng = np.random.default_rng(4)
    kernel = rng.normal(0, 0.1, (256, 3, 5, 5)).astype(np.float32)
    kernel[3] = 0
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Conv", ["images", "w", "b"], ["output0"])],
        "wide",
        [onnx.helper.make_tensor_value_info("images", onnx.TensorProto.FLOAT, [1, 3, 32, 32])],
        [onnx.helper.make_tensor_value_info("output0", onnx.TensorProto.FLOAT, [1, 256, 28, 28])],
        [numpy_helper.from_array(kernel, "w"), numpy_helper.from_array(np.zeros(256, np.float32), "b")],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


def test_weights_that_half_precision_cannot_hold_are_refused() -> None:
    model = onnx.load_from_string(network())
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(np.full((16, 3, 3, 3), 1e6, np.float32), "w1"))
    with pytest.raises(TrainingError, match="w1: found 1e\\+06, expected what float16 holds"):
        pack_weights(model.SerializeToString())


def test_the_heads_arithmetic_is_told_from_trained_convolutions() -> None:
    tail = tail_of(onnx.load_from_string(network()))
    assert tail == {"softmax", "expectation", "sigmoid", "pixels", "join"}


def test_an_int8_file_finds_what_the_f32_file_finds(cells: Path, tmp_path: Path) -> None:
    source = tiny_model(tmp_path / "source.onnx", detours=2)
    pictures = select("trained", "all", cells.parent / "data", cells.parent).pictures
    asker = Asker(Asked(source, "yolov8", ("red", "blue")))
    told: list[int] = []
    done = quantise(PLAN, source, tmp_path / "int8.onnx", asker, pictures, lambda count, _: told.append(count))
    assert told == list(range(1, 13))
    content = done.path.read_bytes()
    assert (done.sha256, done.size_bytes) == (hashlib.sha256(content).hexdigest(), len(content))
    assert done.convolutions == (3, 3)
    again = quantise(PLAN, source, tmp_path / "again.onnx", asker, pictures)
    assert again.sha256 == done.sha256, "the same pictures give the same file"
    smaller = Asker(Asked(done.path, "yolov8", ("red", "blue")))
    batch = asker.input(np.random.default_rng(3).integers(0, 255, (96, 128, 3)).astype(np.uint8))
    one, two = run(source.read_bytes(), batch), run(content, batch)
    # Boxes come out of the head's own arithmetic: exact. Scores have 256 steps.
    np.testing.assert_array_equal(one[:, :4], two[:, :4])
    assert 0 < np.abs(one[:, 4:] - two[:, 4:]).max() < 0.02
    assert smaller.size_bytes == done.size_bytes


def test_named_nodes_stay_in_float(cells: Path, tmp_path: Path) -> None:
    (tmp_path / "source.onnx").write_bytes(network())
    pictures = select("trained", "all", cells.parent / "data", cells.parent).pictures
    asker = Asker(Asked(tmp_path / "source.onnx", "yolov8", tuple("abcdefghijkl")))
    counts = []
    for keep in ((), ("first",)):
        plan = PLAN.model_copy(update={"keep_float": keep})
        counts.append(quantise(plan, tmp_path / "source.onnx", tmp_path / "x.onnx", asker, pictures).convolutions)
    assert counts == [(2, 3), (1, 3)]


def test_packed_files_are_quantised_too(cells: Path, tmp_path: Path) -> None:
    (tmp_path / "packed.onnx").write_bytes(pack_weights(network()))
    pictures = select("trained", "all", cells.parent / "data", cells.parent).pictures
    asker = Asker(Asked(tmp_path / "packed.onnx", "yolov8", tuple("abcdefghijkl")))
    done = quantise(PLAN, tmp_path / "packed.onnx", tmp_path / "x.onnx", asker, pictures)
    assert done.convolutions == (2, 3)


def test_without_pictures_nothing_is_calibrated(cells: Path, finder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"quantise\.calibration: found no pictures"):
        quantise(PLAN, finder, tmp_path / "x.onnx", Asker(Asked(finder, "yolov8", ("red", "blue"))), [])


def test_calibration_takes_every_scene_before_it_takes_one_twice() -> None:
    pictures = [
        Labelled(f"set/{scene}-{number}", Path("x"), scene, None, None)
        for scene, count in (("long", 50), ("short", 1), ("other", 3))
        for number in range(count)
    ]
    few = chosen_pictures(pictures, 5)
    assert {picture.scene for picture in few[:3]} == {"long", "short", "other"}
    assert [picture.scene for picture in few[3:]].count("short") == 0
    assert chosen_pictures(pictures[::-1], 5) == few, "whatever order the disk gives them in"
    assert len(chosen_pictures(pictures, 999)) == 54
