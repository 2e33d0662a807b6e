"""The committed district, and the same district built anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from shapely import Polygon
from shapely.geometry import shape

from samples.district.check import District, read_district
from samples.district.files import write_district

COMMITTED = Path(__file__).parents[3] / "samples" / "district" / "generated"


@pytest.fixture(scope="session")
def committed() -> Path:
    """The folder of the files that the project ships."""
    return COMMITTED


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same files, made by this test run."""
    folder = tmp_path_factory.mktemp("district")
    write_district(7, folder)
    return folder


@pytest.fixture(scope="session")
def features(committed: Path) -> list[dict[str, Any]]:
    """The features of grids.geojson."""
    collection: dict[str, Any] = json.loads((committed / "grids.geojson").read_text("utf-8"))
    return list(collection["features"])


@pytest.fixture(scope="session")
def shapes(features: list[dict[str, Any]]) -> dict[str, Polygon]:
    """Grid code to polygon, degrees."""
    found = {}
    for feature in features:
        polygon = shape(feature["geometry"])
        assert isinstance(polygon, Polygon)
        found[feature["properties"]["code"]] = polygon
    return found


@pytest.fixture(scope="session")
def district(committed: Path) -> District:
    """The committed files as the brute-force check reads them."""
    return read_district(committed)
