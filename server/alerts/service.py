"""What people do to alerts — claim, release, judge — and what evidence does to them when it arrives.

Every act compares and sets: it names the version of the alert that the person saw, and happens only if that is still
the alert's. The act, its audit entry and its place in the live feed are one transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, exists, select, update

from server import audit
from server.accounts.service import Account
from server.alerts.history import Action, note
from server.alerts.intake import SNAPSHOT_KIND, snapshot_query
from server.alerts.model import AlertState, RejectReason, VerdictKind
from server.alerts.rows import (
    SCOPE,
    AlertRow,
    announce,
    get_row,
    is_open,
    lease_is_live,
    refresh_places,
    state_without_lease,
    summary,
)
from server.alerts.tables import alert_places, alerts, episodes
from server.evidence.tables import evidence_links
from server.grids.service import scope_code
from server.problems import ProblemError


@dataclass(frozen=True, slots=True)
class Act:
    """Who does something to which version of an alert, by which request."""

    account: Account
    scope: str
    alert_id: str
    version: int
    request_id: str | None = None


def claim(connection: Connection, act: Act, lease: timedelta) -> AlertRow:
    """Takes a free alert, or extends one's own lease.

    Raises:
        ProblemError: 404 outside the scope; 409, with the current state, if somebody holds it, it is closed or changed.
    """
    row, now = _begin(connection, act)
    renewed = lease_is_live(row, now) and row.claimed_by_id == act.account.id
    values = {
        "state": AlertState.CLAIMED.value,
        "claimed_by_id": act.account.id,
        "claimed_by": act.account.display_name,
        "claim_expires_at": now + lease,
    }
    return _change(connection, act, row, values, Action.RENEWED if renewed else Action.CLAIMED, now)


def release(connection: Connection, act: Act) -> AlertRow:
    """Gives one's own lease back.

    Raises:
        ProblemError: as for `claim`; 409 as well if one does not hold it.
    """
    row, now = _begin(connection, act)
    if not lease_is_live(row, now):
        raise _conflict(row, now, "nobody holds this alert: the lease has run out or was given back")
    return _change(connection, act, row, {"state": state_without_lease(row).value, **_NO_LEASE}, Action.RELEASED, now)


def give_verdict(
    connection: Connection, act: Act, verdict: VerdictKind, reason: RejectReason | None, comment: str | None
) -> AlertRow:
    """Judges an alert that one holds, or that nobody holds. Unsure leaves it open for others.

    Raises:
        ProblemError: as for `claim`; 422 if a rejection has no reason, or another verdict has one.
    """
    if (verdict is VerdictKind.REJECTED) != (reason is not None):
        reasons = ", ".join(RejectReason)
        detail = f"rejecting needs a reason: {reasons}" if reason is None else f"{verdict.value} takes no reason"
        raise ProblemError(422, detail, field="reason")
    row, now = _begin(connection, act)
    comment = (comment or "").strip() or None
    said: dict[str, Any] = {
        "verdict": verdict.value,
        "reason": reason.value if reason else None,
        "comment": comment,
        "by": act.account.display_name,
        "by_username": act.account.username,
        "at": now.isoformat(),
    }
    values = {"state": verdict.value, "verdict": said, **_NO_LEASE}
    story = {"reason": said["reason"], "comment": comment}
    return _change(connection, act, row, values, Action(verdict.value), now, **story)


_NO_LEASE: dict[str, Any] = {"claimed_by_id": None, "claimed_by": None, "claim_expires_at": None}


def visible_alert(connection: Connection, alert_id: str, scope: str) -> AlertRow:
    """The alert, if the scope sees it.

    Raises:
        ProblemError: 404 otherwise; what one may not see does not exist.
    """
    query = select(alerts).where(
        alerts.c.id == alert_id,
        exists().where(
            alert_places.c.alert_id == alerts.c.id,
            alert_places.c.relation == SCOPE,
            alert_places.c.grid_code == scope,
        ),
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise ProblemError(404, f"there is no alert {alert_id!r} in your grids")
    return row


def _begin(connection: Connection, act: Act) -> tuple[AlertRow, datetime]:
    """The alert as it is, if this person may act on it now."""
    row, now = visible_alert(connection, act.alert_id, act.scope), datetime.now(UTC)
    if not is_open(row.state):
        raise _conflict(row, now, f"the alert was {row.state} already{_by_whom(row)}")
    if lease_is_live(row, now) and row.claimed_by_id != act.account.id:
        raise _conflict(row, now, f"{row.claimed_by} holds this alert until {row.claim_expires_at.isoformat()}")
    if row.version != act.version:
        raise _conflict(row, now, f"the alert is at version {row.version}, you saw {act.version}: look again")
    return row, now


def _by_whom(row: AlertRow) -> str:
    return f" by {row.verdict['by']}" if row.verdict else ""


def _conflict(row: AlertRow, now: datetime, detail: str) -> ProblemError:
    return ProblemError(409, detail, current=summary(row, now).model_dump(mode="json"))


def _change(
    connection: Connection,
    act: Act,
    before: AlertRow,
    values: dict[str, Any],
    action: Action,
    now: datetime,
    **story: Any,
) -> AlertRow:
    statement = (
        update(alerts)
        .where(alerts.c.id == before.id, alerts.c.version == act.version)
        .values(**values, version=before.version + 1)
        .returning(*alerts.c)
    )
    after = connection.execute(statement).one_or_none()
    if after is None:
        current = get_row(connection, before.id)
        assert current is not None
        raise _conflict(current, now, "somebody else was quicker: look again")
    refresh_places(connection, before, after)
    note(connection, after.id, now, act.account.display_name, action, **story)
    audit.append(
        connection,
        actor=act.account.username,
        action=f"alert.{_AUDIT_NAMES.get(action, action.value)}",
        subject_kind="alert",
        subject_id=after.id,
        before=_shown(before),
        after=_shown(after),
        request_id=act.request_id,
    )
    announce(connection, after)
    return after


_AUDIT_NAMES = {
    Action.CLAIMED: "claim",
    Action.RENEWED: "renew",
    Action.RELEASED: "release",
    Action.CONFIRMED: "confirm",
    Action.REJECTED: "reject",
}


def _shown(row: AlertRow) -> dict[str, Any]:
    """What the audit log keeps of an alert's state."""
    expires = row.claim_expires_at
    return {
        "version": row.version,
        "state": row.state,
        "queue": row.queue,
        "claimed_by": row.claimed_by,
        "claim_expires_at": expires and expires.isoformat(),
        "verdict": row.verdict,
    }


