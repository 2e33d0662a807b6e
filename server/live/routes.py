"""HTTP: the stream of alert changes, as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Header, Query, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from server.accounts.service import find_session
from server.dependencies import SESSION_COOKIE, AccountDep, DatabaseDep, SettingsDep
from server.grids.service import scope_code
from server.live.hub import LiveHub, LiveTimes
from server.problems import ProblemError, problem_responses

TIMES = LiveTimes()


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with LiveHub(app.state.database, TIMES).running() as hub:
        app.state.live = hub
        yield


router = APIRouter(prefix="/api/v1", tags=["live"], responses=problem_responses(401, 422, 503), lifespan=_lifespan)

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "Server-sent events: `alert`, `reset`"}
}


@router.get("/live", operation_id="followLive", response_class=StreamingResponse, responses=_STREAM)
async def follow_live(
    request: Request,
    account: AccountDep,
    database: DatabaseDep,
    settings: SettingsDep,
    after: Annotated[int | None, Query(ge=0, description="`cursor` of the list that the stream goes on from")] = None,
    last_event_id: Annotated[str | None, Header(description="sent by browsers when they reconnect")] = None,
) -> StreamingResponse:
    """Changes of alerts within the account's scope: from a list's `cursor` on, or from now.

    Each is `event: alert` with `{"seq", "alert"}`. `event: reset` says that changes were missed: read the lists anew.
    The stream ends with the session. It holds no database connection.
    """
    cookie = request.cookies.get(SESSION_COOKIE, "")
    idle = timedelta(hours=settings.session_idle_hours)

    def scope_now() -> str | None:
        session = find_session(database, cookie, idle, keep_alive=False)
        if session is None or session.account.id != account.id:
            return None
        with database.read() as connection:
            return scope_code(connection, session.account.grid_scope)

    async def scope() -> str | None:
        return await run_in_threadpool(scope_now)

    hub: LiveHub = request.app.state.live
    # A browser that reconnects sends both; its Last-Event-ID is the newer.
    start = _number(last_event_id) if last_event_id else after
    return StreamingResponse(
        hub.stream(start, scope),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


def _number(last_event_id: str) -> int:
    if not last_event_id.isascii() or not last_event_id.isdigit() or len(last_event_id) > 18:
        raise ProblemError(422, "Last-Event-ID is not a number that this server gave out", field="Last-Event-ID")
    return int(last_event_id)
