"""The database: one URL, SQLite by default, PostgreSQL when it grows. SQLAlchemy Core, no ORM.

Two ways in. ``read()`` is a read-only snapshot: every statement in it sees the same state. ``write()`` is a
transaction that commits at the end of its block or not at all, and tells the listeners after it has.

One write transaction runs at a time, on both databases (SQLite knows no other way; on PostgreSQL an advisory lock
does it, across processes). So numbers given out in a transaction become visible in their order, hash chains have one
tail, nobody deadlocks, and the group commit of ingest makes up for the loss: docs/decisions/0030.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import (
    JSON,
    BigInteger,
    Connection,
    DateTime,
    Dialect,
    Engine,
    Integer,
    MetaData,
    Table,
    TypeDecorator,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

_log = structlog.get_logger(__name__)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""All tables of the server, with names that do not depend on the database."""

Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""A JSON column: text on SQLite, JSONB on PostgreSQL. None is stored as NULL."""

BigId = BigInteger().with_variant(Integer, "sqlite")
"""An automatic primary key of 64 bits (SQLite counts up by itself only for INTEGER)."""


_WRITER_LOCK = 0x67726964_73656E74
"""The key of PostgreSQL's advisory lock for the one writer ("gridsent")."""


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware in, aware (UTC) out. Naive values are a programming error and refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone: only aware times are stored")
        moved = value.astimezone(UTC)
        return moved.replace(tzinfo=None) if dialect.name == "sqlite" else moved

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class DatabaseConfigError(ValueError):
    """The database URL cannot be used; the message says what would do."""


class DatabaseBusyError(RuntimeError):
    """Another transaction held the write lock for too long. Nothing was written."""


class Database:
    """A database by URL: ``sqlite:///path`` or ``postgresql://user@host/name``."""

    def __init__(self, url: str, *, busy_seconds: float = 10.0) -> None:
        self.url = _parse(url)
        self._busy_seconds = busy_seconds
        self._listeners: list[Callable[[], None]] = []
        # SQLite has one writer. Waiting for a lock in this process is fair and quick; SQLite's own busy handler polls.
        self._write_lock = threading.Lock() if self.is_sqlite else None
        self._write_owner: int | None = None
        self._in_use = 0
        self._idle = threading.Condition()
        if self.is_sqlite:
            self._writer = _sqlite_engine(self.url, busy_seconds, writes=True)
            self._reader = _sqlite_engine(self.url, busy_seconds, writes=False)
        else:
            self._writer = _postgresql_engine(self.url, busy_seconds)
            self._reader = self._writer.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    @property
    def is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @property
    def name(self) -> str:
        """The URL without driver and password, for people."""
        return self.url.set(drivername=self.url.get_backend_name()).render_as_string(hide_password=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A read-only snapshot. Two queries in one block agree with each other."""
        with self._counted(), self._reader.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction. Commits durably at the end of the block; an exception rolls it back.

        Raises:
            DatabaseBusyError: the write lock was not free in time (SQLite).
            sqlalchemy.exc.OperationalError: the database is locked, full or away.
        """
        with self._exclusive(), self._counted(), self._writer.connect() as connection, connection.begin():
            if not self.is_sqlite:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER_LOCK})")
            yield connection
        self._tell_listeners()

    def after_commit(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Has `callback` called after every committed write, in the writing thread; it must be quick.

        Returns a function that ends the subscription.
        """
        self._listeners.append(callback)

        def forget() -> None:
            if callback in self._listeners:
                self._listeners.remove(callback)

        return forget

    def close(self) -> None:
        """Waits for the transactions under way, then closes all connections."""
        with self._idle:
            if not self._idle.wait_for(lambda: self._in_use == 0, timeout=self._busy_seconds):
                _log.warning("closed_under_transactions", count=self._in_use)
        self._reader.dispose()
        self._writer.dispose()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._idle:
            self._in_use += 1
        try:
            yield
        finally:
            with self._idle:
                self._in_use -= 1
                self._idle.notify_all()

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        if self._write_lock is None:
            yield
            return
        me = threading.get_ident()
        if self._write_owner == me:
            raise RuntimeError("write() inside write(): pass the connection on instead")
        if not self._write_lock.acquire(timeout=self._busy_seconds):
            raise DatabaseBusyError(f"the database was busy for {self._busy_seconds:g} s")
        self._write_owner = me
        try:
            yield
        finally:
            self._write_owner = None
            self._write_lock.release()

    def _tell_listeners(self) -> None:
        for callback in tuple(self._listeners):
            try:
                callback()
            except Exception:
                # The commit stands whatever a listener makes of it.
                _log.exception("after_commit_listener_failed", listener=repr(callback))


def insert_into(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An INSERT of the connection's dialect: the one with `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise DatabaseConfigError(f"{url!r} is no database URL; expected sqlite:///path or postgresql://…") from error
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            raise DatabaseConfigError(f"{url!r} names no file; expected sqlite:///path (memory is not durable)")
        return parsed.set(drivername="sqlite+pysqlite")
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    raise DatabaseConfigError(f"{backend!r} is not supported; expected sqlite:///path or postgresql://…")


def _sqlite_engine(url: URL, busy_seconds: float, *, writes: bool) -> Engine:
    assert url.database is not None
    Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    pool: dict[str, Any] = {"pool_size": 1, "max_overflow": 0} if writes else {"pool_size": 8, "max_overflow": 40}
    engine = create_engine(url, connect_args={"timeout": busy_seconds}, pool_timeout=busy_seconds, **pool)

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves: the driver would say it too late, and not IMMEDIATE
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")  # NORMAL may lose the last commits in a power cut
        connection.execute("PRAGMA foreign_keys=ON")
        if not writes:
            connection.execute("PRAGMA query_only=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _postgresql_engine(url: URL, busy_seconds: float) -> Engine:
    options = f"-c timezone=UTC -c lock_timeout={int(busy_seconds * 1000)} -c synchronous_commit=on"
    return create_engine(
        url,
        pool_size=10,
        max_overflow=40,
        pool_timeout=busy_seconds,
        pool_pre_ping=True,
        connect_args={"options": options, "connect_timeout": max(2, int(busy_seconds))},
    )
