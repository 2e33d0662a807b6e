"""Places of pixels: exact where nothing is wrong, and as uncertain as they are where something is.

`pytest tests/edge/flights/test_locating.py -s -k holds` prints the figures of docs/edge/positioning.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from contract.geometry import LocationMethod, Point, distance_m
from edge.flights.footprints import footprint_of
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
BENT = Lens(4000, 3000, 2350.0, 2356.0, 2012.0, 1490.0, (-0.11, 0.05, 0.0006, -0.0004, -0.008), focal_sigma=0.002)


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """A picture's lens and pose."""

    lens: Lens
    pose: Pose


def rolling() -> GridGround:
    """Hills of 12 m and a slope of 8 %, 2.4 km wide around a place 5 km from the origin."""
    easts, norths = np.arange(-1200, 1201, 4.0) + 3500, np.arange(1200, -1201, -4.0) - 3500
    east, north = np.meshgrid(easts, norths)
    heights = 90 + 0.08 * (east - 3500) + 12 * np.sin(east / 90) * np.cos(north / 70)
    return GridGround(HeightGrid(heights, float(easts[0]), float(norths[0]), 4.0), Datum.SEA, 0.3)


@pytest.mark.parametrize("pitch", [-90.0, -75.0, -60.0, -45.0])
@pytest.mark.parametrize("hills", [False, True], ids=["level", "hills"])
def test_without_noise_places_are_exact(pitch: float, hills: bool) -> None:
    """Known points of the ground, 5 km from the origin, seen through a bending lens, are found to a millimetre.

    From records to places: the pose comes from a `Fix` in degrees, the truth never passes through a ray.
    """
    ground: Ground = rolling() if hills else LevelGround(90.0, Datum.SEA)
    there = PLANE.point(3500.0, -3500.0)
    fix = Fix(1, there.latitude, there.longitude, above_sea_m=230.0, gimbal=Attitude(37.0, pitch, 1.5))
    locator = Locator(Taken(BENT, pose_of(fix, PLANE, ground).pose), ground, PLANE)
    away = 140 / math.tan(math.radians(-pitch)) if pitch > -90 else 0.0
    middle = (3500 + away * math.sin(math.radians(37)), -3500 + away * math.cos(math.radians(37)))
    around = np.random.default_rng(4).uniform(-70, 70, (400, 2)) + middle
    truth = np.column_stack((around, ground.heights(around)))
    pixels = locator.pixels(truth)
    seen = np.isfinite(pixels).all(axis=1)
    found = locator.points(pixels[seen])
    error = np.linalg.norm(found - truth[seen], axis=1)
    assert seen.sum() > 200
    # A hill may hide a point: then the line of sight ends before it, nearer to the camera.
    hidden = np.linalg.norm(found - locator_centre(fix, ground), axis=1) < (
        np.linalg.norm(truth[seen] - locator_centre(fix, ground), axis=1) - 0.01
    )
    assert hidden.mean() < (0.1 if hills else 1e-9)
    assert error[~hidden].max() < 0.001


def locator_centre(fix: Fix, ground: Ground) -> Doubles:
    return pose_of(fix, PLANE, ground).pose.centre


def rotations(vectors: Doubles) -> Doubles:
    """(n, 3, 3) turns about vectors (n, 3) by their length: Rodrigues' formula."""
    angle = np.linalg.norm(vectors, axis=1)[:, None, None]
    axis = vectors / angle[:, :, 0]
    cross = np.cross(np.eye(3)[None], axis[:, None]).swapaxes(1, 2)
    return np.asarray(np.eye(3) - np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)


def test_rotations_of_this_test_are_right() -> None:
    quarter = rotations(np.array([(0.0, 0.0, math.pi / 2), (math.pi / 2, 0.0, 0.0)]))
    assert quarter[0] @ (1, 0, 0) == pytest.approx((0, 1, 0))
    assert quarter[1] @ (0, 1, 0) == pytest.approx((0, 0, 1))


