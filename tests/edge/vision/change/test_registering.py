"""Pairs are laid on each other to half a pixel, or refused with a reason."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.vision.change.features import find_features
from edge.vision.change.registering import Refused, Registered, RegisterSettings, register
from edge.vision.change.views import corners_of, prior_of, through, view_of
from edge.vision.lens import Lens
from edge.vision.pose import Pose, turned
from tests.edge.vision.change.scenes import YARD, Camera, Yard, grain, photograph, view

BASE = view(YARD, Camera())


def twisted(turn: float, scale: float, shift: tuple[float, float]) -> NDArray[np.float64]:
    """About the middle of the picture."""
    around = np.vstack((cv2.getRotationMatrix2D((399.5, 299.5), turn, scale), (0, 0, 1)))
    around[:2, 2] += shift
    return around


@pytest.mark.parametrize(
    ("turn", "scale", "shift"), [(0, 1, (0, 0)), (2, 1, (30, -20)), (-4, 1.06, (-12, 45)), (1, 0.93, (60, 10))], ids=str
)
def test_a_shift_a_turn_and_a_scale_within_the_prior(turn: float, scale: float, shift: tuple[float, float]) -> None:
    truth = twisted(turn, scale, shift)
    after = np.asarray(cv2.warpPerspective(BASE.bgr, truth, (800, 600)), np.uint8)
    prior = truth.copy()
    prior[:2, 2] += (35, -28)
    found = register(BASE.bgr, after, prior)
    assert isinstance(found, Registered)
    grid = np.stack(np.meshgrid(np.linspace(150, 650, 6), np.linspace(120, 480, 5)), axis=-1).reshape(-1, 2)
    there = through(truth, grid)
    # What is drawn at `there` was taken from: back through the homography, with the field.
    at = np.rint(there).astype(int)
    field = found.field[at[:, 1].clip(0, 599), at[:, 0].clip(0, 799)]
    back = through(np.linalg.inv(found.homography), there + field)
    inside = (there > 40).all(axis=1) & (there < (760, 560)).all(axis=1)
    assert np.linalg.norm(back - grid, axis=1)[inside].max() < 0.5
    assert found.inliers >= 200
    assert found.inlier_rms_px < 1


def test_seasons_and_light_are_no_hindrance() -> None:
    after = view(Yard(YARD.boxes, YARD.trees, YARD.seed, (-0.8, 0.3)), Camera(6, -4, 104, 3), noise=3, seed=5)
    paler = np.clip(after.bgr * np.array((0.8, 0.75, 0.9)) + 30, 0, 255).astype(np.uint8)
    found = register(BASE.bgr, paler, prior_of(BASE, after))
    assert isinstance(found, Registered)
    off = through(found.homography, corners_of(BASE.bgr)) - through(prior_of(BASE, after), corners_of(BASE.bgr))
    # Both poses are exact here, and the ground is flat: the prior is the truth.
    assert np.abs(off).max() < 1.5


def test_another_place_is_refused() -> None:
    other = np.asarray(np.clip(grain(99, 600, 800) * 20 + 128, 0, 255), np.uint8)
    found = register(BASE.bgr, cv2.cvtColor(other, cv2.COLOR_GRAY2BGR), np.eye(3))
    assert isinstance(found, Refused)
    assert "points" in found.why


def test_too_few_points_are_refused_and_counted() -> None:
    dark = np.zeros((600, 800, 3), np.uint8)
    for before, after in ((dark, dark), (BASE.bgr, dark), (dark, BASE.bgr)):
        found = register(before, after, np.eye(3))
        assert isinstance(found, Refused)
        assert found.why == "0 points were found in both pictures; 40 are needed"


def test_pictures_that_hardly_overlap_are_refused() -> None:
    far = np.array(((1, 0, 780), (0, 1, 0), (0, 0, 1)), np.float64)
    found = register(BASE.bgr, BASE.bgr, far)
    assert isinstance(found, Refused)
    assert "share 2%" in found.why
    behind = np.array(((1, 0, 0), (0, 1, 0), (-0.002, 0, 1)), np.float64)
    assert isinstance(register(BASE.bgr, BASE.bgr, behind), Refused)


def test_a_reach_smaller_than_the_error_of_the_poses_finds_nothing() -> None:
    prior = np.array(((1, 0, 60), (0, 1, 0), (0, 0, 1)), np.float64)
    assert isinstance(register(BASE.bgr, BASE.bgr, prior, RegisterSettings(reach_px=20)), Refused)
    assert isinstance(register(BASE.bgr, BASE.bgr, prior, RegisterSettings(reach_px=90)), Registered)


@pytest.mark.parametrize(
    ("before", "after", "prior", "words"),
    [
        (BASE.bgr[..., 0], BASE.bgr, np.eye(3), "before: a colour picture"),
        (BASE.bgr, BASE.bgr.astype(np.float32), np.eye(3), "after: a colour picture"),
        (BASE.bgr[:40], BASE.bgr, np.eye(3), "before: at least 64 pixels a side"),
        (BASE.bgr, BASE.bgr, np.zeros((3, 3)), "prior: a .3, 3. homography"),
        (BASE.bgr, BASE.bgr, np.full((3, 3), np.nan), "prior: a .3, 3. homography"),
        (BASE.bgr, BASE.bgr, np.eye(2), "prior: a .3, 3. homography"),
    ],
)
def test_what_is_no_picture_is_named(before, after, prior, words) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=words):
        register(before, after, prior)


@pytest.mark.parametrize("size", [(64, 64), (65, 300), (301, 77)])
def test_tiny_pictures_end_in_an_answer(size: tuple[int, int]) -> None:
    small = np.ascontiguousarray(BASE.bgr[: size[1], : size[0]])
    assert isinstance(register(small, small, np.eye(3)), (Refused, Registered))


def test_points_are_spread_over_the_picture() -> None:
    found = find_features(BASE.bgr)
    assert len(found.points) <= 1500
    counts, _, _ = np.histogram2d(found.points[:, 0], found.points[:, 1], bins=(4, 3), range=((0, 800), (0, 600)))
    assert counts.min() >= 20


def test_points_lie_where_they_are_in_a_picture_that_is_turned_over() -> None:
    here = find_features(BASE.bgr).points
    there = (799.0, 599.0) - find_features(np.ascontiguousarray(BASE.bgr[::-1, ::-1])).points
    gaps = np.linalg.norm(here[:, None] - there[None], axis=2).min(axis=1)
    assert np.median(gaps) < 0.1, "lines flown to and fro would disagree"


def test_a_view_is_flat_and_knows_its_ground() -> None:
    lens = Lens(1600, 1200, 1500.0, 1500.0, 799.5, 599.5, (-0.12, 0.03, 0.001, -0.001, 0.0))
    pose = Pose(30, -12, 90, turned(25, -80, 2))
    picture = photograph(YARD, Camera())
    made = view_of(np.asarray(cv2.resize(picture, (1600, 1200)), np.uint8), lens, pose, ground_up_m=10, gsd_m=0.1)
    assert made.gsd_m == pytest.approx(0.1, rel=0.01)
    places = np.array(((30.0, -12), (40, 0), (25, 5), (20, -30)))
    bent = lens.pixels(pose.to_camera(np.column_stack((places, np.full(4, 10.0)))))
    flat = (Lens(1600, 1200, 1500.0, 1500.0, 799.5, 599.5)).pixels(
        pose.to_camera(np.column_stack((places, [10.0] * 4)))
    )
    seen = through(np.linalg.inv(made.to_ground), places)
    share = made.bgr.shape[1] / 1600
    assert (seen + 0.5) / share - 0.5 == pytest.approx(flat, abs=0.6)
    assert np.abs(bent - flat).max() > 1
    assert made.camera == pytest.approx((30, -12, 80))


def test_views_that_cannot_be_compared_are_refused() -> None:
    lens = Camera().lens
    with pytest.raises(ValueError, match=r"3\.0 m above the ground"):
        view_of(BASE.bgr, lens, Pose(0, 0, 3, turned(0, -90, 0)))
    with pytest.raises(ValueError, match="horizon"):
        view_of(BASE.bgr, lens, Pose(0, 0, 100, turned(0, -20, 0)))
    with pytest.raises(ValueError, match="its lens is for 800 × 600"):
        view_of(np.zeros((100, 100, 3), np.uint8), lens, Pose(0, 0, 100, turned(0, -90, 0)))
    with pytest.raises(ValueError, match="nan m above"):
        view_of(BASE.bgr, lens, Pose(0, 0, float("nan"), turned(0, -90, 0)))
