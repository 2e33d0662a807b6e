"""What is done to a camera is found within 30 s, by day, at dusk, at night and in infra-red; and nothing else is."""

from __future__ import annotations

import pytest

from edge.config.health import CameraCondition as Is
from tests.edge.health.scenes import (
    Fault,
    Moment,
    Regime,
    Rig,
    Weather,
    bag,
    cap,
    defocus,
    exposed,
    glare_at_night,
    hand,
    spray,
)
from tests.edge.health.watching import Watched

LEARN = 30.0
BEGINS = 42.0
WITHIN = 30.0


def watch_fault(
    regime: Regime,
    fault: Fault | None = None,
    *,
    shift: tuple[float, float] = (0.0, 0.0),
    freeze: bool = False,
    weather: Weather | None = None,
    seconds: float = WITHIN,
) -> Watched:
    """A camera that is well until BEGINS, and then not."""
    rig = Rig(seed=11)
    watched = Watched(learn_seconds=LEARN)
    weather = weather or Weather()
    latest = rig.picture(0, Moment(regime, weather))
    for index in range(int(BEGINS + seconds) + 1):
        t = float(index)  # one picture a second: the slowest cameras
        begun = t >= BEGINS
        if not (freeze and begun):
            latest = rig.picture(t, Moment(regime, weather, shift=shift if begun else (0, 0)), fault if begun else None)
        watched.show(t, latest)
    return watched


def assert_only(watched: Watched, *expected: Is) -> None:
    """Exactly these were found, each within the time, and not before it began."""
    assert set(watched.found) == set(expected), watched.found
    for condition, at in watched.found.items():
        assert 0 <= at - BEGINS <= WITHIN, (condition, at - BEGINS)


@pytest.mark.parametrize("regime", list(Regime), ids=str)
@pytest.mark.parametrize("fault", [cap, hand, bag, spray, glare_at_night], ids=lambda fault: fault.__name__)
def test_a_covered_camera_is_found(regime: Regime, fault: Fault) -> None:
    watched = watch_fault(regime, fault)
    assert_only(watched, Is.COVERED)
    assert [event.data.hazard for event in watched.outbox.hazards] == ["camera_covered"]


@pytest.mark.parametrize("regime", list(Regime), ids=str)
def test_a_frozen_camera_is_found(regime: Regime) -> None:
    assert_only(watch_fault(regime, freeze=True), Is.FROZEN)


@pytest.mark.parametrize("regime", list(Regime), ids=str)
def test_a_defocused_camera_is_found(regime: Regime) -> None:
    assert_only(watch_fault(regime, defocus(0.006)), Is.DEFOCUSED)


@pytest.mark.parametrize("regime", list(Regime), ids=str)
@pytest.mark.parametrize("shift", [(0.02, 0.0), (0.0, -0.02), (0.2, 0.05)], ids=["right", "up", "far"])
def test_a_moved_camera_is_found_and_by_how_much(regime: Regime, shift: tuple[float, float]) -> None:
    watched = watch_fault(regime, shift=shift)
    assert_only(watched, Is.MOVED)
    detail = watched.outbox.hazards[0].data.detail
    # The content goes the other way.
    assert detail["shift_x"] == pytest.approx(-shift[0], abs=0.002)
    assert detail["shift_y"] == pytest.approx(-shift[1], abs=0.002)


@pytest.mark.parametrize(
    ("regime", "gain", "condition"),
    [
        (Regime.DAY, 10, Is.OVEREXPOSED),
        (Regime.INFRARED, 12, Is.OVEREXPOSED),
        (Regime.DAY, 0.05, Is.UNDEREXPOSED),
        (Regime.INFRARED, 0.05, Is.UNDEREXPOSED),
    ],
    ids=["day-over", "infrared-over", "day-under", "infrared-under"],
)
def test_a_wrongly_exposed_camera_is_found(regime: Regime, gain: float, condition: Is) -> None:
    assert_only(watch_fault(regime, exposed(gain)), condition)


def test_one_percent_of_the_width_is_not_moved() -> None:
    assert_only(watch_fault(Regime.DAY, shift=(0.008, 0)))


def test_a_dark_street_is_not_underexposed() -> None:
    assert_only(watch_fault(Regime.NIGHT, exposed(0.5)))


def test_a_picture_without_anything_is_covered_though_no_view_was_learned() -> None:
    rig = Rig(seed=2)
    watched = Watched().see((n / 2, rig.picture(n / 2, Moment(Regime.DAY), hand)) for n in range(60))
    assert set(watched.found) == {Is.COVERED}
    assert watched.found[Is.COVERED] <= WITHIN


def test_a_camera_that_was_turned_while_nobody_looked_is_found_by_its_remembered_view() -> None:
    rig = Rig(seed=4)
    before = Watched(learn_seconds=LEARN)
    before.see((n / 2, rig.picture(n / 2, Moment(Regime.DAY))) for n in range(100))
    before.health.close(before.wall(50))
    after = Watched(before.outbox, learn_seconds=LEARN)
    after.see((n / 2, rig.picture(n / 2, Moment(Regime.DAY, shift=(0.02, 0)))) for n in range(60))
    assert set(after.found) == {Is.MOVED}


def test_away_and_back_is_moved_and_well_again() -> None:
    rig = Rig(seed=5)
    watched = Watched(learn_seconds=LEARN)
    for n in range(240):
        away = 42 <= n / 2 < 80
        watched.show(n / 2, rig.picture(n / 2, Moment(Regime.DAY, shift=(0.2, 0) if away else (0, 0))))
    assert watched.outbox.story() == [("camera_moved", "opened"), ("camera_moved", "cleared")]
    assert watched.health.conditions == ()


def test_an_accepted_view_is_the_right_one() -> None:
    rig = Rig(seed=6)
    watched = Watched(learn_seconds=LEARN)
    for n in range(300):
        moved = n / 2 >= 42
        if n == 160:
            assert watched.health.conditions == (Is.MOVED,)
            assert watched.health.calls()["accept_view"]({})["learning_seconds"] == LEARN
        watched.show(n / 2, rig.picture(n / 2, Moment(Regime.DAY, shift=(0.1, 0) if moved else (0, 0))))
    assert watched.outbox.story() == [("camera_moved", "opened"), ("camera_moved", "cleared")]


def test_a_slow_shift_adds_up() -> None:
    """0.4 % every six minutes: the view follows each step, and the sum is not forgotten."""
    rig = Rig(seed=7)
    watched = Watched(learn_seconds=LEARN)
    for n in range(1800):
        t = n * 1.0
        watched.show(t, rig.picture(t, Moment(Regime.DAY, shift=(0.004 * int(t / 360), 0))))
    assert set(watched.found) == {Is.MOVED}


def test_fog_that_rolls_in_is_nobodys_act() -> None:
    rig = Rig(seed=8)
    watched = Watched(learn_seconds=LEARN)
    for n in range(500):
        thick = min(1.0, max(0.0, (n - 80) / 240))
        watched.show(n, rig.picture(n, Moment(Regime.DAY, Weather(fog=1.6 * thick))))
    assert watched.found == {}
    assert watched.meter.unknown_seconds > 0, "such a fog lets nothing be seen, and that must show"
