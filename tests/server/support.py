"""An edge box in miniature: events in a chain, signed heads, evidence."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from httpx import Client, Response

from contract.batch import encode_batch
from contract.canonical import canonical_bytes
from contract.chain import GENESIS, ChainPosition, link, sign_head
from contract.events import (
    BATCH_MEDIA_TYPE,
    ChainHeadEvent,
    HazardData,
    HealthData,
    HeartbeatData,
    device_path,
    event_of,
)
from contract.ids import uuid7
from contract.keys import public_key_text
from server.db import Database
from server.fleet.service import Device, add_device, register_key

BEGIN = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
CONFIG_SHA256 = "c" * 64
SNAPSHOT = b"\xff\xd8\xff not really a picture, but nobody decodes it here " * 400


@dataclass(frozen=True)
class DeviceBox:
    """A device as its edge box knows itself."""

    id: str
    token: str
    key: Ed25519PrivateKey

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def make_device(database: Database, device_id: str) -> DeviceBox:
    """A device with its token; its key is registered too."""
    key = Ed25519PrivateKey.generate()
    with database.write() as connection:
        token = add_device(connection, device_id, f"Box {device_id}", actor="test")
        register_key(connection, Device(device_id, ""), public_key_text(key), request_id=None)
    return DeviceBox(device_id, token, key)


def describe(content: bytes, kind: str = "snapshot", media_type: str = "image/jpeg", **changes: Any) -> dict[str, Any]:
    """An evidence descriptor of these bytes."""
    described = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "kind": kind,
        "media_type": media_type,
        "bytes": len(content),
        "captured_at": BEGIN.isoformat(),
        "redacted": True,
    }
    return described | changes


@dataclass
class Edge:
    """Writes what a device would send, in its chain."""

    device: DeviceBox
    position: ChainPosition = GENESIS
    clock: datetime = BEGIN
    written: list[bytes] = field(default_factory=list)

    def hazard_json(
        self, episode_id: str | None = None, revision: int = 1, phase: str = "opened", **changes: Any
    ) -> dict[str, Any]:
        """A hazard event as JSON types, without its link in the chain."""
        self.clock += timedelta(seconds=1)
        data: dict[str, Any] = {
            "episode_id": episode_id or uuid7(self.clock),
            "revision": revision,
            "phase": phase,
            "hazard": "water_level",
            "tier": "alarm",
            "severity": "yellow",
            "confidence": 0.9,
            "started_at": BEGIN,
            "observed_at": self.clock,
            "clock": {"synced": True},
            "location": {"point": {"coordinates": (113.62, 34.71)}, "accuracy_m": 20.0, "method": "sensor"},
            "source": {"id": "well-12", "kind": "sensor", "name": "Well 12"},
            "detail": {
                "channel": "level",
                "value": 1.5,
                "unit": "m",
                "comparison": "above",
                "set_limit": 1.2,
                "clear_limit": 1.08,
                "rule": "water_level",
            },
            "producer": {"software": "test", "detector": "threshold", "config_sha256": CONFIG_SHA256},
        }
        event = event_of(
            HazardData.model_validate(data | changes),
            event_id=uuid7(self.clock),
            device_id=self.device.id,
            time=self.clock,
        )
        return event.as_json()

    def link(self, event: dict[str, Any]) -> bytes:
        """Puts an event into the chain."""
        linked = link(event, self.position)
        self.position = linked.position
        self.written.append(linked.content)
        return linked.content

    def hazard(self, *arguments: Any, **changes: Any) -> bytes:
        """The next hazard event."""
        return self.link(self.hazard_json(*arguments, **changes))

    def hazards(self, count: int) -> list[bytes]:
        """So many episodes, each just opened, each at a source of its own."""
        return [
            self.hazard(source={"id": f"well-{number}", "kind": "sensor", "name": f"Well {number}"})
            for number in range(count)
        ]

    def health(self, state: str, reason: str = "", **changes: Any) -> bytes:
        """The next health event."""
        self.clock += timedelta(seconds=1)
        data = HealthData.model_validate(
            {"source": {"id": "gate-3", "kind": "camera", "name": "Gate 3"}, "state": state, "reason": reason}
            | {"since": self.clock}
            | changes
        )
        return self.link(
            event_of(data, event_id=uuid7(self.clock), device_id=self.device.id, time=self.clock).as_json()
        )

    def heartbeat(self, **changes: Any) -> bytes:
        """The next heartbeat."""
        self.clock += timedelta(seconds=1)
        data = HeartbeatData.model_validate(
            {"software": "test", "sources_online": 1, "sources_total": 2, "outbox_events": 3}
            | {"outbox_evidence_bytes": 4}
            | changes
        )
        return self.link(
            event_of(data, event_id=uuid7(self.clock), device_id=self.device.id, time=self.clock).as_json()
        )

    def head(self, position: ChainPosition | None = None) -> bytes:
        """A signed head, where the chain stands now."""
        signed = sign_head(self.device.id, position or self.position, self.device.key)
        event = ChainHeadEvent(id=uuid7(self.clock), source=device_path(self.device.id), time=self.clock, data=signed)
        return canonical_bytes(event.as_json())


def changed(content: bytes, path: str, value: Any) -> bytes:
    """The event with one member changed: `data.confidence`."""
    event = copy.deepcopy(json.loads(content))
    *parents, last = path.split(".")
    place = event
    for name in parents:
        place = place[name]
    place[last] = value
    return json.dumps(event).encode()


def post(client: Client, device: DeviceBox, body: bytes | Sequence[bytes]) -> Response:
    """Sends a batch: events, or a body as it is."""
    content = body if isinstance(body, bytes) else encode_batch(body)
    headers = {**device.headers, "Content-Type": BATCH_MEDIA_TYPE}
    return client.post("/api/v1/events", content=content, headers=headers)


def send(client: Client, device: DeviceBox, contents: Sequence[bytes]) -> list[dict[str, Any]]:
    """Sends events and returns their results."""
    answer = post(client, device, contents)
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    assert [result["index"] for result in results] == list(range(len(contents)))
    return results


def statuses(results: Sequence[dict[str, Any]]) -> list[str]:
    """The statuses alone."""
    return [result["status"] for result in results]
