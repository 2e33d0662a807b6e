"""Outlines of roofs that were drawn: where they lie, to the decimetre."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import shapely
import shapely.affinity

from edge.vision.surface.outlining import Outlined, mask_on, outlined
from edge.vision.surface.patches import Patch, Seen, middling, on_level, patch_around
from edge.vision.surface.rising import Rise
from edge.vision.surface.surfaces import Grid
from tests.edge.vision.surface.scenes import Box, Scene, eye_at

GRID = Grid(-30.0, 30.0, 240, 240, 0.25)


def rise_of(outline: shapely.Polygon, up_m: float, grow_m: float = 0.2, seed: int = 1) -> Rise:
    """As stereo draws it: too large by half of its window, its rim frayed."""
    east, north = GRID.places(GRID.whole)
    across, down = np.meshgrid(east, north)
    inside = shapely.contains_xy(outline.buffer(grow_m, join_style="mitre"), across, down)
    rim = shapely.contains_xy(outline.buffer(grow_m + 0.15), across, down) & ~inside
    inside |= rim & (np.random.default_rng(seed).random(inside.shape) < 0.3)
    rows, columns = np.nonzero(inside)
    row, column = int(rows.min()) - 2, int(columns.min()) - 2
    mask = inside[row : int(rows.max()) + 3, column : int(columns.max()) + 3].astype(np.uint8) * 255
    area = float(inside.sum()) * GRID.cell_m**2
    return Rise(mask, row, column, up_m, up_m, 0.05, 1.0, 1.0, 1.0, area)


def outline_of(box: Box, *eyes: tuple[float, float]) -> Outlined:
    scene = Scene((box,))
    rise = rise_of(box.outline, box.up_m)
    patch = patch_around(box.corners, 2.5)
    assert patch is not None
    seen = [Seen(eye, scene.seen_by(eye), np.zeros(3)) for eye in (eye_at(*each) for each in eyes)]
    found = outlined(mask_on(rise, GRID, patch), patch, middling([on_level(each, patch, box.up_m) for each in seen]))
    assert found is not None
    return found


def overlap(found: Outlined, true: shapely.Polygon) -> float:
    made = shapely.Polygon(found.outline_m)
    return float(made.intersection(true).area / made.union(true).area)


@pytest.mark.parametrize(
    "box",
    [
        Box(-5, -4, 3, 2, 4.0, (60, 70, 190), 12.0),
        Box(2, 2, 6, 5, 2.5, (190, 120, 60), 12.0),
        Box(-12.3, 4.1, -5.2, 8.7, 6.0, (210, 215, 215), 8.0),
    ],
)
def test_an_outline_lies_on_the_edges_of_the_roof(box: Box) -> None:
    found = outline_of(box, (-6, 0), (6, 4), (2, -5))
    assert overlap(found, box.outline) > 0.85
    gaps = shapely.distance(shapely.points(found.outline_m), box.outline.exterior)
    assert gaps.max() < 0.25
    sides = shapely.hausdorff_distance(shapely.Polygon(found.outline_m).exterior, box.outline.exterior)
    assert sides < 0.3
    low, high = found.outline_m.min(axis=0), found.outline_m.max(axis=0)
    assert np.abs(np.concatenate((low - (box.west, box.south), high - (box.east, box.north)))).mean() < 0.15
    lengths = sorted((box.east - box.west, box.north - box.south), reverse=True)
    assert (found.length_m, found.width_m) == (pytest.approx(lengths[0], abs=0.35), pytest.approx(lengths[1], abs=0.35))
    assert found.area_m2 == pytest.approx(shapely.Polygon(found.outline_m).area, rel=0.01)
    assert found.fit > 0.8


def test_the_mask_is_the_outline_in_the_pixels_of_the_patch() -> None:
    found = outline_of(Box(-5, -4, 3, 2, 4.0, (60, 70, 190), 12.0), (-6, 0), (6, 4))
    assert (found.mask > 0).sum() * 0.01 == pytest.approx(found.area_m2, rel=0.06)
    again = np.zeros_like(found.mask)
    cv2.fillPoly(again, [np.rint(found.corners_px).astype(np.int32)], 255)
    assert np.array_equal(again, found.mask)


def test_an_l_is_no_rectangle() -> None:
    whole = shapely.union(shapely.box(-8, -4, 6, 2), shapely.box(-8, 2, -2, 9))
    patch = patch_around(np.array(whole.exterior.coords), 2.5)
    assert patch is not None
    even = np.full((patch.rows, patch.columns, 3), 120, np.uint8)
    found = outlined(mask_on(rise_of(whole, 3.0), GRID, patch), patch, even)
    assert found is not None
    assert overlap(found, whole) > 0.85
    assert found.area_m2 < 0.9 * whole.minimum_rotated_rectangle.area


def test_a_turned_roof_keeps_its_turn() -> None:
    turned = shapely.affinity.rotate(shapely.box(-5, -3, 5, 3), 28)
    patch = patch_around(np.array(turned.exterior.coords), 2.5)
    assert patch is not None
    top = np.full((patch.rows, patch.columns, 3), 90, np.uint8)
    corners = patch.pixels(np.array(turned.exterior.coords)[:-1])
    cv2.fillPoly(top, [np.rint(corners).astype(np.int32)], (70, 80, 200))
    found = outlined(mask_on(rise_of(turned, 3.0), GRID, patch), patch, top)
    assert found is not None
    assert overlap(found, turned) > 0.88


def test_without_any_edge_in_the_picture_the_cells_say_it() -> None:
    box = Box(-5, -4, 3, 2, 4.0)
    patch = patch_around(box.corners, 2.5)
    assert patch is not None
    found = outlined(
        mask_on(rise_of(box.outline, 4.0), GRID, patch), patch, np.zeros((patch.rows, patch.columns, 3), np.uint8)
    )
    assert found is not None
    assert overlap(found, box.outline) > 0.88
    assert found.area_m2 == pytest.approx(box.outline.area, rel=0.1)


def test_cells_lie_in_the_patch_where_they_lie_in_the_grid() -> None:
    mask = np.full((8, 12), 255, np.uint8)
    rise = Rise(mask, 100, 50, 3.0, 3.0, 0.0, 1.0, 1.0, 1.0, 6.0)
    patch = Patch(-20.0, 8.0, 100, 120)
    drawn = mask_on(rise, GRID, patch)
    rows, columns = np.nonzero(drawn)
    low = patch.metres(np.array(((columns.min() - 0.5, rows.max() + 0.5),)))[0]
    high = patch.metres(np.array(((columns.max() + 0.5, rows.min() - 0.5),)))[0]
    assert low == pytest.approx((-30 + 50 * 0.25, 30 - 108 * 0.25), abs=0.06)
    assert high == pytest.approx((-30 + 62 * 0.25, 30 - 100 * 0.25), abs=0.06)


def test_nothing_is_left_of_a_line_of_cells() -> None:
    mask = np.full((1, 30), 255, np.uint8)
    rise = Rise(mask, 100, 50, 3.0, 3.0, 0.0, 1.0, 1.0, 1.0, 2.0)
    patch = Patch(-20.0, 8.0, 100, 120)
    assert outlined(mask_on(rise, GRID, patch), patch, np.zeros((100, 120, 3), np.uint8)) is None
    beyond = Patch(200.0, 200.0, 50, 50)
    assert outlined(mask_on(rise, GRID, beyond), beyond, np.zeros((50, 50, 3), np.uint8)) is None


def test_a_roof_is_laid_along_itself_where_what_is_beside_it_has_stronger_edges() -> None:
    roof = shapely.affinity.rotate(shapely.box(-7, -2, 7, 2), 20)
    rise = rise_of(roof, 3.0, grow_m=0.2)
    patch = patch_around(np.asarray(roof.exterior.coords), 2.5)
    assert patch is not None
    # Bars of a fence that lie straight north and across the roof.
    bars = np.full((patch.rows, patch.columns, 3), 90, np.uint8)
    bars[:, ::12] = 255
    bars[:, 1::12] = 255
    found = outlined(mask_on(rise, GRID, patch), patch, bars)
    assert found is not None
    assert found.fit > 0.8
    assert overlap(found, roof) > 0.75
