"""Files named by their SHA-256: written aside, flushed to the disk, renamed. What is there under a hash is whole."""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from contract.canonical import sha256_hex
from contract.evidence import Evidence, EvidenceKind

_ASIDE_SUFFIX = ".part"


class EvidenceStore:
    """A folder of evidence files. Safe for several threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path_of(self, sha256: str) -> Path:
        """Where the file with this hash lies or would lie."""
        return self.folder / sha256

    def put(self, content: bytes, kind: EvidenceKind, media_type: str, captured_at: datetime) -> Evidence:
        """Keeps `content` durably and describes it.

        Raises:
            OSError: the disk refused.
        """
        sha256 = sha256_hex(content)
        path = self.path_of(sha256)
        if not path.exists():
            self._write(path, content)
        return Evidence(
            sha256=sha256,
            kind=kind.value,
            media_type=media_type,
            bytes=len(content),
            captured_at=captured_at,
            # Blurring of faces and plates is not built yet, and must not be claimed.
            redacted=False,
        )

    def remove(self, sha256: str) -> None:
        """Forgets a file; one that is not there is no fault."""
        self.path_of(sha256).unlink(missing_ok=True)

    def remove_unlisted(self, listed: Collection[str]) -> int:
        """Removes what a stopped program left behind before its event was committed. Returns how many files."""
        removed = 0
        for path in self.folder.iterdir():
            if path.is_file() and path.name not in listed:
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def _write(self, path: Path, content: bytes) -> None:
        aside = path.with_suffix(f".{os.getpid()}-{os.urandom(4).hex()}{_ASIDE_SUFFIX}")
        try:
            with aside.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
        # The name must survive a power cut too, before an event promises the file.
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
