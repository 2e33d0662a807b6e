"""What has risen between two grids of heights: sheds and houses are, slivers, single cells and gaps are not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.vision.surface.rising import LEAST_AREA_M2, Rise, filled_low, rises, roughness, stepped
from edge.vision.surface.surfaces import Heights

CELL_M = 0.25
SIDE = 160
NAN = np.float32(np.nan)


def ground(seed: int = 1, noise_m: float = 0.05) -> Heights:
    return np.random.default_rng(seed).normal(0, noise_m, (SIDE, SIDE)).astype(np.float32)


def raised(heights: Heights, west: float, north: float, across: float, down: float, up: float) -> Heights:
    """A flat roof, all in metres from the upper left corner."""
    made = heights.copy()
    rows = slice(round(north / CELL_M), round((north + down) / CELL_M))
    columns = slice(round(west / CELL_M), round((west + across) / CELL_M))
    made[rows, columns] = up + (made[rows, columns] - np.median(made[rows, columns]))
    return made


def found(older: Heights, newer: Heights, agreeing: float = 3.0) -> list[Rise]:
    return rises(older, newer, np.full(newer.shape, agreeing, np.float32), CELL_M)


def middle(rise: Rise) -> tuple[float, float]:
    """Metres right of and below the corner."""
    rows, columns = np.nonzero(rise.mask)
    return float((columns.mean() + 0.5 + rise.column) * CELL_M), float((rows.mean() + 0.5 + rise.row) * CELL_M)


def test_a_new_shed_is_one_piece_with_its_measures() -> None:
    before, after = ground(1), raised(ground(2), 10, 15, 4, 3, 2.5)
    pieces = found(before, after)
    assert len(pieces) == 1
    shed = pieces[0]
    assert shed.area_m2 == pytest.approx(12.0, rel=0.1)
    assert shed.gain_m == pytest.approx(2.5, abs=0.1)
    assert shed.top_m == pytest.approx(2.5, abs=0.1)
    assert middle(shed) == (pytest.approx(12.0, abs=0.2), pytest.approx(16.5, abs=0.2))
    assert (shed.known, shed.agreed) == (1.0, 1.0)
    assert shed.steps > 0.95
    assert shed.rough_m < 0.15


def test_what_sank_is_what_rose_the_other_way_about() -> None:
    before, after = ground(1), raised(ground(2), 10, 15, 4, 3, 2.5)
    assert found(after, before) == []
    assert len(found(before, after)) == 1


@pytest.mark.parametrize(("west", "north"), [(0, 0), (36, 0), (0, 37), (36, 37)])
def test_at_a_corner_of_the_grid_it_is_found_too(west: float, north: float) -> None:
    pieces = found(ground(1), raised(ground(2), west, north, 4, 3, 2.5))
    assert len(pieces) == 1
    assert middle(pieces[0]) == (pytest.approx(west + 2, abs=0.3), pytest.approx(north + 1.5, abs=0.3))


def test_a_shed_beside_a_wall_that_stood_is_only_the_shed() -> None:
    wall = raised(ground(1), 14, 10, 12, 15, 7.0)
    pieces = found(wall, raised(raised(ground(2), 14, 10, 12, 15, 7.0), 10, 15, 4, 3, 2.5))
    assert [each.area_m2 for each in pieces] == [pytest.approx(12.0, rel=0.15)]
    assert pieces[0].gain_m == pytest.approx(2.5, abs=0.1)
    assert 0.5 < pieces[0].steps < 0.9, "on one side it ends at a wall"


def test_a_shed_beside_a_new_house_is_a_piece_of_its_own() -> None:
    after = raised(raised(ground(2), 14, 10, 12, 15, 7.0), 10, 15, 4, 3, 2.5)
    pieces = sorted(found(ground(1), after), key=lambda each: each.area_m2)
    assert [each.area_m2 for each in pieces] == [pytest.approx(12, rel=0.25), pytest.approx(180, rel=0.1)]
    assert [each.gain_m for each in pieces] == [pytest.approx(2.5, abs=0.15), pytest.approx(7.0, abs=0.15)]


def test_a_storey_on_a_roof_rises_by_the_storey() -> None:
    before = raised(ground(1), 10, 10, 12, 9, 6.0)
    pieces = found(before, raised(raised(ground(2), 10, 10, 12, 9, 6.0), 12, 12, 5, 4, 9.0))
    assert len(pieces) == 1
    assert pieces[0].gain_m == pytest.approx(3.0, abs=0.1)
    assert pieces[0].top_m == pytest.approx(9.0, abs=0.1)
    assert pieces[0].area_m2 == pytest.approx(20.0, rel=0.1)


@pytest.mark.parametrize("cells", [1, 2, 3])
def test_slivers_along_walls_that_were_laid_wrongly_are_nothing(cells: int) -> None:
    before = raised(raised(ground(1), 5, 5, 10, 8, 6.0), 22, 20, 12, 12, 9.0)
    after = np.roll(before, (cells, cells), (0, 1))
    assert found(before, after) == []
    assert found(after, before) == []


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 10_000), share=st.floats(0.0, 0.12))
def test_single_cells_are_nothing(seed: int, share: float) -> None:
    after = ground(2)
    after[np.random.default_rng(seed).random(after.shape) < share] = 20.0
    assert found(ground(1), after) == []


@pytest.mark.parametrize(("up", "across", "down"), [(1.2, 6, 5), (3.0, 2, 2), (3.0, 12, 0.75), (-4.0, 8, 8)])
def test_what_is_low_small_thin_or_lower_is_nothing(up: float, across: float, down: float) -> None:
    assert found(ground(1), raised(ground(2), 10, 10, across, down, up)) == []


def test_a_whole_hill_is_nothing_built() -> None:
    # 40 × 40 m would be: a grid of 160 × 160 m is not.
    older, newer = np.zeros((640, 640), np.float32), np.full((640, 640), 5.0, np.float32)
    assert rises(older, newer, np.full((640, 640), 3, np.float32), CELL_M) == []


def test_heights_that_were_unknown_before_lower_what_is_known() -> None:
    before, after = ground(1), raised(ground(2), 10, 15, 4, 3, 2.5)
    half = before.copy()
    half[:, : round(12 / CELL_M)] = NAN
    pieces = found(half, after)
    assert len(pieces) == 1
    assert pieces[0].known == pytest.approx(0.5, abs=0.05)
    assert pieces[0].gain_m == pytest.approx(2.5, abs=0.15)


def test_where_nothing_was_seen_before_within_metres_nothing_is_said() -> None:
    before, after = ground(1), raised(ground(2), 10, 15, 8, 7, 2.5)
    assert found(np.full_like(before, NAN), after) == []
    assert found(before, np.full_like(after, NAN)) == []


def test_what_was_hidden_behind_a_wall_is_taken_as_low_as_what_lies_beside_it() -> None:
    before = raised(ground(1), 14, 10, 12, 15, 7.0)
    before[:, round(13 / CELL_M) : round(14 / CELL_M)] = NAN
    filled = filled_low(before, 16)
    assert np.abs(filled[80, round(13 / CELL_M) : round(14 / CELL_M)]).max() < 0.3
    assert np.array_equal(filled[np.isfinite(before)], before[np.isfinite(before)])
    assert np.isnan(filled_low(np.full((50, 50), NAN), 4)).all()


def test_cells_of_a_roof_that_nobody_saw_do_not_break_it() -> None:
    after = raised(ground(2), 10, 15, 6, 5, 3.0)
    after[np.random.default_rng(1).random(after.shape) < 0.08] = NAN
    pieces = found(ground(1), after)
    assert len(pieces) == 1
    assert pieces[0].area_m2 == pytest.approx(30, rel=0.12)


def crowned(heights: Heights, west: float, north: float, across: float, up: float, seed: int = 5) -> Heights:
    """A round crown, all in metres."""
    made, middle = heights.copy(), np.array((west, north)) + across / 2
    down, right = (np.mgrid[:SIDE, :SIDE] + 0.5) * CELL_M
    inside = np.hypot(right - middle[0], down - middle[1]) < across / 2
    made[inside] = up + np.random.default_rng(seed).normal(0, 0.7, int(inside.sum())).astype(np.float32)
    return made


def test_a_roof_in_the_place_of_a_crown_is_whole() -> None:
    before = crowned(ground(1), 11, 15.5, 3.5, 3.4)
    after = raised(ground(2), 10, 15, 6, 5, 3.0)
    pieces = found(before, after)
    assert len(pieces) == 1
    assert pieces[0].area_m2 == pytest.approx(30, rel=0.1)
    assert pieces[0].gain_m == pytest.approx(3.0, abs=0.2)
    assert pieces[0].known == 1.0


def test_what_only_comes_to_light_when_a_tree_is_felled_is_nothing_new() -> None:
    bare = raised(ground(2), 10, 15, 6, 5, 3.0)
    assert found(crowned(bare, 9.5, 14, 7, 5.0), bare) == [], "a shed that stood"
    assert found(crowned(ground(1), 10, 15, 6, 5.0), ground(2)) == [], "the ground"
    assert found(crowned(ground(1), 10, 15, 6, 5.0), crowned(ground(2), 10, 15, 6, 5.3, seed=6)) == [], "a tree"


def test_the_share_that_two_pairs_say() -> None:
    after = raised(ground(2), 10, 15, 6, 5, 3.0)
    agreeing = np.ones((SIDE, SIDE), np.float32)
    agreeing[: round(17.5 / CELL_M)] = 2
    pieces = rises(ground(1), after, agreeing, CELL_M)
    assert pieces[0].agreed == pytest.approx(0.5, abs=0.06)


def test_a_slope_falls_on_no_side_and_a_table_on_all() -> None:
    mask = np.zeros((60, 60), np.uint8)
    mask[20:40, 20:40] = 255
    table = np.where(mask > 0, 3.0, 0.0).astype(np.float32)
    assert stepped(table, mask) == 1.0
    assert stepped(np.full((60, 60), 3.0, np.float32), mask) == 0.0
    hidden = np.where(mask > 0, table, NAN)
    assert stepped(hidden, mask) == 1.0
    assert stepped(table, np.full((60, 60), 255, np.uint8)) == 0.0


def test_crowns_are_rougher_than_roofs_flat_or_steep() -> None:
    inside = np.zeros((60, 60), np.bool_)
    inside[10:50, 10:50] = True
    rng = np.random.default_rng(1)
    flat = np.full((60, 60), 3.0, np.float32) + rng.normal(0, 0.03, (60, 60)).astype(np.float32)
    steep = flat + np.arange(60, dtype=np.float32) * np.float32(0.2)
    crown = flat + rng.normal(0, 0.5, (60, 60)).astype(np.float32)
    rough = [roughness(each, inside) for each in (flat, steep, crown)]
    assert rough[0] == pytest.approx(rough[1], abs=0.02)
    assert rough[0] < 0.06
    assert rough[2] > 0.3
    unknown = flat.copy()
    unknown[~inside] = NAN
    assert np.isfinite(roughness(unknown, inside))
    assert roughness(flat, np.zeros((60, 60), np.bool_)) == 1.0


@settings(deadline=None, max_examples=25)
@given(
    rows=st.integers(1, 40),
    columns=st.integers(1, 40),
    seed=st.integers(0, 1_000),
    unknown=st.floats(0, 1),
    spread=st.floats(0, 50),
)
def test_whatever_heights_there_are_pieces_are_whole(
    rows: int, columns: int, seed: int, unknown: float, spread: float
) -> None:
    rng = np.random.default_rng(seed)
    older, newer = (rng.normal(0, spread, (rows, columns)).astype(np.float32) for _ in range(2))
    for each in (older, newer):
        each[rng.random(each.shape) < unknown] = NAN
    for rise in rises(older, newer, np.full((rows, columns), 2, np.float32), CELL_M):
        assert rise.area_m2 >= LEAST_AREA_M2
        assert np.isfinite((rise.gain_m, rise.top_m, rise.rough_m)).all()
        assert all(0 <= share <= 1 for share in (rise.known, rise.agreed, rise.steps))
        height, width = rise.mask.shape
        assert 0 <= rise.row <= rows - height
        assert 0 <= rise.column <= columns - width
