"""What events say of evidence that is to come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from contract.evidence import Evidence
from server.db import insert_into
from server.evidence.schemas import EvidenceState
from server.evidence.tables import evidence_files, evidence_links


@dataclass(frozen=True, slots=True)
class Announcement:
    """A device's event lists a file for one of its episodes."""

    device_id: str
    episode_id: str
    evidence: Evidence


def announce(connection: Connection, announcements: Sequence[Announcement], received_at: datetime) -> None:
    """Makes the announced files expected. What was announced before stays as it was."""
    if not announcements:
        return
    files = [
        {"sha256": item.evidence.sha256, "state": EvidenceState.EXPECTED.value, "announced_at": received_at}
        for item in announcements
    ]
    links = [
        {
            "sha256": item.evidence.sha256,
            "device_id": item.device_id,
            "episode_id": item.episode_id,
            "kind": item.evidence.kind,
            "media_type": item.evidence.media_type,
            "bytes": item.evidence.bytes,
            "captured_at": item.evidence.captured_at,
            "redacted": item.evidence.redacted,
            "short_seconds": item.evidence.short_seconds,
            "label": item.evidence.label,
        }
        for item in announcements
    ]
    connection.execute(insert_into(connection, evidence_files).on_conflict_do_nothing(), files)
    connection.execute(insert_into(connection, evidence_links).on_conflict_do_nothing(), links)
