"""CONFLICT: two greens that cross each other."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from contract.events import Severity
from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.readings import Unseen
from tests.edge.detectors.traffic_signal.machines import GREEN, RED, Shown, during, phase, run

KEY = "groups:a+b"


def late_red(seconds: float) -> Callable[[float], dict[str, Shown]]:
    """Group b becomes green so long before a loses it."""

    def show(t: float) -> dict[str, Shown]:
        at = (t - 22 + seconds) % 60
        shown: Shown = GREEN if at < seconds + 20 else RED
        return {"b1": shown, "b2": shown}

    return show


@pytest.mark.parametrize("fps", [2.0, 8.0])
def test_an_overlap_in_two_cycles_is_told_in_the_second_one(fps: float) -> None:
    ended = run(during(130, 400, late_red(3.0)), 600, fps)
    found = next(f for f in ended.opened if f.fault is Fault.CONFLICT)
    assert found.key == KEY
    assert found.severity is Severity.RED
    assert found.detail.groups == ("a", "b")
    assert 139 + 60 < found.media_time < 142 + 60 + 2
    assert found.started_media_time == pytest.approx(139, abs=1)
    assert ended.over(Fault.CONFLICT, KEY).repaired_media_time == pytest.approx(400, abs=62)


def test_ten_seconds_of_it_are_told_at_once() -> None:
    ended = run(during(130, 240, lambda t: {"b1": GREEN, "b2": GREEN}), 240, 2.0)
    assert ended.places[0] == (Fault.CONFLICT, KEY)
    assert 140 < ended.opened[0].media_time < 143


def test_one_overlap_is_one_misreading() -> None:
    ended = run(during(199, 203, lambda _: {"b1": GREEN}), 900, 2.0)
    assert [place for place in ended.places if place[0] is Fault.CONFLICT] == []


def test_shorter_than_a_second_is_none() -> None:
    """Lamps cross over: one glows on while the other one is lit."""
    ended = run(during(100, 900, late_red(0.4)), 900, 8.0)
    assert [place for place in ended.places if place[0] is Fault.CONFLICT] == []


def test_green_beside_red_is_not_green() -> None:
    """A lens in the sun looks lit; the head shows red too."""
    phantom = (0, 2)
    ended = run(during(130, 700, lambda t: {"b1": phantom if phase(t, "b") == RED else phase(t, "b")}), 700, 2.0)
    assert [place for place in ended.places if place[0] is Fault.CONFLICT] == []


def test_greens_that_were_not_seen_together_do_not_conflict() -> None:
    def apart(t: float) -> dict[str, Shown]:
        hidden = int(t * 2) % 2 == 0
        a: Shown = Unseen.OCCLUDED if hidden else phase(t, "a")
        b: Shown = GREEN if hidden else Unseen.OCCLUDED
        return {"a1": a, "a2": a, "b1": b, "b2": b}

    ended = run(during(130, 400, apart), 500, 2.0)
    assert [place for place in ended.places if place[0] is Fault.CONFLICT] == []


def test_key_frames_do_not_judge_it() -> None:
    ended = run(during(130, 400, late_red(15.0)), 500, 0.5)
    assert [place for place in ended.places if place[0] is Fault.CONFLICT] == []
    assert Fault.CONFLICT in ended.machine.not_judged()
