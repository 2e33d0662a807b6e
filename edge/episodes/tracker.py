"""Keeps the episodes of one source: opens, updates and clears them, and says when an event is due.

Everything is in the source's own time; there is no clock here. Wall times are written down and never reckoned with: a
clock that is set by an hour clears nothing, opens nothing twice and holds nothing open. What a method returns is an
episode with a new revision: exactly one event is to be written for it.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from contract.events import Canary, Phase, Severity, SourceRef, Tier
from contract.evidence import Evidence
from contract.geometry import Location
from contract.ids import IdFactory
from edge.detectors.interface import Observation
from edge.detectors.policy import EpisodePolicy
from edge.episodes.budget import AlarmBudget
from edge.episodes.cooling import CoolDowns
from edge.episodes.dwell import Dwell
from edge.episodes.episode import Episode, Place, severity_rank, tier_rank

UPDATE_INTERVAL_SECONDS = 10.0
"""At most one update in this time, unless an episode becomes graver or gains evidence."""
STALE_UPDATE_INTERVAL_SECONDS = 3600.0
"""The same once an episode is stale: it is known, and its confidence changes nobody's mind any more."""
MATERIAL_CONFIDENCE = 0.1
"""A change of confidence smaller than this would not change an operator's mind."""
MATERIAL_FACTOR = 2.0
"""What has grown or shrunk by this is another sight than the one that was told; flames breathe by half of it."""
OVER_BUDGET = "budget"

_NOTHING_STATED = EpisodePolicy(stale_after_seconds=None)


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant: seconds of the stream's media time, the wall time that belongs to it, and the source's own time.

    Media time begins anew with each opening of a stream; `offset_seconds` makes of it the source's time, which never
    does: where the stream began, by a clock that nobody sets. 0 for recordings and sensors.
    """

    media_time: float
    wall_time: datetime
    offset_seconds: float = 0.0

    @property
    def seconds(self) -> float:
        """The source's time."""
        return self.media_time + self.offset_seconds

    def wall_time_of(self, media_time: float) -> datetime:
        """The wall time of another media time of the same source."""
        return self.wall_time - timedelta(seconds=self.media_time - media_time)


@dataclass(frozen=True, slots=True)
class Change:
    """What an observation did. `event_due`: the episode has a new revision, to be sent."""

    episode: Episode
    event_due: bool
    opened: bool = False


@dataclass(slots=True)
class TrackerCounts:
    """What was withheld since the program started. Nothing of it is lost: each was told by another episode."""

    folded: int = 0
    """Seen again within a cool-down, without an episode of its own."""
    demoted: int = 0
    """Episodes moved from `alarm` to `review`."""
    stale: int = 0


@dataclass(slots=True)
class _Times:
    """Of an open episode, in the source's time."""

    opened: float
    seen: float
    said: float


