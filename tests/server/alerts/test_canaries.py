"""Drills: marked, apart from everything real, counted nowhere, closed by the server."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from contract.events import Severity
from contract.ids import uuid7
from server.alerts.canaries import CanaryCloser, close_due
from server.alerts.intake import take_in
from server.alerts.listing import alert_detail, list_alerts, list_queues
from server.alerts.model import AlertState, RejectReason
from server.alerts.schemas import AlertDetail, AlertSummary
from server.db import Database
from server.grids.model import EVERYWHERE
from server.routing.context import RoutingContextProvider
from tests.server.conftest import DeviceBox
from tests.server.small_city import NOON, ROOT, SOUTH_WEST, hazard_event

DRILL = {"id": uuid7(NOON), "injected_at": NOON - timedelta(seconds=2)}
ANOTHER = {"id": uuid7(NOON), "injected_at": NOON}


class Line:
    """Events as ingest takes them in."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.routing = RoutingContextProvider(database)

    def send(self, *, at: datetime = NOON, **fields) -> str:
        with self.database.write() as connection:
            return take_in(connection, self.routing.current(connection), hazard_event(**fields), at).alert_id

    def detail(self, alert_id: str) -> AlertDetail:
        with self.database.read() as connection:
            return alert_detail(connection, alert_id, EVERYWHERE)

    def listed(self, queue: str | None = None) -> list[AlertSummary]:
        with self.database.read() as connection:
            return list_alerts(connection, EVERYWHERE, queue=queue).alerts

    def queue(self, code: str):
        with self.database.read() as connection:
            queues = list_queues(connection, self.routing.current(connection), ROOT, with_empty=False).queues
        return next((queue for queue in queues if queue.code == code), None)

    def close_due(self, now: datetime, minutes: float = 30) -> int:
        with self.database.write() as connection:
            return close_due(connection, now, timedelta(minutes=minutes))


@pytest.fixture
def line(city: Database, device: DeviceBox, other_device: DeviceBox) -> Line:
    return Line(city)


def test_a_drill_is_marked_with_its_times_and_goes_where_the_real_thing_goes(line: Line) -> None:
    drill = line.send(canary=DRILL)
    real = line.send(source="gate-4")
    shown = line.detail(drill)
    assert shown.canary is not None
    assert (shown.canary.id, shown.canary.injected_at) == (DRILL["id"], DRILL["injected_at"])
    assert shown.canary.opened_at == NOON
    assert line.detail(real).canary is None
    assert shown.queue == line.detail(real).queue
    assert {alert.id for alert in line.listed(shown.queue)} == {drill, real}


def test_nothing_real_joins_a_drill_and_no_drill_joins_anything_real(line: Line) -> None:
    drill = line.send(canary=DRILL)
    real = line.send(seconds=1)
    assert line.send(seconds=2, canary=ANOTHER) not in {drill, real}
    assert line.send(seconds=3) == real, "the second real episode joins the first"
    assert line.detail(real).canary is None
    assert line.detail(real).episodes == 2
    assert line.detail(drill).episodes == 1


def test_further_events_of_a_drill_stay_with_it_in_any_order(line: Line) -> None:
    episode = uuid7(NOON)
    drill = line.send(episode=episode, revision=3, phase="cleared", seconds=6, canary=DRILL)
    assert line.send(episode=episode, revision=1, canary=DRILL) == drill
    assert line.detail(drill).canary is not None


def test_queues_do_not_count_drills_as_work(line: Line) -> None:
    drill = line.detail(line.send(canary=DRILL))
    queue = line.queue(drill.queue)
    assert queue is not None, "the drill must be found where it lies"
    assert (queue.open, queue.red, queue.claimed, queue.oldest_at, queue.canaries) == (0, 0, 0, None, 1)
    line.send(seconds=5)
    queue = line.queue(drill.queue)
    assert (queue.open, queue.red, queue.oldest_at, queue.canaries) == (1, 1, NOON, 1)
    assert drill.severity is Severity.RED


def test_the_server_closes_a_drill_when_its_time_is_over_and_leaves_the_real_alone(line: Line) -> None:
    drill, real = line.send(canary=DRILL), line.send()
    assert line.close_due(NOON + timedelta(minutes=29)) == 0
    assert line.close_due(NOON + timedelta(minutes=31)) == 1
    assert line.close_due(NOON + timedelta(minutes=31)) == 0
    closed = line.detail(drill)
    assert closed.state is AlertState.REJECTED
    assert closed.verdict is not None
    assert (closed.verdict.reason, closed.verdict.by) == (RejectReason.TEST, "system")
    assert closed.history[-1].action == "canary_closed"
    assert line.detail(real).state is AlertState.QUEUED
    assert [alert.id for alert in line.listed()] == [real]


def test_the_closer_works_by_itself(line: Line) -> None:
    drill = line.send(canary=DRILL, at=datetime.now(UTC) - timedelta(hours=1))
    closer = CanaryCloser(line.database, timedelta(minutes=30), look_seconds=0.05)
    closer.start()
    try:
        deadline = time.monotonic() + 30
        while line.detail(drill).state is not AlertState.REJECTED:
            assert time.monotonic() < deadline, "the drill was not closed"
            time.sleep(0.05)
    finally:
        closer.stop()


def test_an_alert_of_a_drill_can_be_found_in_the_grid_that_holds_it(line: Line) -> None:
    line.send(canary=DRILL)
    with line.database.read() as connection:
        assert len(list_alerts(connection, SOUTH_WEST).alerts) == 1
