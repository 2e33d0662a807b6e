"""LAMP: one colour of a head is missing in three cycles."""

from __future__ import annotations

import pytest

from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.machine import TimeMachine
from edge.detectors.traffic_signal.readings import Unseen
from edge.detectors.traffic_signal.settings import Colour, HeadKind
from tests.edge.detectors.traffic_signal.machines import (
    AMBER,
    DARK,
    GREEN,
    RED,
    Shown,
    during,
    head,
    phase,
    reading,
    run,
    settings,
)


@pytest.mark.parametrize(
    ("lamp", "fps"),
    [(RED, 0.2), (RED, 1.0), (RED, 8.0), (GREEN, 0.2), (GREEN, 1.0), (GREEN, 8.0), (AMBER, 2.0), (AMBER, 8.0)],
    ids=str,
)
def test_a_lamp_that_failed_is_told_after_three_cycles(lamp: tuple[int, ...], fps: float) -> None:
    def broken(t: float) -> dict[str, Shown]:
        return {"a1": DARK if phase(t, "a") == lamp else phase(t, "a")}

    ended = run(during(300, 620, broken), 900, fps)
    key = f"head:a1:{lamp[0]}"
    assert ended.places == [(Fault.LAMP, key)]
    found = ended.opened[0]
    assert found.media_time < 300 + 4 * 60 + 10
    assert found.detail.cycles == 3
    assert found.detail.lamp is not None
    assert found.detail.lamp.colour == ("red", "amber", "green")[lamp[0]]
    assert ended.over(Fault.LAMP, key).repaired_media_time == pytest.approx(620, abs=62)


def test_two_cycles_are_not_enough() -> None:
    def broken(t: float) -> dict[str, Shown]:
        return {"a1": DARK if phase(t, "a") == GREEN else phase(t, "a")}

    assert run(during(290, 290 + 2 * 60, broken), 900).places == []


def test_a_colour_that_a_bus_hides_in_every_cycle_is_not_missing() -> None:
    def bus(t: float) -> dict[str, Shown]:
        return {"a1": Unseen.OCCLUDED if phase(t, "a") == GREEN else phase(t, "a")}

    assert run(during(300, 900, bus), 1000).places == []


def test_amber_is_not_judged_where_pictures_are_as_long_as_it() -> None:
    def broken(t: float) -> dict[str, Shown]:
        return {"a1": DARK if phase(t, "a") == AMBER else phase(t, "a")}

    assert run(during(300, 900, broken), 1000, 0.5).places == []


def test_an_arrow_alone_fails_by_its_mate() -> None:
    heads = {
        "b1": head("b"),
        "t1": head("t", colours=(Colour.GREEN,), kind=HeadKind.ARROW),
        "t2": head("t", colours=(Colour.GREEN,), kind=HeadKind.ARROW),
    }

    def show(t: float) -> dict[str, Shown]:
        lit: Shown = (0,) if t % 60 < 12 else DARK
        return {"b1": phase(t, "b"), "t1": DARK if t > 300 else lit, "t2": lit}

    ended = run(
        lambda t: {h: reading(s, 3 if h == "b1" else 1) for h, s in show(t).items()},
        700,
        2.0,
        TimeMachine(settings(heads)),
    )
    assert (Fault.LAMP, "head:t1:0") in ended.places
