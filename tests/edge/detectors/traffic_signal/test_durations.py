"""Durations that are normal: from the plan, then learned by hour of the week, forgotten slowly, saved compactly."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta

import pytest

from edge.detectors.traffic_signal.durations import CYCLE, ENOUGH, Durations, Quantiles
from edge.detectors.traffic_signal.settings import Colour, GroupPlan, HeadKind
from tests.edge.detectors.traffic_signal.machines import NOON, PLAN, head, settings

PLANNED = settings(plan=PLAN)
BARE = settings(plan={})


def known(durations: Durations, state: str, group: str = "a") -> Quantiles:
    """What is known of a state, which must be known."""
    found = durations.of(group, state)
    assert found is not None
    return found


def at(hours: float) -> datetime:
    return NOON + timedelta(hours=hours)


def test_the_plan_answers_until_something_is_learned() -> None:
    durations = Durations(PLANNED)
    assert known(durations, "green").p50 == 22
    assert durations.of("a", "white") is None
    assert Durations(BARE).of("a", "green") is None


def test_what_is_learned_widens_the_plan_and_then_replaces_it() -> None:
    durations = Durations(PLANNED)
    durations.tell(NOON)
    for _ in range(20):
        durations.learn("a", "green", 40.0)
    durations.tell(NOON)
    few = known(durations, "green")
    assert (few.p1, few.p99) == (22.0, pytest.approx(40, rel=0.06))
    for _ in range(300):
        durations.learn("a", "green", 40.0)
    durations.tell(NOON)
    many = known(durations, "green")
    assert many.p1 == pytest.approx(40, rel=0.06)


def test_quantiles_are_those_of_what_was_seen() -> None:
    rng = random.Random(1)
    seen = sorted(rng.uniform(20, 60) for _ in range(2000))
    durations = Durations(BARE)
    durations.tell(NOON)
    for seconds in rng.sample(seen, len(seen)):
        durations.learn("a", "red", seconds)
    durations.tell(at(48))
    learned = known(durations, "red")
    assert learned.p1 == pytest.approx(seen[20], rel=0.06)
    assert learned.p50 == pytest.approx(seen[1000], rel=0.06)
    assert learned.p99 == pytest.approx(seen[1980], rel=0.06)


def test_each_hour_of_the_week_has_its_own_once_it_was_learnedenough() -> None:
    durations = Durations(BARE)
    for week in range(3):
        for hour, seconds in ((8, 80.0), (14, 40.0)):
            durations.tell(datetime(2026, 3, 2 + 7 * week, hour - 8, 30, tzinfo=UTC))  # a Monday, local time
            for _ in range(ENOUGH):
                durations.learn("a", "green", seconds)
    durations.tell(datetime(2026, 3, 23, 0, 30, tzinfo=UTC))
    assert known(durations, "green").p50 == pytest.approx(80, rel=0.02)
    durations.tell(datetime(2026, 3, 23, 6, 30, tzinfo=UTC))
    assert known(durations, "green").p99 == pytest.approx(40, rel=0.02)
    durations.tell(datetime(2026, 3, 24, 2, 30, tzinfo=UTC))  # Tuesday at ten: its part of the day answers
    pooled = known(durations, "green")
    assert pooled.p99 == pytest.approx(40, rel=0.06)


def test_the_hour_is_that_of_the_zone_with_its_change_of_clocks() -> None:
    durations = Durations(settings(plan={}, timezone="Europe/Berlin"))
    winter, summer = datetime(2026, 3, 23, 7, 30, tzinfo=UTC), datetime(2026, 3, 30, 6, 30, tzinfo=UTC)
    durations.tell(winter)
    for _ in range(ENOUGH):
        durations.learn("a", "green", 30.0)
    durations.tell(winter + timedelta(hours=2))
    for _ in range(200):
        durations.learn("a", "green", 60.0)
    durations.tell(summer)  # both are Monday, half past eight
    assert known(durations, "green").p50 == pytest.approx(30, rel=0.02)


def test_one_outlier_moves_little() -> None:
    durations = Durations(BARE)
    durations.tell(NOON)
    for _ in range(200):
        durations.learn("a", "red", 50.0)
    durations.learn("a", "red", 600.0)
    durations.tell(NOON)
    assert known(durations, "red").p99 < 90


def test_the_old_fades_within_weeks() -> None:
    durations = Durations(BARE)
    durations.tell(NOON)
    for _ in range(20_000):
        durations.learn("a", "green", 30.0)
    for _ in range(40_000):
        durations.learn("a", "green", 45.0)
    durations.tell(at(60))
    learned = known(durations, "green")
    assert learned.p50 == pytest.approx(45, rel=0.06)
    assert learned.n <= 20_001


def test_sixteen_heads_with_a_full_week_are_saved_in_a_hundred_kilobytes() -> None:
    sixteen = settings({f"h{i}": head(f"g{i}") for i in range(16)}, plan={}, conflicts=())
    rng = random.Random(2)
    durations = Durations(sixteen)
    for hour in range(168):
        durations.tell(at(hour))
        for group in range(16):
            for state, seconds in (("red", 60), ("amber", 3), ("green", 30), (CYCLE, 95)):
                for _ in range(6):
                    durations.learn(f"g{group}", state, seconds * rng.uniform(0.5, 2))
    saved = json.dumps(durations.save())
    assert len(saved) < 100_000
    again = Durations(sixteen)
    again.load(json.loads(saved))
    durations.tell(NOON)
    again.tell(NOON)
    before, after = durations.of("g3", "red"), again.of("g3", "red")
    assert before is not None
    assert after is not None
    assert (after.p1, after.p50, after.p99) == pytest.approx((before.p1, before.p50, before.p99), rel=0.1)


def test_what_is_gone_from_the_settings_is_left_out() -> None:
    durations = Durations(PLANNED)
    durations.learn("a", "green", 20.0)
    durations.learn("b", "green", 20.0)
    other = Durations(settings({"x": head("b")}))
    other.load(durations.save())
    assert {name.split()[0] for name in other.save()} == {"b"}


def test_a_cycle_is_known_from_the_plan_and_then_from_what_was_seen() -> None:
    durations = Durations(PLANNED)
    planned = durations.cycle("a").cycle
    assert planned is not None
    assert planned.p50 == 60
    durations.tell(NOON)
    for _ in range(10):
        durations.learn("a", CYCLE, 75.0)
    durations.tell(NOON)
    learned = durations.cycle("a")
    assert learned.cycle is not None
    assert learned.cycle.p50 == pytest.approx(75, rel=0.06)
    assert set(learned.states) == {"red", "amber", "green"}


def test_heads_that_are_dark_by_nature_have_it_from_the_plan() -> None:
    arrow = settings(
        {"t": head("t", colours=(Colour.GREEN,), kind=HeadKind.ARROW)},
        plan={"t": GroupPlan(durations={}, dark_seconds=70)},
    )
    assert known(Durations(arrow), "dark", "@t").p99 == 70
