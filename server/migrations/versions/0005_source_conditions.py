"""Everything that is wrong with a source, what is not looked for, and how long it could see."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from server.db import Json

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("sources", sa.Column("health_detail", Json))
