"""A learned change model on ONNX Runtime: two pictures in, where they differ out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from contract.events import Model
from edge.config.change_model import Answer, ChangeModelSettings
from edge.inference.errors import ModelError
from edge.inference.sessions import read_model
from edge.vision.arrays import Floats
from edge.vision.surface.shots import Picture

_MOST_SIDE_PX = 1024


class ChangeNetwork:
    """`edge.vision.surface.asking.ChangeModel`. Used by one thread at a time."""

    def __init__(self, settings: ChangeModelSettings, base: Path = Path()) -> None:
        """Paths are relative to `base`.

        Raises:
            ModelError: the file is missing, not the one that was expected, or no model for pairs of pictures.
        """
        import onnxruntime

        file = read_model(base / settings.path, settings.sha256)
        self.identity = Model(name=settings.name, version=settings.version, sha256=file.sha256)
        self._settings, self._path = settings, file.path
        options = onnxruntime.SessionOptions()
        # One thread: the same answers whatever else runs on the machine.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(file.content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its exceptions share no base of their own
            raise ModelError(f"{file.path}: onnxruntime cannot load it: {_first_line(error)}") from error
        inputs = self._session.get_inputs()
        self._names = [each.name for each in inputs]
        self.gsd_m = settings.gsd_m
        self.side_px = self._side([(each.shape, each.type) for each in inputs])

    def __call__(self, older: Picture, newer: Picture) -> Floats:
        """See `ChangeModel`."""
        pair = [self._planes(each) for each in (older, newer)]
        fed = pair if len(self._names) == 2 else [np.concatenate(pair, axis=1)]
        try:
            outputs = self._session.run(None, dict(zip(self._names, fed, strict=True)))
        except Exception as error:  # as above
            raise ModelError(f"{self._path}: onnxruntime failed: {_first_line(error)}") from error
        return self._read(np.asarray(outputs[0]))

    def _side(self, inputs: list[tuple[Any, str]]) -> int:
        channels = {1: 6, 2: 3}.get(len(inputs))
        fits = channels is not None and all(
            kind == "tensor(float)"
            and len(shape) == 4
            and shape[1] == channels
            and not (isinstance(shape[0], int) and shape[0] != 1)
            for shape, kind in inputs
        )
        if not fits:
            found = ", ".join(
                f"{kind.removeprefix('tensor(').removesuffix(')')}{list(shape)}" for shape, kind in inputs
            )
            raise ModelError(
                f"{self._path}: found inputs {found}, expected two float inputs (1, 3, height, width), the older "
                "picture first, or one (1, 6, height, width)"
            )
        sides = {side for shape, _ in inputs for side in shape[2:] if isinstance(side, int)}
        if len(sides) > 1 or any(not 32 <= side <= _MOST_SIDE_PX for side in sides):
            raise ModelError(
                f"{self._path}: found inputs of {sorted(sides)} pixels, expected a square of 32 to {_MOST_SIDE_PX}"
            )
        return sides.pop() if sides else self._settings.side_px

    def _planes(self, picture: Picture) -> Floats:
        rgb = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB).astype(np.float32) / 255
        scaled = (rgb - np.array(self._settings.mean)) / np.array(self._settings.deviation)
        return np.ascontiguousarray(scaled.transpose(2, 0, 1)[None], np.float32)

    def _read(self, output: np.ndarray[Any, np.dtype[Any]]) -> Floats:
        wanted = (self.side_px, self.side_px)
        planes = output.reshape(-1, *wanted) if output.shape[-2:] == wanted and output.dtype.kind == "f" else None
        if planes is None or len(planes) not in (1, 2):
            raise ModelError(
                f"{self._path}: answered {output.dtype}{list(output.shape)}, expected floats "
                f"[1, 1, {self.side_px}, {self.side_px}], or two planes of which the second is the change"
            )
        if not np.isfinite(planes).all():
            raise ModelError(f"{self._path}: answered values that are no numbers")
        if self._settings.answer is Answer.PROBABILITY:
            return np.asarray(np.clip(planes[-1], 0, 1), np.float32)
        # Of two planes the difference decides, as in a softmax.
        odds = planes[1] - planes[0] if len(planes) == 2 else planes[0]
        return np.asarray(1 / (1 + np.exp(-np.clip(odds, -30, 30))), np.float32)


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
