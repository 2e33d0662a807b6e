"""What made an episode's newest event: software, detector, and the trained weights by name, version and hash."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from server.db import Json

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    # None by default: what came in before has it in the stored event only, and no row is rewritten.
    op.add_column("episodes", sa.Column("producer", Json))
