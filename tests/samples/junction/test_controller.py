from dataclasses import replace
from itertools import pairwise

import pytest

from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.settings import Colour, LawfulOrder
from samples.junction.controller import Aspect, Junction
from samples.junction.faults import Disorder, TrueFault
from samples.junction.plans import Crossroads, JunctionSpec
from samples.junction.truth import accepted_plan, flash_periods

PLAIN = Crossroads(countdown_seconds=99)
ADAPTIVE = Crossroads(adaptive=True, rests=True, arrow=True, countdown_seconds=12)
EUROPE = Crossroads(order=LawfulOrder.RED_AMBER)
STEP = 0.125


def _history(junction: Junction, head: str, seconds: float) -> list[tuple[float, tuple[int, ...]]]:
    """Changes of a head: (when, lit)."""
    found: list[tuple[float, tuple[int, ...]]] = []
    for step in range(int(seconds / STEP)):
        lit = junction.states(step * STEP)[head].lit
        if not found or found[-1][1] != lit:
            found.append((step * STEP, lit))
    return found


@pytest.mark.parametrize("layout", [PLAIN, ADAPTIVE, EUROPE], ids=["plain", "adaptive", "europe"])
def test_conflicting_groups_are_never_green_together(layout: Crossroads) -> None:
    junction = Junction(layout.spec(), 11)
    for second in range(3600):
        green = {g for g in junction.spec.groups if junction.colour(g, second) in (Aspect.GREEN, Aspect.GREEN_FLASH)}
        assert not [pair for pair in junction.spec.conflicts if set(pair) <= green]


def test_same_seed_same_states_in_any_order_of_asking() -> None:
    forward, backward = Junction(ADAPTIVE.spec(), 5), Junction(ADAPTIVE.spec(), 5)
    times = [second * 7.3 for second in range(300)]
    said = {t: forward.states(t) for t in times}
    assert said == {t: backward.states(t) for t in reversed(times)}
    assert said != {t: Junction(ADAPTIVE.spec(), 6).states(t) for t in times}


def test_green_ends_with_flashes_amber_and_red_in_china() -> None:
    history = [lit for _, lit in _history(Junction(PLAIN.spec(), 3), "n1", 300)]
    end = [(2,), (), (2,), (), (2,), (), (2,), (1,), (0,), (2,)]
    assert any(history[i : i + len(end)] == end for i in range(len(history)))


def test_red_and_amber_come_before_green_where_lawful() -> None:
    history = [lit for _, lit in _history(Junction(EUROPE.spec(), 3), "e1", 300)]
    order = [(2,), (1,), (0,), (0, 1), (2,)]
    assert any(history[i : i + len(order)] == order for i in range(len(history)))


def test_adaptive_control_varies_skips_and_rests() -> None:
    plan = accepted_plan(ADAPTIVE.spec())
    green = plan["ns"].durations[Colour.GREEN]
    assert green.longest > 100 > 60 > green.shortest
    assert accepted_plan(PLAIN.spec(), hours=8, begins=8 * 3600)["ns"].durations[Colour.GREEN].longest < 36
    assert plan["arrow"].dark_seconds > plan["left"].durations[Colour.RED].typical


def test_night_flash_keeps_to_its_timetable() -> None:
    spec = Crossroads(night_flash=(23 * 3600, 5 * 3600)).spec()
    junction = Junction(spec, 2, begins=22.9 * 3600)
    flashing = [s for s in range(0, 8 * 3600, 5) if junction.colour("ns", s) is Aspect.AMBER_FLASH]
    (period,) = flash_periods(spec)
    assert (period.start.hour, period.end.hour) == (23, 5)
    assert 0.1 * 3600 <= flashing[0] < 0.1 * 3600 + 200
    assert 6.1 * 3600 - 5 <= flashing[-1] <= 6.1 * 3600
    assert junction.states(7200.6)["w1"].lit == ()
    assert {junction.states(7200 + t / 10)["n1"].lit for t in range(10)} == {(), (1,)}


