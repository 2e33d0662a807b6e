"""Poses of many pictures made to agree about the ground, before their candidates are put together.

Each pose is off by itself, by a metre or two on the ground; pictures that were registered to each other say by how much
against one another. Small corrections of all six values of each pose are sought that make the same ground lie at one
place, held by how far each pose may be wrong (bundle adjustment for a plane; Triggs et al. 2000, with gross errors
weighed down as by Huber 1964). What all poses have wrong in common stays.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve

from edge.vision.arrays import Doubles
from edge.vision.change.views import View, through

_ROUNDS = 6
_TIE_SIGMA_M = 0.15
_HUBER = 2.0
_SETTLED_M = 1e-3
_GRID = 5
_STEPS = np.array((1e-3, 1e-3, 1e-3, 1e-6, 1e-6, 1e-6))


@dataclass(frozen=True, slots=True, eq=False)
class Tie:
    """The same ground in two views, by their place in the list: `first_px`, `second_px` (n, 2)."""

    first: int
    second: int
    first_px: Doubles
    second_px: Doubles


@dataclass(frozen=True, slots=True)
class Trust:
    """How far a pose may be wrong: standard deviations of a place in metres, level and upward, and of a turn."""

    level_m: float = 1.0
    up_m: float = 1.0
    turn_rad: float = math.radians(0.7)


@dataclass(frozen=True, slots=True, eq=False)
class Adjusted:
    """The views with corrected poses, and how well the ties agree, before and after, as root mean squares in metres."""

    views: tuple[View, ...]
    before_m: float
    after_m: float


def tie_of(older: int, newer: int, homography: Doubles, views: Sequence[View]) -> Tie:
    """A grid of points over what two views share, `homography` (3, 3) from pixels of the older to the newer."""
    height, width = views[newer].bgr.shape[:2]
    columns, rows = np.linspace(0.05, 0.95, _GRID) * (width - 1), np.linspace(0.05, 0.95, _GRID) * (height - 1)
    grid = np.asarray(np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2), np.float64)
    back = through(np.asarray(np.linalg.inv(homography), np.float64), grid)
    shown = ((back >= 0) & (back < views[older].bgr.shape[1::-1])).all(axis=1)
    return Tie(older, newer, back[shown], grid[shown])


def adjust(views: Sequence[View], ties: Sequence[Tie], trust: Sequence[Trust] | Trust | None = None) -> Adjusted:
    """Corrects all poses at once. `trust` for each view, or one for all.

    Raises:
        ValueError: a tie names a view that there is not, or its two lists differ in length.
    """
    for tie in ties:
        if not (0 <= tie.first < len(views) and 0 <= tie.second < len(views)) or tie.first == tie.second:
            raise ValueError(f"a tie joins views {tie.first} and {tie.second}; there are {len(views)}")
        if tie.first_px.shape != tie.second_px.shape or tie.first_px.ndim != 2:
            raise ValueError(f"a tie of views {tie.first} and {tie.second} has points {tie.first_px.shape} and "
                             f"{tie.second_px.shape}; expected two lists (n, 2)")  # fmt: skip
    ties = [tie for tie in ties if len(tie.first_px)]
    if not views or not ties:
        return Adjusted(tuple(views), 0.0, 0.0)
    each = [trust or Trust()] * len(views) if isinstance(trust, Trust | None) else list(trust)
    sigmas = np.array([(t.level_m, t.level_m, t.up_m, t.turn_rad, t.turn_rad, t.turn_rad) for t in each])
    values = np.zeros((len(views), 6))
    start = _rms(views, ties)
    moved = list(views)
    for _ in range(_ROUNDS):
        step = _step(views, moved, values, ties, sigmas)
        values = values + step
        moved = [corrected(view, value) for view, value in zip(views, values, strict=True)]
        if float(np.abs(step[:, :3]).max()) < _SETTLED_M:
            break
    return Adjusted(tuple(moved), start, _rms(moved, ties))


def corrected(view: View, values: Doubles) -> View:
    """A view moved by `values` (6,): east, north, up in metres, then turned about east, north, up in radians."""
    turn = np.array(((1, -values[5], values[4]), (values[5], 1, -values[3]), (-values[4], values[3], 1)), np.float64)
    camera = np.asarray(view.camera + values[:3], np.float64)
    found = _fall(camera) @ turn @ np.linalg.inv(_fall(view.camera)) @ view.to_ground
    return replace(view, to_ground=np.asarray(found, np.float64), camera=camera)


def _fall(camera: Doubles) -> Doubles:
    """From a direction in east, north, up to where it meets the ground from a camera, in homogeneous metres."""
    east, north, above = (float(value) for value in camera)
    return np.array(((above, 0, -east), (0, above, -north), (0, 0, -1)), np.float64)


def _rms(views: Sequence[View], ties: Sequence[Tie]) -> float:
    gaps = np.concatenate([_gap(views, tie) for tie in ties])
    return float(np.sqrt((gaps**2).sum(axis=1).mean()))


def _gap(views: Sequence[View], tie: Tie) -> Doubles:
    there = through(views[tie.second].to_ground, tie.second_px)
    return np.asarray(through(views[tie.first].to_ground, tie.first_px) - there, np.float64)


def _step(
    views: Sequence[View], moved: Sequence[View], values: Doubles, ties: Sequence[Tie], sigmas: Doubles
) -> Doubles:
    """One step of Gauss and Newton: (n, 6)."""
    count = len(views)
    rows: list[Doubles] = []
    columns: list[Doubles] = []
    entries: list[Doubles] = []
    right = -values / sigmas**2
    for tie in ties:
        gap = _gap(moved, tie)
        size = np.linalg.norm(gap, axis=1) / _TIE_SIGMA_M
        weight = np.minimum(1.0, _HUBER / np.maximum(size, 1e-9)) / _TIE_SIGMA_M**2
        slopes = (
            (tie.first, _slopes(views[tie.first], values[tie.first], tie.first_px)),
            (tie.second, -_slopes(views[tie.second], values[tie.second], tie.second_px)),
        )
        for here, slope in slopes:
            right[here] -= np.einsum("n,nci,nc->i", weight, slope, gap)
            for there, other in slopes:
                block = np.einsum("n,nci,ncj->ij", weight, slope, other)
                grid = np.indices((6, 6)).reshape(2, 36)
                rows.append(grid[0] + 6.0 * here)
                columns.append(grid[1] + 6.0 * there)
                entries.append(block.ravel())
    diagonal = np.arange(6.0 * count)
    rows.append(diagonal)
    columns.append(diagonal)
    entries.append((1 / sigmas**2).ravel())
    places = np.concatenate(rows).astype(np.int64), np.concatenate(columns).astype(np.int64)
    normal = coo_matrix((np.concatenate(entries), places), shape=(6 * count, 6 * count)).tocsc()
    return np.asarray(spsolve(normal, right.ravel()), np.float64).reshape(count, 6)


def _slopes(view: View, values: Doubles, pixels: Doubles) -> Doubles:
    """(n, 2, 6): how the ground under pixels moves with each value."""
    found = np.empty((len(pixels), 2, 6))
    for index, step in enumerate(_STEPS):
        change = np.zeros(6)
        change[index] = step
        ahead = through(corrected(view, values + change).to_ground, pixels)
        behind = through(corrected(view, values - change).to_ground, pixels)
        found[:, :, index] = (ahead - behind) / (2 * step)
    return found
