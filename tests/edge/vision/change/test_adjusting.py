"""Poses that are off by a metre agree about the ground to a few centimetres."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.vision.arrays import Doubles
from edge.vision.change.adjusting import Tie, Trust, adjust, corrected, tie_of
from edge.vision.change.views import View, prior_of, through, view_of
from edge.vision.lens import Lens
from edge.vision.pose import Pose, turned

BLANK = np.zeros((96, 128, 3), np.uint8)
LENS = Lens(128, 96, 128.0, 128.0, 63.5, 47.5)


def blank(east: float, north: float, yaw: float = 0.0, pitch: float = -90.0, up: float = 100.0) -> View:
    return view_of(BLANK, LENS, Pose(east, north, up, turned(yaw, pitch, 0)), gsd_m=1e-3)


def block() -> list[View]:
    return [blank(30 * x, 25 * y, yaw=180.0 * (y % 2)) for y in range(3) for x in range(4)]


def true_ties(views: list[View]) -> list[Tie]:
    found = []
    for one, other in itertools.combinations(range(len(views)), 2):
        if np.linalg.norm(views[one].camera - views[other].camera) < 45:
            found.append(tie_of(one, other, prior_of(views[one], views[other]), views))
    return found


def middles(views: list[View]) -> Doubles:
    return np.concatenate([through(each.to_ground, np.array(((63.5, 47.5),))) for each in views])


@pytest.mark.parametrize("seed", range(4))
def test_poses_agree_afterwards(seed: int) -> None:
    truth = block()
    ties = true_ties(truth)
    random = np.random.default_rng(seed)
    noise = random.standard_normal((len(truth), 6)) * (0.5, 0.5, 0.3, 0.008, 0.008, 0.008)
    astray = [corrected(each, values) for each, values in zip(truth, noise, strict=True)]
    found = adjust(astray, ties, Trust(0.5, 0.3, 0.008))
    assert found.before_m > 0.8
    assert found.after_m < 0.1
    before = np.linalg.norm(middles(astray) - middles(truth), axis=1)
    after = np.linalg.norm(middles(list(found.views)) - middles(truth), axis=1)
    assert np.sqrt((after**2).mean()) < 0.6 * np.sqrt((before**2).mean())


def test_what_agrees_stays_and_one_gross_tie_pulls_little() -> None:
    truth = block()
    ties = true_ties(truth)
    calm = adjust(truth, ties)
    assert middles(list(calm.views)) == pytest.approx(middles(truth), abs=1e-6)
    wrong = Tie(0, 1, ties[0].first_px, ties[0].second_px + 12)
    pulled = adjust(truth, [*ties, wrong])
    # The tie is nine metres off.
    assert np.abs(middles(list(pulled.views)) - middles(truth)).max() < 1.2


def test_a_trusted_pose_moves_less() -> None:
    views = [blank(0, 0), corrected(blank(20, 0), np.array((2.0, 0, 0, 0, 0, 0)))]
    truth = [blank(0, 0), blank(20, 0)]
    ties = true_ties(truth)
    found = adjust(views, ties, [Trust(0.02, 0.02, 0.0005), Trust(2.0, 0.5, 0.01)])
    moved = np.linalg.norm(middles(list(found.views)) - middles(views), axis=1)
    assert moved[0] < 0.1
    assert moved[1] == pytest.approx(2, abs=0.2)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(-0.02, 0.02), min_size=3, max_size=3), st.lists(st.floats(-3, 3), min_size=3, max_size=3))
def test_a_small_turn_is_a_turn_of_the_pose(turn: list[float], shift: list[float]) -> None:
    made = corrected(blank(10, -5, 30, -85), np.array((*shift, *turn)))
    east, north, up = turn
    small = np.array(((1, -up, north), (up, 1, -east), (-north, east, 1)))
    pose = Pose(10 + shift[0], -5 + shift[1], 100 + shift[2], small @ turned(30, -85, 0))
    direct = view_of(BLANK, LENS, pose, gsd_m=1e-3)
    pixels = np.array(((0, 0), (127, 0), (60, 95), (64, 48)), np.float64)
    assert through(made.to_ground, pixels) == pytest.approx(through(direct.to_ground, pixels), abs=1e-6)


def test_views_without_ties_and_broken_ties() -> None:
    views = [blank(0, 0), blank(10, 0)]
    assert adjust(views, []).views == tuple(views)
    assert adjust([], []).views == ()
    points = np.zeros((2, 2))
    with pytest.raises(ValueError, match="there are 2"):
        adjust(views, [Tie(0, 2, points, points)])
    with pytest.raises(ValueError, match="there are 2"):
        adjust(views, [Tie(1, 1, points, points)])
    with pytest.raises(ValueError, match="expected two lists"):
        adjust(views, [Tie(0, 1, points, np.zeros((3, 2)))])
