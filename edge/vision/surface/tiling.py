"""A grid, piece by piece: what is looked at at once, and what is known around it."""

from __future__ import annotations

from collections.abc import Iterator

from edge.vision.surface.surfaces import Grid, Window


def tiles(grid: Grid, side: int, margin: int = 0) -> Iterator[tuple[Window, Window]]:
    """Squares of `side` cells that together are the grid, each with up to `margin` cells around it."""
    for row in range(0, grid.rows, side):
        for column in range(0, grid.columns, side):
            core = Window(row, column, min(side, grid.rows - row), min(side, grid.columns - column))
            top, left = max(row - margin, 0), max(column - margin, 0)
            bottom = min(row + core.rows + margin, grid.rows)
            right = min(column + core.columns + margin, grid.columns)
            yield core, Window(top, left, bottom - top, right - left)
