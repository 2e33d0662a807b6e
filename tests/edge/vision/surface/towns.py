"""Surfaces of houses on a slope, without pictures: what aligning and anchoring look at."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import shapely

from edge.vision.arrays import Doubles
from edge.vision.surface.surfaces import Grid, Surface
from tests.edge.vision.surface.scenes import Box

CELL_M = 0.25
TURN = np.array(((math.cos(0.4), -math.sin(0.4)), (math.sin(0.4), math.cos(0.4))))
"""From metres to those of the town's streets: walls lie along no grid."""


def houses(seed: int, side_m: float, count: int = 30) -> tuple[Box, ...]:
    """None touches another."""
    rng = np.random.default_rng(seed)
    found: list[Box] = []
    while len(found) < count:
        west, south = rng.uniform(-side_m / 2, side_m / 2 - 14, 2)
        made = Box(west, south, west + rng.uniform(5, 13), south + rng.uniform(5, 13), float(rng.uniform(3, 9)))
        if all(made.outline.distance(other.outline) > 2.0 for other in found):
            found.append(made)
    return tuple(found)


def outlines_of(boxes: Sequence[Box]) -> list[shapely.Polygon]:
    """Where they stand."""
    return [shapely.Polygon(box.corners @ TURN.T) for box in boxes]


def laid_out(folder: Path, name: str, boxes: Sequence[Box], side_m: float, *, move: Doubles | None = None,
             scale: float = 1.0, slope: float = 0.0, noise_m: float = 0.05, seed: int = 1) -> Surface:  # fmt: skip
    """What stands at p is shown at p · scale + move[:2], and move[2] higher."""
    shift = np.zeros(3) if move is None else move
    rows = round(side_m * 1.1 / CELL_M)
    grid = Grid(-rows * CELL_M / 2, rows * CELL_M / 2, rows, rows, CELL_M)
    made = Surface(grid, 0.0, folder, name)
    east, north = grid.places(grid.whole)
    places = np.stack(np.meshgrid(east, north), axis=-1).reshape(-1, 2)
    true = (places - shift[:2]) / scale @ TURN
    up = slope * true[:, 0] + shift[2]
    for box in boxes:
        within = (true > (box.west, box.south)).all(axis=1) & (true < (box.east, box.north)).all(axis=1)
        up[within] = box.up_m + slope * (box.west + box.east) / 2 + shift[2]
    up += np.random.default_rng(seed).normal(0, noise_m, len(up))
    shown = (np.abs(true) < side_m / 2).all(axis=1)
    made.add(np.column_stack((places, up))[shown].astype(np.float32), 0.8)
    made.add(np.column_stack((places, up))[shown].astype(np.float32), 0.7)
    return made
