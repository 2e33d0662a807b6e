"""Evidence: which files events announced, for which episodes, and how much of each is here."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Float, ForeignKey, Index, String, Table, Text

from server.db import UtcDateTime, metadata
from server.fleet.tables import devices

evidence_files = Table(
    "evidence_files",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("announced_at", UtcDateTime, nullable=False),
    Column("whole_at", UtcDateTime),
    CheckConstraint("state IN ('expected', 'partial', 'whole')", name="state"),
)

evidence_links = Table(
    "evidence_links",
    metadata,
    Column("sha256", ForeignKey(evidence_files.c.sha256), primary_key=True),
    Column("device_id", ForeignKey(devices.c.id), primary_key=True),
    Column("episode_id", String(36), primary_key=True),
    Column("kind", String(64), nullable=False),
    Column("media_type", Text, nullable=False),
    # What this device says: a foreign announcement of the same hash with another length must not spoil the upload.
    Column("bytes", BigInteger, nullable=False),
    Column("captured_at", UtcDateTime, nullable=False),
    Column("redacted", Boolean, nullable=False),
    Column("short_seconds", Float),
    Column("label", String(256)),
    Index(None, "device_id", "episode_id"),
)
"""One announcement: this file supports that episode of that device."""

evidence_drops = Table(
    "evidence_drops",
    metadata,
    Column("device_id", ForeignKey(devices.c.id), primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("episode_id", String(36)),
    Column("kind", String(64), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("reason", String(64), nullable=False),
    Column("dropped_at", UtcDateTime, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
)
"""This device gave the file up: it will not come from there. Not a state of the file: another may have it."""

evidence_views = Table(
    "evidence_views",
    metadata,
    Column("account_id", ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    Column("sha256", ForeignKey(evidence_files.c.sha256), primary_key=True),
    Column("viewed_at", UtcDateTime, nullable=False),
)
"""When an account's view of an unredacted file was last written to the audit log."""
