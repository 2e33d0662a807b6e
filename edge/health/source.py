"""Whether a source can see, said once per change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from contract.events import Event
from edge.episodes.events import EventWriter
from edge.outbox.sink import Commit, Sink

ONLINE = "online"
OFFLINE = "offline"
BLIND = "blind"
"""Pictures come, but no detector can judge them: fog, a moved or covered camera."""


def health_name(source_id: str) -> str:
    """The name under which a source's health is remembered."""
    return f"health:{source_id}"


class SourceHealth:
    """The health of one source. `remembered` is the last state that was committed, by any earlier run too."""

    def __init__(self, source_id: str, writer: EventWriter, sink: Sink, remembered: str | None) -> None:
        self._source_id = source_id
        self._writer = writer
        self._sink = sink
        self._state = remembered

    @property
    def state(self) -> str | None:
        return self._state

    def change(self, state: str, reason: str, at: datetime) -> bool:
        """Commits an event if the state is news. Returns whether it was."""
        if state == self._state:
            return False
        event: Event = self._writer.health(state, reason, at)
        remembered: Mapping[str, str] = {health_name(self._source_id): state}
        self._sink.commit(Commit(events=(event,), state=remembered))
        self._state = state
        return True
