"""Devices and the sources they own."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, String, Table, Text

from server.db import Json, UtcDateTime, metadata

devices = Table(
    "devices",
    metadata,
    Column("id", String(128), primary_key=True),
    Column("name", Text, nullable=False),
    Column("token_sha256", String(64), unique=True),
    Column("public_key", String(64)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("revoked_at", UtcDateTime),
    Column("last_seen_at", UtcDateTime),
    Column("heartbeat", Json),
    Column("heartbeat_at", UtcDateTime),
)

sources = Table(
    "sources",
    metadata,
    Column("device_id", ForeignKey(devices.c.id), primary_key=True),
    Column("id", String(128), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("location", Json),
    Column("health_state", String(64)),
    Column("health_reason", Text),
    Column("health_since", UtcDateTime),
    Column("health_time", UtcDateTime),
    Column("health_detail", Json),
    Column("first_seen_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False),
    Column("last_event_time", UtcDateTime, nullable=False),
)
