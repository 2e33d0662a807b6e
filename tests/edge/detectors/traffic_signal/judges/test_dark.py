"""DARK: a head, an approach, the junction; and everything that is dark without being broken."""

from __future__ import annotations

import pytest

from contract.events import Severity, Tier
from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.machine import TimeMachine
from edge.detectors.traffic_signal.readings import HeadReading, Unseen
from edge.detectors.traffic_signal.settings import Colour, GroupPlan, HeadKind
from tests.edge.detectors.traffic_signal.machines import (
    AMBER,
    DARK,
    GREEN,
    PLAN,
    RED,
    Run,
    Shown,
    during,
    head,
    normal,
    phase,
    reading,
    run,
    settings,
)

ALL = ("a1", "a2", "b1", "b2")


def dark(*heads: str) -> dict[str, Shown]:
    return dict.fromkeys(heads, DARK)


@pytest.mark.parametrize("fps", [0.2, 0.5, 1.0, 4.0, 25.0])
def test_a_dark_head_is_told_within_a_minute_at_any_rate(fps: float) -> None:
    ended = run(during(130, 330, lambda _: dark("a1")), 480, fps)
    assert ended.places == [(Fault.DARK, "head:a1")]
    first = ended.opened[0]
    assert 130 + 40 < first.media_time < 130 + 60
    assert first.started_media_time == pytest.approx(130, abs=1 / fps + 0.3)
    assert first.tier is Tier.ALARM
    assert ended.over(Fault.DARK, "head:a1").repaired_media_time == pytest.approx(330, abs=2 / fps + 0.5)


def test_two_heads_of_an_approach_are_one_alarm() -> None:
    ended = run(during(130, 330, lambda _: dark("a1", "a2")), 480)
    assert ended.places == [(Fault.DARK, "approach:north")]
    assert ended.opened[0].detail.heads == ("a1", "a2")
    assert ended.opened[0].detail.approach == "north"


def test_a_power_failure_is_one_alarm_with_all_heads_listed() -> None:
    ended = run(during(130, 330, lambda _: dark(*ALL)), 480)
    assert ended.places == [(Fault.DARK, "junction")]
    assert ended.opened[0].detail.heads == ALL
    assert ended.opened[0].severity is Severity.RED
    assert ended.opened[0].media_time < 130 + 60


def test_a_power_failure_that_comes_over_the_heads_one_by_one_is_one_alarm() -> None:
    order = dict(zip(ALL, (130.0, 138.0, 146.0, 154.0), strict=True))
    ended = run(during(130, 400, lambda t: {h: DARK for h, since in order.items() if t >= since}), 560)
    assert ended.places == [(Fault.DARK, "junction")]


def test_a_wider_failure_replaces_the_single_one() -> None:
    ended = run(during(130, 500, lambda t: dark(*ALL) if t > 250 else dark("a1")), 700)
    assert ended.places == [(Fault.DARK, "head:a1"), (Fault.DARK, "junction")]
    single, junction = ended.opened
    assert junction.started_media_time == single.started_media_time
    assert ended.over(Fault.DARK, "head:a1").media_time == junction.media_time


def test_heads_that_stay_dark_after_a_power_failure_are_told_by_themselves() -> None:
    ended = run(during(130, 700, lambda t: dark(*ALL) if t < 300 else dark("b2")), 900)
    assert ended.places == [(Fault.DARK, "junction"), (Fault.DARK, "head:b2")]


def test_a_head_that_was_dark_from_the_first_picture_is_told() -> None:
    assert run(during(0, 300, lambda _: dark("a1")), 120).places == [(Fault.DARK, "head:a1")]


def test_what_was_never_seen_lit_and_stands_in_no_plan_is_only_worth_a_look() -> None:
    unplanned = TimeMachine(settings(plan={}))
    ended = run(during(0, 300, lambda _: dark("a1")), 120, machine=unplanned)
    assert [(f.key, f.tier) for f in ended.opened] == [("head:a1", Tier.REVIEW)]
    planned = run(during(0, 300, lambda _: dark("a1")), 120)
    assert planned.opened[0].confidence > ended.opened[0].confidence


@pytest.mark.parametrize("why", list(Unseen), ids=str)
def test_a_head_that_is_not_seen_is_never_dark(why: Unseen) -> None:
    assert run(during(130, 900, lambda _: dict.fromkeys(ALL, why)), 1000, 1.0).places == []


