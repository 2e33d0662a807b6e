"""Which weights saw it: name, version and hash come with the alert, as of the newest event of each episode."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from contract.ids import uuid7
from server.alerts.intake import take_in
from server.alerts.listing import alert_detail
from server.alerts.schemas import AlertDetail
from server.db import Database
from server.grids.model import EVERYWHERE
from server.routing.context import RoutingContextProvider
from tests.server.small_city import DETAILS, NOON, hazard_event

MODEL = {"name": "fire_smoke", "version": "2026.11.1", "sha256": "ab" * 32}
PRODUCER = {"software": "gridsentry 0.1.0", "detector": "fire_smoke 1", "config_sha256": "0" * 64}


def send(database: Database, episode: str, revision: int, producer: dict[str, Any], **fields: Any) -> AlertDetail:
    event = hazard_event(hazard="fire", episode=episode, revision=revision, producer=producer, **fields)
    with database.write() as connection:
        alert_id = take_in(connection, RoutingContextProvider(database).current(connection), event, NOON).alert_id
    with database.read() as connection:
        return alert_detail(connection, alert_id, EVERYWHERE)


def test_an_alert_names_the_weights_of_each_of_its_episodes(city: Database) -> None:
    first, second = uuid7(NOON), uuid7(NOON)
    [classical] = send(city, first, 1, PRODUCER).media_episodes
    assert classical.producer is not None
    assert (classical.producer.detector, classical.producer.model) == ("fire_smoke 1", None), "no weights took part"
    [seen] = send(city, first, 2, {**PRODUCER, "model": MODEL}, phase="updated", seconds=5).media_episodes
    assert seen.producer is not None
    assert seen.producer.model is not None
    assert seen.producer.model.as_json() == MODEL
    swapped = {**PRODUCER, "model": {**MODEL, "version": "2026.12.1", "sha256": "cd" * 32}}
    shown = send(city, second, 1, swapped, seconds=60)
    versions = {
        item.episode_id: item.producer.model.version
        for item in shown.media_episodes
        if item.producer and item.producer.model
    }
    assert versions == {first: "2026.11.1", second: "2026.12.1"}


def test_an_episode_from_before_has_none(city: Database) -> None:
    episode = uuid7(NOON)
    send(city, episode, 1, PRODUCER)
    with city.write() as connection:
        connection.execute(text("UPDATE episodes SET producer = NULL"))
    with city.read() as connection:
        alert_id = connection.execute(text("SELECT alert_id FROM episodes")).scalar_one()
        assert [item.producer for item in alert_detail(connection, alert_id, EVERYWHERE).media_episodes] == [None]


def test_a_warning_that_becomes_critical_is_told_and_turns_red(city: Database) -> None:
    episode = uuid7(NOON)
    warning = send(city, episode, 1, PRODUCER, severity="yellow", tier="review")
    assert (warning.severity, warning.tier, warning.detail["stage"]) == ("yellow", "review", "warning")
    witness = {"source": "hall-2", "hazard": "smoke_density", "seconds_ago": 3.0, "distance_m": 12.0}
    graver = {**DETAILS["fire"], "stage": "critical", "seconds": 11.0, "witnesses": [witness]}
    critical = send(city, episode, 2, PRODUCER, phase="updated", seconds=5, severity="red", tier="alarm", detail=graver)
    assert (critical.severity, critical.tier, critical.detail["stage"]) == ("red", "alarm", "critical")
    assert critical.detail["witnesses"] == [witness]
    told = [(entry.action, entry.text_zh, entry.text_en) for entry in critical.history]
    assert ("raised", "级别由黄变为红", "Severity changed from yellow to red") in told
