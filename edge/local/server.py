"""Serves the local page from one thread of the supervisor, without ever being in its way."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import structlog
import uvicorn

from edge.config.local import LocalSettings
from edge.local.access import AccessError, Owner
from edge.local.app import local_app
from edge.view import Box

FIRST_WAIT_SECONDS = 1.0
MAX_WAIT_SECONDS = 30.0
GRACE_SECONDS = 2
"""An answer takes milliseconds; a picture at most the time limit of a call, and nobody waits for it at the end."""
BACKLOG = 64
MAX_CONNECTIONS = 64
"""A browser opens six, Prometheus one."""

log = structlog.get_logger("local")


class LocalServer:
    """The page's server. Whatever happens to it is logged and tried again; nothing of it reaches the caller."""

    def __init__(self, settings: LocalSettings, state_dir: Path, box: Box) -> None:
        self._settings = settings
        self._state_dir = state_dir
        self._owner = Owner(state_dir)
        self._box = box
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins to serve soon; returns at once."""
        assert self._thread is None, "a server is started once"
        self._thread = threading.Thread(target=self._work, name="local page", daemon=True)
        self._thread.start()

    def stop(self, timeout_seconds: float = GRACE_SECONDS + 3.0) -> bool:
        """Ends it; running answers get a moment. Returns whether it has ended. The port is free then."""
        self._stopping.set()
        with self._lock:
            if self._server is not None:
                self._server.should_exit = True
        if self._thread is None:
            return True
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def _work(self) -> None:
        wait = FIRST_WAIT_SECONDS
        while not self._stopping.is_set():
            try:
                self._serve()
                wait = FIRST_WAIT_SECONDS
            except (AccessError, OSError) as error:
                log.error("the local page is not served, will be tried again", reason=str(error), seconds=wait)
            except (Exception, SystemExit):  # uvicorn ends its program when it cannot start: not ours
                log.exception("the local page broke, it will be started again", seconds=wait)
            if self._stopping.wait(wait):
                return
            wait = min(MAX_WAIT_SECONDS, 2 * wait)

    def _serve(self) -> None:
        settings = self._settings
        self._owner.load()
        with _listening(settings) as listening:
            config = uvicorn.Config(
                local_app(settings, self._owner, self._box, self._state_dir),
                # Named, not found out: what else is installed on the box must not change how it serves.
                loop="asyncio",
                http="h11",
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=MAX_CONNECTIONS,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
            server = uvicorn.Server(config)
            with self._lock:
                if self._stopping.is_set():
                    return
                self._server = server
            log.info("serving the local page", url=_url(settings))
            try:
                server.run(sockets=[listening])
            finally:
                with self._lock:
                    self._server = None


def _listening(settings: LocalSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # The protocol by name: asyncio sends small answers at once (TCP_NODELAY) only where it reads TCP here, and each
    # answer would wait 40 ms for the other side's acknowledgement.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((settings.host, settings.port))
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def _url(settings: LocalSettings) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{settings.port}/"
