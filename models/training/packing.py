"""Weights of an ONNX file kept in half or a quarter of the space, and taken out again. Needs onnx."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.training.errors import TrainingError

MIN_NUMBERS = 64
"""Of an array that is packed: biases and constants of the arithmetic stay, they are few and exactness is cheap."""
MIN_KERNEL_NUMBERS = 4096
"""Of a convolution's array that is kept in bytes: smaller ones would save nothing worth a rounding."""
SUFFIX = "_f16"
BYTES, SCALES, WIDE = "_i8", "_i8_scale", "_i8_wide"


def rounded(values: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """A convolution's array (outputs, …) in bytes, and each output's scale (outputs, 1, …): numbers are their product.

    Rounding what is rounded already changes nothing.
    """
    largest = np.abs(values).reshape(len(values), -1).max(axis=1)
    scales = np.where(largest > 0, largest / 127, 1).astype(np.float32).reshape(-1, *(1 for _ in values.shape[1:]))
    return np.rint(values / scales).astype(np.int8), scales


def kept_in_bytes(values: NDArray[np.float32]) -> bool:
    """Whether `pack_weights(…, kernels_in_bytes=True)` rounds an array."""
    return values.ndim == 4 and values.size >= MIN_KERNEL_NUMBERS


def pack_weights(content: bytes, *, kernels_in_bytes: bool = False) -> bytes:
    """Keeps large arrays of float32 as float16, each behind a Cast that the runtime folds away when it loads.

    `kernels_in_bytes`: convolutions' arrays as int8 with a scale for each output, behind Cast and Mul that are folded
    as well. Both are computed in float32: only the numbers are coarser.

    Raises:
        TrainingError: an array has numbers that float16 cannot hold.
    """
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(content)
    casts = []
    for tensor in list(model.graph.initializer):
        if tensor.data_type != onnx.TensorProto.FLOAT or np.prod(tensor.dims) < MIN_NUMBERS:
            continue
        values = numpy_helper.to_array(tensor)
        if kernels_in_bytes and kept_in_bytes(values):
            casts += _in_bytes(model, tensor, values)
            continue
        with np.errstate(over="ignore"):
            halved = values.astype(np.float16)
        if not np.isfinite(halved).all():
            raise TrainingError(f"{tensor.name}: found {np.abs(values).max():.3g}, expected what float16 holds (65504)")
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(halved, name + SUFFIX))
        casts.append(
            onnx.helper.make_node("Cast", [name + SUFFIX], [name], name=name + "_cast", to=onnx.TensorProto.FLOAT)
        )
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def _in_bytes(model: Any, tensor: Any, values: NDArray[np.float32]) -> list[Any]:
    from onnx import TensorProto, helper, numpy_helper

    name = tensor.name
    narrow, scales = rounded(values)
    tensor.CopyFrom(numpy_helper.from_array(narrow, name + BYTES))
    model.graph.initializer.append(numpy_helper.from_array(scales, name + SCALES))
    return [
        helper.make_node("Cast", [name + BYTES], [name + WIDE], name=name + "_cast", to=TensorProto.FLOAT),
        helper.make_node("Mul", [name + WIDE, name + SCALES], [name], name=name + "_mul"),
    ]


def unpack_weights(content: bytes) -> bytes:
    """Undoes `pack_weights`: the same numbers, as float32; a file that is not packed stays as it is."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(content)
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    kept = []
    for node in model.graph.node:
        if node.op_type == "Mul" and len(node.input) == 2 and node.input[1].endswith(SCALES):
            narrow, scales = (stored[name] for name in (node.output[0] + BYTES, node.input[1]))
            values = numpy_helper.to_array(narrow).astype(np.float32) * numpy_helper.to_array(scales)
            narrow.CopyFrom(numpy_helper.from_array(values, node.output[0]))
            model.graph.initializer.remove(scales)
            continue
        if node.op_type == "Cast" and node.input[0].endswith(BYTES):
            continue
        packed = node.op_type == "Cast" and node.input[0] in stored and node.input[0].endswith(SUFFIX)
        if not packed:
            kept.append(node)
            continue
        tensor = stored[node.input[0]]
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), node.output[0]))
    del model.graph.node[:]
    model.graph.node.extend(kept)
    return bytes(model.SerializeToString(deterministic=True))
