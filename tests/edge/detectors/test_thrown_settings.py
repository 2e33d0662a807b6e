"""Settings: what is refused, and in which words."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from edge.detectors.registry import PictureSize
from edge.detectors.thrown_object import ThrownObjectSettings
from edge.detectors.thrown_object.settings import picture_problems

POLYGON = [[10, 10], [600, 10], [600, 400], [10, 400]]
CAMERA = {"height_m": 2, "tilt_degrees": 35, "focal_px": 900, "distance_m": 25}
SIZE = PictureSize(640, 480)


def settings(**facade: Any) -> ThrownObjectSettings:
    return ThrownObjectSettings.model_validate({"facade": {"polygon": POLYGON, **facade}})


def points(*metres: tuple[float, float]) -> list[dict[str, Any]]:
    pixels = [(0, 0), (100, 0), (100, 100), (0, 100)]
    return [{"pixel": list(pixel), "metres": list(m)} for pixel, m in zip(pixels, metres, strict=True)]


def test_both_ways_to_calibrate() -> None:
    assert not picture_problems(settings(camera=CAMERA), SIZE)
    assert not picture_problems(settings(homography=points((0, 10), (10, 10), (10, 0), (0, 0))), SIZE)


@pytest.mark.parametrize(
    ("facade", "message"),
    [
        ({}, "found neither of homography and camera, expected one"),
        ({"camera": CAMERA, "homography": points((0, 9), (9, 9), (9, 0), (0, 0))}, "found both of homography"),
        ({"homography": points((0, 0), (9, 0), (9, 9), (0, 9))}, "expected metres y to grow upward"),
        ({"homography": points((0, 0), (1, 1), (2, 2), (3, 3))}, "line|degenerate"),
        ({"homography": points((0, 9), (9, 9), (9, 0), (0, 0))[:3]}, "at least 4 items"),
        ({"camera": {**CAMERA, "tilt_degrees": 89}}, "less than 85"),
        ({"camera": CAMERA, "polygon": [[0, 0], [1, 1]]}, "at least 3 items"),
        ({"camera": CAMERA, "foliage": []}, "Extra inputs"),
    ],
)
def test_what_is_refused(facade: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        settings(**facade)


def test_a_polygon_outside_the_picture_is_named_by_its_corner() -> None:
    found = picture_problems(
        settings(camera=CAMERA, polygon=[[10, 10], [700, 10], [600, 400]], ignore=[[[0, 0], [5, 5], [5, 500]]]), SIZE
    )
    assert [(problem.path, problem.message) for problem in found] == [
        (("facade", "polygon", 1), "found [700, 10], expected a pixel of the 640 x 480 picture"),
        (("facade", "ignore", 0, 2), "found [5, 500], expected a pixel of the 640 x 480 picture"),
    ]


def test_a_polygon_without_area_and_a_horizon_inside_it_are_named() -> None:
    (flat,) = picture_problems(settings(camera=CAMERA, polygon=[[10, 10], [600, 10], [300, 10]]), SIZE)
    assert flat.message == "found a polygon of no area, expected a region"
    steep = {**CAMERA, "tilt_degrees": 80, "focal_px": 300}
    (horizon,) = picture_problems(settings(camera=steep), SIZE)
    assert horizon.path == ("facade", "camera")
    assert "horizon" in horizon.message


def test_everything_masked_is_a_fault_of_the_settings() -> None:
    (nothing,) = picture_problems(settings(camera=CAMERA, ignore=[[[0, 0], [640, 0], [640, 480], [0, 480]]]), SIZE)
    assert nothing.path == ("facade", "ignore")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"background": {"hot_until": 0.5}}, "expected less than hot_above"),
        ({"background": {"blob_px": [100, 2]}}, r"expected \[smallest, largest\]"),
        ({"gates": {"acceleration_mps2": [20, 2]}}, r"expected \[lowest, highest\]"),
        ({"gates": {"coverage": 1.5}}, "less than 1"),
        ({"max_fps": float("nan")}, "finite number"),
    ],
)
def test_values_that_make_no_sense(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ThrownObjectSettings.model_validate({"facade": {"polygon": POLYGON, "camera": CAMERA}, **changes})
