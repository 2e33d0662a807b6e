"""Sends what waits in the outbox to the server: events first, in the order of the chain, evidence between them."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_when_event_set, wait_random_exponential

from contract.batch import BatchResult, ItemResult, ItemStatus, encode_batch
from contract.canonical import canonical_bytes, sha256_hex
from contract.chain import ChainPosition, sign_head
from contract.events import ChainHeadEvent, device_path
from contract.ids import uuid7
from contract.keys import public_key_text
from edge.disk import DiskFullError
from edge.evidence.store import EvidenceStore
from edge.logs import Repeats
from edge.outbox.evidence_upload import EvidenceUpload
from edge.outbox.server_api import RefusedError, ServerApi, UplinkError
from edge.outbox.store import Outbox, Verdict, WaitingEvent

log = structlog.get_logger("uplink")

MAX_EVENTS = 100
"""Enough to use a connection well (8 a request already do), few enough to be answered in a blink."""
MAX_BYTES = 1024 * 1024
FIRST_BACKOFF_SECONDS = 0.5
MAX_BACKOFF_SECONDS = 60.0
IDLE_SECONDS = 5.0
"""Housekeeping while nothing is committed; a commit wakes the uplink at once."""


DISK_FULL_SECONDS = 2.0
"""The keeper frees a full disk every few seconds."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How time passes; tests put their own."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] | None = None
    """None: until the time is over or the uplink is stopped."""


