"""Where drills are asked for, by people and by the schedule, and where it is written down what became of them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import structlog

from contract.ids import IdFactory
from edge.canary.schedule import Schedule
from edge.config.canary import CanarySettings
from edge.status import SourceMeter

log = structlog.get_logger("canary")

KEPT = 16
"""Drills of one source that can still be asked about."""
MAX_WAITING = 4
"""A drill takes ten seconds, or two minutes; who asks for more has lost patience with a blind camera."""


class CanaryState(StrEnum):
    """Where a drill stands."""

    WAITING = "waiting"
    """For the one before it, or until the source can see."""
    RUNNING = "running"
    FOUND = "found"
    """Its episode is committed and on its way to the server."""
    LOST = "lost"
    REFUSED = "refused"
    """It could not be made; the reason says why."""


@dataclass(slots=True)
class Drill:
    """One drill."""

    canary_id: str
    detector: str | None
    """None: the next in turn."""
    state: CanaryState = CanaryState.WAITING
    reason: str = ""
    injected_at: datetime | None = None
    began: float = 0.0
    """Steady clock."""
    latency_seconds: float | None = None
    """From the first painted picture to the committed event."""
    attempts: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.canary_id,
            "detector": self.detector,
            "state": self.state.value,
            "reason": self.reason,
            "injected_at": None if self.injected_at is None else self.injected_at.isoformat(),
            "latency_seconds": self.latency_seconds,
        }


class CanaryDesk:
    """The drills of one source, for as long as the program runs. Asked by any thread, served by the source's own."""

    def __init__(
        self,
        source_id: str,
        new_id: IdFactory,
        meter: SourceMeter,
        settings: CanarySettings | None = None,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source_id = source_id
        self._new_id = new_id
        self._meter = meter
        self._schedule = None if settings is None else Schedule(settings, source_id)
        self._now = now
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._drills: deque[Drill] = deque(maxlen=KEPT)

    # ---- any thread

    def call(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The named call `canary`: {} or {"detector": …} asks for a drill, {"id": …} for what became of one.

        Raises:
            ValueError: no such drill is remembered, or too many wait.
        """
        wanted = arguments.get("id")
        with self._lock:
            if wanted is None:
                detector = arguments.get("detector")
                return self._ask(None if detector is None else str(detector)).as_json()
            for drill in self._drills:
                if drill.canary_id == wanted:
                    return drill.as_json()
        raise ValueError(f"{self._source_id}: found no drill {wanted!r} among the latest {KEPT}")

    def _ask(self, detector: str | None) -> Drill:
        if sum(drill.state is CanaryState.WAITING for drill in self._drills) >= MAX_WAITING:
            raise ValueError(f"{self._source_id}: {MAX_WAITING} drills wait already; is the source blind?")
        drill = Drill(self._new_id(self._now()), detector)
        self._drills.append(drill)
        return drill

    # ---- the source's thread

    def next(self, seconds: float, wall_time: datetime) -> Drill | None:
        """The drill to begin now, if any; `seconds` of the source's time."""
        with self._lock:
            due = self._schedule is not None and self._schedule.is_due(seconds, wall_time)
            if due and not any(drill.state is CanaryState.WAITING for drill in self._drills):
                self._drills.append(Drill(self._new_id(wall_time), None))
            return next((drill for drill in self._drills if drill.state is CanaryState.WAITING), None)

    def began(self, drill: Drill, detector: str, at: datetime) -> None:
        """Its hazard is put before the detector from now on."""
        drill.detector = detector
        drill.state = CanaryState.RUNNING
        drill.reason = ""
        drill.injected_at = at
        drill.began = self._monotonic()
        drill.attempts += 1
        self._meter.canaries["injected"] += 1
        log.info("a drill begins", source=self._source_id, detector=detector, canary=drill.canary_id)

    def committed(self, drill: Drill) -> None:
        """Its event is in the outbox."""
        drill.latency_seconds = round(self._monotonic() - drill.began, 3)
        drill.state = CanaryState.FOUND
        self._meter.canaries["found"] += 1
        self._meter.canary_latency_seconds = drill.latency_seconds
        self._meter.canary_lost = ""
        log.info("a drill was found", source=self._source_id, canary=drill.canary_id, seconds=drill.latency_seconds)

    def again(self, drill: Drill, reason: str) -> None:
        """It was interrupted, or is tried once more: it waits for its next attempt."""
        drill.state = CanaryState.WAITING
        drill.reason = reason

    def lost(self, drill: Drill, reason: str) -> None:
        """The detector did not find it."""
        drill.state = CanaryState.LOST
        drill.reason = reason
        self._meter.canaries["lost"] += 1
        self._meter.canary_lost = reason
        log.error("a drill was not found", source=self._source_id, canary=drill.canary_id, reason=reason)

    def refused(self, drill: Drill, reason: str) -> None:
        """It cannot be made."""
        drill.state = CanaryState.REFUSED
        drill.reason = reason
        self._meter.canaries["refused"] += 1
        log.warning("no drill is possible", source=self._source_id, canary=drill.canary_id, reason=reason)
