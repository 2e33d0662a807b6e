"""The local page's server beside the supervisor's loop: replacing it takes seconds that the loop does not have."""

from __future__ import annotations

import queue
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from edge.config.local import LocalSettings
from edge.view import Box

if TYPE_CHECKING:
    from edge.local.server import LocalServer

log = structlog.get_logger("supervisor")

CLOSE_SECONDS = 3.0


class LocalPage:
    """Serves the page with the settings given last, or not at all."""

    def __init__(self, box: Box, state_dir: Path) -> None:
        self._box = box
        self._state_dir = state_dir
        self._orders: queue.SimpleQueue[LocalSettings | None] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def show(self, settings: LocalSettings | None) -> None:
        """Serves with these settings from soon on; None: not any more. Returns at once."""
        if settings is None and self._thread is None:
            return
        self._orders.put(settings)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="local page keeper", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Ends it; waits a little."""
        if self._thread is not None:
            self._closing.set()
            self._orders.put(None)
            self._thread.join(CLOSE_SECONDS)

    def _work(self) -> None:
        server: LocalServer | None = None
        while not self._closing.is_set():
            settings = self._orders.get()
            try:
                if server is not None:
                    server.stop()
                server = None if settings is None else self._started(settings)
            except Exception:
                log.exception("the local page cannot be served")

    def _started(self, settings: LocalSettings) -> LocalServer:
        from edge.local.server import LocalServer

        server = LocalServer(settings, self._state_dir, self._box)
        server.start()
        return server
