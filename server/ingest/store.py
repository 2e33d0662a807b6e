"""What becomes of events in the database: one transaction for a group of batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import InterfaceError, OperationalError

from contract.batch import BatchResult, ItemResult, ItemStatus, Problem
from contract.events import ChainHeadEvent, EvidenceDroppedEvent, HazardEvent
from server import audit
from server.alerts.intake import take_in
from server.db import insert_into
from server.evidence.announcements import Announcement, announce
from server.evidence.drops import note_drops
from server.fleet.sightings import Sighting, note_devices, note_sightings
from server.ingest import dead_letters
from server.ingest.dead_letters import DeadLetterLimits
from server.ingest.parsing import ReadEvent, Refusal
from server.ingest.tables import chain_heads, event_conflicts, events
from server.routing.context import RoutingContext

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one request brought."""

    device_id: str
    received_at: datetime
    items: Sequence[ReadEvent | Refusal]


_Place = tuple[int, int]
"""An item's place: number of its batch in the group, index in the batch."""
_Key = tuple[str, str]
"""(device id, event id): what makes an event itself."""


@dataclass(frozen=True, slots=True)
class _New:
    """An event that is not here yet."""

    place: _Place
    batch: Batch
    item: ReadEvent


class ItemFailedError(Exception):
    """The group failed over one of its events, not over the database: take them in one by one."""


def store(
    connection: Connection,
    context: RoutingContext,
    batches: Sequence[Batch],
    limits: DeadLetterLimits,
    *,
    one_by_one: bool = False,
) -> list[BatchResult]:
    """Takes batches in, in the caller's write transaction. The results hold once that has committed.

    All events go in at once, which is quick. When that fails over one of them the caller rolls back and asks again
    with `one_by_one`: then each has a savepoint of its own, and the culprit becomes a dead letter.

    Raises:
        ItemFailedError: all at once did not go.
        sqlalchemy.exc.OperationalError: the database is locked, full or away; nothing holds.
    """
    new, outcomes = _sort_out(connection, batches)
    failures: dict[_Place, Refusal] = {}
    for portion in [[entry] for entry in new] if one_by_one else [new]:
        try:
            with connection.begin_nested() if one_by_one else nullcontext():
                outcomes |= _take_in_all(connection, context, portion)
        except Exception as error:
            if _is_trouble_of_the_database(error):
                raise
            if not one_by_one:
                raise ItemFailedError from error
            entry = portion[0]
            _log.exception("event_failed", device=entry.batch.device_id, event_id=entry.item.event.id)
            failures[entry.place] = _failure(entry.item)
    for number, batch in enumerate(batches):
        refusals = [item for item in batch.items if isinstance(item, Refusal)]
        refusals += [failure for place, failure in failures.items() if place[0] == number]
        if refusals:
            dead_letters.keep(connection, batch.device_id, refusals, limits, batch.received_at)
    note_devices(connection, ((batch.device_id, batch.received_at) for batch in batches))
    return [_answer(number, batch, outcomes, failures) for number, batch in enumerate(batches)]


def _sort_out(connection: Connection, batches: Sequence[Batch]) -> tuple[list[_New], dict[_Place, ItemStatus]]:
    """The events that are new, in their order, and the places of those that are not."""
    known = _known_hashes(connection, batches)
    new: list[_New] = []
    outcomes: dict[_Place, ItemStatus] = {}
    for number, batch in enumerate(batches):
        for item in batch.items:
            if isinstance(item, Refusal):
                continue
            key, place = (batch.device_id, item.event.id), (number, item.index)
            if key not in known:
                known[key] = item.sha256
                new.append(_New(place, batch, item))
                continue
            outcomes[place] = ItemStatus.DUPLICATE
            if known[key] != item.sha256:
                _note_conflict(connection, batch, item, known[key])
    return new, outcomes


def _known_hashes(connection: Connection, batches: Sequence[Batch]) -> dict[_Key, str]:
    """Hashes of the events of these batches that are here already."""
    ids: dict[str, list[str]] = {}
    for batch in batches:
        ids.setdefault(batch.device_id, []).extend(item.event.id for item in batch.items if isinstance(item, ReadEvent))
    known: dict[_Key, str] = {}
    for device_id, event_ids in ids.items():
        for table, hashed in ((events, events.c.sha256), (chain_heads, chain_heads.c.content_sha256)):
            query = select(table.c.event_id, hashed).where(
                table.c.device_id == device_id, table.c.event_id.in_(event_ids)
            )
            known |= {(device_id, event_id): sha256 for event_id, sha256 in connection.execute(query)}
    return known


