"""Grids over HTTP: only those in scope, cached by version."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from server.accounts.schemas import Role
from server.db import Database
from server.grids.schemas import GridCollection
from tests.server.conftest import Person, make_person
from tests.server.small_city import EAST, IN_MARKET, IN_MICRO, MARKET, MICRO, OUTSIDE, ROOT, SOUTH_WEST, WEST


@pytest.fixture
def people(app: FastAPI, client: TestClient, city: Database) -> dict[str, Person]:
    return {scope: make_person(app, f"of-{scope}", Role.OPERATOR, scope) for scope in (ROOT, EAST)}


def locate(person: Person, lon: float, lat: float, **query) -> dict:
    answer = person.client.get("/api/v1/grids/locate", params={"lon": lon, "lat": lat, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()


def codes(views: list[dict]) -> list[str]:
    return [view["code"] for view in views]


def test_the_collection_is_geojson_of_the_scope_and_answers_304(people: dict[str, Person]) -> None:
    answer = people[ROOT].client.get("/api/v1/grids")
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/geo+json"
    collection = GridCollection.model_validate(answer.json())
    assert len(collection.features) == 24 and collection.grid_version == 1
    assert [level["name_en"] for level in collection.levels] == ["district", "street", "community", "micro-grid"]
    assert {feature.geometry["type"] for feature in collection.features} == {"Polygon"}
    again = people[ROOT].client.get("/api/v1/grids", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304 and again.content == b""
    eastern = people[EAST].client.get("/api/v1/grids", headers={"If-None-Match": answer.headers["etag"]})
    assert eastern.status_code == 200
    assert all(item["properties"]["code"].startswith(EAST) for item in eastern.json()["features"])
    assert len(eastern.json()["features"]) == 1 + 2 + 8


def test_locate_shows_the_chain_and_the_neighbours(people: dict[str, Person]) -> None:
    found = locate(people[ROOT], *IN_MARKET, accuracy_m=60)
    assert codes(found["chain"]) == [MICRO, SOUTH_WEST, WEST, ROOT] and codes(found["specials"]) == [MARKET]
    assert {(share["grid"]["code"], share["special"]) for share in found["shares"]} == {(MICRO, MARKET), (MICRO, None)}
    outside = locate(people[ROOT], *OUTSIDE)
    assert outside["chain"] == [] and outside["nearest"]["code"] == MICRO and outside["nearest_distance_m"] > 9000


def test_locate_tells_nothing_of_other_scopes(people: dict[str, Person]) -> None:
    found = locate(people[EAST], *IN_MICRO, accuracy_m=3_000)
    assert found["chain"] == [] and found["specials"] == []
    assert all(share["grid"]["code"].startswith(EAST) for share in found["shares"])
    assert locate(people[EAST], *OUTSIDE)["nearest"] is None


@pytest.mark.parametrize(
    "query", ["lon=181&lat=0", "lon=0&lat=nan", "lon=0", "lon=0&lat=0&accuracy_m=0", "lon=x&lat=1"]
)
def test_positions_that_are_none(people: dict[str, Person], query: str) -> None:
    answer = people[ROOT].client.get(f"/api/v1/grids/locate?{query}")
    assert answer.status_code == 422 and answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path", ["/api/v1/grids", "/api/v1/grids/locate?lon=1&lat=1", "/api/v1/queues", "/api/v1/alerts"]
)
def test_strangers_see_nothing(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 401


def test_before_the_first_import_there_is_an_empty_collection(operator: Person) -> None:
    answer = operator.client.get("/api/v1/grids")
    assert answer.json() == {"type": "FeatureCollection", "grid_version": None, "levels": [], "features": []}