class EpisodeTracker:
    """The open episodes of one source, keyed by hazard and the observation's key.

    `policies` by detector; without one a detector says itself when an episode is over, and nothing is withheld.
    `resumed` are episodes that were open when the program stopped, `remembered` is what `saved` gave then.
    """

    def __init__(
        self,
        source: SourceRef,
        location: Location,
        new_id: IdFactory,
        policies: Mapping[str, EpisodePolicy],
        resumed: Iterable[Episode] = (),
        remembered: str | None = None,
    ) -> None:
        self.counts = TrackerCounts()
        self._source = source
        self._location = location
        self._new_id = new_id
        self._policies = policies
        self._open: dict[Place, Episode] = {(episode.hazard, episode.key): episode for episode in resumed}
        self._times: dict[str, _Times] = {}
        self._now: float | None = None
        self._dwell = Dwell()
        self._cooling = CoolDowns()
        self._budget = AlarmBudget()
        if remembered is not None:
            saved = json.loads(remembered)
            self._cooling.load(saved["stories"])
            self._budget.load(saved["spent"])

    @property
    def source_id(self) -> str:
        return self._source.id

    @property
    def open_episodes(self) -> Sequence[Episode]:
        """In the order of their opening."""
        return tuple(self._open.values())

    def current(self, episode_id: str) -> Episode | None:
        """The open episode with this id."""
        return next((episode for episode in self._open.values() if episode.episode_id == episode_id), None)

    def saved(self) -> str:
        """What must outlive a restart beside the open episodes, as JSON: cool-downs and the budget."""
        state = {"stories": self._cooling.saved(self._now or 0.0), "spent": self._budget.saved()}
        return json.dumps(state, sort_keys=True)

    def left_over(self) -> Sequence[Episode]:
        """Resumed episodes that nothing will end: momentary ones, drills, and those of detectors that are gone."""
        return [
            episode
            for episode in self._open.values()
            if self.ends_with_its_stream(episode) or episode.detector not in self._policies
        ]

    def observe(
        self, detector: str, observation: Observation, moment: Moment, canary: Canary | None = None
    ) -> Change | None:
        """Takes in an observation. None: it ends what is not open, comes after a clear, or is not enough yet.

        `canary`: it is a drill's. A drill opens at once, spends nothing and is remembered by nothing.
        """
        # A sensor's readings may be days late, its drills are not: they must not move its time.
        now = self._advance(moment) if canary is None else self._now or moment.seconds
        place = (observation.hazard, observation.key)
        policy = self._policies.get(detector, _NOTHING_STATED)
        before = self._open.get(place)
        if before is None:
            return self._perhaps_opened(detector, observation, moment, now, policy, canary)
        if not observation.active:
            episode = _observed(before, observation, moment)
            return Change(self.clear(episode, ended_at=_ended_at(episode, observation, moment)), event_due=True)
        if observation.confidence < policy.keep_confidence:
            return None
        times = self._times_of(before, now)
        times.seen = now
        episode = self._within_budget(before, _observed(before, observation, moment), policy, now)
        due = _update_is_due(before, episode, now - times.said)
        if due:
            episode = self._said(episode, Phase.UPDATED, now)
        self._open[place] = episode
        return Change(episode, event_due=due)

    def overdue(self, moment: Moment) -> Sequence[Episode]:
        """Open episodes that nothing was observed of for their detector's time."""
        now = self._advance(moment)
        self._forget_what_is_over(now)
        return [episode for episode in self._open.values() if self._is_overdue(episode, now)]

    def turned_stale(self, moment: Moment) -> Sequence[Episode]:
        """Episodes that have become stale by now, each with the revision that says so. Once for each."""
        now = self._advance(moment)
        turned = []
        for place, episode in self._open.items():
            limit = self._policy_of(episode).stale_after_seconds
            if limit is None or episode.stale or now - self._times_of(episode, now).opened < limit:
                continue
            stale = self._said(replace(episode, stale=True), Phase.UPDATED, now)
            self.counts.stale += 1
            turned.append((place, stale))
        self._open.update(turned)
        return [episode for _, episode in turned]

    def hold(self, detectors: Container[str], moment: Moment) -> None:
        """These detectors cannot see: silence proves nothing. It begins anew when they see again."""
        now = self._advance(moment)
        for episode in self._open.values():
            if episode.detector in detectors and not self.ends_with_its_stream(episode):
                self._times_of(episode, now).seen = now

    def clear(self, episode: Episode, ended_at: datetime | None = None) -> Episode:
        """Ends an episode, at its latest observation unless `ended_at` says otherwise."""
        self.set_aside(episode)
        cleared = replace(self._said(episode, Phase.CLEARED, self._now), ended_at=ended_at or episode.observed_at)
        self._times.pop(episode.episode_id, None)
        return cleared

    def attach(self, episode: Episode, evidence: Iterable[Evidence]) -> Episode:
        """Adds evidence, with an event of its own: an update, or `cleared` again if the episode is over."""
        current = self._open.get((episode.hazard, episode.key))
        is_open = current is not None and current.episode_id == episode.episode_id
        base = current if is_open and current is not None else episode
        phase = Phase.UPDATED if is_open else Phase.CLEARED
        attached = replace(self._said(base, phase, self._now), evidence=_joined(base.evidence, evidence))
        if is_open:
            self._open[attached.hazard, attached.key] = attached
        return attached

    @staticmethod
    def joined(episode: Episode, evidence: Iterable[Evidence]) -> Episode:
        """The episode with more evidence, without an event."""
        return replace(episode, evidence=_joined(episode.evidence, evidence))

    def clears_by_time(self, episode: Episode) -> bool:
        """Whether silence ends this episode; else only its detector does."""
        return self._policy_of(episode).clear_after_seconds is not None

    def ends_with_its_stream(self, episode: Episode) -> bool:
        """Whether it is over when its camera is gone: what was momentary is, what lasts may be there still."""
        return self._policy_of(episode).momentary or episode.canary is not None

    def set_aside(self, episode: Episode) -> None:
        """Takes an episode out of the open ones without an event: what is observed next is a new episode."""
        place = (episode.hazard, episode.key)
        present = self._open.get(place)
        if present is None or present.episode_id != episode.episode_id:
            return
        del self._open[place]
        if episode.canary is None:
            self._cooling.ended(episode, self._policy_of(episode).cool_down_seconds, self._now)

    # ---- opening

    def _perhaps_opened(
        self,
        detector: str,
        observation: Observation,
        moment: Moment,
        now: float,
        policy: EpisodePolicy,
        canary: Canary | None,
    ) -> Change | None:
        place = (observation.hazard, observation.key)
        if not observation.active:
            self._fold(place)
            return None
        if canary is not None:
            started = observation.started_media_time
            return self._opened(self._new_episode(detector, observation, moment, started, canary), now)
        if observation.confidence < policy.open_confidence:
            return None
        self._forget_what_is_over(now)
        candidate = self._dwell.vote(place, observation.started_media_time, now, policy)
        if not candidate.due:
            return None
        story = self._cooling.story_of(place, now)
        if story is not None and story.covers(observation.severity, observation.tier):
            return None
        self._dwell.forget(place)
        started = min(candidate.started_media_time, observation.started_media_time)
        episode = self._continued(place, self._new_episode(detector, observation, moment, started))
        return self._opened(self._within_budget(None, episode, policy, now), now)

    def _opened(self, episode: Episode, now: float) -> Change:
        self._times[episode.episode_id] = _Times(now, now, now)
        self._open[episode.hazard, episode.key] = episode
        return Change(episode, event_due=True, opened=True)

    def _continued(self, place: Place, episode: Episode) -> Episode:
        """The new episode, as a part of the story that its place has."""
        story = self._cooling.take(place)
        if story is None:
            return episode
        return replace(episode, repeat_of=story.episode_id, quiet_repeats=story.quiet_repeats)

    def _within_budget(self, before: Episode | None, after: Episode, policy: EpisodePolicy, now: float) -> Episode:
        """The episode with the tier that its source can afford.

        Two things pass although the budget is spent: what has become red since it was demoted, for that is news; and
        what another detector sees something red beside, for two of them rarely fail together. A growing confidence
        is not enough: it is not calibrated, and leaves in the wind grow more certain, too.
        """
        if after.tier is not Tier.ALARM or after.canary is not None:
            return after
        if before is not None and before.tier is Tier.ALARM:
            return after
        if before is not None and before.demoted is not None:
            passes = self._may_pass(before, after)
            return replace(after, demoted=None) if passes else replace(after, tier=Tier.REVIEW)
        if self._budget.take(after.hazard, policy, now) or self._has_witness(after):
            return after
        self.counts.demoted += 1
        return replace(after, tier=Tier.REVIEW, demoted=OVER_BUDGET, demoted_severity=after.severity)

    def _may_pass(self, before: Episode, after: Episode) -> bool:
        became_red = after.severity is Severity.RED and before.demoted_severity is not Severity.RED
        return became_red or self._has_witness(after)

    def _has_witness(self, episode: Episode) -> bool:
        return episode.severity is Severity.RED and any(
            other.detector != episode.detector and other.severity is Severity.RED and other.canary is None
            for other in self._open.values()
        )

    # ---- time

    def _advance(self, moment: Moment) -> float:
        """The source's time, which never runs back."""
        if self._now is None:
            self._now = moment.seconds
            self._budget.begin(self._now)
            for episode in self._open.values():
                self._times_of(episode, self._now)
        self._now = max(self._now, moment.seconds)
        return self._now

    def _times_of(self, episode: Episode, now: float) -> _Times:
        """Those of a resumed episode begin with the first moment: how long the program was away is not known."""
        times = self._times.get(episode.episode_id)
        if times is None:
            times = self._times[episode.episode_id] = _Times(now - episode.open_seconds, now, now)
        return times

    def _is_overdue(self, episode: Episode, now: float) -> bool:
        seconds = self._policy_of(episode).clear_after_seconds
        return seconds is not None and now - self._times_of(episode, now).seen >= seconds

    def _forget_what_is_over(self, now: float) -> None:
        for place in self._dwell.expired(now):
            self._fold(place)
        self._cooling.forget_over(now, self._dwell.places)

    def _fold(self, place: Place) -> None:
        """What was seen again is gone: it was the same story."""
        if self._dwell.forget(place) and self._cooling.folded(place):
            self.counts.folded += 1

    def _policy_of(self, episode: Episode) -> EpisodePolicy:
        return self._policies.get(episode.detector, _NOTHING_STATED)

    def _said(self, episode: Episode, phase: Phase, now: float | None) -> Episode:
        times = self._times.get(episode.episode_id)
        if times is not None and now is not None:
            times.said = now
        return replace(
            episode,
            phase=phase,
            revision=episode.revision + 1,
            said_at=episode.observed_at,
            said_confidence=episode.confidence,
            said_extent=episode.extent,
            open_seconds=episode.open_seconds if times is None or now is None else round(now - times.opened, 3),
        )

    def _new_episode(
        self,
        detector: str,
        observation: Observation,
        moment: Moment,
        started_media_time: float,
        canary: Canary | None = None,
    ) -> Episode:
        observed_at = moment.wall_time_of(observation.media_time)
        return Episode(
            episode_id=self._new_id(observed_at),
            source=self._source,
            detector=detector,
            hazard=observation.hazard,
            key=observation.key,
            revision=1,
            phase=Phase.OPENED,
            tier=observation.tier,
            severity=observation.severity,
            confidence=observation.confidence,
            started_at=moment.wall_time_of(started_media_time),
            observed_at=observed_at,
            ended_at=None,
            start_seconds=started_media_time,
            observed_seconds=observation.media_time,
            detail=observation.detail.as_json(),
            location=observation.location or self._location,
            evidence=(),
            said_at=observed_at,
            said_confidence=observation.confidence,
            canary=canary,
            model=observation.model,
            extent=observation.extent,
            said_extent=observation.extent,
        )


