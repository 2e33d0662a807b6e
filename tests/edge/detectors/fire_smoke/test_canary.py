"""A drill paints a flame that the detector finds, where it is watched, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from contract.events import Severity, Tier
from edge.canary.painting import painted
from edge.detectors.canary import NoCanaryError
from edge.detectors.fire_smoke.canary import painted_flame
from edge.detectors.fire_smoke.settings import FireSmokeSettings
from tests.edge.detectors.fire_smoke.scenes import SIZE, detector, film, street

LEFT = ((0.0, 0.0), (150.0, 0.0), (150.0, 180.0), (0.0, 180.0))


@pytest.mark.parametrize("level", [110, 25], ids=["by day", "by night"])
def test_what_is_painted_is_found(level: int) -> None:
    canary = painted_flame(FireSmokeSettings(), SIZE, variant=level)
    made, began, found = detector(), 3.0, []
    for frame in film([], began + canary.patience_seconds, fps=10, background=street(level)):
        shown = frame if frame.media_time < began else painted(frame, canary, frame.media_time - began)
        found += [one for one in made.observe(shown) if canary.recognises(one, began)]
        if found:
            break
    assert found and found[0].tier is Tier.ALARM and found[0].severity is Severity.YELLOW


def test_another_fire_is_not_taken_for_it() -> None:
    canary = painted_flame(FireSmokeSettings(watch=LEFT), SIZE, variant=1)
    made = detector()
    right = painted_flame(FireSmokeSettings(ignore=(LEFT,)), SIZE, variant=2)

    def burning(picture: np.ndarray, t: float) -> None:
        right.paint_bgr(picture, t, 0, 0)

    found = [one for frame in film(burning, 9, fps=10) for one in made.observe(frame)]
    assert found
    assert not any(canary.recognises(one, 0.0) for one in found)
    assert right.recognises(found[0], 0.0)
    assert not right.recognises(found[0], found[0].media_time + 1), "it was there before the drill"
    assert not right.recognises(replace(found[0], hazard="smoke"), 0.0)


def test_it_is_painted_where_it_is_watched_and_may_not_burn() -> None:
    for variant in range(20):
        settings = FireSmokeSettings.model_validate(
            {"watch": LEFT, "allowed": [{"name": "a", "polygon": ((0, 0), (60, 0), (60, 180), (0, 180))}]}
        )
        x, y, width, height = painted_flame(settings, SIZE, variant).box
        assert x >= 60 and x + width <= 151 and y >= 0 and y + height <= 180


def test_both_pictures_show_the_same() -> None:
    canary = painted_flame(FireSmokeSettings(), SIZE, variant=3)
    luma = np.zeros((SIZE.height, SIZE.width), np.uint8)
    picture, part = np.zeros((SIZE.height, SIZE.width, 3), np.uint8), np.zeros((100, 160, 3), np.uint8)
    canary.paint_luma(luma, 1.3)
    canary.paint_bgr(picture, 1.3, 0, 0)
    canary.paint_bgr(part, 1.3, 80, 60)
    assert luma.any() and ((luma > 0) == (picture.max(axis=2) > 0)).all()
    assert np.array_equal(part, picture[60:160, 80:240])
    before = luma.copy()
    canary.paint_luma(luma, canary.seconds + 1)
    assert np.array_equal(luma, before), "it is over"


@pytest.mark.parametrize(
    "values",
    [
        {"hazards": ["smoke"]},
        {"model": "m", "classical": False},
        {"watch": ((0, 0), (20, 0), (20, 20), (0, 20))},
    ],
    ids=["no fire", "model only", "no room"],
)
def test_where_no_drill_is_possible_it_says_so(values: dict[str, object]) -> None:
    with pytest.raises(NoCanaryError, match="found"):
        painted_flame(FireSmokeSettings.model_validate(values), SIZE, 0)
