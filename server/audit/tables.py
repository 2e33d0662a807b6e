"""The audit log. Append-only: triggers in the migration refuse UPDATE and DELETE."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from server.db import UtcDateTime, metadata

audit_log = Table(
    "audit_log",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject_kind", String(64), nullable=False),
    Column("subject_id", Text, nullable=False),
    # Canonical JSON as text: what was hashed is what is stored, whatever a database thinks of numbers.
    Column("before", Text),
    Column("after", Text),
    Column("request_id", Text),
    Column("prev_sha256", String(64), nullable=False),
    Column("sha256", String(64), nullable=False),
    Index(None, "subject_kind", "subject_id", "seq"),
)
