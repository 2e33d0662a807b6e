"""Two proposers on the same still pictures: hits, false alarms, and what one costs at the recall of the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.fire_smoke.stills import BURNING, QUIET

Z95 = 1.96


@dataclass(frozen=True, slots=True)
class Answer:
    """The best score of any label that a model gives a picture."""

    group: str
    name: str
    score: float


@dataclass(frozen=True, slots=True)
class Share:
    """So many of a set's pictures are called burning; for quiet sets each of them is a false alarm."""

    called: int
    pictures: int

    @property
    def share(self) -> float:
        """0…1; 0 for an empty set."""
        return self.called / self.pictures if self.pictures else 0.0

    def interval(self) -> tuple[float, float]:
        """95 % (Wilson 1927), as if pictures were independent, which those of one scene are not."""
        if not self.pictures:
            return 0.0, 1.0
        square = Z95 * Z95
        middle = (self.share + square / (2 * self.pictures)) / (1 + square / self.pictures)
        spread = self.share * (1 - self.share) / self.pictures + square / (4 * self.pictures**2)
        reach = Z95 * float(spread**0.5) / (1 + square / self.pictures)
        return max(0.0, middle - reach), min(1.0, middle + reach)


Point = dict[str, Share]
"""By set, at one operating point."""


def at_score(answers: Sequence[Answer], score: float) -> Point:
    """What is called burning by who believes answers from `score` on."""
    return {
        group: Share(
            sum(one.group == group and one.score >= score for one in answers),
            sum(one.group == group for one in answers),
        )
        for group in (*BURNING, *QUIET)
    }


def score_for(answers: Sequence[Answer], group: str, called: int) -> float:
    """The highest score from which on at least `called` pictures of a set are called burning."""
    scores = sorted((one.score for one in answers if one.group == group), reverse=True)
    return scores[min(called, len(scores)) - 1] if called > 0 and scores else 1.0


@dataclass(frozen=True, slots=True)
class Matched:
    """Ours at the recall that the peer has at `peer_score`, on every burning set at once (`score`: the lower of the
    two limits)."""

    peer_score: float
    score: float
    own: Point
    peer: Point

    def holds(self, group: str) -> bool:
        """At most a third of the peer's false alarms in a quiet set."""
        return 3 * self.own[group].called <= self.peer[group].called

    def holds_together(self) -> bool:
        """At most a third of the peer's false alarms on all quiet pictures: what is promised (decision 0257)."""
        return 3 * self.total(own=True).called <= self.total(own=False).called

    def total(self, *, own: bool) -> Share:
        """All quiet sets together."""
        point = self.own if own else self.peer
        return Share(sum(point[group].called for group in QUIET), sum(point[group].pictures for group in QUIET))


def matched(own: Sequence[Answer], peer: Sequence[Answer], peer_score: float) -> Matched:
    """Ours at the peer's recall."""
    wanted = at_score(peer, peer_score)
    score = min(score_for(own, group, wanted[group].called) for group in BURNING)
    return Matched(peer_score, score, at_score(own, score), wanted)


def ranked(answers: Sequence[Answer], burning: str, quiet: str) -> float:
    """How often a burning picture scores higher than a quiet one (area under the curve); ties count half."""
    high = np.array([one.score for one in answers if one.group == burning])
    low = np.array([one.score for one in answers if one.group == quiet])
    if not len(high) or not len(low):
        return 0.5
    return float((high[:, None] > low).mean() + 0.5 * (high[:, None] == low).mean())


def curve(answers: Sequence[Answer], burning: str, quiet: str) -> list[tuple[float, float]]:
    """(Share of false alarms, share of hits) at every score that occurs, rising."""
    high = np.sort([one.score for one in answers if one.group == burning])
    low = np.sort([one.score for one in answers if one.group == quiet])
    points = {(0.0, 0.0)}
    for score in {*high.tolist(), *low.tolist()}:
        false = float((low >= score).mean()) if len(low) else 0.0
        points.add((false, float((high >= score).mean()) if len(high) else 0.0))
    return sorted(points)
