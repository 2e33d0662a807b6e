"""Evidence on disk, named by its hash: `ab/<sha256>` when whole, `partial/<sha256>-<device>` on its way.

Every device has a partial file of its own: what one sends under a hash can never spoil what another sends.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from contract.canonical import sha256_hex


class UploadBusyError(RuntimeError):
    """Another request is writing this file at the moment."""


class EvidenceFiles:
    """A content-addressed folder. Names come in as 64 hexadecimal digits; nothing else reaches the file system."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._partial = root / "partial"

    def path(self, sha256: str) -> Path:
        """Where the whole file lies."""
        return self._root / _checked(sha256)[:2] / sha256

    def is_whole(self, sha256: str) -> bool:
        """Whether the file is here. Only verified files are ever moved to their place."""
        return self.path(sha256).is_file()

    def partial_size(self, sha256: str, device_id: str) -> int:
        """How many bytes of the device's upload are here."""
        try:
            return self._partial_path(sha256, device_id).stat().st_size
        except FileNotFoundError:
            return 0

    def open_partial(self, sha256: str, device_id: str) -> PartialFile:
        """Opens the device's upload for appending, for one request at a time.

        Raises:
            UploadBusyError: another request has it.
        """
        path = self._partial_path(sha256, device_id)
        self._partial.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o640)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise UploadBusyError("another upload of this file is under way") from error
        # Between open and lock another request may have finished the file and moved it away.
        if not path.exists() or not os.path.samestat(os.fstat(descriptor), path.stat()):
            os.close(descriptor)
            raise UploadBusyError("another upload of this file has just ended")
        return PartialFile(descriptor, path, self.path(sha256), sha256)

    def partial_hashes(self) -> set[str]:
        """The files that uploads have been begun of."""
        return {path.name.partition("-")[0] for path in self._partials()}

    def remove_partials(self, before: datetime) -> set[str]:
        """Removes uploads that had no byte since `before`, and those of files that are whole. Returns their hashes."""
        removed = set()
        for path in self._partials():
            sha256 = path.name.partition("-")[0]
            try:
                descriptor = os.open(path, os.O_RDWR)
            except FileNotFoundError:
                continue
            try:
                # An upload under way holds the lock; one that comes now finds that its file is gone, and begins anew.
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(descriptor).st_mtime < before.timestamp() or self.is_whole(sha256):
                    path.unlink(missing_ok=True)
                    removed.add(sha256)
            except BlockingIOError:
                continue
            finally:
                os.close(descriptor)
        return removed

    def _partials(self) -> list[Path]:
        return [path for path in self._partial.glob("*-*") if path.is_file()]

    def _partial_path(self, sha256: str, device_id: str) -> Path:
        return self._partial / f"{_checked(sha256)}-{sha256_hex(device_id.encode())[:16]}"


class PartialFile:
    """An upload under way. Nothing counts before `flush`; closing it gives the lock back."""

    def __init__(self, descriptor: int, path: Path, destination: Path, sha256: str) -> None:
        self._descriptor = descriptor
        self._path = path
        self._destination = destination
        self._sha256 = sha256

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    @property
    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def append(self, content: bytes) -> None:
        """Writes all of `content` at the end."""
        view = memoryview(content)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def truncate(self, size: int) -> None:
        """Takes back what came after `size`."""
        os.ftruncate(self._descriptor, size)
        self.flush()

    def flush(self) -> None:
        """After this, the bytes survive a power cut."""
        os.fsync(self._descriptor)
        _fsync_folder(self._path.parent)

    def finish(self) -> bool:
        """Moves the file to its place if its hash is right; else removes it, to begin again."""
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        with os.fdopen(os.dup(self._descriptor), "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != self._sha256:
            self._path.unlink()
            return False
        self._destination.parent.mkdir(parents=True, exist_ok=True)
        self._path.replace(self._destination)
        _fsync_folder(self._destination.parent)
        _fsync_folder(self._destination.parent.parent)
        return True


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _checked(sha256: str) -> str:
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise ValueError(f"{sha256!r} is no SHA-256 in hexadecimal digits")
    return sha256
