"""HTTP: queues, alerts, and what operators do to them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from sqlalchemy import Connection

from server.accounts.service import Account
from server.alerts import listing, service
from server.alerts.rows import AlertRow
from server.alerts.schemas import AlertDetail, AlertPage, QueueList, VerdictBody, VersionBody
from server.db import Database
from server.dependencies import AccountDep, DatabaseDep, RequestIdDep, SettingsDep
from server.grids.service import scope_code
from server.problems import ProblemError, problem_responses
from server.routing.dependencies import RoutingDep

router = APIRouter(prefix="/api/v1", tags=["alerts"], responses=problem_responses(401, 422, 503))

_ACT_PROBLEMS = problem_responses(403, 404, 409)


@router.get("/queues", operation_id="listQueues")
def list_queues(
    account: AccountDep,
    database: DatabaseDep,
    routing: RoutingDep,
    include_empty: Annotated[bool, Query(description="also the grids in which nothing waits")] = False,
) -> QueueList:
    """The queues in scope in which something waits, the grids above them, and always the scope's own grid."""
    with database.read() as connection:
        context, scope = routing.current(connection), scope_code(connection, account.grid_scope)
        return listing.list_queues(connection, context, scope, with_empty=include_empty)


@router.get("/alerts", operation_id="listAlerts")
def list_alerts(
    account: AccountDep,
    database: DatabaseDep,
    queue: Annotated[str | None, Query(max_length=64, description="only this queue's, border alerts included")] = None,
    within: Annotated[str | None, Query(max_length=64, description="this grid's queue and all below it")] = None,
    state: Literal["open", "closed"] = "open",
    limit: Annotated[int, Query(ge=1, le=listing.MAX_PAGE)] = 50,
    before: Annotated[str | None, Query(max_length=256, description="`next` of the page before")] = None,
) -> AlertPage:
    """A page of alerts: open ones red first, then newest first; closed ones newest first."""
    if queue is not None and within is not None:
        raise ProblemError(422, "queue and within exclude each other: name one of them", field="within")
    with database.read() as connection:
        return listing.list_alerts(
            connection,
            scope_code(connection, account.grid_scope),
            queue=queue,
            within=None if within is None else scope_code(connection, within),
            is_open=state == "open",
            limit=limit,
            before=before,
        )


@router.get("/alerts/{alert_id}", operation_id="getAlert", responses=problem_responses(404))
def get_alert(account: AccountDep, database: DatabaseDep, alert_id: str) -> AlertDetail:
    """One alert in full: why it is where it is, its evidence, episodes and history."""
    with database.read() as connection:
        return listing.alert_detail(connection, alert_id, scope_code(connection, account.grid_scope))


@router.post("/alerts/{alert_id}/claim", operation_id="claimAlert", responses=_ACT_PROBLEMS)
def claim_alert(
    account: AccountDep,
    database: DatabaseDep,
    settings: SettingsDep,
    request_id: RequestIdDep,
    alert_id: str,
    body: VersionBody,
) -> AlertDetail:
    """Takes the alert for a while, so that nobody else judges it meanwhile; again to extend one's lease."""
    return _act(
        database,
        account,
        alert_id,
        body.version,
        request_id,
        lambda connection, act: service.claim(connection, act, timedelta(seconds=settings.lease_seconds)),
    )


@router.post("/alerts/{alert_id}/release", operation_id="releaseAlert", responses=_ACT_PROBLEMS)
def release_alert(
    account: AccountDep, database: DatabaseDep, request_id: RequestIdDep, alert_id: str, body: VersionBody
) -> AlertDetail:
    """Gives the alert back to its queue."""
    return _act(database, account, alert_id, body.version, request_id, service.release)


@router.post("/alerts/{alert_id}/verdict", operation_id="giveVerdict", responses=_ACT_PROBLEMS)
def give_verdict(
    account: AccountDep, database: DatabaseDep, request_id: RequestIdDep, alert_id: str, body: VerdictBody
) -> AlertDetail:
    """Judges an alert that one holds, or that nobody holds."""
    return _act(
        database,
        account,
        alert_id,
        body.version,
        request_id,
        lambda connection, act: service.give_verdict(connection, act, body.verdict, body.reason, body.comment),
    )


def _act(
    database: Database,
    account: Account,
    alert_id: str,
    version: int,
    request_id: str,
    what: Callable[[Connection, service.Act], AlertRow],
) -> AlertDetail:
    with database.write() as connection:
        scope = scope_code(connection, account.grid_scope)
        row = what(connection, service.Act(account, scope, alert_id, version, request_id))
        return listing.detail_of(connection, row)
