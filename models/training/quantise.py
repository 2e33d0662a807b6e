"""An INT8 file from an f32 one, calibrated with pictures, and what it costs, measured. Needs onnx, not torch."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.datasets.duplicates import Progress
from models.datasets.reading import Labelled, read_picture
from models.training.asking import Asker
from models.training.errors import MissingLibraryError, TrainingError
from models.training.packing import unpack_weights
from models.training.recipe import QuantisePlan

TAIL_MIN_CHANNELS = 2
"""A convolution with fewer channels out is arithmetic in disguise (the expectation over bins of a YOLO head)."""


@dataclass(frozen=True, slots=True)
class Quantised:
    """The INT8 file. `convolutions`: how many of all are computed in whole numbers."""

    path: Path
    sha256: str
    size_bytes: int
    convolutions: tuple[int, int]
    pictures: int


def chosen_pictures(pictures: Sequence[Labelled], count: int) -> list[Labelled]:
    """Some for calibration: one a scene first, then the second of each, so that no long recording decides alone."""
    by_scene: dict[str, list[Labelled]] = {}
    for picture in sorted(pictures, key=lambda one: hashlib.sha256(one.name.encode()).digest()):
        by_scene.setdefault(picture.scene, []).append(picture)
    order = [(rank, picture) for own in by_scene.values() for rank, picture in enumerate(own)]
    order.sort(key=lambda row: (row[0], hashlib.sha256(row[1].name.encode()).digest()))
    return [picture for _, picture in order[:count]]


def quantise(
    plan: QuantisePlan,
    source: Path,
    target: Path,
    asker: Asker,
    pictures: Sequence[Labelled],
    progress: Progress | None = None,
) -> Quantised:
    """Writes an INT8 file (QDQ: ONNX Runtime and OpenVINO read it).

    Weights by channel, activations by array, from the least to the greatest that the pictures gave: cutting rare peaks
    off (ONNX Runtime's entropy and percentile ways) gave the same file, or took 9 GB. The head's arithmetic stays in
    float: pixels and scores share one array there, and one scale for both would leave nothing of the scores.

    Args:
        plan: how.
        source: the f32 file.
        target: the file to write.
        asker: of the f32 file; makes the network's input as the edge does.
        pictures: to calibrate with.
        progress: told of pictures.

    Raises:
        MissingLibraryError: onnx is not installed.
        TrainingError: no pictures, or the file cannot be quantised.
    """
    if find_spec("onnx") is None:
        raise MissingLibraryError("onnx", "quantising")
    if not pictures:
        raise TrainingError("quantise.calibration: found no pictures, expected some")
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder:
        plain, prepared, made = (Path(folder) / name for name in ("plain.onnx", "prepared.onnx", "made.onnx"))
        plain.write_bytes(unpack_weights(source.read_bytes()))
        quant_pre_process(str(plain), str(prepared), skip_symbolic_shape=True)
        model = onnx.load(str(prepared))
        # What is kept is told by name, and exporters need not give any.
        for number, node in enumerate(model.graph.node):
            node.name = node.name or f"{node.op_type}_{number}"
        onnx.save(model, str(prepared))
        head = tail_of(model)
        kept = [node.name for node in model.graph.node if node.name in head or node.name.startswith(plan.keep_float)]
        try:
            quantize_static(
                str(prepared),
                str(made),
                _reader(model.graph.input[0].name, asker, pictures, progress),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                weight_type=QuantType.QInt8,
                activation_type=QuantType.QUInt8,
                calibrate_method=CalibrationMethod.MinMax,
                nodes_to_exclude=kept,
            )
        except (ValueError, RuntimeError) as error:
            raise TrainingError(f"{source}: cannot be quantised: {error}") from error
        content = _stripped(made)
    half = target.with_suffix(".half")
    half.write_bytes(content)
    half.replace(target)
    counts = _convolutions(content)
    return Quantised(target, hashlib.sha256(content).hexdigest(), len(content), counts, len(pictures))


def tail_of(model: Any) -> set[str]:
    """Names of the nodes between the last trained convolutions and the outputs: the head's arithmetic."""
    weights = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    makers = {name: node for node in model.graph.node for name in node.output}
    waiting, tail = [output.name for output in model.graph.output], set()
    while waiting:
        node = makers.get(waiting.pop())
        if node is None or node.name in tail:
            continue
        if node.op_type == "Conv" and weights.get(node.input[1], (0,))[0] >= TAIL_MIN_CHANNELS:
            continue
        tail.add(node.name)
        waiting += node.input
    return tail


def _reader(name: str, asker: Asker, pictures: Sequence[Labelled], progress: Progress | None) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self._batches = self._inputs()

        def _inputs(self) -> Iterator[dict[str, NDArray[np.float32]]]:
            for index, picture in enumerate(pictures):
                if progress is not None:
                    progress(index + 1, len(pictures))
                yield {name: asker.input(read_picture(picture.path))}

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            return next(self._batches, None)

    return Reader()


def _stripped(path: Path) -> bytes:
    import onnx

    model = onnx.load(str(path))
    del model.metadata_props[:]
    for node in model.graph.node:
        node.doc_string = ""
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def _convolutions(content: bytes) -> tuple[int, int]:
    import onnx

    graph = onnx.load_from_string(content).graph
    makers = {name: node.op_type for node in graph.node for name in node.output}
    all_of_them = [node for node in graph.node if node.op_type == "Conv"]
    whole = [node for node in all_of_them if makers.get(node.input[1]) == "DequantizeLinear"]
    return len(whole), len(all_of_them)
