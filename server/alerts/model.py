"""The alert's states and what an operator may say of it."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from contract.events import Severity


class AlertState(StrEnum):
    """Where an alert stands."""

    QUEUED = "queued"
    CLAIMED = "claimed"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    MERGED = "merged"
    UNSURE = "unsure"
    """Looked at without a decision: still open, for others to judge."""


OPEN_STATES = (AlertState.QUEUED, AlertState.CLAIMED, AlertState.UNSURE)
"""At most one alert with a fingerprint is in one of these; a unique partial index guarantees it."""


class VerdictKind(StrEnum):
    """What an operator decided."""

    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    UNSURE = "unsure"


class RejectReason(StrEnum):
    """Why an alert was rejected; false detections tune the camera, the others do not."""

    FALSE_DETECTION = "false_detection"
    NOT_A_HAZARD = "not_a_hazard"
    TEST = "test"
    WEATHER = "weather"
    DUPLICATE = "duplicate"
    OTHER = "other"


SEVERITY_RANKS: Mapping[Severity, int] = MappingProxyType({Severity.RED: 3, Severity.YELLOW: 2, Severity.BLUE: 1})
"""Higher is more severe: queues show the highest first."""