def test_digits_count_down_to_the_change() -> None:
    junction = Junction(PLAIN.spec(), 3)
    span = junction.controller.spans("ns", 0, 400)[3]
    end = span.end if span.aspect is not Aspect.GREEN else span.end + 3
    if span.aspect in (Aspect.RED, Aspect.GREEN):
        assert junction.states(end - 4.5)["n1"].digits == 5
    assert junction.states(100)["n2"].countdown is None


SPEC = PLAIN.spec()
ALL = tuple(head.id for head in SPEC.heads)


def _with(fault: TrueFault, spec: JunctionSpec = SPEC) -> Junction:
    return Junction(spec, 3, (fault,))


def test_dark_and_failed_lamps_take_light_away() -> None:
    dark = _with(TrueFault(Fault.DARK, ALL, 50, 250, "junction"))
    assert all(not state.lit and not state.countdown for state in dark.states(120).values())
    assert dark.states(260) == Junction(SPEC, 3).states(260)
    lamp = _with(TrueFault(Fault.LAMP, ("n1",), 0, 400, lamp=0))
    assert {lit for _, lit in _history(lamp, "n1", 400)} == {(), (1,), (2,)}
    assert (0,) in {lit for _, lit in _history(lamp, "n2", 400)}


def test_a_stuck_head_keeps_its_state() -> None:
    junction = _with(TrueFault(Fault.STUCK, ("n1", "n2"), 100, 500))
    assert {junction.states(t)["n1"] for t in range(100, 500)} == {junction.normal(SPEC.heads[0], 100)}


def test_a_fault_flashes_at_its_own_rate() -> None:
    junction = _with(TrueFault(Fault.FLASHING, ("e1",), 0, 100, colour=Colour.RED, flash_hz=0.8))
    ons = [t for t, lit in _history(junction, "e1", 100) if lit == (0,)]
    assert len(ons) == pytest.approx(80, abs=1)


def test_a_conflict_is_green_in_both_groups() -> None:
    heads = ("e1", "e2")
    junction = _with(TrueFault(Fault.CONFLICT, heads, 0, 400, "groups", groups=("ns", "ew")))
    both = [t for t in range(400) if junction.states(t)["n1"].lit == (2,) == junction.states(t)["e1"].lit]
    assert len(both) > 60


@pytest.mark.parametrize("disorder", list(Disorder))
def test_a_disorder_shows_what_no_order_allows(disorder: Disorder) -> None:
    junction = _with(TrueFault(Fault.SEQUENCE, ("n1",), 0, 400, disorder=disorder))
    history = [lit for _, lit in _history(junction, "n1", 400)]
    expected = {
        Disorder.NO_AMBER: ((2,), (0,)),
        Disorder.AMBER_BEFORE_GREEN: ((1,), (2,)),
        Disorder.RED_AMBER: ((0, 1), (2,)),
        Disorder.ALL_AT_ONCE: ((0,), (0, 2)),
    }[disorder]
    healthy = [lit for _, lit in _history(Junction(SPEC, 3), "n1", 400)]
    assert expected in set(pairwise(history))
    assert expected not in set(pairwise(healthy))


def test_a_dead_countdown_leaves_the_lamps_alone() -> None:
    junction, healthy = _with(TrueFault(Fault.COUNTDOWN, ("n1",), 0, 300)), Junction(SPEC, 3)
    for t in range(0, 300, 3):
        assert junction.states(t)["n1"].countdown is False
        assert junction.states(t)["n1"].lit == healthy.states(t)["n1"].lit


def test_faults_say_what_is_wrong_with_them() -> None:
    with pytest.raises(ValueError, match=r"found 5 to 5 s, expected a duration"):
        TrueFault(Fault.DARK, ("n1",), 5, 5)
    with pytest.raises(ValueError, match=r"expected its index"):
        TrueFault(Fault.LAMP, ("n1",), 5, 50)
    with pytest.raises(ValueError, match=r"expected two"):
        TrueFault(Fault.CONFLICT, ("n1",), 5, 50, groups=("ns",))
    with pytest.raises(ValueError, match=r"names heads \['x9'\]"):
        _with(TrueFault(Fault.DARK, ("x9",), 5, 50))
    with pytest.raises(ValueError, match=r"head n1: found group 'up'"):
        replace(SPEC, heads=(replace(SPEC.heads[0], group="up"),))
