"""The outbox: events and the state behind them, kept in SQLite until the server has answered for them.

One transaction holds an event's bytes, its place in the hash chain, the episode it speaks of and what its source must
remember: after a power cut either all of it is there or none of it.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from contract.chain import ChainPosition
from contract.events import Event, HazardEvent, Phase, Severity
from contract.evidence import DropReason
from edge.disk import DiskFullError, Reserve, is_full
from edge.episodes.episode import Episode, episode_from_text
from edge.outbox.rows import (
    UPDATES_WITHHELD,
    KeptFile,
    append_events,
    chain_position,
    count_of,
    count_up,
    drop,
    drop_report,
    meta,
    note_evidence,
    set_meta,
)
from edge.outbox.schema import OLDEST_VERSION, SCHEMA_VERSION, STATEMENTS, upgrade
from edge.outbox.sink import Commit

DATABASE_NAME = "outbox.db"
LOG_PAGES = 256
"""A commit writes 5 to 10 pages: every few dozen the log is worked off, which costs one more flush."""
FORGET_FILES_AFTER = timedelta(days=7)
"""No episode lists evidence that is older than this; until then a row says what became of the file."""


class OutboxError(Exception):
    """The outbox cannot be used, with the reason and the remedy."""


@dataclass(frozen=True, slots=True)
class WaitingEvent:
    """An event as it will be sent."""

    seq: int
    event_id: str
    content: bytes


@dataclass(frozen=True, slots=True)
class WaitingEvidence:
    """A file to upload, and how often that failed."""

    file: KeptFile
    attempts: int

    @property
    def sha256(self) -> str:
        return self.file.sha256

    @property
    def bytes(self) -> int:
        return self.file.bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """The server's answer for one event. `refused` holds why, if it was refused for good."""

    seq: int
    refused: str | None = None


