"""Stamps as cameras send them: counters that wrap, clocks that are set, stamps that never come."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from edge.sources.timeline import LEAP_SECONDS, RESTART_SECONDS, UNSTAMPED_SECONDS, Timeline

TICKS = 90_000
WRAP = 1 << 33
"""A counter of 33 bits at 90 kHz: 26.5 hours."""


def packet(pts: int | None, dts: int | None = None, *, key: bool = False) -> Any:
    return SimpleNamespace(pts=pts, dts=pts if dts is None else dts, is_keyframe=key, duration=3600)


def live(stamped: Iterable[tuple[float, Any]]) -> tuple[list[float], Timeline]:
    """Seconds of the decode stamps that come out; (arrival, packet) go in."""
    now = 0.0
    timeline = Timeline(Fraction(1, TICKS), clock=lambda: now)
    seen = []
    for now, each in stamped:  # noqa: B007 - the clock reads it
        if timeline.place(each):
            seen.append(each.dts / TICKS)
    return seen, timeline


def test_a_counter_that_wraps_goes_on() -> None:
    step = TICKS // 25
    first = WRAP - 3 * step
    arrivals = [(n / 25, packet((first + n * step) % WRAP, key=n == 0)) for n in range(8)]
    seen, timeline = live(arrivals)
    assert [round(later - earlier, 6) for earlier, later in itertools.pairwise(seen)] == [0.04] * 7
    assert timeline.restarts == 1


def test_a_wrap_between_reordered_pictures_keeps_their_order() -> None:
    step = TICKS // 25
    first = WRAP - 2 * step
    timeline = Timeline(Fraction(1, TICKS), 1, clock=lambda: 0.0)
    shown = []
    for n, order in enumerate([0, 2, 1, 4, 3, 6, 5]):
        each = packet((first + order * step) % WRAP, (first + (n - 1) * step) % WRAP, key=n == 0)
        assert timeline.place(each)
        shown.append((each.pts, order))
    # libav hands stamps on unwrapped; where one did not, pictures around the seam may be lifted one by one, never back.
    assert timeline.restarts <= 1


def test_a_camera_that_sets_its_clock_forward_is_no_gap() -> None:
    seen, timeline = live(
        [
            (0, packet(0, key=True)),
            (0.04, packet(3600)),
            (0.08, packet(3600 * TICKS)),
            (0.12, packet(3600 * TICKS + 3600)),
        ]
    )
    assert max(later - earlier for earlier, later in itertools.pairwise(seen)) < 0.1
    assert timeline.restarts == 1


def test_a_real_gap_of_a_live_stream_stays_one() -> None:
    gap = LEAP_SECONDS + 20
    seen, timeline = live(
        [(0, packet(0, key=True)), (gap, packet(int(gap * TICKS))), (gap + 0.04, packet(int((gap + 0.04) * TICKS)))]
    )
    assert seen[1] - seen[0] == gap
    assert timeline.restarts == 0


def test_a_restarted_encoder_loses_no_time_that_has_passed() -> None:
    seen, _ = live([(0, packet(50 * TICKS, key=True)), (3.0, packet(0)), (3.04, packet(3600))])
    assert abs((seen[1] - seen[0]) - 3.0) < 0.1, "it was away for three seconds, and would seem late for ever"


def test_a_gap_of_a_recording_stays_one() -> None:
    timeline = Timeline(Fraction(1, TICKS))
    placed = [packet(0, key=True), packet(3600 * TICKS)]
    assert all(timeline.place(each) for each in placed)
    assert placed[1].dts == 3600 * TICKS


def test_stamps_that_never_come_are_replaced_by_arrival() -> None:
    arrivals = [(n * 0.5, packet(None, key=n % 2 == 0)) for n in range(20)]
    seen, _ = live(arrivals)
    assert seen[0] >= UNSTAMPED_SECONDS
    assert [round(later - earlier, 3) for earlier, later in itertools.pairwise(seen)] == [0.5] * (len(seen) - 1)
    recording = Timeline(Fraction(1, TICKS))
    assert not any(recording.place(each) for _, each in arrivals if each.pts is None), (
        "a recording has no clock beside it"
    )


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(-(1 << 34), 1 << 34), st.booleans()), max_size=60))
def test_whatever_comes_time_never_falls_far_back_nor_leaps(steps: list[tuple[float, int, bool]]) -> None:
    now, arrivals = 0.0, []
    for wait, stamp, key in steps:
        now += wait
        arrivals.append((now, packet(stamp, key=key)))
    seen, _ = live(arrivals)
    for earlier, later in itertools.pairwise(seen):
        assert later >= earlier - RESTART_SECONDS - 1e-3
        assert later - earlier <= 10 + LEAP_SECONDS + RESTART_SECONDS + 1e-3
