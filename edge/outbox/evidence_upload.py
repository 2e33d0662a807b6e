"""Uploads evidence in chunks, resuming where the server says it stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from contract.canonical import sha256_hex
from contract.evidence import DropReason
from edge.evidence.store import EvidenceStore
from edge.outbox.server_api import RefusedError, ServerApi, UploadState
from edge.outbox.store import Outbox, WaitingEvidence

log = structlog.get_logger("uplink")

CHUNK_BYTES = 256 * 1024
MAX_ATTEMPTS = 8
"""With the pauses below this is about five minutes: long enough for a server that is just catching up."""
FIRST_PAUSE_SECONDS = 2.0
MAX_PAUSE_SECONDS = 120.0
MAX_STANDSTILLS = 2
"""Answers in a row that bring the file no further."""

_TOO_LARGE = 413


@dataclass(frozen=True, slots=True)
class _Current:
    """The file that is on its way."""

    waiting: WaitingEvidence
    offset: int = 0
    asked: bool = False
    """Whether the server has said where it stands."""
    standstills: int = 0


class EvidenceUpload:
    """One chunk at a time, so that its caller can send events in between. Passes on UplinkError."""

    def __init__(self, outbox: Outbox, files: EvidenceStore, api: ServerApi, monotonic: Callable[[], float]) -> None:
        self._outbox = outbox
        self._files = files
        self._api = api
        self._monotonic = monotonic
        self._current: _Current | None = None
        self._not_before = 0.0

    def seconds_until_ready(self) -> float:
        """How long a pause after a failed upload still lasts; infinite without one."""
        left = self._not_before - self._monotonic()
        return max(left, 0.01) if self._not_before else float("inf")

    def step(self) -> bool:
        """Sends one chunk. False: nothing to upload now."""
        if self._not_before:
            if self._monotonic() < self._not_before:
                return False
            self._not_before = 0.0
        if self._current is None:
            waiting = self._outbox.next_evidence()
            return waiting is not None and self._begin(waiting)
        self._send_chunk(self._current)
        return True

    def _begin(self, waiting: WaitingEvidence) -> bool:
        try:
            state = self._api.upload_state(waiting.sha256)
        except RefusedError as error:
            self._failed(waiting, str(error), final=False)
            return True
        self._advance(_Current(waiting), state)
        return True

    def _send_chunk(self, current: _Current) -> None:
        sha256 = current.waiting.sha256
        try:
            with self._files.path_of(sha256).open("rb") as file:
                file.seek(current.offset)
                chunk = file.read(CHUNK_BYTES)
        except OSError as error:
            self._lost(current.waiting, f"the file cannot be read here: {error.strerror}")
            return
        if not chunk and current.offset != current.waiting.bytes:
            fault = self._local_fault(sha256)
            if fault is not None:
                self._lost(current.waiting, fault)
                return
            wanted = f"the server wants byte {current.offset} of {current.waiting.bytes}"
            self._failed(current.waiting, wanted, final=True)
            return
        # An empty chunk at the end asks a server that has every byte, and does not say complete, to look again.
        try:
            state = self._api.upload_chunk(sha256, current.offset, chunk)
        except RefusedError as error:
            local_fault = self._local_fault(sha256)
            if local_fault is not None:
                self._lost(current.waiting, local_fault)
            else:
                self._failed(current.waiting, str(error), final=error.status == _TOO_LARGE)
            return
        self._advance(current, state)

    def _advance(self, current: _Current, state: UploadState | None) -> None:
        """Goes on from where the server stands."""
        self._current = None
        waiting = current.waiting
        if state is None:
            self._failed(waiting, "the server does not expect this file", final=False)
            return
        if state.complete:
            self._outbox.evidence_whole(waiting.sha256)
            return
        # Without progress is without progress, whatever the status says: never loop on it.
        stuck = current.asked and state.offset <= current.offset
        standstills = current.standstills + 1 if stuck else 0
        if standstills > MAX_STANDSTILLS:
            self._failed(waiting, f"the server stays at byte {state.offset} of {waiting.bytes}", final=False)
            return
        self._current = _Current(waiting, state.offset, asked=True, standstills=standstills)

    def _failed(self, waiting: WaitingEvidence, problem: str, *, final: bool) -> None:
        self._current = None
        attempts = waiting.attempts + 1
        final = final or attempts >= MAX_ATTEMPTS
        self._outbox.evidence_trouble(waiting.sha256, problem, final=final)
        if final:
            log.error("evidence cannot be uploaded, it is kept here", sha256=waiting.sha256, reason=problem)
            return
        log.warning("an upload failed, will be tried again", sha256=waiting.sha256, reason=problem, attempt=attempts)
        pause = min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (attempts - 1))
        self._not_before = self._monotonic() + pause

    def _lost(self, waiting: WaitingEvidence, problem: str) -> None:
        """The file will never come: it was never written, or is damaged. The server must not wait for it."""
        self._current = None
        if self._outbox.give_up([waiting.file], DropReason.LOST, problem):
            log.error("evidence is lost", sha256=waiting.sha256, kind=waiting.file.kind, reason=problem)

    def _local_fault(self, sha256: str) -> str | None:
        """Whether the file here is not what its name says."""
        try:
            found = sha256_hex(self._files.path_of(sha256).read_bytes())
        except OSError as error:
            return f"the file cannot be read here: {error.strerror}"
        return None if found == sha256 else f"the file here is damaged: its hash is {found}"
