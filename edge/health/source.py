"""Whether a source can see, said once per change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from contract.events import Event
from edge.detectors.interface import Visibility
from edge.episodes.events import EventWriter
from edge.outbox.sink import Commit, Sink

ONLINE = "online"
OFFLINE = "offline"
BLIND = "blind"
"""Pictures come, but no detector can judge them: fog, a moved or covered camera."""

BLIND_AFTER_SECONDS = 30.0
SEES_AFTER_SECONDS = 10.0
"""Shorter than the above: good news may come sooner, but a picture that flickers must not make a storm of events."""


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


@dataclass(slots=True)
class VisibilityWatch:
    """Turns what detectors say of single frames into a lasting state, with dwell both ways, in media time."""

    blind: bool = False
    _changing_since: float | None = None

    def saw(self, visibility: Visibility, media_time: float) -> bool | None:
        """Whether the source is blind now; None where nothing changed. INVALID is blind, UNKNOWN keeps the state."""
        if visibility is Visibility.UNKNOWN:
            return None
        if (visibility is Visibility.INVALID) == self.blind:
            self._changing_since = None
            return None
        if self._changing_since is None or media_time < self._changing_since:
            self._changing_since = media_time
        dwell = SEES_AFTER_SECONDS if self.blind else BLIND_AFTER_SECONDS
        if media_time - self._changing_since < dwell:
            return None
        self.blind = not self.blind
        self._changing_since = None
        return self.blind
