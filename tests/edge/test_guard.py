"""A detector behind its guard: no more frames than it asked for, and what it breaks is only itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.events import Phase
from edge.detectors.interface import Frame, Observation, Visibility
from edge.detectors.policy import EpisodePolicy
from edge.detectors.registry import FrameNeeds
from edge.guard import MAX_BACKOFF_SECONDS, GuardedDetector
from edge.pipeline import CameraPipeline, LivePart, episodes_name
from edge.status import SourceMeter
from edge.streams.rate import RateLimit
from tests.edge.parts import T0, moment, observation, tracker, writer
from tests.edge.test_pipeline import Kept

LUMA = np.zeros((4, 4), np.uint8)
COLOUR = np.zeros((4, 4, 3), np.uint8)


def frame(t: float) -> Frame:
    return Frame(
        "c", round(t * 25), t, T0 + timedelta(seconds=t), LUMA, lambda region=None: np.zeros((4, 4, 3), np.uint8)
    )


class Watching:
    """Observes something at every frame; breaks while told to."""

    name = "d"
    version = "1"

    def __init__(self, log: list[float], broken: list[bool]) -> None:
        self._log = log
        self._broken = broken
        self.visibility = Visibility.CLEAR

    def observe(self, shown: Frame) -> Sequence[Observation]:
        self._log.append(shown.media_time)
        if self._broken[0]:
            raise ZeroDivisionError("a fault of ours")
        return [observation(shown.media_time)]


class Guarded:
    """A guarded detector, what it looked at, and how often it was built."""

    def __init__(self, fps: float = 25) -> None:
        self.looked: list[float] = []
        self.broken = [False]
        self.built = 0
        self.guard = GuardedDetector("c", FrameNeeds(fps=fps), self.build)

    def build(self) -> Watching:
        self.built += 1
        return Watching(self.looked, self.broken)


def test_a_detector_sees_no_more_frames_than_it_asked_for() -> None:
    slow = Guarded(fps=5)
    said = [bool(slow.guard.observe(frame(number / 25))) for number in range(250)]
    assert sum(said) == len(slow.looked) == pytest.approx(50, abs=1)
    gaps = np.diff(slow.looked)
    assert gaps.max() <= 0.24


@given(st.floats(1, 30), st.lists(st.floats(0.005, 3), min_size=30, max_size=200))
def test_a_rate_is_kept_however_frames_come(fps: float, waits: list[float]) -> None:
    rate = RateLimit(fps)
    times = np.cumsum(waits)
    passed = [t for t in times if rate.wants(float(t))]
    assert len(passed) <= (times[-1] - times[0]) * fps * 1.01 + len(waits) * 0.01 + 2


def test_one_that_breaks_is_built_anew_later_each_time_and_says_so() -> None:
    breaking = Guarded()
    breaking.broken[0] = True
    for number in range(25 * 40):
        assert breaking.guard.observe(frame(number / 25)) == ()
    assert breaking.looked == [0, 1, 3, 7, 15, 31]
    assert breaking.guard.faults == 6
    assert breaking.guard.visibility is Visibility.INVALID
    assert breaking.guard.fault == "ZeroDivisionError: a fault of ours"
    breaking.broken[0] = False
    assert breaking.guard.observe(frame(31 + MAX_BACKOFF_SECONDS))
    assert (breaking.guard.visibility, breaking.guard.fault) == (Visibility.CLEAR, "")
    assert breaking.built == 7


def test_a_broken_detector_leaves_the_others_alone() -> None:
    breaking, steady = Guarded(), Guarded()
    breaking.broken[0] = True
    kept, meter = Kept(), SourceMeter("c", "camera")
    detectors = {"broken": breaking.guard, "d": steady.guard}
    pipeline = CameraPipeline(detectors, tracker(), writer(), None, kept, LivePart(meter=meter))
    for number in range(100):
        pipeline.take(frame(number / 25))
    assert [phase for phase, _, _ in kept.story()] == [Phase.OPENED]
    assert len(steady.looked) == 100
    assert meter.frames_judged == 100
    assert meter.detector_faults == {"broken": 3}
    assert meter.broken_detectors == ("broken: ZeroDivisionError: a fault of ours",)
    assert pipeline.visibility is Visibility.INVALID
    assert pipeline.unknown_seconds == 0, "one of them sees"


class Sight:
    def __init__(self) -> None:
        self.inhibits: frozenset[str] = frozenset()


def test_what_a_blind_camera_shows_is_not_believed_and_holds_what_was_open() -> None:
    steady, sight = Guarded(), Sight()
    kept, meter = Kept(), SourceMeter("c", "camera")
    pipeline = CameraPipeline({"d": steady.guard}, tracker(5), writer(), None, kept, LivePart(0.0, sight, None, meter))

    def play(begin: float, end: float) -> None:
        for number in range(round(begin * 25), round(end * 25)):
            pipeline.take(frame(number / 25))

    sight.inhibits = frozenset({"d"})
    play(0, 3)
    assert kept.data == []
    assert meter.observations_inhibited == 75
    sight.inhibits = frozenset()
    play(3, 4)
    sight.inhibits = frozenset({"d"})
    play(4, 34)
    assert kept.story() == [(Phase.OPENED, 1, [])], "30 s of blindness end nothing"
    assert meter.open_episodes == 1
    steady.broken[0] = True
    sight.inhibits = frozenset()
    play(34, 38.9)
    assert len(kept.data) == 1, "silence began anew with the sight"
    play(38.9, 39.1)
    assert kept.story()[-1][0] is Phase.CLEARED


def test_a_stream_that_is_opened_again_goes_on_with_its_episodes() -> None:
    steady, kept, episodes = Guarded(), Kept(), tracker(5)
    first = CameraPipeline({"d": steady.guard}, episodes, writer(), None, kept, LivePart(1000.0))
    for number in range(50):
        first.take(frame(number / 25))
    first.finish(clear_all=False)
    assert [phase for phase, _, _ in kept.story()] == [Phase.OPENED], "it may still be there"
    again = CameraPipeline({"d": steady.guard}, episodes, writer(), None, kept, LivePart(5000.0))
    for number in range(50):
        again.take(frame(number / 25))
    assert [phase for phase, _, _ in kept.story()] == [Phase.OPENED], "and it is"
    steady.broken[0] = True
    for number in range(50, 190):
        again.take(frame(number / 25))
    assert [phase for phase, _, _ in kept.story()] == [Phase.OPENED, Phase.CLEARED]


@pytest.mark.parametrize("jump_hours", [-1, 1])
def test_a_wall_clock_that_jumps_by_an_hour_neither_ends_nor_repeats_nor_holds(jump_hours: int) -> None:
    steady, kept = Guarded(), Kept()
    pipeline = CameraPipeline({"d": steady.guard}, tracker(5), writer(), None, kept)

    def play(begin: float, end: float, hours: int) -> None:
        for number in range(round(begin * 25), round(end * 25)):
            shown = frame(number / 25)
            pipeline.take(replace(shown, wall_time=shown.wall_time + timedelta(hours=hours)))

    play(0, 4, 0)
    play(4, 8, jump_hours)
    assert [phase for phase, _, _ in kept.story()] == [Phase.OPENED]
    steady.broken[0] = True
    play(8, 12, jump_hours)
    play(12, 12.9, 0)
    assert [phase for phase, _, _ in kept.story()] == [Phase.OPENED]
    play(12.9, 13.1, 0)
    assert [phase for phase, _, _ in kept.story()] == [Phase.OPENED, Phase.CLEARED]
    assert all(data.ended_at is None or data.ended_at >= data.started_at for data in kept.data)


def test_cool_downs_and_budget_are_committed_with_the_events() -> None:
    steady = Guarded()
    states: list[dict[str, str]] = []

    class Sink(Kept):
        def commit(self, commit) -> None:  # type: ignore[no-untyped-def]
            super().commit(commit)
            states.append(dict(commit.state))

    episodes = tracker(5)
    episodes._policies = {"d": EpisodePolicy(clear_after_seconds=5, cool_down_seconds=60)}
    pipeline = CameraPipeline({"d": steady.guard}, episodes, writer(), None, Sink())
    pipeline.take(frame(0))
    steady.broken[0] = True
    for number in range(1, 140):
        pipeline.take(frame(number / 25))
    assert [set(state) for state in states] == [set(), {episodes_name(episodes.source_id)}]
    assert episodes.observe("d", observation(10), moment(10)) is None


def test_the_latest_marks_are_those_of_the_last_seconds() -> None:
    steady = Guarded()
    pipeline = CameraPipeline({"d": steady.guard}, tracker(5), writer(), None, Kept())
    pipeline.take(frame(0))
    pipeline.take(frame(0.04))
    assert len(pipeline.latest_marks) == 1, "the newest of one thing"
    steady.broken[0] = True
    for number in range(2, 60):
        pipeline.take(frame(number / 25))
    assert pipeline.latest_marks == ()
