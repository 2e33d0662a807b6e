"""Settings that cannot work are refused, with what was found and expected."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from edge.detectors.fire_smoke import KIND, FireSmokeSettings
from edge.detectors.fire_smoke.fitting import model_problems, picture_problems
from edge.detectors.fire_smoke.scaling import scaled
from edge.detectors.registry import Outline, PictureSize

SQUARE = ((10.0, 10.0), (50.0, 10.0), (50.0, 50.0), (10.0, 50.0))
HD = PictureSize(1280, 720)


def test_nothing_needs_to_be_set() -> None:
    settings = FireSmokeSettings()
    assert settings.model is None
    assert KIND.needs(settings).fps == settings.max_fps
    assert KIND.outlines(settings) == ()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"classical": False}, "classical: false without a model"),
        ({"timezone": "Zhengzhou"}, "expected a time zone such as Asia/Shanghai"),
        ({"stages": {"tube": False}}, "in order: tube, behaviour, calibration"),
        ({"stages": {"behaviour": False}}, "in order: tube, behaviour, calibration"),
        ({"score": {"review": 0.7}}, "expected at least score.review"),
        ({"hazards": []}, "at least 1 item"),
        ({"watch": SQUARE[:2]}, "at least 3 items"),
        ({"allowed": [{"name": "a", "polygon": SQUARE}, {"name": "a", "polygon": SQUARE}]}, "each name once"),
        ({"confidence": 0.3}, "Extra inputs are not permitted"),
    ],
    ids=["blind", "zone", "no tube", "no behaviour", "levels", "no hazard", "line", "names", "unknown"],
)
def test_what_cannot_work_is_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        FireSmokeSettings.model_validate(values)


def test_polygons_must_lie_in_the_picture_and_leave_something() -> None:
    outside = ((10.0, 10.0), (1300.0, 10.0), (50.0, 50.0))
    settings = FireSmokeSettings.model_validate(
        {"watch": outside, "ignore": [SQUARE, outside], "allowed": [{"name": "a", "polygon": outside}]}
    )
    told = picture_problems(settings, HD)
    assert [problem.path for problem in told] == [("watch", 1), ("ignore", 1, 1), ("allowed", 0, "polygon", 1)]
    assert told[0].message == "found [1300, 10], expected a pixel of the 1280 x 720 picture"
    everything = ((0.0, 0.0), (1280.0, 0.0), (1280.0, 720.0), (0.0, 720.0))
    masked = FireSmokeSettings(ignore=(everything,))
    assert "everything masked" in picture_problems(masked, HD)[0].message
    assert picture_problems(FireSmokeSettings(watch=SQUARE), HD) == []


def test_models_must_be_configured_and_know_what_burns() -> None:
    models = {"fire": ("fire", "Smoke"), "coco": ("person", "car"), "empty": ()}

    def problems(**values: str) -> list[tuple[tuple[str | int, ...], str]]:
        found = model_problems(FireSmokeSettings.model_validate(values), models)
        return [(problem.path, problem.message) for problem in found]

    assert problems(model="fire", people_model="coco") == []
    assert problems(model="flame") == [(("model",), "found no model 'flame', expected one of fire, coco, empty")]
    (path, message), *_ = problems(model="fire", people_model="empty")
    assert path == ("people_model",) and message.endswith("expected one of person")
    assert "leave it out" in model_problems(FireSmokeSettings(model="fire"), {})[0].message


def test_settings_follow_the_stream() -> None:
    settings = FireSmokeSettings.model_validate(
        {"watch": SQUARE, "ignore": [SQUARE], "allowed": [{"name": "a", "polygon": SQUARE}]}
    )
    small = scaled(settings, HD, PictureSize(640, 480))
    moved = ((5.0, 20 / 3), (25.0, 20 / 3), (25.0, 100 / 3), (5.0, 100 / 3))
    for polygon in (small.watch, small.ignore[0], small.allowed[0].polygon):
        assert polygon is not None
        assert [value for point in polygon for value in point] == pytest.approx([v for point in moved for v in point])
    assert scaled(FireSmokeSettings(), HD, PictureSize(640, 480)) == FireSmokeSettings()
    assert KIND.outlines(settings) == (Outline(SQUARE), Outline(SQUARE, ignored=True), Outline(SQUARE))
