"""Grids of heights: which of several says what a cell is, windows, files, and cells that nobody saw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.vision.arrays import Doubles, Floats
from edge.vision.surface.surfaces import KEPT, Grid, Surface, Window, fused, grid_around, rastered

GRID = Grid(-10.0, 8.0, 40, 60, 0.25)


def points(*rows: tuple[float, float, float]) -> Floats:
    return np.array(rows, np.float32)


def level(up: float, grid: Grid = GRID) -> Floats:
    """A point in the middle of each cell."""
    east, north = grid.places(grid.whole)
    across, down = np.meshgrid(east, north)
    return np.column_stack((across.ravel(), down.ravel(), np.full(across.size, up))).astype(np.float32)


def surface(folder: Path, ground: float = 0.0) -> Surface:
    return Surface(GRID, ground, folder, "flight")


def value(made: Surface, row: int = 5, column: int = 7) -> tuple[float, int]:
    heights, agreeing = made.read(Window(row, column, 1, 1))
    return float(heights[0, 0]), int(agreeing[0, 0])


@settings(deadline=None, max_examples=50)
@given(
    places=st.lists(st.tuples(st.floats(-3e4, 3e4), st.floats(-3e4, 3e4)), min_size=1, max_size=6),
    cell=st.sampled_from((0.25, 0.5, 1.0)),
)
def test_a_grid_holds_its_places_and_lies_on_the_lines_of_all_others(
    places: list[tuple[float, float]], cell: float
) -> None:
    asked: Doubles = np.array(places, np.float64)
    grid = grid_around(asked, cell)
    cells = grid.cells(asked)
    assert (cells >= -1e-6).all()
    assert (cells <= np.array((grid.columns, grid.rows)) + 1e-6).all()
    assert grid.west_m / cell == pytest.approx(round(grid.west_m / cell), abs=1e-6)
    assert grid.north_m / cell == pytest.approx(round(grid.north_m / cell), abs=1e-6)
    assert grid.metres(cells) == pytest.approx(asked, abs=1e-6)
    assert min(grid.rows, grid.columns) >= 1


def test_places_are_the_middles_of_cells() -> None:
    east, north = GRID.places(Window(2, 3, 1, 2))
    assert east == pytest.approx((-10 + 3.5 * 0.25, -10 + 4.5 * 0.25))
    assert north == pytest.approx((8 - 2.5 * 0.25,))
    assert GRID.cells(np.array(((-10.0, 8.0), (-9.75, 7.5)))).tolist() == [[0, 0], [1, 2]]
    assert GRID.whole.slices == (slice(0, 40), slice(0, 60))


def test_the_highest_point_of_a_cell_counts() -> None:
    made = rastered(points((-9.9, 7.9, 1.0), (-9.8, 7.8, 4.0), (-9.85, 7.9, 2.0)), GRID)
    assert made is not None
    heights, window = made
    assert window == Window(0, 0, 1, 1)
    assert heights.tolist() == [[4.0]]


def test_points_beyond_the_grid_are_left_out() -> None:
    assert rastered(points((-10.1, 0, 1), (5.1, 0, 1), (0, 8.1, 1), (0, -2.1, 1)), GRID) is None
    assert rastered(np.empty((0, 3), np.float32), GRID) is None
    made = rastered(points((-10.1, 0, 9), (0, 0, 1)), GRID)
    assert made is not None
    assert np.nanmax(made[0]) == 1


def test_a_single_cell_without_points_takes_its_neighbours_and_a_gap_does_not() -> None:
    def without(side: int) -> Floats:
        kept = np.ones((40, 60), bool)
        kept[20 : 20 + side, 30 : 30 + side] = False
        return level(2.0)[kept.ravel()]

    for side, unknown in ((1, 0), (5, 5 * 5)):
        made = rastered(without(side), GRID)
        assert made is not None
        assert np.isnan(made[0]).sum() <= unknown
        assert np.isnan(made[0][20 + side // 2, 30 + side // 2]) == (side > 1)
        assert np.nanmax(np.abs(made[0] - 2.0)) == 0


def test_a_surface_that_nobody_added_to_is_unknown(tmp_path: Path) -> None:
    heights, agreeing = surface(tmp_path).read(GRID.whole)
    assert heights.shape == (40, 60)
    assert np.isnan(heights).all()
    assert not agreeing.any()


def test_heights_are_kept_to_centimetres_above_the_ground_that_is_given(tmp_path: Path) -> None:
    made = surface(tmp_path, 4_000.0)
    made.add(level(4_012.34), 0.5)
    assert value(made) == (pytest.approx(4_012.34, abs=0.0051), 1)


def test_heights_far_from_the_ground_are_cut_and_not_wrapped(tmp_path: Path) -> None:
    made = surface(tmp_path)
    made.add(points((-9.9, 7.9, 5_000.0), (-9.4, 7.9, -5_000.0)), 0.5)
    heights, _ = made.read(Window(0, 0, 1, 3))
    assert heights[0, 0] == pytest.approx(320.0)
    assert heights[0, 2] == pytest.approx(-320.0)


def test_of_two_that_agree_the_mean_and_of_two_that_do_not_the_better_one(tmp_path: Path) -> None:
    made = surface(tmp_path)
    made.add(level(5.0), 0.3)
    made.add(level(5.2), 0.9)
    assert value(made) == (pytest.approx(5.1, abs=0.01), 2)
    for folder, order in (("a", ((5.0, 0.3), (8.0, 0.9))), ("b", ((8.0, 0.9), (5.0, 0.3)))):
        (tmp_path / folder).mkdir()
        other = surface(tmp_path / folder)
        for up, worth in order:
            other.add(level(up), worth)
        assert value(other) == (pytest.approx(8.0, abs=0.01), 1)


def test_of_three_the_median(tmp_path: Path) -> None:
    made = surface(tmp_path)
    for up, worth in ((5.0, 0.3), (30.0, 0.9), (5.2, 0.5)):
        made.add(level(up), worth)
    assert value(made) == (pytest.approx(5.2, abs=0.01), 2)


@settings(deadline=None, max_examples=30)
@given(added=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 255)), min_size=1, max_size=8,
                      unique_by=lambda each: each[1]))  # fmt: skip
def test_the_best_three_are_kept_in_whatever_order_they_come(
    added: list[tuple[int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = surface(tmp_path_factory.mktemp("surface"))
    for up, worth in added:
        made.add(level(float(up)), worth / 255)
    best = [float(up) for up, _ in sorted(added, key=lambda each: -each[1])[:KEPT]]
    layers = np.full((KEPT, 1, 1), np.nan, np.float32)
    layers[: len(best), 0, 0] = best
    assert value(made)[0] == pytest.approx(float(fused(layers)[0, 0]), abs=0.01)


def test_pairs_of_the_same_worth_are_all_kept(tmp_path: Path) -> None:
    made = surface(tmp_path)
    for up in (9.0, 2.0, 2.1):
        made.add(level(up), 0.5)
    assert value(made) == (pytest.approx(2.1, abs=0.01), 2)


@pytest.mark.parametrize("worth", [0.0, 0.001, 1.0])
def test_whatever_it_is_worth_a_pair_that_is_alone_counts(worth: float, tmp_path: Path) -> None:
    made = surface(tmp_path)
    made.add(level(3.0), worth)
    assert value(made) == (pytest.approx(3.0, abs=0.01), 1)


def test_a_pair_that_saw_a_part_changes_only_that(tmp_path: Path) -> None:
    made = surface(tmp_path)
    made.add(level(1.0), 0.2)
    all_of_it = level(6.0)
    made.add(all_of_it[all_of_it[:, 0] > 0.0], 0.9)
    heights, agreeing = made.read(GRID.whole)
    east, _ = GRID.places(GRID.whole)
    assert heights[:, east < -0.3] == pytest.approx(1.0, abs=0.01)
    assert heights[:, east > 0.3] == pytest.approx(6.0, abs=0.01)
    assert (agreeing == 1).all()


def test_points_elsewhere_are_nothing(tmp_path: Path) -> None:
    made = surface(tmp_path)
    made.add(points((500.0, 500.0, 1.0)), 0.9)
    made.add(np.empty((0, 3), np.float32), 0.9)
    assert np.isnan(made.read(GRID.whole)[0]).all()


def uneven(folder: Path) -> Surface:
    made = surface(folder)
    cloud = level(0.0)
    cloud[:, 2] = np.random.default_rng(1).uniform(0, 30, len(cloud))
    made.add(cloud[::2], 0.4)
    made.add(cloud, 0.3)
    return made


@pytest.mark.parametrize(
    "window",
    [
        Window(-5, -7, 20, 30),
        Window(30, 50, 40, 40),
        Window(-10, -10, 80, 100),
        Window(3, 4, 1, 1),
        Window(100, 100, 5, 5),
        Window(-50, 0, 20, 60),
        Window(0, 0, 0, 0),
    ],
)
def test_windows_beyond_the_grid_are_unknown_there(window: Window, tmp_path: Path) -> None:
    made = uneven(tmp_path)
    whole, _ = made.read(GRID.whole)
    heights, agreeing = made.read(window)
    assert heights.shape == agreeing.shape == (window.rows, window.columns)
    padded = np.full((300, 300), np.nan, np.float32)
    padded[100:140, 100:160] = whole
    top, left = window.row + 100, window.column + 100
    expected = padded[top : top + window.rows, left : left + window.columns]
    assert np.array_equal(heights, expected, equal_nan=True)
    assert ((agreeing > 0) <= np.isfinite(heights)).all()


@settings(deadline=None, max_examples=60)
@given(
    row=st.integers(-30, 60),
    column=st.integers(-30, 80),
    rows=st.integers(0, 70),
    columns=st.integers(0, 70),
    step=st.integers(1, 9),
)
def test_samples_are_every_so_many_th_of_what_is_read(
    row: int, column: int, rows: int, columns: int, step: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = MADE.get("uneven") or MADE.setdefault("uneven", uneven(tmp_path_factory.mktemp("surface")))
    window = Window(row, column, rows, columns)
    assert np.array_equal(made.sampled(window, step), made.read(window)[0][::step, ::step], equal_nan=True)


MADE: dict[str, Surface] = {}


def test_heights_are_in_files_of_the_folder(tmp_path: Path) -> None:
    made = surface(tmp_path)
    made.add(level(3.0), 0.5)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["flight.heights", "flight.worth"]
    assert sum(each.stat().st_size for each in tmp_path.iterdir()) == 9 * 40 * 60


def test_two_surfaces_in_one_folder_are_two(tmp_path: Path) -> None:
    one, other = Surface(GRID, 0.0, tmp_path, "baseline"), Surface(GRID, 0.0, tmp_path, "flight")
    one.add(level(1.0), 0.5)
    assert value(one)[0] == pytest.approx(1.0, abs=0.01)
    assert np.isnan(value(other)[0])


def test_a_folder_that_is_missing_is_told(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="missing"):
        Surface(GRID, 0.0, tmp_path / "missing", "flight")


def test_where_nothing_was_seen_is_known_without_reading(tmp_path: Path) -> None:
    surface = Surface(Grid(0.0, 500.0, 2000, 2000), 0.0, tmp_path, "wide")
    assert surface.is_empty(surface.grid.whole)
    surface.add(np.array(((300.0, 200.0, 3.0),), np.float32), 0.5)
    assert not surface.is_empty(surface.grid.whole)
    assert not surface.is_empty(Window(1150, 1150, 100, 100))
    assert surface.is_empty(Window(0, 0, 500, 500))
    assert surface.is_empty(Window(-300, 0, 200, 500)), "beyond the edge there is nothing"
    assert surface.is_empty(Window(2100, 0, 200, 500))
    assert surface.step_for(40_000) == 10
    assert surface.step_for(10**9) == 1


def test_scarce_is_what_has_one_height_or_none(tmp_path: Path) -> None:
    made = surface(tmp_path)
    west, north = GRID.metres(np.zeros((1, 2)))[0]
    east, south = GRID.metres(np.array(((GRID.columns, GRID.rows),), np.float64))[0]
    corners = np.array(((west, north), (east, north), (east, south), (west, south)))
    assert made.scarce(corners) == 1.0
    made.add(level(1.0), 0.5)
    assert made.scarce(corners) == 1.0
    points = level(2.0)
    made.add(points[points[:, 0] > 0.0], 0.5)
    assert made.scarce(corners) == pytest.approx(float((GRID.places(GRID.whole)[0] <= 0).mean()))
    assert made.scarce(corners + 1e5) == 1.0, "ground beyond the grid was never looked at"


def test_files_are_not_held_in_memory(tmp_path: Path) -> None:
    grid = Grid(0.0, 0.0, 900, 1200, 0.25)
    made = Surface(grid, 0.0, tmp_path, "flight")
    for up in (1.0, 2.0, 4.0):
        made.add(level(up, grid), up / 4)
        assert resident_kib(tmp_path) == 0
    assert np.array_equal(made.read(grid.whole)[0], np.full((900, 1200), 2.0, np.float32)), "nothing is lost"
    assert resident_kib(tmp_path) == 0
    assert np.array_equal(made.sampled(grid.whole, 3), np.full((300, 400), 2.0, np.float32))
    assert resident_kib(tmp_path) == 0
    assert made.scarce(np.array(((10, -10), (200, -10), (200, -200), (10, -200)), np.float64)) == 0
    assert resident_kib(tmp_path) == 0


def resident_kib(folder: Path) -> int:
    """Of files of the folder, in this process."""
    inside, found = False, []
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if not line.split(" ")[0].endswith(":"):
            inside = str(folder) in line
        elif inside and line.startswith("Rss:"):
            found.append(int(line.split()[1]))
    assert len(found) >= 2, "heights and worth"
    return sum(found)
