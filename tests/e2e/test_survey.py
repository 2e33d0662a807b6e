"""Flights that appear in a folder become an operator's alert, an alarm, and a closed case: the real programs."""

from __future__ import annotations

import io
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
import shapely
import yaml
from PIL import Image

from contract.chain import verify_chain
from contract.events import ChainHeadData
from contract.keys import load_or_create_key
from samples.demo.__main__ import ACCOUNTS
from samples.demo.operator import Operator
from samples.demo.programs import Program, free_port, installed
from samples.demo.stack import DEVICE_ID, answers, prepare_server, server_environment, server_program
from tests.edge.flights.surveys.town import AREA, Corner, flown_corner

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

T = TypeVar("T")
NEAR_M = 5.0


@contextmanager
def running(folder: Path, corner: Corner) -> Iterator[tuple[Path, Operator]]:
    """Server, edge and survey program; yields the watched folder and an operator."""
    environment = server_environment(folder)
    prepare_server(environment, folder)
    port = free_port()
    flights = folder / "flights"
    flights.mkdir()
    config = {
        "device": {"id": DEVICE_ID, "state_dir": str(folder / "edge")},
        "server": {"url": f"http://127.0.0.1:{port}", "token_file": str(folder / "edge.token")},
        "sources": {},
        "areas": {
            AREA: {
                "name": "西片区",
                "settings": str(corner.folder / "west.yaml"),
                "flights": str(flights),
                "settle_seconds": 1,
            }
        },
    }
    path = folder / "edge.yaml"
    path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    server = server_program(folder, port, environment)
    edge = Program("edge", [installed("gridsentry-edge"), "run", "--config", str(path)], folder / "edge.log")
    command = [installed("gridsentry-edge"), "survey", "--watch", "--config", str(path)]
    surveys = Program("survey", command, folder / "survey.log")
    with server, edge, surveys:
        server.wait_until(lambda: answers(f"http://127.0.0.1:{port}/readyz"))
        with Operator(f"http://127.0.0.1:{port}", *ACCOUNTS[1]) as operator:
            yield flights, operator


def eventually(find: Callable[[], T | None], what: str, seconds: float = 90) -> T:
    deadline = time.monotonic() + seconds
    while True:
        found = find()
        if found:
            return found
        assert time.monotonic() < deadline, what
        time.sleep(0.5)


def alert_of_the_house(operator: Operator, corner: Corner) -> dict[str, Any] | None:
    """The alert whose footprint lies on the new house, in detail."""
    plane = corner.pair.after.plane
    for row in operator.alerts()[0]:
        alert = operator.alert(row["id"])
        area = alert["location"].get("area") if "location" in alert else None
        if area is None:
            continue
        ring = shapely.Polygon([plane.metres(x, y) for x, y in area["coordinates"][0]])
        if alert["hazard"] == "illegal_structure" and ring.centroid.distance(corner.house.centroid) < NEAR_M:
            return alert
    return None


def test_flights_in_a_folder_become_an_alert_an_alarm_and_a_closed_case(tmp_path: Path) -> None:
    corner = flown_corner(tmp_path / "town")
    with running(tmp_path, corner) as (flights, operator):

        def appears(name: str) -> None:
            shutil.copytree(corner.folder / name, flights / name)

        appears("1-before")
        appears("2-after")
        alert = eventually(lambda: alert_of_the_house(operator, corner), "the new house is in a queue")
        assert (alert["queue"], alert["unit"]["code"]) == ("410199003", "URBAN"), (
            "the street's: below it nobody enforces"
        )
        assert (alert["tier"], alert["source_id"], alert["source_name"]) == ("review", AREA, "西片区")
        assert alert["detail"]["compared_with"]["id"].startswith("1-before-")
        assert_shown(operator, alert, ["before", "after"])

        appears("3-again")
        alarm = eventually(
            lambda: one_that(alert_of_the_house(operator, corner), tier="alarm"),
            "the second sighting makes it an alarm",
        )
        assert alarm["id"] == alert["id"]
        assert alarm["detail"]["sightings"]["flights"] == 2
        alarm = eventually(
            lambda: one_that(operator.alert(alert["id"]), evidence=3), "a picture of the second sighting is there"
        )
        assert_shown(operator, alarm, ["before", "after", "after"])

        appears("4-gone")
        over = eventually(
            lambda: one_that(operator.alert(alert["id"]), phase="cleared"), "it is gone, which the next flight has seen"
        )
        assert over["detail"]["removed_at"] is not None
        assert over["detail"]["change"] == "removed"
        assert_shown(operator, over, ["before", "after", "after", "after"])
        assert over["state"] == "queued", "a person decides, in any case"
        (source,) = [each for each in operator.get("/api/v1/sources")["sources"] if each["id"] == AREA]
        assert (source["kind"], source["health_state"]) == ("flight", "online")
    assert_chain_is_whole(tmp_path)


def one_that(alert: dict[str, Any] | None, **is_: Any) -> dict[str, Any] | None:
    """The alert, once it is so; `evidence`: how many of its files have arrived."""
    if alert is None:
        return None
    found = {**alert, "evidence": sum(each["state"] == "whole" for each in alert["evidence"])}
    return alert if all(found[name] == value for name, value in is_.items()) else None


def assert_shown(operator: Operator, alert: dict[str, Any], kinds: list[str]) -> None:
    """Pictures of these kinds that open."""
    whole = eventually(lambda: one_that(operator.alert(alert["id"]), evidence=len(kinds)), "its pictures have arrived")
    assert sorted(each["kind"] for each in whole["evidence"]) == sorted(kinds)
    for each in whole["evidence"]:
        with Image.open(io.BytesIO(operator.evidence(each["sha256"]))) as picture:
            assert min(picture.size) >= 64
    times = {kind: [each["captured_at"] for each in whole["evidence"] if each["kind"] == kind] for kind in kinds}
    assert max(times["before"]) < min(times["after"])


def assert_chain_is_whole(folder: Path) -> None:
    """Every event of the box is in its chain, and signed for."""
    with sqlite3.connect(folder / "server.db") as connection:
        contents = [row[0] for row in connection.execute("SELECT content FROM events ORDER BY seq")]
        heads = [
            ChainHeadData(seq=seq, sha256=sha256, signature=signature)
            for seq, sha256, signature in connection.execute("SELECT seq, sha256, signature FROM chain_heads")
        ]
        assert connection.execute("SELECT count(*) FROM dead_letters").fetchone()[0] == 0
    key = load_or_create_key(next((folder / "edge").rglob("*.key"))).public_key()
    report = verify_chain(DEVICE_ID, contents, heads, key)
    assert report.problem is None, report
    assert report.signed_to == report.linked_to == len(contents)
