"""Which models brought their process down before they had proven themselves.

A library that crashes on a model takes the whole camera process with it, and the next one would open the same model. So
a process notes which model it has on trial; a note whose process is gone is a trial that ended badly.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import structlog

from contract.canonical import sha256_hex
from edge.config.inference import ModelSettings
from edge.inference.proving import SelfTestError
from edge.inference.replacing import signature_of

MOST_CRASHES = 3
"""One may be a power cut, another the fault of a camera in the same process."""
SUFFIX = ".trial"
START_FIELD = 19
"""Of /proc/PID/stat, counted behind the name: the start in clock ticks since the machine's."""

log = structlog.get_logger("inference")


class Trials:
    """Notes in a folder: an empty file for each model that a process has on trial."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._me = _process(os.getpid())

    def begin(self, name: str, row: ModelSettings) -> None:
        """Notes that this process tries the model.

        Raises:
            SelfTestError: it brought its process down too often. Another row or another file is tried again.
        """
        tried, crashes = digest_of(row), 0
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for note, digest, process in self._notes(name):
                if _is_alive(process):
                    continue
                if digest == tried:
                    crashes += 1
                else:
                    note.unlink(missing_ok=True)
            if crashes < MOST_CRASHES:
                (self._folder / f"{_short(name)}-{tried}-{self._me}{SUFFIX}").touch()
        except OSError as error:
            log.warning("a model's trial cannot be noted", model=name, reason=str(error))
        if crashes >= MOST_CRASHES:
            raise SelfTestError(
                f"{row.path}: its process ended {crashes} times before the model had served for trial_seconds: it, or "
                f"a library, stumbles here; choose another, or remove {self._folder}/*{SUFFIX} to try again"
            )

    def end(self, name: str, row: ModelSettings, *, well: bool) -> None:
        """The trial is over. `well`: it has served, so that what happened before is no fault of it."""
        tried = digest_of(row)
        try:
            for note, digest, process in self._notes(name):
                if digest == tried and (process == self._me or (well and not _is_alive(process))):
                    note.unlink(missing_ok=True)
        except OSError as error:
            log.warning("a model's trial cannot be noted", model=name, reason=str(error))

    def _notes(self, name: str) -> Sequence[tuple[Path, str, str]]:
        """Each note of a model with the digest of what was tried and the process that did."""
        found = []
        for note in self._folder.glob(f"{_short(name)}-*{SUFFIX}"):
            _, digest, process = note.name.removesuffix(SUFFIX).split("-")
            found.append((note, digest, process))
        return found


def _short(text: str) -> str:
    return sha256_hex(text.encode())[:16]


def digest_of(row: ModelSettings) -> str:
    """Tells the row and its files, as they lie there now, from others."""
    return _short(f"{row.model_dump_json()} {signature_of(row)}")


def _process(pid: int) -> str:
    """A process with the time it started: numbers come again, in a container after each start."""
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    return f"{pid}.{stat.rpartition(')')[2].split()[START_FIELD]}"


def _is_alive(process: str) -> bool:
    try:
        return _process(int(process.partition(".")[0])) == process
    except (OSError, IndexError, ValueError):
        return False
