"""What a device remarks on an episode: demoted, stale, the continuation of an earlier one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    # In columns, not looked up in the stored events: lists and the live feed are made of the alert's row alone.
    # A constant default, or none: adding them rewrites no row, on either database.
    for table in ("alerts", "episodes"):
        op.add_column(table, sa.Column("demoted", sa.String(64)))
        op.add_column(table, sa.Column("stale", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("episodes", sa.Column("repeat_of", sa.String(36)))
    op.add_column("episodes", sa.Column("quiet_repeats", sa.Integer))
