"""A recipe with drawn data, and a model of a few bytes that finds what is drawn."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.edge.inference.tiny_model import tiny_model
from tests.models.drawn import HEIGHT, WIDTH, house


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    """The recipe's file; its folder has manifests and `data`."""
    return house(tmp_path)


@pytest.fixture
def finder(cells: Path) -> Path:
    """A model that finds red and blue cells, where `export` would have put it."""
    return tiny_model(cells.parent / "cells.onnx", width=WIDTH, height=HEIGHT)
