"""When a signal works again: on the episode, on the alert, in lists and in its story, on both databases."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from contract.ids import uuid7
from server.alerts.intake import take_in
from server.alerts.listing import alert_detail, list_alerts
from server.alerts.schemas import AlertDetail
from server.db import Database
from server.grids.model import EVERYWHERE
from server.live.tables import live_feed
from server.routing.context import RoutingContextProvider
from tests.server.small_city import DETAILS, NOON, hazard_event

HOUR = 3600.0


class Junction:
    """Events of signals as ingest takes them in."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.routing = RoutingContextProvider(database)

    def send(self, episode: str, revision: int = 1, repaired: float | None = None, **fields) -> AlertDetail:
        detail = dict(DETAILS["signal_dark"])
        if repaired is not None:
            detail["repaired_at"] = (NOON + timedelta(seconds=repaired)).isoformat()
        event = hazard_event(hazard="signal_dark", episode=episode, revision=revision, detail=detail, **fields)
        with self.database.write() as connection:
            alert_id = take_in(connection, self.routing.current(connection), event, NOON).alert_id
        with self.database.read() as connection:
            shown = alert_detail(connection, alert_id, EVERYWHERE)
            [listed] = list_alerts(connection, EVERYWHERE).alerts
            told = connection.execute(select(live_feed.c.payload).order_by(live_feed.c.seq.desc())).scalars().first()
        assert listed.repaired_at == shown.repaired_at, "the list says the same"
        assert told is not None
        assert _moment(json.loads(told)["repaired_at"]) == shown.repaired_at, "and so does the live stream"
        return shown


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.fixture
def junction(city: Database) -> Junction:
    return Junction(city)


def test_a_repair_is_part_of_the_record(junction: Junction) -> None:
    episode = uuid7(NOON)
    assert junction.send(episode).repaired_at is None
    over = junction.send(episode, 2, 1.2 * HOUR, phase="cleared", seconds=1.25 * HOUR, ended_at=_at(1.2 * HOUR))
    assert over.repaired_at == over.ended_at == _at(1.2 * HOUR)
    assert [item.repaired_at for item in over.media_episodes] == [_at(1.2 * HOUR)]
    assert over.state == "queued", "what is repaired still awaits its verdict"
    last = over.history[-1]
    assert (last.action, last.text_en) == ("repaired", "Repaired 1 h 12 min after it began")
    assert last.text_zh == "已修复,历时1小时12分"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(7.0, "7 s"), (130.0, "2 min"), (7260.0, "2 h 01 min")],
    ids=["seconds", "minutes", "hours"],
)
def test_a_first_event_that_says_so_is_told_alike(junction: Junction, seconds: float, text: str) -> None:
    over = junction.send(uuid7(NOON), 3, seconds, phase="cleared", seconds=seconds + 60)
    assert over.repaired_at == _at(seconds)
    assert over.history[-1].text_en == f"Repaired {text} after it began"


def test_two_heads_are_repaired_when_the_last_one_is_and_a_new_fault_takes_it_back(junction: Junction) -> None:
    first, second = uuid7(NOON), uuid7(NOON)
    junction.send(first)
    junction.send(second, seconds=5)
    assert junction.send(first, 2, 600, phase="cleared", seconds=700).repaired_at is None
    assert junction.send(second, 2, 900, phase="cleared", seconds=1000).repaired_at == _at(900)
    again = junction.send(uuid7(NOON), seconds=2000)
    assert (again.repaired_at, again.ended_at) == (None, None)
    assert sorted(item.repaired_at is None for item in again.media_episodes) == [False, False, True]


def test_what_ended_without_a_repair_is_none(junction: Junction) -> None:
    first, second = uuid7(NOON), uuid7(NOON)
    junction.send(first)
    junction.send(second, seconds=5)
    junction.send(first, 2, 600, phase="cleared", seconds=700)
    over = junction.send(second, 2, phase="cleared", seconds=1000)
    assert (over.phase, over.repaired_at) == ("cleared", None)
    assert over.history[-1].action == "cleared"


@pytest.mark.parametrize(("said", "kept"), [(-500.0, 0.0), (99_999.0, 700.0)], ids=["before it began", "later"])
def test_a_device_cannot_repair_outside_of_the_episode(junction: Junction, said: float, kept: float) -> None:
    over = junction.send(uuid7(NOON), 2, said, phase="cleared", seconds=700)
    assert over.repaired_at == _at(kept)


def test_a_repair_counts_only_once_the_episode_is_over(junction: Junction) -> None:
    episode = uuid7(NOON)
    assert junction.send(episode, 1, 30, seconds=60).repaired_at is None
    assert junction.send(episode, 2, 30, phase="cleared", seconds=90).repaired_at == _at(30)
