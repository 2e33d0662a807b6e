"""When heads may flash: night flash as the settings have it."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from edge.detectors.traffic_signal.settings import FlashPeriod, TrafficSignalSettings

MARGIN = timedelta(minutes=5)
"""A controller's clock is not ours, and it ends a cycle before it flashes."""


class Timetable:
    """Answers which period of night flash holds for a phase group at a wall time."""

    def __init__(self, settings: TrafficSignalSettings) -> None:
        self._periods = settings.night_flash
        self._zone = ZoneInfo(settings.timezone)

    @property
    def empty(self) -> bool:
        return not self._periods

    def allowed(self, group: str, wall_time: datetime) -> FlashPeriod | None:
        """The period in which the group may flash now, with a margin of five minutes; None: it may not."""
        for period in self._periods:
            if (not period.groups or group in period.groups) and self._holds(period, wall_time):
                return period
        return None

    def any_allowed(self, wall_time: datetime) -> bool:
        """Whether any group may flash now."""
        return any(self._holds(period, wall_time) for period in self._periods)

    def _holds(self, period: FlashPeriod, wall_time: datetime) -> bool:
        local = wall_time.astimezone(self._zone)
        for days in (-1, 0, 1):
            evening = local.date() + timedelta(days=days)
            if period.weekdays and evening.isoweekday() not in period.weekdays:
                continue
            start = datetime.combine(evening, period.start, self._zone)
            morning = evening + timedelta(days=1) if period.end < period.start else evening
            end = datetime.combine(morning, period.end, self._zone)
            # Compared in UTC: an evening with a change of clocks is an hour longer or shorter.
            if (
                start.timestamp() - MARGIN.total_seconds()
                <= local.timestamp()
                < end.timestamp() + MARGIN.total_seconds()
            ):
                return True
        return False
