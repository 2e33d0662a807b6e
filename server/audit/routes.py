"""The audit log, for admins to read."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from server.audit import service
from server.audit.schemas import AuditEntry, AuditPage
from server.dependencies import AdminDep, DatabaseDep
from server.problems import problem_responses

router = APIRouter(prefix="/api/v1", tags=["audit"], responses=problem_responses(503))


@router.get(
    "/audit",
    operation_id="listAuditEntries",
    summary="Who did what",
    responses=problem_responses(401, 403, 422),
)
def list_audit_entries(
    database: DatabaseDep,
    _admin: AdminDep,
    subject: Annotated[
        str | None, Query(max_length=300, description="`kind` or `kind:id`, as in `alert:0190…`")
    ] = None,
    after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    newest_first: Annotated[bool, Query(description="backwards, from the latest entry on")] = False,
) -> AuditPage:
    """In the order in which it happened, or backwards; `after` is `next` of the page before."""
    with database.read() as connection:
        rows = service.list_entries(connection, subject=subject, after=after, limit=limit, newest_first=newest_first)
    entries = [AuditEntry.model_validate(row) for row in rows]
    return AuditPage(entries=entries, next=entries[-1].seq if len(entries) == limit else None)
