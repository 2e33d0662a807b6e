"""Non-maximum suppression: of boxes that show the same thing, the best one stays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Floats

CANDIDATES = 300
"""Boxes that are compared with each other, best first. A city scene has tens of things, and the work grows with the
square: 0.03 ms for 20, 0.1 for 100, 0.8 for 300."""


def iou_matrix(first: NDArray[np.floating], second: NDArray[np.floating]) -> Floats:
    """Intersection over union of every pair of boxes (left, top, right, bottom): (n, 4), (m, 4) → (n, m).

    Boxes without area overlap with nothing.
    """
    a = np.asarray(first, np.float32)[:, None, :]
    b = np.asarray(second, np.float32)[None, :, :]
    width = np.minimum(a[..., 2], b[..., 2]) - np.maximum(a[..., 0], b[..., 0])
    height = np.minimum(a[..., 3], b[..., 3]) - np.maximum(a[..., 1], b[..., 1])
    np.maximum(width, 0, out=width)
    np.maximum(height, 0, out=height)
    shared = width
    shared *= height
    union = (a[..., 2] - a[..., 0]) * (a[..., 3] - a[..., 1]) + (b[..., 2] - b[..., 0]) * (b[..., 3] - b[..., 1])
    union -= shared
    result: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return result


def suppress(
    boxes: Floats,
    scores: Floats,
    classes: NDArray[np.int32],
    *,
    max_iou: float,
    limit: int = CANDIDATES,
    candidates: int = CANDIDATES,
) -> NDArray[np.intp]:
    """Which of n boxes stay: indices, best first.

    A box goes if it overlaps by more than `max_iou` with a better one of its own class that stays. Equal scores are
    taken in the order given, so that the result is always the same. Only the best `candidates` are looked at (the
    top first, then the comparison), at most `limit` are returned.
    """
    if not len(scores):
        return np.empty(0, np.intp)
    if len(scores) > candidates:
        # Everything that could be among the best: ties at the border are settled by the stable sort below.
        border = np.partition(scores, len(scores) - candidates)[len(scores) - candidates]
        chosen = np.flatnonzero(scores >= border)
    else:
        chosen = np.arange(len(scores))
    order = chosen[np.argsort(-scores[chosen], kind="stable")][:candidates]
    rivals = iou_matrix(boxes[order], boxes[order]) > max_iou
    own = classes[order]
    rivals &= own[:, None] == own[None, :]
    gone = np.zeros(len(order), np.bool_)
    kept: list[int] = []
    for index in range(len(order)):
        if gone[index]:
            continue
        kept.append(index)
        if len(kept) == limit:
            break
        gone |= rivals[index]
    return order[kept]
