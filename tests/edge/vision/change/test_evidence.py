"""Light, lean and grain are taken out before anything is called a change."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.vision.arrays import Floats
from edge.vision.change.cover import cover_of
from edge.vision.change.evidence import colour_distance, edges_only, structure_loss, tile_median
from edge.vision.change.radiometry import lab_of, match_colours, shade_change
from edge.vision.change.relief import heights_to_try, lean_field, lean_of, moved_by
from edge.vision.change.views import Picture, prior_of, through
from tests.edge.vision.change.scenes import YARD, Box, Camera, Yard, grain, outline_in, view

FULL = np.full((240, 320), 255, np.uint8)


def ground(seed: int = 3, colour: tuple[int, int, int] = (120, 132, 140)) -> Picture:
    # Two covers: a gain shows only where there is contrast.
    base = np.empty((240, 320, 3), np.float32)
    base[:] = colour
    base[:, 160:] = (190, 195, 200)
    return np.clip(base + grain(seed, 240, 320)[..., None] * 8, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("gain", "offset"), [(1.0, 0), (1.25, 0), (0.75, 40), (1.1, -15)])
def test_exposure_and_haze_are_taken_out(gain: float, offset: float) -> None:
    before = ground()
    after = np.clip(before * gain + offset, 0, 255).astype(np.uint8)
    found = match_colours(before, after, FULL)
    assert float(np.abs(found.before - found.after).mean()) < 1.5
    assert found.gains[0] == pytest.approx(gain, rel=0.08)


def test_what_changed_takes_no_part_in_the_match() -> None:
    before = ground()
    after = before.copy()
    after[60:160, 40:160] = (165, 105, 55)
    found = match_colours(before, after, FULL)
    same = np.ones((240, 320), bool)
    same[50:170, 30:170] = False
    assert float(np.abs(found.before - found.after)[same].mean()) < 1.0
    assert float(np.abs(found.before - found.after)[80:140, 60:140].mean()) > 20


def test_with_nothing_comparable_the_colours_stay() -> None:
    before, after = ground(), ground(4)
    found = match_colours(before, after, np.zeros_like(FULL))
    assert np.array_equal(found.before, lab_of(before))


def test_shade_that_came_and_went_is_told_from_paint() -> None:
    before = ground()
    after = before.astype(np.float32)
    after[40:100, 20:140] *= (0.52, 0.47, 0.44)
    after[140:200, 180:300] = (150, 60, 40)
    shaded = np.clip(after, 0, 255).astype(np.uint8)
    into, out = shade_change(lab_of(before), lab_of(shaded), FULL)
    assert (into[45:95, 25:135] > 0).mean() > 0.95
    assert (into[145:195, 185:295] > 0).mean() < 0.1
    back_into, back_out = shade_change(lab_of(shaded), lab_of(before), FULL)
    assert (back_out[45:95, 25:135] > 0).mean() > 0.95
    assert (out > 0).mean() < 0.05
    assert (back_into[:30] > 0).mean() < 0.05


def light(picture: Picture) -> Floats:
    return np.ascontiguousarray(lab_of(picture)[..., 0])


def test_a_pixel_of_misregistration_is_no_change() -> None:
    before = ground()
    before[100:140, 100:160] = (60, 60, 150)
    after = np.roll(before, (1, -1), (0, 1))
    assert float(np.percentile(colour_distance(lab_of(before), lab_of(after))[5:-5, 5:-5], 99)) < 6
    assert float(edges_only(light(after), light(before))[5:-5, 5:-5].max()) < 12


def test_structure_says_nothing_where_there_is_none() -> None:
    even = np.full((100, 100), 128, np.float32)
    assert float(structure_loss(even, even + 20).max()) == 0
    one, other = (grain(seed, 100, 100) * 12 + 128 for seed in (1, 2))
    assert float(structure_loss(one, one * 0.9 + 20).mean()) < 0.1
    assert float(structure_loss(one, other).mean()) > 0.6


def test_noise_is_local_and_one_changed_tile_does_not_excuse_itself() -> None:
    values = np.full((480, 640), 3.0, np.float32)
    values[:, 400:] = 6.0
    values[:80, :80] = 90.0
    found = tile_median(values, np.full(values.shape, 255, np.uint8))
    assert found[400, 50] == pytest.approx(3, abs=0.3)
    assert found[400, 600] == pytest.approx(6, abs=0.6)
    assert found[40, 40] < 10
    assert float(tile_median(values, np.zeros(values.shape, np.uint8)).max()) == 0


def test_what_grows_is_seen_and_paint_is_not() -> None:
    picture = ground()
    picture[:100, :100] = np.clip(np.array((60, 120, 90)) + grain(5, 100, 100)[..., None] * 12, 0, 255)
    picture[120:180, 40:120] = (165, 105, 55)
    picture[120:180, 180:260] = (95, 140, 70)
    found = cover_of(picture)
    assert (found.growing[5:95, 5:95] > 0).mean() > 0.9
    assert (found.growing[125:175, 45:115] > 0).mean() < 0.02
    assert (found.growing[200:] > 0).mean() < 0.02
    assert float(found.roughness[20:80, 20:80].mean()) > float(found.roughness[130:170, 50:110].mean())


TALL = Box(-6, -5, 10, 8, 12, 15, (60, 65, 150))


def test_lean_is_where_a_roof_appears() -> None:
    before, after = view(Yard((TALL,)), Camera(-9, 4, 100)), view(Yard((TALL,)), Camera(12, 1, 104))
    here, there = outline_in(TALL, after), outline_in(TALL, before)
    laid = through(prior_of(before, after), there)
    assert laid - here == pytest.approx(lean_of(before, after, here, TALL.height), abs=1e-6)
    tried = heights_to_try(before, after, 40)
    assert tried[0] == 0
    assert tried[-1] == pytest.approx(40)
    assert list(tried) == sorted(tried)
    assert heights_to_try(before, before, 40) == (0.0,)


def test_a_roof_is_laid_on_itself() -> None:
    yard = YARD.plus(TALL)
    before, after = view(yard, Camera(-9, 4, 100), seed=1), view(yard, Camera(8, 1, 100), seed=2)
    size = after.bgr.shape[1], after.bgr.shape[0]
    flat = np.asarray(cv2.warpPerspective(before.bgr, prior_of(before, after), size), np.uint8)
    grey = [np.asarray(cv2.cvtColor(each, cv2.COLOR_BGR2GRAY), np.uint8) for each in (flat, after.bgr)]
    field = lean_field(grey[0], grey[1], before, after, 30)
    roof = np.zeros(grey[1].shape, np.uint8)
    cv2.fillConvexPoly(roof, np.rint(outline_in(TALL, after)).astype(np.int32), 255)
    gaps = [np.abs(each.astype(int) - after.bgr)[roof > 0].mean() for each in (flat, moved_by(flat, field))]
    assert gaps[1] < 0.5 * gaps[0]
