"""Mosaics over HTTP: by range, to people whose ground they show, and to nobody else."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from server.accounts.schemas import Role
from server.app import create_app
from server.checks import look_at_everything
from server.db import Database
from server.settings import Settings
from tests.server.conftest import DeviceBox, Person, make_person
from tests.server.mosaics.shelves import TILES, put
from tests.server.small_city import EAST, ROOT, WEST

IN_WEST, IN_EAST = (113.61, 34.71, 113.62, 34.72), (113.66, 34.71, 113.67, 34.72)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return tmp_path / "library"


@pytest.fixture
def settings(database_url: str, tmp_path: Path, library: Path) -> Settings:
    return Settings(database_url=database_url, data_dir=tmp_path / "data", console_dir=tmp_path / "none",
                    mosaics_dir=library)  # fmt: skip


@pytest.fixture
def people(app: FastAPI, client: TestClient, city: Database) -> dict[str, Person]:
    return {scope: make_person(app, f"of-{scope}", Role.OPERATOR, scope) for scope in (ROOT, EAST, WEST)}


def listed(person: Person) -> list[str]:
    answer = person.client.get("/api/v1/mosaics")
    assert answer.status_code == 200, answer.text
    return [each["name"] for each in answer.json()["mosaics"]]


def url(sha256: str) -> str:
    return f"/api/v1/mosaics/{sha256}.pmtiles"


def test_the_newest_first_and_each_in_its_scope(people: dict[str, Person], library: Path) -> None:
    put(library, "market", "2026-08-14", IN_WEST, b"older")
    sha256 = put(library, "market", "2026-11-20", IN_WEST)
    east = put(library, "港口", "2026-10-01", IN_EAST, b"east")
    assert listed(people[ROOT]) == ["market@2026-11-20", "港口@2026-10-01", "market@2026-08-14"]
    assert listed(people[WEST]) == ["market@2026-11-20", "market@2026-08-14"]
    assert listed(people[EAST]) == ["港口@2026-10-01"]
    first = people[ROOT].client.get("/api/v1/mosaics").json()["mosaics"][0]
    assert first == {
        "sha256": sha256, "area": "market", "name": "market@2026-11-20", "taken_at": "2026-11-20T10:30:00+08:00",
        "bounds": list(IN_WEST), "least_zoom": 15, "most_zoom": 21, "gsd_m": 0.05, "attribution": "Survey",
    }  # fmt: skip
    assert people[WEST].client.get(url(sha256)).content == TILES
    assert people[EAST].client.get(url(sha256)).status_code == 404
    assert people[EAST].client.get(url(east)).content == b"east"


def test_a_map_takes_ranges(people: dict[str, Person], library: Path) -> None:
    sha256 = put(library, "market", "2026-11-20", IN_WEST)
    client = people[ROOT].client
    part = client.get(url(sha256), headers={"Range": "bytes=8-27"})
    assert part.status_code == 206
    assert part.content == TILES[8:28]
    assert part.headers["content-range"] == f"bytes 8-27/{len(TILES)}"
    assert part.headers["content-type"] == "application/vnd.pmtiles"
    assert "content-encoding" not in part.headers
    assert part.headers["etag"] == f'"{sha256}"'
    assert "immutable" in part.headers["cache-control"] and "private" in part.headers["cache-control"]
    assert client.get(url(sha256), headers={"Range": "bytes=99999999-"}).status_code == 416
    assert client.get(url(sha256), headers={"If-None-Match": f'"{sha256}"'}).status_code == 304


def test_a_stranger_gets_nothing(
    client: TestClient, city: Database, library: Path, device: DeviceBox, people: dict[str, Person]
) -> None:
    """No cookie, a made-up one, a device's token, a session that has ended: not a byte."""
    sha256 = put(library, "market", "2026-11-20", IN_WEST)
    paths = ("/api/v1/mosaics", url(sha256), url("0" * 64))
    for headers in ({}, {"Cookie": "gs_session=made-up"}, {"Authorization": f"Bearer {device.token}"}):
        for path in paths:
            answer = client.get(path, headers={**headers, "Range": "bytes=0-10"})
            assert answer.status_code == 401, path
            assert b"PMTiles" not in answer.content
    person = people[ROOT]
    assert person.client.get(url(sha256)).status_code == 200
    person.client.delete("/api/v1/session", headers=person.headers)
    assert person.client.get(url(sha256)).status_code == 401


