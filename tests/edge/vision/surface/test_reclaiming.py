"""A low roof against a high wall, whose height was drawn over a part of it."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from edge.vision.arrays import Mask
from edge.vision.surface.patches import Patch, Seen, patch_around
from edge.vision.surface.reclaiming import reclaimed
from edge.vision.surface.surfaces import Heights
from tests.edge.vision.surface.scenes import Box, Scene, eye_at
from tests.edge.vision.surface.test_outlining import GRID

WALL = Box(-2, -8, 10, 8, 14.0, (70, 80, 95))
SHED = Box(-6, -3, -2, 4, 3.0, (165, 105, 55), 15.0)
EYES = ((-10, 0), (-6, 7), (-4, -4))
DRAWN_M = 1.25
"""How far the wall's height is drawn over the shed."""


def heights(wall: Box, *boxes: Box) -> Heights:
    """What stereo makes of it: the wall too large."""
    drawn = replace(wall, west=wall.west - DRAWN_M)
    east, north = GRID.places(GRID.whole)
    places = np.stack([each.ravel() for each in np.meshgrid(east, north)], axis=1)
    return Scene((*boxes, drawn)).height(places).reshape(GRID.rows, GRID.columns).astype(np.float32)


def mask_of(box: Box, patch: Patch) -> Mask:
    made = np.zeros((patch.rows, patch.columns), np.uint8)
    cv2.fillPoly(made, [np.rint(patch.pixels(box.corners)).astype(np.int32)], 255)
    return made


def around(box: Box) -> Patch:
    patch = patch_around(box.corners, 2.5)
    assert patch is not None
    return patch


def seen(scene: Scene, *, eyes: tuple[tuple[float, float], ...] = EYES) -> list[Seen]:
    return [Seen(eye, scene.seen_by(eye), np.zeros(3)) for eye in (eye_at(*each) for each in eyes)]


@pytest.fixture(scope="module")
def patch() -> Patch:
    return around(SHED)


@pytest.fixture(scope="module")
def measured(patch: Patch) -> Mask:
    """What is left of the shed."""
    return mask_of(replace(SHED, east=SHED.east - DRAWN_M), patch)


def share(found: Mask, wanted: Mask) -> float:
    return float(((found > 0) & (wanted > 0)).sum() / (wanted > 0).sum())


def test_a_roof_gets_back_what_the_wall_took(patch: Patch, measured: Mask) -> None:
    found = reclaimed(
        measured, patch, GRID, heights(WALL, SHED), seen(Scene((WALL, SHED), in_order=True)), SHED.up_m, 0.0
    )
    taken = (mask_of(SHED, patch) > 0) & (measured == 0)
    assert share(found, taken.view(np.uint8)) > 0.8
    assert share(found, measured) == 1.0
    assert ((found > 0) & (mask_of(SHED, patch) == 0)).sum() < 0.15 * taken.sum(), "of the wall nothing"


def test_what_the_wall_stands_on_is_left_to_it(patch: Patch, measured: Mask) -> None:
    nearer = replace(WALL, west=WALL.west - DRAWN_M)
    shed = replace(SHED, east=nearer.west)
    found = reclaimed(
        measured, patch, GRID, heights(WALL, shed), seen(Scene((nearer, shed), in_order=True)), shed.up_m, 0.0
    )
    assert ((found > 0) & (measured == 0)).sum() < 0.1 * (measured > 0).sum()


def test_the_ground_below_the_wall_is_no_roof(patch: Patch, measured: Mask) -> None:
    """The shed ends before the wall; what lies between was drawn as high as the wall."""
    shed = replace(SHED, east=SHED.east - DRAWN_M)
    found = reclaimed(
        measured, patch, GRID, heights(WALL, shed), seen(Scene((WALL, shed), in_order=True)), shed.up_m, 0.0
    )
    assert ((found > 0) & (measured == 0)).sum() < 0.1 * (measured > 0).sum()


def test_without_a_wall_beside_it_a_roof_is_as_it_was_measured(patch: Patch, measured: Mask) -> None:
    low = heights(replace(WALL, up_m=SHED.up_m + 0.5), SHED)
    pictures = seen(Scene((SHED,)))
    assert np.array_equal(reclaimed(measured, patch, GRID, low, pictures, SHED.up_m, 0.0), measured)
    unknown = np.full_like(low, np.nan)
    assert np.array_equal(reclaimed(measured, patch, GRID, unknown, pictures, SHED.up_m, 0.0), measured)


@pytest.mark.parametrize("eyes", [(), EYES[:1]])
def test_one_picture_says_nothing(patch: Patch, measured: Mask, eyes: tuple[tuple[float, float], ...]) -> None:
    pictures = seen(Scene((WALL, SHED), in_order=True), eyes=eyes)
    assert np.array_equal(reclaimed(measured, patch, GRID, heights(WALL, SHED), pictures, 3.0, 0.0), measured)


def test_black_pictures_say_nothing(patch: Patch, measured: Mask) -> None:
    black = [replace(each, picture=np.zeros_like(each.picture)) for each in seen(Scene((WALL, SHED), in_order=True))]
    found = reclaimed(measured, patch, GRID, heights(WALL, SHED), black, SHED.up_m, 0.0)
    assert np.array_equal(found, measured)


def test_a_patch_beyond_the_heights_is_left_as_it_is() -> None:
    beyond = Box(500, 500, 505, 505, 3.0)
    far = around(beyond)
    mask = mask_of(beyond, far)
    pictures = seen(Scene((WALL, SHED), in_order=True))
    assert np.array_equal(reclaimed(mask, far, GRID, heights(WALL, SHED), pictures, 3.0, 0.0), mask)
