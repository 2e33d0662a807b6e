"""Which detection is which thing: ids over time for the boxes of a detector.

Two stages, as ByteTrack does it (Zhang et al. 2022, "ByteTrack: Multi-Object Tracking by Associating Every Detection
Box"): boxes of high score are given to tracks first, and what is left of the tracks may continue on boxes of low score,
which a half hidden thing gives. Only high scores begin a track. Prediction is `edge.vision.kalman`; all things at once,
without a loop over them. Every time is in seconds, so that dropped frames and other rates change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from edge.vision.arrays import Doubles, Floats
from edge.vision.kalman import BoxFilters
from edge.vision.suppression import iou_matrix

UNTRACKED = 0
"""The id of a detection that belongs to no confirmed track. Ids of tracks begin at 1 and are never used again."""

_FORBIDDEN = 1e6
"""Cost of a pair that must not be; far above any sum of real costs, far below where floats lose the difference."""


@dataclass(frozen=True, slots=True)
class TrackValues:
    """How tracks are made and kept."""

    high_score: float = 0.5
    """From here a box may begin a track; ByteTrack's own 0.6 loses small things at the edge's small inputs."""
    low_score: float = 0.1
    """Below, a box is noise even for a track that waits for one."""
    min_iou: float = 0.2
    """Overlap with the predicted box that makes a pair likely in the first stage; stage two needs `min_iou_low`."""
    min_iou_low: float = 0.4
    """A weak box must lie well on the prediction: it could be anything."""
    gate: float = 9.21
    """Squared Mahalanobis distance of the centre that is still believed where boxes do not overlap: 99 % of χ² with
    two degrees of freedom. Small and fast things leave their own box between two looks."""
    confirm_sightings: int = 2
    """A thing seen once may be a flicker."""
    confirm_seconds: float = 0.0
    """… and how long it must have been in sight besides. 0: two sightings are enough."""
    lost_seconds: float = 2.0
    """How long a track lives on without being seen; however slow looks are, it gets one more."""
    tentative_seconds: float = 0.5
    """… and one that is not yet confirmed."""


@dataclass(frozen=True, slots=True)
class Tracks:
    """The tracks after a look, n of them, by age. Arrays are copies.

    `ids` (n,); `boxes` (n, 4: left, top, right, bottom), smoothed; `velocities` (n, 2), pixels a second; `classes`
    (n,); `scores` (n,) of the last detection; `ages_seconds` since first and `unseen_seconds` since last seen.
    """

    ids: NDArray[np.int64]
    boxes: Floats
    velocities: Floats
    classes: NDArray[np.int32]
    scores: Floats
    ages_seconds: Floats
    unseen_seconds: Floats

    def __len__(self) -> int:
        return len(self.ids)


class Tracker:
    """Keeps the tracks of one stream. Deterministic."""

    def __init__(self, values: TrackValues | None = None) -> None:
        self._values = values or TrackValues()
        self._filters = BoxFilters()
        self._ids = np.empty(0, np.int64)
        self._classes = np.empty(0, np.int32)
        self._scores = np.empty(0, np.float32)
        self._first = np.empty(0)
        self._last = np.empty(0)
        self._sightings = np.empty(0, np.int64)
        self._confirmed = np.empty(0, np.bool_)
        self._next_id = 1
        self._now: float | None = None

    def update(self, boxes: Floats, scores: Floats, classes: NDArray[np.int32], media_time: float) -> NDArray[np.int64]:
        """Takes in what was detected at a time: (n, 4), (n,), (n,). Returns each detection's track id, or UNTRACKED.

        A look without detections must be told too: it is what ages tracks.

        Raises:
            ValueError: the time is not after the look before.
        """
        if self._now is not None and media_time <= self._now:
            raise ValueError(f"found a look at {media_time} s after one at {self._now} s, expected a later one")
        self._filters.predict(0.0 if self._now is None else media_time - self._now)
        self._now = media_time
        measured = _centred(boxes)
        high = np.flatnonzero(scores >= self._values.high_score)
        low = np.flatnonzero((scores >= self._values.low_score) & (scores < self._values.high_score))
        given = np.full(len(scores), -1, np.intp)
        free = np.arange(len(self._ids))
        free = self._assign(free, high, boxes, measured, classes, given, weak=False)
        # An unconfirmed track must not live on weak boxes: it would make things of noise.
        self._assign(free[self._confirmed[free]], low, boxes, measured, classes, given, weak=True)
        self._see(given, measured, scores, media_time)
        names = self._names(given)
        self._forget(media_time)
        new = high[given[high] < 0]
        if len(new):
            begun = self._begin(new, measured, scores, classes, media_time)
            names[new] = np.where(self._confirmed[begun:], self._ids[begun:], UNTRACKED)
        return names

    @property
    def tracks(self) -> Tracks:
        """The confirmed tracks, also those that are out of sight for now."""
        now = self._now if self._now is not None else 0.0
        chosen = np.flatnonzero(self._confirmed)
        return Tracks(
            ids=self._ids[chosen],
            boxes=self._filters.boxes()[chosen].astype(np.float32),
            velocities=self._filters.velocities()[chosen].astype(np.float32),
            classes=self._classes[chosen],
            scores=self._scores[chosen],
            ages_seconds=(now - self._first[chosen]).astype(np.float32),
            unseen_seconds=(now - self._last[chosen]).astype(np.float32),
        )

    def _assign(
        self,
        tracks: NDArray[np.intp],
        detections: NDArray[np.intp],
        boxes: Floats,
        measured: Doubles,
        classes: NDArray[np.int32],
        given: NDArray[np.intp],
        *,
        weak: bool,
    ) -> NDArray[np.intp]:
        """Gives tracks to detections where it costs least in all. Returns the tracks that are left over."""
        if not len(tracks) or not len(detections):
            return tracks
        min_iou = self._values.min_iou_low if weak else self._values.min_iou
        iou = _iou(self._filters.boxes()[tracks], boxes[detections])
        cost = 1.0 - iou
        possible = iou >= min_iou
        if not weak:
            distance = self._filters.distances(tracks, measured[detections])
            # Any overlap is better than none: without it, the distance decides beyond all overlapping pairs.
            np.add(cost, distance / self._values.gate, out=cost, where=~possible)
            possible |= distance <= self._values.gate
        possible &= self._classes[tracks][:, None] == classes[detections][None, :]
        cost[~possible] = _FORBIDDEN
        rows, columns = linear_sum_assignment(cost)
        good = cost[rows, columns] < _FORBIDDEN
        given[detections[columns[good]]] = tracks[rows[good]]
        left = np.ones(len(tracks), np.bool_)
        left[rows[good]] = False
        return tracks[left]

    def _see(self, given: NDArray[np.intp], measured: Doubles, scores: Floats, media_time: float) -> None:
        detections = np.flatnonzero(given >= 0)
        tracks = given[detections]
        self._filters.correct(tracks, measured[detections])
        self._last[tracks] = media_time
        self._scores[tracks] = scores[detections]
        self._sightings[tracks] += 1
        old_enough = media_time - self._first >= self._values.confirm_seconds
        self._confirmed |= (self._sightings >= self._values.confirm_sightings) & old_enough

    def _names(self, given: NDArray[np.intp]) -> NDArray[np.int64]:
        names = np.full(len(given), UNTRACKED, np.int64)
        seen = np.flatnonzero(given >= 0)
        seen = seen[self._confirmed[given[seen]]]
        names[seen] = self._ids[given[seen]]
        return names

    def _forget(self, media_time: float) -> None:
        patience = np.where(self._confirmed, self._values.lost_seconds, self._values.tentative_seconds)
        alive = media_time - self._last <= patience
        if alive.all():
            return
        self._filters.keep(alive)
        self._ids, self._classes, self._scores = self._ids[alive], self._classes[alive], self._scores[alive]
        self._first, self._last = self._first[alive], self._last[alive]
        self._sightings, self._confirmed = self._sightings[alive], self._confirmed[alive]

    def _begin(
        self,
        new: NDArray[np.intp],
        measured: Doubles,
        scores: Floats,
        classes: NDArray[np.int32],
        media_time: float,
    ) -> int:
        """Returns where the new tracks begin in the arrays."""
        count, before = len(new), len(self._ids)
        self._filters.add(measured[new])
        self._ids = np.concatenate((self._ids, np.arange(self._next_id, self._next_id + count)))
        self._next_id += count
        self._classes = np.concatenate((self._classes, classes[new].astype(np.int32)))
        self._scores = np.concatenate((self._scores, scores[new].astype(np.float32)))
        self._first = np.concatenate((self._first, np.full(count, media_time)))
        self._last = np.concatenate((self._last, np.full(count, media_time)))
        self._sightings = np.concatenate((self._sightings, np.ones(count, np.int64)))
        at_once = self._values.confirm_sightings <= 1 and not self._values.confirm_seconds
        self._confirmed = np.concatenate((self._confirmed, np.full(count, at_once)))
        return before


def _centred(boxes: Floats) -> Doubles:
    """(n, 4: left, top, right, bottom) → (n, 4: x, y, width, height) of the centre."""
    wide = np.asarray(boxes, np.float64)
    centred = np.empty(wide.shape)
    centred[:, :2] = (wide[:, :2] + wide[:, 2:]) / 2
    centred[:, 2:] = wide[:, 2:] - wide[:, :2]
    return centred


def _iou(first: Doubles, second: Floats) -> Doubles:
    return iou_matrix(first, second).astype(np.float64)
