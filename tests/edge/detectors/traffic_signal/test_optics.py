"""What is refused when heads are drawn, with the lens that would do; and the same heads in a smaller stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from edge.detectors.registry import PictureSize
from edge.detectors.traffic_signal.optics import lens_for, picture_problems, too_small
from edge.detectors.traffic_signal.scaling import scaled
from edge.detectors.traffic_signal.settings import TrafficSignalSettings

SIZE = PictureSize(1920, 1080)


def head(x: float, y: float, diameter: float = 12.0, **more: object) -> dict[str, Any]:
    """Three lamps from the top, in a housing that fits them."""
    step, half = 1.3 * diameter, 0.8 * diameter
    lamps = [
        {"colour": colour, "centre": [x, y + row * step], "diameter_px": diameter}
        for row, colour in enumerate(("red", "amber", "green"))
    ]
    bottom = y + 2 * step + half
    polygon = [[x - half, y - half], [x + half, y - half], [x + half, bottom], [x - half, bottom]]
    return {"polygon": polygon, "lamps": lamps, "group": "ns", **more}


def drawn(**heads: dict[str, Any]) -> TrafficSignalSettings:
    return TrafficSignalSettings.model_validate({"heads": heads})


def problems(settings: TrafficSignalSettings) -> dict[str, str]:
    """By their path."""
    return {".".join(map(str, found.path)): found.message for found in picture_problems(settings, SIZE)}


def test_heads_that_fit_have_no_problems() -> None:
    assert problems(drawn(N1=head(300, 200), N2=head(500, 200), E1=head(1800, 300, 40))) == {}


def test_a_lamp_that_is_too_small_is_refused_with_the_lens_that_would_do() -> None:
    found = problems(drawn(N1=head(300, 200), N2=head(500, 200, 2.6)))
    assert set(found) == {f"heads.N2.lamps.{number}.diameter_px" for number in range(3)}
    said = found["heads.N2.lamps.0.diameter_px"]
    for part in ("'N2'", "a red lamp of 2.6 px", "1920 x 1080", "expected 6 px", "2.4 ×", "12 mm instead of 4 mm"):
        assert part in said, said


@pytest.mark.parametrize(
    ("diameter", "expected"),
    [
        (5.9, "1.1 × the focal length, e.g. 6 mm"),
        (3.0, "2 × the focal length, e.g. 8 mm instead of 4 mm, or the camera at 50 % of its distance"),
        (1.5, "4 × the focal length, e.g. 16 mm"),
        (0.6, "10 × the focal length, e.g. 50 mm"),
        (0.2, "which no fixed camera has; take the camera nearer"),
    ],
)
def test_the_lens_is_one_that_can_be_bought(diameter: float, expected: str) -> None:
    assert expected in lens_for(diameter)


def test_exactly_six_pixels_will_do() -> None:
    assert too_small(drawn(N1=head(300, 200, 6.0)).heads["N1"], SIZE) == []


def moved_lamp(document: dict[str, Any]) -> None:
    document["lamps"][1]["centre"] = [400, 400]


def twice(document: dict[str, Any]) -> None:
    document["lamps"][2]["centre"] = [x + 2 for x in document["lamps"][1]["centre"]]


def outside(document: dict[str, Any]) -> None:
    document["polygon"][0] = [-30, 100]


def display_outside(document: dict[str, Any]) -> None:
    document["countdown"] = {"polygon": [[1900, 10], [1990, 10], [1990, 40]]}


@pytest.mark.parametrize(
    ("spoil", "path", "message"),
    [
        (moved_lamp, "heads.N1.lamps.1.centre", "found an amber lamp at [400, 400], expected it inside"),
        (twice, "heads.N1.lamps.2.centre", "from lamp 1 (an amber lamp), expected lamps beside each other"),
        (outside, "heads.N1.polygon.0", "found [-30, 100], expected a pixel of the 1920 x 1080 picture"),
        (display_outside, "heads.N1.countdown.polygon.1", "found [1990, 10], expected a pixel"),
    ],
)
def test_what_is_misplaced_is_named(spoil: Callable[[dict[str, Any]], None], path: str, message: str) -> None:
    document = head(300, 200)
    spoil(document)
    found = problems(drawn(N1=document))
    assert message in found[path]


def test_heads_that_overlap_are_refused() -> None:
    found = problems(drawn(N1=head(300, 200), N2=head(304, 204)))
    assert list(found) == ["heads.N1.lamps.0.centre"]
    assert "inside head 'N2' too" in found["heads.N1.lamps.0.centre"]


def test_anchors_lie_in_the_picture() -> None:
    settings = drawn(N1=head(300, 200)).model_copy(update={"anchors": ((10.0, 10.0), (2000.0, 10.0))})
    assert list(problems(settings)) == ["anchors.1"]


def test_a_polygon_along_the_border_may_be_rounded_outward() -> None:
    document = head(300, 200)
    document["polygon"][0][1] = document["polygon"][1][1] = -0.4
    assert problems(drawn(N1=document)) == {}


def test_the_sub_stream_serves_while_its_lamps_are_large_enough() -> None:
    settings = drawn(N1=head(300, 200, 24.0, countdown={"polygon": [[320, 200], [360, 200], [360, 230]]})).model_copy(
        update={"anchors": ((100.0, 50.0),)}
    )
    small = scaled(settings, SIZE, PictureSize(640, 360))
    assert small is not None
    moved = small.heads["N1"]
    assert moved.lamps[0].centre == (100, pytest.approx(66.67, abs=0.01))
    assert moved.lamps[0].diameter_px == 8
    assert moved.countdown is not None
    assert moved.countdown.polygon[1] == (120, pytest.approx(66.67, abs=0.01))
    assert small.anchors == ((pytest.approx(33.3, abs=0.1), pytest.approx(16.7, abs=0.1)),)
    assert picture_problems(small, PictureSize(640, 360)) == []


@pytest.mark.parametrize("decoded", [PictureSize(480, 270), PictureSize(704, 240)], ids=["too small", "squeezed"])
def test_the_main_stream_is_decoded_where_lamps_would_be_too_small(decoded: PictureSize) -> None:
    assert scaled(drawn(N1=head(300, 200, 23.0)), SIZE, decoded) is None
