"""Cool-down: the same thing, seen again soon after its episode and no graver, is the same story and is not told twice.

A story is one hazard at one place (key) of one source. It ends a fixed time after its episode, however often the thing
comes back meanwhile: what is still there then gets an episode of its own. So a cool-down delays by at most its length,
and never hides another key, hazard or source, nor anything graver than was said before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from contract.events import Severity, Tier
from edge.episodes.episode import Episode, Place, severity_rank, tier_rank


@dataclass(slots=True)
class Story:
    """What was told last of a place."""

    episode_id: str
    """Of the first episode of the story."""
    severity: Severity
    tier: Tier
    left_seconds: float
    """How long the cool-down lasts from `at`."""
    at: float | None
    """None: taken up after a restart, begins with the next moment."""
    quiet_repeats: int = 0

    def covers(self, severity: Severity, tier: Tier) -> bool:
        """Whether something of this gravity was told already."""
        return severity_rank(severity) <= severity_rank(self.severity) and tier_rank(tier) <= tier_rank(self.tier)


class CoolDowns:
    """The stories of one source that are not over."""

    def __init__(self) -> None:
        self._stories: dict[Place, Story] = {}

    def ended(self, episode: Episode, cool_down_seconds: float, now: float | None) -> None:
        """An episode was cleared: its story may go on for a while. `now` is None before the first moment."""
        place = (episode.hazard, episode.key)
        if cool_down_seconds <= 0:
            self._stories.pop(place, None)
            return
        root = episode.repeat_of or episode.episode_id
        self._stories[place] = Story(root, episode.severity, episode.tier, cool_down_seconds, now)

    def story_of(self, place: Place, now: float) -> Story | None:
        """The story of a place, if its cool-down is not over at `now`."""
        story = self._stories.get(place)
        if story is None or _left(story, now) <= 0:
            return None
        return story

    def take(self, place: Place) -> Story | None:
        """Removes the story of a place, over or not: a new episode goes on from it."""
        return self._stories.pop(place, None)

    def folded(self, place: Place) -> bool:
        """Something was seen again and is gone again, within the story. Returns whether there is a story."""
        story = self._stories.get(place)
        if story is not None:
            story.quiet_repeats += 1
        return story is not None

    def forget_over(self, now: float, waiting: frozenset[Place]) -> None:
        """Forgets stories that are over, but for places where something waits for their end."""
        over = [place for place, story in self._stories.items() if _left(story, now) <= 0 and place not in waiting]
        for place in over:
            del self._stories[place]

    def saved(self, now: float) -> list[list[Any]]:
        """What must outlive a restart, as JSON."""
        return [
            [*place, story.episode_id, story.severity, story.tier, round(_left(story, now), 3), story.quiet_repeats]
            for place, story in self._stories.items()
            if _left(story, now) > 0
        ]

    def load(self, saved: list[list[Any]]) -> None:
        """Takes up what `saved` gave: a cool-down goes on with what was left of it."""
        for hazard, key, episode_id, severity, tier, left, repeats in saved:
            story = Story(episode_id, Severity(severity), Tier(tier), float(left), None, int(repeats))
            self._stories[hazard, key] = story


def _left(story: Story, now: float) -> float:
    if story.at is None:
        story.at = now
    return story.at + story.left_seconds - now
