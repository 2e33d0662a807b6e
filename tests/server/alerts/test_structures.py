"""Illegal structures that survey flights find: one alert each, and when they are gone."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from typing import Any

import pytest

from contract.ids import uuid7
from server.alerts.intake import fingerprint, take_in
from server.alerts.listing import alert_detail, list_alerts
from server.alerts.schemas import AlertDetail
from server.db import Database
from server.grids.model import EVERYWHERE
from server.routing.context import RoutingContextProvider
from tests.server.alerts.test_intake import close
from tests.server.small_city import DETAILS, NOON, hazard_event

DAY = 86_400.0


class Area:
    """Events of one area's flights as ingest takes them in."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.routing = RoutingContextProvider(database)

    def send(
        self, structure: str, episode: str, revision: int = 1, removed: float | None = None, **fields
    ) -> AlertDetail:
        detail: dict[str, Any] = {**copy.deepcopy(DETAILS["illegal_structure"]), "structure": structure}
        if removed is not None:
            detail["removed_at"] = (NOON + timedelta(seconds=removed)).isoformat()
        event = hazard_event(
            hazard="illegal_structure",
            source="district-north",
            episode=episode,
            revision=revision,
            detail=detail,
            **fields,
        )
        with self.database.write() as connection:
            alert_id = take_in(connection, self.routing.current(connection), event, NOON).alert_id
        with self.database.read() as connection:
            return alert_detail(connection, alert_id, EVERYWHERE)

    def listed(self) -> int:
        with self.database.read() as connection:
            return len(list_alerts(connection, EVERYWHERE).alerts)


@pytest.fixture
def area(city: Database) -> Area:
    return Area(city)


def _at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_each_structure_of_a_flight_is_an_alert_of_its_own(area: Area) -> None:
    first = area.send("E113.60000N34.70000", uuid7(NOON))
    second = area.send("E113.60010N34.70000", uuid7(NOON))
    assert first.id != second.id
    assert area.listed() == 2


def test_the_same_structure_told_again_joins_its_alert(area: Area) -> None:
    first = area.send("E113.60000N34.70000", uuid7(NOON))
    again = area.send("E113.60000N34.70000", uuid7(_at(1)))
    assert (again.id, again.episodes) == (first.id, 2)
    assert area.listed() == 1


def test_the_next_flight_brings_its_alert_up_to_date(area: Area) -> None:
    episode = uuid7(NOON)
    area.send("E113.60000N34.70000", episode)
    again = area.send("E113.60000N34.70000", episode, 2, phase="updated", seconds=30 * DAY)
    assert again.episodes == 1
    assert again.observed_at == _at(30 * DAY)


@pytest.mark.parametrize(
    ("days", "english", "chinese"),
    [
        (30.0, "Seen to be gone 30 d after it was first seen", "巡飞所见已拆除,距首次发现30天"),
        (0.25, "Seen to be gone 6 h 00 min after it was first seen", "巡飞所见已拆除,距首次发现6小时00分"),
    ],
)
def test_demolished_it_is_over_by_sight(area: Area, days: float, english: str, chinese: str) -> None:
    episode = uuid7(NOON)
    area.send("E113.60000N34.70000", episode)
    over = area.send("E113.60000N34.70000", episode, 2, days * DAY, phase="cleared", seconds=days * DAY)
    assert over.repaired_at == over.ended_at == _at(days * DAY)
    assert over.state == "queued", "a person decides, in any case"
    last = over.history[-1]
    assert (last.action, last.text_en, last.text_zh) == ("removed", english, chinese)


def test_what_is_permitted_by_now_is_over_and_not_gone(area: Area) -> None:
    episode = uuid7(NOON)
    area.send("E113.60000N34.70000", episode)
    over = area.send("E113.60000N34.70000", episode, 2, phase="cleared", seconds=DAY)
    assert (over.phase, over.repaired_at, over.history[-1].action) == ("cleared", None, "cleared")


def test_one_that_was_rejected_stays_so_whatever_later_flights_say_of_it(area: Area) -> None:
    """The box does not know of the verdict: to it the structure is open, and a second flight makes an alarm of it."""
    episode = uuid7(NOON)
    first = area.send("E113.60000N34.70000", episode, tier="review", severity="blue")
    close(area.database, first.id)
    confirmed = area.send(
        "E113.60000N34.70000", episode, 2, phase="updated", seconds=30 * DAY, tier="alarm", severity="yellow"
    )
    assert (confirmed.id, confirmed.state, confirmed.episodes) == (first.id, "rejected", 1)
    assert (confirmed.tier, confirmed.severity) == ("review", "blue"), "as it was judged"
    assert confirmed.observed_at == _at(30 * DAY), "but it is known that a flight has seen it"
    assert area.listed() == 0
    over = area.send("E113.60000N34.70000", episode, 3, 60 * DAY, phase="cleared", seconds=60 * DAY)
    assert (over.state, over.history[-1].action) == ("rejected", "removed")
    assert area.listed() == 0


def test_what_is_built_there_again_is_an_alert_though_the_first_was_rejected(area: Area) -> None:
    episode = uuid7(NOON)
    first = area.send("E113.60000N34.70000", episode)
    close(area.database, first.id)
    area.send("E113.60000N34.70000", episode, 2, 60 * DAY, phase="cleared", seconds=60 * DAY)
    again = area.send("E113.60000N34.70000-2", uuid7(_at(90 * DAY)), seconds=90 * DAY)
    assert (again.id != first.id, again.state) == (True, "queued")
    # Another box, or one that has lost its memory, tells the same structure as another episode.
    told = area.send("E113.60000N34.70000", uuid7(_at(91 * DAY)), seconds=91 * DAY)
    assert (told.id != first.id, told.state) == (True, "queued")
    assert area.listed() == 2


def test_fingerprints_of_things_drills_and_sources_never_meet() -> None:
    prints = [
        fingerprint("box", "north", "illegal_structure"),
        fingerprint("box", "north", "illegal_structure", "a"),
        fingerprint("box", "north", "illegal_structure", None, "a"),
        fingerprint("box", "north", "illegal_structure", "a", "a"),
        fingerprint("box", "north", "illegal_structure", "a", "b"),
    ]
    assert len(set(prints)) == len(prints)
