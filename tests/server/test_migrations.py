"""The migrations: from nothing to what the code expects, on both databases."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

import server.app  # noqa: F401 - loads the tables of every noun
from server.db import Database, metadata
from server.migrations import SchemaVersionError, current_revision, head_revision, require_current, upgrade


def test_the_migrated_schema_is_the_one_that_the_tables_describe(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert current_revision(connection) == head_revision()


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    upgrade(database)
    require_current(database)


def test_an_empty_database_is_refused_until_it_is_migrated(tmp_path) -> None:
    database = Database(f"sqlite:///{tmp_path}/new/empty.db")
    with pytest.raises(SchemaVersionError, match="gridsentry-server migrate"):
        require_current(database)
    upgrade(database)
    require_current(database)
    database.close()


def test_a_database_from_a_newer_program_is_left_alone(database: Database) -> None:
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaVersionError, match="newer"):
        upgrade(database)
