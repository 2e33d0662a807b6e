"""A clock that is set is seen, one that is steered is not."""

from __future__ import annotations

import pytest

from contract.events import Clock
from edge.clock import DISTRUST_SECONDS, ClockWatch, clock_state


class Clocks:
    """A wall clock and a steady one, moved together and apart."""

    def __init__(self) -> None:
        self.steady = 100.0
        self.ahead = 1_790_000_000.0
        self.kernel = Clock(synced=True, offset_seconds=0.002)
        self.watch = ClockWatch(lambda: self.kernel, lambda: self.steady + self.ahead, lambda: self.steady)

    def after(self, seconds: float, *, moved: float = 0.0) -> Clock:
        self.steady += seconds
        self.ahead += moved
        return self.watch.state()


@pytest.mark.parametrize("jump", [3600.0, -3600.0, 2.5, -2.5])
def test_a_jump_is_unsynced_with_its_size_and_trusted_again_later(jump: float) -> None:
    clocks = Clocks()
    assert clocks.after(1) == Clock(synced=True, offset_seconds=0.002)
    assert clocks.after(10, moved=jump) == Clock(synced=False, offset_seconds=jump)
    assert not clocks.after(DISTRUST_SECONDS - 20).synced
    assert clocks.after(30).synced


def test_a_clock_that_is_set_right_again_says_how_far_it_is_from_where_it_was_trusted() -> None:
    clocks = Clocks()
    clocks.after(1)
    clocks.after(1, moved=3600)
    assert clocks.after(60, moved=-3600) == Clock(synced=False, offset_seconds=0.0)


def test_steering_and_leap_seconds_are_no_jump() -> None:
    clocks = Clocks()
    clocks.after(1)
    for _ in range(200):
        assert clocks.after(60, moved=0.03).synced, "500 parts in a million"
    assert clocks.after(5, moved=1.0).synced
    assert clocks.after(7200, moved=3.6).synced, "nobody asked for two hours"


def test_the_kernel_is_asked_every_half_minute() -> None:
    clocks = Clocks()
    clocks.after(1)
    clocks.kernel = Clock(synced=False)
    assert clocks.after(20).synced
    assert not clocks.after(20).synced


def test_this_machine_answers() -> None:
    assert isinstance(clock_state(), Clock)
