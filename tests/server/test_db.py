"""The database layer: snapshots, one writer, times, JSON."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import Column, Integer, Table, insert, select, text
from sqlalchemy.exc import DBAPIError

from server.db import Database, DatabaseBusyError, DatabaseConfigError, Json, UtcDateTime, insert_into, metadata

notes = Table(
    "test_notes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", UtcDateTime),
    Column("content", Json),
)
metadata.remove(notes)  # it belongs to no migration


@pytest.fixture
def noted(database: Database) -> Database:
    with database.write() as connection:
        notes.create(connection)
    return database


def test_times_go_in_aware_and_come_out_in_utc(noted: Database) -> None:
    at = datetime(2026, 11, 1, 20, 30, 15, 123456, tzinfo=timezone(timedelta(hours=8)))
    with noted.write() as connection:
        connection.execute(insert(notes).values(id=1, at=at))
        connection.execute(insert(notes).values(id=2, at=None))
    with noted.read() as connection:
        found = connection.execute(select(notes.c.at).order_by(notes.c.id)).scalars().all()
    assert found == [at, None]
    assert found[0] is not None
    assert found[0].utcoffset() == timedelta(0)


def test_a_time_without_a_zone_is_refused(noted: Database) -> None:
    with pytest.raises(Exception, match="no time zone"), noted.write() as connection:
        connection.execute(insert(notes).values(id=1, at=datetime(2026, 1, 1)))  # noqa: DTZ001 - the point


def test_times_are_compared_as_instants(noted: Database) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    with noted.write() as connection:
        connection.execute(insert(notes), [{"id": n, "at": start + timedelta(milliseconds=n)} for n in range(5)])
    with noted.read() as connection:
        later = connection.execute(
            select(notes.c.id).where(notes.c.at > (start + timedelta(milliseconds=2)).astimezone(timezone.max))
        )
        assert sorted(later.scalars()) == [3, 4]


def test_json_keeps_its_types_and_none_is_null(noted: Database) -> None:
    content = {"数": 1.5, "list": [1, None, True], "empty": {}}
    with noted.write() as connection:
        connection.execute(insert(notes), [{"id": 1, "content": content}, {"id": 2, "content": None}])
    with noted.read() as connection:
        assert connection.execute(select(notes.c.content).where(notes.c.id == 1)).scalar_one() == content
        assert connection.execute(select(notes.c.id).where(notes.c.content.is_(None))).scalar_one() == 2


def test_a_read_is_one_snapshot(noted: Database) -> None:
    with noted.read() as connection:
        assert connection.execute(select(notes)).all() == []
        with noted.write() as writing:
            writing.execute(insert(notes).values(id=1))
        assert connection.execute(select(notes)).all() == [], "what happened meanwhile is not seen"
    with noted.read() as connection:
        assert len(connection.execute(select(notes)).all()) == 1


def test_a_read_cannot_write(noted: Database) -> None:
    with pytest.raises(DBAPIError), noted.read() as connection:
        connection.execute(insert(notes).values(id=1))


def test_a_failed_write_leaves_nothing(noted: Database) -> None:
    with pytest.raises(RuntimeError, match="no"), noted.write() as connection:
        connection.execute(insert(notes).values(id=1))
        raise RuntimeError("no")
    with noted.read() as connection:
        assert connection.execute(select(notes)).all() == []


def test_writers_take_turns(noted: Database) -> None:
    with noted.write() as connection:
        connection.execute(insert(notes).values(id=1, content=0))

    def count_up(_number: int) -> None:
        for _ in range(10):
            with noted.write() as connection:
                value = connection.execute(select(notes.c.content)).scalar_one()
                connection.execute(notes.update().values(content=value + 1))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(count_up, range(6)))
    with noted.read() as connection:
        assert connection.execute(select(notes.c.content)).scalar_one() == 60


def test_a_write_inside_a_write_is_told_so(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    with database.write(), pytest.raises(RuntimeError, match="pass the connection on"), database.write():
        pass
    database.close()


def test_waiting_for_the_writer_has_an_end(database_url: str) -> None:
    database = Database(database_url, busy_seconds=0.2)
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with database.write():
            entered.set()
            leave.wait(timeout=30)

    holder = threading.Thread(target=hold)
    holder.start()
    entered.wait(timeout=30)
    with pytest.raises((DatabaseBusyError, DBAPIError)), database.write():
        pass
    leave.set()
    holder.join()
    database.close()


def test_listeners_hear_of_commits_alone(noted: Database) -> None:
    heard: list[int] = []
    forget = noted.after_commit(lambda: heard.append(1))

    def broken() -> None:
        raise RuntimeError("a listener's own trouble")

    forget_broken = noted.after_commit(broken)
    with noted.write() as connection:
        connection.execute(insert(notes).values(id=1))
        assert heard == []
    assert heard == [1]
    with pytest.raises(RuntimeError, match="no"), noted.write():
        raise RuntimeError("no")
    with noted.read():
        pass
    assert heard == [1]
    forget()
    forget_broken()
    with noted.write():
        pass
    assert heard == [1]


def test_upserts_are_written_once_for_both(noted: Database) -> None:
    for content in ("first", "second"):
        with noted.write() as connection:
            statement = insert_into(connection, notes).values(id=1, content=content)
            connection.execute(
                statement.on_conflict_do_update(index_elements=["id"], set_={"content": statement.excluded.content})
            )
    with noted.read() as connection:
        assert connection.execute(select(notes.c.content)).scalars().all() == ["second"]


def test_foreign_keys_are_kept(database: Database) -> None:
    with pytest.raises(DBAPIError), database.write() as connection:
        connection.execute(
            text("INSERT INTO evidence_views (account_id, sha256, viewed_at) VALUES (1, 'x', '2026-01-01 00:00:00')")
        )


def test_sqlite_is_set_up_not_to_forget(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    with database.write() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2, "FULL"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
    database.close()


@pytest.mark.parametrize(
    "url", ["mysql://host/name", "nonsense", "sqlite://", "sqlite:///:memory:", "oracle+x://a", ""]
)
def test_urls_that_cannot_be_used_say_what_could(url: str) -> None:
    with pytest.raises(DatabaseConfigError, match="sqlite:///path"):
        Database(url)


def test_names_hide_passwords(tmp_path) -> None:
    database = Database("postgresql://someone:swordfish@db.example/grid")
    assert database.name == "postgresql://someone:***@db.example/grid"
    database.close()
