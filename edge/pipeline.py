"""The camera pipeline: frame → detectors → episodes → evidence → sink."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from contract.events import Event
from contract.evidence import Evidence
from edge.detectors.interface import CameraDetector, Frame, Observation, Visibility
from edge.episodes.episode import Episode
from edge.episodes.events import EventWriter
from edge.episodes.tracker import EpisodeTracker, Moment
from edge.evidence.camera import CameraEvidence
from edge.outbox.sink import Commit, Sink

HOLD_SECONDS = 10.0
"""How long a `cleared` may wait for evidence that is being made; then it goes without, and once more with it."""
FLUSH_SECONDS = 10.0
"""How long the end of a stream may wait for evidence."""


@dataclass(slots=True)
class _Step:
    """What one frame brought about, committed as a whole."""

    events: list[Event] = field(default_factory=list)
    opened: dict[str, Episode] = field(default_factory=dict)
    closed: list[str] = field(default_factory=list)

    def commit_to(self, sink: Sink) -> None:
        if not self.events and not self.opened and not self.closed:
            return
        still_open = tuple(episode for key, episode in self.opened.items() if key not in self.closed)
        sink.commit(Commit(tuple(self.events), still_open, tuple(self.closed)))


class CameraPipeline:
    """The way from one stream's frames to commits. Used by one thread; one per opening of the stream.

    `evidence` is None where none is wanted. The tracker outlives the stream: it belongs to the source.
    """

    def __init__(
        self,
        detectors: Mapping[str, CameraDetector],
        tracker: EpisodeTracker,
        writer: EventWriter,
        evidence: CameraEvidence | None,
        sink: Sink,
    ) -> None:
        self._detectors = detectors
        self._tracker = tracker
        self._writer = writer
        self._evidence = evidence
        self._sink = sink
        self._closing: dict[str, tuple[Episode, float]] = {}
        """Over, but held until their evidence is made: the episode, and until which media time."""
        self._cleared: dict[str, Episode] = {}
        """Over and said so, with evidence still to come."""
        self._now: Moment | None = None

    @property
    def visibility(self) -> Visibility:
        """The worst that a detector says of the latest frame."""
        said = {detector.visibility for detector in self._detectors.values()}
        for worst in (Visibility.INVALID, Visibility.UNKNOWN):
            if worst in said:
                return worst
        return Visibility.CLEAR

    def take(self, frame: Frame) -> None:
        """Takes in the next frame and commits what follows from it."""
        moment = self._now = Moment(frame.media_time, frame.wall_time)
        step = _Step()
        for name, detector in self._detectors.items():
            for observation in detector.observe(frame):
                self._take_observation(step, name, observation, frame, moment)
        if self._evidence is not None:
            self._evidence.advance(frame.media_time)
        for episode in self._tracker.overdue(frame.wall_time):
            self._end(step, episode, frame.media_time)
        self._collect(step, frame.media_time)
        step.commit_to(self._sink)

    def finish(self, *, clear_all: bool) -> None:
        """The stream is over: ends episodes with what is there.

        `clear_all`: also those that only their detector may end, for the recording has ended. Else these stay open:
        a camera that comes back may still see them.
        """
        media_time = self._now.media_time if self._now is not None else 0.0
        step = _Step()
        for episode in self._tracker.open_episodes:
            if clear_all or self._tracker.clears_by_time(episode):
                self._end(step, episode, media_time, with_clip=True)
        if self._evidence is not None:
            for episode_id in self._cleared:
                self._evidence.make_now(episode_id, media_time, with_clip=True)
            self._evidence.wait(FLUSH_SECONDS)
        self._collect(step, float("inf"))
        step.commit_to(self._sink)

    def _take_observation(
        self, step: _Step, detector: str, observation: Observation, frame: Frame, moment: Moment
    ) -> None:
        change = self._tracker.observe(detector, observation, moment)
        if change is None:
            return
        episode = change.episode
        if self._evidence is not None:
            if change.opened:
                self._evidence.opened(episode, observation, frame)
            else:
                self._evidence.observed(episode, observation)
        if not observation.active:
            self._say_cleared(step, episode)
        elif change.event_due:
            self._say(step, episode)

    def _end(self, step: _Step, episode: Episode, media_time: float, *, with_clip: bool = False) -> None:
        """Ends an episode that nothing is observed of any more; its evidence may hold back the event a little."""
        evidence = self._evidence
        if evidence is not None:
            evidence.make_now(episode.episode_id, media_time, with_clip=with_clip)
            if evidence.is_at_work(episode.episode_id):
                self._tracker.set_aside(episode)
                self._closing[episode.episode_id] = (episode, media_time + HOLD_SECONDS)
                return
        self._say_cleared(step, self._tracker.clear(episode))

    def _collect(self, step: _Step, media_time: float) -> None:
        """Adds the evidence that was made since, and lets go of episodes that waited for it."""
        made: dict[str, tuple[Evidence, ...]] = {}
        for episode_id, items in self._evidence.finished() if self._evidence is not None else ():
            made[episode_id] = made.get(episode_id, ()) + items
        for episode_id, items in made.items():
            self._attach(step, episode_id, items)
        for episode_id, (episode, hold_until) in tuple(self._closing.items()):
            at_work = self._evidence is not None and self._evidence.is_at_work(episode_id)
            if not at_work or media_time >= hold_until:
                del self._closing[episode_id]
                self._say_cleared(step, self._tracker.clear(episode))

    def _attach(self, step: _Step, episode_id: str, items: tuple[Evidence, ...]) -> None:
        if not items:
            return
        if episode_id in self._closing:
            episode, hold_until = self._closing[episode_id]
            self._closing[episode_id] = (self._tracker.joined(episode, items), hold_until)
            return
        episode_or_none = self._tracker.current(episode_id) or self._cleared.get(episode_id)
        if episode_or_none is None:
            return
        attached = self._tracker.attach(episode_or_none, items)
        if episode_id in self._cleared:
            self._say_cleared(step, attached)
        else:
            self._say(step, attached)

    def _say(self, step: _Step, episode: Episode) -> None:
        step.events.append(self._writer.hazard(episode))
        step.opened[episode.episode_id] = episode

    def _say_cleared(self, step: _Step, episode: Episode) -> None:
        step.events.append(self._writer.hazard(episode))
        step.closed.append(episode.episode_id)
        self._cleared.pop(episode.episode_id, None)
        if self._evidence is not None and (
            self._evidence.awaits_clip(episode.episode_id) or self._evidence.is_at_work(episode.episode_id)
        ):
            self._cleared[episode.episode_id] = episode


def clear_forgotten(episodes: Iterable[Episode], tracker: EpisodeTracker, writer: EventWriter, sink: Sink) -> int:
    """Ends episodes that a stopped program left open and that nothing will end by itself. Returns how many."""
    cleared = [tracker.clear(episode) for episode in episodes]
    if cleared:
        events = tuple(writer.hazard(episode) for episode in cleared)
        sink.commit(Commit(events=events, closed_episodes=tuple(episode.episode_id for episode in cleared)))
    return len(cleared)
