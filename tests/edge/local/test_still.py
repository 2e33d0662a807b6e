"""The picture for the page: small, with what is watched, what is left out and what was seen."""

from __future__ import annotations

from datetime import UTC, datetime

import cv2
import numpy as np
import pytest

from edge.detectors.interface import Frame, Image, Mark, Region
from edge.detectors.registry import Outline, installed_detectors
from edge.detectors.thrown_object import ThrownObjectSettings
from edge.local.still import MAX_WIDTH_PX, MIN_WIDTH_PX, still

GREY = 128


def frame(width: int = 1920, height: int = 1080) -> Frame:
    luma = np.full((height, width), GREY, np.uint8)

    def read(region: Region | None = None) -> Image:
        assert region is None
        return np.full((height, width, 3), GREY, np.uint8)

    return Frame("gate-3", 0, 0.0, datetime.now(UTC), luma, read)


def seen(content: bytes) -> Image:
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(picture, np.uint8)


def is_grey(pixels: Image, around: int = GREY) -> bool:
    return bool(np.all(np.abs(pixels.astype(int) - around) < 12))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [(640, (360, 640)), (10_000, (720, MAX_WIDTH_PX)), (1, (90, MIN_WIDTH_PX))],
)
def test_the_size_is_bounded(wanted: int, expected: tuple[int, int]) -> None:
    assert seen(still(frame(), (), (), wanted)).shape[:2] == expected


def test_a_small_picture_is_not_made_larger() -> None:
    assert seen(still(frame(352, 288), (), (), 960)).shape[:2] == (288, 352)


def test_what_is_watched_is_outlined_and_what_is_ignored_is_shaded() -> None:
    watched = Outline(((200, 200), (1700, 200), (1700, 900), (200, 900)))
    ignored = Outline(((1200, 600), (1700, 600), (1700, 900), (1200, 900)), ignored=True)
    picture = seen(still(frame(), (), (watched, ignored), 960))
    assert is_grey(picture[20:80, 20:80]), "outside nothing is changed"
    assert is_grey(picture[200:250, 200:500]), "inside neither"
    assert is_grey(picture[350:400, 650:800], round(GREY * 0.55)), "what is left out is darker"
    border = picture[300, 90:110].astype(int)
    assert (border[:, 1] - border[:, 2]).max() > 60, "the border is coloured, at half the size"


def test_marks_are_drawn_at_their_place() -> None:
    mark = Mark(polyline=((0.0, 400.0, 100.0), (1.0, 400.0, 800.0)), box=(380, 780, 40, 40), label="fall 12 m")
    picture = seen(still(frame(), (mark,), (), 960))
    assert not is_grey(picture[60:380, 195:206]), "the track, at half the size"
    assert is_grey(picture[60:380, 600:900])


def test_outlines_beyond_the_picture_harm_nothing() -> None:
    far = Outline(((-500, -500), (5000, -500), (5000, 5000)), ignored=True)
    away = Outline(((-500, -500), (-400, -500), (-400, -400)), ignored=True)
    assert seen(still(frame(), (), (far, away), 640)).shape == (360, 640, 3)


def test_the_fall_detector_says_what_it_watches() -> None:
    kind = installed_detectors()["thrown_object"]
    settings = ThrownObjectSettings.model_validate(
        {
            "facade": {
                "polygon": [[10, 10], [600, 10], [600, 300], [10, 300]],
                "ignore": [[[10, 10], [50, 10], [50, 50]]],
                "camera": {"height_m": 3.0, "tilt_degrees": 34.0, "focal_px": 750.0, "distance_m": 20.0},
            }
        }
    )
    outlines = kind.outlines(settings)  # type: ignore[union-attr] # it is a camera detector
    assert [outline.ignored for outline in outlines] == [False, True]
    assert outlines[0].points[1] == (600, 10)
