"""What is written inside one transaction of the outbox: events behind the chain's end, files, counters, reports."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from contract.chain import GENESIS, ChainPosition
from contract.events import Event, EvidenceDroppedData, HazardEvent, event_of
from contract.evidence import DroppedFile, DropReason
from contract.ids import uuid7
from edge.outbox.schema import SEVERITY_RANK, TIER_RANK, kind_rank
from edge.outbox.sink import linked_event

UPDATES_WITHHELD = "updates_withheld"
DROPPED_FILES = "dropped_files"
DROPPED_BYTES = "dropped_bytes"


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file of evidence that lies here. `episode_id` is the first that listed it, or empty."""

    sha256: str
    kind: str
    bytes: int
    episode_id: str


def meta(connection: sqlite3.Connection, name: str) -> str | None:
    """A fact about the device."""
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def set_meta(connection: sqlite3.Connection, name: str, value: str) -> None:
    """Keeps a fact about the device."""
    connection.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", (name, value))


def count_of(connection: sqlite3.Connection, name: str) -> int:
    """A counter's value."""
    return int(meta(connection, name) or 0)


def count_up(connection: sqlite3.Connection, name: str, by: int) -> int:
    """Raises a counter; its new value."""
    value = count_of(connection, name) + by
    set_meta(connection, name, str(value))
    return value


def chain_position(connection: sqlite3.Connection) -> ChainPosition:
    """Where the chain ends."""
    seq, sha256 = meta(connection, "chain_seq"), meta(connection, "chain_sha256")
    return GENESIS if seq is None or sha256 is None else ChainPosition(int(seq), sha256)


def append_events(connection: sqlite3.Connection, events: Sequence[Event]) -> None:
    """Writes events behind the chain's end, and what they list.

    Raises:
        CommitError: an event is too large or has no canonical form.
    """
    position = chain_position(connection)
    for event in events:
        linked = linked_event(event, position)
        position = linked.position
        connection.execute(
            "INSERT INTO events (seq, event_id, type, subject, observed_at, content) VALUES (?, ?, ?, ?, ?, ?)",
            (position.seq, event.id, event.type, event.subject or "", event.time.isoformat(), linked.content),
        )
        if isinstance(event, HazardEvent) and event.data.evidence:
            note_evidence(connection, event, position.seq)
            connection.executemany(
                "INSERT OR IGNORE INTO mentions VALUES (?, ?)",
                [(position.seq, item.sha256) for item in event.data.evidence],
            )
    set_meta(connection, "chain_seq", str(position.seq))
    set_meta(connection, "chain_sha256", position.sha256)


def note_evidence(connection: sqlite3.Connection, event: HazardEvent, seq: int) -> None:
    """Makes an event's files known, and worth as much as the gravest episode that lists them."""
    data = event.data
    worth = (SEVERITY_RANK[data.severity], TIER_RANK[data.tier])
    connection.executemany(
        "INSERT INTO evidence (sha256, kind, bytes, added, severity, tier, episode_id, kind_rank)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
        " SET severity = max(severity, excluded.severity), tier = max(tier, excluded.tier)"
        " WHERE excluded.severity > severity OR excluded.tier > tier",
        [
            (item.sha256, item.kind, item.bytes, seq, *worth, data.episode_id, kind_rank(item.kind))
            for item in data.evidence
        ],
    )


def drop(connection: sqlite3.Connection, file: KeptFile, problem: str) -> bool:
    """Marks a file as given up. False: the server has got it, or it was given up before."""
    cursor = connection.execute(
        "UPDATE evidence SET state = 'dropped', problem = ?, settled_at = ?"
        " WHERE sha256 = ? AND state IN ('waiting', 'announced', 'failed')",
        (problem, datetime.now(UTC).isoformat(), file.sha256),
    )
    return cursor.rowcount > 0


def drop_report(connection: sqlite3.Connection, device_id: str, files: Sequence[KeptFile], reason: DropReason) -> Event:
    """The event about dropped files and withheld updates; adds them to the totals."""
    size = sum(file.bytes for file in files)
    withheld = count_of(connection, UPDATES_WITHHELD)
    set_meta(connection, UPDATES_WITHHELD, "0")
    data = EvidenceDroppedData(
        reason=reason.value,
        items=tuple(
            DroppedFile(sha256=file.sha256, kind=file.kind, bytes=file.bytes, episode_id=file.episode_id or None)
            for file in files
        ),
        files=len(files),
        bytes=size,
        total_files=count_up(connection, DROPPED_FILES, len(files)),
        total_bytes=count_up(connection, DROPPED_BYTES, size),
        updates_withheld=withheld,
    )
    now = datetime.now(UTC)
    return event_of(data, event_id=uuid7(now), device_id=device_id, time=now)
