"""Lines of sight: against projected points, a slope with a closed solution, and numerical derivatives."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.vision.arrays import Doubles
from edge.vision.lens import Lens
from edge.vision.pose import Pose, turned
from edge.vision.rays import HeightGrid, covariances, meet_grid, meet_plane, sensitivities

WIDE = Lens(4000, 3000, 2350.0, 2356.0, 2012.0, 1490.0, (-0.11, 0.05, 0.0006, -0.0004, -0.008))
"""Bends lines as an uncorrected drone camera does."""
PIXELS = np.array([(x, y) for x in (0.0, 700.0, 2000.0, 3999.0) for y in (0.0, 1499.5, 2999.0)])


def posed(pitch: float, yaw: float = 30.0, roll: float = 2.0, up_m: float = 100.0) -> Pose:
    return Pose(40.0, -25.0, up_m, turned(yaw, pitch, roll))


def rays_of(lens: Lens, pose: Pose, pixels: Doubles) -> Doubles:
    return pose.to_world(lens.directions(pixels))


def sloping(east: float = 0.1, north: float = -0.2, size: int = 201, step_m: float = 5.0) -> HeightGrid:
    """A tilted plane through the origin: bilinear heights are exact on it."""
    half = (size - 1) / 2 * step_m
    easts, norths = np.linspace(-half, half, size), np.linspace(half, -half, size)
    return HeightGrid(east * easts[None, :] + north * norths[:, None], -half, half, step_m)


@given(
    yaw=st.floats(-180, 180),
    pitch=st.floats(-90, -45),
    roll=st.floats(-20, 20),
    east=st.floats(-60, 60),
    north=st.floats(-60, 60),
    height_m=st.floats(-30, 30),
)
def test_seen_points_are_found_again(
    yaw: float, pitch: float, roll: float, east: float, north: float, height_m: float
) -> None:
    pose = Pose(5000.0 + east, -3000.0 + north, 130.0, turned(yaw, pitch, roll))
    truth = np.array([(5000.0, -3000.0, height_m), (5040.0, -3020.0, height_m)])
    pixels = WIDE.pixels(pose.to_camera(truth))
    seen = (np.abs(pixels - (2000, 1500)) <= (2000, 1500)).all(axis=1)
    found = meet_plane(pose.centre, rays_of(WIDE, pose, pixels[seen]), height_m)
    assert found == pytest.approx(truth[seen], abs=1e-4)


def test_the_horizon_is_where_places_end() -> None:
    """A level camera sees the horizon in its middle row; 0.1° below it the ground is 5.7 km away."""
    lens, pose = Lens(1000, 1000, 1000.0, 1000.0, 500.0, 500.0), Pose(0, 0, 10.0, turned(0, 0, 0))
    pixels = np.array([(500.0, y) for y in (0.0, 499.0, 500.0, 501.7, 503.0, 999.0)])
    found = meet_plane(pose.centre, rays_of(lens, pose, pixels), 0.0)
    assert np.isfinite(found[:, 0]).tolist() == [False, False, False, False, True, True]
    assert found[5] == pytest.approx((0.0, 10 / 0.499, 0.0))
    assert np.isfinite(meet_plane(pose.centre, rays_of(lens, pose, pixels), 0.0, farthest_m=1e5)[3]).all()


def test_a_camera_below_the_ground_sees_none() -> None:
    assert np.isnan(meet_plane(np.array((0, 0, 5.0)), np.array([(0, 0, -1.0)]), 6.0)).all()
    raised = HeightGrid(np.full((5, 5), 6.0), -2.0, 2.0, 1.0)
    assert np.isnan(meet_grid(np.array((0, 0, 5.0)), np.array([(0, 0, -1.0)]), raised)).all()


@pytest.mark.parametrize("pitch", [-90.0, -60.0, -45.0])
def test_a_slope_is_met_where_it_is(pitch: float) -> None:
    """Against the closed solution for a tilted plane."""
    pose, grid = posed(pitch), sloping()
    rays = rays_of(WIDE, pose, PIXELS)
    normal = np.array((-0.1, 0.2, 1.0))
    reach = -(normal @ pose.centre) / (rays @ normal)
    truth = pose.centre + reach[:, None] * rays
    inside = (reach > 0) & (np.abs(truth[:, :2]).max(axis=1) < 450)
    found = meet_grid(pose.centre, rays, grid)
    assert inside.sum() >= 8
    assert found[inside] == pytest.approx(truth[inside], abs=1e-6)


def test_a_flat_grid_is_a_plane() -> None:
    pose, grid = posed(-60.0), sloping(0.0, 0.0)
    rays = rays_of(WIDE, pose, PIXELS)
    plane = meet_plane(pose.centre, rays, 0.0)
    found = meet_grid(pose.centre, rays, grid)
    on_it = np.abs(plane[:, :2]).max(axis=1) < 490
    assert on_it.sum() >= 9
    assert found[on_it] == pytest.approx(plane[on_it], abs=1e-6)


def test_the_nearer_hill_hides_what_is_behind_it() -> None:
    grid = sloping(0.0, 0.0, 101, 2.0)
    heights = grid.heights_m.copy()
    heights[:, 60:64] = 40.0  # a wall 20-26 m east
    grid = HeightGrid(heights, grid.west_m, grid.north_m, grid.step_m)
    found = meet_grid(np.array((0.0, 0.0, 50.0)), np.array([(1.0, 0.0, -0.75), (1.0, 0.0, -5.0)]), grid)
    assert 18.0 < found[0, 0] < 20.0
    assert found[1] == pytest.approx((10.0, 0.0, 0.0), abs=1e-6)


def test_unknown_ground_gives_no_place_and_hides_what_is_behind_it() -> None:
    grid = sloping(0.0, 0.0, 101, 2.0)
    heights = grid.heights_m.copy()
    heights[:, 60] = np.nan
    heights[0, 0] = 30.0  # so that lines are followed from far above the ground
    grid = HeightGrid(heights, grid.west_m, grid.north_m, grid.step_m)
    centre = np.array((0.0, 0.0, 50.0))
    rays = np.array([(10.0, 0, -50), (20.0, 0, -50), (30.0, 0, -50), (500.0, 0, -50)])
    assert np.isfinite(meet_grid(centre, rays, grid)[:, 0]).tolist() == [True, False, False, False]
    assert (grid.lowest_m, grid.highest_m) == (0.0, 30.0)
    nothing = HeightGrid(np.full((3, 3), np.nan), 0.0, 0.0, 1.0)
    assert math.isnan(nothing.highest_m)
    assert np.isnan(meet_grid(centre, rays, nothing)).all()


def test_heights_at_points_and_between() -> None:
    grid = HeightGrid(np.array([(1.0, 3.0), (5.0, np.nan)]), 10.0, 20.0, 2.0)
    places = np.array([(10, 20), (12, 20), (10, 18), (11, 20), (10, 19), (12, 18), (11, 19), (9.9, 20), (10, 20.1)])
    assert grid.at(places)[:5].tolist() == [1.0, 3.0, 5.0, 2.0, 3.0]
    assert np.isnan(grid.at(places)[5:]).all()
    assert np.isnan(grid.at(np.array([(np.nan, 0.0)]))).all()
    single = HeightGrid(np.array([(7.0,)]), 0.0, 0.0, 1.0)
    assert single.at(np.array([(0.0, 0.0)])).tolist() == [7.0]
    assert sloping().slopes(np.array([(12.3, -7.7)])) == pytest.approx(np.array([(0.1, -0.2)]))


def numerical(lens: Lens, pose: Pose, pixels: Doubles, grid_slope: tuple[float, float]) -> Doubles:
    """(n, 2, 10) by central differences, through an independent closed solution for a tilted plane."""
    normal = np.array((-grid_slope[0], -grid_slope[1], 1.0))

    def place(column: int, by: float) -> Doubles:
        shift = np.zeros(10)
        shift[column] = by
        turn = rotation(shift[3:6]) @ pose.turn
        moved = Pose(pose.east_m + shift[0], pose.north_m + shift[1], pose.up_m + shift[2], turn)
        longer = 1 + shift[6]
        optics = Lens(
            lens.width,
            lens.height,
            lens.focal_x * longer,
            lens.focal_y * longer,
            lens.centre_x,
            lens.centre_y,
            lens.distortion,
        )
        rays = moved.to_world(optics.directions(pixels + shift[8:10]))
        reach = (shift[7] - normal @ moved.centre) / (rays @ normal)
        return (moved.centre + reach[:, None] * rays)[:, :2]

    steps = (1e-3, 1e-3, 1e-3, 1e-6, 1e-6, 1e-6, 1e-6, 1e-3, 0.05, 0.05)
    return np.stack([(place(k, by) - place(k, -by)) / (2 * by) for k, by in enumerate(steps)], axis=-1)


def rotation(vector: Doubles) -> Doubles:
    """Rodrigues' formula."""
    angle = float(np.linalg.norm(vector))
    if not angle:
        return np.eye(3)
    x, y, z = vector / angle
    cross = np.array(((0, -z, y), (z, 0, -x), (-y, x, 0)))
    return np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross


@pytest.mark.parametrize("slope", [None, (0.1, -0.2)], ids=["level", "slope"])
@pytest.mark.parametrize("pitch", [-90.0, -60.0])
def test_derivatives_are_those_of_small_steps(pitch: float, slope: tuple[float, float] | None) -> None:
    pose = posed(pitch)
    rays = rays_of(WIDE, pose, PIXELS)
    ground = slope or (0.0, 0.0)
    normal = np.array((-ground[0], -ground[1], 1.0))
    points = pose.centre - (normal @ pose.centre) / (rays @ normal)[:, None] * rays
    given_slopes = None if slope is None else np.tile(slope, (len(points), 1))
    found = sensitivities(WIDE, pose, PIXELS, points, given_slopes)
    truth = numerical(WIDE, pose, PIXELS, ground)
    scale = np.abs(truth).max(axis=(0, 1))
    assert found / scale == pytest.approx(truth / scale, abs=2e-5)


def test_what_has_no_place_has_no_uncertainty() -> None:
    pose = posed(-10.0, roll=0.0)
    points = meet_plane(pose.centre, rays_of(WIDE, pose, PIXELS), 0.0)
    missing = np.isnan(points[:, 0])
    assert 0 < missing.sum() < len(points)
    found = covariances(
        sensitivities(WIDE, pose, PIXELS, points), WIDE, np.eye(6) * 1e-4, ground_sigma_m=0.1, pixel_sigma_px=1.0
    )
    assert np.isnan(found[missing]).all()
    assert np.isfinite(found[~missing]).all()