def test_a_bus_before_a_dark_head_delays_and_does_not_hide_for_ever() -> None:
    def bus(t: float) -> dict[str, Shown]:
        return {"a1": Unseen.OCCLUDED if 140 <= t < 200 else DARK}

    first = run(during(130, 500, bus), 500).opened[0]
    assert first.key == "head:a1"
    assert 200 + 40 <= first.media_time < 200 + 60
    assert first.detail.visible_share >= 0.8


def test_twigs_that_hide_every_fifth_picture_change_nothing() -> None:
    def twigs(t: float) -> dict[str, Shown]:
        return {"a1": Unseen.OCCLUDED if int(t * 2) % 6 == 0 else DARK}

    assert run(during(130, 300, twigs), 300).places == [(Fault.DARK, "head:a1")]


def test_a_headlight_in_a_dark_lens_for_one_picture_changes_nothing() -> None:
    def glint(t: float) -> dict[str, Shown]:
        return {"a1": AMBER if 150 <= t < 150.5 else DARK}

    first = run(during(130, 300, glint), 300).opened[0]
    assert first.media_time < 130 + 60


@pytest.mark.parametrize("fps", [0.5, 1.0])
def test_leds_that_beat_with_the_shutter_are_not_dark(fps: float) -> None:
    def beating(t: float) -> dict[str, Shown]:
        return {h: DARK if int(t * fps) % 3 else shown for h, shown in normal(t).items()}

    assert run(beating, 900, fps).places == []


def arrow_settings(**changes: object) -> TimeMachine:
    heads = {"b1": head("b"), "t1": head("t", colours=(Colour.GREEN,), kind=HeadKind.ARROW)}
    return TimeMachine(settings(heads, **changes))


def with_arrow(t: float, seconds: float = 10.0) -> dict[str, Shown | HeadReading]:
    lit: Shown = (0,) if t % 60 < seconds else DARK
    return {"b1": phase(t, "b"), "t1": reading(lit, 1)}


@pytest.mark.parametrize("fps", [0.5, 1.0, 4.0])
def test_an_arrow_is_dark_by_nature(fps: float) -> None:
    assert run(with_arrow, 1200, fps, arrow_settings()).places == []


def test_an_arrow_that_nobody_asks_for_in_one_cycle_is_not_dark() -> None:
    plan = {**PLAN, "t": GroupPlan(durations={}, dark_seconds=50)}
    ended = run(lambda t: with_arrow(t, 0 if 600 <= t < 660 else 10), 1200, 1.0, arrow_settings(plan=plan))
    assert ended.places == []


def test_an_arrow_that_never_comes_again_is_told() -> None:
    plan = {**PLAN, "t": GroupPlan(durations={}, dark_seconds=50)}
    ended = run(lambda t: with_arrow(t, 0 if t >= 600 else 10), 900, 1.0, arrow_settings(plan=plan))
    assert ended.places == [(Fault.DARK, "head:t1")]


def test_one_red_lamp_that_fails_is_not_a_dark_head() -> None:
    """Red lasts for longer than a dark head is waited for."""
    long = {**PLAN, "a": GroupPlan(durations=PLAN["a"].durations)}

    def show(t: float) -> dict[str, Shown]:
        at = t % 120
        a: Shown = GREEN if at < 30 else AMBER if at < 33 else RED
        b: Shown = GREEN if 40 <= at < 100 else AMBER if 100 <= at < 103 else RED
        broken: Shown = DARK if t > 360 and a == RED else a
        return {"a1": broken, "a2": a, "b1": b, "b2": b}

    ended = run(show, 900, 2.0, TimeMachine(settings(plan=long)))
    assert ended.places == [(Fault.LAMP, "head:a1:0")]


def confidences(ended: Run) -> list[float]:
    return [finding.confidence for finding in ended.opened]


def test_confidence_grows_with_what_is_seen_and_with_witnesses() -> None:
    clear = run(during(130, 300, lambda _: dark("a1")), 300)
    hidden = run(during(130, 300, lambda t: {"a1": Unseen.OCCLUDED if int(t) % 8 == 0 else DARK}), 300)
    everything = run(during(130, 300, lambda _: dark(*ALL)), 300)
    assert confidences(hidden)[0] < confidences(clear)[0] < confidences(everything)[0]
