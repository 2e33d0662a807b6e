"""When a drill is due. Pure: time comes from the frames."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from edge.config.canary import CanarySettings

FIRST_WITHIN_SECONDS = 600.0
SPREAD_SECONDS = 300.0
LATE = timedelta(minutes=30)
"""A time of day that passed while nobody looked, or that a clock jumped over, is made up for until then."""


class Schedule:
    """The drills of one source. Wall times decide the day's times, and each comes once, whatever the clock does."""

    def __init__(self, settings: CanarySettings, source_id: str) -> None:
        self._settings = settings
        self._share = int.from_bytes(hashlib.sha256(source_id.encode()).digest()[:4]) / 2**32
        self._next: float | None = None
        self._began: datetime | None = None
        self._done: dict[str, datetime] = {}

    def is_due(self, seconds: float, wall_time: datetime) -> bool:
        """Whether a drill is due at this instant of the source's time and of the wall clock. True once for each."""
        if self._settings.every_seconds is not None:
            return self._is_due_by_interval(self._settings.every_seconds, seconds)
        return self._is_due_by_clock(wall_time.astimezone(UTC))

    def _is_due_by_interval(self, every_seconds: float, seconds: float) -> bool:
        if self._next is None:
            self._next = seconds + self._share * min(every_seconds, FIRST_WITHIN_SECONDS)
        if seconds < self._next:
            return False
        self._next = seconds + every_seconds
        return True

    def _is_due_by_clock(self, now: datetime) -> bool:
        if self._began is None:
            self._began = now
        put_off = timedelta(seconds=self._share * SPREAD_SECONDS)
        for text in self._settings.at:
            hour, minute = text.split(":")
            planned = now.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0) + put_off
            if planned > now:
                planned -= timedelta(days=1)
            last = self._done.get(text)
            # Half a day apart at the least: a clock that is set back by an hour passes the same time twice.
            if now - planned > LATE or planned < self._began or (last and now - last < timedelta(hours=12)):
                continue
            self._done[text] = now
            return True
        return False
