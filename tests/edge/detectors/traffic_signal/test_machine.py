"""The time machine as a whole: normal operation is silent, faults live through restarts, and rates are told."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.machine import TimeMachine
from edge.detectors.traffic_signal.readings import SceneReading, Unseen
from samples.junction.controller import Junction
from samples.junction.faults import TrueFault
from samples.junction.plans import Crossroads
from tests.edge.detectors.traffic_signal.machines import (
    DARK,
    NOON,
    Run,
    Shown,
    during,
    head,
    normal,
    phase,
    run,
    scene,
    settings,
    times,
)
from tests.evaluate.signals_stream import REAL, Stream, settings_of

SPEC = Crossroads(arrow=True).spec()
ADAPTIVE = Crossroads(adaptive=True, rests=True, arrow=True, countdown_seconds=99).spec()
ADAPTIVE_SETTINGS = settings_of(ADAPTIVE, learning_hours=6.0)


def restarted(machine: TimeMachine) -> TimeMachine:
    fresh = TimeMachine(machine.settings)
    fresh.load(json.loads(json.dumps(machine.save())))
    return fresh


@pytest.mark.parametrize("fps", [0.2, 1, 4])
def test_a_power_failure_is_told_once_and_ended(fps: float) -> None:
    fault = TrueFault(Fault.DARK, tuple(head.id for head in SPEC.heads), 300.0, 700.0, scope="junction")
    machine = TimeMachine(settings_of(SPEC, learning_hours=1.0))
    found = [f for p in Stream(Junction(SPEC, 3, [fault]), fps).pictures(0, 1100) for f in machine.observe(p)]
    assert {(f.fault, f.key) for f in found} == {(Fault.DARK, "junction")}
    assert 300 < found[0].media_time <= 360
    assert found[-1].active is False
    assert found[-1].repaired_media_time is not None
    assert 700 <= found[-1].repaired_media_time <= 800


@pytest.mark.parametrize(("fps", "hours"), [(0.2, 4.0), (1.0, 1.0), (4.0, 0.2)])
def test_adaptive_control_read_with_errors_is_silent(fps: float, hours: float) -> None:
    machine = TimeMachine(ADAPTIVE_SETTINGS)
    stream = Stream(Junction(ADAPTIVE, 5), fps, REAL, 5)
    assert [f for p in stream.pictures(0, hours * 3600) for f in machine.observe(p)] == []


def test_a_finding_is_repeated_once_a_second_and_its_end_for_half_a_minute() -> None:
    ended = run(during(130, 330, lambda _: {"a1": DARK}), 700, 4.0)
    active = [f.media_time for f in ended.findings if f.active]
    over = [f.media_time for f in ended.findings if not f.active]
    assert all(0.99 <= b - a <= 1.3 for a, b in pairwise(active))
    assert 25 <= len(over) <= 32
    assert over[-1] - over[0] == pytest.approx(30, abs=1.5)
    detail = ended.findings[-1].detail
    assert detail.repaired_at is not None
    assert detail.repaired_at == NOON + timedelta(seconds=ended.findings[-1].repaired_media_time or 0)


def test_what_is_open_survives_a_restart_and_is_older_by_the_time_away() -> None:
    first = run(during(130, 9999, lambda _: {"a1": DARK}), 300)
    machine = restarted(first.machine)
    assert machine.is_open("signal_dark", "head:a1")
    assert not machine.is_open("signal_dark", "head:a2")
    assert not machine.is_open("thrown_object", "head:a1")
    # The program was away for 100 s; media time begins anew.
    show = during(0, 200, lambda _: {"a1": DARK}, lambda t: normal(t + 400))
    second = run(show, 500, 2.0, machine, begins=NOON + timedelta(seconds=400))
    assert second.places == [(Fault.DARK, "head:a1")]
    assert second.opened[0].media_time < 1
    assert second.opened[0].started_media_time == pytest.approx(130 - 400, abs=1)
    assert second.over(Fault.DARK, "head:a1").repaired_media_time == pytest.approx(200, abs=2)
    assert not machine.is_open("signal_dark", "head:a1")


def test_what_no_longer_is_in_the_settings_is_left_out() -> None:
    first = run(during(130, 9999, lambda _: {"a1": DARK, "b1": DARK}), 300)
    renamed = TimeMachine(settings({"x1": head("a"), "b1": head("b")}))
    renamed.load(first.machine.save())
    assert not renamed.is_open("signal_dark", "head:a1")
    assert renamed.is_open("signal_dark", "head:b1")
    renamed.observe(scene(0, {"x1": phase(0, "a"), "b1": DARK}))
    assert not renamed.is_open("signal_dark", "head:a1")
    assert renamed.is_open("signal_dark", "head:b1")


def test_saving_before_the_first_picture_loses_nothing() -> None:
    first = run(during(130, 9999, lambda _: {"a1": DARK}), 300)
    twice = restarted(restarted(first.machine))
    assert twice.is_open("signal_dark", "head:a1")


def test_a_version_that_nobody_knows_is_left() -> None:
    machine = TimeMachine(settings())
    machine.load({"version": 99})
    assert machine.save()["version"] == 1


def test_media_time_that_begins_anew_is_another_opening() -> None:
    first = run(during(130, 9999, lambda _: {"a1": DARK}), 300)
    again = run(during(0, 9999, lambda _: {"a1": DARK}), 50, 2.0, first.machine, begins=NOON + timedelta(seconds=320))
    assert again.places == [(Fault.DARK, "head:a1")]
    assert again.opened[0].started_media_time == pytest.approx(130 - 320, abs=1)


def test_the_same_picture_twice_adds_nothing() -> None:
    machine = TimeMachine(settings())
    for t in times(0, 100, 2.0):
        machine.observe(scene(t, normal(t)))
        assert machine.observe(scene(t, dict.fromkeys(("a1", "a2", "b1", "b2"), DARK))) == ()


@pytest.mark.parametrize("away", [30.0, 3000.0])
def test_a_gap_in_the_stream_is_no_fault(away: float) -> None:
    first = run(normal, 300, 1.0)
    second = run(normal, 300 + away + 600, 1.0, first.machine, start=300 + away)
    assert second.places == []


def test_a_camera_that_looked_elsewhere_and_came_back_finds_nothing() -> None:
    looked = dict.fromkeys(("a1", "a2", "b1", "b2"), Unseen.MOVED)
    assert run(during(200, 1200, lambda _: looked), 1800, 1.0).places == []


@pytest.mark.parametrize("jump", [timedelta(hours=3), timedelta(hours=-30)])
def test_a_clock_that_is_set_is_no_fault(jump: timedelta) -> None:
    machine = TimeMachine(settings())
    found: list[object] = []
    for t in times(0, 1500, 1.0):
        picture = scene(t, normal(t))
        if t > 700:
            picture = replace(picture, wall_time=picture.wall_time + jump)
        found += machine.observe(picture)
    assert found == []


def test_a_change_of_plan_is_no_fault() -> None:
    """From 60 to 150 s, as in the rush hour."""

    def rush(t: float) -> dict[str, Shown]:
        return normal((t - 600) / 2.5 + 600)

    assert run(during(600, 3000, rush), 3000, 1.0).places == []


def test_emergency_vehicles_hold_one_green_for_minutes() -> None:
    def held(_: float) -> dict[str, Shown]:
        return normal(605)

    assert run(during(605, 605 + 200, held, lambda t: normal(t if t < 605 else t - 200)), 1800, 2.0).places == []


def test_rates_that_do_not_allow_a_judgement_are_told() -> None:
    def missing(fps: float, end: float = 60) -> set[Fault]:
        return set(run(normal, end, fps).machine.not_judged())

    assert missing(8.0) == set()
    assert missing(4.0) == set()
    assert missing(2.0) == {Fault.FLASHING}
    assert missing(1.0) == {Fault.FLASHING}
    slow = {Fault.FLASHING, Fault.CONFLICT, Fault.SEQUENCE, Fault.COUNTDOWN}
    assert missing(0.5) == slow
    assert missing(0.2) == slow
    assert missing(0.05, 300) == set(Fault)


def test_the_rate_is_that_of_what_arrives() -> None:
    machine = run(normal, 60, 5.0).machine
    assert machine.samples_per_second == pytest.approx(5, rel=0.1)
    run(normal, 260, 0.5, machine, start=61)
    assert machine.samples_per_second == pytest.approx(0.5, rel=0.1)


def test_what_is_learned_is_told() -> None:
    learned = run(normal, 3600, 1.0, TimeMachine(settings(plan={}))).machine.cycle("a")
    assert learned.cycle is not None
    assert learned.cycle.p50 == pytest.approx(60, rel=0.06)
    assert learned.states["green"].p50 == pytest.approx(22, abs=2)
    assert learned.states["red"].p99 == pytest.approx(35, abs=3)


def test_nothing_is_learned_from_what_is_broken() -> None:
    stuck = during(310, 1500, lambda _: {"a1": (0,), "a2": (0,)})
    machine = run(stuck, 3000, 1.0).machine
    assert machine.cycle("a").states["red"].p99 < 60


def test_a_machine_can_be_copied_and_goes_on_alone() -> None:
    """Drills fork detectors."""
    machine = run(normal, 300, 2.0).machine
    fork = copy.deepcopy(machine)
    broken = run(lambda t: {**normal(t), "a1": DARK}, 400, 2.0, fork, start=300)
    assert broken.places == [(Fault.DARK, "head:a1")]
    assert run(normal, 400, 2.0, machine, start=300).places == []


def test_the_same_pictures_give_the_same_findings() -> None:
    def once() -> Run:
        stream = Stream(Junction(ADAPTIVE, 7, [TrueFault(Fault.DARK, ("n1",), 400.0, 700.0)]), 2.0, REAL, 7)
        machine = TimeMachine(ADAPTIVE_SETTINGS)
        return Run(machine, [f for p in stream.pictures(0, 900) for f in machine.observe(p)])

    first, second = once(), once()
    assert first.findings == second.findings
    assert first.machine.save() == second.machine.save()


def test_a_head_that_nobody_read_is_unknown() -> None:
    machine = TimeMachine(settings())
    for t in times(0, 300, 2.0):
        shown = {k: v for k, v in scene(t, normal(t)).heads.items() if k != "a1"}
        assert machine.observe(SceneReading(t, NOON + timedelta(seconds=t), shown)) == ()
    assert {span.unseen for span in machine.head_spans("a1", 0, 300)} == {"broken_picture"}


def test_a_fault_goes_on_where_pictures_come_once_an_hour() -> None:
    """A rate that rounds to nothing is still one that an event can say."""
    machine = restarted(run(during(130, 9999, lambda _: {"a1": DARK}), 300).machine)
    far = [scene(300.0 + 4000.0 * hour, {**normal(0), "a1": DARK}) for hour in range(1, 9)]
    found = [finding for picture in far for finding in machine.observe(picture)]
    assert {(finding.fault, finding.key) for finding in found} == {(Fault.DARK, "head:a1")}
    assert min(finding.detail.samples_per_second for finding in found) == 0.001
