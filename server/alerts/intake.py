"""Intake: an accepted hazard event becomes a new alert, joins an open one, or brings its episode up to date."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from contract.events import HazardEvent
from server.routing.context import RoutingContext


@dataclass(frozen=True, slots=True)
class IntakeResult:
    """What an event did. `stale`: a higher revision of its episode was here before, and it changed nothing."""

    stale: bool
    alert_id: str
    created: bool


def take_in(connection: Connection, context: RoutingContext, event: HazardEvent, received_at: datetime) -> IntakeResult:
    """Brings an event into the alerts, in the caller's write transaction."""
    raise NotImplementedError
