"""Dead letters: seen, fixed, replayed, discarded, and never so many that they hurt."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from contract.evidence import Evidence
from server.alerts.tables import alerts
from server.audit.tables import audit_log
from server.db import Database
from server.ingest.tables import dead_letters, events
from server.settings import Settings
from tests.server.conftest import DeviceBox, Person
from tests.server.support import SNAPSHOT, Edge, changed, describe, send, statuses


@pytest.fixture
def edge(device: DeviceBox) -> Edge:
    return Edge(device)


def refuse_one(client: TestClient, edge: Edge) -> bytes:
    content = changed(edge.hazard(), "data.confidence", 7)
    assert statuses(send(client, edge.device, [content])) == ["dead_letter"]
    return content


def listed(admin: Person, **query: Any) -> dict[str, Any]:
    answer = admin.client.get("/api/v1/dead-letters", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def replay(admin: Person, letter_id: int, content: object = None) -> Any:
    body = None if content is None else {"content": content}
    return admin.client.post(f"/api/v1/dead-letters/{letter_id}/replay", json=body, headers=admin.headers)


def test_a_letter_shows_what_came_and_why_it_was_refused(client: TestClient, edge: Edge, admin: Person) -> None:
    content = refuse_one(client, edge)
    (letter,) = listed(admin)["dead_letters"]
    assert letter["content"] == content.decode()
    assert letter["event_id"] == json.loads(content)["id"]
    assert (letter["device_id"], letter["seq"], letter["state"]) == ("box-1", 1, "open")
    assert letter["problem"]["field"] == "data.confidence"


def test_the_same_bytes_are_one_letter(client: TestClient, edge: Edge, admin: Person) -> None:
    content = refuse_one(client, edge)
    assert statuses(send(client, edge.device, [content, content])) == ["dead_letter"] * 2
    assert len(listed(admin)["dead_letters"]) == 1


def test_a_letter_put_right_is_taken_in_and_audited(
    client: TestClient, database: Database, edge: Edge, admin: Person
) -> None:
    fixed = json.loads(refuse_one(client, edge))
    (letter,) = listed(admin)["dead_letters"]
    fixed["data"]["confidence"] = 0.7
    answer = replay(admin, letter["id"], fixed)
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"id": letter["id"], "event_id": fixed["id"], "status": "accepted"}
    with database.read() as connection:
        stored = connection.execute(select(events)).one()
        assert connection.execute(select(alerts.c.confidence)).scalar_one() == 0.7
        entry = connection.execute(select(audit_log).where(audit_log.c.action == "dead_letter.replay")).one()
    assert stored.seq is None, "what an admin wrote is not part of what the device signed"
    assert entry.actor == admin.username
    assert json.loads(entry.after)["fixed"] is True
    (settled,) = listed(admin, state="replayed")["dead_letters"]
    assert settled["settled_by"] == admin.username
    assert replay(admin, letter["id"]).status_code == 409


def test_a_letter_that_still_does_not_fit_stays_open(client: TestClient, edge: Edge, admin: Person) -> None:
    content = json.loads(refuse_one(client, edge))
    (letter,) = listed(admin)["dead_letters"]
    for attempt in (None, content, {**content, "source": "/devices/other"}):
        answer = replay(admin, letter["id"], attempt)
        assert answer.status_code == 422
        assert answer.json()["field"] in ("data.confidence", "source")
    assert listed(admin)["dead_letters"][0]["state"] == "open"


def test_replaying_what_came_by_itself_meanwhile_changes_nothing(client: TestClient, edge: Edge, admin: Person) -> None:
    fixed = json.loads(refuse_one(client, edge))
    fixed["data"]["confidence"] = 0.7
    send(client, edge.device, [json.dumps(fixed).encode()])
    (letter,) = listed(admin)["dead_letters"]
    assert replay(admin, letter["id"], fixed).json()["status"] == "duplicate"


def test_a_letter_can_be_discarded(client: TestClient, database: Database, edge: Edge, admin: Person) -> None:
    send(client, edge.device, [b'{"no": "event"}'])
    (letter,) = listed(admin)["dead_letters"]
    url = f"/api/v1/dead-letters/{letter['id']}/discard"
    assert admin.client.post(url, headers=admin.headers).status_code == 204
    assert admin.client.post(url, headers=admin.headers).status_code == 409
    with database.read() as connection:
        row = connection.execute(select(dead_letters)).one()
        assert connection.execute(select(audit_log).where(audit_log.c.action == "dead_letter.discard")).one()
    assert (row.state, row.content) == ("discarded", None)


def test_letters_are_listed_in_pages(client: TestClient, edge: Edge, admin: Person) -> None:
    send(client, edge.device, [b'{"number": %d}' % number for number in range(7)])
    seen, before = [], None
    while True:
        page = listed(admin, limit=3, **({} if before is None else {"before": before}))
        seen += [letter["content"] for letter in page["dead_letters"]]
        if (before := page["next"]) is None:
            break
    assert seen == [f'{{"number": {number}}}' for number in reversed(range(7))]
    assert listed(admin, device_id="box-2")["dead_letters"] == []


def test_there_is_no_such_letter(admin: Person) -> None:
    assert replay(admin, 12345).status_code == 404
    assert admin.client.post("/api/v1/dead-letters/12345/discard", headers=admin.headers).status_code == 404


class TestFlood:
    """A device that sends garbage without end fills neither the disk nor another's share."""

    @pytest.fixture
    def settings(self, database_url: str, tmp_path: Path) -> Settings:
        return Settings(
            database_url=database_url,
            data_dir=tmp_path,
            console_dir=tmp_path / "none",
            dead_letters_max_count=10,
            dead_letters_max_bytes=2_000,
        )

    def test_their_number_is_bounded(
        self, client: TestClient, edge: Edge, other_device: DeviceBox, admin: Person
    ) -> None:
        for batch in range(3):
            garbage = [b'{"number": %d}' % (100 * batch + number) for number in range(20)]
            assert statuses(send(client, edge.device, garbage)) == ["dead_letter"] * 20
        page = listed(admin)
        assert len(page["dead_letters"]) == 10
        (overflow,) = page["overflows"]
        assert (overflow["device_id"], overflow["count"]) == ("box-1", 50)
        send(client, other_device, [b'{"number": 1}'])
        assert len(listed(admin, device_id="box-2")["dead_letters"]) == 1

    def test_their_bytes_are_bounded(self, client: TestClient, edge: Edge, admin: Person) -> None:
        send(client, edge.device, [b'{"text": "' + b"%d" % number * 900 + b'"}' for number in range(1, 6)])
        page = listed(admin)
        assert sum(letter["bytes"] for letter in page["dead_letters"]) <= 2_000
        assert page["overflows"][0]["count"] == 5 - len(page["dead_letters"])


def test_descriptors_of_a_refused_event_announce_nothing(client: TestClient, edge: Edge, admin: Person) -> None:
    described = describe(SNAPSHOT)
    content = edge.hazard(evidence=[Evidence.model_validate(described)])
    send(client, edge.device, [changed(content, "data.confidence", 7)])
    answer = client.head(f"/api/v1/evidence-uploads/{described['sha256']}", headers=edge.device.headers)
    assert answer.status_code == 404
