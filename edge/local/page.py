"""The local page as the configuration wants it: begun, replaced and ended without the supervisor waiting for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edge.config.local import LocalSettings
from edge.view import Box

if TYPE_CHECKING:
    from edge.local.server import LocalServer


class LocalPage:
    """Serves the page if there are settings for it. Used by one thread."""

    def __init__(self, state_dir: Path, box: Box) -> None:
        self._state_dir = state_dir
        self._box = box
        self._settings: LocalSettings | None = None
        self._server: LocalServer | None = None

    def adopt(self, settings: LocalSettings | None) -> None:
        """Takes up settings; returns at once. A change may have come through the page that it replaces."""
        if settings == self._settings:
            return
        before, self._server, self._settings = self._server, None, settings
        if before is not None:
            before.end_soon()
        if settings is not None:
            # Only who serves the page pays for its libraries: 12 MB.
            from edge.local.server import LocalServer

            self._server = LocalServer(settings, self._state_dir, self._box)
            self._server.start(after=before)

    def stop(self, timeout_seconds: float = 5.0) -> bool:
        """Ends it. Returns whether it has ended in time."""
        return self._server is None or self._server.stop(timeout_seconds)
