"""Cells of the picture where something always moves: switched off until it is quiet there."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import product

import numpy as np

from edge.vision.arrays import Doubles
from edge.vision.background import CELL


class HotCells:
    """Share of time that each cell of a (height, width) window holds foreground, as an exponential average."""

    def __init__(self, height: int, width: int, *, tau_seconds: float, hot_above: float, hot_until: float) -> None:
        shape = (math.ceil(height / CELL), math.ceil(width / CELL))
        self._tau = tau_seconds
        self._above = hot_above
        self._until = hot_until
        self._share: Doubles = np.zeros(shape, np.float64)
        """Of cells that are on."""
        self.hot: dict[tuple[int, int], float] = {}
        """Cells that are off, as (row, column), with their share."""

    def step(self, boxes: Iterable[tuple[int, int, int, int]], elapsed_seconds: float) -> list[tuple[int, int]]:
        """Counts one frame whose foreground lies in `boxes` (left, top, width, height). Returns cells turned hot."""
        rate = 1 - math.exp(-elapsed_seconds / self._tau)
        self._share *= 1 - rate
        occupied = {cell for box in boxes for cell in _cells_of(box)}
        turned = []
        for cell in occupied:
            self._share[cell] += rate
            if self._share[cell] > self._above and cell not in self.hot:
                turned.append(cell)
        for cell in turned:
            self.hot[cell] = float(self._share[cell])
        return sorted(turned)

    def look_again(self, row: int, column: int, occupied: bool, elapsed_seconds: float) -> bool:
        """Counts what learning saw in a cell that is off. True: it has become quiet and is on again."""
        cell = (row, column)
        if cell not in self.hot:
            return False
        rate = 1 - math.exp(-elapsed_seconds / self._tau)
        self.hot[cell] += rate * (occupied - self.hot[cell])
        if self.hot[cell] >= self._until:
            return False
        self._share[cell] = self.hot.pop(cell)
        return True


def _cells_of(box: tuple[int, int, int, int]) -> Iterable[tuple[int, int]]:
    left, top, width, height = box
    first_row, last_row = top // CELL, (top + height - 1) // CELL
    first_column, last_column = left // CELL, (left + width - 1) // CELL
    if first_row == last_row and first_column == last_column:
        return ((first_row, first_column),)
    return product(range(first_row, last_row + 1), range(first_column, last_column + 1))
