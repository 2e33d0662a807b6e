"""Items that could not be taken in: kept for an admin to see, fix and replay, within limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from contract.batch import Problem
from server.db import insert_into
from server.ingest.parsing import Refusal
from server.ingest.tables import dead_letter_overflows, dead_letters


@dataclass(frozen=True, slots=True)
class DeadLetterLimits:
    """What is kept open of one device, so that a flood of garbage cannot fill the disk."""

    max_count: int
    max_bytes: int


def keep(
    connection: Connection,
    device_id: str,
    refusals: Sequence[Refusal],
    limits: DeadLetterLimits,
    received_at: datetime,
) -> None:
    """Keeps the refused items of a device. The same bytes are kept once; what is beyond the limits is counted."""
    known = _known(connection, device_id, [refusal.sha256 for refusal in refusals])
    count, size = _open_share(connection, device_id)
    kept: list[dict[str, Any]] = []
    dropped: list[Problem] = []
    for refusal in refusals:
        if refusal.sha256 in known:
            continue
        known.add(refusal.sha256)
        if count + 1 > limits.max_count or size + len(refusal.content) > limits.max_bytes:
            dropped.append(refusal.problem)
            continue
        count, size = count + 1, size + len(refusal.content)
        kept.append(_row(device_id, refusal, received_at))
    if kept:
        connection.execute(dead_letters.insert(), kept)
    if dropped:
        _count_overflow(connection, device_id, dropped, received_at)


def _known(connection: Connection, device_id: str, hashes: Sequence[str]) -> set[str]:
    query = select(dead_letters.c.sha256).where(
        dead_letters.c.device_id == device_id, dead_letters.c.sha256.in_(hashes)
    )
    return set(connection.execute(query).scalars())


def _open_share(connection: Connection, device_id: str) -> tuple[int, int]:
    query = select(func.count(), func.coalesce(func.sum(dead_letters.c.bytes), 0)).where(
        dead_letters.c.device_id == device_id, dead_letters.c.state == "open"
    )
    count, size = connection.execute(query).one()
    return int(count), int(size)


def _row(device_id: str, refusal: Refusal, received_at: datetime) -> dict[str, Any]:
    return {
        "device_id": device_id,
        "event_id": refusal.event_id,
        "seq": refusal.seq,
        "sha256": refusal.sha256,
        "content": refusal.content,
        "bytes": len(refusal.content),
        "problem": refusal.problem.model_dump(mode="json", exclude_none=True),
        "state": "open",
        "received_at": received_at,
    }


def _count_overflow(connection: Connection, device_id: str, problems: Sequence[Problem], at: datetime) -> None:
    last = problems[-1].model_dump(mode="json", exclude_none=True)
    table = dead_letter_overflows
    statement = insert_into(connection, table).values(
        device_id=device_id, count=len(problems), last_at=at, last_problem=last
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["device_id"],
            set_={"count": table.c.count + len(problems), "last_at": at, "last_problem": last},
        )
    )
