"""Night flash: over midnight, on some evenings, for some groups, through a change of clocks."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from edge.detectors.traffic_signal.settings import FlashPeriod
from edge.detectors.traffic_signal.timetable import Timetable
from tests.edge.detectors.traffic_signal.machines import settings


def allowed(period: FlashPeriod, wall: datetime, zone: str = "Asia/Shanghai", group: str = "a") -> bool:
    return Timetable(settings(night_flash=(period,), timezone=zone)).allowed(group, wall) is not None


@pytest.mark.parametrize(
    ("hour", "minute", "expected"),
    [(22, 54, False), (22, 56, True), (0, 30, True), (5, 4, True), (5, 6, False), (12, 0, False)],
)
def test_over_midnight_with_five_minutes_of_grace(hour: int, minute: int, expected: bool) -> None:
    wall = datetime(2026, 3, 4, (hour - 8) % 24, minute, tzinfo=UTC)
    assert allowed(FlashPeriod(start=time(23), end=time(5)), wall) is expected


def test_the_weekday_is_that_of_the_evening() -> None:
    friday = FlashPeriod(start=time(23), end=time(5), weekdays=(5,))
    assert allowed(friday, datetime(2026, 3, 6, 18, 0, tzinfo=UTC))  # Saturday, two in the morning
    assert not allowed(friday, datetime(2026, 3, 7, 18, 0, tzinfo=UTC))


def test_only_the_groups_named() -> None:
    period = FlashPeriod(start=time(23), end=time(5), groups=("b",))
    night = datetime(2026, 3, 4, 18, 0, tzinfo=UTC)
    assert not allowed(period, night)
    assert allowed(period, night, group="b")


def test_the_night_when_clocks_are_set_back_is_an_hour_longer() -> None:
    period = FlashPeriod(start=time(23), end=time(5))
    assert allowed(period, datetime(2026, 10, 25, 3, 50, tzinfo=UTC), "Europe/Berlin")  # 4:50, winter time
    assert not allowed(period, datetime(2026, 10, 25, 4, 10, tzinfo=UTC), "Europe/Berlin")
    assert not allowed(period, datetime(2026, 10, 24, 3, 50, tzinfo=UTC), "Europe/Berlin")  # 5:50, summer time
