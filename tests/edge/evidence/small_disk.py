"""A real, small file system, for as long as a test needs it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[Path]:
    """A tmpfs of so many bytes at `folder`. Skips where that needs rights that we do not have."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill_up(folder: Path, leave_bytes: int) -> Path:
    """A file that takes all of the disk but so much."""
    path = folder / "somebody-elses.log"
    space = os.statvfs(folder)
    size = space.f_bavail * space.f_frsize - leave_bytes
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)
    return path
