"""Drawing: sub-pixel places, true sizes, motion blur that loses nothing."""

from __future__ import annotations

import numpy as np
import pytest

from samples.facade.camera import Camera
from samples.facade.lights import INFRARED, OVERCAST, SUNNY
from samples.facade.solids import Patch, box_mesh, draw_mesh, draw_shadow

# looks straight ahead at things 10 m away: 40 px a metre
CAMERA = Camera(width=200, height=200, focal_px=400.0, height_m=5.0, tilt_degrees=0.0, distance_m=10.0)
CUBE = box_mesh(0.1, 0.1, 0.001, (0.5, 0.5, 0.5))
UPRIGHT = np.eye(3)


def drawn(*places: tuple[float, float, float]) -> Patch:
    patch = draw_mesh(CUBE, CAMERA, OVERCAST, [(UPRIGHT, np.array(place)) for place in places])
    assert patch is not None
    return patch


def centre(patch: Patch) -> tuple[float, float]:
    cover = patch.pixels[..., 3]
    y, x = np.mgrid[0 : cover.shape[0], 0 : cover.shape[1]]
    return (patch.left + float((x * cover).sum() / cover.sum()), patch.top + float((y * cover).sum() / cover.sum()))


def test_covers_the_area_it_has() -> None:
    assert drawn((0, 5, 0)).pixels[..., 3].sum() == pytest.approx(4.0**2, rel=0.12)


@pytest.mark.parametrize("shift_m", [0.0, 0.004, 0.0101, 0.017])
def test_moves_by_fractions_of_a_pixel(shift_m: float) -> None:
    place = (shift_m, 5 + shift_m / 2, 0.0)
    expected = CAMERA.project(np.array([place]))[0]
    assert centre(drawn(place)) == pytest.approx(tuple(expected), abs=0.1)


def test_blur_spreads_the_same_coverage_over_the_way() -> None:
    still, moving = drawn((0, 5, 0)), drawn((0, 5, 0), (0, 4.9, 0), (0, 4.8, 0), (0, 4.7, 0))
    assert moving.pixels[..., 3].sum() == pytest.approx(still.pixels[..., 3].sum(), rel=0.05)
    assert moving.pixels[..., 3].max() < 0.5
    assert moving.pixels.shape[0] >= still.pixels.shape[0] + 10


def test_nothing_to_draw_outside_the_picture_or_behind_the_camera() -> None:
    for place in ((50, 5, 0), (0, 50, 0), (0, 5, 30)):
        assert draw_mesh(CUBE, CAMERA, OVERCAST, [(UPRIGHT, np.array(place, np.float64))]) is None


def test_faces_that_see_the_sun_are_brighter() -> None:
    cube = box_mesh(0.5, 0.5, 0.5, (0.5, 0.5, 0.5))
    bright = draw_mesh(cube, CAMERA, SUNNY, [(UPRIGHT, np.array([0.0, 5.0, 0.0]))])
    dull = draw_mesh(cube, CAMERA, OVERCAST, [(UPRIGHT, np.array([0.0, 5.0, 0.0]))])
    assert bright is not None
    assert dull is not None
    assert bright.pixels[..., 0].max() > 1.1 * dull.pixels[..., 0].max()


def test_infrared_lamp_fades_with_distance() -> None:
    near = draw_mesh(CUBE, CAMERA, INFRARED, [(UPRIGHT, np.array([0.0, 5.0, 0.0]))])
    far = draw_mesh(CUBE, CAMERA, INFRARED, [(UPRIGHT, np.array([0.0, 5.0, -15.0]))])
    assert near is not None
    assert far is not None
    assert far.pixels[..., 0].max() < 0.6 * near.pixels[..., 0].max()


def test_shadow_falls_away_from_the_sun_and_only_in_sunshine() -> None:
    pose = [(UPRIGHT, np.array([0.0, 6.0, 1.0]))]
    shadow = draw_shadow(CUBE, CAMERA, SUNNY, pose)
    assert shadow is not None
    x, y = centre(shadow)
    thing_x, thing_y = CAMERA.project(np.array([[0.0, 6.0, 1.0]]))[0]
    assert x > thing_x + 10  # the sun stands to the left
    assert y > thing_y + 10
    assert shadow.pixels[..., :3].max() == 0
    assert draw_shadow(CUBE, CAMERA, OVERCAST, pose) is None
