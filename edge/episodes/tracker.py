"""Keeps the episodes of one source: opens, updates and clears them, and says when an event is due.

Everything is in event time; there is no clock here. What a method returns is an episode with a new revision: exactly
one event is to be written for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from contract.events import Phase, Severity, SourceRef, Tier
from contract.evidence import Evidence
from contract.geometry import Location
from contract.ids import IdFactory
from edge.detectors.interface import Observation
from edge.episodes.episode import Episode

UPDATE_INTERVAL_SECONDS = 10.0
"""At most one update in this time, unless an episode becomes graver or gains evidence."""
MATERIAL_CONFIDENCE = 0.1
"""A change of confidence smaller than this would not change an operator's mind."""

_SEVERITY_RANK = {Severity.BLUE: 0, Severity.YELLOW: 1, Severity.RED: 2}
_TIER_RANK = {Tier.REVIEW: 0, Tier.ALARM: 1}


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant on both axes: seconds of media time, and the wall time that belongs to it."""

    media_time: float
    wall_time: datetime

    def wall_time_of(self, media_time: float) -> datetime:
        """The wall time of another media time of the same source."""
        return self.wall_time - timedelta(seconds=self.media_time - media_time)


@dataclass(frozen=True, slots=True)
class Change:
    """What an observation did. `event_due`: the episode has a new revision, to be sent."""

    episode: Episode
    event_due: bool
    opened: bool = False


class EpisodeTracker:
    """The open episodes of one source, keyed by hazard and the observation's key.

    `clear_after_seconds` names, for each detector, how long nothing must be observed before an episode is over; None
    where the detector says so itself. `resumed` are episodes that were open when the program stopped.
    """

    def __init__(
        self,
        source: SourceRef,
        location: Location,
        new_id: IdFactory,
        clear_after_seconds: Mapping[str, float | None],
        resumed: Iterable[Episode] = (),
    ) -> None:
        self._source = source
        self._location = location
        self._new_id = new_id
        self._clear_after = clear_after_seconds
        self._open = {(episode.hazard, episode.key): episode for episode in resumed}

    @property
    def open_episodes(self) -> Sequence[Episode]:
        """In the order of their opening."""
        return tuple(self._open.values())

    def current(self, episode_id: str) -> Episode | None:
        """The open episode with this id."""
        return next((episode for episode in self._open.values() if episode.episode_id == episode_id), None)

    def observe(self, detector: str, observation: Observation, moment: Moment) -> Change | None:
        """Takes in an observation. None: it ends what is not open, or comes after a clear."""
        episode = self._open.get((observation.hazard, observation.key))
        if episode is None:
            return self._opened(detector, observation, moment) if observation.active else None
        episode = _observed(episode, observation, moment)
        if not observation.active:
            return Change(self.clear(episode, ended_at=episode.observed_at), event_due=True)
        due = _update_is_due(self._open[observation.hazard, observation.key], episode)
        if due:
            episode = _said(episode, Phase.UPDATED)
        self._open[episode.hazard, episode.key] = episode
        return Change(episode, event_due=due)

    def overdue(self, now: datetime) -> Sequence[Episode]:
        """Open episodes that nothing was observed of for their detector's time."""
        return [episode for episode in self._open.values() if self._is_overdue(episode, now)]

    def clear(self, episode: Episode, ended_at: datetime | None = None) -> Episode:
        """Ends an episode, at its latest observation unless `ended_at` says otherwise."""
        self._open.pop((episode.hazard, episode.key), None)
        return replace(_said(episode, Phase.CLEARED), ended_at=ended_at or episode.observed_at)

    def attach(self, episode: Episode, evidence: Iterable[Evidence]) -> Episode:
        """Adds evidence, with an event of its own: an update, or `cleared` again if the episode is over."""
        current = self._open.get((episode.hazard, episode.key))
        is_open = current is not None and current.episode_id == episode.episode_id
        base = current if is_open and current is not None else episode
        phase = Phase.UPDATED if is_open else Phase.CLEARED
        attached = replace(_said(base, phase), evidence=_joined(base.evidence, evidence))
        if is_open:
            self._open[attached.hazard, attached.key] = attached
        return attached

    @staticmethod
    def joined(episode: Episode, evidence: Iterable[Evidence]) -> Episode:
        """The episode with more evidence, without an event."""
        return replace(episode, evidence=_joined(episode.evidence, evidence))

    def clears_by_time(self, episode: Episode) -> bool:
        """Whether silence ends this episode; else only its detector does."""
        return self._clear_after.get(episode.detector) is not None

    def set_aside(self, episode: Episode) -> None:
        """Takes an episode out of the open ones without an event: what is observed next is a new episode."""
        self._open.pop((episode.hazard, episode.key), None)

    def _opened(self, detector: str, observation: Observation, moment: Moment) -> Change:
        observed_at = moment.wall_time_of(observation.media_time)
        episode = Episode(
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
            started_at=moment.wall_time_of(observation.started_media_time),
            observed_at=observed_at,
            ended_at=None,
            start_seconds=observation.started_media_time,
            observed_seconds=observation.media_time,
            detail=observation.detail.as_json(),
            location=observation.location or self._location,
            evidence=(),
            said_at=observed_at,
            said_confidence=observation.confidence,
        )
        self._open[episode.hazard, episode.key] = episode
        return Change(episode, event_due=True, opened=True)

    def _is_overdue(self, episode: Episode, now: datetime) -> bool:
        seconds = self._clear_after.get(episode.detector)
        return seconds is not None and now - episode.observed_at >= timedelta(seconds=seconds)


def _observed(episode: Episode, observation: Observation, moment: Moment) -> Episode:
    """The episode after one more observation; tier and severity only rise."""
    observed_at = max(moment.wall_time_of(observation.media_time), episode.observed_at)
    return replace(
        episode,
        observed_at=observed_at,
        observed_seconds=observation.media_time,
        tier=max(episode.tier, observation.tier, key=_TIER_RANK.__getitem__),
        severity=max(episode.severity, observation.severity, key=_SEVERITY_RANK.__getitem__),
        confidence=observation.confidence,
        detail=observation.detail.as_json(),
        location=observation.location or episode.location,
    )


def _update_is_due(before: Episode, after: Episode) -> bool:
    if (
        _TIER_RANK[after.tier] > _TIER_RANK[before.tier]
        or _SEVERITY_RANK[after.severity] > _SEVERITY_RANK[before.severity]
    ):
        return True
    changed = abs(after.confidence - before.said_confidence) >= MATERIAL_CONFIDENCE
    return changed and after.observed_at - before.said_at >= timedelta(seconds=UPDATE_INTERVAL_SECONDS)


def _said(episode: Episode, phase: Phase) -> Episode:
    return replace(
        episode,
        phase=phase,
        revision=episode.revision + 1,
        said_at=episode.observed_at,
        said_confidence=episode.confidence,
    )


def _joined(present: tuple[Evidence, ...], added: Iterable[Evidence]) -> tuple[Evidence, ...]:
    known = {(item.sha256, item.kind) for item in present}
    return present + tuple(item for item in added if (item.sha256, item.kind) not in known)
