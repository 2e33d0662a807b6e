"""Devices, their tokens and keys; sources as their events tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from contract.keys import public_key_text
from server.audit.tables import audit_log
from server.db import Database
from server.fleet.service import DeviceError, add_device, revoke_device, rotate_token
from server.fleet.tables import devices
from tests.server.conftest import DeviceBox, Person
from tests.server.support import BEGIN, Edge, post, send, statuses


def test_a_token_is_shown_once_and_kept_as_a_hash(database: Database) -> None:
    with database.write() as connection:
        token = add_device(connection, "box-7", "Box 7", actor="test")
    assert token.startswith("gsd_")
    assert len(token) >= 4 + 43
    with database.read() as connection:
        assert token[4:] not in str(connection.execute(select(devices)).one())
        assert token not in str(connection.execute(select(audit_log)).all())


def test_ids_are_unique_and_sensible(database: Database) -> None:
    with database.write() as connection:
        add_device(connection, "南门 box 3", "", actor="test")
        with pytest.raises(DeviceError, match="rotate"):
            add_device(connection, "南门 box 3", "", actor="test")
        for bad in ("", "a/b", "x" * 129, "tab\t", " box", "nul\x00"):
            with pytest.raises(DeviceError):
                add_device(connection, bad, "", actor="test")


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer ", "Bearer gsd_wrong", "Bearer wrong", "Basic Z3M6Z3M=", "gsd_x"]
)
def test_without_a_devices_token_nothing_is_taken(client: TestClient, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = client.post("/api/v1/events", content=b"[]", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_rotating_ends_the_old_token_and_revoking_all(
    client: TestClient, database: Database, device: DeviceBox
) -> None:
    with database.write() as connection:
        fresh = DeviceBox(device.id, rotate_token(connection, device.id, actor="test"), device.key)
    assert post(client, device, []).status_code == 401
    assert post(client, fresh, []).status_code == 200
    with database.write() as connection:
        revoke_device(connection, device.id, actor="test")
    assert post(client, fresh, []).status_code == 401
    with database.write() as connection:
        again = DeviceBox(device.id, rotate_token(connection, device.id, actor="test"), device.key)
    assert post(client, again, []).status_code == 200
    with database.write() as connection, pytest.raises(DeviceError, match="device list"):
        rotate_token(connection, "box-9", actor="test")


def put_key(client: TestClient, device: DeviceBox, key: str) -> Any:
    return client.put("/api/v1/device/key", json={"public_key": key}, headers=device.headers)


def test_the_first_key_is_the_devices_for_good(client: TestClient, database: Database) -> None:
    with database.write() as connection:
        device = DeviceBox("box-7", add_device(connection, "box-7", "", actor="test"), Ed25519PrivateKey.generate())
    mine, other = public_key_text(device.key), public_key_text(Ed25519PrivateKey.generate())
    assert put_key(client, device, mine).status_code == 204
    assert put_key(client, device, mine).status_code == 204
    answer = put_key(client, device, other)
    assert (answer.status_code, answer.json()["field"]) == (409, "public_key")
    with database.read() as connection:
        assert connection.execute(select(devices.c.public_key)).scalar_one() == mine
        actions = connection.execute(select(audit_log.c.action).order_by(audit_log.c.seq)).scalars().all()
    assert list(actions) == ["device.add", "device.key"]


@pytest.mark.parametrize("key", ["", "AAAA", "not base64!", "A" * 43, "密"])
def test_what_is_no_key_is_refused(client: TestClient, device: DeviceBox, key: str) -> None:
    answer = put_key(client, device, key)
    assert (answer.status_code, answer.json()["field"]) == (422, "public_key")


def seen_sources(admin: Person) -> dict[str, Any]:
    return {source["id"]: source for source in admin.client.get("/api/v1/sources").json()["sources"]}


def test_sources_are_known_by_their_events(client: TestClient, device: DeviceBox, admin: Person) -> None:
    edge = Edge(device)
    send(client, device, [edge.hazard(), edge.health("online")])
    found = seen_sources(admin)
    assert set(found) == {"well-12", "gate-3"}
    assert (found["well-12"]["kind"], found["well-12"]["name"]) == ("sensor", "Well 12")
    assert found["well-12"]["location"]["point"]["coordinates"] == [113.62, 34.71]
    assert (found["gate-3"]["health_state"], found["well-12"]["health_state"]) == ("online", None)


def test_the_newest_health_wins_in_whatever_order_it_comes(
    client: TestClient, device: DeviceBox, admin: Person
) -> None:
    edge = Edge(device)
    first, second, third = edge.health("online"), edge.health("offline", "no packets"), edge.health("online")
    send(client, device, [first, third])
    send(client, device, [second])
    assert seen_sources(admin)["gate-3"]["health_state"] == "online"
    place = {"point": {"coordinates": (113.6, 34.7)}, "accuracy_m": 5.0, "method": "camera"}
    send(client, device, [edge.health("frozen", "same picture for 60 s", location=place)])
    found = seen_sources(admin)["gate-3"]
    assert (found["health_state"], found["health_reason"]) == ("frozen", "same picture for 60 s")
    send(client, device, [edge.health("online")])
    assert seen_sources(admin)["gate-3"]["location"]["point"]["coordinates"] == [113.6, 34.7], "it has not moved"


def test_a_clock_that_runs_ahead_freezes_nothing(client: TestClient, device: DeviceBox, admin: Person) -> None:
    ahead = Edge(device, clock=datetime.now(UTC) + timedelta(days=3650))
    right = Edge(device, clock=datetime.now(UTC) + timedelta(seconds=60), position=ahead.position)
    assert statuses(send(client, device, [ahead.health("offline")])) == ["accepted"]
    assert statuses(send(client, device, [right.health("online")])) == ["accepted"]
    assert seen_sources(admin)["gate-3"]["health_state"] == "online"


def test_devices_show_their_heartbeat(
    client: TestClient, device: DeviceBox, other_device: DeviceBox, admin: Person
) -> None:
    edge = Edge(device)
    early, late = edge.heartbeat(outbox_events=50), edge.heartbeat(outbox_events=7)
    send(client, device, [late])
    send(client, device, [early])
    first, second = admin.client.get("/api/v1/devices").json()["devices"]
    assert (first["id"], second["id"]) == ("box-1", "box-2")
    assert first["heartbeat"]["outbox_events"] == 7
    assert datetime.fromisoformat(first["heartbeat_at"]) == BEGIN + timedelta(seconds=2)
    assert first["has_key"]
    assert first["last_seen_at"] is not None
    assert (second["last_seen_at"], second["heartbeat"], second["chain"]) == (None, None, None)
    assert "token_sha256" not in first


def test_a_device_that_only_sends_garbage_was_seen_too(
    client: TestClient, database: Database, device: DeviceBox, admin: Person
) -> None:
    with database.write() as connection:
        connection.execute(update(devices).values(last_seen_at=None))
    send(client, device, [b"1"])
    (shown,) = admin.client.get("/api/v1/devices").json()["devices"]
    assert shown["last_seen_at"] is not None


def test_everything_that_is_wrong_with_a_source_is_shown(client: TestClient, device: DeviceBox, admin: Person) -> None:
    edge = Edge(device)
    sight = {"counted_from": "2026-11-01T00:00:00Z", "sight_seconds": 900.0, "blind_seconds": 80.0}
    said = edge.health(
        "covered",
        "the lens is covered",
        conditions=["covered", "overexposed"],
        unwatched={"moved": "PTZ"},
        sight=sight,
    )
    box = {"id": device.id, "kind": "device", "name": ""}
    assert statuses(send(client, device, [said, edge.health("disk_short", "12 MB free", source=box)])) == [
        "accepted",
        "accepted",
    ]
    found = seen_sources(admin)
    assert found["gate-3"]["health_detail"] == {
        "conditions": ["covered", "overexposed"],
        "unwatched": {"moved": "PTZ"},
        "sight": {**sight, "unknown_seconds": 0.0},
    }
    assert (found[device.id]["kind"], found[device.id]["health_state"]) == ("device", "disk_short")
    send(client, device, [edge.health("online")])
    assert seen_sources(admin)["gate-3"]["health_detail"]["conditions"] == []
