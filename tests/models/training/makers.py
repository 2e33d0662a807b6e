"""What the tests' recipes name as `made: module:function` and `trainer: module:function`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from models.datasets.reading import Box, read_picture
from models.training.making import Made
from models.training.orders import Order
from tests.models.drawn import street, with_cell

calls: list[int] = []


def cell(rng: np.random.Generator, backgrounds: Sequence[Path], *, label: str = "red", only: str = "") -> Made:
    """A painted cell on a background."""
    calls.append(1)
    bgr = (
        read_picture(backgrounds[int(rng.integers(len(backgrounds)))]) if backgrounds else street(int(rng.integers(99)))
    )
    column, row = int(rng.integers(4)), int(rng.integers(3))
    box = Box(only or label, column / 4, row / 3, (column + 1) / 4, (row + 1) / 3)
    return Made(with_cell(bgr, column, row, label), (box,))


def trainer(order: Order) -> Path:
    """Notes what it was told."""
    rows = [json.loads(line) for line in order.rows.read_text().splitlines()]
    checkpoint = order.place / "mine.pt"
    told = {"rows": rows, "steps": order.steps, "shares": dict(order.shares), "settings": dict(order.settings)}
    checkpoint.write_text(json.dumps({**told, "before": str(order.before) if order.before else None}))
    order.hooks.batches(order.steps, order.steps)
    return checkpoint
