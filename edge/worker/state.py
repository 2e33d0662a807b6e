"""What a child holds of the box's state folder, and what it makes for each source from it."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from contract.ids import uuid7
from edge.assembly import tracker_for, writer_for
from edge.clock import clock_state
from edge.config.document import EdgeConfig
from edge.config.sources import SourceSettings, location_of
from edge.episodes.episode import Episode
from edge.episodes.events import EventWriter, episodes_name
from edge.episodes.tracker import EpisodeTracker
from edge.evidence.store import EvidenceStore
from edge.outbox.store import Outbox
from edge.worker.bell import Bell
from edge.worker.committing import PatientSink, RecentEvents, TellingSink, patiently

KEY_NAME = "device.key"
EVIDENCE_FOLDER = "evidence"


class State:
    """The outbox and the evidence of this box, as one process sees them.

    Raises:
        OutboxError: the outbox cannot be used.
        StoppingError: the disk refused until the program ended.
    """

    def __init__(self, config: EdgeConfig, bell: Bell, stopping: threading.Event) -> None:
        device = config.device
        most = config.evidence.max_waiting_event_bytes
        self.outbox = patiently(lambda: Outbox(device.state_dir, device.id, max_bytes=most), stopping)
        self.outbox.on_commit(bell.ring)
        self.store = patiently(lambda: EvidenceStore(device.state_dir / EVIDENCE_FOLDER), stopping)
        self.recent = RecentEvents()
        self.plain_sink = TellingSink(self.outbox, self.recent)
        """Raises where the disk refuses: for what can be tried again later."""
        self._stopping = stopping

    def patient_sink(self) -> PatientSink:
        """A sink of one's own that waits: one source that waits for the disk says so for itself."""
        return PatientSink(self.plain_sink, self._stopping)

    def resumed(self, source_id: str) -> Sequence[Episode]:
        """The episodes of a source that are open as of the last commit."""
        return self.outbox.open_episodes().get(source_id, ())

    def tracker(
        self, source_id: str, settings: SourceSettings, writer: EventWriter, resumed: Sequence[Episode]
    ) -> EpisodeTracker:
        """The episode tracker of a source, taken up where the last process left it."""
        return tracker_for(settings, writer, resumed, self.outbox.state(episodes_name(source_id)))


def new_writer(config: EdgeConfig, source_id: str, settings: SourceSettings) -> EventWriter:
    """The event writer of a source."""
    location = location_of(settings)
    assert location is not None, "the configuration was checked"
    return writer_for(config.device.id, source_id, settings, config.evidence, location, new_id=uuid7, clock=clock_state)
