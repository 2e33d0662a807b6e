"""Batches over HTTP: each item judged alone, committed before the answer, once in effect."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from contract.batch import MAX_BATCH_BYTES, MAX_BATCH_EVENTS, encode_batch
from contract.events import MAX_EVENT_BYTES
from contract.ids import uuid7
from server.alerts.tables import alerts
from server.audit.tables import audit_log
from server.db import Database
from server.ingest.tables import chain_heads, dead_letters, event_conflicts, events
from tests.server.conftest import DeviceBox
from tests.server.support import BEGIN, Edge, changed, post, send, statuses


@pytest.fixture
def edge(device: DeviceBox) -> Edge:
    return Edge(device)


def count(database: Database, table: object) -> int:
    with database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def test_events_are_stored_byte_for_byte(client: TestClient, database: Database, edge: Edge) -> None:
    sent = [*edge.hazards(3), edge.health("offline", "no packets"), edge.heartbeat(), edge.head()]
    assert statuses(send(client, edge.device, sent)) == ["accepted"] * 6
    with database.read() as connection:
        stored = connection.execute(select(events).order_by(events.c.seq)).all()
        head = connection.execute(select(chain_heads)).one()
    assert [bytes(row.content) for row in stored] == sent[:5]
    assert [row.seq for row in stored] == [1, 2, 3, 4, 5]
    assert (head.seq, head.sha256) == (5, edge.position.sha256)


def test_an_empty_batch_is_fine(client: TestClient, device: DeviceBox) -> None:
    assert send(client, device, []) == []


def test_one_bad_item_never_sinks_the_others(client: TestClient, database: Database, edge: Edge) -> None:
    good, bad, also_good = edge.hazards(3)
    results = send(client, edge.device, [good, changed(bad, "data.confidence", 1.5), also_good])
    assert statuses(results) == ["accepted", "dead_letter", "accepted"]
    assert results[1]["problem"]["field"] == "data.confidence"
    assert results[1]["problem"]["status"] == 422
    assert results[1]["id"] == json.loads(bad)["id"]
    assert count(database, events) == 2


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("data.confidence", "0.9", "data.confidence"),
        ("data.confidence", True, "data.confidence"),
        ("data.revision", 0, "data.revision"),
        ("data.observed_at", 1_700_000_000, "data.observed_at"),
        ("data.observed_at", "2026-11-01T12:00:00", "data.observed_at"),
        ("data.location.point.coordinates", [200.0, 10.0], "data.location.point.coordinates.0"),
        ("data.detail.value", "high", "data.detail.value"),
        ("data.clock", None, "data.clock"),
        ("id", "not-a-uuid", "id"),
        ("time", "yesterday", "time"),
        ("specversion", "0.3", "specversion"),
        ("type", "gridsentry.hazard.exploded.v1", "type"),
        ("source", "/devices/other", "source"),
    ],
)
def test_a_refusal_names_the_field(
    client: TestClient, database: Database, edge: Edge, path: str, value: object, field: str
) -> None:
    (result,) = send(client, edge.device, [changed(edge.hazard(), path, value)])
    assert result["status"] == "dead_letter"
    assert result["problem"]["field"] == field
    assert count(database, dead_letters) == 1


def test_an_event_of_another_device_is_refused_as_forbidden(
    client: TestClient, edge: Edge, other_device: DeviceBox
) -> None:
    (result,) = send(client, other_device, [edge.hazard()])
    assert (result["status"], result["problem"]["status"]) == ("dead_letter", 403)


def test_an_unknown_type_is_told_what_is_known(client: TestClient, edge: Edge) -> None:
    (result,) = send(client, edge.device, [changed(edge.hazard(), "type", "com.example.thing")])
    assert "gridsentry.hazard.opened.v1" in result["problem"]["detail"]


def test_unknown_hazards_and_unknown_fields_are_taken_in(client: TestClient, database: Database, edge: Edge) -> None:
    event = edge.hazard_json(hazard="locust_swarm", detail={"per_square_metre": 40})
    event["data"]["from_the_future"] = {"kept": [1, 2.5, None]}
    event["traceparent"] = "00-abc-def-01"
    content = edge.link(event)
    assert statuses(send(client, edge.device, [content])) == ["accepted"]
    with database.read() as connection:
        stored = connection.execute(select(events.c.content)).scalar_one()
        alert = connection.execute(select(alerts.c.hazard, alerts.c.queue)).one()
    assert bytes(stored) == content
    assert tuple(alert) == ("locust_swarm", "catch-all")


AMBIGUOUS = [
    (b'"confidence":0.9', b'"confidence":0.9,"confidence":0.1', "confidence"),
    (b'"confidence":0.9', b'"confidence":NaN', "NaN"),
    (b'"confidence":0.9', b'"confidence":1e999', "1e999"),
    (b'"confidence":0.9', b'"confidence":-Infinity', "-Infinity"),
    (b'"Well 12"', b'"Well \\u0000"', "NUL"),
    (b'"Well 12"', b'"Well \\ud800"', "JSON"),
]


@pytest.mark.parametrize(("old", "new", "named"), AMBIGUOUS, ids=[item[2] for item in AMBIGUOUS])
def test_json_that_parsers_disagree_about_is_refused(
    client: TestClient, edge: Edge, old: bytes, new: bytes, named: str
) -> None:
    good, bad = edge.hazard(), edge.hazard()
    assert old in bad
    results = send(client, edge.device, [good, bad.replace(old, new, 1)])
    assert statuses(results) == ["accepted", "dead_letter"]
    assert named in results[1]["problem"]["detail"]


def test_an_escaped_backslash_before_u0000_is_no_nul(client: TestClient, edge: Edge) -> None:
    content = edge.hazard(source={"id": "well-1", "kind": "sensor", "name": "C:\\u0000"})
    assert b"\\\\u0000" in content
    assert statuses(send(client, edge.device, [content])) == ["accepted"]


def test_a_json_bomb_hurts_nobody_else(client: TestClient, edge: Edge) -> None:
    bomb = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    results = send(client, edge.device, [edge.hazard(), bomb, edge.hazard()])
    assert statuses(results) == ["accepted", "dead_letter", "accepted"]


def test_an_oversize_event_is_refused_alone(client: TestClient, edge: Edge) -> None:
    big = edge.hazard(hazard="locust_swarm", detail={"essay": "x" * MAX_EVENT_BYTES})
    results = send(client, edge.device, [edge.hazard(), big])
    assert statuses(results) == ["accepted", "dead_letter"]
    assert results[1]["problem"]["status"] == 413


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{}", 400),
        (b"nonsense", 400),
        (b"[1,", 400),
        (b"[1,]", 400),
        (b'["\xff\xfe"]', 400),
        (b"\xef\xbb\xbf[]", 400),
        (b"[" + b"0," * MAX_BATCH_EVENTS + b"0]", 413),
        (b"[" + b" " * MAX_BATCH_BYTES + b"]", 413),
        (b"[" * 2_000_000, 400),
    ],
    ids=["empty", "object", "nonsense", "cut", "comma", "not UTF-8", "BOM", "too many", "too large", "deep"],
)
def test_a_body_that_is_no_batch_is_refused_whole(
    client: TestClient, database: Database, device: DeviceBox, body: bytes, status: int
) -> None:
    answer = post(client, device, body)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert count(database, dead_letters) == 0


def test_a_body_is_measured_and_not_believed(client: TestClient, device: DeviceBox) -> None:
    def chunks() -> object:  # sent without a Content-Length
        yield b"["
        for _ in range(20):
            yield b" " * (MAX_BATCH_BYTES // 16)

    answer = client.post("/api/v1/events", content=chunks(), headers=device.headers)
    assert answer.status_code == 413


def test_compressed_bodies_are_refused(client: TestClient, device: DeviceBox) -> None:
    answer = client.post("/api/v1/events", content=b"x", headers={**device.headers, "Content-Encoding": "gzip"})
    assert answer.status_code == 415


def test_items_that_are_no_objects_are_dead_letters(client: TestClient, edge: Edge) -> None:
    results = send(client, edge.device, [b"1", b'"text"', b"null", b"[]", b"{}", edge.hazard()])
    assert statuses(results) == ["dead_letter"] * 5 + ["accepted"]


def test_sending_again_changes_nothing(client: TestClient, database: Database, edge: Edge) -> None:
    sent = [*edge.hazards(5), edge.head()]
    send(client, edge.device, sent)
    assert statuses(send(client, edge.device, sent)) == ["duplicate"] * 6
    assert (count(database, events), count(database, alerts)) == (5, 5)


def test_the_same_event_twice_in_a_batch(client: TestClient, database: Database, edge: Edge) -> None:
    content = edge.hazard()
    assert statuses(send(client, edge.device, [content, content])) == ["accepted", "duplicate"]
    assert count(database, events) == 1


def test_other_bytes_under_the_same_id_are_a_recorded_conflict(
    client: TestClient, database: Database, edge: Edge
) -> None:
    first = edge.hazard()
    send(client, edge.device, [first])
    forged = changed(first, "data.confidence", 0.1)
    for _ in range(3):
        assert statuses(send(client, edge.device, [forged])) == ["duplicate"]
    with database.read() as connection:
        kept = connection.execute(select(events.c.content)).scalar_one()
        conflict = connection.execute(select(event_conflicts)).one()
        entries = connection.execute(select(audit_log.c.action).where(audit_log.c.subject_kind == "event")).all()
    assert bytes(kept) == first
    assert conflict.count == 3
    assert [row.action for row in entries] == ["event.conflict"]


def test_stale_revisions_are_kept_and_change_nothing(client: TestClient, database: Database, edge: Edge) -> None:
    episode = uuid7(BEGIN)
    opened = edge.hazard(episode, 1)
    updated = edge.hazard(episode, 2, "updated", confidence=0.5)
    cleared = edge.hazard(episode, 3, "cleared", confidence=0.95, ended_at=BEGIN + timedelta(seconds=9))
    assert statuses(send(client, edge.device, [cleared, opened, updated])) == ["accepted", "stale", "stale"]
    with database.read() as connection:
        stored = connection.execute(select(events.c.status).order_by(events.c.seq)).scalars().all()
        alert = connection.execute(select(alerts.c.phase, alerts.c.confidence)).one()
    assert list(stored) == ["stale", "stale", "accepted"]
    assert tuple(alert) == ("cleared", 0.95)


def test_many_at_once_each_event_counts_once(client: TestClient, database: Database, edge: Edge) -> None:
    batches = [edge.hazards(10) for _ in range(4)]
    barrier = threading.Barrier(8)

    def sender(number: int) -> list[str]:
        barrier.wait(timeout=30)
        found = []
        for offset in range(4):
            found += statuses(send(client, edge.device, batches[(number + offset) % 4]))
        return found

    with ThreadPoolExecutor(8) as pool:
        answers = [status for answer in pool.map(sender, range(8)) for status in answer]
    assert answers.count("accepted") == 40
    assert answers.count("duplicate") == 8 * 40 - 40
    assert count(database, events) == 40


def test_two_devices_may_use_the_same_ids(
    client: TestClient, database: Database, edge: Edge, other_device: DeviceBox
) -> None:
    other = Edge(other_device)
    event = edge.hazard_json()
    mine = edge.link(event)
    theirs = other.link({**event, "source": "/devices/box-2"})
    assert statuses(send(client, edge.device, [mine])) == ["accepted"]
    assert statuses(send(client, other_device, [theirs])) == ["accepted"]
    assert (count(database, events), count(database, alerts)) == (2, 2)


def test_after_a_commit_listeners_hear_of_it(app: FastAPI, client: TestClient, edge: Edge) -> None:
    heard = threading.Event()
    forget = app.state.database.after_commit(heard.set)
    send(client, edge.device, [edge.hazard()])
    assert heard.wait(timeout=10)
    forget()


def test_a_batch_is_what_encode_batch_writes(client: TestClient, edge: Edge) -> None:
    contents = edge.hazards(2)
    spaced = b" [ " + b" ,\n ".join(contents) + b" ] \n"
    assert statuses(post(client, edge.device, spaced).json()["results"]) == ["accepted"] * 2
    assert statuses(post(client, edge.device, encode_batch(contents)).json()["results"]) == ["duplicate"] * 2
