"""What devices gave up, and clips that are shorter than asked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from server.db import UtcDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    # A table of its own, not a state of the file: another device may still send the same bytes, and SQLite would have
    # to rebuild a table with references to it for a new value in its CHECK.
    op.create_table(
        "evidence_drops",
        sa.Column("device_id", sa.String(128), sa.ForeignKey("devices.id"), primary_key=True),
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("episode_id", sa.String(36)),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("dropped_at", UtcDateTime, nullable=False),
        sa.Column("received_at", UtcDateTime, nullable=False),
    )
    op.add_column("evidence_links", sa.Column("short_seconds", sa.Float))
