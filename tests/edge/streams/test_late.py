"""Judging that falls behind: nothing is kept waiting, and what is left out comes back."""

from __future__ import annotations

import time
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from edge.detectors.registry import FrameNeeds
from edge.sources.file import FileSource
from edge.streams.camera import CameraStream
from edge.streams.late import (
    CALM_SECONDS,
    KEEP_EVERY_SECONDS,
    LATE_SECONDS,
    PATIENCE_SECONDS,
    Baseline,
    LateGuard,
    Shedding,
)
from tests.edge.video import record


def test_the_baseline_is_the_least_delay_and_bears_drift() -> None:
    baseline = Baseline()
    assert baseline.saw(0, 100.0) == 0
    assert abs(baseline.saw(1, 101.5) - 0.5) < 0.001
    assert baseline.saw(2, 101.8) == 0, "earlier than ever: the new baseline"
    late = [baseline.saw(2 + t * (1 - 100e-6), 101.8 + t) for t in range(0, 86_400, 60)]
    assert max(late) < 0.05, "a clock that runs 100 ppm slow for a day"


def test_a_burst_after_a_pause_is_no_reason_to_leave_anything_out() -> None:
    guard = LateGuard()
    now = 0.0
    for lag in (0.1, 4.0, 3.5, 2.5, 1.5, 1.1, 0.4, 0.1):
        now += 0.5
        assert guard.saw(lag, now) is Shedding.NOTHING


def test_steps_are_taken_one_by_one_and_back() -> None:
    guard = LateGuard()
    seen = [guard.saw(LATE_SECONDS + 1 + n * 0.05, n * 0.1) for n in range(int(PATIENCE_SECONDS * 10 * 4))]
    assert sorted(set(seen)) == list(Shedding)
    assert seen == sorted(seen)
    assert seen.index(Shedding.FRAMES) >= PATIENCE_SECONDS * 10
    calm = [guard.saw(0.1, 100 + n * 0.1) for n in range(int(CALM_SECONDS * 10 * 4))]
    assert calm == sorted(calm, reverse=True)
    assert calm[-1] is Shedding.NOTHING


def test_a_picture_a_second_is_judged_however_late() -> None:
    guard = LateGuard()
    for n in range(100):
        guard.saw(9.0 + n, n * 0.1)
    kept = [n / 25 for n in range(250) if not guard.drops(n / 25)]
    assert len(kept) >= 10 / KEEP_EVERY_SECONDS - 1
    guard.saw(0.2, 50)
    assert not guard.drops(20.0), "while on time nothing is dropped, even before the calm is proven"


@given(st.lists(st.tuples(st.floats(0, 20), st.floats(0.01, 3)), max_size=80))
def test_it_never_moves_by_more_than_a_step(steps: list[tuple[float, float]]) -> None:
    guard, now, before = LateGuard(), 0.0, Shedding.NOTHING
    for lag, wait in steps:
        now += wait
        after = guard.saw(lag, now)
        assert abs(after - before) <= 1
        before = after


class _Buffered(FileSource):
    """A recording that comes like a camera behind a network: what is not taken in its time waits in buffers."""

    live = True


def test_a_slow_detector_sees_what_it_can_and_no_memory_grows(tmp_path: Path) -> None:
    """Twenty pictures a second, of which a detector manages five; then it is quick again."""
    path = record(tmp_path / "clip.mp4", seconds=2, fps=20, gop=20)
    with _Buffered(path, realtime=True, loop=True) as source:
        stream = CameraStream("slow", source, needs=[FrameNeeds()], history_seconds=3)
        slow_until = time.monotonic() + 6
        judged, lags = 0, []
        for _frame in stream.frames():
            if time.monotonic() < slow_until:
                time.sleep(0.2)
            judged += 1
            lags.append(stream.lag_seconds)
            if time.monotonic() > slow_until and stream.lag_seconds < 0.1:
                break
            assert time.monotonic() < slow_until + 30, "it never caught up"
        assert stream.ring.seconds <= 4.1, "what waits is not kept"
    assert stream.dropped["late"] > 10
    assert judged + stream.dropped["late"] == stream.frames_decoded
    # Without leaving anything out it would end 4.5 s late.
    assert max(lags) < 4
