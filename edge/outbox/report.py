"""A look into an outbox from outside, while the edge may be running: nothing is changed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from contract.canonical import sha256_hex
from contract.chain import ChainFault, ChainPosition, ChainProblem, verify_chain
from edge.outbox.rows import DROPPED_BYTES, DROPPED_FILES, UPDATES_WITHHELD
from edge.outbox.schema import SCHEMA_VERSION
from edge.outbox.store import DATABASE_NAME, OutboxError


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event that is still here."""

    seq: int
    type: str
    subject: str
    observed_at: str
    state: str
    problem: str
    bytes: int


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One file that the outbox knows of."""

    sha256: str
    kind: str
    bytes: int
    state: str
    attempts: int
    problem: str


@dataclass(frozen=True, slots=True)
class Summary:
    """How far behind the uplink is. `trouble` is what it met last, if it has not got over it."""

    device_id: str
    chain_seq: int
    chain_sha256: str
    waiting_events: int
    refused_events: int
    waiting_files: int
    waiting_bytes: int
    failed_files: int
    open_episodes: int
    oldest_waiting_at: str | None
    trouble: str
    trouble_since: str
    dropped_files: int = 0
    dropped_bytes: int = 0
    """Given up since the outbox was made, before the server had them."""
    updates_withheld: int = 0
    """Not yet reported."""


class OutboxReader:
    """Reads an outbox that another process may be writing.

    Raises:
        OutboxError: there is none, or it cannot be read.
    """

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / DATABASE_NAME
        if not self._path.exists():
            raise OutboxError(f"{self._path}: no outbox here; it is made by the first `run`")

    def summary(self) -> Summary:
        with self._connection() as connection:
            meta = dict(connection.execute("SELECT name, value FROM meta").fetchall())
            trouble = json.loads(meta.get("uplink_trouble") or "{}")
            waiting_files, waiting_bytes = connection.execute(
                "SELECT count(*), coalesce(sum(bytes), 0) FROM evidence WHERE state IN ('waiting', 'announced')"
            ).fetchone()
            oldest = "SELECT observed_at FROM events WHERE state = 'waiting' ORDER BY seq LIMIT 1"
            row = connection.execute(oldest).fetchone()
            return Summary(
                device_id=meta.get("device_id", ""),
                chain_seq=int(meta.get("chain_seq", 0)),
                chain_sha256=meta.get("chain_sha256", "0" * 64),
                waiting_events=_count(connection, "events", "waiting"),
                refused_events=_count(connection, "events", "refused"),
                waiting_files=waiting_files,
                waiting_bytes=waiting_bytes,
                failed_files=_count(connection, "evidence", "failed"),
                open_episodes=connection.execute("SELECT count(*) FROM episodes").fetchone()[0],
                oldest_waiting_at=None if row is None else row[0],
                trouble=trouble.get("message", ""),
                trouble_since=trouble.get("since", ""),
                dropped_files=int(meta.get(DROPPED_FILES, 0)),
                dropped_bytes=int(meta.get(DROPPED_BYTES, 0)),
                updates_withheld=int(meta.get(UPDATES_WITHHELD, 0)),
            )

    def events(self, limit: int) -> Sequence[EventRow]:
        """Refused ones first, then those that wait, oldest first."""
        query = (
            "SELECT seq, type, subject, observed_at, state, problem, length(content) FROM events"
            " ORDER BY state = 'waiting', seq LIMIT ?"
        )
        with self._connection() as connection:
            return [EventRow(*row) for row in connection.execute(query, (limit,))]

    def evidence(self, limit: int) -> Sequence[EvidenceRow]:
        """Files that are not yet whole at the server: failed ones first."""
        query = (
            "SELECT sha256, kind, bytes, state, attempts, problem FROM evidence WHERE state NOT IN ('whole', 'gone')"
            " ORDER BY state <> 'failed', added LIMIT ?"
        )
        with self._connection() as connection:
            return [EvidenceRow(*row) for row in connection.execute(query, (limit,))]

    def content(self, seq: int) -> bytes | None:
        """An event's bytes as they were or will be sent."""
        with self._connection() as connection:
            row = connection.execute("SELECT content FROM events WHERE seq = ?", (seq,)).fetchone()
        return None if row is None else bytes(row[0])

    def verify(self) -> tuple[int, ChainProblem | None]:
        """Checks every link that is still here. How many events were checked, and the first fault."""
        with self._connection() as connection:
            end = self._end(connection)
            checked = 0
            for run in _runs(connection):
                first_seq, first = run[0]
                start = ChainPosition(first_seq - 1, _previous_hash(first))
                report = verify_chain("", [content for _, content in run], [], _ANY_KEY, start)
                checked += report.linked_to - start.seq
                if report.problem is not None:
                    return checked, report.problem
                if run[-1][0] == end.seq:
                    problem = self._end_problem(run[-1][1], end)
                    if problem is not None:
                        return checked, problem
            return checked, None

    def _end(self, connection: sqlite3.Connection) -> ChainPosition:
        meta = dict(connection.execute("SELECT name, value FROM meta").fetchall())
        return ChainPosition(int(meta.get("chain_seq", 0)), meta.get("chain_sha256", ""))

    @staticmethod
    def _end_problem(content: bytes, end: ChainPosition) -> ChainProblem | None:
        if sha256_hex(content) == end.sha256:
            return None
        return ChainProblem(ChainFault.ALTERED, end.seq, f"event {end.seq} is not the one that the chain ends with")

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
            try:
                found = connection.execute("PRAGMA user_version").fetchone()[0]
                if found != SCHEMA_VERSION:
                    raise OutboxError(f"{self._path}: written by another version (schema {found})")
                yield connection
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise OutboxError(f"{self._path}: cannot be read: {error}") from error


_ANY_KEY = Ed25519PublicKey.from_public_bytes(bytes(32))
"""Signatures are the server's to check; here there are no heads to hold it against."""


def _count(connection: sqlite3.Connection, table: str, state: str) -> int:
    query = f"SELECT count(*) FROM {table} WHERE state = ?"  # noqa: S608 - the table's name is ours
    return int(connection.execute(query, (state,)).fetchone()[0])


def _runs(connection: sqlite3.Connection) -> Iterator[list[tuple[int, bytes]]]:
    """Events without a gap: what was acknowledged in between is gone."""
    run: list[tuple[int, bytes]] = []
    for seq, content in connection.execute("SELECT seq, content FROM events ORDER BY seq"):
        if run and seq != run[-1][0] + 1:
            yield run
            run = []
        run.append((seq, bytes(content)))
    if run:
        yield run


def _previous_hash(content: bytes) -> str:
    try:
        found: Any = json.loads(content)["data"]["chain"]["prev_sha256"]
    except (ValueError, KeyError, TypeError):
        return ""  # the verification names the event
    return str(found)
