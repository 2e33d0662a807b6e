"""The sensor pipeline: readings → detectors → episodes → telemetry → a commit."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from contract.events import Event, HazardEvent
from contract.evidence import Evidence, EvidenceKind
from edge.canary.sensor import SensorDrills
from edge.detectors.interface import Reading, SensorDetector
from edge.detectors.registry import Resumable
from edge.episodes.episode import Episode
from edge.episodes.events import CANARY, EventWriter, episodes_name
from edge.episodes.tracker import Change, EpisodeTracker, Moment
from edge.evidence.documents import JSON_MEDIA_TYPE, telemetry_document
from edge.evidence.store import EvidenceStore, NoRoomError
from edge.outbox.sink import Commit
from edge.status import SourceMeter

log = structlog.get_logger("sensor")

TELEMETRY_BEFORE = timedelta(minutes=5)
MAX_TELEMETRY_READINGS = 2000
"""Five minutes at six readings a second, and a file of ~100 KB."""


def state_name(source_id: str) -> str:
    """The name under which a sensor's state is remembered."""
    return f"sensor:{source_id}"


class SensorPipeline:
    """The way from one sensor's readings to a commit. Used by one thread.

    What `take` returns must be committed before the messages are acknowledged: then a message that is delivered twice
    changes nothing, and one that was lost in a power cut comes again.
    """

    def __init__(
        self,
        source_id: str,
        detectors: Mapping[str, SensorDetector],
        tracker: EpisodeTracker,
        writer: EventWriter,
        store: EvidenceStore | None,
        remembered: str | None,
        drills: SensorDrills | None = None,
        meter: SourceMeter | None = None,
    ) -> None:
        self.source_id = source_id
        self.duplicates = 0
        """Readings left out because that channel's latest has the same time."""
        self.late = 0
        """Readings left out because they are older than that channel's latest: seen before, or out of order."""
        self.tell: Callable[[Episode], None] | None = None
        """Hears of each open episode with each of its observations."""
        self._detectors = detectors
        self._tracker = tracker
        self._writer = writer
        self._store = store
        self._drills = drills
        self._meter = meter or SourceMeter(source_id, writer.source.kind)
        self._remembered = tracker.saved()
        self._last: dict[str, datetime] = {}
        self._history: dict[str, deque[Reading]] = {}
        if remembered is not None:
            self._load(json.loads(remembered))

    def take(self, readings: Iterable[Reading]) -> Commit:
        """What follows from readings, in their order of arrival; those that were taken before are left out."""
        events: list[Event] = []
        touched: dict[str, Episode] = {}
        for reading in readings:
            last = self._last.get(reading.channel)
            if last is not None and reading.observed_at <= last:
                self.duplicates += reading.observed_at == last
                self.late += reading.observed_at < last
                continue
            self._last[reading.channel] = reading.observed_at
            self._remember(reading)
            for change in self._observe(reading):
                events += self._events_of(change)
                touched[change.episode.episode_id] = change.episode
                if self.tell is not None:
                    self.tell(change.episode)
            for stale in self._tracker.turned_stale(Moment(reading.media_time, reading.observed_at)):
                events.append(self._writer.hazard(stale))
                touched[stale.episode_id] = stale
        return self._commit_of(events, touched)

    def drill(self, now: datetime, steady_seconds: float) -> Commit | None:
        """What follows from drills as time passes; each half second or so. None: nothing.

        What it returns must be committed, and `drill_committed` called.
        """
        if self._drills is None:
            return None
        events: list[Event] = []
        touched: dict[str, Episode] = {}
        sightings = self._drills.step(now, steady_seconds)
        changes = [
            self._tracker.observe(
                seen.detector, seen.observation, Moment(seen.reading.media_time, seen.reading.observed_at), seen.canary
            )
            for seen in sightings
        ]
        changes += [
            self._tracker.observe(CANARY, result, Moment(result.media_time, now))
            for result in self._drills.results(now.timestamp())
        ]
        for change in changes:
            if change is not None:
                events += self._events_of(change)
                touched[change.episode.episode_id] = change.episode
        if not self._drills.is_running:
            for episode in self._tracker.open_episodes:
                if episode.canary is not None:
                    cleared = self._tracker.clear(episode)
                    events.append(self._writer.hazard(cleared))
                    touched[cleared.episode_id] = cleared
        return self._commit_of(events, touched) if events else None

    def drill_committed(self) -> None:
        """What `drill` returned is in the outbox."""
        if self._drills is not None:
            self._drills.committed()

    def _commit_of(self, events: Sequence[Event], touched: Mapping[str, Episode]) -> Commit:
        for event in events:
            if isinstance(event, HazardEvent) and event.data.canary is None:
                self._meter.events[event.data.hazard] += 1
        self._meter.open_episodes = len(self._tracker.open_episodes)
        self._meter.episodes_folded = self._tracker.counts.folded
        self._meter.alarms_demoted = self._tracker.counts.demoted
        state = {state_name(self.source_id): self._saved()}
        remembered = self._tracker.saved()
        if remembered != self._remembered:
            self._remembered = state[episodes_name(self.source_id)] = remembered
        still_open = {episode.episode_id: episode for episode in self._tracker.open_episodes}
        return Commit(
            events=tuple(events),
            open_episodes=tuple(still_open[key] for key in touched if key in still_open),
            closed_episodes=tuple(key for key in touched if key not in still_open),
            state=state,
        )

    def forgotten_episodes(self) -> Sequence[Episode]:
        """Open episodes that no detector knows any more, because its rule or its state is gone."""
        forgotten = []
        for episode in self._tracker.open_episodes:
            if episode.detector == CANARY:
                continue
            detector = self._detectors.get(episode.detector)
            if not isinstance(detector, Resumable) or not detector.is_open(episode.hazard, episode.key):
                forgotten.append(episode)
        return forgotten

    def _observe(self, reading: Reading) -> Iterable[Change]:
        moment = Moment(reading.media_time, reading.observed_at)
        for name, detector in self._detectors.items():
            for observation in detector.observe(reading):
                change = self._tracker.observe(name, observation, moment)
                if change is not None:
                    yield change

    def _events_of(self, change: Change) -> Iterable[Event]:
        if not change.event_due:
            return
        episode = change.episode
        is_open = self._tracker.current(episode.episode_id) is not None
        if change.opened or is_open:
            yield self._writer.hazard(episode)
        if not change.opened and is_open:
            return
        # Readings up to the opening go out at once with an update, the whole curve with `cleared`.
        evidence = self._telemetry(episode)
        if is_open and evidence:
            yield self._writer.hazard(self._tracker.attach(episode, evidence))
        elif not is_open:
            yield self._writer.hazard(self._tracker.joined(episode, evidence))

    def _telemetry(self, episode: Episode) -> tuple[Evidence, ...]:
        history: Sequence[Reading] = self._history.get(str(episode.detail.get("channel"))) or ()
        if episode.canary is not None and self._drills is not None:
            history = self._drills.history
        if self._store is None or not history:
            return ()
        begin = episode.started_at - TELEMETRY_BEFORE
        window = [reading for reading in history if begin <= reading.observed_at <= episode.observed_at]
        first = history[0].observed_at
        content = telemetry_document(episode, window, first if first > begin else None)
        captured_at = window[0].observed_at if window else episode.started_at
        try:
            return (self._store.put(content, EvidenceKind.TELEMETRY, JSON_MEDIA_TYPE, captured_at),)
        except NoRoomError as error:
            return (error.evidence,)  # listed all the same: the uplink reports that it will never come
        except OSError as error:
            # An event never waits for a file: it goes on without this one.
            log.error("evidence could not be made", episode=episode.episode_id, reason=str(error))
            return ()

    def _remember(self, reading: Reading) -> None:
        self._history.setdefault(reading.channel, deque(maxlen=MAX_TELEMETRY_READINGS)).append(reading)

    def _saved(self) -> str:
        detectors = {
            name: detector.save() for name, detector in self._detectors.items() if isinstance(detector, Resumable)
        }
        last = {channel: time.isoformat() for channel, time in self._last.items()}
        return json.dumps({"last": last, "detectors": detectors}, sort_keys=True)

    def _load(self, saved: dict[str, Any]) -> None:
        self._last = {channel: datetime.fromisoformat(time) for channel, time in saved["last"].items()}
        for name, detector in self._detectors.items():
            if isinstance(detector, Resumable):
                detector.load(saved["detectors"].get(name, {}))


def merged(commits: Iterable[Commit]) -> Commit:
    """Several commits as one transaction, in their order."""
    commits = tuple(commits)
    state: dict[str, str] = {}
    for commit in commits:
        state.update(commit.state)
    return Commit(
        events=tuple(event for commit in commits for event in commit.events),
        open_episodes=tuple(episode for commit in commits for episode in commit.open_episodes),
        closed_episodes=tuple(key for commit in commits for key in commit.closed_episodes),
        state=state,
    )
