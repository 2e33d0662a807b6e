"""A detection model of a few hundred bytes, written by hand: it finds bright cells.

ONNX is protocol buffers, and these are simple enough to be written without a library: each field is a key (number and
wire type) and its value. The network averages cells of 32 × 32 pixels, and says for each, as YOLOv8 does, a box and two
class scores: how red and how blue the cell is. So a test knows what must be found.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

CELL = 32
CLASSES = ("red", "blue")
FLOAT, INT64 = 1, 7


def _varint(value: int) -> bytes:
    out = bytearray()
    value &= (1 << 64) - 1
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes | str) -> bytes:
    content = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _tensor(name: str, values: np.ndarray) -> bytes:
    kind = INT64 if values.dtype == np.int64 else FLOAT
    dims = b"".join(_number(1, size) for size in values.shape)
    return dims + _number(2, kind) + _bytes(8, name) + _bytes(9, values.tobytes())


def _value(name: str, shape: Sequence[int | str], kind: int = FLOAT) -> bytes:
    dims = b"".join(_bytes(1, _bytes(2, size) if isinstance(size, str) else _number(1, size)) for size in shape)
    return _bytes(1, name) + _bytes(2, _bytes(1, _number(1, kind) + _bytes(2, dims)))


def _ints(name: str, values: Sequence[int]) -> bytes:
    return _bytes(5, _bytes(1, name) + b"".join(_number(8, value) for value in values) + _number(20, 7))


def _node(kind: str, inputs: Sequence[str], output: str, attributes: bytes = b"") -> bytes:
    named = b"".join(_bytes(1, name) for name in inputs)
    return _bytes(1, named + _bytes(2, output) + _bytes(4, kind) + attributes)


def tiny_model(
    path: Path,
    *,
    width: int = 128,
    height: int = 96,
    batch: int | str = "n",
    open_size: bool = False,
    weight: float = 1.0,
    input_kind: int = FLOAT,
    detours: int = 0,
) -> Path:
    """Writes the model. `batch`: a name leaves it open. `weight`: what brightness is multiplied with. `detours`: layers
    that change nothing and take time."""
    columns, rows = width // CELL, height // CELL
    cells = columns * rows
    x, y = np.meshgrid(np.arange(columns), np.arange(rows))
    boxes = np.zeros((1, 6, cells), np.float32)
    boxes[0, 0], boxes[0, 1] = (x.ravel() + 0.5) * CELL, (y.ravel() + 0.5) * CELL
    boxes[0, 2:4] = CELL
    mix = np.zeros((6, 3, 1, 1), np.float32)
    mix[4, 0] = mix[5, 2] = weight  # red and blue of an RGB picture
    shape: Sequence[int | str] = (batch, 3, *(("h", "w") if open_size else (height, width)))
    # Three pictures with themselves: exact, and nothing that a library would fold away.
    same = np.zeros((3, 3, 9, 9), np.float32)
    same[range(3), range(3), 4, 4] = 1
    names = ["images", *(f"detour {number}" for number in range(detours))]
    padded = _ints("pads", [4] * 4)
    graph = b"".join(
        (
            *(_node("Conv", [before, "same"], after, padded) for before, after in pairwise(names)),
            _node(
                "AveragePool", [names[-1]], "cells", _ints("kernel_shape", [CELL] * 2) + _ints("strides", [CELL] * 2)
            ),
            _node("Conv", ["cells", "mix"], "mixed"),
            _node("Reshape", ["mixed", "shape"], "listed"),
            _node("Add", ["listed", "boxes"], "output"),
            _bytes(2, "tiny"),
            _bytes(5, _tensor("mix", mix)),
            _bytes(5, _tensor("same", same)),
            _bytes(5, _tensor("shape", np.array([0, 6, cells], np.int64))),
            _bytes(5, _tensor("boxes", boxes)),
            _bytes(11, _value("images", shape, input_kind)),
            _bytes(12, _value("output", (batch, 6, cells))),
        )
    )
    opset = _bytes(8, _number(2, 17))
    path.write_bytes(_number(1, 8) + opset + _bytes(7, graph))
    return path


def fixed_model(path: Path, output: np.ndarray, *, width: int, height: int) -> Path:
    """Writes a model that says `output` (rows, columns) of every picture of that size, whatever it shows."""
    shape = (1, *output.shape)
    graph = b"".join(
        (
            _node("AveragePool", ["images"], "mean", _ints("kernel_shape", [height, width])),
            _node("Conv", ["mean", "nothing"], "zero"),
            _node("Reshape", ["zero", "shape"], "listed"),
            _node("Add", ["listed", "said"], "output"),
            _bytes(2, "fixed"),
            _bytes(5, _tensor("nothing", np.zeros((1, 3, 1, 1), np.float32))),
            _bytes(5, _tensor("shape", np.array([1, 1, 1], np.int64))),
            _bytes(5, _tensor("said", output.astype(np.float32)[None])),
            _bytes(11, _value("images", (1, 3, height, width))),
            _bytes(12, _value("output", shape)),
        )
    )
    path.write_bytes(_number(1, 8) + _bytes(8, _number(2, 17)) + _bytes(7, graph))
    return path