@pytest.mark.parametrize(
    "name", ["..%2f..%2fserver.db", "a", "A" * 64, "0" * 63, "0" * 64 + "%00", "%2e%2e/entry.json", "0" * 64 + "/x"]
)
def test_names_that_are_none(people: dict[str, Person], library: Path, name: str) -> None:
    put(library, "market", "2026-11-20", IN_WEST)
    assert people[ROOT].client.get(f"/api/v1/mosaics/{name}.pmtiles").status_code in (404, 422)


def test_the_library_changes_while_the_server_runs(people: dict[str, Person], library: Path) -> None:
    person = people[ROOT]
    assert listed(person) == []
    sha256 = put(library, "market", "2026-11-20", IN_WEST)
    assert person.client.get(url(sha256)).status_code == 200  # before anybody has asked for the list
    assert listed(person) == ["market@2026-11-20"]
    tiles = library / "market" / "2026-11-20" / "mosaic" / "mosaic.pmtiles"
    tiles.write_bytes(b"cut off")
    assert person.client.get(url(sha256)).status_code == 404
    shutil.rmtree(library / "market")
    assert listed(person) == []
    assert person.client.get(url(sha256)).status_code == 404


def test_what_is_broken_is_not_shown(people: dict[str, Person], library: Path, tmp_path: Path) -> None:
    good = put(library, "market", "2026-11-20", IN_WEST)
    tile = {"path": "../../../../secret", "bytes": 6, "sha256": "1" * 64}
    (tmp_path / "secret").write_bytes(b"secret")
    facts = {"least_zoom": 1, "most_zoom": 2, "bounds": IN_WEST, "tiles": 1}
    mosaic = {"gsd_m": 1, "pmtiles": tile, "tiles": facts}
    put(library, "market", "2026-01-01", IN_WEST, b"a", mosaic=mosaic)
    put(library, "market", "2026-01-02", IN_WEST, b"b", outline={"type": "Polygon", "coordinates": "no"})
    put(library, "market", "2026-01-03", IN_WEST, b"c", taken_at="yesterday")
    put(library, "market", "2026-01-04", IN_WEST, b"d", mosaic=None)
    put(library, "market", "2026-01-05", IN_WEST, b"e")
    (library / "market" / "2026-01-05" / "entry.json").write_bytes(b"[" * 100_000)
    with (library / "market" / "2026-01-06.2").open("wb"):
        pass
    (library / "market" / "2026-01-07").mkdir()
    put(library, "market", ".adding-x", IN_WEST, b"f")
    assert listed(people[ROOT]) == ["market@2026-11-20"]
    assert people[ROOT].client.get(url("1" * 64)).status_code == 404
    assert people[ROOT].client.get(url(good)).status_code == 200


def test_entries_are_read_once(people: dict[str, Person], library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A map asks for a hundred tiles a minute: only what has changed is read again."""
    sha256 = put(library, "market", "2026-11-20", IN_WEST)
    read: list[Path] = []
    from server.mosaics import shelf

    original = shelf._read
    monkeypatch.setattr(shelf, "_read", lambda path, stamp: read.append(path) or original(path, stamp))
    for _ in range(5):
        assert people[ROOT].client.get(url(sha256), headers={"Range": "bytes=0-9"}).status_code == 206
        assert listed(people[ROOT]) == ["market@2026-11-20"]
    assert len(read) == 1
    entry = library / "market" / "2026-11-20" / "entry.json"
    os.utime(entry, ns=(1, 1))
    assert listed(people[ROOT]) == ["market@2026-11-20"]
    assert len(read) == 2


def test_without_a_library_there_are_none(sqlite_url: str, tmp_path: Path) -> None:
    settings = Settings(database_url=sqlite_url, data_dir=tmp_path / "data", console_dir=tmp_path / "none")
    app = create_app(settings)
    with TestClient(app) as client:
        assert client.get("/api/v1/mosaics").status_code == 401
        person = make_person(app, "li", Role.OPERATOR)
        assert person.client.get("/api/v1/mosaics").json() == {"mosaics": []}
    assert not [each for each in look_at_everything(settings) if each.what == "mosaics"]
    gone = Settings(database_url=sqlite_url, mosaics_dir=tmp_path / "gone")
    found = [each for each in look_at_everything(gone) if each.what == "mosaics"]
    assert not found[0].ok and "GRIDSENTRY_MOSAICS_DIR" in found[0].found
