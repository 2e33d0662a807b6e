"""What events tell of devices and sources: that they live, where they are, what they can see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, or_, update

from contract.events import HazardEvent, HealthEvent, HeartbeatEvent
from server.db import Json, insert_into
from server.fleet.tables import devices, sources


@dataclass(frozen=True, slots=True)
class Sighting:
    """A device's event, at its arrival."""

    device_id: str
    event: HazardEvent | HealthEvent | HeartbeatEvent
    received_at: datetime

    @property
    def time(self) -> datetime:
        """When it happened. A clock that runs ahead must not freeze what is known until its time has come."""
        return min(self.event.time, self.received_at)


def note_devices(connection: Connection, seen: Iterable[tuple[str, datetime]]) -> None:
    """Devices have spoken: (id, when)."""
    latest = dict(sorted(seen, key=lambda item: item[1]))
    if latest:
        statement = update(devices).where(devices.c.id == bindparam("device")).values(last_seen_at=bindparam("seen_at"))
        connection.execute(statement, [{"device": key, "seen_at": at} for key, at in latest.items()])


def note_sightings(connection: Connection, sightings: Iterable[Sighting]) -> None:
    """Brings devices and sources up to date; the newest event of each wins, in whatever order they come."""
    heartbeats: dict[str, Sighting] = {}
    names: dict[tuple[str, str], Sighting] = {}
    health: dict[tuple[str, str], Sighting] = {}
    for sighting in sorted(sightings, key=lambda item: item.time):
        match sighting.event:
            case HeartbeatEvent():
                heartbeats[sighting.device_id] = sighting
            case HealthEvent(data=data):
                names[sighting.device_id, data.source.id] = health[sighting.device_id, data.source.id] = sighting
            case HazardEvent(data=data):
                names[sighting.device_id, data.source.id] = sighting
    if heartbeats:
        connection.execute(_HEARTBEAT, [_heartbeat_values(item) for item in heartbeats.values()])
    if names:
        values = [_source_values(item) for item in names.values()]
        connection.execute(insert_into(connection, sources).on_conflict_do_nothing(), values)
        connection.execute(_NAME, [_name_values(value) for value in values])
    if health:
        connection.execute(_HEALTH, [_health_values(item) for item in health.values()])


_HEARTBEAT = (
    update(devices)
    .where(
        devices.c.id == bindparam("device"),
        or_(devices.c.heartbeat_at.is_(None), devices.c.heartbeat_at <= bindparam("beat_at")),
    )
    .values(heartbeat=bindparam("beat"), heartbeat_at=bindparam("beat_at"))
)
_SOURCE = (sources.c.device_id == bindparam("device")) & (sources.c.id == bindparam("source"))
_NAME = (
    update(sources)
    .where(_SOURCE, sources.c.last_event_time <= bindparam("at"))
    .values(
        kind=bindparam("new_kind"),
        name=bindparam("new_name"),
        last_seen_at=bindparam("seen_at"),
        last_event_time=bindparam("at"),
    )
)
_HEALTH = (
    update(sources)
    .where(_SOURCE, or_(sources.c.health_time.is_(None), sources.c.health_time <= bindparam("at")))
    .values(
        health_state=bindparam("state"),
        health_reason=bindparam("reason"),
        health_since=bindparam("since"),
        health_time=bindparam("at"),
        health_detail=bindparam("detail", type_=Json),
        location=func.coalesce(bindparam("place", type_=Json), sources.c.location),
    )
)


def _heartbeat_values(sighting: Sighting) -> dict[str, Any]:
    beat = sighting.event.data.model_dump(mode="json", exclude={"chain"}, exclude_none=True)
    return {"device": sighting.device_id, "beat": beat, "beat_at": sighting.time}


def _source_values(sighting: Sighting) -> dict[str, Any]:
    event = sighting.event
    assert not isinstance(event, HeartbeatEvent)
    location = event.data.location
    return {
        "device_id": sighting.device_id,
        "id": event.data.source.id,
        "kind": event.data.source.kind.value,
        "name": event.data.source.name,
        "location": None if location is None else location.as_json(),
        "first_seen_at": sighting.received_at,
        "last_seen_at": sighting.received_at,
        "last_event_time": sighting.time,
    }


def _name_values(value: dict[str, Any]) -> dict[str, Any]:
    return {
        "device": value["device_id"],
        "source": value["id"],
        "new_kind": value["kind"],
        "new_name": value["name"],
        "seen_at": value["last_seen_at"],
        "at": value["last_event_time"],
    }


def _health_values(sighting: Sighting) -> dict[str, Any]:
    event = sighting.event
    assert isinstance(event, HealthEvent)
    location = event.data.location
    return {
        "device": sighting.device_id,
        "source": event.data.source.id,
        "state": event.data.state,
        "reason": event.data.reason,
        "since": event.data.since,
        "at": sighting.time,
        "place": None if location is None else location.as_json(),
        "detail": event.data.model_dump(mode="json", include={"conditions", "unwatched", "sight"}),
    }
