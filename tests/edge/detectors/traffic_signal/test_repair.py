"""When normal operation began again: a city measures itself by it. And which heads a power failure concerned."""

from __future__ import annotations

import pytest

from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.machine import TimeMachine
from edge.detectors.traffic_signal.readings import Unseen
from edge.detectors.traffic_signal.settings import Colour, HeadKind
from tests.edge.detectors.traffic_signal.machines import (
    AMBER,
    DARK,
    RED,
    Shown,
    during,
    head,
    normal,
    phase,
    run,
    settings,
)

FOUR = ("a1", "a2", "b1", "b2")
DARK_FOUR: dict[str, Shown] = dict.fromkeys(FOUR, DARK)


@pytest.mark.parametrize("fps", [0.5, 4.0])
@pytest.mark.parametrize("end", [305.0, 310.0, 322.5, 324.0, 335.0, 353.0])
def test_power_is_back_when_the_heads_are_lit_again_in_whatever_phase(end: float, fps: float) -> None:
    told = run(during(130, end, lambda _: DARK_FOUR), 650, fps)
    assert told.places == [(Fault.DARK, "junction")]
    assert told.over(Fault.DARK, "junction").repaired_media_time == pytest.approx(end, abs=0.3 + 1 / fps)


def test_a_head_that_goes_dark_again_was_not_repaired() -> None:
    def failing(t: float) -> dict[str, Shown]:
        return DARK_FOUR if t < 300 or t >= 340 else normal(t)

    told = run(during(130, 420, failing), 800)
    assert told.over(Fault.DARK, "junction").repaired_media_time == pytest.approx(420, abs=1)


def test_what_is_lit_for_an_instant_is_no_repair_though_nobody_sees_how_it_went_on() -> None:
    def failing(t: float) -> dict[str, Shown]:
        if 250 <= t < 252:
            return dict.fromkeys(FOUR, RED)
        return dict.fromkeys(FOUR, Unseen.OCCLUDED) if t >= 300 else DARK_FOUR

    told = run(during(130, 320, failing), 700, 1.0)
    assert told.over(Fault.DARK, "junction").repaired_media_time == pytest.approx(320, abs=1.5)


def test_a_head_behind_a_bus_when_power_came_back_does_not_date_it() -> None:
    def shown(t: float) -> dict[str, Shown]:
        at = dict(DARK_FOUR) if 130 <= t < 300 else normal(t)
        return {**at, "a2": Unseen.OCCLUDED} if 290 <= t < 340 else at

    told = run(shown, 700)
    assert told.over(Fault.DARK, "junction").repaired_media_time == pytest.approx(300, abs=1)


def test_an_arrow_whose_turn_comes_late_does_not_date_it() -> None:
    arrow = head("c", colours=(Colour.GREEN,), kind=HeadKind.ARROW)
    heads = {"a1": head("a"), "b1": head("b"), "l1": arrow}

    def shown(t: float) -> dict[str, Shown]:
        return {"a1": phase(t, "a"), "b1": phase(t, "b"), "l1": (0,) if 54 <= t % 60 < 59 else DARK}

    told = run(during(130, 301, lambda _: dict.fromkeys(heads, DARK), shown), 700, 4.0, TimeMachine(settings(heads)))
    assert told.over(Fault.DARK, "junction").repaired_media_time == pytest.approx(301, abs=1)


@pytest.mark.parametrize("end", [305.0, 328.0])
@pytest.mark.parametrize("flashed", [RED, AMBER])
def test_flashing_is_over_when_it_stops_not_when_the_colour_changes(flashed: tuple[int, ...], end: float) -> None:
    def flashing(t: float) -> dict[str, Shown]:
        return {**normal(t), "a1": flashed if t % 1 < 0.5 else DARK}

    told = run(during(130, end, flashing), 650, 8.0)
    assert told.places == [(Fault.FLASHING, "head:a1")]
    assert told.over(Fault.FLASHING, "head:a1").repaired_media_time == pytest.approx(end, abs=1.5)


def test_a_lamp_works_again_when_it_is_lit_first() -> None:
    def without_green(t: float) -> dict[str, Shown]:
        return {**normal(t), "a1": DARK if phase(t, "a") == (2,) else phase(t, "a")}

    told = run(during(55, 390, without_green), 800)
    # Green of group a begins every 60 s: the first one after 390 at 420.
    assert told.over(Fault.LAMP, "head:a1:2").repaired_media_time == pytest.approx(420, abs=1)


@pytest.mark.parametrize(
    ("start", "end", "at_once"), [(174.0, 176.0, True), (155.0, 200.0, False), (100.0, 400.0, False)]
)
def test_a_head_that_is_hidden_when_the_failure_is_told_belongs_to_it(start: float, end: float, at_once: bool) -> None:
    """Behind a bus for a moment, for a while, or from before it began until long after it was told."""

    def shown(t: float) -> dict[str, Shown]:
        at = dict(DARK_FOUR) if 130 <= t < 500 else normal(t)
        return {**at, "a2": Unseen.OCCLUDED} if start <= t < end else at

    told = run(shown, 900)
    assert told.places == [(Fault.DARK, "junction")]
    first, last = told.opened[0], told.over(Fault.DARK, "junction")
    assert ("a2" in first.detail.heads) is at_once
    assert set(last.detail.heads) == set(FOUR)
    assert last.repaired_media_time == pytest.approx(500, abs=1)


def test_a_bus_before_the_heads_that_work_makes_no_power_failure_of_a_dark_approach() -> None:
    def shown(t: float) -> dict[str, Shown]:
        dark = {**normal(t), "a1": DARK, "a2": DARK}
        if 199 <= t < 200:
            return {**dark, "b1": DARK, "b2": DARK}  # misread as it passes before them
        return {**dark, "b1": Unseen.OCCLUDED, "b2": Unseen.OCCLUDED} if 200 <= t < 230 else dark

    told = run(during(130, 300, shown), 600)
    assert told.places == [(Fault.DARK, "approach:north")]
    assert told.over(Fault.DARK, "approach:north").repaired_media_time == pytest.approx(300, abs=5)
