"""Models and pictures that the tests of inference share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.config.inference import InferenceSettings, ModelSettings
from edge.detectors.interface import Frame, Region
from tests.edge.inference.tiny_model import CLASSES, tiny_model

T0 = datetime(2026, 11, 21, tzinfo=UTC)

MakeSettings = Callable[..., InferenceSettings]


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """The tiny model for 128 × 96 pixels and any number of pictures."""
    return tiny_model(tmp_path / "tiny.onnx")


@pytest.fixture
def inference(tiny: Path) -> MakeSettings:
    """Settings with the model `tiny`, measured briefly; keywords change the model, `also` the rest."""

    def make(also: dict[str, Any] | None = None, **model: Any) -> InferenceSettings:
        values = {"path": tiny, "format": "yolov8", "labels": CLASSES, "min_score": 0.3, **model}
        rest = {"measure_seconds": 0.01, "backend": "onnxruntime", "threads": 1, "max_batch": 1, **(also or {})}
        models = {"tiny": ModelSettings.model_validate(values), **rest.pop("models", {})}
        return InferenceSettings.model_validate({"models": models, **rest})

    return make


def frame(seconds: float = 0.0, *cells: tuple[int, int, str], source_id: str = "gate", size: int = 1) -> Frame:
    """A black frame of 128 × 96 pixels (times `size`) with bright cells: (column, row, `red` or `blue`)."""
    picture = np.zeros((96, 128, 3), np.uint8)
    for column, row, colour in cells:
        picture[row * 32 : row * 32 + 32, column * 32 : column * 32 + 32, 2 if colour == "red" else 0] = 255
    picture = np.kron(picture, np.ones((size, size, 1), np.uint8))

    def read_bgr(region: Region | None = None) -> np.ndarray:
        if region is None:
            return picture.copy()
        return picture[region.y : region.y + region.height, region.x : region.x + region.width].copy()

    luma = picture.max(axis=2)
    return Frame(source_id, round(seconds * 10), seconds, T0 + timedelta(seconds=seconds), luma, read_bgr)
