"""What episodes, cool-downs and the budget are after a restart: read back from a real outbox."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from contract.events import Canary, Severity, Tier
from contract.ids import uuid7
from edge.detectors.interface import Frame, Observation, Visibility
from edge.detectors.policy import EpisodePolicy
from edge.episodes.clearing import clear_forgotten
from edge.episodes.events import episodes_name
from edge.episodes.tracker import EpisodeTracker
from edge.outbox.store import Outbox
from edge.pipeline import CameraPipeline, LivePart
from tests.edge.parts import PLACE, SOURCE, T0, moment, observation, writer
from tests.edge.test_guard import frame

POLICY = EpisodePolicy(clear_after_seconds=5, cool_down_seconds=60, alarms_per_hour=2)


class Saying:
    """Observes what is asked of it, at every frame."""

    name = "d"
    version = "1"
    visibility = Visibility.CLEAR

    def __init__(self) -> None:
        self.keys: list[str] = []

    def observe(self, shown: Frame) -> Sequence[Observation]:
        at = shown.media_time
        return [observation(at, key=key, tier=Tier.ALARM, severity=Severity.RED) for key in self.keys]


class Program:
    """One life of a program over an outbox that outlives it. Its steady clock began at `began`."""

    def __init__(self, folder: Path, began: float) -> None:
        self.outbox = Outbox(folder, "box-1")
        resumed = self.outbox.open_episodes().get(SOURCE.id, ())
        remembered = self.outbox.state(episodes_name(SOURCE.id))
        self.tracker = EpisodeTracker(SOURCE, PLACE, uuid7, {"d": POLICY}, resumed, remembered)
        self.detector = Saying()
        live = LivePart(began_seconds=began)
        self.pipeline = CameraPipeline({"d": self.detector}, self.tracker, writer(), None, self.outbox, live)

    def play(self, begin: float, end: float, *keys: str) -> None:
        self.detector.keys = list(keys)
        for number in range(round(begin * 5), round(end * 5)):
            self.pipeline.take(replace(frame(number / 5), index=number))

    def kill(self) -> None:
        """Nothing is finished: what is not committed is gone."""
        self.outbox.close()

    @property
    def open(self) -> dict[str, Tier]:
        return {episode.key: episode.tier for episode in self.tracker.open_episodes}


def test_a_killed_program_goes_on_with_its_episodes_its_budget_and_its_cool_downs(tmp_path: Path) -> None:
    first = Program(tmp_path, began=10_000)
    first.play(0, 2, "a", "b", "c")
    assert first.open == {"a": Tier.ALARM, "b": Tier.ALARM, "c": Tier.REVIEW}, "two alarms an hour"
    ids = {episode.key: episode.episode_id for episode in first.tracker.open_episodes}
    first.play(2, 8, "a")
    assert first.open == {"a": Tier.ALARM}
    first.kill()

    # Another machine clock, as after a reboot; wall times are the recording's own.
    second = Program(tmp_path, began=50)
    second.play(0, 4, "a", "b", "d")
    assert {episode.key: episode.episode_id for episode in second.tracker.open_episodes}["a"] == ids["a"], (
        "no second one"
    )
    assert second.open == {"a": Tier.ALARM, "d": Tier.REVIEW}, "b cools down; a restart gives no fresh budget"
    second.play(4, 70, "a", "b")
    assert "b" in second.open, "what is still there when its cool-down ends is said"
    (again,) = (episode for episode in second.tracker.open_episodes if episode.key == "b")
    assert again.repeat_of == ids["b"]
    second.kill()


def test_what_nothing_would_end_is_ended_at_the_start(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path, "box-1")
    tracker = EpisodeTracker(SOURCE, PLACE, uuid7, {"d": POLICY, "gone": POLICY})
    drill = Canary(id=uuid7(T0), injected_at=T0)
    for detector, key, canary in (("d", "a", None), ("gone", "b", None), ("d", "canary-1", drill)):
        tracker.observe(detector, observation(0, key=key), moment(0), canary)
    resumed = tracker.open_episodes
    after = EpisodeTracker(SOURCE, PLACE, uuid7, {"d": POLICY}, resumed)
    assert clear_forgotten(after.left_over(), after, writer(), outbox) == 2
    assert [episode.key for episode in after.open_episodes] == ["a"]
    outbox.close()
