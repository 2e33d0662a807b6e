"""Who else sees it: what each source of this box observes now, told among its processes, and asked for by detectors.

A worker notes what its sources observe, its report carries that to the supervisor, and the supervisor tells all of it
to every process that watches cameras. Times are `time.monotonic()`, which all processes of a machine share and nobody
sets. What is old drops out by itself: a process that died takes nothing back.
"""

from __future__ import annotations

import math
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from contract.events import Phase
from contract.geometry import Location, Point, distance_m
from edge.detectors.interface import Frame, Witness
from edge.episodes.episode import Episode

KEPT_SECONDS = 300.0
"""Fire asks for the last minute; a sensor that reports every few minutes may serve who asks for more."""
MAX_SIGHTINGS = 256
"""Of one box, one for each hazard of each source: with hundreds at once nobody lacks a witness."""
MAX_AHEAD_SECONDS = 1.0
"""All read the same clock: what is further ahead comes from a process that writes over its own memory."""
RECORDED_EVERY_SECONDS = 1.0
"""As finely as workers report while they run."""

Tell = Callable[[Episode, float], None]
"""Takes an open episode and how many seconds ago it was observed."""


class Sighting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An episode of a source, as others need to know it."""

    source_id: str
    kind: str
    hazard: str
    confidence: float
    seen_at: float
    """Monotonic seconds of its latest observation."""
    longitude: float
    latitude: float
    """Of the hazard, as its source knows it: its own place, as a rule."""


class Sightings:
    """The latest sighting of each hazard at each source. Bounded, forgetful, safe for several threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.revision = 0
        """Grows with what is noted."""
        self._clock = clock
        self._lock = threading.Lock()
        self._latest: dict[tuple[str, str], Sighting] = {}
        self._untold: set[tuple[str, str]] = set()

    def tell(self, episode: Episode, age_seconds: float) -> None:
        """Notes what one of this process's own sources observes: see `Tell`. Drills are nobody's witness."""
        if not _counts(episode):
            return
        self.note([_sighting(episode, self._clock() - max(0.0, age_seconds))])

    def note(self, sightings: Iterable[Sighting]) -> None:
        """Takes in sightings; older ones than are known, and those of no possible time or place, change nothing."""
        now = self._clock()
        with self._lock:
            for sighting in sightings:
                place = (sighting.source_id, sighting.hazard)
                known = self._latest.get(place)
                if not _is_possible(sighting, now) or (known is not None and known.seen_at >= sighting.seen_at):
                    continue
                self._latest[place] = sighting
                self._untold.add(place)
                self.revision += 1
            self._forget(now)

    def recent(self) -> Sequence[Sighting]:
        """All that is still kept, newest first."""
        with self._lock:
            self._forget(self._clock())
            return _newest_first(self._latest.values())

    def take(self) -> list[Sighting]:
        """What was noted since the last call, newest first."""
        with self._lock:
            self._forget(self._clock())
            untold, self._untold = self._untold, set()
            return _newest_first(self._latest[place] for place in untold if place in self._latest)

    def _forget(self, now: float) -> None:
        """Called with the lock. Two passes over at most `MAX_SIGHTINGS` and what one report brings."""
        old = [place for place, known in self._latest.items() if now - known.seen_at > KEPT_SECONDS]
        for place in old:
            del self._latest[place]
        if len(self._latest) > MAX_SIGHTINGS:
            kept = _newest_first(self._latest.values())[:MAX_SIGHTINGS]
            self._latest = {(sighting.source_id, sighting.hazard): sighting for sighting in kept}


class LiveWitnesses:
    """A camera's ears, see `edge.detectors.interface.WitnessPort`: what the supervisor has told by now."""

    def __init__(
        self, source_id: str, place: Location, heard: Sightings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._source_id = source_id
        self._place = place
        self._heard = heard
        self._clock = clock

    def near(self, frame: Frame, within_m: float, within_seconds: float) -> Sequence[Witness]:
        """See `WitnessPort.near`. A live frame is of now: seconds are counted back from the moment of asking."""
        now = self._clock()
        ages = [(max(0.0, now - sighting.seen_at), sighting) for sighting in self._heard.recent()]
        recent = [(age, sighting) for age, sighting in ages if age <= within_seconds]
        return _near(self._source_id, self._place.point, recent, within_m)

    def __deepcopy__(self, _memo: dict[int, Any]) -> Deaf:
        """The copy of a detector (a drill's) hears nobody: what really burns must not make a drill graver."""
        return Deaf()


class Deaf:
    """Hears nobody."""

    def near(self, frame: Frame, within_m: float, within_seconds: float) -> Sequence[Witness]:
        """Nothing."""
        return ()


@dataclass(slots=True)
class _Record:
    """What one clip observed of one hazard, in the order of its time."""

    times: list[datetime] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)


