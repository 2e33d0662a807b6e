"""Outlines are squared, and their sides found again in the picture."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.vision.arrays import Doubles, Mask
from edge.vision.change.candidates import RoofCue
from edge.vision.change.cues import roof_cue, vehicle_like
from edge.vision.change.snapping import snapped
from edge.vision.change.squaring import along_outline, dominant_turn, likeness, squared


def rectangle(length: float, width: float, turn: float, centre: tuple[float, float] = (60, 60)) -> Doubles:
    c, s = math.cos(turn), math.sin(turn)
    local = np.array(((-length, -width), (length, -width), (length, width), (-length, width))) / 2
    return local @ np.array(((c, s), (-s, c))) + centre


def drawn(corners: Doubles, value: int = 255) -> Mask:
    mask = np.zeros((120, 120), np.uint8)
    cv2.fillPoly(mask, [np.rint(corners).astype(np.int32)], value)
    return mask


@settings(deadline=None, max_examples=40)
@given(st.floats(24, 70), st.floats(20, 50), st.floats(0, math.pi / 2))
def test_a_ragged_rectangle_becomes_one(length: float, width: float, turn: float) -> None:
    mask = drawn(rectangle(length, width, turn))
    random = np.random.default_rng(1)
    mask[random.random(mask.shape) < 0.02] = 0
    mask = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)), np.uint8)
    found = dominant_turn(np.asarray(mask, np.float32), mask)
    if length > 1.2 * width:
        gap = (found - turn + math.pi / 4) % (math.pi / 2) - math.pi / 4
        assert abs(gap) < math.radians(4)
    shape = squared(mask, turn)
    assert len(shape.corners) == 4
    assert likeness(drawn(rectangle(length, width, turn)), shape.corners) > 0.84
    assert shape.length_px == pytest.approx(max(length, width), abs=3)


def test_an_l_has_six_corners_and_a_disc_stays_round() -> None:
    ell = drawn(np.array(((20, 20), (90, 20), (90, 50), (55, 50), (55, 95), (20, 95)), np.float64))
    shape = squared(ell, 0.0)
    assert len(shape.corners) == 6
    assert shape.fit > 0.9
    disc = np.zeros((120, 120), np.uint8)
    cv2.circle(disc, (60, 60), 40, 255, -1)
    assert squared(disc, 0.3).fit < 0.9


def test_an_empty_mask_has_no_outline() -> None:
    with pytest.raises(ValueError, match="empty mask"):
        squared(np.zeros((20, 20), np.uint8), 0.0)
    line = np.zeros((20, 20), np.uint8)
    line[10, 2:18] = 255
    assert len(squared(line, 0.0).corners) >= 3


def test_normals_point_outward_whichever_way_the_corners_run() -> None:
    for corners in (rectangle(40, 20, 0.3), rectangle(40, 20, 0.3)[::-1]):
        points, normals = along_outline(corners)
        assert ((points - 60) * normals).sum(axis=1).min() > 5


@pytest.mark.parametrize("turn", [0.0, 0.4, 1.2])
def test_sides_move_to_the_edges_of_the_picture(turn: float) -> None:
    truth = rectangle(50, 34, turn)
    random = np.random.default_rng(2)
    lab = np.full((120, 120, 3), 128, np.float32)
    lab[..., 0] = drawn(truth, 60).astype(np.float32) + 100
    lab += random.standard_normal(lab.shape).astype(np.float32) * 4
    rough = squared(drawn(rectangle(41, 40, turn, (62, 58))), turn)
    fine = snapped(rough, lab)
    assert likeness(drawn(truth), fine.corners) > max(0.9, likeness(drawn(truth), rough.corners))
    assert fine.length_px == pytest.approx(50, abs=2)


def test_sides_stay_where_there_is_no_edge() -> None:
    even = np.full((120, 120, 3), 128, np.float32)
    shape = squared(drawn(rectangle(40, 30, 0.2)), 0.2)
    assert np.abs(snapped(shape, even).corners - shape.corners).max() <= 1.5


def test_vehicles_by_their_measures() -> None:
    assert vehicle_like(4.5, 1.8, 0.9)
    assert vehicle_like(12.0, 2.5, 0.9)
    assert not vehicle_like(5.0, 4.0, 0.9)
    assert not vehicle_like(3.2, 2.6, 0.9)


@pytest.mark.parametrize(
    ("bgr", "cue"),
    [
        ((170, 100, 40), RoofCue.BLUE_STEEL),
        ((50, 50, 170), RoofCue.RED_STEEL),
        ((110, 150, 60), RoofCue.GREEN_TARPAULIN),
        ((235, 235, 235), RoofCue.WHITE),
        ((165, 168, 170), RoofCue.CONCRETE),
        ((50, 50, 50), RoofCue.DARK),
    ],
)
def test_roofs_by_their_colour(bgr: tuple[int, int, int], cue: RoofCue) -> None:
    lab = cv2.cvtColor(np.array([[bgr]], np.uint8), cv2.COLOR_BGR2LAB)[0, 0]
    assert roof_cue(lab.astype(np.float64)) is cue
