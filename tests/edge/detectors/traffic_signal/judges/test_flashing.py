"""FLASHING: about once a second, where the timetable does not allow it."""

from __future__ import annotations

from datetime import UTC, datetime, time

import pytest

from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.machine import TimeMachine
from edge.detectors.traffic_signal.settings import Colour, FlashPeriod, HeadKind
from tests.edge.detectors.traffic_signal.machines import (
    AMBER,
    DARK,
    GREEN,
    RED,
    Shown,
    during,
    head,
    normal,
    phase,
    run,
    settings,
)

ALL = ("a1", "a2", "b1", "b2")
NIGHT = FlashPeriod(start=time(23), end=time(5))


def flash(t: float, shown: Shown, hz: float = 1.0, duty: float = 0.5) -> Shown:
    return shown if (t * hz) % 1.0 < duty else DARK


@pytest.mark.parametrize("fps", [4.0, 8.0, 25.0])
@pytest.mark.parametrize(("hz", "duty"), [(0.8, 0.4), (1.0, 0.5), (1.2, 0.65)])
def test_one_head_that_flashes_is_told_in_a_quarter_of_a_minute(fps: float, hz: float, duty: float) -> None:
    ended = run(during(75, 120, lambda t: {"a1": flash(t, RED, hz, duty)}), 110, fps)
    assert ended.places == [(Fault.FLASHING, "head:a1")]
    found = ended.opened[0]
    assert found.media_time < 75 + 17
    assert found.detail.flash_hz == pytest.approx(hz, rel=0.06)
    assert found.detail.flash_duty == pytest.approx(duty, abs=0.13)


def test_a_junction_that_flashes_amber_is_one_alarm_and_its_end_is_told() -> None:
    ended = run(during(130, 250, lambda t: dict.fromkeys(ALL, flash(t, AMBER))), 420, 4.0)
    assert ended.places == [(Fault.FLASHING, "junction")]
    assert ended.opened[0].detail.heads == ALL
    assert ended.over(Fault.FLASHING, "junction").repaired_media_time == pytest.approx(250, abs=61)


def test_pedestrian_heads_that_are_off_while_a_junction_flashes_are_not_dark() -> None:
    heads = {"a1": head("a"), "b1": head("b"), "w1": head("w", kind=HeadKind.PEDESTRIAN)}

    def show(t: float) -> dict[str, Shown]:
        lit = flash(t, AMBER)
        works: dict[str, Shown] = {"a1": phase(t, "a"), "b1": phase(t, "b"), "w1": GREEN if t % 60 < 20 else RED}
        return works if t < 100 else {"a1": lit, "b1": lit, "w1": DARK}

    assert run(show, 300, 4.0, TimeMachine(settings(heads))).places == [(Fault.FLASHING, "junction")]


def test_green_that_flashes_for_three_seconds_before_amber_is_lawful() -> None:
    def chinese(t: float) -> dict[str, Shown]:
        shown: dict[str, Shown] = dict(normal(t))
        for one, group in (("a1", "a"), ("a2", "a"), ("b1", "b"), ("b2", "b")):
            at = (t - (0 if group == "a" else 30)) % 60
            if 19 <= at < 22:
                shown[one] = GREEN if at % 1.0 >= 0.5 else DARK
        return shown

    for fps in (1.0, 4.0, 8.0):
        assert run(chinese, 1200, fps).places == []


def test_night_flash_by_the_timetable_is_normal_and_so_are_its_beginning_and_end() -> None:
    """From 22:50 to 23:20 in Shanghai; it begins a minute before its time."""
    begins = datetime(2026, 3, 4, 14, 50, tzinfo=UTC)
    night = during(540, 1500, lambda t: dict.fromkeys(ALL, flash(t, AMBER, 0.93)))
    for fps in (0.5, 1.0, 4.0):
        assert run(night, 1800, fps, TimeMachine(settings(night_flash=(NIGHT,))), begins=begins).places == []


def test_red_that_flashes_in_the_time_of_amber_is_a_fault() -> None:
    begins = datetime(2026, 3, 4, 16, 0, tzinfo=UTC)
    machine = TimeMachine(settings(night_flash=(NIGHT,)))
    ended = run(lambda t: dict.fromkeys(ALL, flash(t, RED)), 60, 4.0, machine, begins=begins)
    assert ended.places == [(Fault.FLASHING, "junction")]


def test_a_head_that_may_flash_and_does_not_is_fine() -> None:
    begins = datetime(2026, 3, 4, 16, 0, tzinfo=UTC)
    assert run(normal, 600, 4.0, TimeMachine(settings(night_flash=(NIGHT,))), begins=begins).places == []


def test_a_head_that_is_dark_in_the_time_of_night_flash_is_told_where_pictures_are_quick_enough() -> None:
    begins = datetime(2026, 3, 4, 16, 0, tzinfo=UTC)

    def show(t: float) -> dict[str, Shown]:
        return {**dict.fromkeys(ALL, flash(t, AMBER)), "a1": DARK if t > 60 else flash(t, AMBER)}

    quick = run(show, 200, 4.0, TimeMachine(settings(night_flash=(NIGHT,))), begins=begins)
    assert quick.places == [(Fault.DARK, "head:a1")]
    slow = run(show, 200, 1.0, TimeMachine(settings(night_flash=(NIGHT,))), begins=begins)
    assert slow.places == []


def test_slow_pictures_do_not_invent_flashing() -> None:
    ended = run(during(75, 300, lambda t: dict.fromkeys(ALL, flash(t, AMBER, 0.93))), 300, 2.0)
    assert [place for place in ended.places if place[0] is Fault.FLASHING] == []
    assert Fault.FLASHING in ended.machine.not_judged()


def test_colour_names_the_lamp() -> None:
    ended = run(during(75, 120, lambda t: {"a1": flash(t, RED)}), 110, 8.0)
    lamp = ended.opened[0].detail.lamp
    assert lamp is not None
    assert lamp.colour == Colour.RED
