"""From a checkpoint to an ONNX file, and the proof that both give the same. Needs torch; commands import it late."""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.datasets.reading import Labelled, read_picture
from models.training.errors import TrainingError
from models.training.packing import kept_in_bytes, pack_weights, rounded
from models.training.recipe import Places, Recipe
from models.training.train import architecture_of, needs_library, quiet

MAX_RELATIVE = 2e-3
"""Of the framework's number, and of the output's usual size: what sums in another order may differ by (some 100
additions deep in float32, measured 1e-5 to 3e-4)."""
PARITY_PICTURES = 8
"""Real pictures beside two that nobody photographed (noise, and nothing): a wrong axis shows on the first."""


@dataclass(frozen=True, slots=True)
class Parity:
    """How far ONNX Runtime and the framework are apart on the same pictures.

    `worst`: the largest difference, in parts of what is allowed; over 1 is too far.
    """

    pictures: int
    worst: float
    largest: float


@dataclass(frozen=True, slots=True)
class Exported:
    """An ONNX file."""

    path: Path
    sha256: str
    size_bytes: int
    parity: Parity


def export(recipe: Recipe, checkpoint: Path, places: Places, pictures: Sequence[Labelled]) -> Exported:
    """Writes the recipe's ONNX file and compares it with the framework; a file that differs is not kept.

    Args:
        recipe: says opset, size and name of the file.
        checkpoint: of ultralytics, or of a loop of the model's own (`{"ema": tensors by name}`).
        places: where the recipe's folder is.
        pictures: some to compare on; PARITY_PICTURES of them are taken.

    Raises:
        TrainingError: libraries are missing, the checkpoint is of another architecture, or parity fails.
    """
    needs_library()
    import torch

    network = _network(torch, recipe, checkpoint, places)
    side = (recipe.input.height, recipe.input.width)
    batches = [_input(read_picture(picture.path), *side) for picture in pictures[:PARITY_PICTURES]]
    noise = np.random.default_rng(1).random((1, 3, *side), np.float32)
    batches += [noise, np.zeros((1, 3, *side), np.float32)]
    content = _onnx(torch, recipe, network, batches[0])
    with torch.no_grad():
        wanted = [network(torch.from_numpy(batch)).numpy() for batch in batches]
    parity = compare(content, batches, wanted)
    target = places.folder / recipe.export.file
    if parity.worst > 1:
        raise TrainingError(
            f"{target}: ONNX Runtime differs from the framework by up to {parity.largest:.4g}, "
            f"{parity.worst:.1f} times what is allowed: the file was not written"
        )
    half = target.with_suffix(".half")
    half.write_bytes(content)
    half.replace(target)
    return Exported(target, hashlib.sha256(content).hexdigest(), len(content), parity)


def compare(content: bytes, batches: Sequence[NDArray[np.float32]], wanted: Sequence[NDArray[np.float32]]) -> Parity:
    """Runs an ONNX model's first output on batches (1, 3, height, width), against what is wanted of it."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    name, worst, largest = session.get_inputs()[0].name, 0.0, 0.0
    for batch, expected in zip(batches, wanted, strict=True):
        found = session.run(None, {name: batch})[0]
        if found.shape != expected.shape:
            raise TrainingError(f"found an output of {found.shape}, expected {expected.shape}")
        difference = np.abs(found - expected)
        # By channel: pixels of boxes are hundreds, scores are hundredths, and both must agree.
        usual = np.abs(expected).mean(axis=tuple(axis for axis in range(expected.ndim) if axis != 1), keepdims=True)
        allowed = MAX_RELATIVE * (np.abs(expected) + usual + 1e-3)
        worst = max(worst, float((difference / allowed).max()))
        largest = max(largest, float(difference.max()))
    return Parity(len(batches), worst, largest)


def _network(torch: Any, recipe: Recipe, checkpoint: Path, places: Places) -> Any:
    quiet(places.work)
    from ultralytics.nn.tasks import DetectionModel

    try:
        # ultralytics pickles whole modules: only read checkpoints that this machine or somebody trusted made.
        saved = torch.load(checkpoint, map_location="cpu", weights_only=False)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise TrainingError(f"{checkpoint}: is no checkpoint: {error}; train again with --fresh") from error
    found = saved.get("ema") or saved.get("model") if isinstance(saved, dict) else None
    if found is None:
        raise TrainingError(f"{checkpoint}: found no weights in it, expected `ema` or `model`")
    if isinstance(found, torch.nn.Module):
        network = found.float()
    else:
        network = DetectionModel(architecture_of(recipe, places.folder), nc=len(recipe.labels), verbose=False)
        try:
            network.load_state_dict(found)
        except RuntimeError as error:
            raise TrainingError(f"{checkpoint}: is not of {recipe.architecture}: {str(error)[:300]}") from error
    network = network.eval().fuse(verbose=False)
    if recipe.export.weights != "f32":
        network = network.half().float()
    if recipe.export.weights == "i8":
        _round_kernels(torch, network)
    head = network.model[-1]
    # The head then gives one array, boxes in pixels of the input: what the edge's format yolov8 reads.
    head.export, head.format, head.dynamic = True, "onnx", False
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return network


def _round_kernels(torch: Any, network: Any) -> None:
    """What is measured and compared is the rounded network."""
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d) and kept_in_bytes(layer.weight.detach().numpy()):
            narrow, scales = rounded(layer.weight.detach().numpy())
            layer.weight.data = torch.from_numpy(narrow.astype(np.float32) * scales)


def _onnx(torch: Any, recipe: Recipe, network: Any, example: NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    plan = recipe.export
    torch.onnx.export(
        network,
        torch.from_numpy(example),
        buffer,
        opset_version=plan.opset,
        input_names=["images"],
        output_names=["output0"],
        dynamic_axes={"images": {0: "batch"}, "output0": {0: "batch"}} if plan.dynamic_batch else None,
        dynamo=False,
    )
    content = _slim(buffer.getvalue())
    return content if plan.weights == "f32" else pack_weights(content, kernels_in_bytes=plan.weights == "i8")


def _slim(content: bytes) -> bytes:
    """The same model without notes of how it was traced, which hold this machine's paths."""
    import onnx

    model = onnx.load_from_string(content)
    onnx.checker.check_model(model, full_check=True)
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    model.doc_string = model.graph.doc_string = ""
    return bytes(model.SerializeToString(deterministic=True))


def _input(bgr: NDArray[np.uint8], height: int, width: int) -> NDArray[np.float32]:
    """Any picture will do for comparing: stretched to the input, RGB, 0 to 1."""
    import cv2

    rgb = cv2.cvtColor(cv2.resize(bgr, (width, height)), cv2.COLOR_BGR2RGB)
    return np.ascontiguousarray(rgb.transpose(2, 0, 1)[None].astype(np.float32) / 255)
