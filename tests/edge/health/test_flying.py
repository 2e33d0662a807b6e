"""The health of a camera that flies: it moves all the time, and only what hides everything is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

import cv2
import numpy as np
import pytest

from edge.config.health import CameraCondition, CameraHealthSettings, flying_health
from edge.detectors.interface import Image
from edge.health.judge import PictureJudge
from tests.edge.flights.live.filming import HEIGHT, WIDTH, Film, circling, hovering, passing

OFTEN = 20
"""Looks of 120: a condition must last for 12 s, which are 24 in a row."""


def judged(pictures: Iterable[Image], *, moves: bool = True) -> Counter[str]:
    judge, found = PictureJudge(CameraHealthSettings(), None, moves=moves), Counter[str]()
    for number, picture in enumerate(pictures):
        grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY) if picture.ndim == 3 else picture, np.uint8)
        look = judge.look(grey, number / 2)
        found.update(condition.value for condition, bad in look.verdicts.items() if bad)
        found["sees"] += look.sees is True
    return found


@pytest.mark.parametrize("path", [hovering(1.0, 0.6), circling(3.0), passing(1.0)], ids=["hovers", "circles", "passes"])
def test_a_drone_at_work_is_well(path: Callable[[float], object]) -> None:
    flown = [picture for _, picture in Film(path).pictures(60, fps=2)]  # type: ignore[arg-type]
    assert judged(flown) == {"sees": 119}


def test_the_same_pictures_of_a_camera_that_stands_are_a_moved_one() -> None:
    flown = [picture for _, picture in Film(circling(3.0)).pictures(90, fps=2)]
    assert judged(flown, moves=False)["moved"] > OFTEN


def drawn(level: float, noise: float) -> Iterable[Image]:
    rng = np.random.default_rng(1)
    for _ in range(60):
        yield np.asarray(np.clip(rng.normal(level, noise, (HEIGHT, WIDTH)), 0, 255), np.uint8)


@pytest.mark.parametrize(
    ("pictures", "condition"),
    [
        (drawn(128, 2.0), CameraCondition.COVERED),
        (drawn(128, 4.0), CameraCondition.COVERED),
        (drawn(252, 1.0), CameraCondition.OVEREXPOSED),
        ([np.full((HEIGHT, WIDTH), 90, np.uint8)] * 60, CameraCondition.COVERED),
    ],
    ids=["cloud", "noisy cloud", "sun", "nothing"],
)
def test_what_hides_everything_is_told(pictures: Iterable[Image], condition: CameraCondition) -> None:
    found = judged(pictures)
    assert found[condition.value] >= 50 and found["sees"] == 0


def test_a_picture_that_stands_still_is_told() -> None:
    picture = next(picture for _, picture in Film(hovering()).pictures(1))
    assert judged([picture] * 120)["frozen"] > OFTEN


def test_what_is_not_watched_says_why() -> None:
    settings = flying_health(CameraHealthSettings(off={CameraCondition.FROZEN: "it relays stills"}))
    assert settings.off[CameraCondition.FROZEN] == "it relays stills"
    assert "it flies" in settings.off[CameraCondition.MOVED] and "it flies" in settings.off[CameraCondition.DEFOCUSED]
