"""SEQUENCE: an order of colours that the law does not know."""

from __future__ import annotations

import pytest

from contract.events import Tier
from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.machine import TimeMachine
from edge.detectors.traffic_signal.readings import Unseen
from edge.detectors.traffic_signal.settings import LawfulOrder
from tests.edge.detectors.traffic_signal.machines import (
    AMBER,
    RED,
    Shown,
    during,
    normal,
    phase,
    run,
    scene,
    settings,
)

BOTH = (0, 1)


def without_amber(t: float) -> Shown:
    shown = phase(t, "a")
    return RED if shown == AMBER else shown


def red_amber(t: float) -> Shown:
    return BOTH if t % 60 > 58 else phase(t, "a")


@pytest.mark.parametrize("fps", [1.0, 4.0])
def test_no_amber_before_red_is_told_in_the_third_cycle(fps: float) -> None:
    ended = run(during(130, 440, lambda t: {"a1": without_amber(t)}), 640, fps)
    assert ended.places == [(Fault.SEQUENCE, "head:a1")]
    found = ended.opened[0]
    assert found.detail.order == ("green", "red")
    assert found.detail.cycles == 3
    assert found.tier is Tier.REVIEW
    assert found.media_time < 130 + 4 * 60
    assert ended.over(Fault.SEQUENCE, "head:a1").repaired_media_time == pytest.approx(440, abs=62)


def test_twice_is_not_enough() -> None:
    assert run(during(130, 250, lambda t: {"a1": without_amber(t)}), 600, 2.0).places == []


def test_red_and_amber_together_is_lawful_where_the_order_says_so() -> None:
    def show(t: float) -> dict[str, Shown]:
        b: Shown = BOTH if (t - 30) % 60 > 58 else phase(t, "b")
        return {"a1": red_amber(t), "a2": red_amber(t), "b1": b, "b2": b}

    european = TimeMachine(settings(order=LawfulOrder.RED_AMBER))
    assert run(show, 900, 4.0, european).places == []
    assert (Fault.SEQUENCE, "head:a1") in run(show, 900, 4.0).places


def test_what_lies_between_two_pictures_is_not_judged() -> None:
    """Key frames miss amber; so does a bus, and a stream that stutters."""
    assert run(normal, 1800, 0.5).places == []

    def bus(t: float) -> dict[str, Shown]:
        return {"a1": Unseen.OCCLUDED if phase(t, "a") == AMBER else phase(t, "a")}

    assert run(during(130, 900, bus), 900, 2.0).places == []
    gaps = (t for t in (n / 2 for n in range(1800)) if not 21.5 <= t % 60 < 25.5)
    machine = TimeMachine(settings())
    assert [f for t in gaps for f in machine.observe(scene(t, normal(t)))] == []


def test_to_and_fro_within_a_second_is_no_cycle() -> None:
    """A lamp that is misread for a picture or two."""

    def noisy(t: float) -> dict[str, Shown]:
        return {"a1": AMBER if phase(t, "a") == RED and int(t) % 20 == 7 else phase(t, "a")}

    for fps in (1.0, 2.0):
        places = run(during(130, 200, noisy), 600, fps).places
        assert places == []
