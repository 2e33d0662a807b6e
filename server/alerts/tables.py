"""Rows of alerts: the alert, its episodes, the places that see it, and what happened to it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    false,
    text,
)

from server.alerts.model import OPEN_STATES, AlertState
from server.db import BigId, Json, UtcDateTime, metadata

IS_OPEN_SQL = "state IN ({})".format(", ".join(f"'{state.value}'" for state in OPEN_STATES))
IS_OPEN_CANARY_SQL = f"canary IS NOT NULL AND {IS_OPEN_SQL}"

alerts = Table(
    "alerts",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("hazard", String(64), nullable=False),
    Column("matter", Json),
    Column("severity", String(8), nullable=False),
    Column("severity_rank", Integer, nullable=False),
    Column("tier", String(8), nullable=False),
    Column("confidence", Float, nullable=False),
    Column("queue", String(32), nullable=False),
    Column("queue_name_zh", String(256), nullable=False),
    Column("queue_name_en", String(256), nullable=False),
    Column("unit", Json),
    Column("border_queues", Json, nullable=False),
    Column("scopes", Json, nullable=False),
    Column("location", Json, nullable=False),
    Column("device_id", String(128), nullable=False),
    Column("source_id", String(128), nullable=False),
    Column("source_name", String(256), nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("observed_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("phase", String(16), nullable=False),
    Column("episodes", Integer, nullable=False),
    Column("detail", Json, nullable=False),
    Column("explanation", Json, nullable=False),
    Column("list_version", Integer),
    Column("grid_version", Integer),
    Column("claimed_by_id", BigInteger),
    Column("claimed_by", String(256)),
    Column("claim_expires_at", UtcDateTime),
    Column("verdict", Json),
    Column("snapshot_sha256", String(64)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("canary", Json),
    Column("demoted", String(64)),
    Column("stale", Boolean, nullable=False, server_default=false()),
    Column("repaired_at", UtcDateTime),
    CheckConstraint("state IN ({})".format(", ".join(f"'{state.value}'" for state in AlertState)), name="state"),
    Index("uq_alerts_open_fingerprint", "fingerprint", unique=True, sqlite_where=text(IS_OPEN_SQL),
          postgresql_where=text(IS_OPEN_SQL)),
    Index("ix_alerts_open_canaries", "created_at", sqlite_where=text(IS_OPEN_CANARY_SQL),
          postgresql_where=text(IS_OPEN_CANARY_SQL)),
)  # fmt: skip
"""`version` grows with each change of state, queue or lease: what an operator's decision rests on.

The device's own updates do not change it, or nobody could ever claim an alert that is being updated.
`canary` marks a drill: {id, injected_at, opened_at}; NULL for everything real.
`demoted` and `stale` follow the episodes that go on, as severity and tier do.
`repaired_at` is the latest of its episodes' once all are over and each of them was repaired.
`scopes` repeats the `scope` rows of alert_places, so that each update need not ask for them.
"""

alert_places = Table(
    "alert_places",
    metadata,
    Column("alert_id", String(36), ForeignKey("alerts.id"), primary_key=True),
    Column("relation", String(8), primary_key=True),
    Column("grid_code", String(32), primary_key=True),
    Column("is_open", Boolean, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    CheckConstraint("relation IN ('queue', 'scope')", name="relation"),
    Index("ix_alert_places_listing", "relation", "grid_code", "is_open", "rank", "opened_at", "alert_id"),
)
"""Where an alert shows: `queue` rows for its queue and border queues, `scope` rows for those and every grid above.

`rank` is the severity's rank while the alert is open and 0 afterwards: open alerts are listed red first, closed ones
newest first. Queue or scope, state and order are one index, so that a page costs the same with a hundred alerts and
a million.
"""

episodes = Table(
    "episodes",
    metadata,
    Column("device_id", String(128), primary_key=True),
    Column("episode_id", String(36), primary_key=True),
    Column("alert_id", String(36), ForeignKey("alerts.id"), nullable=False, index=True),
    Column("source_id", String(128), nullable=False),
    Column("source_name", String(256), nullable=False),
    Column("hazard", String(64), nullable=False),
    Column("phase", String(16), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("severity", String(8), nullable=False),
    Column("tier", String(8), nullable=False),
    Column("confidence", Float, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("observed_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
    Column("location", Json, nullable=False),
    Column("detail", Json, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("demoted", String(64)),
    Column("stale", Boolean, nullable=False, server_default=false()),
    Column("repeat_of", String(36)),
    Column("quiet_repeats", Integer),
    Column("repaired_at", UtcDateTime),
    Column("producer", Json),
)
"""The newest revision of each episode. Ids are the device's own: one device cannot touch another's episode."""

alert_history = Table(
    "alert_history",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("alert_id", String(36), ForeignKey("alerts.id"), nullable=False, index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("who", Text, nullable=False),
    Column("action", String(32), nullable=False),
    Column("params", Json, nullable=False),
)
"""What happened to an alert, for the people who judge it. The audit log is the proof; this is the story."""
