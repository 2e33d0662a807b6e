"""Point → grid: against brute force, at borders, in gaps and outside."""

from __future__ import annotations

import math
import random

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import Point, shape

from contract.geometry import LocationMethod, accuracy_ring, at_point
from server.grids.index import MAX_TOUCHED_GRIDS, GridIndex, _disc
from server.grids.model import Fragment, Grid, GridTree, Layer, Placement
from tests.server.small_city import (
    IN_MARKET,
    IN_MICRO,
    MARKET,
    MICRO,
    SOUTH_EAST,
    SOUTH_WEST,
    WEST,
    grids_document,
    square,
)


def index_of(features) -> GridIndex:
    grids, areas = [], {}
    for item in features:
        p = item["properties"]
        grids.append(Grid(p["code"], p["name_zh"], p["name_en"], Layer(p["layer"]), p["level"], p["parent"]))
        areas[p["code"]] = shape(item["geometry"])
    return GridIndex(GridTree(grids, version=1), areas)


CITY = index_of(grids_document()["features"])


def place(lon: float, lat: float, accuracy_m: float = 5.0, index: GridIndex = CITY) -> Placement:
    return index.place(at_point(lon, lat, accuracy_m, LocationMethod.CAMERA))


def test_deep_inside_there_is_nothing_to_cut() -> None:
    assert place(*IN_MICRO) == Placement(MICRO, (), (), accuracy_m=5.0)


def test_in_a_special_grid() -> None:
    found = place(*IN_MARKET, 3)
    assert (found.grid, found.specials) == (MICRO, (MARKET,))
    assert found.fragments is not None and [item.special for item in found.fragments] == [MARKET]


def test_on_a_border_the_lower_code_wins_always() -> None:
    assert place(113.62, 34.705).grid == MICRO
    assert place(113.64, 34.72).grid == "410199001001004"


def test_outside_names_the_nearest_and_its_distance() -> None:
    found = place(113.59, 34.705)
    assert (found.grid, found.fragments, found.nearest) == (None, (), MICRO)
    assert found.nearest_distance_m == pytest.approx(0.01 * 111_195 * math.cos(math.radians(34.705)), rel=1e-3)


def test_in_a_gap_between_the_lowest_grids_the_grid_above_holds_the_point() -> None:
    features = [item for item in grids_document()["features"] if item["properties"]["code"] != MICRO]
    index = index_of(features)
    assert place(*IN_MICRO, index=index).grid == SOUTH_WEST
    without_community = [
        item for item in features if not item["properties"]["code"].startswith(SOUTH_WEST)
        and item["properties"]["layer"] == "admin"
    ]  # fmt: skip
    assert place(*IN_MICRO, index=index_of(without_community)).grid == WEST


def test_a_half_over_the_border_is_a_half() -> None:
    found = place(113.64, 34.705, 50)
    assert found.fragments is not None
    shares = {item.grid: item.share for item in found.fragments}
    assert set(shares) == {f"{SOUTH_WEST}002", f"{SOUTH_EAST}001"}
    assert all(share == pytest.approx(0.5, abs=0.001) for share in shares.values())


@pytest.mark.parametrize("inside_m", [0.0, 10.0, 25.0, 40.0, 49.0, 51.0])
def test_the_share_over_a_straight_border_is_that_of_a_circular_segment(inside_m: float) -> None:
    radius, lat = 50.0, 34.705
    lon = 113.64 - inside_m / (111_195 * math.cos(math.radians(lat)))
    fragments = place(lon, lat, radius).fragments
    assert fragments is not None
    over = sum(item.share for item in fragments if item.grid.startswith(SOUTH_EAST))
    part = min(inside_m / radius, 1.0)
    segment = (math.acos(part) - part * math.sqrt(1 - part * part)) / math.pi
    assert over == pytest.approx(segment, abs=0.004)


def test_a_disc_half_in_a_special_grid_is_divided_by_it() -> None:
    found = place(113.602, 34.7025, 20)
    assert found.fragments is not None
    shares = {item.special: item.share for item in found.fragments}
    assert shares == {MARKET: pytest.approx(0.5, abs=0.01), None: pytest.approx(0.5, abs=0.01)}


