"""Places of pixels: exact where nothing is wrong, and as uncertain as they are where something is.

`python -m samples.positioning` prints the figures of docs/edge/positioning.md.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from contract.geometry import LocationMethod, distance_m
from edge.flights.footprints import footprint_of
from edge.flights.ground import Datum, GridGround, LevelGround
from edge.flights.locating import Locator
from edge.flights.posing import pose_of
from edge.flights.telemetry import Attitude, Fix, Positioning
from edge.vision.lens import Lens
from edge.vision.pose import Pose, turned
from edge.vision.rays import HeightGrid
from samples.positioning.trials import BENT, PITCHES, PLANE, Taken, drawn, exact_errors, rotations


@pytest.mark.parametrize("pitch", PITCHES)
@pytest.mark.parametrize("hills", [False, True], ids=["level", "hills"])
def test_without_noise_places_are_exact(pitch: float, hills: bool) -> None:
    """To a millimetre; few of four hundred points are outside of the picture or hidden by a hill."""
    errors = exact_errors(pitch, hills=hills)
    assert len(errors) > 200
    assert errors.max() < 0.001


def test_rotations_of_trials_are_right() -> None:
    quarter = rotations(np.array([(0.0, 0.0, math.pi / 2), (math.pi / 2, 0.0, 0.0)]))
    assert quarter[0] @ (1, 0, 0) == pytest.approx((0, 1, 0))
    assert quarter[1] @ (0, 1, 0) == pytest.approx((0, 0, 1))


@pytest.mark.parametrize("pitch", [-90.0, -60.0, -45.0])
@pytest.mark.parametrize("positioning", [Positioning.GNSS, Positioning.RTK_FLOAT, Positioning.RTK_FIXED])
def test_the_stated_radius_holds_95_percent(positioning: Positioning, pitch: float) -> None:
    """Twenty thousand draws a mode: the share's own standard error is 0.15 %."""
    trial = drawn(positioning, pitch)
    assert len(trial.errors_m) == 20_000
    assert 0.93 <= trial.share_within <= 0.97
    # Not by two mistakes that cancel: errors and radii are of one size where pixels are good and where they are bad.
    good = trial.radii_m < np.median(trial.radii_m)
    for part in (good, ~good):
        assert 0.93 <= (trial.errors_m <= trial.radii_m)[part].mean() <= 0.97


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
