"""What a model found, as things that last: ids over time, and what each was called most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.detectors.interface import Detections
from edge.vision.arrays import Floats
from edge.vision.association import UNTRACKED, Tracker, TrackValues
from edge.vision.suppression import suppress

ONE_THING_IOU = 0.65
"""Boxes of kindred labels that overlap by more are one thing: the model suppresses only within a label."""
WEAK_SHARE = 0.5
"""Of the score that begins a thing: enough to keep one that was there."""
LOST_SECONDS = 2.0
"""Tracks are forgotten soon: prediction says little after it. What stands still is found again by its place."""

BoxPx = tuple[float, float, float, float]
"""Left, top, right, bottom."""


@dataclass(frozen=True, slots=True)
class Thing:
    """A thing in one look."""

    id: int
    label: str
    """What it was called most so far."""
    kin: int
    """The number of its kindred labels."""
    score: float
    box: BoxPx


@dataclass(slots=True)
class _Votes:
    by_label: dict[int, float]
    seen_at: float


class Things:
    """Follows the things of one stream. Deterministic."""

    def __init__(
        self, labels: Sequence[str], wanted: frozenset[str], alike: Sequence[Sequence[str]], min_score: float
    ) -> None:
        """`wanted`: labels that any rule names; kindred ones are followed with them."""
        self._labels = tuple(labels)
        self._kin = _kin_of(labels, alike)
        followed = {self._kin[index] for index, label in enumerate(labels) if label in wanted}
        self._followed = np.array([kin in followed for kin in self._kin], np.bool_)
        self._min_score = min_score
        values = TrackValues(high_score=min_score, low_score=WEAK_SHARE * min_score, lost_seconds=LOST_SECONDS)
        self._tracker = Tracker(values)
        self._votes: dict[int, _Votes] = {}

    def look(self, answer: Detections) -> Sequence[Thing]:
        """The things of a look that are more than a flicker.

        Raises:
            ValueError: the look is not after the one before.
        """
        boxes, scores, classes = self._distinct(answer)
        kin = np.asarray(self._kin, np.int32)[classes]
        ids = self._tracker.update(boxes, scores, kin, answer.media_time)
        things = []
        for index in np.flatnonzero(ids != UNTRACKED):
            identity = int(ids[index])
            label = self._voted(identity, int(classes[index]), float(scores[index]), answer.media_time)
            left, top, right, bottom = (float(value) for value in boxes[index])
            things.append(Thing(identity, label, int(kin[index]), float(scores[index]), (left, top, right, bottom)))
        self._forget(answer.media_time)
        return things

    def _distinct(self, answer: Detections) -> tuple[Floats, Floats, NDArray[np.int32]]:
        # A network at half precision may say anything: one such number would stay in every prediction after it.
        known = np.isfinite(answer.boxes).all(axis=1) & np.isfinite(answer.scores)
        known &= (answer.boxes[:, :2] < answer.boxes[:, 2:]).all(axis=1)
        known &= (answer.classes >= 0) & (answer.classes < len(self._labels))
        known[known] = self._followed[answer.classes[known]]
        wanted = np.flatnonzero(known & (answer.scores >= WEAK_SHARE * self._min_score))
        boxes, scores, classes = answer.boxes[wanted], answer.scores[wanted], answer.classes[wanted]
        kin = np.asarray(self._kin, np.int32)[classes]
        kept = suppress(boxes, scores, kin, max_iou=ONE_THING_IOU)
        return boxes[kept], scores[kept], classes[kept]

    def _voted(self, identity: int, label: int, score: float, t: float) -> str:
        votes = self._votes.setdefault(identity, _Votes({}, t))
        votes.by_label[label] = votes.by_label.get(label, 0.0) + score
        votes.seen_at = t
        return self._labels[max(votes.by_label, key=lambda index: (votes.by_label[index], -index))]

    def _forget(self, t: float) -> None:
        gone = [identity for identity, votes in self._votes.items() if t - votes.seen_at > 10 * LOST_SECONDS]
        for identity in gone:
            del self._votes[identity]


def _kin_of(labels: Sequence[str], alike: Sequence[Sequence[str]]) -> tuple[int, ...]:
    """A number for each label, the same for kindred ones."""
    kin = list(range(len(labels)))
    for group in alike:
        members = [index for index, label in enumerate(labels) if label in group]
        for index in members:
            kin[index] = members[0]
    return tuple(kin)
