"""Intake: an accepted hazard event becomes a new alert, joins an open one, or brings its episode up to date.

At most one alert with a fingerprint is open. That is not checked and hoped for but guaranteed by a unique partial index
and INSERT … ON CONFLICT DO NOTHING: `SELECT … FOR UPDATE` on a row that does not exist yet locks nothing (measured for
the design: 8 writers doubled 176 of 300 keys with it, none with the index).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from contract.details import SignalDetail, StructureDetail
from contract.events import HazardEvent, Phase, Severity, Tier
from contract.geometry import Location, distance_m
from contract.ids import uuid7
from server import audit
from server.alerts.history import Action, note
from server.alerts.model import SEVERITY_RANKS, AlertState
from server.alerts.rows import (
    AlertRow,
    announce,
    get_row,
    is_open,
    refresh_places,
    scopes_seeing,
    write_places,
)
from server.alerts.tables import IS_OPEN_SQL, alert_places, alerts, episodes
from server.evidence.schemas import EvidenceState
from server.evidence.tables import evidence_files, evidence_links
from server.routing.context import RoutingContext
from server.routing.model import Route

SNAPSHOT_KIND = "snapshot"
STRUCTURE = "illegal_structure"
_ATTEMPTS = 5
"""How often an insert may meet an open alert that is closed before we can join it. Once is already rare."""


_EPISODE_COLUMNS = (
    "source_id",
    "source_name",
    "phase",
    "revision",
    "severity",
    "tier",
    "confidence",
    "started_at",
    "observed_at",
    "ended_at",
    "location",
    "detail",
    "received_at",
    "demoted",
    "stale",
    "repeat_of",
    "quiet_repeats",
    "repaired_at",
    "producer",
)
_FOLLOWING = (
    "observed_at",
    "ended_at",
    "phase",
    "episodes",
    "detail",
    "received_at",
    "snapshot_sha256",
    "severity",
    "severity_rank",
    "tier",
    "confidence",
    "location",
    "demoted",
    "stale",
    "repaired_at",
)
"""Columns of an alert that follow its episodes."""

# Built once: building a statement costs more than SQLite needs to run it.
_THIS_EPISODE = (episodes.c.device_id == bindparam("b_device")) & (episodes.c.episode_id == bindparam("b_episode"))
_EPISODE = select(episodes.c.alert_id, episodes.c.revision).where(_THIS_EPISODE)
_UPDATE_EPISODE = update(episodes).where(_THIS_EPISODE).values({name: bindparam(name) for name in _EPISODE_COLUMNS})
_EPISODES_OF = select(episodes).where(episodes.c.alert_id == bindparam("b_alert"))
_OPEN_ALERT = (
    select(alerts).where(alerts.c.fingerprint == bindparam("b_fingerprint"), text(IS_OPEN_SQL)).with_for_update()
)
_INSERT_ALERT = {
    dialect: insert(alerts)
    .on_conflict_do_nothing(index_elements=["fingerprint"], index_where=text(IS_OPEN_SQL))
    .returning(*alerts.c)
    for dialect, insert in (("sqlite", sqlite.insert), ("postgresql", postgresql.insert))
}
_FOLLOW = (
    update(alerts)
    .where(alerts.c.id == bindparam("b_alert"))
    .values({name: bindparam(name) for name in _FOLLOWING})
    .returning(*alerts.c)
)


@dataclass(frozen=True, slots=True)
class IntakeResult:
    """What an event did. `stale`: a higher revision of its episode was here before, and it changed nothing."""

    stale: bool
    alert_id: str
    created: bool


class IntakeRaceError(RuntimeError):
    """An alert kept opening and closing under our hands; the transaction should be tried again."""


def fingerprint(
    device_id: str, source_id: str, hazard: str, canary_id: str | None = None, thing: str | None = None
) -> str:
    """What makes two episodes the same alert while it is open: hazard, device and source.

    A source is a camera or a sensor with one place, so this is "one hazard at one place". Correlation between sources
    will widen it. Survey flights see a whole district: what they find is told apart by `thing`, the name that it has in
    every flight. Each drill is an alert of its own: nothing real may join it, nor it anything real.
    """
    parts = [device_id, source_id, hazard]
    if canary_id is not None or thing is not None:
        parts.append(canary_id or "")
    if thing is not None:
        parts.append(thing)
    return hashlib.sha256("\x00".join(parts).encode()).hexdigest()


def take_in(connection: Connection, context: RoutingContext, event: HazardEvent, received_at: datetime) -> IntakeResult:
    """Brings an event into the alerts, in the caller's write transaction. Idempotent by (device, episode, revision).

    Raises:
        IntakeRaceError: nothing was decided; try the transaction again.
    """
    known = _find_episode(connection, event.device_id, event.data.episode_id)
    if known is None:
        return _first_event(connection, context, event, received_at)
    if event.data.revision <= known.revision:
        return IntakeResult(stale=True, alert_id=known.alert_id, created=False)
    key = {"b_device": event.device_id, "b_episode": event.data.episode_id}
    connection.execute(_UPDATE_EPISODE, {**key, **_episode_values(event, received_at)})
    _bring_up_to_date(connection, context, known.alert_id, event, received_at)
    return IntakeResult(stale=False, alert_id=known.alert_id, created=False)


def _first_event(
    connection: Connection, context: RoutingContext, event: HazardEvent, received_at: datetime
) -> IntakeResult:
    """The first event of an episode to arrive (not always its first revision) opens an alert or joins the open one."""
    data = event.data
    canary_id = data.canary.id if data.canary else None
    key = fingerprint(event.device_id, data.source.id, data.hazard, canary_id, _thing(event))
    for _attempt in range(_ATTEMPTS):
        joined = _open_alert_with(connection, key)
        if joined is not None:
            _insert_episode(connection, joined.id, event, received_at)
            _bring_up_to_date(connection, context, joined.id, event, received_at)
            return IntakeResult(stale=False, alert_id=joined.id, created=False)
        route = context.route(data.hazard, data.location, received_at)
        row = insert_open_alert(connection, _alert_values(context, route, key, event, received_at))
        if row is not None:
            _insert_episode(connection, row.id, event, received_at)
            _finish_new(connection, _with_snapshot(connection, row, event), event)
            return IntakeResult(stale=False, alert_id=row.id, created=True)
    raise IntakeRaceError(
        f"the open alert of {event.device_id}/{data.source.id}/{data.hazard} changed {_ATTEMPTS} times"
    )


def insert_open_alert(connection: Connection, values: dict[str, Any]) -> AlertRow | None:
    """Inserts an open alert; None if one with its fingerprint is open already."""
    statement = _INSERT_ALERT[connection.dialect.name]
    return connection.execute(statement, values).one_or_none()


def _open_alert_with(connection: Connection, key: str) -> AlertRow | None:
    return connection.execute(_OPEN_ALERT, {"b_fingerprint": key}).one_or_none()


def _find_episode(connection: Connection, device_id: str, episode_id: str) -> Any:
    return connection.execute(_EPISODE, {"b_device": device_id, "b_episode": episode_id}).one_or_none()


def _insert_episode(connection: Connection, alert_id: str, event: HazardEvent, received_at: datetime) -> None:
    connection.execute(
        insert(episodes),
        {
            "device_id": event.device_id,
            "episode_id": event.data.episode_id,
            "alert_id": alert_id,
            "hazard": event.data.hazard,
            **_episode_values(event, received_at),
        },
    )


def _episode_values(event: HazardEvent, received_at: datetime) -> dict[str, Any]:
    data = event.data
    return {
        "source_id": data.source.id,
        "source_name": data.source.name or data.source.id,
        "phase": data.phase.value,
        "revision": data.revision,
        "severity": data.severity.value,
        "tier": data.tier.value,
        "confidence": data.confidence,
        "started_at": data.started_at,
        "observed_at": data.observed_at,
        "ended_at": data.ended_at,
        "location": data.location.as_json(),
        "detail": data.detail,
        "received_at": received_at,
        "demoted": data.demoted,
        "stale": bool(data.stale),
        "repeat_of": data.repeat_of,
        "quiet_repeats": data.quiet_repeats,
        "repaired_at": _repaired_at(event),
        "producer": data.producer.as_json(),
    }


def _thing(event: HazardEvent) -> str | None:
    """Which of a flight's many things it is about; None where the source itself says that."""
    detail = event.data.typed_detail() if event.data.hazard == STRUCTURE else None
    return detail.structure if isinstance(detail, StructureDetail) else None


