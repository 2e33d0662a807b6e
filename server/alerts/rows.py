"""Between rows and what others see: summaries, places, and the announcement of a change."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from server.alerts.model import OPEN_STATES, AlertState
from server.alerts.schemas import AlertSummary
from server.alerts.tables import alert_places, alerts
from server.live import feed
from server.matters.hazards import hazard_names
from server.routing.context import RoutingContext

QUEUE, SCOPE = "queue", "scope"

AlertRow = Row[Any]

_ALERT = select(alerts).where(alerts.c.id == bindparam("b_alert"))


def is_open(state: str) -> bool:
    """Whether an alert in this state still waits for a decision."""
    return state in OPEN_STATES


def lease_is_live(row: AlertRow, now: datetime) -> bool:
    """Whether somebody holds the alert at the moment."""
    return row.claim_expires_at is not None and bool(row.claim_expires_at > now)


def state_without_lease(row: AlertRow) -> AlertState:
    """What an open alert is when nobody holds it."""
    return AlertState.UNSURE if row.verdict is not None else AlertState.QUEUED


def summary_fields(row: AlertRow, now: datetime) -> dict[str, Any]:
    """The fields of AlertSummary. A lease that has run out shows as none."""
    fields = {name: getattr(row, name) for name in AlertSummary.model_fields if hasattr(row, name)}
    if not lease_is_live(row, now):
        fields["claimed_by"] = fields["claim_expires_at"] = None
        if row.state == AlertState.CLAIMED:
            fields["state"] = state_without_lease(row)
    fields["hazard_zh"], fields["hazard_en"] = hazard_names(row.hazard)
    return fields


def summary(row: AlertRow, now: datetime) -> AlertSummary:
    """An alert as lists show it."""
    return AlertSummary.model_validate(summary_fields(row, now))


def scopes_seeing(context: RoutingContext, queues: Iterable[str]) -> list[str]:
    """The scopes that see any of these queues."""
    return list(dict.fromkeys(scope for queue in queues for scope in context.scopes_seeing(queue)))


def write_places(connection: Connection, row: AlertRow) -> None:
    """Writes where a new alert shows, or one that moved."""
    queues = dict.fromkeys((row.queue, *row.border_queues))
    opened = is_open(row.state)
    common = {
        "alert_id": row.id,
        "is_open": opened,
        "rank": row.severity_rank if opened else 0,
        "opened_at": row.opened_at,
    }
    places = [(QUEUE, code) for code in queues] + [(SCOPE, code) for code in row.scopes]
    connection.execute(
        insert(alert_places), [{**common, "relation": relation, "grid_code": code} for relation, code in places]
    )


def refresh_places(connection: Connection, before: AlertRow, after: AlertRow) -> None:
    """Keeps the listing's order and openness those of the alert."""
    keys = [
        (is_open(row.state), row.severity_rank if is_open(row.state) else 0, row.opened_at) for row in (before, after)
    ]
    if keys[0] == keys[1]:
        return
    opened, rank, opened_at = keys[1]
    connection.execute(
        update(alert_places)
        .where(alert_places.c.alert_id == after.id)
        .values(is_open=opened, rank=rank, opened_at=opened_at)
    )


def announce(connection: Connection, row: AlertRow, also: Iterable[str] = ()) -> None:
    """Puts the alert as it is now into the live feed; `also` names scopes that saw it until now."""
    payload = summary(row, datetime.now(UTC)).model_dump_json()
    feed.append(connection, row.id, {*row.scopes, *also}, payload)


def get_row(connection: Connection, alert_id: str) -> AlertRow | None:
    """The alert's row."""
    return connection.execute(_ALERT, {"b_alert": alert_id}).one_or_none()
