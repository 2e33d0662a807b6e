"""Limits with hysteresis and dwell."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contract.details import SensorDetail
from edge.detectors.interface import Observation, Reading, Visibility
from edge.detectors.threshold import ThresholdDetector, ThresholdRule, ThresholdSettings
from tests.edge.parts import T0

RULE = {"hazard": "water_level", "channel": "level", "above": 1.2, "clear": 1.0, "dwell_seconds": 3}


def reading(seconds: float, value: float, channel: str = "level") -> Reading:
    return Reading("well-12", channel, value, "m", T0 + timedelta(seconds=seconds), seconds)


def detector(**changes: object) -> ThresholdDetector:
    return ThresholdDetector(ThresholdSettings.model_validate({"rules": [{**RULE, **changes}]}))


def run(detector: ThresholdDetector, *readings: tuple[float, float]) -> list[Observation | None]:
    said = []
    for seconds, value in readings:
        observations = detector.observe(reading(seconds, value))
        assert len(observations) <= 1
        said.append(observations[0] if observations else None)
    return said


def active(said: list[Observation | None]) -> list[bool | None]:
    return [None if observation is None else observation.active for observation in said]


def test_opens_after_the_dwell_from_the_first_reading_beyond() -> None:
    said = run(detector(), (0, 1.0), (1, 1.3), (2, 1.4), (3.9, 1.3), (4, 1.25), (5, 1.3))
    assert active(said) == [None, None, None, None, True, True]
    opening = said[4]
    assert opening is not None
    assert opening.started_media_time == 1
    assert isinstance(opening.detail, SensorDetail)
    assert opening.detail.value == 1.25
    assert (opening.detail.set_limit, opening.detail.clear_limit, opening.key) == (1.2, 1.0, "level_above_1_2")


def test_a_break_in_the_dwell_starts_it_anew() -> None:
    assert active(run(detector(), (0, 1.3), (2, 1.1), (3, 1.3), (5.9, 1.3), (6, 1.3))) == [None, None, None, None, True]


def test_between_the_limits_nothing_changes() -> None:
    said = run(detector(), (0, 1.3), (3, 1.3), (4, 1.1), (5, 1.05), (6, 1.0), (7, 0.9), (8, 1.1))
    assert active(said) == [None, True, True, True, False, None, None]


def test_clearing_may_need_a_dwell_too() -> None:
    said = run(detector(clear_dwell_seconds=2), (0, 1.3), (3, 1.3), (4, 0.9), (5, 1.1), (6, 0.9), (7.5, 0.9), (8, 0.9))
    assert active(said) == [None, True, True, True, True, True, False]


def test_below() -> None:
    said = run(detector(above=None, below=0.5, clear=0.6, dwell_seconds=0), (0, 0.5), (1, 0.4), (2, 0.55), (3, 0.6))
    assert active(said) == [None, True, True, False]


def test_the_limit_itself_is_not_beyond_it() -> None:
    assert active(run(detector(dwell_seconds=0), (0, 1.2), (1, 1.2000001))) == [None, True]


def test_other_channels_are_not_its_business() -> None:
    watching = detector(dwell_seconds=0)
    assert watching.visibility is Visibility.UNKNOWN
    assert watching.observe(reading(0, 9, "pressure")) == []
    assert watching.visibility is Visibility.UNKNOWN
    watching.observe(reading(0, 0))
    assert watching.visibility is Visibility.CLEAR


@pytest.mark.parametrize(
    ("limits", "clear"),
    [
        ({"above": 1.2}, 1.08),
        ({"above": -10.0}, -11.0),
        ({"below": 5.0}, 5.5),
        ({"below": -5.0}, -4.5),
        ({"above": 0.0}, 0.0),
    ],
)
def test_a_rule_that_does_not_say_clears_ten_percent_back(limits: dict[str, float], clear: float) -> None:
    rule = ThresholdRule.model_validate({"hazard": "gas", "channel": "c", **limits})
    assert rule.clear_limit == pytest.approx(clear)


def test_rules_that_contradict_themselves() -> None:
    for changes in ({"below": 1.0}, {"clear": 1.3}, {"above": None, "below": 2.0, "clear": 1.0}):
        with pytest.raises(ValidationError):
            ThresholdSettings.model_validate({"rules": [{**RULE, **changes}]})
    with pytest.raises(ValidationError, match="two rules"):
        ThresholdSettings.model_validate({"rules": [RULE, RULE]})


values = st.lists(st.tuples(st.floats(0.01, 4), st.floats(0, 2)), min_size=1, max_size=40)


@given(values, st.integers(0, 39))
def test_a_restart_changes_nothing(values: list[tuple[float, float]], cut: int) -> None:
    """What was saved and loaded goes on exactly as what ran through."""
    through, before = detector(clear_dwell_seconds=1), detector(clear_dwell_seconds=1)
    now, said, said_after = 0.0, [], []
    running = before
    for index, (wait, value) in enumerate(values):
        now += wait
        if index == cut:
            saved = running.save()
            running = detector(clear_dwell_seconds=1)
            running.load(saved)
        said.append(through.observe(reading(now, value)))
        said_after.append(running.observe(reading(now, value)))
    assert said == said_after


def test_a_rule_that_is_gone_is_no_longer_open() -> None:
    old = detector(dwell_seconds=0)
    run(old, (0, 1.5))
    assert old.is_open("water_level", "level_above_1_2")
    new = detector(above=1.4, dwell_seconds=0)
    new.load(old.save())
    assert not new.is_open("water_level", "level_above_1_2")
    assert not new.is_open("water_level", "level_above_1_4")


@pytest.mark.parametrize("hazard", ["smoke", "thrown_object"])
def test_hazards_that_cameras_see_are_refused_with_what_to_write(hazard: str) -> None:
    with pytest.raises(ValidationError, match=f"found '{hazard}'.*smoke_density"):
        detector(hazard=hazard)
    assert detector(hazard="of_our_own") is not None
