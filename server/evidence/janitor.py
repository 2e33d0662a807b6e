"""Clears away uploads that nobody goes on with. A device that comes back after all begins anew."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import update

from server.db import Database
from server.evidence.files import EvidenceFiles
from server.evidence.schemas import EvidenceState
from server.evidence.tables import evidence_files

_log = structlog.get_logger(__name__)

_EVERY_SECONDS = 3600.0


class EvidenceJanitor:
    """A thread that looks once an hour, and once at the start."""

    def __init__(self, database: Database, files: EvidenceFiles, older_than: timedelta) -> None:
        self._database = database
        self._files = files
        self._older_than = older_than
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="evidence-janitor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                removed = remove_abandoned(self._database, self._files, datetime.now(UTC) - self._older_than)
            except Exception:
                # Nothing depends on it now; the next round may fare better.
                _log.exception("abandoned_uploads_not_removed")
            else:
                if removed:
                    _log.info("abandoned_uploads_removed", count=removed)
            if self._closing.wait(_EVERY_SECONDS):
                return


def remove_abandoned(database: Database, files: EvidenceFiles, before: datetime) -> int:
    """Removes uploads that had no byte since `before`, and those of files that are whole; returns how many."""
    removed = files.remove_partials(before)
    begun = files.partial_hashes()
    waiting = sorted(removed - begun)
    if waiting:
        with database.write() as connection:
            connection.execute(
                update(evidence_files)
                .where(evidence_files.c.sha256.in_(waiting), evidence_files.c.state == EvidenceState.PARTIAL.value)
                .values(state=EvidenceState.EXPECTED.value)
            )
    return len(removed)
