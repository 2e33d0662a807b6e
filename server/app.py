"""The application: the nouns' routes put together, with the writer and the verifier behind them."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import server.accounts.routes
import server.accounts.service
import server.alerts.routes
import server.audit.routes
import server.evidence.routes
import server.fleet.routes
import server.grids.routes
import server.health
import server.ingest.routes
import server.live.routes
import server.mosaics.routes
from server.alerts.canaries import CanaryCloser
from server.console_files import mount_console
from server.db import Database
from server.evidence.files import EvidenceFiles
from server.evidence.janitor import EvidenceJanitor
from server.ingest.chains import ChainVerifier
from server.ingest.dead_letters import DeadLetterLimits
from server.ingest.writer import Writer
from server.mosaics.shelf import MosaicShelf
from server.problems import PROBLEM_SCHEMAS, install_problem_handlers
from server.routing.context import RoutingContextProvider
from server.settings import Settings

VERSION = "0.1.0"

_NOUNS = (
    server.ingest,
    server.evidence,
    server.fleet,
    server.accounts,
    server.alerts,
    server.live,
    server.grids,
    server.mosaics,
    server.audit,
)
_TAGS = [
    {"name": "ingest", "description": "Batches of events from devices; dead letters"},
    {"name": "evidence", "description": "Files that support events: resumable uploads, and their way to the browser"},
    {"name": "fleet", "description": "Devices and sources"},
    {"name": "accounts", "description": "Signing in and out"},
    {"name": "alerts", "description": "Queues, alerts, claims and verdicts"},
    {"name": "live", "description": "Changes as they happen"},
    {"name": "grids", "description": "The areas in whose queues alerts wait"},
    {"name": "mosaics", "description": "Pictures of the ground from survey flights, as a layer of the map"},
    {"name": "audit", "description": "Who did what"},
    {"name": "health", "description": "Is the server there, is it ready?"},
]


def create_app(settings: Settings) -> FastAPI:
    """The whole server as an ASGI application. The database must have been migrated."""
    app = _Application(
        title="GridSentry",
        version=VERSION,
        summary="From an event at the edge to an operator's verdict",
        openapi_tags=_TAGS,
        docs_url=None,  # they load scripts from a CDN: no network, and the CSP forbids it
        redoc_url=None,
        openapi_url=None,  # the description lies in docs/reference; a stranger gets nothing
        lifespan=_lifespan,
    )
    database = Database(settings.database_url, busy_seconds=settings.busy_seconds)
    limits = DeadLetterLimits(settings.dead_letters_max_count, settings.dead_letters_max_bytes)
    app.state.settings = settings
    app.state.database = database
    app.state.routing = RoutingContextProvider(database)
    app.state.evidence_files = EvidenceFiles(settings.data_dir / "evidence")
    app.state.mosaic_shelf = MosaicShelf(settings.mosaics_dir)
    app.state.chain_verifier = ChainVerifier(database)
    app.state.writer = Writer(database, app.state.routing, limits, app.state.chain_verifier.note)
    install_problem_handlers(app)
    for noun in _NOUNS:
        app.include_router(noun.routes.router)
    app.include_router(server.health.router)
    mount_console(app, settings.console_dir)
    app.add_middleware(RequestContext)
    return app


class _Application(FastAPI):
    """FastAPI, whose OpenAPI document knows our problem JSON instead of its own error shape."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            document = get_openapi(
                title=self.title,
                version=self.version,
                summary=self.summary,
                routes=self.routes,
                tags=self.openapi_tags,
            )
            schemas = document["components"]["schemas"]
            for replaced in ("HTTPValidationError", "ValidationError"):
                schemas.pop(replaced, None)
            schemas |= PROBLEM_SCHEMAS
            self.openapi_schema = document
        return self.openapi_schema


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    database: Database = app.state.database
    verifier: ChainVerifier = app.state.chain_verifier
    writer: Writer = app.state.writer
    with database.write() as connection:
        idle = timedelta(hours=settings.session_idle_hours)
        server.accounts.service.forget_expired_sessions(connection, idle)
    verifier.start()
    writer.start()
    closer = CanaryCloser(database, timedelta(seconds=settings.canary_close_seconds))
    closer.start()
    janitor = EvidenceJanitor(database, app.state.evidence_files, timedelta(days=settings.evidence_partial_days))
    janitor.start()
    try:
        yield
    finally:
        # In this order: what was accepted is committed, what was committed may be checked at the next start.
        await run_in_threadpool(closer.stop)
        await run_in_threadpool(janitor.stop)
        await run_in_threadpool(writer.stop)
        await run_in_threadpool(verifier.stop)
        database.close()


class RequestContext:
    """Gives each request an id and each answer its security headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # Not the client's own: an id in the audit log is ours to give.
        request_id = uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Referrer-Policy", "no-referrer")
                headers.setdefault("X-Frame-Options", "DENY")
                headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
                if scope["path"].startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self._app(scope, receive, send_with_headers)
