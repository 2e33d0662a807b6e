"""Pictures laid on levels: what stands at a level is at its place, what does not leans."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.vision.surface.patches import (
    MOST_SIDE_PX,
    Glimpse,
    Patch,
    Seen,
    likeness,
    middling,
    on_level,
    patch_around,
    seen_by_all,
    shows,
    steepness,
    within,
)
from edge.vision.surface.shots import Picture
from tests.edge.vision.surface.scenes import Box, Scene, eye_at, texture

BOX = Box(5, 3, 10, 7, 6.0, (230, 90, 40), 5.0)
SCENE = Scene((BOX,))
NOWHERE = np.zeros(3)
AROUND = Patch(0.0, 12.0, 140, 150)
ALL = np.full((140, 150), 255, np.uint8)


@settings(deadline=None)
@given(east=st.floats(-1e4, 1e4), north=st.floats(-1e4, 1e4), texel=st.sampled_from((0.05, 0.1, 0.25)))
def test_places_and_pixels_of_a_patch(east: float, north: float, texel: float) -> None:
    patch = Patch(7.0, -3.0, 20, 30, texel)
    places = np.array(((east, north),))
    assert patch.metres(patch.pixels(places)) == pytest.approx(places, abs=1e-6)
    assert patch.metres(np.zeros((1, 2)))[0] == pytest.approx((7.0 + texel / 2, -3.0 - texel / 2))


def test_a_patch_holds_its_places_and_a_margin() -> None:
    patch = patch_around(BOX.corners, 2.5)
    assert patch is not None
    assert (patch.columns, patch.rows) == (100, 90)
    pixels = patch.pixels(BOX.corners)
    assert pixels.min(axis=0) == pytest.approx((24.5, 24.5))
    assert pixels.max(axis=0) == pytest.approx((74.5, 64.5))


def test_a_patch_larger_than_anything_built_is_none() -> None:
    side = MOST_SIDE_PX * 0.1
    assert patch_around(np.array(((0.0, 0.0), (side + 1, 1.0))), 0.0) is None
    assert patch_around(np.array(((0.0, 0.0), (1.0, side - 1))), 0.0) is not None


def blue(picture: Picture) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.bool_]], float, float]:
    """Where the box's roof is, and its middle's place."""
    found = picture[..., 0].astype(int) - picture[..., 2] > 95
    rows, columns = np.nonzero(found)
    middle = AROUND.metres(np.array(((columns.mean(), rows.mean()),)))[0]
    return found, float(middle[0]), float(middle[1])


@pytest.mark.parametrize(
    ("east", "north", "yaw", "pitch"), [(0, 0, 0, -90), (12, 9, 130, -90), (-6, -4, 20, -80), (7.5, 5, 0, -90)]
)
def test_a_roof_is_at_its_place_on_its_level(east: float, north: float, yaw: float, pitch: float) -> None:
    eye = eye_at(east, north, yaw=yaw, pitch=pitch)
    patch = on_level(Seen(eye, SCENE.seen_by(eye), NOWHERE), AROUND, BOX.up_m)
    found, at_east, at_north = blue(patch)
    assert (at_east, at_north) == (pytest.approx(7.5, abs=0.04), pytest.approx(5.0, abs=0.04))
    assert found.sum() * 0.01 == pytest.approx(20.0, rel=0.08)


def test_on_the_ground_it_leans_away_from_the_camera() -> None:
    eye = eye_at(0, 0)
    _, east, north = blue(on_level(Seen(eye, SCENE.seen_by(eye), NOWHERE), AROUND, 0.0))
    lean = 60 / (60 - 6)
    assert (east, north) == (pytest.approx(7.5 * lean, abs=0.15), pytest.approx(5.0 * lean, abs=0.15))


def test_a_shift_leads_from_the_common_metres_to_those_of_the_eye() -> None:
    shift = np.array((2.0, -1.5, 3.0))
    eye = eye_at(0, 0)
    moved = eye.moved(eye.centre + shift, eye.turn)
    picture = SCENE.seen_by(eye)
    here = on_level(Seen(eye, picture, NOWHERE), AROUND, 6.0)
    there = on_level(Seen(moved, picture, shift), AROUND, 6.0)
    assert np.abs(here.astype(int) - there).max() <= 1


def test_beyond_the_picture_it_is_black() -> None:
    eye = eye_at(0, 0)
    far = Patch(100.0, 100.0, 20, 20)
    assert not on_level(Seen(eye, SCENE.seen_by(eye), NOWHERE), far, 0.0).any()


def test_what_is_shown_whole() -> None:
    eye = eye_at(0, 0)
    assert shows(eye, NOWHERE, BOX.corners, 6.0)
    assert not shows(eye, NOWHERE, BOX.corners + np.array((14.0, 0.0)), 0.0)
    edge = np.array(((23.0, 0.0),))
    assert shows(eye, NOWHERE, edge, 0.0)
    assert not shows(eye, NOWHERE, edge, 6.0), "higher it leans out of the picture"
    assert not shows(eye, np.array((5.0, 0.0, 0.0)), edge, 0.0)
    assert not shows(eye, NOWHERE, BOX.corners, 59.5), "what is as high as the camera is not looked at"
    assert not shows(eye, NOWHERE, BOX.corners, 500.0)
    half = np.array(((23.0, 0.0), (25.0, 0.0)))
    assert [shows(eye, NOWHERE, half, 0.0, least=least) for least in (0.4, 0.6)] == [True, False]


def test_straight_above_is_steepest() -> None:
    place = np.array((0.0, 0.0, 10.0))
    assert steepness(eye_at(0, 0), NOWHERE, place) == 0.0
    assert steepness(eye_at(30, 40), NOWHERE, place) == pytest.approx(1.0)
    assert steepness(eye_at(30, 40), np.array((30.0, 40.0, 0.0)), place) == pytest.approx(0.0)
    assert np.isfinite(steepness(eye_at(3, 4), NOWHERE, np.array((0.0, 0.0, 60.0))))


def test_pictures_are_alike_on_the_level_of_what_they_show() -> None:
    eyes = [eye_at(-6, 0), eye_at(6, 3, yaw=90.0)]
    ground = Patch(-10.0, 0.0, 100, 100)
    inside = np.full((100, 100), 255, np.uint8)
    scene = Scene()
    pictures = [Seen(eye, scene.seen_by(eye), NOWHERE) for eye in eyes]
    right, wrong = (
        likeness(on_level(pictures[0], ground, up), on_level(pictures[1], ground, up), inside) for up in (0.0, 3.0)
    )
    assert right > 0.9
    assert wrong < right - 0.25


def test_brightness_and_contrast_do_not_count_and_noise_is_unlike() -> None:
    one = texture(1, 140, 150, (120, 120, 120), 30.0)
    assert likeness(one, np.asarray(one * 0.5 + 60, np.uint8), ALL) > 0.99
    assert abs(likeness(one, texture(2, 140, 150, (120, 120, 120), 30.0), ALL)) < 0.35
    assert likeness(one, np.asarray(255 - one, np.uint8), ALL) < -0.95


def test_even_patches_and_tiny_masks_are_alike_to_nothing() -> None:
    one, even = texture(1, 140, 150, (120, 120, 120), 30.0), np.full((140, 150, 3), 80, np.uint8)
    assert likeness(one, even, ALL) == 0.0
    tiny = np.zeros_like(ALL)
    tiny[:3, :5] = 255
    assert likeness(one, one, tiny) == 0.0


def test_what_is_in_one_of_three_only_is_not_in_the_middling_one() -> None:
    base = np.full((20, 20, 3), 100, np.uint8)
    patches = [base.copy() for _ in range(3)]
    patches[1][5:10, 5:10] = 255
    assert np.array_equal(middling(patches), base)
    assert middling(patches[1:2]) is patches[1]


def test_what_one_does_not_see_the_others_show() -> None:
    base, wall = np.full((20, 20, 3), 100, np.uint8), np.full((20, 20, 3), 20, np.uint8)
    part = np.zeros((20, 20), np.uint8)
    part[:, :10] = 255
    hidden = np.where(part[..., None] > 0, base, wall)
    assert np.array_equal(seen_by_all([Glimpse(hidden, part), Glimpse(base)]), base)
    assert np.array_equal(seen_by_all([Glimpse(hidden, part), Glimpse(hidden, part), Glimpse(base)]), base)
    assert np.array_equal(seen_by_all([Glimpse(hidden, part)]), hidden), "nobody else knows"
    assert np.array_equal(seen_by_all([Glimpse(hidden, part), Glimpse(wall, part)])[:, 10:], wall[:, 10:])
    assert np.array_equal(hidden[:, 10:], wall[:, 10:]), "what was given is not changed"


def test_a_mask_is_cut_to_what_is_seen() -> None:
    part = np.zeros((140, 150), np.uint8)
    part[:, :75] = 255
    assert within(Glimpse(np.zeros((140, 150, 3), np.uint8)), ALL) is ALL
    assert np.array_equal(within(Glimpse(np.zeros((140, 150, 3), np.uint8), part), ALL), part)
