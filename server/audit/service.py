"""The audit log: who did what to what, when. Each row holds the hash of the one before it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from contract.canonical import canonical_bytes, sha256_hex
from server.audit.tables import audit_log

GENESIS_SHA256 = "0" * 64
_READ_ROWS = 1_000
_LAST = select(audit_log.c.seq, audit_log.c.sha256).order_by(audit_log.c.seq.desc()).limit(1)


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The result of a walk over the log: how many rows fit, the hash of the last, and the first that does not."""

    rows: int
    head_sha256: str
    broken_seq: int | None = None
    message: str | None = None

    @property
    def ok(self) -> bool:
        return self.broken_seq is None


def append(
    connection: Connection,
    *,
    actor: str,
    action: str,
    subject_kind: str,
    subject_id: str,
    before: Any = None,
    after: Any = None,
    request_id: str | None = None,
) -> int:
    """Writes a row in the caller's write transaction: the act and its record stand or fall together.

    `actor` is a name as text, which outlives accounts: an account's username, `device:ID`, or `system`.
    `before` and `after` are JSON values, or None where there is nothing to say. Returns the row's seq.
    """
    last = connection.execute(_LAST).one_or_none()
    row: dict[str, Any] = {
        "seq": 1 if last is None else last.seq + 1,
        "at": datetime.now(UTC),
        "actor": actor,
        "action": action,
        "subject_kind": subject_kind,
        "subject_id": subject_id,
        "before": None if before is None else canonical_bytes(before).decode(),
        "after": None if after is None else canonical_bytes(after).decode(),
        "request_id": request_id,
        "prev_sha256": GENESIS_SHA256 if last is None else last.sha256,
    }
    connection.execute(insert(audit_log), {**row, "sha256": _row_sha256(row)})
    return int(row["seq"])


def verify(connection: Connection) -> AuditReport:
    """Walks the whole log and names the first broken link.

    Rows cut off at the end leave no trace in the log itself: compare `rows` and `head_sha256` with a note kept
    elsewhere to see that.
    """
    seq, head = 0, GENESIS_SHA256
    for row in _rows(connection):
        if row.seq != seq + 1:
            return AuditReport(seq, head, seq + 1, f"entry {seq + 1} is missing: entry {row.seq} follows entry {seq}")
        if row.prev_sha256 != head:
            return AuditReport(seq, head, row.seq, f"entry {row.seq} was not written after entry {seq} as it is now")
        if _row_sha256(row._asdict()) != row.sha256:
            return AuditReport(seq, head, row.seq, f"entry {row.seq} was altered: its hash does not fit its content")
        seq, head = row.seq, row.sha256
    return AuditReport(seq, head)


def list_entries(
    connection: Connection, *, subject: str | None, after: int, limit: int, newest_first: bool = False
) -> list[dict[str, Any]]:
    """Entries behind number `after` in the order asked for; 0 is its start. `subject` is `kind` or `kind:id`."""
    query = select(audit_log).limit(limit)
    if newest_first:
        query = query.order_by(audit_log.c.seq.desc())
        query = query.where(audit_log.c.seq < after) if after else query
    else:
        query = query.order_by(audit_log.c.seq).where(audit_log.c.seq > after)
    if subject is not None:
        kind, _, subject_id = subject.partition(":")
        query = query.where(audit_log.c.subject_kind == kind)
        if subject_id:
            query = query.where(audit_log.c.subject_id == subject_id)
    entries = []
    for row in connection.execute(query):
        entry = row._asdict()
        for member in ("before", "after"):
            entry[member] = None if entry[member] is None else json.loads(entry[member])
        entries.append(entry)
    return entries


def _rows(connection: Connection) -> Iterator[Row[*tuple[Any, ...]]]:
    """All rows in order, a page at a time: the log outgrows memory."""
    seq = -1
    while True:
        query = select(audit_log).where(audit_log.c.seq > seq).order_by(audit_log.c.seq).limit(_READ_ROWS)
        page = connection.execute(query).all()
        yield from page
        if len(page) < _READ_ROWS:
            return
        seq = page[-1].seq


def _row_sha256(row: dict[str, Any]) -> str:
    hashed = {name: value for name, value in row.items() if name not in ("sha256", "at")}
    return sha256_hex(canonical_bytes({**hashed, "at": row["at"].astimezone(UTC).isoformat(timespec="microseconds")}))
