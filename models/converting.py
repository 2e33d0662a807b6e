"""An ONNX file from a checkpoint that was fetched: once, where torch is installed (`gridsentry[train]`).

Reading a checkpoint runs code that it names: only files of the hash that the registry states are opened.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.errors import ModelsError
from models.fetching import hash_of, note_made
from models.registry import Export, ModelRow, WeightsFile, fetched_path, onnx_path

OPSET = 17
"""The newest that every ONNX Runtime and OpenVINO of the last three years reads."""
TOLERANCE = 0.01
"""Of boxes in pixels and of scores: two f32 libraries differ by 1e-4 on a 640-pixel input, a wrong export by whole
pixels."""
PARITY_SEED = 5


class ConvertError(ModelsError):
    """A checkpoint that cannot be made an ONNX file. The message says what is missing and what to do."""


@dataclass(frozen=True, slots=True)
class Converted:
    """The ONNX file. `difference`: the largest of its numbers from the framework's own, on one drawn picture."""

    path: Path
    sha256: str
    difference: float


def convert(name: str, row: ModelRow, file: WeightsFile, store: Path) -> Converted:
    """Makes the ONNX file of a fetched checkpoint, and compares it with the framework on a picture.

    Its hash is noted beside it: it guards the file from then on.

    Raises:
        ConvertError: it is not fetched, or damaged; torch, ultralytics or the publisher's package is missing; the
            two differ.
        OSError: the store cannot be written.
    """
    if file.export is None:
        raise ConvertError(f"{name}: its file is ONNX as it is published; nothing to convert")
    checkpoint = fetched_path(store, name, row, file)
    found = hash_of(checkpoint)
    if found is None:
        raise ConvertError(f"{checkpoint}: not there; first: gridsentry-models fetch {name} --store {store}")
    if found != file.sha256:
        raise ConvertError(f"{checkpoint}: found sha256 {found}, expected {file.sha256}; fetch it again")
    if row.input is None:
        raise ConvertError(f"{name}: its row states no input size, expected input: {{width: …, height: …}}")
    target = onnx_path(store, name, row, file)
    with _as_main_classes(_classes(file.export)), tempfile.TemporaryDirectory(prefix=".convert-", dir=store) as folder:
        copy = Path(folder) / checkpoint.name
        shutil.copyfile(checkpoint, copy)
        made, difference = _export(copy, row.input.width, row.input.height, row.labels)
        if difference > TOLERANCE:
            said = f"differs from the framework by {difference:.3g}, expected at most {TOLERANCE}"
            raise ConvertError(f"{name}: the ONNX file {said}")
        sha256 = hashlib.sha256(made.read_bytes()).hexdigest()
        made.replace(target)
        note_made(target, sha256)
    return Converted(target, sha256, difference)


def _classes(export: Export) -> dict[str, type]:
    """What the checkpoint takes for granted in a main program."""
    for needed in ("torch", "ultralytics", "onnx"):
        if find_spec(needed) is None:
            raise ConvertError(f"{needed} is not installed; install it: pip install 'gridsentry[train]'")
    if export.code is None:
        return {}
    package = export.code.partition(".")[0].replace("_", "-")
    try:
        module = importlib.import_module(export.code)
    except ImportError as error:
        raise ConvertError(
            f"{export.code}: the checkpoint needs the publisher's own code, which cannot be imported ({error}); "
            f"install it: pip install --no-deps {package}"
        ) from error
    return {
        key: value for key, value in vars(module).items() if inspect.isclass(value) and value.__module__ == export.code
    }


class _as_main_classes:  # noqa: N801 - used as a verb
    """Lends classes to `__main__` for as long as the checkpoint is read and written."""

    def __init__(self, classes: dict[str, type]) -> None:
        self._classes = classes
        self._main = sys.modules["__main__"]

    def __enter__(self) -> None:
        for name, value in self._classes.items():
            setattr(self._main, name, value)

    def __exit__(self, *_error: object) -> None:
        for name in self._classes:
            delattr(self._main, name)


def _export(checkpoint: Path, width: int, height: int, labels: Sequence[str]) -> tuple[Path, float]:
    # ultralytics would install packages and ask its makers' servers by itself.
    os.environ |= {"YOLO_AUTOINSTALL": "false", "YOLO_OFFLINE": "true", "YOLO_VERBOSE": "false"}
    import torch
    from ultralytics import YOLO

    torch.set_num_threads(1)
    model = YOLO(str(checkpoint))
    names = tuple(str(model.names[index]) for index in sorted(model.names))
    if labels and names != tuple(labels):
        said = f"found classes {', '.join(names)}, expected {', '.join(labels)} as the registry says"
        raise ConvertError(f"{checkpoint.name}: {said}")
    made = Path(model.export(format="onnx", imgsz=(height, width), opset=OPSET, simplify=False, verbose=False))
    picture = np.random.default_rng(PARITY_SEED).random((1, 3, height, width), np.float32)
    with torch.no_grad():
        answer: Any = model.model.float().eval()(torch.from_numpy(picture))
    first = answer[0] if isinstance(answer, tuple | list) else answer
    return made, _difference(made, picture, first.numpy())


def _difference(made: Path, picture: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    import onnxruntime

    session = onnxruntime.InferenceSession(made.read_bytes(), providers=["CPUExecutionProvider"])
    (output, *_) = session.run(None, {session.get_inputs()[0].name: picture})
    if output.shape != expected.shape:
        raise ConvertError(f"{made.name}: found an output of {output.shape}, expected {expected.shape}")
    return float(np.abs(output - expected).max())
