"""Two surfaces laid on each other: by how much they were moved is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely

from edge.vision.surface.aligning import Shifts, laid, shifts_between
from edge.vision.surface.surfaces import Grid, Surface, Window
from tests.edge.vision.surface.scenes import Box
from tests.edge.vision.surface.towns import TURN, houses, laid_out

SIDE_M = 130.0
MOVE = np.array((3.1, -2.4, 2.0))
SCALE = 1.004
PLACES = np.array(((0.0, 0.0), (-40.0, -40.0), (40.0, 40.0), (-40.0, 35.0), (45.0, -30.0)))


def expected(
    places: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.column_stack((places * (SCALE - 1) + MOVE[:2], np.full(len(places), MOVE[2])))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Surface, Surface]:
    folder = tmp_path_factory.mktemp("surfaces")
    town = houses(4, SIDE_M)
    older = laid_out(folder, "older", town, SIDE_M, slope=0.02)
    newer = laid_out(folder, "newer", town, SIDE_M, slope=0.02, move=MOVE, scale=SCALE, seed=2)
    return older, newer


@pytest.fixture(scope="module")
def shifts(pair: tuple[Surface, Surface]) -> Shifts:
    found = shifts_between(*pair, 12.0)
    assert found is not None
    return found


def test_shift_scale_and_height_are_recovered(shifts: Shifts) -> None:
    assert np.abs(shifts.at(PLACES) - expected(PLACES)).max() < 0.1
    assert shifts.residual_m < 0.15
    assert shifts.blocks >= 3


def test_beyond_the_knots_it_is_as_at_the_nearest(shifts: Shifts) -> None:
    far = shifts.at(np.array(((-5_000.0, 0.0), (shifts.west_m, 0.0))))
    assert far[0] == pytest.approx(far[1])
    assert np.isfinite(shifts.at(np.array(((1e7, -1e7),)))).all()


def test_the_newer_surface_is_laid_on_the_older_one(pair: tuple[Surface, Surface], shifts: Shifts) -> None:
    older, newer = pair
    heights, agreeing = laid(newer, shifts, older.grid, older.grid.whole)
    before, _ = older.read(older.grid.whole)
    gap = heights - before
    known = np.isfinite(gap)
    assert known.mean() > 0.75
    assert abs(np.median(gap[known])) < 0.05
    assert (np.abs(gap[known]) > 1.0).mean() < 0.02, "walls only"
    assert agreeing.shape == heights.shape
    assert (agreeing[known] == 2).mean() > 0.98


def test_a_window_is_laid_as_the_whole_is(pair: tuple[Surface, Surface], shifts: Shifts) -> None:
    older, newer = pair
    whole, _ = laid(newer, shifts, older.grid, older.grid.whole)
    part, _ = laid(newer, shifts, older.grid, Window(100, 150, 90, 70))
    assert np.nanmax(np.abs(part - whole[100:190, 150:220])) < 0.02


def test_what_was_built_in_between_does_no_harm(pair: tuple[Surface, Surface], tmp_path: Path) -> None:
    town = houses(4, SIDE_M)
    built = [each for each in houses(99, SIDE_M, 25) if all(each.outline.distance(old.outline) > 1 for old in town)]
    assert len(built) >= 3
    newer = laid_out(tmp_path, "newer", (*town[4:], *built), SIDE_M, slope=0.02, move=MOVE, scale=SCALE, seed=3)
    found = shifts_between(pair[0], newer, 12.0)
    assert found is not None
    assert np.abs(found.at(PLACES) - expected(PLACES)).max() < 0.15


def test_it_holds_both_ways(pair: tuple[Surface, Surface]) -> None:
    back = shifts_between(pair[1], pair[0], 12.0)
    assert back is not None
    there = PLACES + expected(PLACES)[:, :2]
    assert np.abs(back.at(there) + expected(PLACES)).max() < 0.1


def test_equal_surfaces_are_not_moved(pair: tuple[Surface, Surface]) -> None:
    found = shifts_between(pair[0], pair[0], 12.0)
    assert found is not None
    assert np.abs(found.at(PLACES)).max() < 0.03
    assert found.residual_m < 0.01


def test_grids_that_begin_elsewhere_are_laid_alike(pair: tuple[Surface, Surface], tmp_path: Path) -> None:
    older = pair[0]
    heights, _ = older.read(older.grid.whole)
    grid = Grid(older.grid.west_m - 20.0, older.grid.north_m + 7.5, older.grid.rows + 60, older.grid.columns + 200)
    other = Surface(grid, 5.0, tmp_path, "other")
    known = np.isfinite(heights)
    places = np.stack(np.meshgrid(*older.grid.places(older.grid.whole)), axis=-1)[known]
    other.add(np.column_stack((places, heights[known])).astype(np.float32), 0.9)
    found = shifts_between(older, other, 6.0)
    assert found is not None
    assert np.abs(found.at(PLACES)).max() < 0.05


def test_surfaces_that_share_no_ground_are_not_laid_on_each_other(
    pair: tuple[Surface, Surface], tmp_path: Path
) -> None:
    grid = Grid(5_000.0, 5_000.0, 200, 200)
    far = Surface(grid, 0.0, tmp_path, "far")
    places = np.stack(np.meshgrid(*grid.places(grid.whole)), axis=-1).reshape(-1, 2)
    far.add(np.column_stack((places, np.zeros(len(places)))).astype(np.float32), 0.9)
    assert shifts_between(pair[0], far, 12.0) is None
    assert shifts_between(far, pair[0], 12.0) is None


def test_an_empty_surface_and_one_without_anything_to_hold_on_to_say_nothing(tmp_path: Path) -> None:
    town = laid_out(tmp_path, "town", houses(4, 60.0, 6), 60.0)
    empty = Surface(town.grid, 0.0, tmp_path, "empty")
    assert shifts_between(town, empty, 6.0) is None
    assert shifts_between(empty, town, 6.0) is None
    assert shifts_between(empty, empty, 6.0) is None
    field = laid_out(tmp_path, "field", (), 60.0)
    meadow = laid_out(tmp_path, "meadow", (), 60.0, seed=2)
    assert shifts_between(field, meadow, 6.0) is None


def test_farther_apart_than_the_reach_is_never_a_lie(tmp_path: Path) -> None:
    town = houses(4, SIDE_M)
    older = laid_out(tmp_path, "older", town, SIDE_M)
    newer = laid_out(tmp_path, "newer", town, SIDE_M, move=np.array((9.0, 0.0, 0.0)), seed=2)
    found = shifts_between(older, newer, 4.0)
    assert found is None or found.residual_m < 0.15, "what is said fits, though it was not asked for"


@pytest.mark.parametrize(
    ("seed", "east", "north", "scale"),
    [(2, 1.71, 3.67, 1.0004), (12, -0.23, 6.23, 1.0043), (19, 4.74, -4.31, 0.9955)],
)
def test_one_block_with_one_house_is_asked_closely(
    tmp_path: Path, seed: int, east: float, north: float, scale: float
) -> None:
    """There is no second block to say what the only one does not at first sight."""
    town = houses(seed, 80.0, 1)
    move = np.array((east, north, 1.5))
    older = laid_out(tmp_path, "older", town, 80.0, slope=0.02)
    newer = laid_out(tmp_path, "newer", town, 80.0, slope=0.02, move=move, scale=scale, seed=2, noise_m=0.15)
    found = shifts_between(older, newer, 12.0)
    assert found is not None
    assert found.blocks == 1
    house = TURN @ np.array(shapely.Polygon(town[0].corners).centroid.coords[0])
    assert np.abs(found.at(house[None])[0, :2] - house * (scale - 1) - move[:2]).max() < 0.35


def test_one_block_of_meadow_says_nothing_however_closely_it_is_asked(tmp_path: Path) -> None:
    older = laid_out(tmp_path, "older", (), 80.0, slope=0.02)
    newer = laid_out(tmp_path, "newer", (), 80.0, slope=0.02, seed=2)
    assert shifts_between(older, newer, 12.0) is None


def test_a_small_place_with_one_house_is_enough(tmp_path: Path) -> None:
    yard = (Box(-6.0, -5.0, 5.0, 4.0, 4.0), Box(9.0, -12.0, 14.0, -4.0, 6.0))
    older = laid_out(tmp_path, "older", yard, 40.0)
    newer = laid_out(tmp_path, "newer", yard, 40.0, move=np.array((1.0, 0.6, -1.0)), seed=2)
    found = shifts_between(older, newer, 6.0)
    assert found is not None
    assert found.at(np.zeros((1, 2)))[0] == pytest.approx((1.0, 0.6, -1.0), abs=0.1)
