"""What the API shows of the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel


class AuditEntry(BaseModel):
    """Who did what to what, when; and the hash that chains it to the entry before."""

    seq: int
    at: datetime
    actor: str
    action: str
    subject_kind: str
    subject_id: str
    before: Any
    after: Any
    request_id: str | None
    prev_sha256: str
    sha256: str


class AuditPage(BaseModel):
    """Entries in their order. `next` is the `after` of the following page."""

    entries: list[AuditEntry]
    next: int | None
