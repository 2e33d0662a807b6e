"""What surveys of a box work with: its outbox, its evidence, its areas."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

import structlog

from contract.keys import KeyFileError
from edge.config.document import EdgeConfig
from edge.evidence.store import EvidenceStore
from edge.flights.surveys.area import Area, Said
from edge.flights.surveys.blurring import blur_of
from edge.flights.surveys.sending import send
from edge.flights.surveys.settings import read_settings
from edge.flights.surveys.watching import Watch
from edge.outbox.lock import StateInUseError, StateLock
from edge.outbox.store import Outbox

log = structlog.get_logger("survey")

EVIDENCE_FOLDER = "evidence"
"""As `edge.worker.state` names it."""
LOCK_FOLDER = "surveys"
POLL_SECONDS = 2.0
SEND_AGAIN_SECONDS = 30.0
SEND_SECONDS = 3.0
"""While watching: `gridsentry-edge run` waits five seconds for the state folder when it starts."""


@dataclass(frozen=True, slots=True)
class Box:
    """A device whose surveys are made here."""

    config: EdgeConfig
    outbox: Outbox
    store: EvidenceStore

    def area(self, area_id: str, out: Path | None = None) -> Area:
        """One of its areas."""
        return Area(area_id, self.config, self.outbox, self.store, out=out, blur=blur_of(self.config))

    def said(self, area_id: str, settings: Path | None = None) -> Said:
        """The settings of an area's surveys; those given here, instead of the configuration's.

        Raises:
            edge.flights.surveys.settings.SettingsError: they cannot be used.
        """
        path = settings if settings is not None else self.config.areas[area_id].settings
        return Said(read_settings(path), path.parent if path is not None else Path())

    def send(self, seconds: float | None = None) -> str:
        """See `edge.flights.surveys.sending.send`."""
        return send(self.config, self.outbox, self.store, *([] if seconds is None else [seconds]))


@contextmanager
def opened(config: EdgeConfig) -> Iterator[Box]:
    """The box, for one program of surveys at a time; `run` may work beside it.

    Raises:
        edge.outbox.lock.StateInUseError: another survey is at work.
        edge.outbox.store.OutboxError: the outbox cannot be used.
    """
    folder = config.device.state_dir
    lock = StateLock(folder / LOCK_FOLDER, wait_seconds=0)
    try:
        outbox = Outbox(folder, config.device.id, max_bytes=config.evidence.max_waiting_event_bytes)
        try:
            store = EvidenceStore(folder / EVIDENCE_FOLDER)
            _remove_left_behind(folder, outbox, store)
            with _own_temporary_files(folder / LOCK_FOLDER / "tmp"):
                yield Box(config, outbox, store)
        finally:
            outbox.close()
    finally:
        lock.release()


def _remove_left_behind(folder: Path, outbox: Outbox, store: EvidenceStore) -> None:
    """Pictures of a survey that was killed before it could tell of them. Where `run` works, its keeper does so."""
    try:
        lock = StateLock(folder, wait_seconds=0)
    except StateInUseError:
        return
    try:
        store.remove_unlisted(outbox.kept_evidence())
    finally:
        lock.release()


@contextmanager
def _own_temporary_files(folder: Path) -> Iterator[None]:
    """Surfaces of flights are gigabytes, and lie where the system keeps temporary files: what a survey that was killed
    has left there would stay. Here the next one removes it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield
    finally:
        tempfile.tempdir = before
        shutil.rmtree(folder, ignore_errors=True)


def watch(box: Box, watches: Sequence[Watch]) -> NoReturn:
    """Watches until SIGINT or SIGTERM, which break off a survey: it is begun anew by the next start."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _end)
    for each in watches:
        settle = each.area.settings.settle_seconds
        log.info("watching", area=each.area.id, folder=str(each.folder), settle_seconds=settle)
    send_at = 0.0
    while True:
        taken = sum(each.turn() for each in watches)
        if box.outbox.waiting_events() and (taken or time.monotonic() >= send_at):
            send_at = time.monotonic() + SEND_AGAIN_SECONDS
            try:
                log.info("sending", outcome=box.send(SEND_SECONDS))
            except KeyFileError as error:
                log.error("cannot send", reason=str(error))
        time.sleep(POLL_SECONDS)


def _end(_number: int, _frame: FrameType | None) -> None:
    log.info("stopped")
    sys.exit(0)
