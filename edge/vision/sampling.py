"""A few hundred pixels that stand for the whole picture: its exposure, and whether it is the previous one again."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Floats, Mask

Samples = NDArray[np.uint8]


class SampleGrid:
    """Positions on a regular grid, as far as they lie where the mask is set (all of them, if too few do)."""

    def __init__(self, mask: Mask, across: int, down: int) -> None:
        height, width = mask.shape
        columns = ((np.arange(across) + 0.5) * width / across).astype(np.intp)
        rows = ((np.arange(down) + 0.5) * height / down).astype(np.intp)
        grid_rows, grid_columns = (axis.ravel() for axis in np.meshgrid(rows, columns, indexing="ij"))
        inside = mask[grid_rows, grid_columns] > 0
        if inside.sum() >= across * down // 8:
            grid_rows, grid_columns = grid_rows[inside], grid_columns[inside]
        self.rows = grid_rows
        self.columns = grid_columns

    def take(self, picture: NDArray[np.uint8]) -> Samples:
        """(n,) values of the picture."""
        values: Samples = picture[self.rows, self.columns]
        return values

    def take_floats(self, picture: Floats) -> Floats:
        """(n,) values of a float picture."""
        values: Floats = picture[self.rows, self.columns]
        return values


def exposure_ratio(samples: Samples, reference: Floats) -> float:
    """How much brighter the samples are than the reference: the median of their ratios.

    Pixels that are black or saturated in either say nothing of exposure. 1.0 where too few others are left.
    """
    usable = (reference > 16) & (reference < 240) & (samples > 16) & (samples < 250)
    ratios = samples[usable] / reference[usable]
    if len(ratios) < 32:
        return 1.0
    ratios.sort()  # np.median costs six times as much
    return float(ratios[len(ratios) // 2])


def mean_difference(a: Samples, b: Samples) -> float:
    """Mean absolute difference in grey levels."""
    return cv2.norm(a, b, cv2.NORM_L1) / len(a)
