"""The change feed: a row is written in the transaction that makes the change, so that neither exists without the other.

Rows become visible in the order of their numbers, because write transactions run one at a time (server.db): a number
given out early and committed late would be missed by a reader at the end of the feed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, func, insert, select

from server.live.tables import live_feed

KEEP_FOR = timedelta(hours=24)
KEEP_ROWS = 100_000
"""What a browser may catch up on after an absence; beyond it, it reads its lists anew. About 150 MB at the most."""


@dataclass(frozen=True, slots=True)
class Change:
    """A row of the feed. `payload` is the alert's summary as JSON, `scopes` whom it concerns."""

    seq: int
    alert_id: str
    scopes: frozenset[str]
    payload: str


def append(connection: Connection, alert_id: str, scopes: Collection[str], payload: str) -> None:
    """Records a change in the caller's write transaction."""
    connection.execute(
        insert(live_feed),
        {"created_at": datetime.now(UTC), "alert_id": alert_id, "scopes": sorted(scopes), "payload": payload},
    )


def last_seq(connection: Connection) -> int:
    """The number of the newest change; 0 before the first."""
    return int(connection.execute(select(func.coalesce(func.max(live_feed.c.seq), 0))).scalar_one())


def first_seq(connection: Connection) -> int:
    """The number of the oldest change that is kept; 0 before the first."""
    return int(connection.execute(select(func.coalesce(func.min(live_feed.c.seq), 0))).scalar_one())


def changes_after(connection: Connection, seq: int, limit: int) -> Sequence[Change]:
    """The next changes in their order."""
    query = select(live_feed).where(live_feed.c.seq > seq).order_by(live_feed.c.seq).limit(limit)
    return [Change(row.seq, row.alert_id, frozenset(row.scopes), row.payload) for row in connection.execute(query)]


def prune(connection: Connection, now: datetime, *, keep_for: timedelta = KEEP_FOR, keep_rows: int = KEEP_ROWS) -> int:
    """Removes what is too old or too much, but never the newest row. Returns how many rows went."""
    last = last_seq(connection)
    old = (live_feed.c.created_at < now - keep_for) | (live_feed.c.seq <= last - keep_rows)
    return connection.execute(delete(live_feed).where(old, live_feed.c.seq < last)).rowcount