def _note_conflict(connection: Connection, batch: Batch, item: ReadEvent, kept_sha256: str) -> None:
    """The same id with other bytes: the first stands. Audited once for each event, counted after that."""
    table = event_conflicts
    row = {
        "device_id": batch.device_id,
        "event_id": item.event.id,
        "kept_sha256": kept_sha256,
        "other_sha256": item.sha256,
        "count": 1,
        "first_at": batch.received_at,
        "last_at": batch.received_at,
    }
    again = {"other_sha256": item.sha256, "count": table.c.count + 1, "last_at": batch.received_at}
    statement = insert_into(connection, table).values(row)
    statement = statement.on_conflict_do_update(index_elements=["device_id", "event_id"], set_=again)
    count = connection.execute(statement.returning(table.c.count)).scalar_one()
    if count > 1:
        return
    audit.append(
        connection,
        actor=f"device:{batch.device_id}",
        action="event.conflict",
        subject_kind="event",
        subject_id=item.event.id,
        before={"sha256": kept_sha256},
        after={"sha256": item.sha256},
    )


def _take_in_all(connection: Connection, context: RoutingContext, new: Sequence[_New]) -> dict[_Place, ItemStatus]:
    """Stores events and heads, and lets the rest of the server know of them."""
    heads = [_head_row(entry, entry.item.event) for entry in new if isinstance(entry.item.event, ChainHeadEvent)]
    if heads:
        connection.execute(insert(chain_heads), heads)
    rows = [_event_row(entry) for entry in new if not isinstance(entry.item.event, ChainHeadEvent)]
    if rows:
        connection.execute(insert(events), rows)
    for received_at, announcements in _announcements(new):
        announce(connection, announcements, received_at)
    for entry in new:
        if isinstance(entry.item.event, EvidenceDroppedEvent):
            note_drops(connection, entry.batch.device_id, entry.item.event, entry.batch.received_at)
    note_sightings(connection, _sightings(new))
    outcomes = {}
    for entry in new:
        outcomes[entry.place] = ItemStatus.ACCEPTED
        event, batch = entry.item.event, entry.batch
        if isinstance(event, HazardEvent) and take_in(connection, context, event, batch.received_at).stale:
            outcomes[entry.place] = ItemStatus.STALE
            here = (events.c.device_id == batch.device_id) & (events.c.event_id == event.id)
            connection.execute(update(events).where(here).values(status=ItemStatus.STALE.value))
    return outcomes


def _event_row(entry: _New) -> dict[str, Any]:
    event = entry.item.event
    hazard = event.data if isinstance(event, HazardEvent) else None
    return {
        "device_id": entry.batch.device_id,
        "event_id": event.id,
        "type": event.type,
        "time": event.time,
        "received_at": entry.batch.received_at,
        "status": ItemStatus.ACCEPTED.value,
        "seq": entry.item.seq,
        "episode_id": None if hazard is None else hazard.episode_id,
        "revision": None if hazard is None else hazard.revision,
        "sha256": entry.item.sha256,
        "content": entry.item.content,
    }


def _head_row(entry: _New, event: ChainHeadEvent) -> dict[str, Any]:
    return {
        "device_id": entry.batch.device_id,
        "event_id": event.id,
        "seq": event.data.seq,
        "sha256": event.data.sha256,
        "signature": event.data.signature,
        "content_sha256": entry.item.sha256,
        "received_at": entry.batch.received_at,
    }


def _announcements(new: Sequence[_New]) -> Iterator[tuple[datetime, list[Announcement]]]:
    """What the events say of evidence, batch by batch."""
    by_time: dict[datetime, list[Announcement]] = {}
    for entry in new:
        event = entry.item.event
        if isinstance(event, HazardEvent) and event.data.evidence:
            by_time.setdefault(entry.batch.received_at, []).extend(
                Announcement(entry.batch.device_id, event.data.episode_id, item) for item in event.data.evidence
            )
    yield from by_time.items()


def _sightings(new: Sequence[_New]) -> Iterator[Sighting]:
    for entry in new:
        event = entry.item.event
        if not isinstance(event, ChainHeadEvent | EvidenceDroppedEvent):
            yield Sighting(entry.batch.device_id, event, entry.batch.received_at)


def _is_trouble_of_the_database(error: Exception) -> bool:
    """Locked, full, away: it would have hit any event. PostgreSQL's class 54 is the event's own: it is too much."""
    if isinstance(error, OperationalError):
        return not str(getattr(error.orig, "sqlstate", None) or "").startswith("54")
    return isinstance(error, InterfaceError)


def _failure(item: ReadEvent) -> Refusal:
    detail = "the server failed over this event and keeps it for an admin to replay; its log has the details"
    problem = Problem(title="Failure in the server", status=500, detail=detail)
    return Refusal(item.index, item.content, item.sha256, problem, item.event.id, item.seq)


def _answer(
    number: int, batch: Batch, outcomes: dict[_Place, ItemStatus], failures: dict[_Place, Refusal]
) -> BatchResult:
    results = []
    for item in batch.items:
        refusal = item if isinstance(item, Refusal) else failures.get((number, item.index))
        if refusal is not None:
            results.append(
                ItemResult(
                    index=item.index, id=refusal.event_id, status=ItemStatus.DEAD_LETTER, problem=refusal.problem
                )
            )
        else:
            assert isinstance(item, ReadEvent)
            results.append(ItemResult(index=item.index, id=item.event.id, status=outcomes[number, item.index]))
    return BatchResult(results=tuple(results))