def drawn_errors(positioning: Positioning, pitch: float, seed: int) -> tuple[Doubles, Doubles]:
    """(n,) error in metres and stated 95 % radius of pixels anywhere in pictures of flights 100 m up.

    Forty records become poses as those of any log. Around each lie five hundred true cameras, lenses and grounds, off
    by draws of the budget: position, a turn about level axes and about the vertical, height, focal length, the ground's
    height, the pixel. Where a true camera sees the true ground needs none of the code under test but its lens.
    """
    rng = np.random.default_rng(seed)
    budget, lens, ground, count = BUDGETS[positioning], replace(BENT, focal_sigma=0.01), LevelGround(sigma_m=0.5), 500
    tilt, turning = math.radians(budget.tilt_degrees.total), math.radians(budget.heading_degrees.total)
    level, height = budget.horizontal_m.total, budget.takeoff_height_m.total
    centre = np.array((lens.centre_x, lens.centre_y))
    errors, radii = [], []
    for _ in range(40):
        place, attitude = PLANE.point(*rng.uniform(-900, 900, 2)), Attitude(rng.uniform(-180, 180), pitch, 0.0)
        fix = Fix(1, place.latitude, place.longitude, above_takeoff_m=100, gimbal=attitude, positioning=positioning)
        pixels = rng.uniform((0, 0), (4000, 3000), (count, 2))
        found = Locator(Taken(lens, pose_of(fix, PLANE, ground).pose), ground, PLANE).places(pixels)
        # Another focal length sees the pixel where ours sees one nearer to or farther from the centre.
        true_pixels = centre + (pixels + rng.normal(0, 1.0, (count, 2)) - centre) / rng.normal(1, 0.01, (count, 1))
        wrong = rotations(rng.normal(0, (tilt, tilt, turning), (count, 3)))
        rays = (wrong @ turned(attitude.yaw, pitch, 0.0) @ lens.directions(true_pixels)[:, :, None])[:, :, 0]
        camera = np.array((*PLANE.at(place), 100.0)) + rng.normal(0, (level, level, height), (count, 3))
        reach = (rng.normal(0, ground.sigma_m, count) - camera[:, 2]) / rays[:, 2]
        truth = (camera + reach[:, None] * rays)[:, :2]
        errors.append(np.linalg.norm(found.points[:, :2] - truth, axis=1))
        radii.append([radius_95(covariance) for covariance in found.covariances_m2])
    return np.concatenate(errors), np.concatenate(radii)


@pytest.mark.parametrize("pitch", [-90.0, -60.0, -45.0])
@pytest.mark.parametrize("positioning", [Positioning.GNSS, Positioning.RTK_FLOAT, Positioning.RTK_FIXED])
def test_the_stated_radius_holds_95_percent(positioning: Positioning, pitch: float) -> None:
    """Twenty thousand draws a mode: the share's own standard error is 0.15 %."""
    errors, radii = drawn_errors(positioning, pitch, seed=11)
    share = float((errors <= radii).mean())
    print(
        f"\n{positioning} at {-pitch:.0f}°, 100 m up: {share:.1%} of {len(errors)} errors within the stated radius; "
        f"error median {np.median(errors):.2f}, p90 {np.percentile(errors, 90):.2f}; radius {np.median(radii):.2f} m"
    )
    assert 0.93 <= share <= 0.97


@pytest.mark.parametrize(
    ("positioning", "pitch", "median_m", "p90_m"),
    [
        (Positioning.GNSS, -90.0, 1.9, 3.5),
        (Positioning.GNSS, -45.0, 4.0, 7.4),
        (Positioning.RTK_FIXED, -90.0, 0.4, 0.9),
        (Positioning.RTK_FIXED, -45.0, 1.6, 3.1),
    ],
)
def test_defaults_are_of_the_known_size(positioning: Positioning, pitch: float, median_m: float, p90_m: float) -> None:
    """Against the errors that were simulated for the design: one ray in the picture's middle, 100 m up."""
    fix = Fix(1, 34.75, 113.62, above_takeoff_m=100.0, gimbal=Attitude(20.0, pitch, 0.0), positioning=positioning)
    ground = LevelGround(sigma_m=0.0)
    lens = Lens(4000, 3000, 2400.0, 2400.0, 1999.5, 1499.5)
    places = Locator(Taken(lens, pose_of(fix, PLANE, ground).pose), ground, PLANE).places(np.array([(1999.5, 1499.5)]))
    rng = np.random.default_rng(1)
    errors = np.linalg.norm(rng.multivariate_normal((0, 0), places.covariances_m2[0], 100_000), axis=1)
    found = np.median(errors), np.percentile(errors, 90)
    print(f"\n{positioning} at {-pitch:.0f}°: {found[0]:.2f}/{found[1]:.2f} m, design {median_m}/{p90_m} m")
    assert found == pytest.approx((median_m, p90_m), rel=0.25)


def oblique(pitch: float = -60.0, positioning: Positioning = Positioning.GNSS) -> Locator:
    fix = Fix(1, 34.75, 113.62, above_takeoff_m=100.0, gimbal=Attitude(90.0, pitch, 0.0), positioning=positioning)
    return Locator(Taken(BENT, pose_of(fix, PLANE, LevelGround()).pose), LevelGround(), PLANE)


def test_a_place_is_a_location() -> None:
    found = oblique().at(2012.0, 1490.0)
    assert found is not None
    assert found.method is LocationMethod.DRONE_RAY
    assert distance_m(found.point, PLANE.point(100 / math.tan(math.radians(60)), 0.0)) < 0.01
    assert 4 < found.accuracy_m < 9
    better = oblique(positioning=Positioning.RTK_FIXED).at(2012.0, 1490.0)
    assert better is not None
    assert better.accuracy_m < found.accuracy_m / 2


