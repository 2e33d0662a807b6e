from __future__ import annotations

from dataclasses import replace

import pytest

from contract.events import Tier
from edge.detectors.traffic_signal.findings import Fault
from samples.junction.clip import junction_clip
from samples.junction.faults import TrueFault
from samples.junction.figures import rows_of
from samples.junction.judging import Verdict, judge
from samples.junction.running import Said, SceneResult

ALL = tuple(head.id for head in junction_clip().spec.heads)
LAMP = TrueFault(Fault.LAMP, ("n1",), 300, 700, lamp=0)
DARK = TrueFault(Fault.DARK, ALL, 84, 144, "junction")
SCENE = replace(junction_clip(), name="fault-x", seconds=900, faults=(DARK, LAMP))


def _said(hazard: Fault, heads: tuple[str, ...], raised: float, **more: object) -> Said:
    values = {"scope": "head", "groups": (), "tier": Tier.ALARM, "started": raised - 45}
    return Said.model_validate({**values, "hazard": hazard.value, "heads": heads, "raised": raised, **more})


def _result(*said: Said, name: str = "fault-x") -> SceneResult:
    return SceneResult(
        name=name, seconds=900, frames=900, heads=5, unknown_seconds=9, hidden_seconds=9, render_seconds=1,
        judge_seconds=1, said=said,
    )  # fmt: skip


def test_the_alarm_of_the_whole_junction_answers_and_a_single_head_is_a_duplicate() -> None:
    judged = judge(SCENE, _result(_said(Fault.DARK, ("n1",), 128), _said(Fault.DARK, ALL, 130, repaired=151.0)))
    dark, lamp = judged.answered
    assert dark.said is not None
    assert dark.said.heads == ALL
    assert (dark.delay_seconds, dark.repair_error_seconds) == (46, 7)
    assert lamp.said is None
    assert [other.verdict for other in judged.others] == [Verdict.DUPLICATE]


def test_alarms_that_answer_nothing_are_told_apart() -> None:
    judged = judge(
        SCENE,
        _result(
            _said(Fault.STUCK, ("n1",), 500),  # something is wrong there, but not this
            _said(Fault.STUCK, ("e2",), 500),  # nothing is
            _said(Fault.DARK, ("n1",), 20),  # before anything was
        ),
    )
    assert [other.verdict for other in judged.others] == [Verdict.WRONG_KIND, Verdict.FALSE, Verdict.FALSE]


def test_a_head_without_its_red_lamp_is_truly_dark_while_red_lasts() -> None:
    from samples.junction.controller import Junction

    junction = Junction(SCENE.spec, SCENE.seed, SCENE.faults, SCENE.second_of_day)
    dark_for = 0
    for t in range(300, 700):
        dark_for = 0 if junction.states(t)["n1"].lit else dark_for + 1
        if dark_for == 14:
            break
    judged = judge(SCENE, _result(_said(Fault.DARK, ("n1",), t + 0.5)))
    assert [other.verdict for other in judged.others] == [Verdict.WRONG_KIND if dark_for < 20 else Verdict.ALSO_TRUE]


def test_rows_hold_recall_rates_and_what_was_said_of_hidden_heads() -> None:
    calm = replace(junction_clip(), name="calm-x", faults=(), seconds=900)
    judged = judge(SCENE, _result(_said(Fault.DARK, ALL, 130, hidden=dict.fromkeys(ALL, "occluded"))))
    quiet = judge(calm, _result(_said(Fault.STUCK, ("e2",), 500), name="calm-x"))
    judged.answered += quiet.answered
    judged.others += quiet.others
    rows = {row.name: row for row in rows_of(judged, [_result(), _result(name="calm-x")])}
    assert rows["recall"].value == 0.5
    assert rows["recall"].ok is False
    assert rows["recall.signal_dark"].ok is True
    assert rows["time_to_detect_median.signal_dark"].value == 46
    assert rows["false_per_camera_day.normal_operation"].value == pytest.approx(96)
    assert rows["false_per_camera_day.normal_operation"].ok is False
    assert rows["false_per_camera_day.all_scenes"].value == pytest.approx(48)
    assert rows["dark_said_of_hidden_heads"].ok is False
    assert rows["unknown_time_share"].value == pytest.approx(0.01)
