"""Cells of the picture where something always moves: switched off until it is quiet there."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from edge.vision.background import CELL


class HotCells:
    """Share of time that each cell of a (height, width) window holds foreground, as an exponential average."""

    def __init__(self, height: int, width: int, *, tau_seconds: float, hot_above: float, hot_until: float) -> None:
        shape = (math.ceil(height / CELL), math.ceil(width / CELL))
        self._tau = tau_seconds
        self._above = hot_above
        self._until = hot_until
        self._share = np.zeros(shape, np.float64)
        self._hit = np.zeros(shape, bool)
        self.hot: NDArray[np.bool_] = np.zeros(shape, bool)

    def occupied_by(self, points: NDArray[np.int32], boxes: list[tuple[int, int, int, int]]) -> None:
        """Notes what the next `step` counts: (n, 2) points x, y, and boxes of things larger than a cell."""
        if len(points):
            self._hit[points[:, 1] // CELL, points[:, 0] // CELL] = True
        for left, top, width, height in boxes:
            rows = slice(top // CELL, (top + height - 1) // CELL + 1)
            self._hit[rows, left // CELL : (left + width - 1) // CELL + 1] = True

    def step(self, elapsed_seconds: float) -> list[tuple[int, int]]:
        """Counts one frame for cells that are on; returns those that have become hot."""
        rate = 1 - math.exp(-elapsed_seconds / self._tau)
        cold = ~self.hot
        self._share[cold] += rate * (self._hit[cold] - self._share[cold])
        self._hit.fill(False)
        turned = cold & (self._share > self._above)
        if not turned.any():
            return []
        self.hot |= turned
        return [(int(row), int(column)) for row, column in np.argwhere(turned)]

    def look_again(self, row: int, column: int, occupied: bool, elapsed_seconds: float) -> bool:
        """Counts what learning saw in a cell that is off. True: it has become quiet and is on again."""
        if not self.hot[row, column]:
            return False
        rate = 1 - math.exp(-elapsed_seconds / self._tau)
        self._share[row, column] += rate * (occupied - self._share[row, column])
        if self._share[row, column] >= self._until:
            return False
        self.hot[row, column] = False
        return True
