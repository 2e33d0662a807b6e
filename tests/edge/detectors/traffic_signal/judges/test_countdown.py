"""COUNTDOWN: digits that stay dark while their head works."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from contract.events import Severity, Tier
from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.machine import TimeMachine
from edge.detectors.traffic_signal.readings import HeadReading, Lit, Unseen
from tests.edge.detectors.traffic_signal.machines import GREEN, RED, Shown, head, phase, reading, run, settings

HEADS = {"a1": head("a", countdown=True), "b1": head("b")}


def shown(digits: Callable[[float, tuple[int, ...]], bool]) -> Callable[[float], Mapping[str, Shown | HeadReading]]:
    def show(t: float) -> Mapping[str, Shown | HeadReading]:
        a = phase(t, "a")
        return {"a1": reading(a, countdown=Lit.ON if digits(t, a) else Lit.OFF), "b1": phase(t, "b")}

    return show


def in_red_and_green(_: float, lit: tuple[int, ...]) -> bool:
    return lit in (RED, GREEN)


@pytest.mark.parametrize("fps", [1.0, 4.0])
def test_dead_digits_are_told_after_three_cycles(fps: float) -> None:
    show = shown(lambda t, lit: in_red_and_green(t, lit) and not 310 < t < 640)
    ended = run(show, 900, fps, TimeMachine(settings(HEADS)))
    assert ended.places == [(Fault.COUNTDOWN, "head:a1")]
    found = ended.opened[0]
    assert found.media_time < 310 + 4 * 60
    assert (found.severity, found.tier) == (Severity.BLUE, Tier.REVIEW)
    assert ended.over(Fault.COUNTDOWN, "head:a1").repaired_media_time == pytest.approx(640, abs=65)


def test_digits_that_are_lit_in_one_colour_only_are_not_missed_in_the_others() -> None:
    show = shown(lambda t, lit: lit == GREEN and t % 60 > 12)
    assert run(show, 1500, 1.0, TimeMachine(settings(HEADS))).places == []


def test_digits_that_were_never_lit_are_not_missed() -> None:
    assert run(shown(lambda t, lit: False), 900, 1.0, TimeMachine(settings(HEADS))).places == []


def test_digits_are_not_missed_while_their_head_is_hidden_or_dark() -> None:
    def hidden(t: float) -> Mapping[str, Shown | HeadReading]:
        return {"a1": Unseen.OCCLUDED, "b1": phase(t, "b")} if t > 310 else shown(in_red_and_green)(t)

    assert run(hidden, 900, 1.0, TimeMachine(settings(HEADS))).places == []

    def dark(t: float) -> Mapping[str, Shown | HeadReading]:
        off = reading((), countdown=Lit.OFF)
        return {"a1": off, "b1": phase(t, "b")} if t > 310 else shown(in_red_and_green)(t)

    assert run(dark, 900, 1.0, TimeMachine(settings(HEADS))).places == [(Fault.DARK, "head:a1")]