def _observed(episode: Episode, observation: Observation, moment: Moment) -> Episode:
    """The episode after one more observation; tier and severity only rise."""
    observed_at = max(moment.wall_time_of(observation.media_time), episode.observed_at)
    return replace(
        episode,
        observed_at=observed_at,
        observed_seconds=observation.media_time,
        tier=max(episode.tier, observation.tier, key=tier_rank),
        severity=max(episode.severity, observation.severity, key=severity_rank),
        confidence=observation.confidence,
        detail=observation.detail.as_json(),
        location=observation.location or episode.location,
        model=observation.model or episode.model,
        extent=episode.extent if observation.extent is None else observation.extent,
    )


def _ended_at(episode: Episode, observation: Observation, moment: Moment) -> datetime:
    """When it was over: as the detector says, but never before it began."""
    if observation.ended_media_time is None:
        return episode.observed_at
    return max(min(moment.wall_time_of(observation.ended_media_time), episode.observed_at), episode.started_at)


def _update_is_due(before: Episode, after: Episode, since_said_seconds: float) -> bool:
    if (
        tier_rank(after.tier) > tier_rank(before.tier)
        or severity_rank(after.severity) > severity_rank(before.severity)
        or after.demoted != before.demoted
    ):
        return True
    interval = STALE_UPDATE_INTERVAL_SECONDS if after.stale else UPDATE_INTERVAL_SECONDS
    if since_said_seconds < interval:
        return False
    return abs(after.confidence - before.said_confidence) >= MATERIAL_CONFIDENCE or _has_changed(
        before.said_extent, after.extent
    )


def _has_changed(said: float | None, now: float | None) -> bool:
    """Whether an extent is another one than was told."""
    if said is None or now is None:
        return said is not now
    low, high = sorted((said, now))
    return high >= MATERIAL_FACTOR * low and high > low


def _joined(present: tuple[Evidence, ...], added: Iterable[Evidence]) -> tuple[Evidence, ...]:
    known = {(item.sha256, item.kind) for item in present}
    return present + tuple(item for item in added if (item.sha256, item.kind) not in known)
