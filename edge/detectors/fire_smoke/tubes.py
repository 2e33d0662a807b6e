"""Tubes: proposals at one place over time, with their votes. Everything is in seconds of media time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from contract.events import Model
from edge.detectors.fire_smoke.proposals import PictureBox, Proposal, Proposer, around, inside, iou
from edge.detectors.fire_smoke.settings import Hazard, TubeSettings
from edge.vision.arrays import Doubles

SLOT_SECONDS = 0.5
"""A look of the fast path; what is proposed within one counts once."""
SPACING_SECONDS = 2.0
SMOOTHING_SECONDS = 2.0
"""Of the box that is reported: flames leap, a frame around them should not."""
GROWTH_SECONDS = 120.0
"""Areas are remembered this long: what grows more slowly is not what a fire does."""
MOST_TUBES = 12
"""Of one camera: more are weather. The oldest with the most votes stay."""
MERGED_INSIDE = 0.8
"""Share of a tube that lies in one of more votes: smoke comes in shreds first, and one cloud holds them afterwards."""


@dataclass(frozen=True, slots=True)
class Vote:
    """What was proposed in one slot: the box around it, the best confidence, and by whom."""

    media_time: float
    box: PictureBox
    confidence: float
    proposers: frozenset[Proposer]


@dataclass(slots=True)
class Tube:
    """One thing that may burn."""

    number: int
    hazard: Hazard
    began: float
    seen: float
    box: PictureBox
    """Smoothed."""
    votes: deque[Vote] = field(default_factory=deque)
    """Of the window, one a slot, oldest first."""
    looks: deque[tuple[float, float]] = field(default_factory=deque)
    """(when, confidence) of every question to the model that showed this place; 0: it saw nothing there."""
    areas: deque[tuple[float, float]] = field(default_factory=deque)
    """(when, area in px²), one a second."""
    proposers: set[Proposer] = field(default_factory=set)
    model: Model | None = None

    def take(self, proposals: Sequence[Proposal], settings: TubeSettings) -> None:
        """Takes in proposals of one look."""
        t = max(proposal.media_time for proposal in proposals)
        box = proposals[0].box
        for proposal in proposals[1:]:
            box = around(box, proposal.box)
        confidence = max(proposal.confidence for proposal in proposals)
        proposers = frozenset(proposal.proposer for proposal in proposals)
        self.proposers |= proposers
        for proposal in proposals:
            self.model = proposal.model or self.model
        self._vote(Vote(t, box, confidence, proposers), settings)
        passed = max(t - self.seen, 0.0)
        share = 1 - np.exp(-max(passed, 0.1) / SMOOTHING_SECONDS)
        self.box = tuple(float(old + share * (new - old)) for old, new in zip(self.box, box, strict=True))  # type: ignore[assignment] # four of them
        self.seen, self.began = max(self.seen, t), min(self.began, t)
        if not self.areas or t - self.areas[-1][0] >= 1.0:
            self.areas.append((t, box[2] * box[3]))
            while t - self.areas[0][0] > GROWTH_SECONDS:
                self.areas.popleft()

    def look(self, media_time: float, confidence: float, settings: TubeSettings) -> None:
        """The model was shown this place."""
        self.looks.append((media_time, confidence))
        while self.looks and media_time - self.looks[0][0] > settings.window_seconds:
            self.looks.popleft()

    # ---- what the votes say

    def votes_since(self, media_time: float) -> list[Vote]:
        """The votes at and after a time."""
        return [vote for vote in self.votes if vote.media_time >= media_time]

    def seconds_voted(self, now: float, settings: TubeSettings) -> int:
        """Seconds of the window that hold a vote."""
        return len({int(vote.media_time) for vote in self.votes_since(now - settings.window_seconds)})

    def spread_votes(self, now: float, settings: TubeSettings) -> int:
        """Votes of the window that are at least SPACING_SECONDS apart."""
        count, last = 0, -np.inf
        for vote in self.votes_since(now - settings.window_seconds):
            if vote.media_time - last >= SPACING_SECONDS - 1e-6:
                count, last = count + 1, vote.media_time
        return count

    def fast_slots(self, now: float, settings: TubeSettings) -> int:
        """Half-second slots of the fast path's seconds that hold a vote."""
        return len({int(vote.media_time / SLOT_SECONDS) for vote in self.votes_since(now - settings.fast_seconds)})

    def area_variation(self, now: float, seconds: float) -> float | None:
        """Coefficient of variation of the area over the last seconds; None from fewer than four votes."""
        areas = np.array([vote.box[2] * vote.box[3] for vote in self.votes_since(now - seconds)])
        return float(areas.std() / areas.mean()) if len(areas) >= 4 and areas.mean() > 0 else None

    def centres(self, now: float, seconds: float) -> Doubles:
        """(n, 4): time, centre x, centre y, bottom of the votes' boxes, of the model's alone where it has as many.

        Its boxes are tighter than classical ones: where both take turns nothing has moved.
        """
        votes = self.votes_since(now - seconds)
        learned = [vote for vote in votes if Proposer.MODEL in vote.proposers]
        chosen = learned if 2 * len(learned) >= len(votes) else [vote for vote in votes if vote not in learned]
        rows = [
            (vote.media_time, vote.box[0] + vote.box[2] / 2, vote.box[1] + vote.box[3] / 2, vote.box[1] + vote.box[3])
            for vote in chosen
        ]
        return np.array(rows, np.float64).reshape(-1, 4)

    def _vote(self, vote: Vote, settings: TubeSettings) -> None:
        slot = int(vote.media_time / SLOT_SECONDS)
        same = next(
            (index for index, other in enumerate(self.votes) if int(other.media_time / SLOT_SECONDS) == slot), None
        )
        if same is None:
            self.votes.append(vote)
            if len(self.votes) > 1 and vote.media_time < self.votes[-2].media_time:  # a late answer
                self.votes = deque(sorted(self.votes, key=lambda one: one.media_time))
        else:
            other = self.votes[same]
            # A model's box is tighter than the classical one: it is taken where there is one.
            better = vote if Proposer.MODEL in vote.proposers else other
            self.votes[same] = Vote(
                other.media_time,
                better.box,
                max(vote.confidence, other.confidence),
                vote.proposers | other.proposers,
            )
        newest = self.votes[-1].media_time
        while self.votes and newest - self.votes[0].media_time > settings.window_seconds:
            self.votes.popleft()


