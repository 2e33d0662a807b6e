"""Weights of an ONNX file kept in half the space, and taken out again. Needs onnx."""

from __future__ import annotations

import numpy as np

from models.training.errors import TrainingError

MIN_NUMBERS = 64
"""Of an array that is packed: biases and constants of the arithmetic stay, they are few and exactness is cheap."""
SUFFIX = "_f16"


def pack_weights(content: bytes) -> bytes:
    """Keeps large arrays of float32 as float16, each behind a Cast that the runtime folds away when it loads.

    Raises:
        TrainingError: an array has numbers that float16 cannot hold.
    """
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(content)
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or np.prod(tensor.dims) < MIN_NUMBERS:
            continue
        values = numpy_helper.to_array(tensor)
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


def unpack_weights(content: bytes) -> bytes:
    """Undoes `pack_weights`: the same numbers, as float32; a file that is not packed stays as it is."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(content)
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    kept = []
    for node in model.graph.node:
        packed = node.op_type == "Cast" and node.input[0] in stored and node.input[0].endswith(SUFFIX)
        if not packed:
            kept.append(node)
            continue
        tensor = stored[node.input[0]]
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), node.output[0]))
    del model.graph.node[:]
    model.graph.node.extend(kept)
    return bytes(model.SerializeToString(deterministic=True))
