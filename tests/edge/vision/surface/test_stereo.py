"""Heights from two drawn pictures whose every height is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import shapely

from edge.vision.arrays import Doubles, Floats
from edge.vision.surface.shots import Eye, Picture
from edge.vision.surface.stereo import Depths, depths_of, matched_points, rectified
from tests.edge.vision.surface.scenes import LENS, Box, Scene, eye_at

BOX = Box(-3, -2, 4, 5, 5.0)
SCENE = Scene((BOX, Box(-14, -10, -9, -6, 3.0, (90, 160, 90))))
PAIRS = {
    "along the line": (eye_at(-6, 0), eye_at(6, 0)),
    "across the line": (eye_at(0, -6), eye_at(0, 6)),
    "the other way about": (eye_at(6, 0), eye_at(-6, 0)),
    "of lines flown to and fro": (eye_at(-5, -5), eye_at(4, 6, yaw=180.0)),
    "turned and swayed": (eye_at(-6, 1, yaw=14.0, roll=2.0), eye_at(6, -2, yaw=-171.0, pitch=-87.0)),
    "tilted ahead": (eye_at(-6, -16, pitch=-75.0), eye_at(6, -16, pitch=-75.0)),
    "tilted far": (eye_at(-6, -28, pitch=-65.0), eye_at(6, -28, pitch=-65.0)),
    "at two heights": (eye_at(-6, 0, 58.0), eye_at(6, 0, 63.0)),
}


def heights(one: Eye, other: Eye, pictures: tuple[Picture, Picture], ground_m: float = 0.0) -> Floats | None:
    depths = depths_of(one, other, pictures, ground_m)
    level = None if depths is None else rectified(one, other, pictures, depths)
    return None if level is None else matched_points(level)


def drawn(one: Eye, other: Eye, scene: Scene = SCENE) -> Floats:
    found = heights(one, other, (scene.seen_by(one), scene.seen_by(other)), scene.ground_m)
    assert found is not None
    return found


@pytest.mark.parametrize("name", PAIRS)
def test_heights_of_ground_and_roofs(name: str) -> None:
    found = drawn(*PAIRS[name])
    places = found[:, :2].astype(np.float64)
    even = ~SCENE.near_wall(places, 0.8)
    gap, true = found[even, 2] - SCENE.height(places)[even], SCENE.height(places)[even]
    for up in (0.0, 3.0, 5.0):
        assert (true == up).sum() > 300
        assert abs(np.median(gap[true == up])) < 0.15
        assert np.quantile(np.abs(gap[true == up]), 0.9) < 0.25


@pytest.mark.parametrize("name", PAIRS)
def test_nothing_lies_outside_of_what_both_show_and_most_of_it_is_found(name: str) -> None:
    one, other = PAIRS[name]
    found = drawn(one, other)
    # What is higher is shown of less, what is nearer to the camera by less than its outline on the ground.
    both = shapely.intersection(*(shapely.Polygon(eye.outline(-1.0)) for eye in (one, other)))
    outside = ~shapely.contains_xy(both.buffer(0.5), *found[:, :2].T.astype(np.float64))
    assert outside.mean() < 0.002
    cells = np.unique(np.floor(found[:, :2]).astype(int), axis=0)
    assert len(cells) > 0.75 * both.area


def test_heights_of_neighbours_are_not_smeared_over_an_edge() -> None:
    found = drawn(*PAIRS["along the line"])
    near = SCENE.near_wall(found[:, :2].astype(np.float64), 1.5)
    between = near & (found[:, 2] > 1.2) & (found[:, 2] < 2.2)
    assert between.sum() < 0.03 * near.sum()


def test_ground_that_lies_elsewhere_is_found_there() -> None:
    up = 300.0
    scene = Scene((BOX.moved(0, 0, up),), ground_m=up)
    one, other = eye_at(-6, 0, 60 + up), eye_at(6, 0, 60 + up)
    found = drawn(one, other, scene)
    assert np.median(found[:, 2]) == pytest.approx(up, abs=0.1)
    # 3 m off: a slope that nobody told of.
    off = heights(one, other, (scene.seen_by(one), scene.seen_by(other)), up - 3)
    assert off is not None
    assert np.median(off[:, 2]) == pytest.approx(up, abs=0.1)


def test_depths_hold_what_is_shown() -> None:
    one, other = PAIRS["along the line"]
    depths = depths_of(one, other, (SCENE.seen_by(one), SCENE.seen_by(other)), 0.0)
    assert depths is not None
    assert -8 < depths.low_m < -1
    assert 5.5 < depths.high_m < 14
    assert depths.ground_m == 0.0


@pytest.mark.parametrize(
    ("east", "north", "up"),
    [(0.0, 0.0, 60.0), (0.5, 0.0, 60.0), (0.0, -3.0, 60.0), (0.0, 0.0, 75.0), (0.0, 0.0, 45.0), (4.0, 0.0, 75.0)],
)
def test_pictures_from_one_spot_or_one_above_the_other_say_nothing(east: float, north: float, up: float) -> None:
    one, other = eye_at(0, 0), eye_at(east, north, up)
    pictures = SCENE.seen_by(one), SCENE.seen_by(other)
    assert rectified(one, other, pictures, Depths(-3, 8, 0)) is None
    assert heights(one, other, pictures) is None


def test_pictures_that_share_no_ground_say_nothing() -> None:
    one, other = eye_at(-30, 0), eye_at(30, 0)
    assert heights(one, other, (SCENE.seen_by(one), SCENE.seen_by(other))) is None


def test_cameras_below_what_is_looked_for_say_nothing() -> None:
    one, other = PAIRS["along the line"]
    assert rectified(one, other, (SCENE.seen_by(one), SCENE.seen_by(other)), Depths(-3, 59.5, 0)) is None


@pytest.mark.parametrize("level", [0, 128, 255])
def test_pictures_without_texture_give_nothing_or_little(level: int) -> None:
    blank = np.full((LENS.height, LENS.width, 3), level, np.uint8)
    found = heights(*PAIRS["along the line"], (blank, blank))
    assert found is None or bool(np.isfinite(found).all())


def test_a_black_picture_beside_a_good_one_gives_nothing_or_finite_heights() -> None:
    one, other = PAIRS["along the line"]
    found = heights(one, other, (SCENE.seen_by(one), np.zeros((LENS.height, LENS.width, 3), np.uint8)))
    assert found is None or bool(np.isfinite(found).all())


@pytest.mark.parametrize("share", [0.5, 0.25, 0.1, 0.05])
def test_tiny_pictures_end_in_an_answer(share: float) -> None:
    eyes = tuple(eye.scaled(share) for eye in PAIRS["along the line"])
    pictures = tuple(
        np.asarray(cv2.resize(SCENE.seen_by(eye), (small.width, small.height), interpolation=cv2.INTER_AREA), np.uint8)
        for eye, small in zip(PAIRS["along the line"], eyes, strict=True)
    )
    found = heights(eyes[0], eyes[1], (pictures[0], pictures[1]))
    assert found is None or bool(np.isfinite(found).all())


def test_points_are_in_the_metres_of_the_cameras_however_far_these_are() -> None:
    far: Doubles = np.array((9_000.0, -7_000.0, 0.0))
    one, other = PAIRS["along the line"]
    pictures = SCENE.seen_by(one), SCENE.seen_by(other)
    here = heights(one, other, pictures)
    there = heights(one.moved(one.centre + far, one.turn), other.moved(other.centre + far, other.turn), pictures)
    assert here is not None and there is not None
    assert abs(len(here) - len(there)) < 0.001 * len(here)
    for side in range(3):
        assert np.quantile(there[:, side] - far[side], (0.01, 0.5, 0.99)) == pytest.approx(
            np.quantile(here[:, side], (0.01, 0.5, 0.99)), abs=0.05
        )
