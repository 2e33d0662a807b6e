"""Evidence on alerts: what is expected, what is here, and whom its arrival concerns."""

from __future__ import annotations

import hashlib

import pytest
from sqlalchemy import select

from contract.ids import uuid7
from server.accounts.schemas import Role
from server.accounts.service import Account
from server.alerts.intake import take_in
from server.alerts.listing import alert_detail
from server.alerts.schemas import AlertDetail, AlertSummary
from server.alerts.service import scope_covers_evidence
from server.db import Database
from server.evidence.announcements import Announcement, announce
from server.evidence.service import mark_whole
from server.grids.model import EVERYWHERE
from server.live.tables import live_feed
from server.routing.context import RoutingContextProvider
from tests.server.conftest import DeviceBox
from tests.server.small_city import EAST, NOON, ROOT, SOUTH_WEST, WEST, hazard_event


class Line:
    """Events with evidence, taken in as ingest does."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.routing = RoutingContextProvider(database)

    def send(self, **fields) -> str:
        event = hazard_event(**fields)
        with self.database.write() as connection:
            told = [Announcement(event.device_id, event.data.episode_id, item) for item in event.data.evidence]
            announce(connection, told, NOON)
            return take_in(connection, self.routing.current(connection), event, NOON).alert_id

    def detail(self, alert_id: str) -> AlertDetail:
        with self.database.read() as connection:
            return alert_detail(connection, alert_id, EVERYWHERE)

    def fed(self, after: int = 0) -> list[AlertSummary]:
        with self.database.read() as connection:
            query = select(live_feed.c.payload).where(live_feed.c.seq > after).order_by(live_feed.c.seq)
            return [AlertSummary.model_validate_json(payload) for payload in connection.execute(query).scalars()]

    def may_see(self, scope: str, sha256: str) -> bool:
        account = Account(1, "li", "Li", Role.OPERATOR, scope)
        with self.database.read() as connection:
            return scope_covers_evidence(connection, account, sha256)


@pytest.fixture
def line(city: Database, device: DeviceBox, other_device: DeviceBox) -> Line:
    return Line(city)


def described(name: str, kind: str = "snapshot", media_type: str = "image/jpeg") -> dict:
    digest = hashlib.sha256(name.encode()).hexdigest()
    return {
        "sha256": digest,
        "kind": kind,
        "media_type": media_type,
        "bytes": 10,
        "captured_at": NOON,
        "redacted": True,
    }


SNAPSHOT, CLIP = described("picture"), described("clip", "clip", "video/mp4")


def test_a_file_is_expected_until_it_is_here_and_then_the_browsers_hear_of_it(line: Line) -> None:
    episode = uuid7(NOON)
    alert_id = line.send(episode=episode)
    line.send(episode=episode, revision=2, phase="updated", seconds=1, evidence=[SNAPSHOT, CLIP])
    detail = line.detail(alert_id)
    assert [(item.kind, item.state) for item in detail.evidence] == [("clip", "expected"), ("snapshot", "expected")]
    assert detail.snapshot_sha256 is None, "a picture that is not here cannot be shown"
    mark_whole(line.database, CLIP["sha256"])
    mark_whole(line.database, SNAPSHOT["sha256"])
    assert line.detail(alert_id).snapshot_sha256 == SNAPSHOT["sha256"]
    assert [alert.snapshot_sha256 for alert in line.fed()] == [None, None, None, SNAPSHOT["sha256"]]
    assert line.detail(alert_id).version == 1, "a file that arrives spoils nobody's claim"


def test_a_file_listed_by_several_episodes_is_shown_once_and_concerns_all_alerts(line: Line) -> None:
    first = line.send(evidence=[SNAPSHOT])
    assert line.send(evidence=[SNAPSHOT], seconds=2) == first
    other = line.send(device="box-2", evidence=[SNAPSHOT])
    assert len(line.detail(first).evidence) == 1
    before = len(line.fed())
    mark_whole(line.database, SNAPSHOT["sha256"])
    assert {alert.id for alert in line.fed()[before:]} == {first, other}
    assert all(alert.snapshot_sha256 for alert in line.fed()[before:])


def test_a_new_alert_shows_a_picture_that_is_here_already(line: Line) -> None:
    line.send(evidence=[SNAPSHOT])
    mark_whole(line.database, SNAPSHOT["sha256"])
    second = line.send(device="box-2", evidence=[SNAPSHOT])
    assert line.detail(second).snapshot_sha256 == SNAPSHOT["sha256"]


@pytest.mark.parametrize(
    ("scope", "sees"), [(ROOT, True), (WEST, True), (SOUTH_WEST, True), (EAST, False), ("*", True)]
)
def test_who_sees_the_alert_sees_its_evidence(line: Line, scope: str, sees: bool) -> None:
    line.send(evidence=[CLIP])
    assert line.may_see(scope, CLIP["sha256"]) is sees
    assert not line.may_see(scope, "0" * 64)
