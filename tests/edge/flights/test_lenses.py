"""Lenses from what pictures say: against makers' other figures, published calibrations, and nonsense."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.flights.cameras import CAMERAS, Camera, camera_of
from edge.flights.lenses import LensError, lens_of


@pytest.mark.parametrize("camera", CAMERAS.values(), ids=list(CAMERAS))
def test_a_makers_figures_agree_with_each_other(camera: Camera) -> None:
    diagonal = math.hypot(camera.width, camera.height)
    focal = (
        camera.focal_mm / camera.sensor_width_mm * camera.width,
        diagonal / 2 / math.tan(math.radians(camera.view_degrees / 2)),
        camera.focal_35mm_mm / math.hypot(36, 24) * diagonal,
    )
    assert max(focal) / min(focal) < 1.04


@pytest.mark.parametrize(
    ("model", "width", "height", "calibrated_share"),
    [
        ("FC300S", 4000, 2250, 0.5931),  # OpenSfM, camera_calibration.yaml
        ("FC300X", 4000, 3000, 0.5778),  # an OpenDroneMap report, two sizes
        ("FC300X", 4000, 2250, 0.5743),
        ("FC6310R", 5472, 3648, 0.66646),  # orthority's documentation
    ],
)
def test_published_calibrations_lie_within_the_uncertainty(
    model: str, width: int, height: int, calibrated_share: float
) -> None:
    lens = lens_of(width=width, height=height, model=model).lens
    assert abs(lens.focal_x / width / calibrated_share - 1) < 1.3 * lens.focal_sigma


def test_the_best_source_wins() -> None:
    said: dict[str, Any] = {"width": 5472, "height": 3648, "focal_35mm_mm": 24.0}
    equivalent = lens_of(**said)
    row = lens_of(**said, model="FC6310")
    sensor = lens_of(**said, model="FC6310", focal_mm=8.8, sensor_width_mm=13.0)
    pixels = lens_of(**said, model="FC6310", focal_mm=8.8, focal_px=3666.7)
    own = lens_of(**said, model="FC6310", focal_px=3666.7, calibrated=True)
    found = [reading.lens.focal_x for reading in (equivalent, row, sensor, pixels, own)]
    assert found[1:] == pytest.approx([3648.0, 8.8 / 13.0 * 5472, 3666.7, 3666.7])
    sigmas = [reading.lens.focal_sigma for reading in (equivalent, row, sensor, pixels, own)]
    assert sigmas == sorted(sigmas, reverse=True)
    assert sigmas[0] > 0.02
    assert [note.field for note in equivalent.interpretations] == ["focal_35mm_mm"]
    assert not row.interpretations


def test_cut_pictures_keep_the_sensors_scale() -> None:
    """16:9 of a 4:3 sensor is cut above and below, 4:3 of a 3:2 sensor at the sides."""
    assert lens_of(width=4000, height=2250, model="FC220").lens.focal_x == pytest.approx(4.73 / 6.17 * 4000)
    assert lens_of(width=4864, height=3648, model="FC6310").lens.focal_x == pytest.approx(3648.0)
    assert lens_of(width=2736, height=1824, model=" fc6310 ").lens.focal_x == pytest.approx(1824.0)


def test_an_equivalent_covers_both_conventions() -> None:
    lens = lens_of(width=4000, height=2250, focal_35mm_mm=20.0).lens
    for truth in (20 / 36 * 4000, 20 / math.hypot(36, 24) * 5000, 20 / math.hypot(36, 24) * math.hypot(4000, 2250)):
        assert abs(truth / lens.focal_x - 1) < 1.8 * lens.focal_sigma


def test_another_lens_under_a_known_name_is_not_the_known_one() -> None:
    tele = lens_of(width=4000, height=3000, model="M3E", focal_mm=29.9, focal_35mm_mm=162.0)
    assert tele.lens.focal_x > 17_000
    with pytest.raises(LensError, match="no focal length known"):
        lens_of(width=4000, height=3000, model="M3E", focal_mm=29.9)


def test_video_zoom_and_uncorrected_lenses_cost_certainty() -> None:
    still = lens_of(width=3840, height=2160, model="FC220")
    video = lens_of(width=3840, height=2160, model="FC220", is_video=True)
    assert video.lens.focal_sigma > 3 * still.lens.focal_sigma
    assert [note.field for note in video.interpretations] == ["lens"]
    assert not lens_of(width=3840, height=2160, focal_px=2900.0, is_video=True).interpretations
    zoomed = lens_of(width=4000, height=3000, model="FC220", digital_zoom=2.0)
    assert zoomed.lens.focal_x == pytest.approx(2 * 4.73 / 6.17 * 4000)
    assert lens_of(width=4000, height=3000, model="FC220", digital_zoom=0.0).lens.focal_x == zoomed.lens.focal_x / 2
    survey = lens_of(width=5472, height=3648, model="FC6310R")
    assert survey.lens.focal_sigma > 0.05
    assert [note.field for note in survey.interpretations] == ["distortion"]
    stated = lens_of(
        width=5472,
        height=3648,
        model="FC6310R",
        focal_px=(3678.6, 3672.2),
        centre_px=(2736 + 10.1, 1824 + 27.6),
        distortion=(-0.26, 0.112, 0.0, 0.0, -0.035),
        calibrated=True,
    )
    assert stated.lens.focal_y == 3672.2
    assert stated.lens.centre_y == 1851.6
    assert not stated.interpretations


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({}, "state it in pixels"),
        ({"model": "FC9999", "focal_mm": 4.5}, "FC9999"),
        ({"focal_px": math.nan}, "no such camera"),
        ({"focal_px": 0.0}, "no such camera"),
        ({"focal_px": (0.0, 0.0)}, "no such camera"),
        ({"focal_px": -3000.0}, "no such camera"),
        ({"focal_35mm_mm": 2.4}, "no such camera"),
        ({"focal_px": (3000.0, 1.0)}, "no such camera"),
        ({"focal_mm": 8.8, "sensor_width_mm": 0.0}, "expected a length"),
        ({"focal_mm": math.inf, "sensor_width_mm": 13.2}, "expected a length"),
        ({"focal_px": 3000.0, "digital_zoom": math.nan}, "digital zoom"),
        ({"focal_px": 3000.0, "centre_px": (9000.0, 1500.0)}, "outside of the picture"),
        ({"focal_px": 3000.0, "distortion": (1, 2, 3, 4, 5, 6)}, "found 6 coefficients"),
        ({"focal_px": 3000.0, "distortion": (math.nan,)}, "no number"),
        ({"focal_px": 3000.0, "distortion": (-1.5, 0.0)}, "do not hold over the picture"),
        ({"focal_px": 3000.0, "distortion": (1e300,)}, "do not hold over the picture"),
        ({"width": 0, "focal_px": 3000.0}, "expected 1 to"),
        ({"height": 10**9, "focal_px": 3000.0}, "expected 1 to"),
    ],
)
def test_nonsense_is_refused_in_words(said: dict[str, Any], says: str) -> None:
    with pytest.raises(LensError) as caught:
        lens_of(**{"width": 4000, "height": 3000, **said})
    assert says in str(caught.value)


def test_models_are_found_as_files_write_them() -> None:
    assert camera_of("fc300s\0\0") is CAMERAS["FC300S"]
    assert camera_of(None) is None
    assert camera_of("Canon EOS 5D") is None


@given(distortion=st.lists(st.floats(), max_size=5), focal_px=st.floats())
def test_any_numbers_make_a_lens_or_a_reason(distortion: list[float], focal_px: float) -> None:
    try:
        lens = lens_of(width=4000, height=3000, focal_px=focal_px, distortion=distortion).lens
    except LensError:
        return
    assert lens.focal_x > 0
