"""Accounts, fleet, ingest, evidence and the audit log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from server.db import BigId, Json, UtcDateTime
from server.migrations.append_only import make_append_only

revision = "0001"
down_revision = None


def upgrade() -> None:
    _accounts()
    _fleet()
    _events()
    _dead_letters()
    _chains()
    _evidence()
    _audit()


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("username", sa.String(64), nullable=False, unique=True),
        sa.Column("display_name", sa.Text, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("grid_scope", sa.String(64), nullable=False),
        sa.Column("password_hash", sa.Text, nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("disabled_at", UtcDateTime),
        sa.CheckConstraint("role IN ('operator', 'admin')", name="role"),
    )
    op.create_table(
        "sessions",
        sa.Column("token_sha256", sa.String(64), primary_key=True),
        sa.Column("account_id", BigId, sa.ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
        sa.Column("csrf_token", sa.String(64), nullable=False),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("last_seen_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_sessions_account_id", "sessions", ["account_id"])
    op.create_index("ix_sessions_last_seen_at", "sessions", ["last_seen_at"])
    op.create_table(
        "login_attempts",
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_login_attempts_last_at", "login_attempts", ["last_at"])


def _fleet() -> None:
    op.create_table(
        "devices",
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("token_sha256", sa.String(64), unique=True),
        sa.Column("public_key", sa.String(64)),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("revoked_at", UtcDateTime),
        sa.Column("last_seen_at", UtcDateTime),
        sa.Column("heartbeat", Json),
        sa.Column("heartbeat_at", UtcDateTime),
    )
    op.create_table(
        "sources",
        sa.Column("device_id", sa.String(128), sa.ForeignKey("devices.id"), primary_key=True),
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("location", Json),
        sa.Column("health_state", sa.String(64)),
        sa.Column("health_reason", sa.Text),
        sa.Column("health_since", UtcDateTime),
        sa.Column("health_time", UtcDateTime),
        sa.Column("first_seen_at", UtcDateTime, nullable=False),
        sa.Column("last_seen_at", UtcDateTime, nullable=False),
        sa.Column("last_event_time", UtcDateTime, nullable=False),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("device_id", sa.String(128), sa.ForeignKey("devices.id"), nullable=False),
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("type", sa.String(64), nullable=False),
        sa.Column("time", UtcDateTime, nullable=False),
        sa.Column("received_at", UtcDateTime, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("seq", sa.BigInteger),
        sa.Column("episode_id", sa.String(36)),
        sa.Column("revision", sa.Integer),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("status IN ('accepted', 'stale')", name="status"),
        sa.UniqueConstraint("device_id", "event_id"),
    )
    op.create_index("ix_events_device_id_episode_id_revision", "events", ["device_id", "episode_id", "revision"])
    op.create_index("ix_events_device_id_seq", "events", ["device_id", "seq"])
    op.create_table(
        "event_conflicts",
        sa.Column("device_id", sa.String(128), sa.ForeignKey("devices.id"), primary_key=True),
        sa.Column("event_id", sa.String(36), primary_key=True),
        sa.Column("kept_sha256", sa.String(64), nullable=False),
        sa.Column("other_sha256", sa.String(64), nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("first_at", UtcDateTime, nullable=False),
        sa.Column("last_at", UtcDateTime, nullable=False),
    )


def _dead_letters() -> None:
    op.create_table(
        "dead_letters",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("device_id", sa.String(128), sa.ForeignKey("devices.id"), nullable=False),
        sa.Column("event_id", sa.Text),
        sa.Column("seq", sa.BigInteger),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("content", sa.LargeBinary),
        sa.Column("bytes", sa.Integer, nullable=False),
        sa.Column("problem", Json, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("received_at", UtcDateTime, nullable=False),
        sa.Column("settled_at", UtcDateTime),
        sa.Column("settled_by", sa.Text),
        sa.CheckConstraint("state IN ('open', 'replayed', 'discarded')", name="state"),
        sa.UniqueConstraint("device_id", "sha256"),
    )
    op.create_index("ix_dead_letters_device_id_seq", "dead_letters", ["device_id", "seq"])
    op.create_index("ix_dead_letters_state_id", "dead_letters", ["state", "id"])
    op.create_table(
        "dead_letter_overflows",
        sa.Column("device_id", sa.String(128), sa.ForeignKey("devices.id"), primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("last_at", UtcDateTime, nullable=False),
        sa.Column("last_problem", Json, nullable=False),
    )


def _chains() -> None:
    op.create_table(
        "chain_heads",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("device_id", sa.String(128), sa.ForeignKey("devices.id"), nullable=False),
        sa.Column("event_id", sa.String(36), nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("signature", sa.String(88), nullable=False),
        sa.Column("content_sha256", sa.String(64), nullable=False),
        sa.Column("received_at", UtcDateTime, nullable=False),
        sa.UniqueConstraint("device_id", "event_id"),
    )
    op.create_index("ix_chain_heads_device_id_seq", "chain_heads", ["device_id", "seq"])
    op.create_table(
        "chain_status",
        sa.Column("device_id", sa.String(128), sa.ForeignKey("devices.id"), primary_key=True),
        sa.Column("verified_seq", sa.BigInteger, nullable=False),
        sa.Column("verified_sha256", sa.String(64), nullable=False),
        sa.Column("linked_seq", sa.BigInteger, nullable=False),
        sa.Column("problem", Json),
        sa.Column("problem_at", UtcDateTime),
        sa.Column("checked_at", UtcDateTime, nullable=False),
    )


def _evidence() -> None:
    op.create_table(
        "evidence_files",
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("announced_at", UtcDateTime, nullable=False),
        sa.Column("whole_at", UtcDateTime),
        sa.CheckConstraint("state IN ('expected', 'partial', 'whole')", name="state"),
    )
    op.create_table(
        "evidence_links",
        sa.Column("sha256", sa.String(64), sa.ForeignKey("evidence_files.sha256"), primary_key=True),
        sa.Column("device_id", sa.String(128), sa.ForeignKey("devices.id"), primary_key=True),
        sa.Column("episode_id", sa.String(36), primary_key=True),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("captured_at", UtcDateTime, nullable=False),
        sa.Column("redacted", sa.Boolean, nullable=False),
    )
    op.create_index("ix_evidence_links_device_id_episode_id", "evidence_links", ["device_id", "episode_id"])
    op.create_table(
        "evidence_views",
        sa.Column("account_id", BigId, sa.ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("sha256", sa.String(64), sa.ForeignKey("evidence_files.sha256"), primary_key=True),
        sa.Column("viewed_at", UtcDateTime, nullable=False),
    )


def _audit() -> None:
    op.create_table(
        "audit_log",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("subject_kind", sa.String(64), nullable=False),
        sa.Column("subject_id", sa.Text, nullable=False),
        sa.Column("before", sa.Text),
        sa.Column("after", sa.Text),
        sa.Column("request_id", sa.Text),
        sa.Column("prev_sha256", sa.String(64), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
    )
    op.create_index("ix_audit_log_subject_kind_subject_id_seq", "audit_log", ["subject_kind", "subject_id", "seq"])
    make_append_only("audit_log")
