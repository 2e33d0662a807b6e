"""Fairness without threads or clocks: replacement, round-robin by weight, heartbeat, shedding of the rate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.config.inference import OverloadSettings
from edge.inference.detecting import Question
from edge.inference.overload import Overload, Shedding
from edge.inference.slots import Offer, Slots
from edge.vision.regions import Window

HEARTBEAT = 10.0


def question(media_time: float = 0.0) -> Question:
    return Question(media_time, Window(0, 0, 8, 8), None, np.zeros((8, 8, 3), np.uint8))


def serve(weights: dict[str, float], seconds: float, asks_every: float, answers_every: float) -> dict[str, list[float]]:
    """All sources ask at their pace, one question is answered at a time. Returns when each was heard."""
    slots = Slots(HEARTBEAT)
    for name, weight in weights.items():
        slots.join(name, weight)
    heard: dict[str, list[float]] = {name: [] for name in weights}
    ask_at, answer_at = 0.0, 0.0
    while min(ask_at, answer_at) < seconds:
        if ask_at <= answer_at:
            for name in weights:
                slots.offer(name, question(ask_at), ask_at)
            ask_at += asks_every
        else:
            for taken in slots.take(1, answer_at):
                heard[taken.source_id].append(answer_at)
            answer_at += answers_every
    return heard


def test_the_newest_question_replaces_the_waiting_one() -> None:
    slots = Slots(HEARTBEAT)
    slots.join("a", 1)
    assert slots.offer("a", question(1.0), 1.0) is Offer.WAITS
    assert slots.offer("a", question(1.5), 1.5) is Offer.REPLACES
    (taken,) = slots.take(5, 2.0)
    assert taken.question.media_time == 1.5
    assert taken.waited_seconds == 1.0
    assert slots.take(5, 2.0) == []


@pytest.mark.parametrize(
    "weights", [{"a": 1.0, "b": 1.0, "c": 1.0}, {"a": 1.0, "b": 2.0, "c": 4.0}], ids=["even", "by weight"]
)
def test_turns_are_shared_by_weight(weights: dict[str, float]) -> None:
    heard = serve(weights, seconds=70, asks_every=0.1, answers_every=0.1)
    total = sum(len(times) for times in heard.values())
    for name, times in heard.items():
        assert len(times) / total == pytest.approx(weights[name] / sum(weights.values()), abs=0.02)


def test_the_heartbeat_is_never_starved() -> None:
    """One source with a hundred times the weight, and a model that answers once a second: the light one still has its
    look within the heartbeat and one answer, and so have all when there are as many as the heartbeat holds."""
    heard = serve({"heavy": 10.0, "light": 0.1}, seconds=120, asks_every=0.5, answers_every=1.0)
    assert max(np.diff(heard["light"])) <= HEARTBEAT + 1.0
    many = {f"s{number}": 10.0 if number == 0 else 0.1 for number in range(10)}
    heard = serve(many, seconds=200, asks_every=0.5, answers_every=1.0)
    assert max(max(np.diff(times)) for times in heard.values()) <= HEARTBEAT + 1.0


def test_more_sources_than_the_heartbeat_holds_take_turns() -> None:
    """Nobody has a second look before everybody had one."""
    heard = serve({f"s{number}": number + 1.0 for number in range(30)}, seconds=300, asks_every=0.5, answers_every=1.0)
    counts = {len(times) for times in heard.values()}
    assert counts == {10}


@given(
    weights=st.lists(st.floats(0.1, 10), min_size=1, max_size=12),
    answers_every=st.floats(0.05, 3),
    asks_every=st.floats(0.1, 3),
)
@settings(deadline=None, max_examples=30)
def test_whatever_the_weights_each_is_heard_within_its_heartbeat(
    weights: list[float], answers_every: float, asks_every: float
) -> None:
    """As long as the model is fast enough to give everybody one: the bound is the heartbeat, a round, and one ask."""
    heard = serve({f"s{n}": weight for n, weight in enumerate(weights)}, 90, asks_every, answers_every)
    bound = HEARTBEAT + asks_every + answers_every * (len(weights) + 1)
    for times in heard.values():
        assert max(np.diff([0.0, *times, 90.0])) <= bound + asks_every


def test_a_source_that_was_silent_has_not_saved_up_turns() -> None:
    slots = Slots(HEARTBEAT)
    for name in ("busy", "silent"):
        slots.join(name, 1)
    for number in range(50):
        slots.offer("busy", question(), number / 10)
        slots.take(1, number / 10)
    for name in ("busy", "silent"):
        slots.offer(name, question(), 5.0)
    slots.take(2, 5.0)
    order = []
    for number in range(51, 61):
        for name in ("busy", "silent"):
            slots.offer(name, question(), number / 10)
        order += [taken.source_id for taken in slots.take(1, number / 10)]
    assert abs(order.count("silent") - order.count("busy")) <= 1


def test_a_shed_rate_lets_the_heartbeat_through() -> None:
    slots = Slots(HEARTBEAT)
    slots.join("a", 1)
    slots.join("half", 0.5)
    accepted: dict[str, list[float]] = {"a": [], "half": []}
    for number in range(300):
        now = number / 10
        for name, times in accepted.items():
            pace = 2.0 if name == "a" else 20.0
            if slots.offer(name, question(), now, every_seconds=pace) is Offer.WAITS:
                times.append(now)
        slots.take(5, now)
    assert np.diff(accepted["a"]) == pytest.approx(2.0)
    assert np.diff(accepted["half"]) == pytest.approx(HEARTBEAT), "its own pace would be 40 s"


def test_a_source_that_leaves_takes_its_question_along() -> None:
    slots = Slots(HEARTBEAT)
    slots.join("a", 1)
    slots.offer("a", question(), 0.0)
    assert slots.leave("a")
    assert not slots.leave("a")
    assert slots.take(1, 1.0) == []


class Waiting:
    """An overload that hears of the same wait every half second."""

    def __init__(self, *steps: Shedding) -> None:
        values = OverloadSettings(wait_seconds=1, rise_seconds=3, relax_seconds=15)
        self.overload = Overload(values, (Shedding.NOTHING, *steps), now=0.0)
        self.now = 0.0

    def lasts(self, wait: float, seconds: float) -> Shedding:
        for _ in range(round(seconds * 2)):
            self.now += 0.5
            self.overload.waited(wait, self.now)
        return self.overload.shedding


ALL = (Shedding.RATE, Shedding.RESOLUTION, Shedding.OPTIONAL)


def test_what_is_shed_comes_in_order_and_each_step_gets_its_time() -> None:
    waiting = Waiting(*ALL)
    assert [waiting.lasts(2.0, 3.5), waiting.lasts(2.0, 3), waiting.lasts(2.0, 3)] == list(ALL)
    assert waiting.lasts(2.0, 60) is Shedding.OPTIONAL
    assert waiting.overload.raised == 3
    back = [waiting.lasts(0.1, 15.5), waiting.lasts(0.1, 15), waiting.lasts(0.1, 15)]
    assert back == [Shedding.RESOLUTION, Shedding.RATE, Shedding.NOTHING]
    assert waiting.lasts(0.0, 60) is Shedding.NOTHING


def test_steps_that_would_change_nothing_are_left_out() -> None:
    waiting = Waiting(Shedding.RATE, Shedding.OPTIONAL)
    assert [waiting.lasts(2.0, 3.5), waiting.lasts(2.0, 3)] == [Shedding.RATE, Shedding.OPTIONAL]


def test_between_the_limits_nothing_changes() -> None:
    """Hysteresis: what helped is not taken back before waits are well below the limit."""
    waiting = Waiting(*ALL)
    waiting.lasts(2.0, 3.5)
    assert waiting.lasts(0.8, 300) is Shedding.RATE


def test_a_short_burst_sheds_nothing() -> None:
    waiting = Waiting(*ALL)
    for _ in range(20):
        assert waiting.lasts(3.0, 2.0) is Shedding.NOTHING
        waiting.lasts(0.2, 1.0)
    assert waiting.overload.raised == 0
