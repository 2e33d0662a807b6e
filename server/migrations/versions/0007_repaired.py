"""When what was out of order worked again, which a city measures itself by; and what of a scene a picture shows."""

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
    op.add_column("evidence_links", sa.Column("label", sa.String(256)))
