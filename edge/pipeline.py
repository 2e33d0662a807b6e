"""The camera pipeline: frame → detectors → episodes → evidence → sink."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import structlog

from contract.events import Canary, Event, HazardEvent
from contract.evidence import Evidence
from edge.canary.camera import CameraDrills
from edge.detectors.interface import CameraDetector, Frame, Mark, Observation, Reporting, Visibility
from edge.detectors.registry import Resumable
from edge.episodes.episode import Episode
from edge.episodes.events import CANARY, EventWriter, detectors_name, episodes_name
from edge.episodes.tracker import EpisodeTracker, Moment
from edge.evidence.camera import CameraEvidence
from edge.guard import GuardedDetector
from edge.outbox.sink import Commit, Sink
from edge.status import SourceMeter
from edge.witnesses import Tell

log = structlog.get_logger("pipeline")

HOLD_SECONDS = 10.0
"""How long a `cleared` may wait for evidence that is being made; then it goes without, and once more with it."""
FLUSH_SECONDS = 10.0
"""How long the end of a stream may wait for evidence."""
LONGEST_STEP_SECONDS = 2.0
"""The most media time that one frame stands for in the meter: what is missing longer is a gap and not a look."""
SAVE_SECONDS = 600.0
"""How often what detectors remember is written down although nothing happens: what a power cut may cost of learning."""
MARKS_SECONDS = 2.0
"""For how long what was seen is shown on the live picture: a fall is over before anybody has looked."""


class Sight(Protocol):
    """Whether the source can see: its health."""

    @property
    def inhibits(self) -> Container[str]:
        """The detectors whose observations mean nothing now."""


class _Clear:
    """The sight of a source whose health nobody watches."""

    inhibits: Container[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LivePart:
    """What only a running camera has: where its stream began on the source's own time, its health, its drills."""

    began_seconds: float = 0.0
    """By a clock that nobody sets (`time.monotonic()`): media time begins anew with each opening of a stream."""
    sight: Sight = field(default_factory=_Clear)
    drills: CameraDrills | None = None
    meter: SourceMeter | None = None
    remembered: str | None = None
    """What the detectors remembered when the stream was followed last: see `CameraPipeline.remembered`."""
    tell: Tell | None = None
    """Hears of each open episode with each of its observations: for other sources' detectors."""


@dataclass(slots=True)
class _Step:
    """What one frame brought about, committed as a whole."""

    events: list[Event] = field(default_factory=list)
    opened: dict[str, Episode] = field(default_factory=dict)
    closed: list[str] = field(default_factory=list)

    save: bool = False
    """What the detectors remember is to be written down, whatever else happens."""

    @property
    def is_empty(self) -> bool:
        return not self.events and not self.opened and not self.closed and not self.save

    def as_commit(self, state: Mapping[str, str]) -> Commit:
        still_open = tuple(episode for key, episode in self.opened.items() if key not in self.closed)
        return Commit(tuple(self.events), still_open, tuple(self.closed), state)