class Uplink:
    """One thread's work. Nothing is forgotten before the server has answered for it, item by item."""

    def __init__(
        self,
        device_id: str,
        outbox: Outbox,
        files: EvidenceStore,
        api: ServerApi,
        key: Ed25519PrivateKey,
        *,
        keep_uploaded: timedelta = timedelta(0),
        waiting: Waiting | None = None,
    ) -> None:
        self._device_id = device_id
        self._outbox = outbox
        self._files = files
        self._api = api
        self._key = key
        self._keep_uploaded = keep_uploaded
        self._waiting = waiting or Waiting()
        self._uploads = EvidenceUpload(outbox, files, api, self._waiting.monotonic)
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._repeats = Repeats()
        self._max_events = MAX_EVENTS
        self._key_is_known = False
        self._in_trouble = False
        outbox.on_commit(self._wake.set)

    def run(self) -> None:
        """Works until `stop`."""
        while not self._stop.is_set():
            self._wake.clear()
            try:
                self.work_off()
                self._remove_uploaded()
            except DiskFullError as error:
                # What the server answered cannot be noted: it is asked again, and says that it has it.
                if self._repeats.due("disk") is not None:
                    log.error("cannot note what was sent, will be tried again", reason=str(error))
                self._stop.wait(DISK_FULL_SECONDS)
            self._wake.wait(min(IDLE_SECONDS, self._uploads.seconds_until_ready()))

    def wake(self) -> None:
        """Something was committed, perhaps by another process; from any thread."""
        self._wake.set()

    def stop(self) -> None:
        """Makes `run` return soon; from any thread."""
        self._stop.set()
        self._wake.set()

    def work_off(self) -> None:
        """Sends until nothing is left that can be sent now; waits out what goes wrong."""
        retrying = Retrying(
            retry=retry_if_exception_type(UplinkError),
            wait=self._backoff_seconds,
            stop=stop_when_event_set(self._stop),
            sleep=self._sleep,
            before_sleep=self._report,
            reraise=True,
        )
        busy = True
        while busy and not self._stop.is_set():
            try:
                busy = retrying(self._step)
            except UplinkError:
                return  # stopped while waiting; everything is kept

    def flush(self, seconds: float) -> None:
        """Sends what it can in the given time, once, without retries: for a clean end."""
        until = self._waiting.monotonic() + seconds
        try:
            while self._waiting.monotonic() < until and self._step():
                pass
        except (UplinkError, DiskFullError) as trouble:
            log.info("not everything was sent, it is kept", reason=str(trouble))

    def _step(self) -> bool:
        """One request's worth of work. False: nothing to do now."""
        if not self._key_is_known:
            self._register_key()
        # Asked anew before every chunk of a file: a fresh event never waits for more than one of them.
        batch = self._outbox.next_batch(self._max_events, MAX_BYTES)
        worked = True
        if batch:
            self._send(batch)
        else:
            worked = self._uploads.step()
        self._trouble_is_over()
        return worked

    def _register_key(self) -> None:
        try:
            known = self._api.register_key(public_key_text(self._key))
        except RefusedError as error:
            raise UplinkError(f"the server did not take this device's key: {error}") from error
        if not known:
            log.error(
                "the server knows another key for this device: its chain cannot be verified",
                device=self._device_id,
                remedy="restore this device's key from a backup, or enrol it under a new id",
            )
        self._key_is_known = True

    def _send(self, batch: Sequence[WaitingEvent]) -> None:
        body = encode_batch([event.content for event in batch] + [self._signed_head(batch[-1])])
        try:
            result = self._api.post_batch(body)
        except RefusedError as error:
            self._split(batch, error)
            return
        verdicts = self._verdicts(batch, result)
        self._outbox.settle(verdicts)
        self._max_events = min(MAX_EVENTS, self._max_events * 2)
        for verdict in verdicts:
            if verdict.refused is not None:
                log.error("the server refused an event, it is kept here", seq=verdict.seq, reason=verdict.refused)

    def _split(self, batch: Sequence[WaitingEvent], error: RefusedError) -> None:
        """The server refuses the request as a whole: smaller ones find the event it chokes on."""
        if len(batch) > 1:
            self._max_events = len(batch) // 2
            return
        log.error("the server refused an event, it is kept here", seq=batch[0].seq, reason=str(error))
        self._outbox.settle([Verdict(batch[0].seq, refused=str(error))])

    def _verdicts(self, batch: Sequence[WaitingEvent], result: BatchResult) -> Sequence[Verdict]:
        verdicts = []
        for item in result.results:
            if item.index < len(batch):
                event = batch[item.index]
                if item.id is not None and item.id != event.event_id:
                    raise UplinkError(f"the server answered for event {item.id}, expected {event.event_id}")
                verdicts.append(Verdict(event.seq, refused=_refusal(item)))
            elif item.status is ItemStatus.DEAD_LETTER and self._repeats.due("head") is not None:
                log.error("the server refused the chain's signed head", reason=_refusal(item))
        if len({verdict.seq for verdict in verdicts}) != len(batch):
            found = f"found {len(verdicts)} results for {len(batch)} events"
            raise UplinkError(f"the server's answer does not fit the batch: {found}")
        return verdicts

    def _signed_head(self, last: WaitingEvent) -> bytes:
        position = ChainPosition(last.seq, sha256_hex(last.content))
        now = datetime.now(UTC)
        head = ChainHeadEvent(
            id=uuid7(now),
            source=device_path(self._device_id),
            time=now,
            subject=self._device_id,
            data=sign_head(self._device_id, position, self._key),
        )
        return canonical_bytes(head.as_json())

    def _sleep(self, seconds: float) -> None:
        (self._waiting.sleep or self._stop.wait)(seconds)

    def _backoff_seconds(self, state: RetryCallState) -> float:
        """Exponential with full jitter, or what the server asked for if that is longer."""
        asked = 0.0
        error = state.outcome.exception() if state.outcome is not None else None
        if isinstance(error, UplinkError):
            asked = error.retry_after_seconds
        return max(asked, float(_BACKOFF(state)))

    def _report(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome is not None else None
        message = str(error)
        if not self._in_trouble:
            self._outbox.set_meta("uplink_trouble", _trouble_text(message))
        self._in_trouble = True
        held_back = self._repeats.due(f"trouble {type(error).__name__}")
        if held_back is not None:
            log.warning("not sent, will be tried again", reason=message, attempt=state.attempt_number)

    def _trouble_is_over(self) -> None:
        if not self._in_trouble:
            return
        self._in_trouble = False
        self._repeats = Repeats()
        self._outbox.set_meta("uplink_trouble", "")
        log.info("the server answers again", waiting_events=self._outbox.waiting_events())

    def _remove_uploaded(self) -> None:
        for sha256 in self._outbox.retire_evidence(datetime.now(UTC) - self._keep_uploaded):
            self._files.remove(sha256)


_BACKOFF = wait_random_exponential(multiplier=FIRST_BACKOFF_SECONDS, max=MAX_BACKOFF_SECONDS)


def _trouble_text(message: str) -> str:
    return json.dumps({"since": datetime.now(UTC).isoformat(), "message": message}, ensure_ascii=False)


def _refusal(item: ItemResult) -> str | None:
    if item.status is not ItemStatus.DEAD_LETTER:
        return None
    if item.problem is None:
        return "no reason given"
    field = f"{item.problem.field}: " if item.problem.field else ""
    return f"{item.problem.status} {field}{item.problem.title} {item.problem.detail}".strip()
