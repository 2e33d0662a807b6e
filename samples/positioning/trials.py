"""Positioning put to the test by draws: known points without noise, and true cameras around what records say."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from contract.geometry import Point
from edge.flights.ground import Datum, GridGround, Ground, LevelGround
from edge.flights.local import LocalPlane
from edge.flights.locating import Locator
from edge.flights.posing import pose_of
from edge.flights.telemetry import Attitude, Fix, Positioning
from edge.flights.uncertainty import BUDGETS
from edge.vision.arrays import Doubles
from edge.vision.ground import radius_95
from edge.vision.lens import Lens
from edge.vision.pose import Pose, turned
from edge.vision.rays import HeightGrid

PLANE = LocalPlane(Point(coordinates=(113.62, 34.75)))
BENT = Lens(4000, 3000, 2350.0, 2356.0, 2012.0, 1490.0, (-0.11, 0.05, 0.0006, -0.0004, -0.008), focal_sigma=0.01)
"""As bent as a drone's camera that does not correct its pictures."""
PITCHES = (-90.0, -75.0, -60.0, -45.0)
_RECORDS, _DRAWS = 40, 500
_FOCAL_SHARE = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """A picture's lens and pose."""

    lens: Lens
    pose: Pose


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Of n pixels: how far their places were off, and the stated 95 % radii, in metres."""

    errors_m: Doubles
    radii_m: Doubles

    @property
    def share_within(self) -> float:
        return float((self.errors_m <= self.radii_m).mean())


def exact_errors(pitch: float, *, hills: bool) -> Doubles:
    """(n,) metres: known points of the ground, 5 km from the plane's origin, seen through a bending lens and found.

    From records to places: the pose comes from a `Fix` in degrees, and the truth never passes through a ray. Points
    that a hill hides are left out.
    """
    ground: Ground = rolling() if hills else LevelGround(90.0, Datum.SEA)
    there = PLANE.point(3500.0, -3500.0)
    fix = Fix(1, there.latitude, there.longitude, above_sea_m=230.0, gimbal=Attitude(37.0, pitch, 1.5))
    pose = pose_of(fix, PLANE, ground).pose
    locator = Locator(Taken(BENT, pose), ground, PLANE)
    away, way = 140 / math.tan(math.radians(-pitch)), math.radians(37)
    around = np.random.default_rng(4).uniform(-70, 70, (400, 2))
    around += (3500 + away * math.sin(way), -3500 + away * math.cos(way))
    truth = np.column_stack((around, ground.heights(around)))
    pixels = locator.pixels(truth)
    seen = np.isfinite(pixels).all(axis=1)
    found, truth = locator.points(pixels[seen]), truth[seen]
    # Before a hidden point the line of sight ends nearer to the camera.
    hidden = np.linalg.norm(found - pose.centre, axis=1) < np.linalg.norm(truth - pose.centre, axis=1) - 0.01
    return np.asarray(np.linalg.norm(found - truth, axis=1)[~hidden])


def drawn(positioning: Positioning, pitch: float, seed: int = 11) -> Trial:
    """Twenty thousand pixels anywhere in pictures of flights 100 m up.

    Forty records become poses as those of any log. Around each lie five hundred true cameras, lenses and grounds, off
    by draws of the budget: position, a turn about level axes and about the vertical, height, focal length, the ground's
    height, the pixel. Where a true camera sees the true ground needs none of the code under test but its lens.
    """
    rng = np.random.default_rng(seed)
    budget, lens = BUDGETS[positioning], replace(BENT, focal_sigma=_FOCAL_SHARE)
    ground, count = LevelGround(sigma_m=0.5), _DRAWS
    tilt, turning = math.radians(budget.tilt_degrees.total), math.radians(budget.heading_degrees.total)
    level, height = budget.horizontal_m.total, budget.takeoff_height_m.total
    centre = np.array((lens.centre_x, lens.centre_y))
    errors, radii = [], []
    for _ in range(_RECORDS):
        place, attitude = PLANE.point(*rng.uniform(-900, 900, 2)), Attitude(rng.uniform(-180, 180), pitch, 0.0)
        fix = Fix(1, place.latitude, place.longitude, above_takeoff_m=100, gimbal=attitude, positioning=positioning)
        pixels = rng.uniform((0, 0), (4000, 3000), (count, 2))
        found = Locator(Taken(lens, pose_of(fix, PLANE, ground).pose), ground, PLANE).places(pixels)
        # Another focal length sees the pixel where ours sees one nearer to or farther from the centre.
        longer = rng.normal(1, _FOCAL_SHARE, (count, 1))
        true_pixels = centre + (pixels + rng.normal(0, 1.0, (count, 2)) - centre) / longer
        wrong = rotations(rng.normal(0, (tilt, tilt, turning), (count, 3)))
        rays = (wrong @ turned(attitude.yaw, pitch, 0.0) @ lens.directions(true_pixels)[:, :, None])[:, :, 0]
        camera = np.array((*PLANE.at(place), 100.0)) + rng.normal(0, (level, level, height), (count, 3))
        reach = (rng.normal(0, ground.sigma_m, count) - camera[:, 2]) / rays[:, 2]
        truth = (camera + reach[:, None] * rays)[:, :2]
        errors.append(np.linalg.norm(found.points[:, :2] - truth, axis=1))
        radii.append([radius_95(covariance) for covariance in found.covariances_m2])
    return Trial(np.concatenate(errors), np.concatenate(radii))


def rolling() -> GridGround:
    """Hills of 12 m and a slope of 8 %, 2.4 km wide around a place 5 km from the origin."""
    easts, norths = np.arange(-1200, 1201, 4.0) + 3500, np.arange(1200, -1201, -4.0) - 3500
    east, north = np.meshgrid(easts, norths)
    heights = 90 + 0.08 * (east - 3500) + 12 * np.sin(east / 90) * np.cos(north / 70)
    return GridGround(HeightGrid(heights, float(easts[0]), float(norths[0]), 4.0), Datum.SEA, 0.3)


def rotations(vectors: Doubles) -> Doubles:
    """(n, 3, 3) turns about vectors (n, 3) by their length: Rodrigues' formula."""
    angle = np.linalg.norm(vectors, axis=1)[:, None, None]
    axis = vectors / angle[:, :, 0]
    cross = np.cross(np.eye(3)[None], axis[:, None]).swapaxes(1, 2)
    return np.asarray(np.eye(3) - np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)
