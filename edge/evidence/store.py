"""Files named by their SHA-256: written aside, flushed to the disk, renamed. What is there under a hash is whole."""

from __future__ import annotations

import os
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from contract.canonical import sha256_hex
from contract.evidence import Evidence, EvidenceKind
from edge.disk import DiskFullError, is_full, space_at

_ASIDE_SUFFIX = ".part"
FLOOR_BYTES = 16 * 1024 * 1024
FLOOR_SHARE = 0.02
"""The last of the disk is for events: no file is begun that would leave less than this (the smaller of the two)."""


class NoRoomError(DiskFullError):
    """A file was made and could not be kept. `evidence` describes it: an event may list it, and it is reported lost."""

    def __init__(self, evidence: Evidence, path: Path) -> None:
        super().__init__(f"no room for {evidence.kind} of {evidence.bytes} bytes", path)
        self.evidence = evidence


class EvidenceStore:
    """A folder of evidence files. Safe for several threads and processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path_of(self, sha256: str) -> Path:
        """Where the file with this hash lies or would lie."""
        return self.folder / sha256

    def put(
        self,
        content: bytes,
        kind: EvidenceKind,
        media_type: str,
        captured_at: datetime,
        *,
        short_seconds: float | None = None,
        label: str = "",
        redacted: bool = False,
    ) -> Evidence:
        """Keeps `content` durably and describes it. `redacted`: people and vehicles in it were blurred.

        Raises:
            NoRoomError: the disk is full.
            OSError: the disk refused for another reason.
        """
        sha256 = sha256_hex(content)
        evidence = Evidence(
            sha256=sha256,
            kind=kind.value,
            media_type=media_type,
            bytes=len(content),
            captured_at=captured_at,
            redacted=redacted,
            short_seconds=short_seconds,
            label=label or None,
        )
        path = self.path_of(sha256)
        if not path.exists():
            if not self._has_room_for(len(content)):
                raise NoRoomError(evidence, path)
            try:
                self._write(path, content)
            except OSError as error:
                if is_full(error):
                    raise NoRoomError(evidence, path) from error
                raise
        return evidence

    def remove(self, sha256: str) -> None:
        """Forgets a file; one that is not there is no fault."""
        self.path_of(sha256).unlink(missing_ok=True)

    def unlisted(self, listed: Collection[str]) -> set[str]:
        """Names of the files that are not among `listed`: left behind by a stopped program, or about to be listed."""
        return {path.name for path in self.folder.iterdir() if path.name not in listed and path.is_file()}

    def remove_unlisted(self, listed: Collection[str]) -> int:
        """Removes what a stopped program left behind. Returns how many files. Only while nobody puts any."""
        names = self.unlisted(listed)
        for name in names:
            self.remove(name)
        return len(names)

    def remove_halves(self) -> int:
        """Removes what programs that are no more had begun to write. Returns how many files."""
        removed = 0
        for path in self.folder.glob(f"*{_ASIDE_SUFFIX}"):
            writer = path.stem.rpartition(".")[2].partition("-")[0]
            if not writer.isdigit() or not Path("/proc", writer).exists():
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def _has_room_for(self, size: int) -> bool:
        space = space_at(self.folder)
        return space.free_bytes - size >= min(FLOOR_BYTES, FLOOR_SHARE * space.total_bytes)

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