class ReplayedWitnesses:
    """What the clips of one replay observed, in the order in which they are replayed.

    Clips share one time only where the configuration says when they were recorded. A clip hears those that were
    replayed before it, and never what they observed after the frame that it looks at.
    """

    def __init__(self) -> None:
        self._records: dict[tuple[str, str], _Record] = {}

    def tell(self, episode: Episode, age_seconds: float) -> None:
        """Notes what a clip observes, see `Tell`: each hazard once a second."""
        if not _counts(episode):
            return
        record = self._records.setdefault((episode.source.id, episode.hazard), _Record())
        if record.times and (episode.observed_at - record.times[-1]).total_seconds() < RECORDED_EVERY_SECONDS:
            return
        record.times.append(episode.observed_at)
        record.sightings.append(_sighting(episode, seen_at=0.0))

    def of(self, source_id: str, place: Location) -> ReplayedPort:
        """The ears of one clip."""
        return ReplayedPort(source_id, place, self._records)


class ReplayedPort:
    """A recording's ears, see `edge.detectors.interface.WitnessPort`."""

    def __init__(self, source_id: str, place: Location, records: Mapping[tuple[str, str], _Record]) -> None:
        self._source_id = source_id
        self._place = place
        self._records = records

    def near(self, frame: Frame, within_m: float, within_seconds: float) -> Sequence[Witness]:
        """See `WitnessPort.near`. By the wall time that the recordings share."""
        recent = []
        for record in self._records.values():
            index = bisect_right(record.times, frame.wall_time) - 1
            if index < 0:
                continue
            age = (frame.wall_time - record.times[index]).total_seconds()
            if age <= within_seconds:
                recent.append((age, record.sightings[index]))
        return _near(self._source_id, self._place.point, recent, within_m)

    def __deepcopy__(self, _memo: dict[int, Any]) -> Deaf:
        """As of `LiveWitnesses`."""
        return Deaf()


def _counts(episode: Episode) -> bool:
    return episode.canary is None and episode.phase is not Phase.CLEARED


def _sighting(episode: Episode, seen_at: float) -> Sighting:
    point = episode.location.point
    return Sighting(
        source_id=episode.source.id,
        kind=episode.source.kind.value,
        hazard=episode.hazard,
        confidence=episode.confidence,
        seen_at=seen_at,
        longitude=point.longitude,
        latitude=point.latitude,
    )


def _near(source_id: str, point: Point, aged: Iterable[tuple[float, Sighting]], within_m: float) -> Sequence[Witness]:
    """What other sources saw no further than `within_m` from `point`, newest first."""
    found = []
    for age, sighting in aged:
        metres = distance_m(point, Point(coordinates=(sighting.longitude, sighting.latitude)))
        if sighting.source_id != source_id and metres <= within_m:
            found.append(
                Witness(
                    source_id=sighting.source_id,
                    kind=sighting.kind,
                    hazard=sighting.hazard,
                    confidence=sighting.confidence,
                    age_seconds=age,
                    distance_m=metres,
                )
            )
    return sorted(found, key=lambda witness: (witness.age_seconds, witness.source_id, witness.hazard))


def _newest_first(sightings: Iterable[Sighting]) -> list[Sighting]:
    return sorted(sightings, key=lambda sighting: (-sighting.seen_at, sighting.source_id, sighting.hazard))


def _is_possible(sighting: Sighting, now: float) -> bool:
    return (
        math.isfinite(sighting.seen_at)
        and sighting.seen_at <= now + MAX_AHEAD_SECONDS
        and 0 <= sighting.confidence <= 1
        and abs(sighting.longitude) <= 180
        and abs(sighting.latitude) <= 90
    )
