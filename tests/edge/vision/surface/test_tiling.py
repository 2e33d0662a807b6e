"""A grid in pieces."""

from __future__ import annotations

import numpy as np
import pytest

from edge.vision.surface.surfaces import Grid
from edge.vision.surface.tiling import tiles


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (50, 70), (100, 100), (101, 299)])
@pytest.mark.parametrize("margin", [0, 30, 500])
def test_every_cell_lies_in_one_piece_and_what_is_around_it_in_the_grid(rows: int, columns: int, margin: int) -> None:
    count = np.zeros((rows, columns), int)
    for core, around in tiles(Grid(0.0, 0.0, rows, columns), 100, margin):
        count[core.slices] += 1
        top, left = core.row - around.row, core.column - around.column
        assert (top, left) == (min(margin, core.row), min(margin, core.column))
        assert around.row + around.rows == min(core.row + core.rows + margin, rows)
        assert around.column + around.columns == min(core.column + core.columns + margin, columns)
    assert (count == 1).all()
