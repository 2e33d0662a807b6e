"""The application: nouns' routes put together, with the writer and the verifier behind them."""

from __future__ import annotations

import importlib.util
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.db import Database
from server.problems import install_problem_handlers
from server.routing.context import RoutingContextProvider
from server.settings import Settings

_NOUNS = ("accounts", "fleet", "ingest", "evidence", "audit", "grids", "alerts", "live")


def create_app(settings: Settings) -> FastAPI:
    """The whole server as an ASGI application. The database must have been migrated."""
    app = FastAPI(title="GridSentry", version="0.1.0", lifespan=_lifespan)
    app.state.settings = settings
    app.state.database = Database(settings.database_url, busy_seconds=settings.busy_seconds)
    app.state.routing = RoutingContextProvider(app.state.database)
    install_problem_handlers(app)
    for noun in _NOUNS:
        name = f"server.{noun}.routes"
        if importlib.util.find_spec(name) is not None:
            router: APIRouter = importlib.import_module(name).router
            app.include_router(router)
    app.add_middleware(RequestContext)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    try:
        yield
    finally:
        app.state.database.close()


class RequestContext:
    """Gives each request an id and each answer its security headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                headers.setdefault("X-Content-Type-Options", "nosniff")
            await send(message)

        await self._app(scope, receive, send_with_headers)
