"""Chains: proven behind the commit, from the last proven position; what is wrong is said and kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi.testclient import TestClient
from sqlalchemy import delete, select, text, update

from contract.chain import GENESIS, ChainPosition
from server.audit.tables import audit_log
from server.db import Database
from server.fleet.tables import devices
from server.ingest import chains
from server.ingest.chains import NoKeyError, advance, verify_all
from server.ingest.tables import chain_status, dead_letters, events
from tests.server.conftest import DeviceBox, Person
from tests.server.support import Edge, changed, send


@pytest.fixture
def edge(device: DeviceBox) -> Edge:
    return Edge(device)


def settle(database: Database, device_id: str = "box-1") -> Any:
    """Checks all there is to check, as the thread does, and returns the noted status."""
    while advance(database, [device_id]):
        pass
    with database.read() as connection:
        return connection.execute(select(chain_status).where(chain_status.c.device_id == device_id)).one()


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def test_signed_events_become_proven_behind_the_commit(client: TestClient, edge: Edge, admin: Person) -> None:
    send(client, edge.device, [*edge.hazards(3), edge.head(), *edge.hazards(2), edge.head(), edge.hazard()])

    def chain() -> dict[str, Any] | None:
        (found,) = admin.client.get("/api/v1/devices").json()["devices"]
        status: dict[str, Any] | None = found["chain"]
        return status

    wait_for(lambda: (status := chain()) is not None and status["verified_seq"] == 5)
    assert chain()["problem"] is None


def test_what_comes_after_the_last_head_is_not_proven(client: TestClient, database: Database, edge: Edge) -> None:
    send(client, edge.device, [edge.hazard(), edge.head(), edge.hazard()])
    assert settle(database).verified_seq == 1


def test_each_check_goes_on_where_the_last_one_ended(client: TestClient, database: Database, edge: Edge) -> None:
    send(client, edge.device, [*edge.hazards(3), edge.head()])
    assert settle(database).verified_seq == 3
    with database.write() as connection:  # what is proven is not read again, or this would be found
        connection.execute(update(events).where(events.c.seq == 1).values(content=b"{}"))
    send(client, edge.device, [*edge.hazards(2), edge.head()])
    status = settle(database)
    assert (status.verified_seq, status.problem) == (5, None)
    with database.read() as connection:
        assert verify_all(connection, "box-1").report.problem is not None


def test_a_long_backlog_is_checked_in_strides(
    client: TestClient, database: Database, edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chains, "_STRIDE", 7)
    monkeypatch.setattr(chains, "_PAGE", 2)
    for _ in range(5):
        send(client, edge.device, [*edge.hazards(5), edge.head()])
    send(client, edge.device, [*edge.hazards(20), edge.head()])
    status = settle(database)
    assert (status.verified_seq, status.problem) == (45, None)
    with database.read() as connection:
        found = verify_all(connection, "box-1")
    assert (found.report.signed_to, found.report.ok) == (45, True)


def test_late_events_close_a_gap(client: TestClient, database: Database, edge: Edge) -> None:
    first, second, third = edge.hazards(3)
    send(client, edge.device, [first, third, edge.head()])
    status = settle(database)
    assert (status.verified_seq, status.problem["fault"], status.problem["seq"]) == (0, "missing", 2)
    send(client, edge.device, [second])
    status = settle(database)
    assert (status.verified_seq, status.problem) == (3, None)


TAMPERING = {
    "altered": lambda table: update(table).where(table.c.seq == 2).values(content=b'{"data":{"chain":{"seq":2}}}'),
    "lost": lambda table: delete(table).where(table.c.seq == 2),
    "renumbered": lambda table: update(table).where(table.c.seq == 2).values(seq=9),
}


@pytest.mark.parametrize("how", TAMPERING)
def test_tampering_with_the_database_is_found(client: TestClient, database: Database, edge: Edge, how: str) -> None:
    send(client, edge.device, [*edge.hazards(4), edge.head()])
    with database.write() as connection:
        connection.execute(TAMPERING[how](events))
    with database.read() as connection:
        report = verify_all(connection, "box-1").report
    assert report.problem is not None
    assert report.problem.seq <= 3
    assert report.signed_to == 0


def test_refused_events_count_for_the_chain(client: TestClient, database: Database, edge: Edge) -> None:
    event = edge.hazard_json()
    event["data"]["confidence"] = 7
    refused = edge.link(event)
    results = send(client, edge.device, [edge.hazard(), refused, edge.hazard(), edge.head()])
    assert [result["status"] for result in results].count("dead_letter") == 1
    status = settle(database)
    assert (status.verified_seq, status.problem) == (3, None)


def test_a_replayed_and_a_discarded_letter_stay_in_the_chain(
    client: TestClient, database: Database, edge: Edge, admin: Person
) -> None:
    refused = []
    for _ in range(2):
        event = edge.hazard_json()
        event["data"]["confidence"] = 7
        refused.append(edge.link(event))
    send(client, edge.device, [edge.hazard(), *refused, edge.head()])
    with database.read() as connection:
        first, second = connection.execute(select(dead_letters.c.id).order_by(dead_letters.c.id)).scalars()
    fixed = edge.hazard_json()
    answer = admin.client.post(f"/api/v1/dead-letters/{first}/replay", json={"content": fixed}, headers=admin.headers)
    assert answer.status_code == 200, answer.text
    answer = admin.client.post(f"/api/v1/dead-letters/{second}/discard", headers=admin.headers)
    assert answer.status_code == 204
    with database.read() as connection:
        found = verify_all(connection, "box-1")
    assert (found.report.signed_to, found.report.problem) == (3, None)


def test_a_forged_head_is_reported_and_hides_nothing(client: TestClient, database: Database, edge: Edge) -> None:
    stranger = Edge(DeviceBox(edge.device.id, "", Ed25519PrivateKey.generate()))
    send(client, edge.device, [*edge.hazards(2), stranger.head(ChainPosition(2, "f" * 64)), edge.head()])
    status = settle(database)
    assert status.verified_seq == 2
    assert status.problem["fault"] == "bad_signature"
    send(client, edge.device, [edge.hazard(), edge.head()])
    status = settle(database)
    assert status.verified_seq == 3
    assert status.problem["fault"] == "bad_signature", "an attempt is not forgotten because things went on"
    with database.read() as connection:
        entries = connection.execute(select(audit_log).where(audit_log.c.action == "chain.problem")).all()
    assert len(entries) == 1


def test_a_head_from_the_far_future_costs_nothing(client: TestClient, database: Database, edge: Edge) -> None:
    send(client, edge.device, [edge.hazard(), edge.head(), edge.head(ChainPosition(2**53 - 1, "a" * 64))])
    status = settle(database)
    assert status.verified_seq == 1
    assert status.problem["fault"] == "missing"


def test_a_forked_chain_is_found(client: TestClient, database: Database, edge: Edge) -> None:
    send(client, edge.device, [*edge.hazards(2), edge.head()])
    restored = Edge(edge.device, clock=edge.clock)  # the box came back from an old copy of its disk
    send(client, edge.device, [*restored.hazards(3), restored.head()])
    status = settle(database)
    assert status.problem is not None
    assert status.verified_seq <= 2


def test_without_a_key_nothing_is_proven_and_nothing_breaks(client: TestClient, database: Database, edge: Edge) -> None:
    with database.write() as connection:
        connection.execute(update(devices).values(public_key=None))
    send(client, edge.device, [edge.hazard(), edge.head()])
    assert not advance(database, ["box-1"])
    with database.read() as connection, pytest.raises(NoKeyError):
        verify_all(connection, "box-1")


def test_an_empty_chain_is_whole(database: Database, device: DeviceBox) -> None:
    with database.read() as connection:
        found = verify_all(connection, device.id)
    assert found.proven == GENESIS
    assert found.report.ok


def test_a_changed_event_does_not_prove_anything(client: TestClient, database: Database, edge: Edge) -> None:
    first, second = edge.hazards(2)
    send(client, edge.device, [changed(first, "data.confidence", 0.2), second, edge.head()])
    status = settle(database)
    assert (status.verified_seq, status.problem["fault"]) == (0, "altered")
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM events")).scalar_one() == 2
