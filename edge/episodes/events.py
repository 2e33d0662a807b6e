"""Episodes to events of the contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from types import MappingProxyType

from contract.canonical import canonical_bytes, sha256_hex
from contract.events import Clock, Event, HazardData, HealthData, Media, Producer, Sight, SourceRef, event_of
from contract.geometry import Location
from contract.ids import IdFactory
from edge.config.evidence import EvidenceSettings
from edge.config.sources import SourceSettings, config_sha256
from edge.detectors.registry import installed_detectors
from edge.episodes.episode import Episode

CANARY = "canary"
"""The name under which drills speak of themselves, as a detector does."""
CANARY_VERSION = "1"

OPENED_EVENT_BYTES = 2048
"""What an event without evidence may be at the most (contract.md)."""


def episodes_name(source_id: str) -> str:
    """The name under which a source's cool-downs and budget are remembered."""
    return f"episodes:{source_id}"


def detectors_name(source_id: str) -> str:
    """The name under which what a camera's detectors learned is remembered."""
    return f"detectors:{source_id}"


def software_version() -> str:
    """As it stands in every event."""
    return f"gridsentry-edge {version('gridsentry')}"


def producers_of(settings: SourceSettings, evidence: EvidenceSettings) -> Mapping[str, Producer]:
    """The producer of each of a source's detectors, and of what is said of its drills."""
    kinds = installed_detectors()
    digest = config_sha256(settings, evidence)
    versions = {name: kinds[name].version for name in settings.detectors} | {CANARY: CANARY_VERSION}
    return {
        name: Producer(software=software_version(), detector=f"{name} {version}", config_sha256=digest)
        for name, version in versions.items()
    }


@dataclass(frozen=True, slots=True)
class EventWriter:
    """Writes the events of one source. `clip` is a recording's stem on replay, else None."""

    device_id: str
    source: SourceRef
    location: Location
    producers: Mapping[str, Producer]
    clock: Callable[[], Clock]
    new_id: IdFactory
    clip: str | None = None

    def hazard(self, episode: Episode) -> Event:
        """The event for an episode's latest revision."""
        media = None
        if self.clip is not None:
            media = Media(
                clip=self.clip, start_seconds=episode.start_seconds, observed_seconds=episode.observed_seconds
            )
        data = HazardData(
            episode_id=episode.episode_id,
            revision=episode.revision,
            phase=episode.phase,
            hazard=episode.hazard,
            tier=episode.tier,
            severity=episode.severity,
            confidence=episode.confidence,
            started_at=episode.started_at,
            observed_at=episode.observed_at,
            ended_at=episode.ended_at,
            clock=self.clock(),
            location=episode.location,
            source=episode.source,
            detail=episode.detail,
            evidence=episode.evidence,
            media=media,
            producer=self._producer(episode),
            canary=episode.canary,
            demoted=episode.demoted,
            repeat_of=episode.repeat_of,
            quiet_repeats=episode.quiet_repeats or None,
            stale=episode.stale or None,
        )
        return self._wrapped(data, episode.observed_at)

    def health(
        self,
        state: str,
        reason: str,
        since: datetime,
        *,
        at: datetime | None = None,
        conditions: Sequence[str] = (),
        unwatched: Mapping[str, str] = MappingProxyType({}),
        sight: Sight | None = None,
    ) -> Event:
        """The event for what the source can see, `since` when; said then, unless `at` is another time."""
        data = HealthData(
            source=self.source,
            state=state,
            reason=reason[:256],
            since=since,
            location=self.location,
            conditions=tuple(conditions),
            unwatched=dict(unwatched),
            sight=sight,
        )
        return self._wrapped(data, at or since)

    def _producer(self, episode: Episode) -> Producer:
        producer = self.producers.get(episode.detector) or _departed(episode.detector)
        return producer if episode.model is None else producer.model_copy(update={"model": episode.model})

    def _wrapped(self, data: HazardData | HealthData, time: datetime) -> Event:
        return event_of(data, event_id=self.new_id(time), device_id=self.device_id, time=time)


def _departed(detector: str) -> Producer:
    """For an episode whose detector is no longer configured, and which is over for that reason."""
    nothing = sha256_hex(canonical_bytes({}))
    return Producer(software=software_version(), detector=detector, config_sha256=nothing)
