"""The city's orthophoto and surface of a generated town: where things lie, and how high."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.warp

from edge.flights.local import LocalPlane
from samples.town import Plan, TownPair, make_pair
from samples.town.orthophotos import Aerial, orthophoto_of, surface_of, write_surface
from samples.town.world import Building, Roof

STRAIGHT = Aerial(gsd_m=0.4, lean=(0.0, 0.0), off_m=(0.0, 0.0), up_m=10.0)


@pytest.fixture(scope="module")
def pair() -> TownPair:
    return make_pair(3, 150.0, plan=Plan(320, 240, 0.3), changes=2, nuisances=False)


@pytest.fixture(scope="module")
def house(pair: TownPair) -> Building:
    """The largest with a flat roof, that is higher than what it might be hidden by."""
    town = pair.truth.before.town
    inside = [b for b in town.buildings if b.roof is Roof.FLAT and max(abs(b.east_m), abs(b.north_m)) < 60]
    return max(inside, key=lambda each: each.eaves_m)


def test_the_surface_has_roofs_at_their_height_and_place(pair: TownPair, house: Building, tmp_path: Path) -> None:
    town = pair.truth.before.town
    write_surface(tmp_path / "dsm.tif", town, STRAIGHT)
    plane = LocalPlane(town.origin)
    point = plane.point(house.east_m, house.north_m)
    with rasterio.open(tmp_path / "dsm.tif") as file:
        (x,), (y,) = rasterio.warp.transform("EPSG:4326", file.crs, [point.longitude], [point.latitude])
        found = next(file.sample([(x, y)]))[0]
        assert file.nodata == -9999.0
    assert found == pytest.approx(10.0 + house.eaves_m, abs=0.5)
    heights = surface_of(town, STRAIGHT)
    assert np.quantile(heights, 0.05) == pytest.approx(10.0, abs=0.5)


def test_roofs_lean_by_their_height(pair: TownPair, house: Building) -> None:
    """What is on the roof of a straight picture is beside it in one that leans."""
    flown = pair.truth.before
    lean = 4.0 / house.eaves_m
    leaning = Aerial(gsd_m=0.4, lean=(lean, 0.0), off_m=(0.0, 0.0))
    straight, moved = (orthophoto_of(flown, each).astype(np.float64) for each in (STRAIGHT, leaning))
    side = len(straight)
    row, column = round(side / 2 - house.north_m / 0.4), round(side / 2 + house.east_m / 0.4)
    roof = straight[row - 4 : row + 5, column - 4 : column + 5]
    costs = [np.abs(moved[row - 4 : row + 5, column - 4 + by : column + 5 + by] - roof).mean() for by in range(16)]
    assert int(np.argmin(costs)) == pytest.approx(10, abs=1), "4 m are ten pixels"
    assert straight.shape == moved.shape
    flown.forget()