def _repaired_at(event: HazardEvent) -> datetime | None:
    """When what was out of order worked again, or what had to go was gone, if the event says so: never outside of the
    time that it tells of."""
    data = event.data
    if data.phase is not Phase.CLEARED:
        return None
    match data.typed_detail():
        case SignalDetail(repaired_at=repaired_at) | StructureDetail(removed_at=repaired_at):
            pass
        case _:
            return None
    return repaired_at and min(max(repaired_at, data.started_at), data.observed_at)


def _alert_values(
    context: RoutingContext, route: Route, key: str, event: HazardEvent, received_at: datetime
) -> dict[str, Any]:
    data = event.data
    return {
        "id": uuid7(received_at),
        "version": 1,
        "state": AlertState.QUEUED.value,
        "fingerprint": key,
        "hazard": data.hazard,
        "severity": data.severity.value,
        "severity_rank": SEVERITY_RANKS[data.severity],
        "tier": data.tier.value,
        "confidence": data.confidence,
        **_route_values(context, route),
        "location": data.location.as_json(),
        "device_id": event.device_id,
        "source_id": data.source.id,
        "source_name": data.source.name or data.source.id,
        # A clock that runs ahead must not keep an alert on top of every list.
        "opened_at": min(data.started_at, received_at),
        "observed_at": data.observed_at,
        "ended_at": data.ended_at,
        "phase": data.phase.value,
        "episodes": 1,
        "detail": data.detail,
        "created_at": received_at,
        "received_at": received_at,
        "canary": data.canary and {**data.canary.as_json(), "opened_at": data.observed_at.isoformat()},
        "demoted": data.demoted if data.tier is Tier.REVIEW else None,
        "stale": bool(data.stale),
        "repaired_at": _repaired_at(event),
    }


