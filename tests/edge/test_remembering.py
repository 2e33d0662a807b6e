"""What a camera's detectors learned outlives their stream, their faults and the program; so do their open episodes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from contract.events import HazardData, HazardEvent, Phase
from edge.detectors.interface import Frame, Observation, Visibility
from edge.detectors.registry import FrameNeeds
from edge.guard import GuardedDetector
from edge.outbox.sink import Commit
from edge.pipeline import SAVE_SECONDS, CameraPipeline, LivePart
from tests.edge.parts import SOURCE, T0, moment, observation, tracker, writer

KEY = observation(0).key
STATE = f"detectors:{SOURCE.id}"


class Learner:
    """Counts what it sees; finds something from its third picture on, until `over`; breaks where it is told to."""

    name = "d"
    version = "1"

    def __init__(self, *, breaks_at: int | None = None, over_at: int | None = None) -> None:
        self.seen = 0
        self.found = False
        self._breaks_at = breaks_at
        self._over_at = over_at

    def observe(self, frame: Frame) -> Sequence[Observation]:
        self.seen += 1
        if self.seen == self._breaks_at:
            raise RuntimeError("broken")
        if self._over_at is not None and self.seen >= self._over_at:
            self.found = False
            return [observation(frame.media_time, active=False, ended_media_time=frame.media_time - 3)]
        self.found = self.seen >= 3
        return [observation(frame.media_time)] if self.found else []

    @property
    def visibility(self) -> Visibility:
        return Visibility.CLEAR

    def save(self) -> Mapping[str, Any]:
        return {"seen": self.seen, "found": self.found}

    def load(self, saved: Mapping[str, Any]) -> None:
        self.seen, self.found = int(saved["seen"]), bool(saved["found"])

    def is_open(self, hazard: str, key: str) -> bool:
        return self.found and (hazard, key) == ("water_level", KEY)

    def report(self) -> Mapping[str, Any]:
        return {"seen": self.seen}


class Kept:
    def __init__(self) -> None:
        self.commits: list[Commit] = []

    def commit(self, commit: Commit) -> None:
        self.commits.append(commit)

    @property
    def data(self) -> list[HazardData]:
        return [event.data for commit in self.commits for event in commit.events if isinstance(event, HazardEvent)]

    @property
    def states(self) -> list[dict[str, Any]]:
        return [json.loads(commit.state[STATE])["d"] for commit in self.commits if STATE in commit.state]


def frame(seconds: float) -> Frame:
    luma = np.zeros((36, 64), np.uint8)
    return Frame(SOURCE.id, int(seconds), seconds, T0 + timedelta(seconds=seconds), luma, lambda region=None: luma)


def pipeline(detector: Any, kept: Kept, episodes: Any = None, remembered: str | None = None) -> CameraPipeline:
    live = LivePart(remembered=remembered)
    return CameraPipeline({"d": detector}, episodes or tracker(None), writer(), None, kept, live)


def test_what_was_learned_is_committed_with_the_event_and_taken_up_by_the_next_stream() -> None:
    kept, episodes = Kept(), tracker(None)
    first = pipeline(Learner(), kept, episodes)
    for seconds in range(4):
        first.take(frame(seconds))
    assert [data.phase for data in kept.data] == [Phase.OPENED]
    assert kept.states == [{"seen": 3, "found": True}]
    first.finish(clear_all=False)
    assert kept.states[-1] == {"seen": 4, "found": True}

    second_learner = Learner()
    second = pipeline(second_learner, kept, episodes, first.remembered)
    second.take(frame(0))
    assert second_learner.seen == 5
    assert [data.phase for data in kept.data] == [Phase.OPENED], "the episode goes on"
    assert second.reports() == {"d": {"seen": 5}}


def test_it_is_written_down_now_and_then_although_nothing_happens() -> None:
    class Calm(Learner):
        def observe(self, frame: Frame) -> Sequence[Observation]:
            self.seen += 1
            return []

    kept = Kept()
    calm = pipeline(Calm(), kept)
    for seconds in (0, 1, SAVE_SECONDS + 1, SAVE_SECONDS + 2, 2 * SAVE_SECONDS + 2):
        calm.take(frame(seconds))
    assert [state["seen"] for state in kept.states] == [3, 5]


def test_a_detector_that_broke_takes_up_what_was_written_last() -> None:
    kept = Kept()
    built: list[Learner] = []

    def build() -> Learner:
        built.append(Learner(breaks_at=5 if not built else None))
        return built[-1]

    guarded = pipeline(GuardedDetector(SOURCE.id, FrameNeeds(fps=25), build), kept)
    for seconds in range(12):
        guarded.take(frame(seconds))
    assert len(built) == 2
    assert built[1].found, "it knows of the episode that its forerunner opened"
    assert [data.phase for data in kept.data] == [Phase.OPENED]


def test_an_episode_that_its_detector_no_longer_knows_is_ended() -> None:
    kept, episodes = Kept(), tracker(None)
    change = episodes.observe("d", observation(0, key="a head that was renamed"), moment(0))
    assert change is not None
    pipeline(Learner(), kept, episodes, None).take(frame(1))
    assert [(data.phase, data.episode_id) for data in kept.data] == [(Phase.CLEARED, change.episode.episode_id)]


def test_an_episode_ends_when_its_detector_says_it_was_over() -> None:
    kept = Kept()
    learner = pipeline(Learner(over_at=8), kept)
    for seconds in range(9):
        learner.take(frame(seconds))
    cleared = kept.data[-1]
    assert cleared.phase is Phase.CLEARED
    assert cleared.ended_at == T0 + timedelta(seconds=4), "three seconds before it was certain"
    assert cleared.observed_at == T0 + timedelta(seconds=7)


@pytest.mark.parametrize("ended", [-1e6, 1e6], ids=["before it began", "in the future"])
def test_an_end_stays_between_beginning_and_observation(ended: float) -> None:
    episodes = tracker(None)
    episodes.observe("d", observation(10), moment(10))
    change = episodes.observe("d", observation(20, active=False, ended_media_time=ended), moment(20))
    assert change is not None
    assert change.episode.ended_at == T0 + timedelta(seconds=10 if ended < 0 else 20)


@pytest.mark.parametrize("saved", [{}, {"seen": "many", "found": True}, [], None, 7])
def test_a_detector_that_cannot_read_its_memory_begins_with_nothing(saved: Any) -> None:
    """And what only it could end is over: else it would be open for ever."""
    kept, episodes = Kept(), tracker(None)
    first = pipeline(Learner(), kept, episodes)
    for seconds in range(4):
        first.take(frame(seconds))
    built: list[Learner] = []

    def build() -> Learner:
        built.append(Learner())
        return built[-1]

    guarded = GuardedDetector(SOURCE.id, FrameNeeds(fps=25), build)
    second = pipeline(guarded, kept, episodes, json.dumps({"d": saved}))
    second.take(frame(0))
    assert len(built) == 2
    assert built[-1].save() == {"seen": 1, "found": False}
    assert [data.phase for data in kept.data] == [Phase.OPENED, Phase.CLEARED]
