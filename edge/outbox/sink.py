"""Where a pipeline puts what it has found, all or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from contract.canonical import CanonicalError
from contract.chain import GENESIS, ChainPosition, LinkedEvent, link
from contract.events import MAX_EVENT_BYTES, Event
from edge.episodes.episode import Episode

_NOTHING: Mapping[str, str] = {}


class CommitError(ValueError):
    """An event that cannot be committed, with what is wrong with it: a fault of the program, not of the world."""


@dataclass(frozen=True, slots=True)
class Commit:
    """What belongs together: kept as a whole or not at all.

    `open_episodes` are written or replaced, `closed_episodes` (ids) forgotten; `state` is what a source must remember
    to continue after a power cut, by name.
    """

    events: tuple[Event, ...] = ()
    open_episodes: tuple[Episode, ...] = ()
    closed_episodes: tuple[str, ...] = ()
    state: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


class Sink(Protocol):
    """Takes commits."""

    def commit(self, commit: Commit) -> None:
        """Returns when the commit is durable.

        Raises:
            CommitError: an event is too large or has no canonical form.
            OSError, sqlite3.Error: the disk refused; nothing of the commit was kept.
        """


class JsonlSink:
    """One event a line, chained, in the order of commits. For `replay`: the file appears when it is whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._aside = path.with_name(path.name + ".part")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._aside.open("wb")
        self._position = GENESIS
        self.events_written = 0

    def commit(self, commit: Commit) -> None:
        for event in commit.events:
            linked = linked_event(event, self._position)
            self._file.write(linked.content + b"\n")
            self._position = linked.position
            self.events_written += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self._file.close()
        if kind is None:
            self._aside.replace(self._path)
        else:
            self._aside.unlink(missing_ok=True)


def linked_event(event: Event, position: ChainPosition) -> LinkedEvent:
    """The event's bytes behind `position`.

    Raises:
        CommitError: it is too large or has no canonical form.
    """
    try:
        linked = link(event.as_json(), position)
    except CanonicalError as error:
        raise CommitError(f"event {event.type} for {event.subject}: {error}") from error
    if len(linked.content) > MAX_EVENT_BYTES:
        size = f"found {len(linked.content)} bytes, expected at most {MAX_EVENT_BYTES}"
        raise CommitError(f"event {event.type} for {event.subject}: {size}")
    return linked