class Outbox:
    """The durable queue of one device. Safe for several threads, and for several processes with one each.

    Beyond `max_bytes` in the database, updates below red are no longer written: what they would have said is in their
    episode's next event, and how many there were is reported.

    Raises:
        OutboxError: the database is damaged, of another version, or belongs to another device.
        DiskFullError: from every method that writes; nothing was kept, and it can be tried again.
    """

    def __init__(self, state_dir: Path, device_id: str, *, max_bytes: int | None = None) -> None:
        state_dir.mkdir(parents=True, exist_ok=True)
        self.path = state_dir / DATABASE_NAME
        self._device_id = device_id
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []
        self._connection = self._opened()
        try:
            try:
                self._prepare(device_id)
            except (sqlite3.OperationalError, DiskFullError) as error:
                # Opening writes a few pages too. With the reserve given back, the keeper can begin its work.
                if not is_full(error) or not Reserve(state_dir).give_back():
                    raise
                self._connection.close()
                self._connection = self._opened()
                self._prepare(device_id)
        except DiskFullError:
            self._connection.close()
            raise
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise OutboxError(f"{self.path}: cannot be used ({error}); restore it, or move it away") from error
        except OutboxError:
            self._connection.close()
            raise

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def on_commit(self, listener: Callable[[], None]) -> None:
        """`listener` is called after each commit that holds events, from the committing thread."""
        self._listeners.append(listener)

    # ---- what pipelines do

    def commit(self, commit: Commit) -> None:
        """Keeps a commit durably; see `edge.outbox.sink.Sink`."""
        with self._transaction() as connection:
            events = self._taken(connection, commit.events)
            if events:
                append_events(connection, events)
            connection.executemany(
                "INSERT INTO episodes VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET content = excluded.content",
                [(episode.episode_id, episode.source.id, episode.as_text()) for episode in commit.open_episodes],
            )
            connection.executemany(
                "DELETE FROM episodes WHERE episode_id = ?", [(episode_id,) for episode_id in commit.closed_episodes]
            )
            connection.executemany(
                "INSERT INTO state VALUES (?, ?) ON CONFLICT DO UPDATE SET content = excluded.content",
                list(commit.state.items()),
            )
        if commit.events:
            self._tell_listeners()

    def open_episodes(self) -> Mapping[str, Sequence[Episode]]:
        """Episodes that were open at the last commit, by source."""
        found: dict[str, list[Episode]] = {}
        for (content,) in self._read("SELECT content FROM episodes ORDER BY episode_id"):
            episode = episode_from_text(content)
            found.setdefault(episode.source.id, []).append(episode)
        return found

    def state(self, name: str) -> str | None:
        """What a source wanted to remember, as of the last commit."""
        rows = self._read("SELECT content FROM state WHERE name = ?", name)
        return rows[0][0] if rows else None

    # ---- what the uplink does

    def next_batch(self, max_events: int, max_bytes: int) -> Sequence[WaitingEvent]:
        """The oldest waiting events, at least one if any waits, in the order of the chain."""
        batch: list[WaitingEvent] = []
        size = 2
        query = "SELECT seq, event_id, content FROM events WHERE state = 'waiting' ORDER BY seq LIMIT ?"
        for seq, event_id, content in self._read(query, max_events):
            size += len(content) + 1
            if batch and size > max_bytes:
                break
            batch.append(WaitingEvent(seq, event_id, content))
        return batch

    def settle(self, verdicts: Sequence[Verdict]) -> None:
        """Forgets events that the server answered for, and keeps the refused ones apart.

        What an accepted event lists may be uploaded from now on.
        """
        accepted = [(verdict.seq,) for verdict in verdicts if verdict.refused is None]
        refused = [(verdict.refused, verdict.seq) for verdict in verdicts if verdict.refused is not None]
        with self._transaction() as connection:
            connection.executemany(
                "UPDATE evidence SET state = 'announced' WHERE state = 'waiting'"
                " AND sha256 IN (SELECT sha256 FROM mentions WHERE seq = ?)",
                accepted,
            )
            connection.executemany("DELETE FROM events WHERE seq = ?", accepted)
            connection.executemany("UPDATE events SET state = 'refused', problem = ? WHERE seq = ?", refused)
            connection.executemany(
                "UPDATE evidence SET state = 'failed', problem = 'every event that lists it was refused'"
                " WHERE state = 'waiting' AND sha256 IN (SELECT sha256 FROM mentions WHERE seq = ?)"
                " AND NOT EXISTS (SELECT 1 FROM mentions JOIN events USING (seq)"
                " WHERE mentions.sha256 = evidence.sha256 AND events.state = 'waiting')",
                [(seq,) for _, seq in refused],
            )

    def next_evidence(self) -> WaitingEvidence | None:
        """The file to upload next: the one that failed least often, then the oldest."""
        rows = self._read(
            "SELECT sha256, kind, bytes, episode_id, attempts FROM evidence WHERE state = 'announced'"
            " ORDER BY attempts, added LIMIT 1"
        )
        return WaitingEvidence(KeptFile(*rows[0][:4]), rows[0][4]) if rows else None

    def evidence_whole(self, sha256: str) -> None:
        """The server has the file."""
        now = datetime.now(UTC).isoformat()
        with self._transaction() as connection:
            connection.execute(
                "UPDATE evidence SET state = 'whole', problem = '', settled_at = ? WHERE sha256 = ?", (now, sha256)
            )

    def evidence_trouble(self, sha256: str, problem: str, *, final: bool) -> None:
        """An upload failed; `final`: it will not be tried again by itself."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE evidence SET state = ?, problem = ?, attempts = attempts + 1"
                " WHERE sha256 = ? AND state IN ('waiting', 'announced', 'failed')",
                ("failed" if final else "announced", problem, sha256),
            )

    def retire_evidence(self, whole_before: datetime) -> Sequence[str]:
        """Marks files that the server has had since before the given time as removable; returns their hashes."""
        forgotten_before = whole_before - FORGET_FILES_AFTER
        with self._transaction() as connection:
            rows = connection.execute(
                "UPDATE evidence SET state = 'gone' WHERE state = 'whole' AND settled_at <= ? RETURNING sha256",
                (whole_before.isoformat(),),
            ).fetchall()
            connection.execute(
                "DELETE FROM evidence WHERE state IN ('gone', 'dropped') AND settled_at <= ?",
                (forgotten_before.isoformat(),),
            )
        return [row[0] for row in rows]

    def kept_evidence(self) -> frozenset[str]:
        """Hashes of the files that must stay."""
        return frozenset(
            row[0] for row in self._read("SELECT sha256 FROM evidence WHERE state NOT IN ('gone', 'dropped')")
        )

    # ---- what the keeper does

    def evidence_bytes(self) -> int:
        """Bytes of all files that are kept here."""
        query = "SELECT coalesce(sum(bytes), 0) FROM evidence WHERE state NOT IN ('gone', 'dropped')"
        return int(self._read(query)[0][0])

    def uploaded_files(self, limit: int) -> Sequence[KeptFile]:
        """Files that the server has whole, those that it has had longest first."""
        query = "SELECT sha256, kind, bytes, episode_id FROM evidence WHERE state = 'whole' ORDER BY settled_at LIMIT ?"
        return [KeptFile(*row) for row in self._read(query, limit)]

    def least_worth(self, limit: int) -> Sequence[KeptFile]:
        """Files that the server has not got, in the order in which they may be given up.

        Low severity before high, review before alarm, old episodes before new ones, and of one episode the clip before
        the snapshot.
        """
        query = (
            "SELECT sha256, kind, bytes, episode_id FROM evidence WHERE state IN ('waiting', 'announced', 'failed')"
            " ORDER BY severity, tier, episode_id, kind_rank, added LIMIT ?"
        )
        return [KeptFile(*row) for row in self._read(query, limit)]

    def forget_uploaded(self, files: Sequence[KeptFile]) -> None:
        """The files here are no longer needed: the server has them."""
        with self._transaction() as connection:
            connection.executemany(
                "UPDATE evidence SET state = 'gone' WHERE sha256 = ? AND state = 'whole'",
                [(file.sha256,) for file in files],
            )

    def give_up(self, files: Sequence[KeptFile], reason: DropReason, problem: str = "") -> Sequence[KeptFile]:
        """Marks files as dropped and writes the report of it, in one transaction; those that were not sent meanwhile.

        Afterwards, and not before, the files may be removed.
        """
        with self._transaction() as connection:
            dropped = [file for file in files if drop(connection, file, problem or reason.value)]
            if dropped:
                append_events(connection, [drop_report(connection, self._device_id, dropped, reason)])
        if dropped:
            self._tell_listeners()
        return dropped

    def report_withheld(self) -> int:
        """Writes a report of the updates that were withheld since the last one, if there were any; how many."""
        with self._transaction() as connection:
            count = count_of(connection, UPDATES_WITHHELD)
            if count:
                append_events(connection, [drop_report(connection, self._device_id, (), DropReason.DISK_SHORT)])
        if count:
            self._tell_listeners()
        return count

    def retry_failed(self) -> int:
        """Puts failed uploads back into the queue; returns how many."""
        with self._transaction() as connection:
            cursor = connection.execute(
                "UPDATE evidence SET state = 'announced', problem = '', attempts = 0 WHERE state = 'failed'"
            )
        return cursor.rowcount

    def waiting_events(self) -> int:
        return int(self._read("SELECT count(*) FROM events WHERE state = 'waiting'")[0][0])

    def waits(self, event_type: str) -> bool:
        """Whether an event of this type has not been answered for."""
        return bool(self._read("SELECT 1 FROM events WHERE state = 'waiting' AND type = ? LIMIT 1", event_type))

    def waiting_evidence_bytes(self) -> int:
        query = "SELECT coalesce(sum(bytes), 0) FROM evidence WHERE state IN ('waiting', 'announced')"
        return int(self._read(query)[0][0])

    def set_meta(self, name: str, value: str) -> None:
        """Keeps a fact about the device, such as the uplink's last trouble."""
        with self._transaction() as connection:
            set_meta(connection, name, value)

    @property
    def position(self) -> ChainPosition:
        """Where the chain stands."""
        with self._lock:
            return chain_position(self._connection)

    # ---- inside

    def _opened(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)

    def _prepare(self, device_id: str) -> None:
        connection = self._connection
        connection.execute("PRAGMA busy_timeout = 5000")
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: what was committed survives a power cut, not only the end of the process.
        connection.execute("PRAGMA synchronous = FULL")
        # A log of 1 MB at the most: on a disk that runs short its room is not there for anybody else.
        connection.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
        connection.execute(f"PRAGMA journal_size_limit = {LOG_PAGES * 4096}")
        connection.execute(
            "PRAGMA foreign_keys = OFF"
        )  # an upgrade rebuilds tables; inside a transaction it is too late
        with self._transaction():
            self._bring_up_to_date(connection, device_id)
        connection.execute("PRAGMA foreign_keys = ON")
        owner = meta(connection, "device_id")
        if owner != device_id:
            raise OutboxError(
                f"{self.path}: belongs to device {owner!r}, the configuration says {device_id!r}; "
                "a device's chain cannot change hands: use another state_dir"
            )

    def _bring_up_to_date(self, connection: sqlite3.Connection, device_id: str) -> None:
        found = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if found == 0:
            for statement in STATEMENTS:
                connection.execute(statement)
            set_meta(connection, "device_id", device_id)
        elif OLDEST_VERSION <= found < SCHEMA_VERSION:
            upgrade(connection, found)
        elif found == SCHEMA_VERSION:
            return
        else:
            raise OutboxError(
                f"{self.path}: written by another version (schema {found}, expected {SCHEMA_VERSION}); "
                "use the version that wrote it to send what waits"
            )
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _taken(self, connection: sqlite3.Connection, events: Sequence[Event]) -> Sequence[Event]:
        """The events that are to be written: all of them, unless the outbox has grown beyond its bound."""
        if self._max_bytes is None or not events or self._used_bytes(connection) <= self._max_bytes:
            return events
        taken = [event for event in events if not _can_be_withheld(event)]
        withheld = [event for event in events if isinstance(event, HazardEvent) and _can_be_withheld(event)]
        for event in withheld:
            # Not listed by an event for now, but kept: the episode's next event lists it.
            note_evidence(connection, event, chain_position(connection).seq)
        if withheld:
            count_up(connection, UPDATES_WITHHELD, len(withheld))
        return taken

    def _used_bytes(self, connection: sqlite3.Connection) -> int:
        """What the tables hold. Asked before every commit, and answered from the file's header."""
        pages, free, size = (
            int(connection.execute(f"PRAGMA {name}").fetchone()[0])
            for name in ("page_count", "freelist_count", "page_size")
        )
        return (pages - free) * size

    def _tell_listeners(self) -> None:
        for listener in self._listeners:
            listener()

    def _read(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(query, parameters).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException as error:
                # A full disk may have ended the transaction already; a COMMIT that failed for it has not.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error) and is_full(error):
                    self._shorten_log()
                    raise DiskFullError("the disk is full, nothing was written", self.path) from error
                raise

    def _shorten_log(self) -> None:
        """Moves what is in the write-ahead log into the database, most of which has its place there already.

        SQLite does so by itself only behind a commit: on a full disk there would never be one again.
        """
        with suppress(sqlite3.OperationalError):  # full or in use: the next attempt comes soon
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _can_be_withheld(event: Event) -> bool:
    """An update below red: the episode's next event says all that it says."""
    return (
        isinstance(event, HazardEvent) and event.data.phase is Phase.UPDATED and event.data.severity is not Severity.RED
    )