def test_uncertainty_grows_towards_the_horizon_until_nothing_is_said() -> None:
    locator = oblique(-20.0)
    places = [locator.at(2000.0, y) for y in range(2999, 0, -200)]
    accuracies = [place.accuracy_m for place in places if place is not None]
    assert accuracies == sorted(accuracies)
    assert places[-1] is None
    assert max(accuracies) <= 100.0
    assert Locator(Taken(BENT, locator.pose), LevelGround(), PLANE, max_accuracy_m=5.0).at(2000.0, 1500.0) is None


@pytest.mark.parametrize("pixel", [(math.nan, 0.0), (math.inf, 5.0), (1e9, 1e9), (-1e300, 0.0)])
def test_absurd_pixels_have_no_place_or_a_sane_one(pixel: tuple[float, float]) -> None:
    locator = oblique()
    place = locator.at(*pixel)
    assert place is None or place.accuracy_m <= 100
    per_pixel = locator.metres_per_pixel(*pixel)
    assert per_pixel is None or per_pixel > 0


def test_a_pixel_across_the_line_of_sight() -> None:
    """The depth over the focal length: 100 m straight down, 115.5 m along the axis at 60°."""
    assert oblique(-90.0).metres_per_pixel(2012.0, 1490.0) == pytest.approx(100 / 2350, rel=1e-3)
    assert oblique(-60.0).metres_per_pixel(2012.0, 1490.0) == pytest.approx(115.47 / 2350, rel=1e-3)
    assert oblique(-10.0).metres_per_pixel(2012.0, 100.0) is None


def test_the_footprint_straight_down_is_the_pictures_own_size() -> None:
    lens = Lens(4000, 3000, 2400.0, 2400.0, 1999.5, 1499.5)
    pose = Pose(10.0, 20.0, 100.0, turned(0, -90, 0))
    locator = Locator(Taken(lens, pose), LevelGround(), PLANE)
    outline = locator.outline()
    assert outline is not None
    shape = footprint_of(outline)
    assert shape.bounds == pytest.approx((10 - 2000 / 24, 20 - 1500 / 24, 10 + 2000 / 24, 20 + 1500 / 24))
    polygon = locator.footprint()
    assert polygon is not None
    inside = footprint_of(PLANE.metres(*np.array(polygon.coordinates[0]).T))
    assert inside.area == pytest.approx(shape.area, rel=1e-6)


@given(yaw=st.floats(-180, 180), pitch=st.floats(-95, 60), roll=st.floats(-40, 40))
def test_a_footprint_holds_what_is_seen_of_the_ground(yaw: float, pitch: float, roll: float) -> None:
    pose = Pose(0.0, 0.0, 100.0, turned(yaw, pitch, roll))
    locator = Locator(Taken(BENT, pose), LevelGround(), PLANE)
    across, down = np.meshgrid(np.linspace(100, 3900, 9), np.linspace(100, 2900, 7))
    points = locator.points(np.stack((across.ravel(), down.ravel()), axis=1))[:, :2]
    near = points[np.linalg.norm(points, axis=1) < 500]
    shape = footprint_of(locator.outline())
    if shape.is_empty:
        assert len(near) == 0
    else:
        grown = shape.buffer(0.5)
        assert shapely.contains_xy(grown, near[:, 0], near[:, 1]).all()
        assert np.abs(shape.exterior.coords).max() < 5_000


def test_a_camera_that_sees_no_ground_has_no_footprint() -> None:
    up = Locator(Taken(BENT, Pose(0, 0, 100.0, turned(0, 40, 0))), LevelGround(), PLANE)
    assert up.outline() is None
    assert up.footprint() is None
    below = Locator(Taken(BENT, Pose(0, 0, -5.0, turned(0, -90, 0))), LevelGround(), PLANE)
    assert below.footprint() is None
    assert below.at(2000, 1500) is None


def test_off_the_elevation_model_nothing_is_placed() -> None:
    grid = GridGround(HeightGrid(np.zeros((21, 21)), -20.0, 20.0, 2.0), Datum.TAKEOFF, 0.5)
    pose = Pose(0.0, 0.0, 100.0, turned(0, -90, 0), np.eye(6) * 1e-6)
    locator = Locator(Taken(BENT, pose), grid, PLANE)
    assert locator.at(2012.0, 1490.0) is not None
    assert locator.at(100.0, 100.0) is None
    assert not np.isfinite(locator.pixels(np.array([(0.0, 0.0, 200.0), (5_000.0, 0.0, 0.0)]))).any()
