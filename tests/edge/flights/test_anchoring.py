"""Outlines of the register laid on what stands: by how much the flight is off is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
import shapely.affinity

from edge.flights.anchoring import LEAST_BUILDINGS, anchored, standing
from edge.vision.surface.surfaces import Grid, Surface
from tests.edge.vision.surface.towns import houses, laid_out, outlines_of

SIDE_M = 110.0
TOWN = houses(6, SIDE_M, 14)
OUTLINES = outlines_of(TOWN)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Surface:
    return laid_out(tmp_path_factory.mktemp("town"), "town", TOWN, SIDE_M, slope=0.01)


def moved(east: float, north: float) -> list[shapely.Polygon]:
    return [shapely.affinity.translate(each, east, north) for each in OUTLINES]


@pytest.mark.parametrize(("east", "north"), [(0.0, 0.0), (1.7, -0.8), (-3.2, 2.6), (0.3, 4.1)])
def test_a_shift_is_found_and_is_what_is_to_be_added(town: Surface, east: float, north: float) -> None:
    # The register has them here: the flight, which has them elsewhere, is to be moved onto them.
    found = anchored(town, moved(east, north))
    assert found is not None
    assert (found.east_m, found.north_m) == (pytest.approx(east, abs=0.3), pytest.approx(north, abs=0.3))
    assert found.buildings == len(OUTLINES)
    assert 0.5 < found.likeness <= 1.0


def test_houses_that_the_register_does_not_have_and_those_that_are_gone_do_no_harm(town: Surface) -> None:
    gone = [shapely.box(-50, -50, -44, -43), shapely.box(30, -48, 38, -42)]
    found = anchored(town, [*moved(1.7, -0.8)[3:], *gone])
    assert found is not None
    assert (found.east_m, found.north_m) == (pytest.approx(1.7, abs=0.3), pytest.approx(-0.8, abs=0.3))


def test_roofs_reach_farther_than_walls(town: Surface) -> None:
    walls = [each.buffer(-0.6, join_style="mitre") for each in moved(1.0, 1.0)]
    found = anchored(town, walls)
    assert found is not None
    assert (found.east_m, found.north_m) == (pytest.approx(1.0, abs=0.3), pytest.approx(1.0, abs=0.3))


def test_too_few_buildings_say_nothing(town: Surface) -> None:
    assert anchored(town, OUTLINES[: LEAST_BUILDINGS - 1]) is None
    assert anchored(town, []) is None
    far = [shapely.affinity.translate(each, 5_000, 0) for each in OUTLINES]
    assert anchored(town, [*far, *OUTLINES[:3]]) is None, "what lies elsewhere does not count"


@pytest.mark.parametrize("count", [5, 8, 14])
def test_outlines_of_another_place_say_nothing(town: Surface, count: int) -> None:
    assert [anchored(town, outlines_of(houses(seed, SIDE_M, count))) for seed in range(70, 78)] == [None] * 8


def test_five_buildings_are_enough_where_they_are_right(town: Surface) -> None:
    found = anchored(town, moved(1.7, -0.8)[:LEAST_BUILDINGS])
    assert found is not None
    assert (found.east_m, found.north_m) == (pytest.approx(1.7, abs=0.3), pytest.approx(-0.8, abs=0.3))


def test_farther_off_than_it_reaches_is_nothing(town: Surface) -> None:
    found = anchored(town, moved(8.0, 0.0), reach_m=3.0)
    assert found is None


def test_a_field_and_an_empty_surface_say_nothing(town: Surface, tmp_path: Path) -> None:
    assert anchored(laid_out(tmp_path, "field", (), SIDE_M), OUTLINES) is None
    assert anchored(Surface(town.grid, 0.0, tmp_path, "empty"), OUTLINES) is None


def test_many_parts_outlines_and_courtyards_are_taken(town: Surface) -> None:
    parts = [shapely.MultiPolygon(moved(1.7, -0.8))]
    found = anchored(town, parts)
    assert found is not None
    assert (found.east_m, found.north_m) == (pytest.approx(1.7, abs=0.3), pytest.approx(-0.8, abs=0.3))


@pytest.mark.parametrize(
    "odd",
    [
        shapely.Polygon(),
        shapely.box(-1e7, -1e7, 1e7, 1e7),
        shapely.box(0, 0, 0.01, 0.01),
        shapely.LineString(((-5, 0), (5, 0))),
        shapely.Point(1, 1),
    ],
)
def test_odd_outlines_end_in_an_answer(town: Surface, odd: shapely.Geometry) -> None:
    found = anchored(town, [*OUTLINES, odd])
    if odd.area < 1:
        assert found is not None
        assert (found.east_m, found.north_m) == (pytest.approx(0, abs=0.3), pytest.approx(0, abs=0.3))


def test_what_stands_is_told_from_ground_that_slopes() -> None:
    rows, columns = np.mgrid[0:200, 0:200].astype(np.float32)
    ground = columns * np.float32(0.03) + rows * np.float32(0.01)
    heights = ground.copy()
    heights[80:110, 60:100] += 4.0
    heights[20:30, 20:30] += 1.0
    heights[150:, :] = np.nan
    found = standing(heights, 0.5)
    expected = np.zeros((200, 200), np.bool_)
    expected[80:110, 60:100] = True
    assert (found[:150] > 0).sum() == pytest.approx(1200, rel=0.05)
    assert ((found > 0) & ~expected).sum() < 20
    assert not found[150:].any()


def test_a_tiny_surface_ends_in_an_answer(tmp_path: Path) -> None:
    tiny = Surface(Grid(0.0, 1.0, 3, 3), 0.0, tmp_path, "tiny")
    tiny.add(np.array(((0.3, 0.5, 1.0),), np.float32), 0.5)
    assert anchored(tiny, [shapely.box(0, 0, 1, 1)] * 6) is None
