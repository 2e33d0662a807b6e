"""An episode: one continuous occurrence of one hazard at one source."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from contract.events import Canary, Model, Phase, Severity, SourceRef, Tier
from contract.evidence import Evidence
from contract.geometry import Location

Place = tuple[str, str]
"""Hazard and key: what tells apart several things at one source."""


@dataclass(frozen=True, slots=True)
class Episode:
    """What is known of an episode as of its latest event, which has its `revision`.

    `said_at` and `said_confidence` are those of the latest event, which may be older than the latest observation.
    """

    episode_id: str
    source: SourceRef
    detector: str
    hazard: str
    key: str
    revision: int
    phase: Phase
    tier: Tier
    severity: Severity
    confidence: float
    started_at: datetime
    observed_at: datetime
    ended_at: datetime | None
    start_seconds: float
    """Media time of its beginning."""
    observed_seconds: float
    """Media time of its latest observation."""
    detail: dict[str, Any]
    location: Location
    """The source's own position, unless the detector knew better."""
    evidence: tuple[Evidence, ...]
    said_at: datetime
    said_confidence: float
    open_seconds: float = 0.0
    """How long it is open, in the source's own time."""
    canary: Canary | None = None
    """Set at the opening, for ever: what is a drill stays one, and nothing else becomes one."""
    demoted: str | None = None
    """Why it has the tier `review` although its detector says `alarm`."""
    demoted_severity: Severity | None = None
    """Its severity when it was demoted."""
    repeat_of: str | None = None
    quiet_repeats: int = 0
    stale: bool = False
    model: Model | None = None
    """The trained weights behind the latest observation that named any."""
    extent: float | None = None
    """How large it is by now; None: its detector does not say."""
    said_extent: float | None = None
    """The same as of the latest event."""

    def as_text(self) -> str:
        """JSON, for the outbox."""
        return _ADAPTER.dump_json(self).decode()


_ADAPTER = TypeAdapter(Episode)


def episode_from_text(text: str) -> Episode:
    """The inverse of `Episode.as_text`.

    Raises:
        pydantic.ValidationError: the text is not an episode.
    """
    return _ADAPTER.validate_json(text)


def severity_rank(severity: Severity) -> int:
    """Higher is graver."""
    return _SEVERITY_RANK[severity]


def tier_rank(tier: Tier) -> int:
    """An alarm is above review."""
    return _TIER_RANK[tier]


_SEVERITY_RANK = {Severity.BLUE: 0, Severity.YELLOW: 1, Severity.RED: 2}
_TIER_RANK = {Tier.REVIEW: 0, Tier.ALARM: 1}
