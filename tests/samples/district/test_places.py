"""The demo's places lie where they say."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from shapely import Point, Polygon

from samples.district.check import District
from samples.district.layout import METRES_PER_DEGREE_LAT

PLACES = Path(__file__).parents[3] / "samples" / "district" / "places.yaml"
PLACE_LIST: list[dict[str, Any]] = yaml.safe_load(PLACES.read_text("utf-8"))["places"]


def _lowest_at(shapes: dict[str, Polygon], district: District, point: Point) -> list[str]:
    return [code for code in district.lowest() if shapes[code].covers(point)]


@pytest.mark.parametrize("place", PLACE_LIST, ids=lambda place: place["key"])
def test_place_lies_in_its_grids(place: dict[str, Any], shapes: dict[str, Polygon], district: District) -> None:
    point = Point(place["lon"], place["lat"])
    assert _lowest_at(shapes, district, point) == ([place["grid"]] if place["grid"] else [])
    special = [code for code, grid in district.grids.items() if grid.layer == "special" and shapes[code].covers(point)]
    assert special == ([place["special"]] if "special" in place else [])


def test_kinds_and_keys() -> None:
    kinds = Counter(place["kind"] for place in PLACE_LIST)
    assert kinds["camera"] == 6
    assert kinds["sensor"] == 4
    assert kinds["special"] >= 1
    assert kinds["border"] == kinds["outside"] == 1
    assert len({place["key"] for place in PLACE_LIST}) == len(PLACE_LIST)


def test_border_place_lies_on_the_border_of_two_communities(shapes: dict[str, Polygon]) -> None:
    place = next(place for place in PLACE_LIST if place["kind"] == "border")
    assert place["grid"][:12] != place["border_with"][:12]
    point = Point(place["lon"], place["lat"])
    for code in (place["grid"], place["border_with"]):
        assert shapes[code].exterior.distance(point) * METRES_PER_DEGREE_LAT < 0.5


def test_other_places_are_clear_of_borders(shapes: dict[str, Polygon]) -> None:
    """So that a demo event has one queue and no neighbour, unless a place is there to show a border."""
    for place in PLACE_LIST:
        if place["kind"] in {"camera", "sensor"}:
            distance = shapes[place["grid"]].exterior.distance(Point(place["lon"], place["lat"]))
            assert distance * METRES_PER_DEGREE_LAT > place["accuracy_m"], place["key"]
