"""Waiting until something has been observed for long enough: votes that are spread over seconds."""

from __future__ import annotations

from dataclasses import dataclass

from edge.detectors.policy import EpisodePolicy
from edge.episodes.episode import Place

SPACING_SHARE = 1 / 5
"""Votes lie a fifth of the dwell apart: on one detector front end, five hits in a row cut its false positives from
15.9 % to 5.3 % (detectors.md §0), if they are not five frames of one flash."""
LEAST_PATIENCE_SECONDS = 5.0
"""What is not observed for this long, or for the whole dwell if that is longer, must begin anew."""


@dataclass(slots=True)
class Candidate:
    """Something that is observed and has no episode. Times are seconds of the source's time."""

    started_media_time: float
    """When the first of its observations began, on the axis of the stream that gave it."""
    first: float
    voted: float
    seen: float
    votes: int = 1
    patience: float = LEAST_PATIENCE_SECONDS
    due: bool = False
    """It has been observed for long enough; an episode may be withheld for other reasons."""


class Dwell:
    """The candidates of one source."""

    def __init__(self) -> None:
        self._candidates: dict[Place, Candidate] = {}

    def vote(self, place: Place, started_media_time: float, now: float, policy: EpisodePolicy) -> Candidate:
        """Counts one observation of what has not expired. The candidate that is returned may be due."""
        candidate = self._candidates.get(place)
        if candidate is None:
            patience = max(policy.dwell_seconds, policy.clear_after_seconds or 0.0, LEAST_PATIENCE_SECONDS)
            candidate = Candidate(started_media_time, now, now, now, patience=patience)
            self._candidates[place] = candidate
        elif now - candidate.voted >= policy.dwell_seconds * SPACING_SHARE:
            candidate.voted = now
            candidate.votes += 1
        candidate.seen = now
        lasted = now - candidate.first >= policy.dwell_seconds
        if policy.dwell_seconds == 0 or (lasted and candidate.votes >= policy.dwell_votes):
            candidate.due = True
        return candidate

    @property
    def places(self) -> frozenset[Place]:
        """Where something is observed that has no episode."""
        return frozenset(self._candidates)

    def forget(self, place: Place) -> bool:
        """It has an episode now, or is over. Returns whether it had been due."""
        candidate = self._candidates.pop(place, None)
        return candidate is not None and candidate.due

    def expired(self, now: float) -> list[Place]:
        """What was not observed for too long."""
        return [place for place, candidate in self._candidates.items() if now - candidate.seen > candidate.patience]
