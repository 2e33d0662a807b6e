"""How a child commits: patiently, telling what it committed, and waking the uplink."""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import structlog

from contract.events import Event, HazardEvent
from edge.logs import Repeats
from edge.outbox.sink import Commit, CommitError, Sink
from edge.outbox.store import OutboxError

log = structlog.get_logger("outbox")

COMMIT_RETRY_SECONDS = 2.0
FIRST_RETRY_SECONDS = 0.05
LAST_TRIES = 3
"""At the end of the program: another process that holds the database (each try waits 5 s for it) may end any moment,
a full disk will not grow."""
MAX_RECENT_EVENTS = 200
"""Between two reports, a second apart."""

_T = TypeVar("_T")


class StoppingError(OSError):
    """The program ends while the disk still refuses."""


class PatientSink:
    """Commits, and waits out a disk that refuses: losing an episode is worse than a camera that stands still."""

    def __init__(self, sink: Sink, stopping: threading.Event) -> None:
        self._sink = sink
        self._stopping = stopping
        self._repeats = Repeats()
        self.waiting = False
        """The disk refuses now."""

    def commit(self, commit: Commit) -> None:
        try:
            self._commit(commit)
        finally:
            self.waiting = False

    def _commit(self, commit: Commit) -> None:
        last_tries = LAST_TRIES
        while True:
            try:
                self._sink.commit(commit)
            except (sqlite3.OperationalError, OSError) as error:
                if self._stopping.is_set():
                    last_tries -= 1
                    if not last_tries or not _is_locked(error):
                        raise
                self.waiting = True
                if self._repeats.due("commit") is not None:
                    log.error("cannot write to the outbox, will be tried again", reason=str(error))
                self._stopping.wait(COMMIT_RETRY_SECONDS)
            except CommitError as error:
                # Ours to mend; the state must still advance, or the same event would be tried for ever.
                log.error("an event could not be written and is left out", reason=str(error))
                commit = Commit((), commit.open_episodes, commit.closed_episodes, commit.state)
            else:
                return


def _is_locked(error: Exception) -> bool:
    return getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def patiently(work: Callable[[], _T], stopping: threading.Event) -> _T:
    """Does what needs the disk, as often as it takes: a full disk at the start is waited out as later.

    Raises:
        StoppingError: the program ends first.
        OutboxError: for another reason than that the disk or another process is in the way.
    """
    repeats = Repeats()
    wait_seconds = FIRST_RETRY_SECONDS
    while True:
        try:
            return work()
        except (sqlite3.OperationalError, OSError, OutboxError) as error:
            # Several processes make one database at the first start: who comes second may find it locked.
            if isinstance(error, OutboxError) and not isinstance(error.__cause__, sqlite3.OperationalError):
                raise
            if wait_seconds >= COMMIT_RETRY_SECONDS and repeats.due("open") is not None:
                log.error("cannot open the outbox, will be tried again", reason=str(error))
            if stopping.wait(wait_seconds):
                raise StoppingError(str(error)) from error
            wait_seconds = min(COMMIT_RETRY_SECONDS, 2 * wait_seconds)


class RecentEvents:
    """What was committed since it was last asked. Safe for several threads."""

    def __init__(self) -> None:
        self._events: deque[dict[str, Any]] = deque(maxlen=MAX_RECENT_EVENTS)

    def note(self, events: Iterable[Event]) -> None:
        self._events.extend(summary_of(event) for event in events)

    def take(self) -> list[dict[str, Any]]:
        taken = []
        while self._events:
            taken.append(self._events.popleft())
        return taken


class TellingSink:
    """Passes commits on, and remembers what was in them."""

    def __init__(self, sink: Sink, recent: RecentEvents) -> None:
        self._sink = sink
        self._recent = recent

    def commit(self, commit: Commit) -> None:
        self._sink.commit(commit)
        self._recent.note(commit.events)


def summary_of(event: Event) -> dict[str, Any]:
    """An event in one line's worth of JSON types."""
    summary: dict[str, Any] = {"id": str(event.id), "type": event.type, "time": event.time.isoformat()}
    data: Any = getattr(event, "data", None)
    if isinstance(event, HazardEvent):
        summary["episode_id"] = event.subject
        if event.data.canary is not None:
            summary["canary"] = True
    for name in ("hazard", "severity", "tier", "phase", "state", "reason"):
        value = getattr(data, name, None)
        if value is not None:
            summary[name] = str(value)
    source = getattr(data, "source", None)
    if source is not None:
        summary["source_id"] = source.id
    return summary
