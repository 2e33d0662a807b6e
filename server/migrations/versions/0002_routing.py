"""Grids, the three lists, alerts and the live feed."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from server.db import BigId, Json, UtcDateTime

revision = "0002"
down_revision = "0001"

_OPEN = "state IN ('queued', 'claimed', 'unsure')"
_STATES = "state IN ('queued', 'claimed', 'confirmed', 'rejected', 'merged', 'unsure')"
_MATTER = ("version_id", "edition", "kind", "code")


def upgrade() -> None:
    _grids()
    _lists()
    _alerts()
    _episodes()
    _live()


def _grids() -> None:
    op.create_table(
        "grid_versions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("label", sa.String(64), nullable=False),
        sa.Column("valid_from", UtcDateTime, nullable=False),
        sa.Column("imported_at", UtcDateTime, nullable=False),
        sa.Column("imported_by", sa.String(128), nullable=False),
        sa.Column("file_name", sa.Text, nullable=False),
        sa.Column("file_sha256", sa.String(64), nullable=False),
        sa.Column("levels", Json, nullable=False),
        sa.Column("report", Json, nullable=False),
        sa.Column("forced", sa.Boolean, nullable=False),
    )
    op.create_table(
        "grids",
        sa.Column("version_id", sa.Integer, sa.ForeignKey("grid_versions.id"), primary_key=True),
        sa.Column("code", sa.String(32), primary_key=True),
        sa.Column("name_zh", sa.String(256), nullable=False),
        sa.Column("name_en", sa.String(256), nullable=False),
        sa.Column("layer", sa.String(8), nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("parent", sa.String(32)),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("geometry", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_grids_version_id_parent", "grids", ["version_id", "parent"])


def _matter_columns() -> list[Any]:
    return [
        sa.Column("version_id", sa.Integer, primary_key=True),
        sa.Column("edition", sa.String(32), primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("code", sa.String(32), primary_key=True),
    ]


def _belongs_to_a_matter() -> Any:
    return sa.ForeignKeyConstraint(_MATTER, [f"matters.{column}" for column in _MATTER])


def _lists() -> None:
    op.create_table(
        "list_versions",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("published_at", UtcDateTime, nullable=False),
        sa.Column("published_by", sa.String(128), nullable=False),
        sa.Column("grid_version_id", sa.Integer, sa.ForeignKey("grid_versions.id"), nullable=False),
        sa.Column("files_sha256", Json, nullable=False),
        sa.Column("report", Json, nullable=False),
        sa.Column("forced", sa.Boolean, nullable=False),
    )
    op.create_table(
        "matters",
        *_matter_columns(),
        sa.Column("name_zh", sa.String(256), nullable=False),
        sa.Column("name_en", sa.String(256), nullable=False),
        sa.Column("big_class_zh", sa.String(256), nullable=False),
        sa.Column("big_class_en", sa.String(256), nullable=False),
        sa.Column("hazards", Json, nullable=False),
        sa.Column("severity", sa.String(8), nullable=False),
        sa.Column("auto_dispatch", sa.Boolean, nullable=False),
        sa.Column("special_grid", sa.String(8), nullable=False),
        sa.Column("valid_from", sa.Date, nullable=False),
        sa.Column("valid_to", sa.Date),
        sa.ForeignKeyConstraint(["version_id"], ["list_versions.id"]),
    )
    op.create_table(
        "matter_conditions",
        *_matter_columns(),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("text_zh", sa.Text, nullable=False),
        sa.Column("text_en", sa.Text, nullable=False),
        sa.Column("limit_value", sa.Float, nullable=False),
        sa.Column("limit_unit", sa.String(16), nullable=False),
        sa.Column("closing_zh", sa.Text, nullable=False),
        sa.Column("closing_en", sa.Text, nullable=False),
        _belongs_to_a_matter(),
    )
    op.create_table(
        "responsibilities",
        *_matter_columns(),
        sa.Column("grid_scope", sa.String(32), primary_key=True),
        sa.Column("level", sa.String(8), primary_key=True),
        sa.Column("unit_code", sa.String(64), nullable=False),
        sa.Column("unit_zh", sa.String(256), nullable=False),
        sa.Column("unit_en", sa.String(256), nullable=False),
        sa.Column("co_units", Json, nullable=False),
        _belongs_to_a_matter(),
    )
    op.create_table(
        "prohibitions",
        *_matter_columns(),
        sa.Column("level", sa.String(8), primary_key=True),
        sa.Column("reason_zh", sa.Text, nullable=False),
        sa.Column("reason_en", sa.Text, nullable=False),
        _belongs_to_a_matter(),
    )


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.String(36), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("hazard", sa.String(64), nullable=False),
        sa.Column("matter", Json),
        sa.Column("severity", sa.String(8), nullable=False),
        sa.Column("severity_rank", sa.Integer, nullable=False),
        sa.Column("tier", sa.String(8), nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("queue", sa.String(32), nullable=False),
        sa.Column("queue_name_zh", sa.String(256), nullable=False),
        sa.Column("queue_name_en", sa.String(256), nullable=False),
        sa.Column("unit", Json),
        sa.Column("border_queues", Json, nullable=False),
        sa.Column("scopes", Json, nullable=False),
        sa.Column("location", Json, nullable=False),
        sa.Column("device_id", sa.String(128), nullable=False),
        sa.Column("source_id", sa.String(128), nullable=False),
        sa.Column("source_name", sa.String(256), nullable=False),
        sa.Column("opened_at", UtcDateTime, nullable=False),
        sa.Column("observed_at", UtcDateTime, nullable=False),
        sa.Column("ended_at", UtcDateTime),
        sa.Column("phase", sa.String(16), nullable=False),
        sa.Column("episodes", sa.Integer, nullable=False),
        sa.Column("detail", Json, nullable=False),
        sa.Column("explanation", Json, nullable=False),
        sa.Column("list_version", sa.Integer),
        sa.Column("grid_version", sa.Integer),
        sa.Column("claimed_by_id", sa.BigInteger),
        sa.Column("claimed_by", sa.String(256)),
        sa.Column("claim_expires_at", UtcDateTime),
        sa.Column("verdict", Json),
        sa.Column("snapshot_sha256", sa.String(64)),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("received_at", UtcDateTime, nullable=False),
        sa.CheckConstraint(_STATES, name="state"),
    )
    op.create_index(
        "uq_alerts_open_fingerprint",
        "alerts",
        ["fingerprint"],
        unique=True,
        sqlite_where=sa.text(_OPEN),
        postgresql_where=sa.text(_OPEN),
    )
    op.create_table(
        "alert_places",
        sa.Column("alert_id", sa.String(36), sa.ForeignKey("alerts.id"), primary_key=True),
        sa.Column("relation", sa.String(8), primary_key=True),
        sa.Column("grid_code", sa.String(32), primary_key=True),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("opened_at", UtcDateTime, nullable=False),
        sa.CheckConstraint("relation IN ('queue', 'scope')", name="relation"),
    )
    op.create_index(
        "ix_alert_places_listing",
        "alert_places",
        ["relation", "grid_code", "is_open", "rank", "opened_at", "alert_id"],
    )


def _episodes() -> None:
    op.create_table(
        "episodes",
        sa.Column("device_id", sa.String(128), primary_key=True),
        sa.Column("episode_id", sa.String(36), primary_key=True),
        sa.Column("alert_id", sa.String(36), sa.ForeignKey("alerts.id"), nullable=False),
        sa.Column("source_id", sa.String(128), nullable=False),
        sa.Column("source_name", sa.String(256), nullable=False),
        sa.Column("hazard", sa.String(64), nullable=False),
        sa.Column("phase", sa.String(16), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("severity", sa.String(8), nullable=False),
        sa.Column("tier", sa.String(8), nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("started_at", UtcDateTime, nullable=False),
        sa.Column("observed_at", UtcDateTime, nullable=False),
        sa.Column("ended_at", UtcDateTime),
        sa.Column("location", Json, nullable=False),
        sa.Column("detail", Json, nullable=False),
        sa.Column("received_at", UtcDateTime, nullable=False),
    )
    op.create_index("ix_episodes_alert_id", "episodes", ["alert_id"])
    op.create_table(
        "alert_history",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("alert_id", sa.String(36), sa.ForeignKey("alerts.id"), nullable=False),
        sa.Column("at", UtcDateTime, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("params", Json, nullable=False),
    )
    op.create_index("ix_alert_history_alert_id", "alert_history", ["alert_id"])


def _live() -> None:
    op.create_table(
        "live_feed",
        sa.Column("seq", BigId, primary_key=True),
        sa.Column("created_at", UtcDateTime, nullable=False),
        sa.Column("alert_id", sa.String(36), nullable=False),
        sa.Column("scopes", Json, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_live_feed_created_at", "live_feed", ["created_at"])
