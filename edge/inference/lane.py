"""One model's thread: opens its session, answers what waits, and is replaced when it breaks or hangs."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import structlog

from edge.config.inference import InferenceSettings, ModelSettings
from edge.detectors.interface import Detections
from edge.inference.choice import choose
from edge.inference.detecting import DetectionModel, Question
from edge.inference.errors import ModelError
from edge.inference.overload import Shedding
from edge.inference.proving import open_proven, read_parts
from edge.inference.slots import Offer, Slots, Taken

FIRST_PAUSE_SECONDS = 1.0
MAX_PAUSE_SECONDS = 60.0
"""Between tries to open a model that failed: a file may be copied into place at any time."""
MOST_HANGING = 3
"""Threads that never came back from their library can only be left behind. With so many of them no new one is
started: each holds a model's memory, and the fourth would hang too."""
SMOOTHING = 0.1
"""Share of the latest run in the time that is shown."""

log = structlog.get_logger("inference")

Deliver = Callable[[str, Detections | None], None]
"""Brings an answer to a source; None: the model failed."""
OpenModel = Callable[[str, ModelSettings], DetectionModel]


class LaneState(StrEnum):
    """How a model is."""

    IDLE = "idle"
    """Nobody has asked yet: it is not loaded."""
    OPENING = "opening"
    """Loading, or being measured at first boot; questions are shed until it is over."""
    READY = "ready"
    FAILED = "failed"
    """It cannot be run for now, and is tried again."""
    HANGING = "hanging"
    """Its library did not come back, more often than threads may be left behind."""
    CLOSED = "closed"


@dataclass(slots=True)
class _Run:
    """One thread's life. A lane that has another run no longer listens to it."""

    thread: threading.Thread | None = None
    busy_since: float | None = None
    taken: Sequence[Taken] = ()


def opener(settings: InferenceSettings, state_dir: Path) -> OpenModel:
    """Opens models as measured for this machine; measures those that were not yet."""

    def open_model(name: str, model: ModelSettings) -> DetectionModel:
        parts = read_parts(model)
        try:
            choice = choose(name, model, parts, settings, state_dir)
        except OSError as error:
            raise ModelError(f"{error.filename or state_dir}: the choice cannot be stored: {error.strerror}") from error
        return open_proven(name, model, parts, choice.plan)

    return open_model


