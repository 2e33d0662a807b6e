"""Which alarm tells which fire, and what the figures say of it."""

from __future__ import annotations

import pytest

from contract.events import Tier
from samples.fire.figures import rows_of
from samples.fire.judging import judge
from samples.fire.running import Said, ShowResult, Variant
from samples.fire.shows import TrueFire, touches
from samples.junction.heads import Box

FLAME = TrueFire(end=60, flame_since=20, smoke_since=26, box=(100, 100, 140, 180))
SMOKE = TrueFire(end=120, flame_since=None, smoke_since=30, box=(300, 40, 420, 260))


def said(raised: float, box: tuple[float, float, float, float] = (100, 120, 130, 180), hazard: str = "fire") -> Said:
    return Said(
        hazard=hazard, tier=Tier.ALARM, raised=raised, alarmed=raised, critical=None, cleared=None, confidence=0.8,
        box=box, proposers=("flame",), model=None,
    )  # fmt: skip


def result(name: str, fires: tuple[TrueFire, ...], *alarms: Said, proposer: tuple[Said, ...] = ()) -> ShowResult:
    return ShowResult(
        name=name, recipe="r", seconds=864.0, frames=1000, fires=fires,
        said={Variant.CALIBRATION: alarms, Variant.PROPOSER: (*alarms, *proposer)}, unknown_seconds=8.64,
        render_seconds=1.0, judge_seconds={Variant.CALIBRATION: 2.0, Variant.PROPOSER: 1.0},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fire", "raised", "in_time"),
    [(FLAME, 21.0, True), (FLAME, 35.0, True), (FLAME, 36.0, False), (SMOKE, 74.0, True), (SMOKE, 76.0, False)],
)
def test_flames_within_15_s_and_smoke_within_45(fire: TrueFire, raised: float, in_time: bool) -> None:
    box = tuple(float(value) for value in fire.box or ())
    (answer,) = judge([result("flame-00", (fire,), said(raised, box))], Variant.CALIBRATION).answered  # type: ignore[arg-type]
    assert answer.said is not None
    assert answer.in_time is in_time


def test_smoke_may_tell_a_fire_and_each_hazard_counts_once() -> None:
    first, second, again = said(30, hazard="smoke"), said(40), said(50)
    judged = judge([result("flame-00", (FLAME,), first, second, again)], Variant.CALIBRATION)
    assert judged.answered[0].said == first
    assert [item for _, item in judged.duplicates] == [again]
    assert judged.false == []


@pytest.mark.parametrize(
    "alarm", [said(10), said(30, (400, 10, 440, 60)), said(70)], ids=["too_early", "elsewhere", "long_over"]
)
def test_what_is_not_the_fire_is_false(alarm: Said) -> None:
    judged = judge([result("flame-00", (FLAME,), alarm)], Variant.CALIBRATION)
    assert judged.answered[0].said is None
    assert [item for _, item in judged.false] == [alarm]


def test_place_is_judged_with_some_room() -> None:
    assert touches((100, 100, 140, 180), Box(138, 150, 160, 190))
    assert not touches((100, 100, 140, 180), Box(200, 100, 240, 180))
    assert touches(None, Box(0, 0, 1, 1))


def test_figures_count_false_alarms_by_kind_and_stage() -> None:
    results = [
        result("flame-00", (FLAME,), said(24)),
        result("smoke-00", (SMOKE,)),
        result("like-beacon-0-day", (), said(5), proposer=(said(7), said(9))),
        result("like-fog-0-day", ()),
        result("real-office1", (), proposer=(said(3),)),
    ]
    judged = {variant: judge(results, variant) for variant in (Variant.PROPOSER, Variant.CALIBRATION)}
    rows = {row.name: row for row in rows_of(judged, results)}
    assert rows["recall_in_time.rendered_flames"].value == 1
    assert rows["recall_in_time.rendered_smoke"].value == 0
    assert "smoke-00" in rows["recall_in_time.rendered_smoke"].note
    assert rows["recall_in_time.real_clips"].value is None
    assert rows["false_alarm_per_camera_day.beacon"].value == pytest.approx(100)  # one in 864 s
    assert rows["false_alarm_per_camera_day.beacon"].ok is False
    assert rows["false_alarm_per_camera_day.fog"].ok is None  # none, but too few hours to say
    assert rows["false_alarm_per_camera_day.lookalikes"].value == pytest.approx(50)
    assert rows["ablation.false_per_camera_day.proposer"].value == pytest.approx(150)
    assert rows["ablation.said_on_real_footage_without_fire.proposer"].value == 1
    assert rows["ablation.said_on_real_footage_without_fire.calibration"].value == 0
    assert rows["said_on_real_footage_without_fire"].ok is True
    assert rows["unknown_time_share"].value == pytest.approx(0.01)