class Tubes:
    """The tubes of one camera."""

    def __init__(self, settings: TubeSettings) -> None:
        self._settings = settings
        self._tubes: list[Tube] = []
        self._numbers: dict[Hazard, int] = {}

    @property
    def all(self) -> Sequence[Tube]:
        """By age."""
        return tuple(self._tubes)

    def clear(self) -> None:
        """The picture is another one. Numbers are never used again."""
        self._tubes.clear()

    def carry(self, move: Callable[[PictureBox], PictureBox]) -> None:
        """Everything is seen from elsewhere now: boxes are moved."""
        for tube in self._tubes:
            tube.box = move(tube.box)
            tube.votes = deque(replace(vote, box=move(vote.box)) for vote in tube.votes)

    def take(self, proposals: Iterable[Proposal]) -> None:
        """Gives proposals of one look to tubes; what fits none begins a new one."""
        by_tube: dict[int, list[Proposal]] = {}
        begun: list[Tube] = []
        for proposal in sorted(proposals, key=lambda found: (-found.confidence, found.box)):
            tube = self._best(proposal, begun)
            if tube is None:
                tube = self._begin(proposal)
                begun.append(tube)
            by_tube.setdefault(id(tube), []).append(proposal)
        for tube in self._tubes:
            if id(tube) in by_tube:
                tube.take(by_tube[id(tube)], self._settings)
        self._merge()

    def expire(self, now: float) -> None:
        """Forgets what was not seen for too long."""
        alive = [tube for tube in self._tubes if now - tube.seen <= self._settings.lost_seconds]
        if len(alive) > MOST_TUBES:
            alive = sorted(sorted(alive, key=lambda tube: -len(tube.votes))[:MOST_TUBES], key=lambda tube: tube.number)
        self._tubes = alive

    def matches(self, box: PictureBox, other: PictureBox) -> bool:
        """Whether two boxes show one thing."""
        small, large = sorted((box, other), key=lambda one: one[2] * one[3])
        return iou(box, other) >= self._settings.min_iou or inside(small, large) >= self._settings.contained

    def _best(self, proposal: Proposal, begun: Sequence[Tube]) -> Tube | None:
        fitting = [
            tube
            for tube in self._tubes
            if tube.hazard is proposal.hazard and any(self.matches(proposal.box, box) for box in _boxes(tube))
        ]
        if not fitting:
            return None
        return max(fitting, key=lambda tube: (tube not in begun, iou(tube.box, proposal.box), -tube.number))

    def _begin(self, proposal: Proposal) -> Tube:
        number = self._numbers[proposal.hazard] = self._numbers.get(proposal.hazard, 0) + 1
        tube = Tube(number, proposal.hazard, proposal.media_time, proposal.media_time, proposal.box)
        self._tubes.append(tube)
        return tube

    def _merge(self) -> None:
        """Two tubes that came to show one thing are one: that of more votes."""
        kept: list[Tube] = []
        for tube in sorted(self._tubes, key=lambda one: (-len(one.votes), one.number)):
            same = next((other for other in kept if other.hazard is tube.hazard and self._are_one(other, tube)), None)
            if same is None:
                kept.append(tube)
            else:
                same.proposers |= tube.proposers
                same.model = same.model or tube.model
        self._tubes = sorted(kept, key=lambda one: (one.hazard, one.number))

    def _are_one(self, larger: Tube, smaller: Tube) -> bool:
        return (
            iou(larger.box, smaller.box) >= 2 * self._settings.min_iou
            or inside(smaller.box, larger.box) >= MERGED_INSIDE
        )


def _boxes(tube: Tube) -> tuple[PictureBox, ...]:
    return (tube.box, tube.votes[-1].box) if tube.votes else (tube.box,)
