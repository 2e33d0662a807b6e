"""Ingest over HTTP: batches from devices, dead letters for admins."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from contract.batch import MAX_BATCH_BYTES, MAX_BATCH_EVENTS, BatchResult
from contract.events import BATCH_MEDIA_TYPE
from server.bodies import read_body
from server.dependencies import AdminDep, DatabaseDep, DeviceDep, RequestIdDep
from server.ingest import service
from server.ingest.parsing import read_batch
from server.ingest.schemas import DeadLetterPage, DeadLetterState, Replay, ReplayResult
from server.ingest.store import Batch
from server.ingest.writer import Writer
from server.problems import problem_responses
from server.routing.context import RoutingContextProvider

router = APIRouter(prefix="/api/v1", tags=["ingest"], responses=problem_responses(503))

LetterId = Annotated[int, Path(ge=1, le=2**63 - 1)]

_BATCH_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            BATCH_MEDIA_TYPE: {
                "schema": {"type": "array", "maxItems": MAX_BATCH_EVENTS, "items": {"type": "object"}},
            }
        },
    }
}


@router.post(
    "/events",
    operation_id="sendEvents",
    summary="Send a batch of events",
    openapi_extra=_BATCH_BODY,
    responses=problem_responses(400, 401, 413),
)
async def send_events(request: Request, device: DeviceDep) -> BatchResult:
    """Each item gets its own result; one bad item never sinks the others. 200 means durably committed."""
    body = await read_body(request, MAX_BATCH_BYTES)
    items = await run_in_threadpool(read_batch, body, device.id)
    writer: Writer = request.app.state.writer
    return await asyncio.wrap_future(writer.submit(Batch(device.id, datetime.now(UTC), items)))


@router.get(
    "/dead-letters",
    operation_id="listDeadLetters",
    summary="Items that could not be taken in",
    responses=problem_responses(401, 403, 422),
)
def list_dead_letters(
    database: DatabaseDep,
    _admin: AdminDep,
    state: DeadLetterState | None = None,
    device_id: Annotated[str | None, Query(max_length=128)] = None,
    before: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> DeadLetterPage:
    """Newest first."""
    with database.read() as connection:
        return service.list_dead_letters(connection, state=state, device_id=device_id, before=before, limit=limit)


@router.post(
    "/dead-letters/{letter_id}/replay",
    operation_id="replayDeadLetter",
    summary="Take a dead letter in after all",
    responses=problem_responses(401, 403, 404, 409, 422),
)
def replay_dead_letter(
    request: Request,
    letter_id: LetterId,
    database: DatabaseDep,
    admin: AdminDep,
    request_id: RequestIdDep,
    body: Replay | None = None,
) -> ReplayResult:
    """As it was received, or with its content put right."""
    routing: RoutingContextProvider = request.app.state.routing
    fixed = None if body is None else body.content
    with database.write() as connection:
        context = routing.current(connection)
        return service.replay(connection, context, letter_id, fixed, actor=admin.username, request_id=request_id)


@router.post(
    "/dead-letters/{letter_id}/discard",
    operation_id="discardDeadLetter",
    summary="Settle a dead letter without taking it in",
    status_code=204,
    responses=problem_responses(401, 403, 404, 409, 422),
)
def discard_dead_letter(
    letter_id: LetterId, database: DatabaseDep, admin: AdminDep, request_id: RequestIdDep
) -> Response:
    """Its bytes go, unless the device's chain needs them."""
    with database.write() as connection:
        service.discard(connection, letter_id, actor=admin.username, request_id=request_id)
    return Response(status_code=204)
