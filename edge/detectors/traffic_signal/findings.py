"""What the time machine finds: faults of heads, groups or the whole junction, from their beginning to their repair."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from contract.details import SignalDetail
from contract.events import Severity, Tier


class Fault(StrEnum):
    """The hazards of a traffic signal; their slugs in events."""

    DARK = "signal_dark"
    LAMP = "signal_lamp"
    STUCK = "signal_stuck"
    FLASHING = "signal_flashing"
    CONFLICT = "signal_conflict"
    SEQUENCE = "signal_sequence"
    COUNTDOWN = "signal_countdown"


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault as of one picture. Said with the picture that makes it certain, then about once a second while it lasts,
    and once it is over for a while with `active=False`.

    `key` names it for ever: `junction`, `approach:…`, `head:…`, `groups:a+b`; with the fault it names the episode.
    """

    fault: Fault
    key: str
    media_time: float
    started_media_time: float
    """When it began, which is before it was certain: the last time something was seen lit, the beginning of the state
    that lasts too long."""
    severity: Severity
    tier: Tier
    confidence: float
    detail: SignalDetail
    active: bool = True
    repaired_media_time: float | None = None
    """With `active=False`: when normal operation began again."""
