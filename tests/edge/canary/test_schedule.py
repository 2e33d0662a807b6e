"""When drills come by themselves."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from edge.canary.schedule import SPREAD_SECONDS, Schedule
from edge.config.canary import CanarySettings

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def due(schedule: Schedule, hours: float, begin: datetime = NOON, step: float = 30) -> list[float]:
    """Hours at which a drill was due."""
    return [
        seconds / 3600
        for seconds in range(0, int(hours * 3600), int(step))
        if schedule.is_due(float(seconds), begin + timedelta(seconds=seconds))
    ]


def test_drills_by_interval_begin_soon_after_the_start_and_keep_their_pace() -> None:
    found = due(Schedule(CanarySettings(every_seconds=7200), "c1"), 10)
    assert found[0] <= 600 / 3600
    assert len(found) == 5
    assert all(2 <= after - before < 2.02 for before, after in itertools.pairwise(found))


def test_drills_by_the_clock_come_once_each_day_a_little_later() -> None:
    found = due(Schedule(CanarySettings(at=("19:30", "03:15")), "c1"), 48)
    planned = [7.5, 15.25, 31.5, 39.25]
    assert len(found) == 4
    for at, plan in zip(found, planned, strict=True):
        assert 0 <= at - plan <= SPREAD_SECONDS / 3600 + 0.01


def test_sources_do_not_drill_in_the_same_second() -> None:
    times = {due(Schedule(CanarySettings(at=("19:30",)), f"c{number}"), 10, step=1)[0] for number in range(20)}
    assert len(times) > 15


@pytest.mark.parametrize("jump_hours", [-1.0, 1.0])
def test_a_clock_that_jumps_repeats_none_and_drops_none(jump_hours: float) -> None:
    schedule = Schedule(CanarySettings(at=("19:30",)), "c1")
    found = []
    for minute in range(24 * 60):
        jumped = minute >= 8 * 60 if jump_hours < 0 else minute >= 7 * 60
        wall = NOON + timedelta(minutes=minute) + timedelta(hours=jump_hours if jumped else 0)
        found += [wall] if schedule.is_due(minute * 60.0, wall) else []
    assert len(found) == 1


def test_what_lies_before_the_start_is_not_made_up_for() -> None:
    assert due(Schedule(CanarySettings(at=("11:50",)), "c1"), 20) == []


@pytest.mark.parametrize("value", [{}, {"every_seconds": 60, "at": ["10:00"]}, {"at": ["25:00"]}, {"every_seconds": 5}])
def test_a_schedule_is_one_or_the_other(value: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CanarySettings.model_validate(value)
