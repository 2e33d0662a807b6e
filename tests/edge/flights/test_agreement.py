"""Whether differences between pictures are as large as is said, when what they share is drawn once for both."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest

from contract.geometry import Point
from edge.flights.agreement import Agreement, agreement
from edge.flights.ground import LevelGround
from edge.flights.local import LocalPlane
from edge.flights.locating import Locator
from edge.flights.uncertainty import PoseErrors, Split, pose_errors
from edge.vision.arrays import Doubles
from edge.vision.lens import Lens
from edge.vision.pose import Pose, turned

PLANE = LocalPlane(Point(coordinates=(113.62, 34.75)))
LENS = Lens(4000, 3000, 2400.0, 2400.0, 1999.5, 1499.5, focal_sigma=0.01)
GROUND = LevelGround(sigma_m=1.0)
ERRORS = pose_errors(Split(1.3, 0.4), Split(2.0, 0.5), Split(0.25, 0.25), Split(1.8, 0.9))
POSES = (Pose(0.0, 0.0, 100.0, turned(30, -90, 0)), Pose(25.0, 20.0, 102.0, turned(35, -80, 1)))
TRUTH = np.array([(5.0, 20.0, 0.0), (30.0, -15.0, 0.0)])


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    lens: Lens
    pose: Pose


def moved(pose: Pose, errors: Doubles) -> Pose:
    x, y, z = errors[3:]
    small = np.array(((1, -z, y), (z, 1, -x), (-y, x, 1)))
    turn, _ = np.linalg.qr(small @ pose.turn)
    turn *= np.sign(np.sum(turn * (small @ pose.turn), axis=0))
    return Pose(pose.east_m + errors[0], pose.north_m + errors[1], pose.up_m + errors[2], turn)


def drawn(rng: np.random.Generator, errors: PoseErrors) -> Agreement:
    """What two cameras see of two points, and what is recorded of the cameras."""
    shared = rng.normal(0, np.sqrt(np.diag(errors.shared)))
    lens = replace(LENS, focal_x=LENS.focal_x * (longer := 1 + rng.normal(0, 0.01)), focal_y=LENS.focal_y * longer)
    truth = TRUTH + np.array((0.0, 0.0, rng.normal(0, GROUND.sigma_m)))
    locators, pixels = [], []
    for pose in POSES:
        seen = Locator(Taken(lens, pose), GROUND, PLANE).pixels(truth)
        pixels.append(seen + rng.normal(0, 1, seen.shape))
        own = rng.normal(0, np.sqrt(np.diag(errors.own)))
        locators.append(Locator(Taken(LENS, moved(pose, shared + own)), GROUND, PLANE))
    return agreement(locators[0], locators[1], (pixels[0], pixels[1]), (errors, errors))


def test_differences_stay_within_what_is_stated() -> None:
    rng = np.random.default_rng(3)
    trials = [drawn(rng, ERRORS) for _ in range(800)]
    within = np.array([trial.distances_m <= trial.radii_95_m for trial in trials])
    assert within.shape == (800, 2)
    assert 0.93 <= within[:, 0].mean() <= 0.97
    assert 0.93 <= within[:, 1].mean() <= 0.97


def test_what_is_shared_is_no_excuse() -> None:
    """Ten metres off as a whole, two pictures still agree to their own errors."""
    off_as_a_whole = PoseErrors(np.diag([100.0, 100.0, 0, 0, 0, 0]), ERRORS.own)
    none_shared = PoseErrors(np.zeros((6, 6)), ERRORS.own)
    radii = [drawn(np.random.default_rng(1), errors).radii_95_m for errors in (off_as_a_whole, none_shared)]
    assert radii[0] == pytest.approx(radii[1], rel=0.1)
    assert radii[0].max() < 5


def test_things_without_a_place_are_left_out() -> None:
    level = Locator(Taken(LENS, Pose(0, 0, 100.0, turned(0, 0, 0))), GROUND, PLANE)
    pixels = np.array([(2000.0, 100.0), (2000.0, 2900.0)])
    found = agreement(level, level, (pixels, pixels), (ERRORS, ERRORS))
    assert found.distances_m.tolist() == [0.0]
    assert found.share_within == 1.0
    nothing = agreement(level, level, (pixels[:1], pixels[:1]), (ERRORS, ERRORS))
    assert nothing.distances_m.shape == nothing.radii_95_m.shape == (0,)
    assert math.isnan(nothing.share_within)
