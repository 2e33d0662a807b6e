"""A child's commits: patient with the disk, told of, and heard by the uplink."""

from __future__ import annotations

import sqlite3
import threading

import pytest

from edge.outbox.sink import Commit, CommitError
from edge.outbox.store import OutboxError
from edge.worker.bell import Bell, new_bell
from edge.worker.committing import (
    MAX_RECENT_EVENTS,
    PatientSink,
    RecentEvents,
    StoppingError,
    TellingSink,
    patiently,
)
from tests.edge.parts import episodes_of


class Failing:
    """Refuses a number of commits."""

    def __init__(self, errors: list[Exception]) -> None:
        self.errors = errors
        self.commits: list[Commit] = []

    def commit(self, commit: Commit) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.commits.append(commit)


def test_a_disk_that_refuses_is_waited_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.worker.committing.COMMIT_RETRY_SECONDS", 0.01)
    sink = Failing([OSError(28, "No space left on device")] * 3)
    commit = next(episodes_of(1))
    PatientSink(sink, threading.Event()).commit(commit)
    assert sink.commits == [commit]
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(OSError, match="No space"):
        PatientSink(Failing([OSError(28, "No space left on device")]), stopping).commit(commit)


def test_an_event_that_cannot_be_written_does_not_hold_up_the_state() -> None:
    sink = Failing([CommitError("too large")])
    commit = Commit(next(episodes_of(1)).events, state={"a": "b"})
    PatientSink(sink, threading.Event()).commit(commit)
    assert sink.commits == [Commit(state={"a": "b"})]


def test_opening_is_patient_with_a_disk_and_a_lock_but_not_with_a_stranger() -> None:
    locked = OutboxError("locked")
    locked.__cause__ = sqlite3.OperationalError("database is locked")
    errors: list[Exception] = [OSError(28, "No space left on device"), locked]

    def opened() -> str:
        if errors:
            raise errors.pop(0)
        return "open"

    assert patiently(opened, threading.Event()) == "open"
    errors.append(OutboxError("belongs to device 'another'"))
    with pytest.raises(OutboxError, match="another"):
        patiently(opened, threading.Event())
    stopping = threading.Event()
    stopping.set()
    errors.append(OSError(28, "No space left on device"))
    with pytest.raises(StoppingError, match="No space"):
        patiently(opened, stopping)


def test_what_was_committed_is_told_once_and_never_piles_up() -> None:
    recent = RecentEvents()
    sink = TellingSink(Failing([CommitError("too large")]), recent)
    commit = next(episodes_of(1))
    with pytest.raises(CommitError):
        sink.commit(commit)
    assert recent.take() == [], "what was not committed did not happen"
    sink.commit(commit)
    told = recent.take()
    assert [event["id"] for event in told] == [str(event.id) for event in commit.events]
    assert told[0]["source_id"] == "well-12"
    assert told[0]["hazard"] == "water_level"
    assert recent.take() == []
    for _ in range(MAX_RECENT_EVENTS + 10):
        recent.note(commit.events)
    assert len(recent.take()) == MAX_RECENT_EVENTS


def test_a_bell_is_heard_once_however_often_it_was_rung() -> None:
    import os

    descriptor = new_bell()
    try:
        bell = Bell(descriptor)
        assert not bell.wait(0)
        for _ in range(5):
            Bell(descriptor).ring()
        assert bell.wait(0)
        assert not bell.wait(0)
    finally:
        os.close(descriptor)
