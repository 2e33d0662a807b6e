"""What speaks for something built: roofs against crowns, right heights against wrong ones."""

from __future__ import annotations

from dataclasses import fields

import cv2
import numpy as np
import pytest
import shapely

from edge.vision.change.candidates import RoofCue
from edge.vision.change.radiometry import lab_of
from edge.vision.surface.cues import RiseCues, Sights, contrast_of, cues_of, edged, pairwise, share_of
from edge.vision.surface.outlining import mask_on, outlined
from edge.vision.surface.patches import Glimpse, Patch, Seen, on_level, patch_around
from edge.vision.surface.shots import Picture
from tests.edge.vision.surface.scenes import Box, Scene, eye_at, texture
from tests.edge.vision.surface.test_outlining import GRID, rise_of

BLUE_ROOF = Box(-5, -4, 3, 2, 4.0, (165, 105, 55), 6.0)


def crown(seed: int, rows: int, columns: int) -> Picture:
    """Leaves: rough and yellow-green."""
    rng = np.random.default_rng(seed)
    light = cv2.resize(rng.normal(0, 1, (rows // 3, columns // 3)).astype(np.float32), (columns, rows))
    colours = np.array((45, 115, 80)) * (1 + 0.45 * light[..., None])
    return np.asarray(np.clip(colours, 0, 255), np.uint8)


def cues(box: Box, *, tops_up: float | None = None, leaves: bool = False) -> RiseCues:
    """Of a box that was not there before; `tops_up`: a height that was measured wrongly."""
    now, then = Scene((box,)), Scene(seed=3)
    up = box.up_m if tops_up is None else tops_up
    rise = rise_of(box.outline, up)
    patch = patch_around(box.corners, 2.5)
    assert patch is not None
    eyes = [eye_at(-6, 0), eye_at(6, 4), eye_at(1, -5)]
    seen = [Seen(eye, now.seen_by(eye), np.zeros(3)) for eye in eyes]
    before = [Seen(eye, then.seen_by(eye), np.zeros(3)) for eye in eyes]
    tops = [on_level(each, patch, up) for each in seen]
    if leaves:
        tops = [leafed(each, patch, box) for each in tops]
    shape = outlined(mask_on(rise, GRID, patch), patch, tops[0])
    assert shape is not None
    befores = [Glimpse(on_level(each, patch, 0.0)) for each in before]
    sights = Sights([Glimpse(each) for each in tops], befores, Glimpse(on_level(before[0], patch, up)), 5)
    return cues_of(rise, shape, mask_on(rise, GRID, patch), sights)


def leafed(top: Picture, patch: Patch, box: Box) -> Picture:
    made, inside = top.copy(), np.zeros(top.shape[:2], np.uint8)
    cv2.fillPoly(inside, [np.rint(patch.pixels(box.corners)).astype(np.int32)], 255)
    made[inside > 0] = crown(1, patch.rows, patch.columns)[inside > 0]
    return made


@pytest.fixture(scope="module")
def roof() -> RiseCues:
    return cues(BLUE_ROOF)


def test_a_roof_has_the_measures_and_the_colour_that_it_has(roof: RiseCues) -> None:
    assert roof.area_m2 == pytest.approx(48, rel=0.1)
    assert (roof.length_m, roof.width_m) == (pytest.approx(8, abs=0.4), pytest.approx(6, abs=0.4))
    assert (roof.gain_m, roof.known, roof.agreed, roof.steps, roof.pictures) == (4.0, 1.0, 1.0, 1.0, 5)
    assert roof.roof is RoofCue.BLUE_STEEL
    assert roof.fit > 0.8
    assert roof.contrast > 15
    assert roof.edged > 0.8


def test_a_crown_is_rough_and_grows_and_a_roof_does_not(roof: RiseCues) -> None:
    tree = cues(BLUE_ROOF, leaves=True)
    assert tree.grain > roof.grain + 3
    assert tree.growing > 0.6
    assert roof.growing < 0.1
    assert roof.leafy < 0.1
    assert tree.leafy > 0.3


def test_pictures_are_alike_on_the_level_that_stands_there(roof: RiseCues) -> None:
    wrong = cues(BLUE_ROOF, tops_up=9.0)
    assert roof.alike_top > 0.8
    assert roof.alike_before > 0.8
    assert roof.alike_days < roof.alike_top - 0.2
    assert wrong.alike_top < roof.alike_top - 0.2


def test_all_numbers_are_finite_and_shares_are_shares(roof: RiseCues) -> None:
    for made in (roof, cues(BLUE_ROOF, leaves=True)):
        values = {each.name: getattr(made, each.name) for each in fields(made) if each.name not in ("roof", "changed")}
        assert np.isfinite(list(values.values())).all()
        for name in ("known", "agreed", "steps", "fit", "growing", "growing_before", "edged", "leafy"):
            assert 0 <= values[name] <= 1, name


def test_black_patches_end_in_an_answer() -> None:
    rise = rise_of(BLUE_ROOF.outline, 4.0)
    patch = patch_around(BLUE_ROOF.corners, 2.5)
    assert patch is not None
    black = [np.zeros((patch.rows, patch.columns, 3), np.uint8)]
    shape = outlined(mask_on(rise, GRID, patch), patch, black[0])
    assert shape is not None
    dark = [Glimpse(each) for each in black]
    made = cues_of(rise, shape, mask_on(rise, GRID, patch), Sights(dark, dark, dark[0], 1))
    assert (made.alike_top, made.contrast, made.growing, made.edged) == (0.0, 0.0, 0.0, 0.0)


def test_an_outline_is_edged_where_colours_step_along_it() -> None:
    picture = np.full((100, 120, 3), 90, np.uint8)
    picture[20:80, 30:90] = (60, 70, 190)
    corners = np.array(((29.5, 19.5), (89.5, 19.5), (89.5, 79.5), (29.5, 79.5)))
    lab = np.asarray(lab_of(picture), np.float32)
    assert edged(lab, corners) > 0.97
    assert edged(lab, corners + np.array((0, 30))) == pytest.approx(0.25, abs=0.15)
    assert edged(np.full_like(lab, 120), corners) == 0.0
    assert edged(lab, np.array(((5.0, 5.0), (6.0, 5.0), (6.0, 6.0)))) == 0.0, "no side is long enough"
    beyond = np.array(((-50.0, -50.0), (300.0, -50.0), (300.0, 300.0), (-50.0, 300.0)))
    assert edged(lab, beyond) == 0.0


def test_colours_are_apart_by_their_means() -> None:
    one, other = np.full((40, 40, 3), 90, np.uint8), np.full((40, 40, 3), 140, np.uint8)
    inside = np.full((40, 40), 255, np.uint8)
    assert contrast_of(one, one, inside) == 0.0
    assert contrast_of(one, other, inside) == pytest.approx(
        abs(float(lab_of(one)[0, 0, 0]) - float(lab_of(other)[0, 0, 0])), abs=1.5
    )
    assert contrast_of(one, other, np.zeros_like(inside)) == 0.0


def test_of_several_patches_the_two_most_alike_count() -> None:
    one, other = (texture(seed, 60, 60, (120, 120, 120), 30.0) for seed in (1, 2))
    inside = np.full((60, 60), 255, np.uint8)
    first, second = Glimpse(one), Glimpse(other)
    assert pairwise([first, second, first], inside) == pytest.approx(1.0, abs=1e-4)
    assert pairwise([first, second], inside) < 0.5
    assert pairwise([first], inside) == pairwise([], inside) == 0.0


def test_only_what_both_pictures_see_must_be_alike() -> None:
    one, other = (texture(seed, 60, 60, (120, 120, 120), 30.0) for seed in (1, 2))
    inside, left = np.full((60, 60), 255, np.uint8), np.zeros((60, 60), np.uint8)
    left[:, :24] = 255
    half = one.copy()
    half[:, 30:] = other[:, 30:]
    assert pairwise([Glimpse(one), Glimpse(half)], inside) < 0.9
    assert pairwise([Glimpse(one), Glimpse(half, left)], inside) == pytest.approx(1.0, abs=1e-3)
    assert pairwise([Glimpse(one, 255 - left), Glimpse(half, left)], inside) == 0.0, "nothing is seen by both"


def test_a_share_of_nothing_is_nothing() -> None:
    all_of_it, none = np.ones((4, 4), np.bool_), np.zeros((4, 4), np.bool_)
    assert (share_of(all_of_it, all_of_it), share_of(none, all_of_it), share_of(all_of_it, none)) == (1.0, 0.0, 0.0)


def test_the_outline_that_is_used_is_a_valid_one() -> None:
    assert shapely.Polygon(BLUE_ROOF.corners).is_valid
