"""One program at a time in a state folder, children included."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

import pytest

from edge.outbox.lock import LOCK_NAME, StateInUseError, StateLock


def test_a_second_one_is_told_who_holds_it(tmp_path: Path) -> None:
    lock = StateLock(tmp_path)
    try:
        with pytest.raises(StateInUseError, match=rf"process {os.getpid()}\); stop it, or give this device another"):
            StateLock(tmp_path, wait_seconds=0.1)
    finally:
        lock.release()
    StateLock(tmp_path, wait_seconds=0).release()


def test_an_orphan_keeps_it_and_is_named_as_one(tmp_path: Path) -> None:
    lock = StateLock(tmp_path)
    with subprocess.Popen(["sleep", "600"], pass_fds=(lock.descriptor,)) as orphan:
        lock.release()
        try:
            gone = subprocess.Popen(["true"])
            gone.wait()
            (tmp_path / LOCK_NAME).write_text(str(gone.pid))
            with pytest.raises(StateInUseError, match=rf"a child of gridsentry-edge \(process {gone.pid}, which has"):
                StateLock(tmp_path, wait_seconds=0.1)
        finally:
            orphan.kill()
        orphan.wait()
    StateLock(tmp_path, wait_seconds=0).release()


def test_who_comes_too_early_waits_a_little(tmp_path: Path) -> None:
    first = StateLock(tmp_path)
    release = threading.Timer(0.3, first.release)
    release.start()
    StateLock(tmp_path, wait_seconds=60).release()
    release.join()


@pytest.mark.parametrize("content", ["", "what is this", "9" * 1000], ids=["empty", "text", "long"])
def test_a_strange_lock_file_is_no_reason_to_fail_strangely(tmp_path: Path, content: str) -> None:
    lock = StateLock(tmp_path)
    try:
        (tmp_path / LOCK_NAME).write_text(content)
        with pytest.raises(StateInUseError, match="in use by"):
            StateLock(tmp_path, wait_seconds=0)
    finally:
        lock.release()
