"""Keeps evidence within its bounds: what the server has goes first, then the least grave; every loss is reported."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import structlog

from contract.events import MAX_DROPPED_ITEMS
from contract.evidence import DropReason
from edge.config.evidence import EvidenceSettings
from edge.disk import DiskFullError, Reserve, space_at
from edge.evidence.store import EvidenceStore
from edge.logs import Repeats
from edge.outbox.rows import KeptFile
from edge.outbox.store import Outbox

log = structlog.get_logger("evidence")

_Result = TypeVar("_Result")

SLACK_SHARE = 0.1
"""Freed beyond what is needed, as a share of the bound: a disk at its limit must not be worked on at every step."""
WITHHELD_REPORT_SECONDS = 60.0
SWEEP_SECONDS = 900.0
"""A file that no event lists in two sweeps is removed: one that was new in the first is listed by the second, whatever
the clock says of its age."""
MAX_FORGOTTEN = 500
"""Rows of uploaded files taken in one transaction."""


@dataclass(frozen=True, slots=True)
class Shortage:
    """How many bytes must go, and why."""

    bytes: int
    reason: DropReason


class EvidenceKeeper:
    """Retention, quota and free space of one device; `step` is called every few seconds by one thread.

    Nothing is dropped silently: a file that the server has not got is marked as dropped and reported by a chained
    event in one transaction, and only then removed. A process that is killed in between leaves a file that nothing
    lists, which the next sweep removes.
    """

    def __init__(
        self,
        outbox: Outbox,
        store: EvidenceStore,
        settings: EvidenceSettings,
        state_dir: Path,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._outbox = outbox
        self._store = store
        self._settings = settings
        self._reserve = Reserve(state_dir)
        self._monotonic = monotonic
        self._next_sweep = monotonic()
        self._next_withheld_report = monotonic()
        self._unlisted: set[str] = set()
        """As of the last sweep."""
        self._repeats = Repeats()

    def step(self) -> int:
        """Brings evidence back within its bounds; how many bytes were freed. Never raises for a full disk."""
        now = self._monotonic()
        freed = 0
        try:
            freed = self._retire()
            freed += self._free()
            self._reserve.take()
            if now >= self._next_withheld_report:
                self._next_withheld_report = now + WITHHELD_REPORT_SECONDS
                self._outbox.report_withheld()
            if now >= self._next_sweep:
                self._next_sweep = now + SWEEP_SECONDS
                self._sweep()
        except OSError as error:
            if self._repeats.due("step") is not None:
                log.error("evidence cannot be kept within its bounds, will be tried again", reason=str(error))
        return freed

    def shortage(self) -> Shortage | None:
        """What is too much by now. Free space counts before the quota: it hurts everybody."""
        settings = self._settings
        space = space_at(self._store.folder)
        wanted = int(min(settings.min_free_bytes, settings.min_free_share * space.total_bytes))
        if space.free_bytes < wanted:
            return Shortage(wanted - space.free_bytes + int(wanted * SLACK_SHARE), DropReason.DISK_SHORT)
        over = self._outbox.evidence_bytes() - settings.quota_bytes
        if over > 0:
            return Shortage(over + int(settings.quota_bytes * SLACK_SHARE), DropReason.QUOTA)
        return None

    def _retire(self) -> int:
        """Removes files that the server has had for long enough."""
        before = datetime.now(UTC) - timedelta(hours=self._settings.keep_uploaded_hours)
        gone = self._patiently(lambda: self._outbox.retire_evidence(before))
        return sum(self._remove(sha256) for sha256 in gone)

    def _free(self) -> int:
        """Drops until the shortage is over or nothing is left to drop."""
        shortage = self.shortage()
        freed = 0
        while shortage is not None and freed < shortage.bytes:
            size = self._forget_uploaded(shortage.bytes - freed) or self._give_up(shortage.bytes - freed, shortage)
            if not size:
                if self._repeats.due("nothing left") is not None:
                    log.error("the disk is short and there is no evidence left to drop", missing_bytes=shortage.bytes)
                break
            freed += size
        return freed

    def _forget_uploaded(self, wanted_bytes: int) -> int:
        chosen = _enough(self._outbox.uploaded_files(MAX_FORGOTTEN), wanted_bytes)
        if not chosen:
            return 0
        # The server has them: they may go even if that cannot be written down now.
        size = sum(self._remove(file.sha256) for file in chosen)
        self._patiently(lambda: self._outbox.forget_uploaded(chosen))
        log.info("removed uploaded evidence before its time: the disk is short", files=len(chosen), bytes=size)
        return max(size, 1)

    def _give_up(self, wanted_bytes: int, shortage: Shortage) -> int:
        chosen = _enough(self._outbox.least_worth(MAX_DROPPED_ITEMS), wanted_bytes)
        if not chosen:
            return 0
        dropped = self._patiently(lambda: self._outbox.give_up(chosen, shortage.reason))
        size = sum(self._remove(file.sha256) for file in dropped)
        log.warning("dropped evidence", reason=shortage.reason.value, files=len(dropped), bytes=size)
        return max(size, 1)

    def _patiently(self, work: Callable[[], _Result]) -> _Result:
        """Does the work; where the disk is full, once more with the room that is kept for it."""
        try:
            return work()
        except DiskFullError:
            if not self._reserve.give_back():
                raise
            return work()

    def _remove(self, sha256: str) -> int:
        path = self._store.path_of(sha256)
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            return 0
        self._store.remove(sha256)
        return size

    def _sweep(self) -> None:
        halves = self._store.remove_halves()
        unlisted = self._store.unlisted(self._outbox.kept_evidence())
        left_behind = unlisted & self._unlisted
        for name in left_behind:
            self._store.remove(name)
        self._unlisted = unlisted - left_behind
        if left_behind or halves:
            log.info("removed evidence that no event lists", files=len(left_behind), halves=halves)


def _enough(files: Sequence[KeptFile], wanted_bytes: int) -> Sequence[KeptFile]:
    """As many of the first files as make the wanted bytes."""
    chosen: list[KeptFile] = []
    size = 0
    for file in files:
        if size >= wanted_bytes:
            break
        chosen.append(file)
        size += file.bytes
    return chosen
