"""Accounts, their sessions, and the attempts to guess a password."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text

from server.db import BigId, UtcDateTime, metadata

accounts = Table(
    "accounts",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("username", String(64), nullable=False, unique=True),
    Column("display_name", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("grid_scope", String(64), nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("disabled_at", UtcDateTime),
    CheckConstraint("role IN ('operator', 'admin')", name="role"),
)

sessions = Table(
    "sessions",
    metadata,
    # The cookie's hash: whoever reads the database cannot become somebody.
    Column("token_sha256", String(64), primary_key=True),
    Column("account_id", ForeignKey(accounts.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("csrf_token", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_seen_at", UtcDateTime, nullable=False, index=True),
)

login_attempts = Table(
    "login_attempts",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", UtcDateTime, nullable=False),
    Index(None, "last_at"),
)
"""Counted per subject: `user:<name>` and `address:<host>`."""
