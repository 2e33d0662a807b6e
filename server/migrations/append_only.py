"""Guards for tables that only grow, on both databases."""

from __future__ import annotations

from alembic import op


def make_append_only(table: str) -> None:
    """UPDATE, DELETE (and TRUNCATE) on `table` raise; INSERT must take the next `seq`."""
    refusal = f"{table} is append-only"
    if op.get_bind().dialect.name == "postgresql":
        _guard_postgresql(table, refusal)
    else:
        _guard_sqlite(table, refusal)


def _guard_sqlite(table: str, refusal: str) -> None:
    for verb in ("UPDATE", "DELETE"):
        op.execute(
            f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
        )
    # INSERT OR REPLACE deletes without firing the trigger above: so an insert may not meet a row.
    op.execute(
        f"CREATE TRIGGER {table}_in_order BEFORE INSERT ON {table} WHEN NEW.seq <> {_next_seq(table)} "
        f"BEGIN SELECT RAISE(ABORT, '{refusal}: the next seq only'); END"
    )


def _guard_postgresql(table: str, refusal: str) -> None:
    op.execute(
        f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{refusal}'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()"
    )
    op.execute(
        f"CREATE FUNCTION {table}_next() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF NEW.seq <> {_next_seq(table)} THEN RAISE EXCEPTION '{refusal}: the next seq only'; END IF; "
        "RETURN NEW; END $$"
    )
    op.execute(f"CREATE TRIGGER {table}_in_order BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_next()")


def _next_seq(table: str) -> str:
    return f"(SELECT COALESCE(MAX(seq), 0) + 1 FROM {table})"  # noqa: S608 - the name is from our own code
