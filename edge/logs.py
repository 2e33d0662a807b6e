"""Logs to standard error, for people or as JSON, and a guard against saying the same thing for ever."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog

REPEAT_SECONDS = 60.0
"""A fault that goes on is said again once a minute, with how often it was seen in between."""


def configure(*, as_json: bool, level: int = logging.INFO) -> None:
    """Sends every log line to standard error."""
    renderer: Any = structlog.processors.JSONRenderer(ensure_ascii=False)
    if not as_json:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


class Repeats:
    """Says whether a repeated message is due, and how often it was held back. Safe for several threads."""

    def __init__(self, seconds: float = REPEAT_SECONDS, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._monotonic = monotonic
        self._said: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def due(self, key: str) -> int | None:
        """How often `key` was held back since it was last due; None: hold it back now."""
        now = self._monotonic()
        with self._lock:
            said_at, held_back = self._said.get(key, (float("-inf"), 0))
            if now - said_at < self._seconds:
                self._said[key] = (said_at, held_back + 1)
                return None
            self._said[key] = (now, 0)
            return held_back

    def forget(self, key: str) -> None:
        """The fault is over: its next occurrence is news."""
        with self._lock:
            self._said.pop(key, None)
