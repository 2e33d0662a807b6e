"""The outbox's tables, and the way from an older version of them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from contract.events import Severity, Tier
from contract.evidence import EvidenceKind

SCHEMA_VERSION = 2
OLDEST_VERSION = 1
"""From here on an outbox is brought up to date when it is opened."""

SEVERITY_RANK = {Severity.BLUE: 0, Severity.YELLOW: 1, Severity.RED: 2}
TIER_RANK = {Tier.REVIEW: 0, Tier.ALARM: 1}
KIND_RANK = {
    EvidenceKind.OVERLAY.value: 0,  # can be drawn again from snapshot and track
    EvidenceKind.CLIP.value: 1,  # a hundred times a snapshot, and says less in the first second
    EvidenceKind.TRACK.value: 3,  # two kilobytes, and the only thing that shows where to look
    EvidenceKind.SNAPSHOT.value: 4,
}
OTHER_KIND_RANK = 2
"""Of two files of one episode, that with the lower rank is given up first."""

STATES = "'waiting', 'announced', 'whole', 'failed', 'gone', 'dropped'"

# waiting: not yet announced by an event that the server accepted; announced: may be uploaded; whole: the server has it;
# gone: and the file here was removed (the row stays a while: a later event may list the file again); dropped: given up
# before the server had it, and reported. severity, tier and kind_rank say what is given up first, then the episode's
# id, which sorts by time.
_EVIDENCE = f"""CREATE TABLE evidence (
        sha256 TEXT PRIMARY KEY,
        kind TEXT NOT NULL,
        bytes INTEGER NOT NULL,
        added INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ({STATES})) DEFAULT 'waiting',
        problem TEXT NOT NULL DEFAULT '',
        attempts INTEGER NOT NULL DEFAULT 0,
        settled_at TEXT,
        severity INTEGER NOT NULL,
        tier INTEGER NOT NULL,
        episode_id TEXT NOT NULL,
        kind_rank INTEGER NOT NULL
    ) WITHOUT ROWID, STRICT"""
_EVIDENCE_INDEXES = (
    "CREATE INDEX evidence_by_state ON evidence (state, added, bytes)",
    "CREATE INDEX evidence_by_worth ON evidence (severity, tier, episode_id, kind_rank, added)"
    " WHERE state IN ('waiting', 'announced', 'failed')",
)

STATEMENTS = (
    """CREATE TABLE meta (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) WITHOUT ROWID, STRICT""",
    # An event's bytes are written once, with its chain link; the row goes when the server has answered for it.
    """CREATE TABLE events (
        seq INTEGER PRIMARY KEY,
        event_id TEXT NOT NULL UNIQUE,
        type TEXT NOT NULL,
        subject TEXT NOT NULL,
        observed_at TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('waiting', 'refused')) DEFAULT 'waiting',
        problem TEXT NOT NULL DEFAULT '',
        content BLOB NOT NULL
    ) STRICT""",
    "CREATE INDEX events_waiting ON events (seq) WHERE state = 'waiting'",
    _EVIDENCE,
    *_EVIDENCE_INDEXES,
    """CREATE TABLE mentions (
        seq INTEGER NOT NULL REFERENCES events (seq) ON DELETE CASCADE,
        sha256 TEXT NOT NULL REFERENCES evidence (sha256) ON DELETE CASCADE,
        PRIMARY KEY (seq, sha256)
    ) WITHOUT ROWID, STRICT""",
    "CREATE INDEX mentions_by_file ON mentions (sha256)",
    """CREATE TABLE episodes (
        episode_id TEXT PRIMARY KEY,
        source_id TEXT NOT NULL,
        content TEXT NOT NULL
    ) WITHOUT ROWID, STRICT""",
    """CREATE TABLE state (
        name TEXT PRIMARY KEY,
        content TEXT NOT NULL
    ) WITHOUT ROWID, STRICT""",
)


def kind_rank(kind: str) -> int:
    """The place of a kind of evidence among the files of one episode: the lowest is given up first."""
    return KIND_RANK.get(kind, OTHER_KIND_RANK)


def upgrade(connection: sqlite3.Connection, found: int) -> None:
    """Brings the tables of version `found` up to date, inside the caller's transaction; foreign keys must be off.

    Version 1 did not know what its files were worth: that is read from the events and episodes that list them. What
    is listed by nothing any more counts as red: it is not given up out of ignorance.
    """
    assert found == OLDEST_VERSION, f"no way from version {found}"
    connection.execute("ALTER TABLE evidence RENAME TO evidence_1")
    # SQLite moves the references of `mentions` along with the name; they come back with the new table's.
    connection.execute("DROP INDEX evidence_by_state")
    connection.execute(_EVIDENCE)
    worth = dict(_worth_in(connection))
    unknown = (SEVERITY_RANK[Severity.RED], TIER_RANK[Tier.ALARM], "")
    old = "SELECT sha256, kind, bytes, added, state, problem, attempts, whole_at FROM evidence_1"
    connection.executemany(
        "INSERT INTO evidence VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(*row, *worth.get(row[0], unknown), kind_rank(row[1])) for row in connection.execute(old).fetchall()],
    )
    connection.execute("ALTER TABLE mentions RENAME TO mentions_1")
    connection.execute("DROP INDEX mentions_by_file")
    for statement in STATEMENTS:
        if "mentions" in statement.split("(")[0]:
            connection.execute(statement)
    connection.execute("INSERT INTO mentions SELECT seq, sha256 FROM mentions_1")
    connection.execute("DROP TABLE mentions_1")
    connection.execute("DROP TABLE evidence_1")
    for statement in _EVIDENCE_INDEXES:
        connection.execute(statement)


def _worth_in(connection: sqlite3.Connection) -> Iterator[tuple[str, tuple[int, int, str]]]:
    """(sha256, (severity, tier, episode)) of every file that something still lists; later words win."""
    for (content,) in connection.execute("SELECT content FROM episodes"):
        yield from _worth_of(content)
    query = "SELECT content FROM events WHERE type LIKE 'gridsentry.hazard.%' ORDER BY seq"
    for (content,) in connection.execute(query):
        yield from _worth_of(content)


def _worth_of(content: str | bytes) -> Iterable[tuple[str, tuple[int, int, str]]]:
    """What an episode or a hazard event lists. A damaged one is found by `verify`; here it says nothing."""
    try:
        said: dict[str, Any] = json.loads(content)
        said = said.get("data", said)
        worth = (SEVERITY_RANK[Severity(said["severity"])], TIER_RANK[Tier(said["tier"])], str(said["episode_id"]))
        return [(str(item["sha256"]), worth) for item in said.get("evidence", ())]
    except (ValueError, KeyError, TypeError, AttributeError):
        return ()
