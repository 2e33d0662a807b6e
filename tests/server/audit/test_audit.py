"""The audit log: nothing is changed in it, and if somebody does, it shows where."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from contract.canonical import sha256_hex
from server import audit
from server.audit.tables import audit_log
from server.db import Database
from tests.server.conftest import Person


def write(database: Database, count: int) -> None:
    for number in range(count):
        with database.write() as connection:
            audit.append(
                connection,
                actor="li",
                action="alert.verdict",
                subject_kind="alert",
                subject_id=str(number % 2),
                before={"state": "claimed", "confidence": 0.1 + 0.2},
                after={"state": "confirmed", "说明": "确认", "n": 10**15},
                request_id=f"r{number}",
            )


def report(database: Database) -> audit.service.AuditReport:
    with database.read() as connection:
        return audit.verify(connection)


def test_an_untouched_log_is_whole(database: Database) -> None:
    assert report(database).ok
    write(database, 5)
    found = report(database)
    assert (found.rows, found.ok) == (5, True)
    with database.read() as connection:
        last = connection.execute(select(audit_log.c.sha256).where(audit_log.c.seq == 5)).scalar_one()
    assert found.head_sha256 == last


CHANGES: dict[str, Callable[[Connection], object]] = {
    "update": lambda connection: connection.execute(update(audit_log).values(actor="nobody")),
    "delete": lambda connection: connection.execute(delete(audit_log)),
    "delete one": lambda connection: connection.execute(delete(audit_log).where(audit_log.c.seq == 2)),
    "insert out of order": lambda connection: connection.execute(
        insert(audit_log).from_select(
            [column.name for column in audit_log.c],
            select(*(column if column.name != "seq" else column + 7 for column in audit_log.c)).where(
                audit_log.c.seq == 1
            ),
        )
    ),
}


@pytest.mark.parametrize("how", CHANGES)
def test_the_database_itself_refuses_changes(database: Database, how: str) -> None:
    write(database, 3)
    with pytest.raises(DBAPIError, match="append-only"), database.write() as connection:
        CHANGES[how](connection)
    assert (report(database).rows, report(database).ok) == (3, True)


def test_it_cannot_be_replaced_or_truncated_either(database: Database) -> None:
    write(database, 3)
    statement = (
        "INSERT OR REPLACE INTO audit_log SELECT * FROM audit_log WHERE seq = 2"
        if database.is_sqlite
        else "TRUNCATE audit_log"
    )
    with pytest.raises(DBAPIError, match="append-only"), database.write() as connection:
        connection.execute(text(statement))


def drop_guards(connection: Connection) -> None:
    """What somebody with the database's password would do first."""
    if connection.dialect.name == "sqlite":
        for name in ("audit_log_no_update", "audit_log_no_delete", "audit_log_in_order"):
            connection.execute(text(f"DROP TRIGGER {name}"))
    else:
        connection.execute(text("ALTER TABLE audit_log DISABLE TRIGGER ALL"))


def swap(connection: Connection) -> None:
    for old, new in ((2, 100), (3, 2), (100, 3)):
        connection.execute(update(audit_log).where(audit_log.c.seq == old).values(seq=new))


def rewrite(connection: Connection) -> None:
    """Changes an entry and its own hash: the next entry remembers the old one."""
    row: dict[str, Any] = connection.execute(select(audit_log).where(audit_log.c.seq == 3)).one()._asdict()
    row["actor"] = "nobody"
    forged = audit.service._row_sha256({name: value for name, value in row.items() if name != "sha256"})
    connection.execute(update(audit_log).where(audit_log.c.seq == 3).values(actor="nobody", sha256=forged))


TAMPERING: dict[str, tuple[Callable[[Connection], object], int, str]] = {
    "actor": (lambda c: c.execute(update(audit_log).where(audit_log.c.seq == 3).values(actor="x")), 3, "altered"),
    "after": (lambda c: c.execute(update(audit_log).where(audit_log.c.seq == 1).values(after="{}")), 1, "altered"),
    "hash": (
        lambda c: c.execute(update(audit_log).where(audit_log.c.seq == 2).values(sha256=sha256_hex(b""))),
        2,
        "altered",
    ),
    "lost": (lambda c: c.execute(delete(audit_log).where(audit_log.c.seq == 3)), 3, "missing"),
    "first lost": (lambda c: c.execute(delete(audit_log).where(audit_log.c.seq == 1)), 1, "missing"),
    "swapped": (swap, 2, "not written after"),
    "rewritten": (rewrite, 4, "not written after"),
}


@pytest.mark.parametrize("how", TAMPERING)
def test_tampering_is_found_at_its_place(database: Database, how: str) -> None:
    tamper, seq, words = TAMPERING[how]
    write(database, 5)
    with database.write() as connection:
        drop_guards(connection)
        tamper(connection)
    found = report(database)
    assert (found.broken_seq, found.ok) == (seq, False)
    assert found.message is not None
    assert words in found.message


def test_a_tail_that_was_cut_off_shows_in_rows_and_head(database: Database) -> None:
    write(database, 5)
    noted = report(database)
    with database.write() as connection:
        drop_guards(connection)
        connection.execute(delete(audit_log).where(audit_log.c.seq == 5))
    found = report(database)
    assert found.ok, "the log alone cannot know"
    assert (found.rows, found.head_sha256) != (noted.rows, noted.head_sha256)


def test_the_act_and_its_record_stand_or_fall_together(database: Database) -> None:
    write(database, 1)
    with pytest.raises(RuntimeError, match="no"), database.write() as connection:
        audit.append(connection, actor="li", action="x", subject_kind="x", subject_id="1")
        raise RuntimeError("no")
    assert report(database).rows == 1


def test_many_writers_make_one_chain(database: Database) -> None:
    barrier = threading.Barrier(6)

    def writer(_number: int) -> None:
        barrier.wait(timeout=30)
        write(database, 8)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(writer, range(6)))
    assert (report(database).rows, report(database).ok) == (48, True)


def test_a_long_log_is_read_in_pages(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.audit.service._READ_ROWS", 4)
    write(database, 12)
    assert (report(database).rows, report(database).ok) == (12, True)


def test_an_admin_reads_it_by_subject_and_page(database: Database, admin: Person) -> None:
    write(database, 6)
    answer = admin.client.get("/api/v1/audit", params={"subject": "alert:1", "limit": 2}).json()
    assert [entry["request_id"] for entry in answer["entries"]] == ["r1", "r3"]
    assert answer["entries"][0]["after"] == {"state": "confirmed", "说明": "确认", "n": 10**15}
    rest = admin.client.get("/api/v1/audit", params={"subject": "alert:1", "limit": 2, "after": answer["next"]}).json()
    assert ([entry["request_id"] for entry in rest["entries"]], rest["next"]) == (["r5"], None)
    everything = admin.client.get("/api/v1/audit").json()["entries"]
    assert [entry["seq"] for entry in everything] == list(range(1, len(everything) + 1))
    assert len(admin.client.get("/api/v1/audit", params={"subject": "account"}).json()["entries"]) == 1


def test_an_admin_reads_it_backwards_from_the_latest(database: Database, admin: Person) -> None:
    write(database, 6)
    page = {"subject": "alert:1", "limit": 2, "newest_first": True}
    answer = admin.client.get("/api/v1/audit", params=page).json()
    assert [entry["request_id"] for entry in answer["entries"]] == ["r5", "r3"]
    rest = admin.client.get("/api/v1/audit", params={**page, "after": answer["next"]}).json()
    assert ([entry["request_id"] for entry in rest["entries"]], rest["next"]) == (["r1"], None)
