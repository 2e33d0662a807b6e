"""A shed that appeared or went is outlined; what is no structure is not."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np
import pytest
import shapely

from edge.vision.change.candidates import Candidate, ChangeKind, RoofCue
from edge.vision.change.comparing import Compared, CompareSettings, compare
from edge.vision.change.features import Features, find_features
from edge.vision.change.registering import Refused
from edge.vision.change.views import Picture, View
from edge.vision.lens import Lens
from tests.edge.vision.change.scenes import (
    BLUE,
    GREY,
    HOUSES,
    RED,
    TREES,
    WHITE,
    YARD,
    Box,
    Camera,
    Tree,
    Yard,
    outline_in,
    view,
)

SHED = Box(0, 0, 5, 4, 3, 20, BLUE)
SUN = (0.5, 0.7)
LIKELY = 0.5
SETTINGS = CompareSettings(sun=SUN)


SMALL = Lens(640, 480, 640.0, 640.0, 319.5, 239.5)
HERE = Camera(lens=SMALL)
THERE = Camera(4, -3, 102, 2, lens=SMALL)


@lru_cache
def seen(yard: Yard, camera: Camera, seed: int) -> View:
    return view(yard, camera, seed=seed)


@lru_cache
def features(yard: Yard, camera: Camera, seed: int) -> Features:
    return find_features(seen(yard, camera, seed).bgr)


@lru_cache
def compared(before: Yard, after: Yard, camera: Camera = THERE) -> Compared:
    known = features(before, HERE, 1), features(after, camera, 2)
    found = compare(seen(before, HERE, 1), seen(after, camera, 2), SETTINGS, *known)
    assert isinstance(found, Compared)
    return found


def likely(found: Compared) -> list[Candidate]:
    return [each for each in found.candidates if each.confidence >= LIKELY]


def overlap(box: Box, candidate: Candidate, after: View) -> float:
    one, two = shapely.Polygon(outline_in(box, after)), shapely.Polygon(candidate.polygon)
    return float(one.intersection(two).area / one.union(two).area)


@pytest.mark.parametrize(
    "box",
    [
        SHED,
        Box(-26, -6, 4, 3.5, 2.8, 5, BLUE),
        Box(20, 3, 9, 7, 4, 40, RED),
        Box(12, -22, 12, 5, 5, -15, WHITE),
        Box(30, -30, 6, 5, 3, 0, (150, 110, 60)),
    ],
    ids=str,
)
def test_a_new_structure_is_outlined(box: Box) -> None:
    (found,) = likely(compared(YARD, YARD.plus(box)))
    assert found.kind is ChangeKind.NEW
    assert overlap(box, found, seen(YARD.plus(box), THERE, 2)) >= 0.75
    assert found.area_m2 == pytest.approx(box.length * box.width, rel=0.3)


def test_what_went_is_told_from_what_came() -> None:
    (found,) = likely(compared(YARD.plus(SHED), YARD))
    assert found.kind is ChangeKind.REMOVED


def test_a_repainted_roof_is_no_new_structure() -> None:
    painted = Yard((replace(HOUSES[0], colour=BLUE), *HOUSES[1:]), TREES)
    assert all(each.kind is not ChangeKind.NEW for each in likely(compared(YARD, painted)))


def test_an_l_shape_keeps_its_corners() -> None:
    wings = [Box(2, -4, 12, 4, 3, 0, BLUE), Box(-2, 0.5, 4, 5, 3, 0, BLUE)]
    (found,) = likely(compared(YARD, YARD.plus(*wings)))
    assert found.kind is ChangeKind.NEW
    assert 6 <= len(found.polygon) <= 8
    assert found.area_m2 == pytest.approx(48 + 20 - 2, rel=0.2)


def test_colours_of_roofs_are_named() -> None:
    (found,) = likely(compared(YARD, YARD.plus(SHED)))
    assert found.cues.roof is RoofCue.BLUE_STEEL
    assert found.cues.shadow_beside is not None
    assert found.cues.shadow_beside > 0.5


def test_an_unchanged_yard_shows_nothing_from_another_spot_and_under_another_sun() -> None:
    other = Yard(HOUSES, TREES, YARD.seed, (-0.6, 0.5))
    assert likely(compared(YARD, other, Camera(7, -6, 106, -3, lens=SMALL))) == []


@pytest.mark.parametrize(
    "thing",
    [Box(-11, 0, 4.4, 1.8, 1.5, 90, (190, 190, 195)), Box(-8, -30, 4.6, 1.9, 1.6, 88, (40, 40, 45))],
    ids=["pale car", "dark car"],
)
def test_a_car_is_doubted(thing: Box) -> None:
    found = compared(YARD, YARD.plus(thing))
    assert all(each.cues.vehicle_like for each in likely(found))
    shed = compared(YARD, YARD.plus(SHED))
    most = max((each.confidence for each in found.candidates), default=0.0)
    assert most < likely(shed)[0].confidence


def test_leaves_that_turn_are_nothing() -> None:
    autumn = Yard(HOUSES, tuple(Tree(t.east, t.north, t.radius, (40, 120, 160)) for t in TREES))
    assert likely(compared(YARD, autumn)) == []


def disturbed(bgr: Picture, how: str) -> Picture:
    random = np.random.default_rng(3)
    if how == "gain":
        return np.clip(bgr * 1.25 + 5, 0, 255).astype(np.uint8)
    if how == "white balance":
        return np.clip(bgr * np.array((0.88, 1.0, 1.1)), 0, 255).astype(np.uint8)
    if how == "noise":
        return np.clip(bgr + random.normal(0, 6, bgr.shape), 0, 255).astype(np.uint8)
    if how == "haze":
        return np.clip(bgr * 0.75 + 55, 0, 255).astype(np.uint8)
    if how == "jpeg":
        _, squeezed = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 60])
        return np.asarray(cv2.imdecode(squeezed, cv2.IMREAD_COLOR), np.uint8)
    return bgr


@pytest.mark.parametrize("how", ["same", "gain", "white balance", "noise", "haze", "jpeg"])
def test_the_camera_is_no_change(how: str) -> None:
    before = seen(YARD, HERE, 1)
    found = compare(before, View(disturbed(before.bgr, how), before.to_ground, before.camera))
    assert isinstance(found, Compared)
    assert found.candidates == ()


def test_a_learned_model_is_asked_and_checked() -> None:
    before, after = seen(YARD, HERE, 1), seen(YARD.plus(SHED), THERE, 2)
    known = features(YARD, HERE, 1), features(YARD.plus(SHED), THERE, 2)
    calm = compare(before, after, SETTINGS, *known, model=lambda old, new: np.zeros(new.shape[:2], np.float32))
    assert isinstance(calm, Compared)
    plain = compared(YARD, YARD.plus(SHED))
    assert float(calm.pair.evidence.score.max()) <= 0.51 < float(plain.pair.evidence.score.max())
    with pytest.raises(ValueError, match=r"answered \(3, 3\)"):
        compare(before, after, SETTINGS, *known, model=lambda old, new: np.zeros((3, 3), np.float32))
    with pytest.raises(ValueError, match="no numbers"):
        compare(before, after, SETTINGS, *known, model=lambda old, new: np.full(new.shape[:2], np.nan, np.float32))


def test_black_pictures_are_refused_and_the_features_are_taken() -> None:
    before = seen(YARD, HERE, 1)
    black = View(np.zeros_like(before.bgr), before.to_ground, before.camera)
    assert isinstance(compare(before, black), Refused)
    half = before.bgr.copy()
    half[:, 320:] = 0
    found = compare(before, View(half, before.to_ground, before.camera))
    assert isinstance(found, (Compared, Refused))
    if isinstance(found, Compared):
        assert all(each.polygon[:, 0].max() > 300 for each in found.candidates)


def test_grey_on_grey_is_found_by_its_outline_and_grain() -> None:
    box = Box(-2, -3, 5, 4, 3, 0, GREY)
    found = compared(YARD, YARD.plus(box))
    assert any(overlap(box, each, seen(YARD.plus(box), THERE, 2)) > 0.55 for each in found.candidates)
