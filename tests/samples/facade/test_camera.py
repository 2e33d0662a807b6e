"""The projection, against itself and against figures that were measured elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from samples.facade.camera import Camera

cameras = st.builds(
    Camera,
    width=st.integers(64, 4000),
    height=st.integers(64, 2200),
    focal_px=st.floats(100, 4000),
    height_m=st.floats(1, 8),
    tilt_degrees=st.floats(0, 60),
    distance_m=st.floats(5, 60),
)


FARTHEST_PX = 1e6
"""From the picture: beyond it a point lies in the plane of the lens, or behind it, where it has no pixel."""
BESIDE_THE_LENS = Camera(64, 64, focal_px=100.0, height_m=5.0, tilt_degrees=45.0, distance_m=5.0), 0.0, 0.0


def pixel_of(camera: Camera, x: float, y: float) -> np.ndarray:
    """Of a point that the camera can see at all."""
    pixel = camera.project(np.array([[x, y, 0.0]]))
    assume(bool((np.abs(pixel) < FARTHEST_PX).all()))
    return pixel


@example(*BESIDE_THE_LENS)
@given(cameras, st.floats(-30, 30), st.floats(0, 80))
def test_homography_agrees_with_projection(camera: Camera, x: float, y: float) -> None:
    pixel = pixel_of(camera, x, y)
    mapped = camera.facade_homography() @ np.array([x, y, 1.0])
    assert mapped[:2] / mapped[2] == pytest.approx(pixel[0], rel=1e-6, abs=1e-6)


@example(*BESIDE_THE_LENS)
@given(cameras, st.floats(-30, 30), st.floats(0, 80))
def test_pixels_lead_back_to_metres(camera: Camera, x: float, y: float) -> None:
    pixel = pixel_of(camera, x, y)
    assert camera.to_facade(pixel)[0] == pytest.approx((x, y), rel=1e-5, abs=1e-5)


def test_level_camera_sees_its_own_height_in_the_middle_row() -> None:
    camera = Camera(width=101, height=81, tilt_degrees=0, height_m=3, distance_m=20)
    assert camera.project(np.array([[0.0, 3.0, 0.0]]))[0] == pytest.approx((50, 40))


@pytest.mark.parametrize(("height_m", "width_px"), [(12, 9), (30, 6), (50, 4)])
def test_sizes_match_the_published_geometry(height_m: float, width_px: float) -> None:
    """2592 × 1520, 4 mm lens, 25 m away: a 10 cm object is 9, 6 and 4 px wide at 12, 30 and 50 m.

    The focal length in pixels is not published; 2240 is the one that gives 9 px at 12 m.
    """
    camera = Camera(2592, 1520, focal_px=2240, height_m=3, tilt_degrees=40, distance_m=25)
    ends = camera.project(np.array([[-0.05, height_m, 0.0], [0.05, height_m, 0.0]]))
    assert ends[1, 0] - ends[0, 0] == pytest.approx(width_px, abs=0.6)


def test_what_is_behind_the_camera_has_no_pixel() -> None:
    camera, x, y = BESIDE_THE_LENS
    assert np.isnan(camera.project(np.array([[x, y, 0.0]]))).all()
    assert np.isnan(Camera().project(np.array([[0.0, 2.0, 60.0]]))).all()
