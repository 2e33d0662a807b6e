"""What devices sent: events as received, dead letters, and the signed heads of their chains."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from server.db import BigId, Json, UtcDateTime, metadata
from server.fleet.tables import devices

events = Table(
    "events",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("device_id", ForeignKey(devices.c.id), nullable=False),
    Column("event_id", String(36), nullable=False),
    Column("type", String(64), nullable=False),
    Column("time", UtcDateTime, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("status", String(16), nullable=False),
    Column("seq", BigInteger),
    Column("episode_id", String(36)),
    Column("revision", Integer),
    Column("sha256", String(64), nullable=False),
    Column("content", LargeBinary, nullable=False),
    UniqueConstraint("device_id", "event_id"),
    # Not unique: a device restored from an old copy gives out numbers twice. That is reported, not lost.
    Index(None, "device_id", "seq"),
    Index(None, "device_id", "episode_id", "revision"),
    CheckConstraint("status IN ('accepted', 'stale')", name="status"),
)

event_conflicts = Table(
    "event_conflicts",
    metadata,
    Column("device_id", ForeignKey(devices.c.id), primary_key=True),
    Column("event_id", String(36), primary_key=True),
    Column("kept_sha256", String(64), nullable=False),
    Column("other_sha256", String(64), nullable=False),
    Column("count", Integer, nullable=False),
    Column("first_at", UtcDateTime, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
)
"""Events that came again with the same id and other bytes: the first stands, the conflict is shown."""

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("device_id", ForeignKey(devices.c.id), nullable=False),
    Column("event_id", Text),
    Column("seq", BigInteger),
    Column("sha256", String(64), nullable=False),
    Column("content", LargeBinary),
    Column("bytes", Integer, nullable=False),
    Column("problem", Json, nullable=False),
    Column("state", String(16), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("settled_at", UtcDateTime),
    Column("settled_by", Text),
    # The same bytes sent again are the same letter.
    UniqueConstraint("device_id", "sha256"),
    Index(None, "device_id", "seq"),
    Index(None, "state", "id"),
    CheckConstraint("state IN ('open', 'replayed', 'discarded')", name="state"),
)

dead_letter_overflows = Table(
    "dead_letter_overflows",
    metadata,
    Column("device_id", ForeignKey(devices.c.id), primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
    Column("last_problem", Json, nullable=False),
)
"""What was refused and not kept, because the device's share of the dead letters was full."""

chain_heads = Table(
    "chain_heads",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("device_id", ForeignKey(devices.c.id), nullable=False),
    Column("event_id", String(36), nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("signature", String(88), nullable=False),
    Column("content_sha256", String(64), nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    UniqueConstraint("device_id", "event_id"),
    Index(None, "device_id", "seq"),
)

chain_status = Table(
    "chain_status",
    metadata,
    Column("device_id", ForeignKey(devices.c.id), primary_key=True),
    Column("verified_seq", BigInteger, nullable=False),
    Column("verified_sha256", String(64), nullable=False),
    Column("linked_seq", BigInteger, nullable=False),
    Column("problem", Json),
    Column("problem_at", UtcDateTime),
    Column("checked_at", UtcDateTime, nullable=False),
)
"""How far each device's chain is proven, and the first fault found after that."""
