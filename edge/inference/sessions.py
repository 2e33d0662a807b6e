"""One interface over ONNX Runtime and OpenVINO."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from contract.canonical import sha256_hex
from edge.config.inference import PictureSizeSettings, Precision
from edge.config.registered import how_to_get
from edge.inference.errors import ModelError
from edge.vision.arrays import Floats

if TYPE_CHECKING:
    import onnxruntime
    import openvino

MAX_MODEL_BYTES = 1 << 30
"""A gigabyte: above any detector for a box of this size; a wrong path must not fill its memory."""


class Backend(StrEnum):
    """What runs a model."""

    ONNXRUNTIME = "onnxruntime"
    OPENVINO = "openvino"


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """One way of running a model. `batch`: the most pictures in one run."""

    backend: Backend = Backend.ONNXRUNTIME
    threads: int = 1
    precision: Precision = Precision.F32
    batch: int = 1

    def __str__(self) -> str:
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        pictures = "" if self.batch == 1 else f", {self.batch} pictures"
        return f"{self.backend} {self.precision}, {threads}{pictures}"


REFERENCE = SessionPlan()
"""What other plans are compared with, and what `replay` uses: the same everywhere."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model's bytes, read once, so that what was hashed is what runs."""

    path: Path
    content: bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class InputShape:
    """Of a model's input (batch, 3, height, width) in pixels. `any_batch`: it takes several pictures at once."""

    width: int
    height: int
    any_batch: bool


class Session(Protocol):
    """A model that is ready to run. Used by one thread at a time."""

    plan: SessionPlan
    shape: InputShape

    def run(self, batch: Floats) -> Floats:
        """(n, 3, height, width) → the model's first output (n, …), valid until the next run.

        Raises:
            ModelError: the library refuses or fails.
        """


def read_model(path: Path, expected_sha256: str | None = None) -> ModelFile:
    """Reads a model file and checks its hash.

    Raises:
        ModelError: it is missing, unreadable, too large, or not the file that was expected.
    """
    try:
        size = path.stat().st_size
        if size > MAX_MODEL_BYTES:
            raise ModelError(f"{path}: found {size} bytes, expected a model of at most {MAX_MODEL_BYTES}")
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise ModelError(f"{path}: the model cannot be read: {error.strerror}{how_to_get(path)}") from error
    except OSError as error:
        raise ModelError(f"{path}: the model cannot be read: {error.strerror or error}") from error
    found = sha256_hex(content)
    if expected_sha256 is not None and found != expected_sha256:
        raise ModelError(
            f"{path}: found a file with sha256 {found}, expected {expected_sha256}: it is another model or damaged; "
            "fetch it again, or correct sha256 in the configuration"
        )
    return ModelFile(path, content, found)


def installed_backends() -> Sequence[Backend]:
    """The libraries that are there. OpenVINO is the extra `gridsentry[openvino]`."""
    return tuple(backend for backend in Backend if find_spec(backend.value) is not None)


def open_session(model: ModelFile, plan: SessionPlan, size: PictureSizeSettings | None = None) -> Session:
    """Makes a model ready. `size`: for models that leave their input's size open.

    Raises:
        ModelError: the file is no ONNX model of the expected kind, or the library for the plan is missing or refuses.
    """
    if plan.backend not in installed_backends():
        raise ModelError(f"{plan.backend} is not installed; install it: pip install 'gridsentry[{plan.backend}]'")
    if plan.backend is Backend.OPENVINO:
        return _OpenVinoSession(model, plan, size)
    return _OnnxRuntimeSession(model, plan, size)