def test_a_covariance_straight_down() -> None:
    """By hand: 100 m up, position 1.5 m, tilt 0.35°: √(1.5² + 0.61²) each way in the middle of the picture."""
    lens = Lens(4001, 3001, 2400.0, 2400.0, 2000.0, 1500.0, focal_sigma=0.01)
    pose = Pose(0.0, 0.0, 100.0, turned(0, -90, 0), np.diag([1.5, 1.5, 3.0, 0.0061, 0.0061, 0.035]) ** 2)
    pixels = np.array([(2000.0, 1500.0), (3200.0, 1500.0)])
    points = meet_plane(pose.centre, rays_of(lens, pose, pixels), 0.0)
    assert points[:, :2] == pytest.approx(np.array([(0.0, 0.0), (50.0, 0.0)]), abs=1e-9)
    sensitivity = sensitivities(lens, pose, pixels, points)
    middle, side = covariances(sensitivity, lens, pose.covariance, ground_sigma_m=0.5, pixel_sigma_px=0.0)
    assert middle == pytest.approx(np.eye(2) * (1.5**2 + 0.61**2), abs=1e-9)
    # To the side: across by the turn about up, along by height, ground and focal length; tilt grows by 1 + tan².
    assert math.sqrt(side[1, 1]) == pytest.approx(math.hypot(1.5, 0.61, 50 * 0.035), rel=1e-6)
    along = math.hypot(1.5, 0.61 * 1.25, 3.0 * 0.5, 0.5 * 0.5, 50 * 0.01)
    assert math.sqrt(side[0, 0]) == pytest.approx(along, rel=1e-6)
