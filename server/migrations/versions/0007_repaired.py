"""When what was out of order worked again: what a city measures itself by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from server.db import UtcDateTime

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    # Columns like the remarks': lists and the live feed are made of the alert's row alone, indicators will sum them up.
    for table in ("alerts", "episodes"):
        op.add_column(table, sa.Column("repaired_at", UtcDateTime))
