"""What devices say of files that will never come."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from contract.events import EvidenceDroppedEvent
from server import audit
from server.alerts.service import evidence_changed
from server.db import insert_into
from server.evidence.tables import evidence_drops


def note_drops(connection: Connection, device_id: str, event: EvidenceDroppedEvent, received_at: datetime) -> None:
    """Notes the files of a report; alerts that wait for them say so. A file that is here stays here."""
    data = event.data
    if data.items:
        rows = [
            {
                "device_id": device_id,
                "sha256": item.sha256,
                "episode_id": item.episode_id,
                "kind": item.kind,
                "bytes": item.bytes,
                "reason": data.reason,
                "dropped_at": event.time,
                "received_at": received_at,
            }
            for item in data.items
        ]
        connection.execute(insert_into(connection, evidence_drops).on_conflict_do_nothing(), rows)
        evidence_changed(connection, [item.sha256 for item in data.items])
    audit.append(
        connection,
        actor=f"device:{device_id}",
        action="evidence.dropped",
        subject_kind="device",
        subject_id=device_id,
        after={
            "reason": data.reason,
            "files": data.files,
            "bytes": data.bytes,
            "total_files": data.total_files,
            "total_bytes": data.total_bytes,
            "updates_withheld": data.updates_withheld,
        },
    )
