"""A change model of a few hundred bytes: how far two pictures differ, less a threshold, times ten."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def change_net(
    path: Path,
    *,
    joined: bool = False,
    planes: int = 1,
    side: int | str = "side",
    batch: int | str = 1,
    channels: int | None = None,
    threshold: float = 0.1,
    factor: float = 10.0,
) -> Path:
    """Writes it. `joined`: both pictures are one input of six channels. `planes`: of two, the first says none."""
    floats = TensorProto.FLOAT
    values = {"threshold": threshold, "factor": factor, "zero": 0.0}
    constants = [numpy_helper.from_array(np.array(value, np.float32), name) for name, value in values.items()]
    axis = numpy_helper.from_array(np.array([1], np.int64), "axis")
    shape = [batch, channels or (6 if joined else 3), side, side]
    if joined:
        inputs = [helper.make_tensor_value_info("pair", floats, shape)]
        nodes = [helper.make_node("Split", ["pair"], ["older", "newer"], axis=1, num_outputs=2)]
    else:
        inputs = [helper.make_tensor_value_info(name, floats, shape) for name in ("older", "newer")]
        nodes = []
    nodes += [
        helper.make_node("Sub", ["newer", "older"], ["gap"]),
        helper.make_node("Abs", ["gap"], ["size"]),
        helper.make_node("ReduceMean", ["size", "axis"], ["mean"]),
        helper.make_node("Sub", ["mean", "threshold"], ["over"]),
        helper.make_node("Mul", ["over", "factor"], ["odds"]),
        helper.make_node("Mul", ["odds", "zero"], ["none"]),
        helper.make_node("Concat", ["none"] * (planes - 1) + ["odds"], ["answer"], axis=1),
    ]
    outputs = [helper.make_tensor_value_info("answer", floats, [batch, planes, side, side])]
    graph = helper.make_graph(nodes, "change", inputs, outputs, [*constants, axis])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    onnx.checker.check_model(str(path))
    return path