def test_of_nested_special_grids_the_smallest_comes_first() -> None:
    from tests.server.small_city import feature

    stall = feature("STALL", 3, SOUTH_WEST, square(113.6024, 34.7024, 113.6026, 34.7026), "special")
    index = index_of([*grids_document()["features"], stall])
    found = place(*IN_MARKET, 2, index=index)
    assert found.specials == ("STALL", MARKET)
    assert found.fragments == (Fragment(MICRO, "STALL", pytest.approx(1.0)),)


def test_a_disc_over_too_many_grids_says_nothing_about_neighbours() -> None:
    assert place(113.64, 34.72, 100_000).fragments is not None, "the small city has few grids"
    rows = [Grid(f"g{x:02}{y:02}", "格", "cell", Layer.ADMIN, 1, "root") for x in range(12) for y in range(12)]
    areas = {
        grid.code: shapely.box(x, y, x + 0.001, y + 0.001)
        for grid in rows
        for x, y in [(113.6 + int(grid.code[1:3]) / 1000, 34.7 + int(grid.code[3:]) / 1000)]
    }
    areas["root"] = shapely.union_all([*areas.values()])
    fine = GridIndex(GridTree([Grid("root", "区", "d", Layer.ADMIN, 0, None), *rows]), areas)
    assert len(rows) > MAX_TOUCHED_GRIDS
    vague = place(113.606, 34.706, 5_000, fine)
    assert vague.grid is not None and vague.fragments is None


def test_no_grids_no_place() -> None:
    assert place(*IN_MICRO, index=GridIndex(GridTree(()), {})) == Placement(None)


@given(st.floats(113.58, 113.70), st.floats(34.69, 34.75))
def test_any_point_is_placed_as_brute_force_places_it(lon: float, lat: float) -> None:
    point = Point(lon, lat)
    holding = sorted(grid.code for grid in CITY.tree.lowest() if CITY.geometries[grid.code].intersects(point))
    found = place(lon, lat)
    assert found.grid == (holding[0] if holding else None)
    assert found.specials == ((MARKET,) if CITY.geometries[MARKET].intersects(point) else ())
    assert (found.nearest is None) == bool(holding)


@given(st.floats(113.58, 113.70), st.floats(34.69, 34.75), st.floats(1, 3_000))
def test_fragments_divide_the_part_of_the_disc_that_lies_in_the_city(lon: float, lat: float, radius: float) -> None:
    found = place(lon, lat, radius)
    assert found.fragments is not None
    location = at_point(lon, lat, radius, LocationMethod.CAMERA)
    inside = _disc(location).intersection(CITY.geometries["410199"]).area / _disc(location).area
    total = sum(item.share for item in found.fragments)
    if found.fragments:
        assert total == pytest.approx(inside, abs=0.001 * (len(found.fragments) + 8))
    else:
        assert inside < 0.01 or inside == pytest.approx(1.0)
    assert all(0 < item.share <= 1 + 1e-9 for item in found.fragments)


@given(st.floats(-179, 179), st.floats(-80, 80), st.floats(1, 50_000))
def test_the_quick_disc_is_the_one_of_the_contract(lon: float, lat: float, radius: float) -> None:
    location = at_point(lon, lat, radius, LocationMethod.CAMERA)
    ring = accuracy_ring(location).coordinates[0]
    if max(x for x, _ in ring) - min(x for x, _ in ring) > 180:
        return  # over the date line, where no grids lie
    theirs = shapely.Polygon(ring)
    assert _disc(location).symmetric_difference(theirs).area < 1e-6 * theirs.area


def test_shares_agree_with_a_thousand_darts() -> None:
    """Monte-Carlo on the corner of four communities."""
    lon, lat, radius = 113.6402, 34.7199, 60.0
    fragments = place(lon, lat, radius).fragments
    assert fragments is not None
    darts = random.Random(5)
    hits: dict[str, int] = {}
    for _ in range(4000):
        angle, away = darts.uniform(0, 2 * math.pi), radius * math.sqrt(darts.random())
        x = lon + away * math.cos(angle) / (111_195 * math.cos(math.radians(lat)))
        y = lat + away * math.sin(angle) / 111_195
        code = place(x, y, 0.1).grid
        hits[code or ""] = hits.get(code or "", 0) + 1
    assert set(hits) == {item.grid for item in fragments}
    for item in fragments:
        assert hits[item.grid] / 4000 == pytest.approx(item.share, abs=0.03)
