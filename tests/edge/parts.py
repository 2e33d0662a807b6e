"""Small parts that several tests of the edge put together."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from contract.details import SensorDetail
from contract.events import Clock, Severity, SourceKind, SourceRef, Tier
from contract.evidence import EvidenceKind
from contract.geometry import LocationMethod, at_point
from contract.ids import DeterministicIds, uuid7
from edge.detectors.interface import Mark, Observation
from edge.detectors.policy import EpisodePolicy
from edge.episodes.events import EventWriter
from edge.episodes.tracker import EpisodeTracker, Moment
from edge.evidence.store import EvidenceStore
from edge.outbox.sink import Commit

T0 = datetime(2026, 11, 21, 8, 0, 0, tzinfo=UTC)
SOURCE = SourceRef(id="well-12", kind=SourceKind.SENSOR, name="井12 · Well 12")
PLACE = at_point(113.62, 34.75, 25, LocationMethod.SENSOR)


def moment(seconds: float) -> Moment:
    """T0 is media time 0."""
    return Moment(seconds, T0 + timedelta(seconds=seconds))


def observation(seconds: float, *, started: float | None = None, **changes: Any) -> Observation:
    """A reading over its limit; `changes` replace fields."""
    values: dict[str, Any] = {
        "hazard": "water_level",
        "key": "level_above_1_2",
        "media_time": seconds,
        "started_media_time": seconds if started is None else started,
        "severity": Severity.YELLOW,
        "tier": Tier.REVIEW,
        "confidence": 0.5,
        "detail": SensorDetail(
            channel="level",
            value=1.4,
            unit="m",
            comparison="above",
            set_limit=1.2,
            clear_limit=1.08,
            rule="level_above_1_2",
        ),
        "marks": (Mark(polyline=((seconds, 10.0, 10.0), (seconds + 1, 12.0, 40.0)), box=(8, 36, 8, 8), label="x"),),
    }
    return Observation(**{**values, **changes})


def tracker(clear_after_seconds: float | None = 5.0) -> EpisodeTracker:
    """For observations of a detector called `d`, whose episodes open at once."""
    return EpisodeTracker(SOURCE, PLACE, uuid7, {"d": EpisodePolicy(clear_after_seconds=clear_after_seconds)})


def writer(device_id: str = "box-1", *, deterministic: bool = False) -> EventWriter:
    """Writes events of SOURCE."""
    return EventWriter(
        device_id=device_id,
        source=SOURCE,
        location=PLACE,
        producers={},
        clock=lambda: Clock(synced=True),
        new_id=DeterministicIds("events") if deterministic else uuid7,
    )


def episodes_of(count: int, *, evidence: EvidenceStore | None = None, size: int = 500) -> Iterator[Commit]:
    """Commits of `count` whole episodes: opened, updated with a file of `size` random bytes, cleared."""
    said = writer()
    for number in range(count):
        episodes = tracker(None)
        key = f"k{number}"
        change = episodes.observe("d", observation(number, key=key), moment(number))
        assert change is not None
        yield Commit((said.hazard(change.episode),), (change.episode,))
        episode = change.episode
        if evidence is not None:
            item = evidence.put(os.urandom(size), EvidenceKind.SNAPSHOT, "image/jpeg", episode.observed_at)
            episode = episodes.attach(episode, [item])
            yield Commit((said.hazard(episode),), (episode,))
        cleared = episodes.clear(episode)
        yield Commit((said.hazard(cleared),), (), (cleared.episode_id,))
