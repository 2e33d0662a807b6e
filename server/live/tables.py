"""The feed of alert changes. Its numbers are given in the order of commits, and never again after pruning."""

from __future__ import annotations

from sqlalchemy import Column, String, Table, Text

from server.db import BigId, Json, UtcDateTime, metadata

live_feed = Table(
    "live_feed",
    metadata,
    Column("seq", BigId, primary_key=True),
    Column("created_at", UtcDateTime, nullable=False, index=True),
    Column("alert_id", String(36), nullable=False),
    Column("scopes", Json, nullable=False),
    Column("payload", Text, nullable=False),
    sqlite_autoincrement=True,
)
