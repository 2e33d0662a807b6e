"""How much room a disk has, and the one error that says there is none. No state of its own."""

from __future__ import annotations

import errno
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT})
_FULL_IN_SQLITE = frozenset({"SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"})
"""The second: no room for the few pages of the write-ahead log's index."""


class DiskFullError(OSError):
    """The disk has no room for what was to be written. Nothing of it was kept; it can be tried again."""

    def __init__(self, message: str, path: Path) -> None:
        super().__init__(errno.ENOSPC, message, str(path))


RESERVE_NAME = "reserve"
RESERVE_BYTES = 8 * 1024 * 1024
RESERVE_SHARE = 0.01
"""Room to report what is dropped when there is no room at all: a report of 100 files is 20 KB, and SQLite writes it to
its log in pages. On a small disk a hundredth of it."""


class Reserve:
    """Blocks of a disk that are taken in advance, to be given back when nothing else can be written."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / RESERVE_NAME

    def give_back(self) -> bool:
        """Frees the blocks; False if they are not held."""
        try:
            self.path.unlink()
        except FileNotFoundError:
            return False
        return True

    def take(self) -> bool:
        """Takes the blocks unless they are held; False where the disk has no room for them now."""
        wanted = int(min(RESERVE_BYTES, RESERVE_SHARE * space_at(self.path.parent).total_bytes))
        if self.path.exists() and self.path.stat().st_size >= wanted:
            return True
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o640)
        try:
            os.posix_fallocate(descriptor, 0, max(wanted, 1))
        except OSError as error:
            self.path.unlink()
            if not is_full(error):
                raise
            return False
        finally:
            os.close(descriptor)
        return True


@dataclass(frozen=True, slots=True)
class DiskSpace:
    """Bytes of the file system that a folder lies on; `free_bytes` is what this user may still write."""

    total_bytes: int
    free_bytes: int


def space_at(folder: Path) -> DiskSpace:
    """The room at a folder.

    Raises:
        OSError: there is no such folder.
    """
    found = os.statvfs(folder)
    return DiskSpace(found.f_blocks * found.f_frsize, found.f_bavail * found.f_frsize)


def is_full(error: BaseException) -> bool:
    """Whether an error of the operating system or of SQLite says that the disk is full."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorname", "") in _FULL_IN_SQLITE
    return isinstance(error, OSError) and error.errno in _FULL_ERRNOS
