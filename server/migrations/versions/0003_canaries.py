"""Drills are marked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from server.db import Json

revision = "0003"
down_revision = "0002"

_OPEN_CANARY = "canary IS NOT NULL AND state IN ('queued', 'claimed', 'unsure')"


def upgrade() -> None:
    # Nullable and without a default: adding it rewrites no row, on either database.
    op.add_column("alerts", sa.Column("canary", Json))
    op.create_index(
        "ix_alerts_open_canaries",
        "alerts",
        ["created_at"],
        sqlite_where=sa.text(_OPEN_CANARY),
        postgresql_where=sa.text(_OPEN_CANARY),
    )