class _OnnxRuntimeSession:
    def __init__(self, model: ModelFile, plan: SessionPlan, size: PictureSizeSettings | None) -> None:
        import onnxruntime

        # What is int8 in a file of that precision stands in the file: the rest of it is computed at f32.
        if plan.precision not in (Precision.F32, Precision.INT8):
            raise ModelError(f"{model.path}: onnxruntime computes f32 here, found precision {plan.precision}")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = plan.threads
        options.inter_op_num_threads = 1
        # Threads that spin for the next run take the core from the cameras that decode on it.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4  # faults come as exceptions; its own log would go past ours
        self.plan = plan
        self._path = model.path
        try:
            self._session: onnxruntime.InferenceSession = onnxruntime.InferenceSession(
                model.content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its exceptions share no base of their own
            raise ModelError(f"{model.path}: onnxruntime cannot load it: {_first_line(error)}") from error
        inputs = self._session.get_inputs()
        shapes = [[dimension if isinstance(dimension, int) else None for dimension in one.shape] for one in inputs]
        kinds = [one.type.removeprefix("tensor(").removesuffix(")") for one in inputs]
        self.shape = _input_shape(model.path, shapes, kinds, size, plan.batch)
        self._input = inputs[0].name
        self._output = self._session.get_outputs()[0].name

    def run(self, batch: Floats) -> Floats:
        try:
            outputs = self._session.run([self._output], {self._input: batch})
        except Exception as error:  # as above
            raise ModelError(f"{self._path}: onnxruntime failed: {_first_line(error)}") from error
        return np.asarray(outputs[0], np.float32)


class _OpenVinoSession:
    def __init__(self, model: ModelFile, plan: SessionPlan, size: PictureSizeSettings | None) -> None:
        import openvino

        self.plan = plan
        self._path = model.path
        try:
            core = openvino.Core()
            network = core.read_model(model.content, b"")
            shapes = [_static_shape(one.get_partial_shape()) for one in network.inputs]
            kinds = ["float" if one.get_element_type() == openvino.Type.f32 else str(one) for one in network.inputs]
            self.shape = _input_shape(model.path, shapes, kinds, size, plan.batch)
            if network.is_dynamic():
                pictures = openvino.Dimension(1, plan.batch) if self.shape.any_batch else openvino.Dimension(1)
                network.reshape(openvino.PartialShape([pictures, 3, self.shape.height, self.shape.width]))
            compiled = core.compile_model(network, "CPU", _openvino_options(plan))
            found = compiled.get_property("INFERENCE_PRECISION_HINT")
            self._request: openvino.InferRequest = compiled.create_infer_request()
        except ModelError:
            raise
        except Exception as error:  # RuntimeError and its own
            raise ModelError(f"{model.path}: openvino cannot load it: {_first_line(error)}") from error
        wanted = openvino.Type.bf16 if plan.precision is Precision.BF16 else openvino.Type.f32
        if found != wanted:
            raise ModelError(f"{model.path}: openvino would compute {found}, expected {plan.precision}")

    def run(self, batch: Floats) -> Floats:
        try:
            self._request.infer({0: batch}, share_inputs=True)
            return np.asarray(self._request.get_output_tensor(0).data, np.float32)
        except Exception as error:  # as above
            raise ModelError(f"{self._path}: openvino failed: {_first_line(error)}") from error


def _openvino_options(plan: SessionPlan) -> dict[str, Any]:
    return {
        # Its default is bf16 where the processor has it: faster, and other boxes, without a word.
        # What is int8 stands in the file, and the hint is about the rest of it.
        "INFERENCE_PRECISION_HINT": (Precision.BF16 if plan.precision is Precision.BF16 else Precision.F32).value,
        "INFERENCE_NUM_THREADS": plan.threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        # Where a thread runs is decided by us, or by the kernel; two who pin fight.
        "ENABLE_CPU_PINNING": False,
    }


def _static_shape(shape: Any) -> list[int | None]:
    return [dimension.get_length() if dimension.is_static else None for dimension in shape]


def _input_shape(
    path: Path,
    shapes: Sequence[Sequence[int | None]],
    kinds: Sequence[str],
    size: PictureSizeSettings | None,
    batch: int,
) -> InputShape:
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][1] != 3 or kinds[0] != "float":
        found = ", ".join(f"{kind}{list(shape)}" for kind, shape in zip(kinds, shapes, strict=True))
        raise ModelError(f"{path}: found inputs {found}, expected one float input of (batch, 3, height, width)")
    pictures, _, height, width = shapes[0]
    if height is None or width is None:
        if size is None:
            raise ModelError(f"{path}: its input has no fixed size; say which: input_size: {{width: …, height: …}}")
        height, width = size.height, size.width
    elif size is not None and (size.width, size.height) != (width, height):
        found_size = f"{size.width} × {size.height}"
        raise ModelError(f"{path}: found input_size {found_size}, expected none: it is made for {width} × {height}")
    if pictures not in (None, 1):
        raise ModelError(f"{path}: found a model for {pictures} pictures at once, expected one or any number")
    if batch > 1 and pictures is not None:
        raise ModelError(f"{path}: found a batch of {batch}, expected 1: it takes one picture at a time")
    return InputShape(width, height, any_batch=pictures is None)


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # OpenVINO's first lines say where in its own code it happened.
    telling = [line for line in lines if not line.startswith(("Exception from ", "Check '"))]
    return (telling or lines or [type(error).__name__])[0]
