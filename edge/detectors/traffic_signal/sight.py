"""Whether a head can be seen: what stands before it hides its outline, fog and darkness take its contrast."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.detectors.traffic_signal.chips import GRID, Layout, Samples
from edge.detectors.traffic_signal.readings import Unseen
from edge.vision.arrays import Floats

_CELLS = GRID - 2
"""Cells that have neighbours on all sides, and so a gradient."""
_NOISE = 7.0
"""Grey levels a cell: a gradient of this size counts half. Noise and blocks of a compressed picture have 2-5."""
_BLOCKS = 4
_LEARN_SECONDS = 240.0
_COLD_SHARE = 0.13
_WARM_SHARE = 0.45
_KNOWN_SECONDS = 5.0
_HIDDEN_SHARE = 0.35


class Sight:
    """Remembers each head's outline as the orientation of edges, which no light changes."""

    def __init__(self, points: Layout) -> None:
        heads = len(points.ids)
        self._weights, self._drawn = _drawn(points)
        self._learned = np.zeros((heads, 2, _CELLS, _CELLS), np.float32)
        self._seconds = np.zeros(heads, np.float32)
        self._now = np.zeros_like(self._learned)

    def judge(self, samples: Samples, lit: NDArray[np.bool_]) -> list[Unseen | None]:
        """Why each head is unseen, if it is. `lit` (h,): a lamp of it surely is."""
        self._now = _orientation(samples.grids)
        weights = self._weights
        cold = (self._now * self._drawn).sum(axis=1) * weights
        share_cold = cold.sum(axis=(1, 2)) / np.maximum((self._drawn**2).sum(axis=1).sum(axis=(1, 2)), 1e-3)
        both = _blocks((self._now * self._learned).sum(axis=1) * weights)
        own = _blocks((self._learned**2).sum(axis=1) * weights)
        total = np.maximum(own.sum(axis=(1, 2)), 1e-3)
        share = both.sum(axis=(1, 2)) / total
        hidden = (own * (both < 0.3 * own)).sum(axis=(1, 2)) / total
        answers: list[Unseen | None] = []
        for number in range(len(weights)):
            if self._seconds[number] < _KNOWN_SECONDS:
                seen = bool(lit[number]) or bool(share_cold[number] >= _COLD_SHARE)
            else:
                seen = bool(share[number] >= _WARM_SHARE and hidden[number] <= _HIDDEN_SHARE)
            answers.append(None if seen else Unseen.OCCLUDED)
        return answers

    def learn(self, proven: NDArray[np.bool_], seconds: float) -> None:
        """Takes the latest picture as what `proven` (h,) heads look like."""
        self._seconds[proven] += seconds
        share = np.minimum(seconds / np.minimum(np.maximum(self._seconds, 1e-3), _LEARN_SECONDS), 1.0)
        share = np.where(proven, share, 0).astype(np.float32)
        self._learned += share[:, None, None, None] * (self._now - self._learned)

    def save(self) -> Mapping[str, Any]:
        packed = np.rint(self._learned * 127).astype(np.int8)
        return {
            "shape": list(packed.shape),
            "learned": base64.b64encode(packed.tobytes()).decode("ascii"),
            "seconds": np.round(self._seconds, 1).tolist(),
        }

    def load(self, saved: Mapping[str, Any]) -> None:
        if tuple(saved["shape"]) != self._learned.shape:
            return
        packed = np.frombuffer(base64.b64decode(saved["learned"]), np.int8).reshape(self._learned.shape)
        self._learned = packed.astype(np.float32) / 127
        self._seconds = np.asarray(saved["seconds"], np.float32)


def _orientation(grids: Floats) -> Floats:
    """(h, 2, cells, cells): the gradient's direction, doubled so that dark on bright is as bright on dark; its length
    goes from 0 (nothing but noise) to 1."""
    x = grids[:, 1:-1, 2:] - grids[:, 1:-1, :-2]
    y = grids[:, 2:, 1:-1] - grids[:, :-2, 1:-1]
    x2, y2 = x * x, y * y
    over = 1 / (x2 + y2 + 4 * _NOISE * _NOISE)
    return np.stack(((x2 - y2) * over, 2 * x * y * over), axis=1)


def _blocks(cells: Floats) -> Floats:
    """(h, blocks, blocks) sums over near-equal parts."""
    edges = np.linspace(0, _CELLS, _BLOCKS + 1).astype(int)[:-1]
    return np.asarray(np.add.reduceat(np.add.reduceat(cells, edges, axis=1), edges, axis=2), np.float32)


def _drawn(points: Layout) -> tuple[Floats, Floats]:
    """Weights (h, cells, cells), 0 on lamps; and the outline as drawn (h, 2, cells, cells), as a gradient's."""
    weights, drawn = [], []
    for number, (left, top, right, bottom) in enumerate(points.windows):
        x = left + (np.arange(1, GRID - 1) + 0.5) / GRID * (right - left)
        y = top + (np.arange(1, GRID - 1) + 0.5) / GRID * (bottom - top)
        weight = np.ones((_CELLS, _CELLS), np.float32)
        for lamp in range(points.first[number], points.first[number + 1]):
            centre, radius = points.centres[lamp], 0.8 * points.diameters[lamp]
            weight[np.hypot(x[None] - centre[0], y[:, None] - centre[1]) < radius] = 0
        box = points.boxes[number]
        solid = ((x[None] >= box[0]) & (x[None] <= box[2]) & (y[:, None] >= box[1]) & (y[:, None] <= box[3])).astype(
            np.float32
        )
        smooth = cv2.GaussianBlur(np.pad(solid, 1), (3, 3), 0.8) * 120
        weights.append(weight)
        drawn.append(_orientation(smooth[None].astype(np.float32))[0] * weight)
    return np.stack(weights), np.stack(drawn)
