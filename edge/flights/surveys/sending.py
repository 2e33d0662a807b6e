"""Sends what surveys have committed, where no `gridsentry-edge run` works on this box: else that sends it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import structlog

from contract.keys import load_or_create_key
from edge.config.document import EdgeConfig
from edge.evidence.store import EvidenceStore
from edge.outbox.lock import StateInUseError, StateLock
from edge.outbox.server_api import ServerApi
from edge.outbox.store import Outbox
from edge.outbox.uplink import Uplink

log = structlog.get_logger("survey")

KEY_NAME = "device.key"
"""As `edge.worker.state` names it."""
SEND_SECONDS = 300.0
"""For one turn. A hundred structures are 20 MB of pictures, over a line of 1 Mbit/s three minutes."""
_STEP_SECONDS = 30.0
"""In which a slow line moves at least one picture."""


def send(config: EdgeConfig, outbox: Outbox, store: EvidenceStore, seconds: float = SEND_SECONDS) -> str:
    """Sends what it can in the given time. What became of it, in words for people.

    Raises:
        contract.keys.KeyFileError: the device's key is damaged.
    """
    waiting = outbox.waiting_events()
    if not waiting and not outbox.waiting_evidence_bytes():
        return "nothing waits to be sent"
    if config.server is None:
        return f"{waiting} events wait in the outbox: the configuration names no server"
    try:
        lock = StateLock(config.device.state_dir, wait_seconds=0)
    except StateInUseError:
        return f"{waiting} events wait in the outbox; `gridsentry-edge run` sends them"
    try:
        _flush(config, outbox, store, seconds)
    finally:
        lock.release()
    left, files = outbox.waiting_events(), outbox.next_evidence() is not None
    if left or files:
        return f"not everything was sent: {left} events wait{', and pictures' if files else ''}; they are kept"
    return "everything was sent"


def _flush(config: EdgeConfig, outbox: Outbox, store: EvidenceStore, seconds: float) -> None:
    assert config.server is not None, "asked before"
    key = load_or_create_key(config.device.state_dir / KEY_NAME)
    api = ServerApi(config.server)
    try:
        keep = timedelta(hours=config.evidence.keep_uploaded_hours)
        uplink = Uplink(config.device.id, outbox, store, api, key, keep_uploaded=keep)
        until = time.monotonic() + seconds
        before = None
        while time.monotonic() < until:
            uplink.flush(min(_STEP_SECONDS, until - time.monotonic()))
            now = outbox.waiting_events(), outbox.waiting_evidence_bytes()
            if now in {(0, 0), before}:
                break  # all of it, or nothing moves: the server is away
            before = now
        for sha256 in outbox.retire_evidence(datetime.now(UTC) - keep):
            store.remove(sha256)
    finally:
        api.close()
