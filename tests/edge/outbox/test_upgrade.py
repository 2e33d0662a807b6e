"""An outbox that version 1 wrote goes on: nothing is lost, the chain holds, and its files are worth what they were."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from contract.events import Severity, Tier
from contract.evidence import DropReason
from edge.evidence.store import EvidenceStore
from edge.outbox.report import OutboxReader
from edge.outbox.schema import SCHEMA_VERSION
from edge.outbox.store import Outbox, OutboxError
from tests.edge.evidence.storm import Storm, reports_in

DUMP = Path(__file__).with_name("version_1.sql")
"""Three episodes with a file each (one sent whole, one announced, one waiting), a refused event, an open episode."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    connection = sqlite3.connect(tmp_path / "outbox.db")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(DUMP.read_text(encoding="utf-8"))
    connection.close()
    return tmp_path


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(folder / "outbox.db")
    found = connection.execute(query).fetchall()
    connection.close()
    return found


def test_nothing_is_lost(folder: Path) -> None:
    events = rows(folder, "SELECT seq, event_id, state, problem, content FROM events ORDER BY seq")
    files = rows(folder, "SELECT sha256, kind, bytes, added, state, attempts FROM evidence ORDER BY sha256")
    mentions = rows(folder, "SELECT seq, sha256 FROM mentions ORDER BY seq, sha256")
    outbox = Outbox(folder, "box-1")
    position = outbox.position
    assert rows(folder, "SELECT seq, event_id, state, problem, content FROM events ORDER BY seq") == events
    assert rows(folder, "SELECT sha256, kind, bytes, added, state, attempts FROM evidence ORDER BY sha256") == files
    assert rows(folder, "SELECT seq, sha256 FROM mentions ORDER BY seq, sha256") == mentions
    assert rows(folder, "PRAGMA user_version") == [(SCHEMA_VERSION,)]
    assert rows(folder, "PRAGMA foreign_key_check") == []
    assert rows(folder, "PRAGMA integrity_check") == [("ok",)]
    assert OutboxReader(folder).verify() == (5, None)
    assert OutboxReader(folder).summary().refused_events == 1
    assert [len(found) for found in outbox.open_episodes().values()] == [1], "what was open is open"
    assert outbox.next_evidence() is not None, "what was announced can be uploaded"
    outbox.close()
    again = Outbox(folder, "box-1")
    assert again.position == position
    again.close()


def test_the_tables_are_those_of_a_new_outbox(folder: Path, tmp_path: Path) -> None:
    Outbox(folder, "box-1").close()
    Outbox(tmp_path / "new", "box-1").close()
    query = "SELECT type, name, sql FROM sqlite_schema ORDER BY name"
    assert rows(folder, query) == rows(tmp_path / "new", query)


def test_files_are_worth_what_their_episodes_are(folder: Path) -> None:
    outbox = Outbox(folder, "box-1")
    Storm(outbox, EvidenceStore(folder / "evidence")).episode("blue", Severity.BLUE, Tier.REVIEW)
    worth = [(file.kind, bool(file.episode_id)) for file in outbox.least_worth(10)]
    # Blue, then the yellow ones that are still listed, then the one that nothing lists any more and that counts as red.
    assert worth == [("clip", True), ("snapshot", True), ("snapshot", True), ("snapshot", False)]
    assert outbox.give_up(outbox.least_worth(10), DropReason.QUOTA)
    (report,) = reports_in(outbox)
    assert report["files"] == 4
    assert OutboxReader(folder).verify()[1] is None
    outbox.close()


def test_several_processes_may_be_the_first(folder: Path) -> None:
    opening = (
        "import sys; from pathlib import Path; from edge.outbox.store import Outbox;"
        "Outbox(Path(sys.argv[1]), 'box-1').close()"
    )
    processes = [subprocess.Popen([sys.executable, "-c", opening, str(folder)]) for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0] * 4
    assert rows(folder, "PRAGMA user_version") == [(SCHEMA_VERSION,)]
    assert rows(folder, "SELECT 1 FROM sqlite_schema WHERE name IN ('evidence_1', 'mentions_1')") == []


def test_a_damaged_event_does_not_stop_the_others(folder: Path) -> None:
    connection = sqlite3.connect(folder / "outbox.db")
    connection.execute("UPDATE events SET content = x'00' WHERE seq = 10")
    connection.commit()
    connection.close()
    outbox = Outbox(folder, "box-1")
    assert len(outbox.next_batch(100, 2**20)) == 4
    _, problem = OutboxReader(folder).verify()
    assert problem is not None
    assert problem.seq == 10
    outbox.close()


def test_a_newer_outbox_is_left_alone(tmp_path: Path) -> None:
    Outbox(tmp_path, "box-1").close()
    connection = sqlite3.connect(tmp_path / "outbox.db")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    connection.commit()
    connection.close()
    with pytest.raises(OutboxError, match="written by another version"):
        Outbox(tmp_path, "box-1")
