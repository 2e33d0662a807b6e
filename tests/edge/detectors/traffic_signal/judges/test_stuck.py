"""STUCK: nothing changes at a head for longer than it ever does, while others go on."""

from __future__ import annotations

import pytest

from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.machine import TimeMachine
from edge.detectors.traffic_signal.readings import Unseen
from edge.detectors.traffic_signal.settings import Colour, ColourDurations, GroupPlan
from tests.edge.detectors.traffic_signal.machines import (
    AMBER,
    GREEN,
    PLAN,
    RED,
    Shown,
    during,
    head,
    normal,
    phase,
    run,
    settings,
)


@pytest.mark.parametrize("fps", [0.2, 1.0, 8.0])
@pytest.mark.parametrize("shown", [RED, AMBER, GREEN], ids=["red", "amber", "green"])
def test_a_head_that_hangs_is_told_by_its_mate_long_before_three_minutes(fps: float, shown: Shown) -> None:
    ended = run(during(310, 490, lambda _: {"a1": shown}), 760, fps)
    assert (Fault.STUCK, "head:a1") in ended.places
    found = next(f for f in ended.opened if f.fault is Fault.STUCK)
    assert found.media_time < 310 + 170
    assert found.started_media_time <= 310 + 1 / fps
    assert ended.over(Fault.STUCK, "head:a1").repaired_media_time == pytest.approx(490, abs=65)


def test_a_lonely_head_that_hangs_in_red_is_told_within_three_minutes_where_control_is_fixed() -> None:
    heads = {"a1": head("a"), "b1": head("b")}

    def show(t: float) -> dict[str, Shown]:
        return {"a1": RED if t > 330 else phase(t, "a"), "b1": phase(t, "b")}

    ended = run(show, 520, 1.0, TimeMachine(settings(heads)))
    assert ended.places == [(Fault.STUCK, "head:a1")]
    assert ended.opened[0].detail.cycles is not None
    assert ended.opened[0].detail.lamp is not None
    assert ended.opened[0].detail.lamp.colour == "red"


def test_a_junction_that_rests_is_not_stuck() -> None:
    """Nobody comes: one road is green for ten minutes, and nothing else changes either."""
    ended = run(during(300, 900, lambda _: normal(310)), 1200, 1.0)
    assert ended.places == []


def test_a_lens_misread_beside_red_serves_nobody() -> None:
    """One road rests in green; of the other one a single slow picture shows red and green."""

    def show(t: float) -> dict[str, Shown]:
        glint: dict[str, Shown] = {"b1": (0, 2)} if 370 <= t < 372 else {}
        return {**normal(310), **glint} if 302 <= t < 500 else normal(t)

    assert run(show, 800, 0.5).places == []


def test_a_phase_that_nobody_asks_for_in_two_cycles_is_not_stuck() -> None:
    varying = GroupPlan(
        durations={
            Colour.RED: ColourDurations(shortest=30, typical=35, longest=60),
            Colour.AMBER: ColourDurations(shortest=3, typical=3, longest=3),
            Colour.GREEN: ColourDurations(shortest=10, typical=22, longest=40),
        }
    )
    heads = {"a1": head("a"), "b1": head("b")}

    def show(t: float) -> dict[str, Shown]:
        skipped = 290 < t % 600 < 290 + 2 * 60
        return {"a1": RED if skipped else phase(t, "a"), "b1": phase(t, "b")}

    machine = TimeMachine(settings(heads, plan={"a": varying, "b": PLAN["b"]}))
    assert run(show, 3000, 1.0, machine).places == []


def test_a_green_that_a_bus_hides_leaves_no_stuck_red() -> None:
    heads = {"a1": head("a"), "b1": head("b")}

    def show(t: float) -> dict[str, Shown]:
        return {"a1": Unseen.OCCLUDED if phase(t, "a") != RED else RED, "b1": phase(t, "b")}

    assert run(show, 1800, 1.0, TimeMachine(settings(heads))).places == []


def test_a_head_that_is_not_seen_for_long_is_not_stuck() -> None:
    ended = run(during(310, 1200, lambda t: {"a1": RED if int(t) % 3 == 0 else Unseen.FOG}), 1300, 1.0)
    assert [place for place in ended.places if place[0] is Fault.STUCK] == []


def test_a_controller_that_has_just_started_teaches_nothing() -> None:
    """One short red and one green are no habit, and no proof of fixed-time control."""
    heads = {"a1": head("a"), "b1": head("b")}

    def show(t: float) -> dict[str, Shown]:
        at = t % 160
        a: Shown = GREEN if at < 40 else AMBER if at < 43 else RED
        b: Shown = GREEN if t % 40 < 15 else AMBER if t % 40 < 18 else RED
        return {"a1": RED if 20 < t < 25 else a, "b1": b}

    machine = TimeMachine(settings(heads, plan={}, conflicts=()))
    assert [place for place in run(show, 300, 0.5, machine).places if place[0] is Fault.STUCK] == []
