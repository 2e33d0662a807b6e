"""Ends what a stopped program left open."""

from __future__ import annotations

from collections.abc import Iterable

from edge.episodes.episode import Episode
from edge.episodes.events import EventWriter
from edge.episodes.tracker import EpisodeTracker
from edge.outbox.sink import Commit, Sink


def clear_forgotten(episodes: Iterable[Episode], tracker: EpisodeTracker, writer: EventWriter, sink: Sink) -> int:
    """Ends episodes that a stopped program left open and that nothing will end by itself. Returns how many."""
    cleared = [tracker.clear(episode) for episode in episodes]
    if cleared:
        events = tuple(writer.hazard(episode) for episode in cleared)
        sink.commit(Commit(events=events, closed_episodes=tuple(episode.episode_id for episode in cleared)))
    return len(cleared)
