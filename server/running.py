"""Serving: migrations, secrets, socket, uvicorn."""

from __future__ import annotations

import gc
import signal
import socket
import sys
from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI

from server.accounts.service import refuse_default_secrets
from server.app import create_app
from server.db import Database
from server.demo import ensure_demo_accounts
from server.live.hub import LiveHub
from server.logs import configure_logs
from server.migrations import upgrade
from server.settings import Settings

_log = structlog.get_logger(__name__)

_GRACE_SECONDS = 3
"""For requests under way when we are told to stop."""


class PortInUseError(RuntimeError):
    """We cannot listen where we were told to."""


def serve(settings: Settings, *, host: str, port: int, log_json: bool) -> None:
    """Serves until SIGINT or SIGTERM.

    Raises:
        DefaultSecretError, SchemaVersionError, DatabaseConfigError, PortInUseError: with what to do.
    """
    configure_logs(as_json=log_json)
    _prepare(settings)
    listener = _listen(host, port)
    application = create_app(settings)
    # What is loaded now stays: the collector need not look at it again and again (parsing −35 %, measured).
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    config = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        h11_max_incomplete_event_size=64 * 1024,
    )
    shown = f"[{host}]" if ":" in host else host
    _log.info("listening", address=f"http://{shown}:{listener.getsockname()[1]}", database=_name(settings))
    signal.signal(signal.SIGTERM, _end)  # uvicorn raises the signal again after its own shutdown
    try:
        _Server(config, application).run(sockets=[listener])
    except KeyboardInterrupt:
        _log.info("stopped")


class _Server(uvicorn.Server):
    """uvicorn, which waits for open requests when it stops: so the live streams, which have no end, are ended first."""

    def __init__(self, config: uvicorn.Config, application: FastAPI) -> None:
        super().__init__(config)
        self._application = application

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        hub: LiveHub = self._application.state.live
        hub.close()
        await super().shutdown(sockets)


def _prepare(settings: Settings) -> None:
    database = Database(settings.database_url, busy_seconds=settings.busy_seconds)
    try:
        upgrade(database)
        if settings.demo:
            ensure_demo_accounts(database)
            _log.warning("demo_accounts", advice="everybody knows their passwords; never on a network")
        else:
            with database.read() as connection:
                refuse_default_secrets(connection)
    finally:
        database.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise PortInUseError(f"cannot listen at {host} port {port}: {error.strerror}; choose another --port") from error


def _name(settings: Settings) -> str:
    database = Database(settings.database_url)
    return database.name


def _end(_number: int, _frame: FrameType | None) -> None:
    _log.info("stopped")
    sys.exit(0)