class Lane:
    """The questions of one model and the thread that answers them."""

    def __init__(
        self,
        name: str,
        settings: InferenceSettings,
        open_model: OpenModel,
        deliver: Deliver,
        shedding: Callable[[], Shedding],
        core: int | None,
    ) -> None:
        self.name = name
        self._settings = settings
        self._model_settings = settings.models[name]
        self._open_model = open_model
        self._deliver = deliver
        self._shedding = shedding
        self._core = core
        self._slots = Slots(settings.heartbeat_seconds)
        self._changed = threading.Condition()
        self._state = LaneState.IDLE
        self._reason = ""
        self._model: DetectionModel | None = None
        self._run: _Run | None = None
        self._left_behind: list[threading.Thread] = []
        self._failures = 0
        """In a row, for the pause before the next try."""
        self._counts: Counter[str] = Counter()
        self._run_seconds = 0.0
        self._last_wait = 0.0

    # ---- asked by sources

    def offer(self, source_id: str, weight: float, question: Question) -> Offer:
        """Takes a question, or sheds it. Starts the lane at the first one."""
        now = time.monotonic()
        with self._changed:
            self._counts["asked"] += 1
            if self._run is None and self._state is not LaneState.CLOSED:
                self._start()
            offer = self._offer(source_id, weight, question, now)
            if offer is not Offer.WAITS:
                self._counts["shed" if offer is Offer.SHED else "replaced"] += 1
            self._changed.notify_all()
            return offer

    def _offer(self, source_id: str, weight: float, question: Question, now: float) -> Offer:
        if self._state is not LaneState.READY:
            return Offer.SHED
        self._slots.join(source_id, weight)
        shedding = self._shedding()
        pace = self._settings.overload.rate_seconds if shedding >= Shedding.RATE else 0.0
        if shedding >= Shedding.OPTIONAL and self._model_settings.optional:
            pace = self._settings.heartbeat_seconds * weight
        return self._slots.offer(source_id, question, now, every_seconds=pace)

    def leave(self, source_id: str) -> None:
        """Forgets a source."""
        with self._changed:
            self._slots.leave(source_id)

    # ---- looked after by the service

    def longest_wait(self, now: float) -> float:
        """Seconds that a source waits now, or waited for the run that is under way."""
        with self._changed:
            busy = self._run is not None and self._run.busy_since is not None
            return max(self._slots.longest_wait(now), self._last_wait if busy else 0.0)

    def replace_if_hanging(self, now: float) -> None:
        """Leaves a thread behind that has not come back from its library, and starts another."""
        with self._changed:
            if self._state is LaneState.HANGING:
                self._start_unless_too_many_hang()
            run = self._run
            if run is None or run.busy_since is None or now - run.busy_since < self._settings.hang_seconds:
                return
            lost, run.taken = run.taken, ()
            if run.thread is not None:
                self._left_behind.append(run.thread)
            self._counts["replaced_sessions"] += 1
            waiting = self._slots.drop()
            self._counts["failed"] += len(lost) + len(waiting)
            self._model = None
            self._reason = f"did not answer for {self._settings.hang_seconds:g} s"
            self._start_unless_too_many_hang()
        log.error("a model hangs, its session is replaced", model=self.name, left_behind=len(self._left_behind))
        for source_id in (*(one.source_id for one in lost), *waiting):
            self._deliver(source_id, None)

    def close(self) -> None:
        """Ends the thread soon."""
        with self._changed:
            self._state = LaneState.CLOSED
            self._changed.notify_all()

    def join(self, timeout_seconds: float) -> None:
        """Waits for the thread to end."""
        thread = self._run.thread if self._run is not None else None
        if thread is not None:
            thread.join(timeout_seconds)

    def status(self, now: float) -> Mapping[str, Any]:
        """How the model is, as JSON types."""
        with self._changed:
            model = self._model
            return {
                "model": self.name,
                "version": self._model_settings.version,
                "sha256": model.identity.sha256 if model is not None else None,
                "state": self._state.value,
                "reason": self._reason,
                "plan": str(model.plan) if model is not None else None,
                "input": [model.shape.width, model.shape.height] if model is not None else None,
                "core": self._core,
                "waiting": len(self._slots),
                "wait_seconds": round(self._slots.longest_wait(now), 3),
                "run_seconds": round(self._run_seconds, 4),
                "hanging_threads": sum(thread.is_alive() for thread in self._left_behind),
                "counts": {name: self._counts[name] for name in COUNTS},
            }

    # ---- the thread

    def _start(self) -> None:
        self._state = LaneState.OPENING
        run = self._run = _Run()
        # daemon: a library that never comes back must not keep the program from ending.
        run.thread = threading.Thread(target=self._work, args=(run,), name=f"inference {self.name}", daemon=True)
        run.thread.start()

    def _start_unless_too_many_hang(self) -> None:
        self._left_behind = [thread for thread in self._left_behind if thread.is_alive()]
        if len(self._left_behind) < MOST_HANGING:
            self._start()
        else:
            # A run without a thread: those that come back late find that they are no longer listened to.
            self._state, self._run = LaneState.HANGING, _Run()

    def _work(self, run: _Run) -> None:
        self._pin()
        while self._is_mine(run):
            try:
                self._serve(run)
            except ModelError as error:
                self._fail(run, str(error))
            except Exception:
                log.exception("a model broke through a fault of ours", model=self.name)
                self._fail(run, "internal error, see the log")

    def _serve(self, run: _Run) -> None:
        full = self._open_model(self.name, self._model_settings)
        reduced: DetectionModel | None = None
        with self._changed:
            if self._run is not run:
                return
            self._model, self._state, self._reason = full, LaneState.READY, ""
        log.info("a model is ready", model=self.name, plan=str(full.plan))
        while True:
            taken = self._next(run, full.plan.batch)
            if not taken:
                return
            model = full
            if self._shedding() >= Shedding.RESOLUTION and self._model_settings.reduced is not None:
                if reduced is None:
                    name = self._model_settings.reduced
                    reduced = self._open_model(name, self._settings.models[name])
                model = reduced
            self._answer(run, model, taken)

    def _next(self, run: _Run, most: int) -> Sequence[Taken]:
        """The next questions; empty if the thread is to end."""
        with self._changed:
            while self._run is run and self._state is LaneState.READY:
                now = time.monotonic()
                taken = self._slots.take(most, now)
                if taken:
                    run.busy_since, run.taken = now, taken
                    self._last_wait = max(one.waited_seconds for one in taken)
                    self._counts["heartbeats"] += sum(one.heartbeat for one in taken)
                    return taken
                self._changed.wait()
            return ()

    def _answer(self, run: _Run, model: DetectionModel, taken: Sequence[Taken]) -> None:
        began = time.perf_counter()
        step = model.plan.batch
        answers: list[Detections] = []
        for start in range(0, len(taken), step):
            answers += model.answer([one.question for one in taken[start : start + step]])
        took = time.perf_counter() - began
        with self._changed:
            if self._run is not run:
                return  # too late: these questions were told to have failed
            run.busy_since, run.taken = None, ()
            self._failures = 0
            self._counts["runs"] += 1
            self._counts["answered"] += len(answers)
            self._counts["reduced"] += len(answers) if model.identity.name != self.name else 0
            each = took / len(taken)
            self._run_seconds += (each - self._run_seconds) * (SMOOTHING if self._run_seconds else 1.0)
        for one, answer in zip(taken, answers, strict=True):
            self._deliver(one.source_id, answer)

    def _fail(self, run: _Run, reason: str) -> None:
        with self._changed:
            if self._run is not run:
                return
            lost = [one.source_id for one in run.taken] + self._slots.drop()
            run.busy_since, run.taken = None, ()
            self._model = None
            if self._state is not LaneState.CLOSED:
                self._state = LaneState.FAILED
            self._reason = reason
            self._failures += 1
            self._counts["failed"] += len(lost)
            self._counts["failures"] += 1
            pause = min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(self._failures - 1, 16))
        log.error("a model cannot be run, it will be tried again", model=self.name, reason=reason, pause_seconds=pause)
        for source_id in lost:
            self._deliver(source_id, None)
        with self._changed:
            self._changed.wait_for(lambda: self._run is not run or self._state is LaneState.CLOSED, pause)
            if self._run is run and self._state is LaneState.FAILED:
                self._state = LaneState.OPENING

    def _is_mine(self, run: _Run) -> bool:
        with self._changed:
            return self._run is run and self._state not in (LaneState.CLOSED, LaneState.HANGING)

    def _pin(self) -> None:
        if self._core is not None:
            os.sched_setaffinity(threading.get_native_id(), {self._core})


COUNTS = (
    *("asked", "answered", "replaced", "shed", "failed", "heartbeats", "reduced", "runs", "failures"),
    "replaced_sessions",
)
"""What a lane counts: questions; of the answered, those that were overdue and those by the reduced model; runs of the
session; times that the model broke, and that its session hung and was replaced."""