class CameraPipeline:
    """The way from one stream's frames to commits. Used by one thread; one per opening of the stream.

    `evidence` is None where none is wanted. The tracker outlives the stream: it belongs to the source. A stream that
    is opened again continues its episodes: while it was away nothing could be seen, so silence begins anew.
    """

    def __init__(
        self,
        detectors: Mapping[str, CameraDetector],
        tracker: EpisodeTracker,
        writer: EventWriter,
        evidence: CameraEvidence | None,
        sink: Sink,
        live: LivePart | None = None,
    ) -> None:
        self._detectors = detectors
        self._tracker = tracker
        self._writer = writer
        self._evidence = evidence
        self._sink = sink
        self._live = live or LivePart()
        self.unknown_seconds = 0.0
        """Media time in which no detector could say what it saw."""
        self._meter = self._live.meter or SourceMeter(writer.source.id, writer.source.kind)
        self._remembered = tracker.saved()
        self._faults: dict[str, int] = {}
        self._marks: deque[tuple[float, str, Mark]] = deque(maxlen=64)
        self._closing: dict[str, tuple[Episode, float]] = {}
        """Over, but held until their evidence is made: the episode, and until which media time."""
        self._cleared: dict[str, Episode] = {}
        """Over and said so, with evidence still to come."""
        self._now: Moment | None = None
        self._saved_at = 0.0
        self.remembered = self._live.remembered
        """What the detectors remember as of the last commit, as JSON, for the pipeline after this one."""
        self._inner: dict[str, object] = {}
        """The detectors as they were last seen: one that broke is another one afterwards."""
        self._resume()

    @property
    def visibility(self) -> Visibility:
        """The worst that a detector says of the latest frame."""
        said = {detector.visibility for detector in self._detectors.values()}
        for worst in (Visibility.INVALID, Visibility.UNKNOWN):
            if worst in said:
                return worst
        return Visibility.CLEAR

    def reports(self) -> Mapping[str, Any]:
        """What detectors say of themselves at the moment, by name, as JSON types. From any thread."""
        inner = dict(self._inner)
        return {name: detector.report() for name, detector in inner.items() if isinstance(detector, Reporting)}

    @property
    def latest_marks(self) -> Sequence[Mark]:
        """What was seen in the last seconds, the newest of each thing, for a live picture. From any thread."""
        newest: dict[tuple[str, str], Mark] = {}
        now = self._now.media_time if self._now is not None else 0.0
        for t, key, mark in tuple(self._marks):
            if now - t <= MARKS_SECONDS:
                newest[key, mark.label] = mark
        return tuple(newest.values())

    @property
    def meter(self) -> SourceMeter:
        """What the pipeline counts."""
        return self._meter

    def take(self, frame: Frame) -> None:
        """Takes in the next frame and commits what follows from it."""
        before = self._now
        moment = self._now = Moment(frame.media_time, frame.wall_time, self._live.began_seconds)
        if before is None:
            self._tracker.hold(self._detectors, moment)
        inhibited = self._live.sight.inhibits
        step = _Step()
        for name, detector in self._detectors.items():
            for observation in detector.observe(frame):
                if name in inhibited:
                    self._meter.observations_inhibited += 1
                    if self._evidence is not None:
                        self._evidence.without_episode(observation, inhibited=True)
                else:
                    self._take_observation(step, name, observation, frame, moment)
        self._tracker.hold(inhibited, moment)
        self._drill(step, frame, moment, inhibited)
        if self._evidence is not None:
            self._evidence.advance(frame.media_time)
        for episode in self._tracker.overdue(moment):
            self._end(step, episode, frame.media_time)
        for episode in self._tracker.turned_stale(moment):
            self._say(step, episode)
        if before is None or self._resume():
            self._end_forgotten(step, frame.media_time)
        self._collect(step, frame.media_time)
        step.save = frame.media_time - self._saved_at >= SAVE_SECONDS and bool(self._resumable)
        self._commit(step)
        self._count(before, moment)

    def finish(self, *, clear_all: bool) -> None:
        """The stream is over: ends episodes with what is there.

        `clear_all`: all of them, for the recording has ended. Else only what was momentary is over: a camera that comes
        back may still see the rest, which gets the evidence that there is.
        """
        media_time = self._now.media_time if self._now is not None else 0.0
        step = _Step()
        if self._live.drills is not None:
            self._live.drills.finish()
        for episode in self._tracker.open_episodes:
            if clear_all or self._tracker.ends_with_its_stream(episode):
                self._end(step, episode, media_time, with_clip=True)
            elif self._evidence is not None:
                self._evidence.make_now(episode.episode_id, media_time, with_clip=True)
        if self._evidence is not None:
            for episode_id in self._cleared:
                self._evidence.make_now(episode_id, media_time, with_clip=True)
            self._evidence.wait(FLUSH_SECONDS)
        self._collect(step, float("inf"))
        step.save = self._now is not None and bool(self._resumable)
        self._commit(step)
        self._meter.open_episodes = len(self._tracker.open_episodes)

    @property
    def _resumable(self) -> Mapping[str, Resumable]:
        """The detectors whose state outlives the stream. Broken ones are built anew, hence asked each time."""
        return {name: detector for name, detector in self._inner.items() if isinstance(detector, Resumable)}

    def _resume(self) -> bool:
        """Gives new detectors what the ones before them remembered. Whether there were any."""
        new = {}
        for name, detector in self._detectors.items():
            inner = getattr(detector, "inner", detector)
            if inner is not self._inner.get(name):
                new[name] = self._inner[name] = inner
        if new and self.remembered is not None:
            saved = json.loads(self.remembered)
            for name, inner in new.items():
                if isinstance(inner, Resumable) and name in saved:
                    self._give(name, inner, saved[name])
        return bool(new)

    def _give(self, name: str, inner: Resumable, saved: Any) -> None:
        """Lets a detector take up what it remembered. One that cannot begins with nothing, or it never would again."""
        try:
            inner.load(saved)
        except Exception as error:
            log.error(
                "a detector cannot read what it remembered, it begins with nothing",
                source=self._writer.source.id,
                detector=name,
                exc_info=error,
            )
            detector = self._detectors[name]
            if isinstance(detector, GuardedDetector):
                detector.renew()
                self._inner[name] = detector.inner

    def _end_forgotten(self, step: _Step, media_time: float) -> None:
        """Ends what only its detector could end, where that detector no longer knows of it: a head that was renamed."""
        resumable = self._resumable
        for episode in self._tracker.open_episodes:
            detector = resumable.get(episode.detector)
            if detector is None or episode.canary is not None or self._tracker.clears_by_time(episode):
                continue
            if not detector.is_open(episode.hazard, episode.key):
                self._end(step, episode, media_time)

    def _take_observation(
        self,
        step: _Step,
        detector: str,
        observation: Observation,
        frame: Frame,
        moment: Moment,
        canary: Canary | None = None,
    ) -> None:
        self._marks.extend((moment.media_time, observation.key, mark) for mark in observation.marks)
        change = self._tracker.observe(detector, observation, moment, canary)
        if change is None:
            if self._evidence is not None:
                self._evidence.without_episode(observation, inhibited=False)
            return
        episode = change.episode
        if self._live.tell is not None:
            self._live.tell(episode, moment.media_time - observation.media_time)
        if self._evidence is not None:
            if change.opened:
                self._evidence.opened(episode, observation, frame)
            else:
                self._evidence.observed(episode, observation)
        if not observation.active:
            self._say_cleared(step, episode)
        elif change.event_due:
            self._say(step, episode)

    def _drill(self, step: _Step, frame: Frame, moment: Moment, inhibited: Container[str]) -> None:
        """Puts what a drill's detector saw on the way that everything goes, and says what became of drills."""
        drills = self._live.drills
        if drills is None:
            return
        for sighting in drills.step(frame, moment.seconds, inhibited):
            observation = replace(
                sighting.observation,
                marks=tuple(replace(mark, label=f"CANARY {mark.label}".strip()) for mark in sighting.observation.marks),
            )
            self._take_observation(step, sighting.detector, observation, sighting.frame, moment, sighting.canary)
        for result in drills.results(frame.media_time):
            change = self._tracker.observe(CANARY, result, moment)
            if change is not None and change.event_due:
                (self._say if result.active else self._say_cleared)(step, change.episode)
        if not drills.is_running:
            for episode in self._tracker.open_episodes:
                if episode.canary is not None and not self._tracker.clears_by_time(episode):
                    self._end(step, episode, frame.media_time)

    def _commit(self, step: _Step) -> None:
        if step.is_empty:
            return  # nearly always: what the tracker remembers is not even asked for
        remembered = self._tracker.saved()
        state = {} if remembered == self._remembered else {episodes_name(self._tracker.source_id): remembered}
        detectors = {name: detector.save() for name, detector in self._resumable.items()}
        if detectors:
            # In the transaction of its events: a detector never remembers an episode that was not told.
            state[detectors_name(self._tracker.source_id)] = json.dumps(detectors, sort_keys=True)
        commit = step.as_commit(state)
        self._sink.commit(commit)
        self._remembered = remembered
        if detectors:
            self.remembered = state[detectors_name(self._tracker.source_id)]
            self._saved_at = self._now.media_time if self._now is not None else 0.0
        for event in commit.events:
            if isinstance(event, HazardEvent) and event.data.canary is None:
                self._meter.events[event.data.hazard] += 1
        if self._live.drills is not None:
            self._live.drills.committed()

    def _count(self, before: Moment | None, now: Moment) -> None:
        meter, counts = self._meter, self._tracker.counts
        meter.open_episodes = len(self._tracker.open_episodes)
        meter.episodes_folded, meter.alarms_demoted = counts.folded, counts.demoted
        guarded = {name: found for name, found in self._detectors.items() if isinstance(found, GuardedDetector)}
        if len(guarded) < len(self._detectors) or any(detector.looked for detector in guarded.values()):
            meter.frames_judged += 1
        if before is not None and self._detectors and not self._sees():
            self.unknown_seconds += min(max(now.media_time - before.media_time, 0.0), LONGEST_STEP_SECONDS)
        for name, detector in guarded.items():
            new = detector.faults - self._faults.get(name, 0)
            if new:
                self._faults[name] = detector.faults
                meter.detector_faults[name] += new
        meter.broken_detectors = tuple(f"{name}: {found.fault}" for name, found in guarded.items() if found.broken)

    def _sees(self) -> bool:
        """Whether at least one detector can say what it sees."""
        return any(detector.visibility is Visibility.CLEAR for detector in self._detectors.values())

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
        if episode_id in self._closing:
            episode, hold_until = self._closing[episode_id]
            self._closing[episode_id] = (self._tracker.joined(episode, items), hold_until)
            return
        episode_or_none = self._tracker.current(episode_id) or self._cleared.get(episode_id)
        if episode_or_none is None:
            return
        listed = {(item.sha256, item.kind) for item in episode_or_none.evidence}
        if listed.issuperset((item.sha256, item.kind) for item in items):
            return  # nothing was made, or what is listed already
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