def evidence_changed(connection: Connection, hashes: Sequence[str]) -> None:
    """Files are whole, or given up: alerts that they support tell the browsers, in the caller's write transaction."""
    query = (
        select(episodes.c.alert_id, evidence_links.c.kind)
        .join_from(episodes, evidence_links, _supports(episodes, evidence_links))
        .where(evidence_links.c.sha256.in_(hashes))
        .distinct()
    )
    kinds: dict[str, set[str]] = {}
    for alert_id, kind in connection.execute(query):
        kinds.setdefault(alert_id, set()).add(kind)
    for alert_id, of_alert in kinds.items():
        if SNAPSHOT_KIND in of_alert:
            snapshot = snapshot_query(alert_id).scalar_subquery()
            connection.execute(update(alerts).where(alerts.c.id == alert_id).values(snapshot_sha256=snapshot))
        row = get_row(connection, alert_id)
        assert row is not None
        announce(connection, row)


def scope_covers_evidence(connection: Connection, account: Account, sha256: str) -> bool:
    """Whether the account may see a file: its scope covers an alert that the file supports."""
    scope = scope_code(connection, account.grid_scope)
    query = (
        select(episodes.c.alert_id)
        .join_from(episodes, evidence_links, _supports(episodes, evidence_links))
        .join(alert_places, alert_places.c.alert_id == episodes.c.alert_id)
        .where(
            evidence_links.c.sha256 == sha256,
            alert_places.c.relation == SCOPE,
            alert_places.c.grid_code == scope,
        )
        .limit(1)
    )
    return connection.execute(query).first() is not None


def _supports(of: Any, link: Any) -> Any:
    return (link.c.device_id == of.c.device_id) & (link.c.episode_id == of.c.episode_id)
