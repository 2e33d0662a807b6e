"""How good answers are, in numpy alone: average precision by label, and whole pictures at several scores.

Average precision as COCO's evaluation counts it (Lin et al. 2014; pycocotools): answers best first, each matched with
the unmatched thing of its label that it overlaps most, at least by MIN_IOU; the mean of the best precision at or above
each of 101 recalls. One overlap (0.5): boxes of smoke have no edge that two people draw alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_IOU = 0.5
RECALLS = np.linspace(0, 1, 101)
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model says of a picture, best first: boxes (n, 4: left, top, right, bottom in parts of the picture),
    scores (n,), labels (n names)."""

    boxes: Floats
    scores: Floats
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """What is in a picture. `boxes` and `labels` None: nobody drew any. `present`: whether anything is there; None:
    not known."""

    boxes: Floats | None
    labels: tuple[str, ...]
    present: bool | None


@dataclass(frozen=True, slots=True)
class Point:
    """Whole pictures at one score: how many that show something have an answer, and how many that show nothing."""

    score: float
    hits: int
    false: int


def average_precision(
    truths: Sequence[Truth], answers: Sequence[Answer], label: str, min_iou: float = MIN_IOU
) -> float | None:
    """Of one label, over pictures whose boxes are known; None where nothing of it was drawn."""
    things, rows = 0, []
    for truth, answer in zip(truths, answers, strict=True):
        if truth.boxes is None:
            continue
        own = truth.boxes[[name == label for name in truth.labels]]
        said = np.flatnonzero([name == label for name in answer.labels])
        things += len(own)
        right = _matched(own, answer.boxes[said], min_iou)
        rows += list(zip(answer.scores[said].tolist(), right, strict=True))
    if not things:
        return None
    rows.sort(key=lambda row: -row[0])
    hits = np.array([right for _, right in rows], bool)
    if not hits.any():
        return 0.0
    found = np.cumsum(hits)
    recall, precision = found / things, found / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(recall, RECALLS, side="left")
    return float(np.where(places < len(envelope), envelope[np.minimum(places, len(envelope) - 1)], 0.0).mean())


def points_of(
    truths: Sequence[Truth], answers: Sequence[Answer], scores: Sequence[float]
) -> tuple[list[Point], int, int]:
    """Whole pictures at each score; how many show something, and how many show nothing."""
    best = np.array([float(answer.scores.max(initial=0.0)) for answer in answers])
    there = np.array([truth.present is True for truth in truths], bool)
    empty = np.array([truth.present is False for truth in truths], bool)
    points = [Point(score, int((best[there] >= score).sum()), int((best[empty] >= score).sum())) for score in scores]
    return points, int(there.sum()), int(empty.sum())


def score_at_recall(truths: Sequence[Truth], answers: Sequence[Answer], recall: float) -> float | None:
    """The highest score at which at least that part of the pictures that show something has an answer; None if none."""
    best = [
        float(answer.scores.max(initial=0.0)) for answer, truth in zip(answers, truths, strict=True) if truth.present
    ]
    best.sort(reverse=True)
    needed = max(1, int(np.ceil(recall * len(best) - 1e-9)))
    return best[needed - 1] if needed <= len(best) and best[needed - 1] > 0 else None


def wilson(hits: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927), as if all were independent, which pictures of one scene are not."""
    if not count:
        return 0.0, 1.0
    share, z = hits / count, 1.96
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    reach = z * ((share * (1 - share) + z * z / (4 * count)) / count) ** 0.5 / (1 + z * z / count)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def overlaps(first: Floats, second: Floats) -> Floats:
    """(n, m) intersection over union of boxes (n, 4) and (m, 4)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (first, second)]
    return np.asarray(shared / np.maximum(areas[0][:, None] + areas[1][None] - shared, 1e-12), np.float32)


def _matched(things: Floats, said: Floats, min_iou: float) -> list[bool]:
    if not len(things):
        return [False] * len(said)
    overlap = overlaps(said, things)
    right = []
    for row in overlap:
        best = int(row.argmax())
        hit = bool(row[best] >= min_iou)
        if hit:
            overlap[:, best] = -1
        right.append(hit)
    return right
