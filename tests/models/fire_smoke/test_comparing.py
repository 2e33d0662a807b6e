"""Hits and false alarms of two proposers on the same pictures."""

from __future__ import annotations

import numpy as np
import pytest

from models.fire_smoke.comparing import Answer, Share, at_score, curve, matched, ranked, score_for
from models.fire_smoke.evaluate import Measured, _compared, _table
from models.fire_smoke.plotting import plot
from models.fire_smoke.stills import BURNING, QUIET


def answers(burning: dict[str, list[float]], quiet: dict[str, list[float]]) -> list[Answer]:
    return [
        Answer(group, f"{group} {index}", score)
        for group, scores in (burning | quiet).items()
        for index, score in enumerate(scores)
    ]


OURS = answers(
    {"cctv/val": [0.9, 0.6, 0.3, 0.1], "outdoor_stills/fire": [0.8, 0.7, 0.2]},
    {"streets": [0.65, 0.1], "signals": [0.05] * 4, "outdoor_stills/none": [0.0], "cctv/val empty": [0.25]},
)
PEER = answers(
    {"cctv/val": [0.5, 0.45, 0.2, 0.1], "outdoor_stills/fire": [0.6, 0.6, 0.1]},
    {"streets": [0.5, 0.5], "signals": [0.45, 0.41, 0.4, 0.1], "outdoor_stills/none": [0.3], "cctv/val empty": [0.5]},
)


def test_a_set_is_counted_from_the_score_on() -> None:
    point = at_score(PEER, 0.4)
    assert point["signals"] == Share(3, 4)
    assert point["outdoor_stills/none"] == Share(0, 1)
    assert set(point) == {*BURNING, *QUIET}


def test_ours_is_taken_where_it_finds_as_much_as_the_peer_in_every_burning_set() -> None:
    found = matched(OURS, PEER, 0.4)
    # The peer finds two of each: ours does from 0.6 (CCTV) and from 0.7 (outdoors) on; the lower one decides.
    assert found.score == pytest.approx(0.6)
    assert {group: found.own[group].called for group in BURNING} == {"cctv/val": 2, "outdoor_stills/fire": 2}
    assert {group: found.holds(group) for group in QUIET} == {
        "streets": False,  # one against two
        "signals": True,  # none against three
        "outdoor_stills/none": True,  # none against none
        "cctv/val empty": True,
    }
    assert found.total(own=True) == Share(1, 8)
    assert found.total(own=False) == Share(6, 8)
    assert found.holds_together()  # one against six, though not a third in each set


def test_a_third_is_counted_over_all_quiet_sets() -> None:
    quiet = {"streets": [0.9, 0.1, 0.1], "signals": [0.9, 0.1, 0.1]}
    burning = {"cctv/val": [0.8, 0.8], "outdoor_stills/fire": [0.8, 0.8]}
    peer = answers(burning, {"streets": [0.9, 0.9, 0.9], "signals": [0.9, 0.9, 0.1]})
    found = matched(answers(burning, quiet), peer, 0.4)
    assert (found.total(own=True).called, found.total(own=False).called) == (2, 5)
    assert not found.holds_together()


def test_no_hits_wanted_cost_nothing() -> None:
    assert score_for(OURS, "cctv/val", 0) > max(one.score for one in OURS)
    assert score_for(OURS, "cctv/val", 4) == pytest.approx(0.1)


def test_ranking_counts_ties_half() -> None:
    mixed = answers({"cctv/val": [0.5, 0.2]}, {"streets": [0.5, 0.1]})
    assert ranked(mixed, "cctv/val", "streets") == pytest.approx((0.5 + 1 + 0 + 1) / 4)
    assert ranked(mixed, "cctv/val", "signals") == pytest.approx(0.5)


def test_intervals_are_of_wilson() -> None:
    low, high = Share(1, 30).interval()
    assert (round(low, 3), round(high, 3)) == (0.006, 0.167)
    assert Share(0, 0).interval() == (0.0, 1.0)


def test_the_curve_rises_to_everything() -> None:
    points = curve(OURS, "cctv/val", "streets")
    assert points[0] == (0.0, 0.0)
    assert points[-1] == (1.0, 1.0)
    assert points == sorted(points)
    assert (0.0, 0.25) in points  # the best answer is right


def test_what_is_told_names_what_does_not_hold(tmp_path_factory: pytest.TempPathFactory) -> None:
    lines = "\n".join(_compared(matched(OURS, PEER, 0.4)))
    assert lines.count("in this set: no") == 1
    assert lines.endswith("at most a third: HOLDS")
    assert _compared(matched(PEER, PEER, 0.4))[-1].endswith("at most a third: DOES NOT HOLD")
    assert "streets  1/2 50% [9, 91%] | 2/2" in lines
    table = "\n".join(_table(Measured("ours", "0" * 64, 5_000_000, OURS, {"fire": 0.5, "smoke": None})))
    assert "5.0 MB" in table
    assert "mAP50 on cctv/val: fire 0.50" in table
    path = tmp_path_factory.mktemp("plot") / "stills.png"
    plot({"ours": OURS, "theirs": PEER}, path)
    import cv2

    picture = cv2.imread(str(path))
    assert picture is not None
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 3
