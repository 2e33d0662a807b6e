"""Runs and cycles: what is a change, what is a flicker, and what makes a cycle normal."""

from __future__ import annotations

import pytest

from edge.detectors.traffic_signal.cycles import Change, CycleCount, Run, Runs


def feed(shown: str, interval: float) -> tuple[Runs, list[Change]]:
    """Letters r, a, g, d(ark), and - for unseen, one a picture."""
    names = {"r": "red", "a": "amber", "g": "green", "d": "dark"}
    runs, changes = Runs(), []
    for number, letter in enumerate(shown):
        now = number * interval
        if letter == "-":
            runs.blind(now)
        elif (change := runs.show(names[letter], now, interval)) is not None:
            changes.append(change)
    return runs, changes


def labels(changes: list[Change]) -> list[tuple[str, str]]:
    return [(change.before.label, change.after.label) for change in changes]


def test_a_cycle_is_three_changes() -> None:
    _, changes = feed("gggggaaarrrrrrggg", 1.0)
    assert labels(changes) == [("green", "amber"), ("amber", "red"), ("red", "green")]
    assert [change.after.start for change in changes] == [5, 8, 14]
    assert changes[1].before.whole
    assert changes[1].before.seconds == 3
    assert not changes[0].before.whole_start


@pytest.mark.parametrize("shown", ["rrrrgrrrr", "rrrrdrrrr", "rrrrarrdrrrr"])
def test_one_picture_is_no_state(shown: str) -> None:
    assert feed(shown, 1.0)[1] == []


def test_a_gap_of_darkness_shorter_than_a_second_is_no_state() -> None:
    assert feed("gggg" + "ddddgggg" * 4, 0.125)[1] == []
    assert labels(feed("gggg" + "d" * 12, 0.125)[1]) == [("green", "dark")]


def test_green_that_flashes_may_look_dark_to_slow_pictures() -> None:
    assert labels(feed("gggggggddddaaarr", 1.0)[1]) == [("green", "amber"), ("amber", "red")]
    assert labels(feed("rrrrrrddddrrrr", 1.0)[1]) == [("red", "dark"), ("dark", "red")]


def test_with_key_frames_one_picture_of_a_colour_counts_and_one_of_darkness_does_not() -> None:
    assert labels(feed("ggarr", 5.0)[1]) == [("green", "amber"), ("amber", "red")]
    assert feed("rrdrr", 5.0)[1] == []


def test_what_was_unseen_makes_no_change_and_no_whole_run() -> None:
    runs, changes = feed("ggggg-----rrrrr", 1.0)
    assert changes == []
    assert runs.current is not None
    assert not runs.current.whole_start
    assert runs.recent[-1].label == "green"
    assert not runs.recent[-1].whole_end


def test_a_moment_unseen_within_a_colour_does_not_cut_it() -> None:
    runs, changes = feed("ggg-ggg", 1.0)
    assert changes == []
    assert runs.current is not None
    assert runs.current.start == 0


def test_a_moment_unseen_at_a_change_is_told() -> None:
    _, changes = feed("gggg-rrrr", 1.0)
    assert labels(changes) == [("green", "red")]
    assert not changes[0].seen
    assert changes[0].gap_seconds == 2


def count(labels: list[tuple[str, float]], required: set[str], seen: bool = True) -> CycleCount:
    counted = CycleCount()
    for label, start in labels:
        counted.show(Run(label, start, start, whole_start=True), required, seen=seen)
    return counted


def test_cycles_are_counted_from_the_first_label_that_is_required() -> None:
    counted = count(
        [("amber", 0), ("red", 3), ("green", 40), ("amber", 60), ("red", 63), ("green", 100)], {"red", "green"}
    )
    assert counted.count == 1
    assert counted.began == 3


def test_a_cycle_without_what_is_required_begins_anew() -> None:
    counted = count([("red", 0), ("green", 30), ("red", 60), ("red", 90)], {"red", "green"})
    assert counted.count == 0
    assert counted.began is None


def test_what_was_hidden_is_neither_normal_nor_abnormal() -> None:
    counted = count([("red", 0), ("green", 30), ("red", 60)], {"red", "green"})
    counted.show(Run("red", 120, 120, whole_start=False), {"red", "green"}, seen=False)
    assert counted.count == 1
    counted.abnormal()
    assert counted.count == 0


@pytest.mark.parametrize("shown", ["ggggddd-dddddggggg", "ggggd-ddddd-dddddggggg"])
def test_a_glance_away_while_a_change_is_confirmed_hides_no_change(shown: str) -> None:
    _, changes = feed(shown, 1.0)
    assert labels(changes) == [("green", "dark"), ("dark", "green")]
    assert changes[0].seen
    assert changes[1].before.whole
    assert changes[1].before.start == 4


def test_a_glance_away_at_the_change_itself_leaves_open_when_it_was() -> None:
    _, changes = feed("ggggg-rrrrrrrggg", 1.0)
    assert labels(changes) == [("green", "red"), ("red", "green")]
    assert not changes[0].seen
    assert not changes[1].before.whole_start
    assert changes[1].before.whole_end