def _route_values(context: RoutingContext, route: Route) -> dict[str, Any]:
    matter = context.lists.matters.get(route.matter) if route.matter is not None else None
    name_zh, name_en = context.queue_names(route.queue)
    return {
        "matter": matter
        and {
            "edition": matter.key.edition,
            "kind": matter.key.kind.value,
            "code": matter.key.code,
            "name_zh": matter.name_zh,
            "name_en": matter.name_en,
        },
        "queue": route.queue,
        "queue_name_zh": name_zh,
        "queue_name_en": name_en,
        "unit": route.unit
        and {
            "code": route.unit.code,
            "name_zh": route.unit.name_zh,
            "name_en": route.unit.name_en,
            "co_units": list(route.co_units),
        },
        "border_queues": list(route.border_queues),
        "scopes": scopes_seeing(context, (route.queue, *route.border_queues)),
        "explanation": [step.as_json() for step in route.steps],
        "list_version": route.list_version,
        "grid_version": route.grid_version,
    }


def _finish_new(connection: Connection, row: AlertRow, event: HazardEvent) -> None:
    write_places(connection, row)
    who = f"device {event.device_id}"
    names = {"queue_zh": row.queue_name_zh, "queue_en": row.queue_name_en}
    note(connection, row.id, row.created_at, who, Action.OPENED, **names)
    if event.data.phase is Phase.CLEARED:
        _tell_end(connection, row, who, row.created_at)
    shown = {"hazard": row.hazard, "queue": row.queue, "source": row.source_id, "episode": event.data.episode_id}
    audit.append(
        connection,
        actor=f"device:{event.device_id}",
        action="alert.open",
        subject_kind="alert",
        subject_id=row.id,
        after=shown,
    )
    announce(connection, row)


def _bring_up_to_date(
    connection: Connection, context: RoutingContext, alert_id: str, event: HazardEvent, received_at: datetime
) -> None:
    """Makes the alert what its episodes say. A closed one keeps its severity and place: those were judged."""
    before = get_row(connection, alert_id)
    assert before is not None  # the episode refers to it
    rows = connection.execute(_EPISODES_OF, {"b_alert": alert_id}).all()
    newest = max(rows, key=lambda row: (row.observed_at, row.received_at, row.revision))
    unfinished = [row for row in rows if row.phase != Phase.CLEARED]
    values = {column: getattr(before, column) for column in _FOLLOWING}
    values |= {
        "observed_at": newest.observed_at,
        "ended_at": None if unfinished else max(row.ended_at or row.observed_at for row in rows),
        "phase": newest.phase if len(unfinished) in {0, len(rows)} else Phase.UPDATED.value,
        "episodes": len(rows),
        "detail": newest.detail,
        "received_at": received_at,
        "repaired_at": None if unfinished else _all_repaired_at(rows),
    }
    if _lists_snapshot(event):
        values["snapshot_sha256"] = connection.execute(snapshot_query(alert_id)).scalar_one_or_none()
    moved: Route | None = None
    if is_open(before.state):
        values |= _worst_of(unfinished or rows)
        if _moved(before, newest) and before.state == AlertState.QUEUED:
            values["location"] = newest.location
            moved = _new_route(context, before, newest, received_at)
    after = connection.execute(_FOLLOW, {"b_alert": alert_id, **values}).one()
    if moved is not None:
        after = _move(connection, context, after, moved)
    else:
        refresh_places(connection, before, after)
    _tell(connection, before, after, event, received_at)
    announce(connection, after, also=before.scopes)


