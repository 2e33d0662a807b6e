"""Alembic migrations, written by hand: forward only, the same on SQLite and PostgreSQL.

Batch mode is not used: on SQLite it recreates tables and loses their triggers, the append-only guards among them.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from server.db import Database


class SchemaVersionError(RuntimeError):
    """The database's schema is not this program's."""


def upgrade(database: Database, revision: str = "head") -> None:
    """Brings the schema to `revision` in one transaction: all of it or nothing. One process at a time does it.

    Raises:
        SchemaVersionError: the database was migrated by a newer program.
    """
    with database.write() as connection:
        current = current_revision(connection)
        if current is not None and current not in known_revisions():
            raise SchemaVersionError(
                f"{database.name} has the schema {current!r}, which this program does not know: "
                "it was made by a newer one; start that, or restore a backup"
            )
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


def require_current(database: Database) -> None:
    """Refuses to work on another schema than this program's.

    Raises:
        SchemaVersionError: with what to do.
    """
    with database.read() as connection:
        current = current_revision(connection)
    if current != head_revision():
        found = "no schema" if current is None else f"the schema {current}"
        raise SchemaVersionError(
            f"{database.name} has {found}, expected {head_revision()}: run 'gridsentry-server migrate'"
        )


def current_revision(connection: Connection) -> str | None:
    """Where the database stands; None for an empty one."""
    return MigrationContext.configure(connection).get_current_revision()


def head_revision() -> str:
    """Where this program wants it."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def known_revisions() -> set[str]:
    """Every revision that this program can come from."""
    return {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config
