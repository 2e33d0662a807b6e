"""Drills: closed by the server when nobody judged them."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import Connection, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from server import audit
from server.alerts.history import Action, note
from server.alerts.model import RejectReason, VerdictKind
from server.alerts.rows import announce, refresh_places
from server.alerts.tables import IS_OPEN_CANARY_SQL, alerts
from server.db import Database, DatabaseBusyError

_log = structlog.get_logger(__name__)

ACTOR = "system"
_AT_ONCE = 200
"""Closed in one transaction: a fleet whose drills come in the same minute must not hold up the ingest."""
LOOK_SECONDS = 15.0


def close_due(connection: Connection, now: datetime, after: timedelta) -> int:
    """Closes open drills that came at least `after` ago, in the caller's write transaction; returns how many.

    They are rejected with the reason `test`, in the server's own name: their time is over, whoever may hold them.
    """
    query = (
        select(alerts)
        .where(text(IS_OPEN_CANARY_SQL), alerts.c.created_at <= now - after)
        .order_by(alerts.c.created_at)
        .limit(_AT_ONCE)
    )
    rows = connection.execute(query).all()
    for before in rows:
        verdict = {
            "verdict": VerdictKind.REJECTED.value,
            "reason": RejectReason.TEST.value,
            "comment": None,
            "by": ACTOR,
            "at": now.isoformat(),
        }
        values = {
            "state": VerdictKind.REJECTED.value,
            "verdict": verdict,
            "claimed_by_id": None,
            "claimed_by": None,
            "claim_expires_at": None,
            "version": before.version + 1,
        }
        changed = update(alerts).where(alerts.c.id == before.id).values(values).returning(*alerts.c)
        after_row = connection.execute(changed).one()
        refresh_places(connection, before, after_row)
        note(connection, before.id, now, ACTOR, Action.CANARY_CLOSED)
        audit.append(
            connection,
            actor=ACTOR,
            action="alert.close_canary",
            subject_kind="alert",
            subject_id=before.id,
            before={"state": before.state},
            after={"state": after_row.state},
        )
        announce(connection, after_row)
    return len(rows)


class CanaryCloser:
    """A thread that closes drills when their time is over."""

    def __init__(self, database: Database, after: timedelta, look_seconds: float = LOOK_SECONDS) -> None:
        self._database = database
        self._after = after
        self._look_seconds = look_seconds
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="canary-closer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends soon; what is left is closed after the next start."""
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ending.wait(self._look_seconds):
            try:
                self._close()
            except (SQLAlchemyError, DatabaseBusyError) as error:
                _log.warning("canaries_not_closed", error=repr(error))

    def _close(self) -> None:
        now = datetime.now(UTC)
        with self._database.read() as connection:
            # Looked at first without the write lock: most of the time there is nothing to close.
            due = connection.execute(
                select(alerts.c.id).where(text(IS_OPEN_CANARY_SQL), alerts.c.created_at <= now - self._after).limit(1)
            ).first()
        if due is None:
            return
        with self._database.write() as connection:
            closed = close_due(connection, now, self._after)
        _log.info("canaries_closed", count=closed)
