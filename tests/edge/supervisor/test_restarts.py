"""How often a child may be started anew."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from edge.supervisor.restarts import FIRST_DELAY_SECONDS, RestartLimit, Restarts

LIMIT = RestartLimit(most=5, window_seconds=300.0)


def after(ends: list[float], ran_seconds: float = 1.0, limit: RestartLimit = LIMIT) -> Restarts:
    restarts = Restarts()
    for at in ends:
        restarts = restarts.after_end(at, ran_seconds, limit)
    return restarts


def test_the_first_restart_waits_for_nothing_and_further_ones_ever_longer() -> None:
    delays = []
    restarts = Restarts()
    now = 1000.0
    for _ in range(LIMIT.most):
        restarts = restarts.after_end(now, 1.0, LIMIT)
        delays.append(restarts.next_start(LIMIT) - now)
        now = restarts.next_start(LIMIT) + 1.0
    assert delays[0] == 0
    assert delays[1] == FIRST_DELAY_SECONDS
    assert all(later == 2 * earlier for earlier, later in pairwise(delays[1:]))
    assert not restarts.exceeded


def test_beyond_the_limit_there_is_one_try_a_window_for_ever() -> None:
    restarts = after([0, 1, 2, 3, 4, 5])
    assert restarts.exceeded
    now = restarts.next_start(LIMIT)
    assert now == 5 + LIMIT.window_seconds
    for _ in range(100):
        restarts = restarts.after_end(now + 1, 1.0, LIMIT)
        assert restarts.exceeded, "a try that fails at once does not earn five quick ones"
        assert restarts.next_start(LIMIT) == now + 1 + LIMIT.window_seconds
        now = restarts.next_start(LIMIT)
    assert restarts.total == 106


def test_who_held_for_a_window_begins_anew() -> None:
    restarts = after([0, 1, 2, 3, 4, 5])
    held = restarts.after_end(1000.0, LIMIT.window_seconds, LIMIT)
    assert not held.exceeded
    assert held.next_start(LIMIT) == 1000.0


def test_who_never_ended_may_start_at_once() -> None:
    assert Restarts().next_start(LIMIT) == float("-inf")


@given(
    gaps=st.lists(st.integers(0, 1000), min_size=1, max_size=60),
    most=st.integers(1, 8),
    window_seconds=st.integers(1, 500),
)
def test_never_more_than_the_limit_and_one_start_in_any_window(gaps: list[int], most: int, window_seconds: int) -> None:
    """Whatever the child does, starts are bounded and there is always a next one."""
    limit = RestartLimit(most, window_seconds)
    restarts, now, starts = Restarts(), 0.0, []
    for gap in gaps:
        ended = now + gap
        restarts = restarts.after_end(ended, gap, limit)
        now = restarts.next_start(limit)
        assert ended <= now < float("inf")
        starts.append(now)
        assert len(restarts.ended_at) <= most + 1
    for begin in starts:
        quick = [start for start in starts if begin <= start < begin + window_seconds]
        assert len(quick) <= most + 1