def _lists_snapshot(event: HazardEvent) -> bool:
    return any(item.kind == SNAPSHOT_KIND for item in event.data.evidence)


def _with_snapshot(connection: Connection, row: AlertRow, event: HazardEvent) -> AlertRow:
    """The first event to arrive is rarely the one that lists the files, and the files rarely are here before it."""
    if not _lists_snapshot(event):
        return row
    snapshot = snapshot_query(row.id).scalar_subquery()
    statement = update(alerts).where(alerts.c.id == row.id).values(snapshot_sha256=snapshot)
    return connection.execute(statement.returning(*alerts.c)).one()


def _new_route(context: RoutingContext, before: AlertRow, newest: Any, at: datetime) -> Route | None:
    """Where a queued alert belongs after its position changed; None if that is where it is."""
    route = context.route(before.hazard, Location.model_validate(newest.location), at)
    same = (route.queue, list(route.border_queues)) == (before.queue, before.border_queues)
    return None if same else route


def _move(connection: Connection, context: RoutingContext, row: AlertRow, route: Route) -> AlertRow:
    values = {**_route_values(context, route), "version": row.version + 1}
    after = connection.execute(update(alerts).where(alerts.c.id == row.id).values(values).returning(*alerts.c)).one()
    connection.execute(delete(alert_places).where(alert_places.c.alert_id == row.id))
    write_places(connection, after)
    return after


def _worst_of(rows: Any) -> dict[str, Any]:
    worst = max((Severity(row.severity) for row in rows), key=lambda severity: SEVERITY_RANKS[severity])
    is_alarm = any(row.tier == Tier.ALARM for row in rows)
    return {
        "severity": worst.value,
        "severity_rank": SEVERITY_RANKS[worst],
        "tier": (Tier.ALARM if is_alarm else Tier.REVIEW).value,
        "confidence": max(row.confidence for row in rows),
        # One episode within the budget makes it an alarm; then nothing of it is withheld.
        "demoted": None if is_alarm else next((row.demoted for row in rows if row.demoted is not None), None),
        "stale": any(row.stale for row in rows),
    }


def _all_repaired_at(rows: Any) -> datetime | None:
    """When the last of them worked again; None if one ended in another way, as a head that is no longer watched."""
    moments = [row.repaired_at for row in rows]
    return None if None in moments else max(moments)


def _moved(before: AlertRow, newest: Any) -> bool:
    """Whether the position changed by more than what was known of it, or became twice as exact."""
    if before.location == newest.location:
        return False
    old, new = Location.model_validate(before.location), Location.model_validate(newest.location)
    return distance_m(old.point, new.point) > old.accuracy_m or new.accuracy_m <= old.accuracy_m / 2


def _tell(connection: Connection, before: AlertRow, after: AlertRow, event: HazardEvent, received_at: datetime) -> None:
    who = f"device {event.device_id}"
    if after.episodes > before.episodes:
        note(connection, after.id, received_at, who, Action.JOINED, episodes=after.episodes)
    if after.severity != before.severity:
        change = {"before": before.severity, "after": after.severity}
        note(connection, after.id, received_at, who, Action.RAISED, **change)
    if after.queue != before.queue:
        names = {"queue_zh": after.queue_name_zh, "queue_en": after.queue_name_en}
        note(connection, after.id, received_at, who, Action.REROUTED, **names)
    if after.phase == Phase.CLEARED != before.phase:
        _tell_end(connection, after, who, received_at)


def _tell_end(connection: Connection, row: AlertRow, who: str, at: datetime) -> None:
    if row.repaired_at is None:
        note(connection, row.id, at, who, Action.CLEARED)
        return
    # Never below zero: `opened_at` is the device's time, but no later than the server's.
    seconds = max(0, round((row.repaired_at - row.opened_at).total_seconds()))
    over = Action.REMOVED if row.hazard == STRUCTURE else Action.REPAIRED
    note(connection, row.id, at, who, over, seconds=seconds)


def snapshot_query(alert_id: str) -> Select[str]:
    """The newest whole snapshot among an alert's evidence."""
    return (
        select(evidence_links.c.sha256)
        .join(evidence_files, evidence_files.c.sha256 == evidence_links.c.sha256)
        .join(
            episodes,
            (episodes.c.device_id == evidence_links.c.device_id)
            & (episodes.c.episode_id == evidence_links.c.episode_id),
        )
        .where(
            episodes.c.alert_id == alert_id,
            evidence_links.c.kind == SNAPSHOT_KIND,
            evidence_files.c.state == EvidenceState.WHOLE.value,
        )
        .order_by(evidence_links.c.captured_at.desc(), evidence_links.c.sha256)
        .limit(1)
    )
