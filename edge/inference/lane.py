"""One model's thread: opens its session, answers what waits, and is replaced when it breaks or hangs.

A changed row is opened in a thread beside, and takes over between two questions: see `edge.inference.replacing`.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from edge.config.inference import InferenceSettings, ModelSettings
from edge.detectors.interface import Detections
from edge.inference.detecting import DetectionModel, Question
from edge.inference.errors import ModelError
from edge.inference.lane_state import CHANGES, COUNTS, LaneState
from edge.inference.opening import Keeper, OpenModel
from edge.inference.overload import Shedding
from edge.inference.replacing import RETRY_SECONDS, Change, TrialError
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


@dataclass(slots=True)
class _Run:
    """One thread's life. A lane that has another run no longer listens to it."""

    thread: threading.Thread | None = None
    busy_since: float | None = None
    taken: Sequence[Taken] = ()


@dataclass(frozen=True, slots=True)
class _Served:
    """A model that is open, and the row that it was opened for."""

    model: DetectionModel
    row: ModelSettings


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
        kept: Keeper | None = None,
    ) -> None:
        self.name = name
        self._settings = settings
        self._wanted = settings.models[name]
        """The row as it is configured; what serves may still be opened for another, see `_change`."""
        self._kept = kept
        self._open_model = open_model
        self._deliver = deliver
        self._shedding = shedding
        self._core = core
        self._slots = Slots(settings.heartbeat_seconds)
        self._changed = threading.Condition()
        self._state = LaneState.IDLE
        self._reason = ""
        self._served: _Served | None = None
        self._served_since = 0.0
        self._before: _Served | None = None
        """What served before, until the one that serves now has had its trial."""
        self._change: Change | None = None
        self._to_keep = False
        self._reduced: DetectionModel | None = None
        self._reduced_row: ModelSettings | None = None
        self._reduced_again = 0.0
        """When one that could not be opened is tried again."""
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
        if shedding >= Shedding.OPTIONAL and self._wanted.optional:
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

    def change(self, settings: InferenceSettings) -> None:
        """Takes up changed rows. Returns at once: a model that serves goes on until the new one has proven itself."""
        with self._changed:
            self._settings = settings
            if settings.models[self.name] != self._wanted:
                self._wanted = settings.models[self.name]
                self._failures = 0
                self._reconsider()
            self._changed.notify_all()

    def _reconsider(self) -> None:
        """Opens what is wanted beside what serves, if they differ. Where nothing serves, the lane's own thread does."""
        self._change = None
        if self._served is None or self._state is LaneState.CLOSED or self._served.row == self._wanted:
            return
        change = self._change = Change(self._wanted)
        name = f"inference {self.name} beside"
        threading.Thread(target=self._open_beside, args=(change,), name=name, daemon=True).start()

    def _open_beside(self, change: Change) -> None:
        try:
            opened = self._open_on_trial(change.wanted)
        except Exception as error:
            if not isinstance(error, ModelError):
                log.exception("a model broke through a fault of ours", model=self.name)
            with self._changed:
                if self._change is change:
                    self._refuse(change, error)
            return
        with self._changed:
            change.opened = opened
            overtaken = self._change is not change
            self._changed.notify_all()
        if overtaken:
            self._end_trial(change.wanted)

    def _open_on_trial(self, row: ModelSettings) -> DetectionModel:
        """Raises ModelError: it cannot be opened, or it brought its process down before."""
        if self._kept is not None:
            self._kept.begin(self.name, row)
        try:
            return self._open_model(self.name, row)
        except Exception:
            self._end_trial(row)
            raise

    def _end_trial(self, row: ModelSettings, *, well: bool = False) -> None:
        if self._kept is not None:
            self._kept.end(self.name, row, well=well)

    def _refuse(self, change: Change, error: Exception) -> None:
        change.refuse(error, time.monotonic())
        self._change = change
        self._counts["refused"] += 1
        present = self._served
        log.error(
            "a changed model is refused, the one before goes on",
            model=self.name,
            reason=change.reason,
            version=change.wanted.version,
            serves=None if present is None else f"{present.row.version} {present.model.sha256[:12]}",
        )

    def look_after(self, now: float) -> None:
        """Replaces a session that hangs, tries refused models again, and keeps what has served well."""
        self._replace_if_hanging(now)
        change = self._change
        due = change is not None and change.is_due(now)  # looks at files: not while others wait for the lock
        with self._changed:
            if due and self._change is change:
                self._reconsider()
            served = self._served
            if served is None or now - self._served_since < self._settings.trial_seconds or not self._run_seconds:
                return
            self._before = None
            keep, self._to_keep = self._to_keep, False
        if keep and self._kept is not None:
            self._end_trial(served.row, well=True)
            try:
                self._kept.keep(self.name, served.row, served.model)
            except (ModelError, OSError) as error:
                log.warning("a model cannot be kept for bad times", model=self.name, reason=str(error))

    def _replace_if_hanging(self, now: float) -> None:
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
            self._reason = f"did not answer for {self._settings.hang_seconds:g} s"
            self._take_back(self._reason)
            self._start_unless_too_many_hang()
        log.error("a model hangs, its session is replaced", model=self.name, left_behind=len(self._left_behind))
        for source_id in (*(one.source_id for one in lost), *waiting):
            self._deliver(source_id, None)

    def _take_back(self, reason: str) -> None:
        """The session that serves is of no use any more: back to the one before, if this one was on trial."""
        # The smaller one may be what broke.
        self._reduced, self._reduced_row = None, None
        failed, self._served, self._before = self._served, self._before, None
        if failed is not None:
            self._end_trial(failed.row)
        if failed is None or self._served is None:
            return
        self._counts["taken_back"] += 1
        if failed.row == self._wanted:
            error = TrialError(f"{failed.model.path}: broke soon after it had taken over: {reason}")
            self._refuse(Change(failed.row), error)
        else:
            self._reconsider()

    def close(self) -> None:
        """Ends the thread soon."""
        with self._changed:
            self._state = LaneState.CLOSED
            self._change = None
            self._changed.notify_all()
            rows = [self._wanted] if self._served is None else [self._wanted, self._served.row]
        for row in rows:
            self._end_trial(row)

    def join(self, timeout_seconds: float) -> None:
        """Waits for the thread to end."""
        thread = self._run.thread if self._run is not None else None
        if thread is not None:
            thread.join(timeout_seconds)

    def status(self, now: float) -> Mapping[str, Any]:
        """How the model is, as JSON types."""
        with self._changed:
            served = self._served
            model = None if served is None else served.model
            row = self._wanted if served is None else served.row
            return {
                "model": self.name,
                "version": row.version,
                "sha256": model.sha256 if model is not None else None,
                "state": self._state.value,
                "reason": self._reason,
                "plan": str(model.plan) if model is not None else None,
                "precision": model.plan.precision.value if model is not None else None,
                "input": [model.shape.width, model.shape.height] if model is not None else None,
                "selftest": None if model is None else "drawn picture" if row.selftest is None else "passed",
                "change": None if self._change is None else self._change.status(),
                "core": self._core,
                "waiting": len(self._slots),
                "wait_seconds": round(self._slots.longest_wait(now), 3),
                "run_seconds": round(self._run_seconds, 4),
                "hanging_threads": sum(thread.is_alive() for thread in self._left_behind),
                "counts": {name: self._counts[name] for name in COUNTS},
                "changes": {name: self._counts[name] for name in CHANGES},
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
        while self._is_mine(run):
            try:
                self._serve(run)
            except ModelError as error:
                self._fail(run, str(error))
            except Exception:
                log.exception("a model broke through a fault of ours", model=self.name)
                self._fail(run, "internal error, see the log")

    def _serve(self, run: _Run) -> None:
        self._make_ready(run)
        # Not before: a library's own threads are made at opening, and would all be held on this core.
        self._pin()
        while True:
            reduced = self._reduced_model() if self._shedding() >= Shedding.RESOLUTION else None
            taken, served = self._next(run)
            if served is None:
                return
            self._answer(run, reduced or served.model, taken)

    def _make_ready(self, run: _Run) -> None:
        """Opens what is wanted, or what was kept in its place; a model that was taken back is open already."""
        with self._changed:
            if self._run is not run or self._state is LaneState.CLOSED:
                return
            wanted, is_open = self._wanted, self._served is not None
            if is_open:
                self._state = LaneState.READY
        if is_open:
            return
        refused: ModelError | None = None
        try:
            served = _Served(self._open_on_trial(wanted), wanted)
        except ModelError as error:
            kept = None if self._kept is None else self._kept.open(self.name, wanted)
            if kept is None:
                raise
            served, refused = _Served(*kept), error
        with self._changed:
            if self._run is not run or self._state is LaneState.CLOSED:
                return
            self._serves(served)
            self._state, self._reason = LaneState.READY, ""
            self._to_keep = refused is None  # else it is what was kept
            if refused is not None and self._wanted == wanted:
                self._refuse(Change(wanted), refused)
            else:
                self._reconsider()

    def _serves(self, served: _Served) -> None:
        self._served, self._served_since, self._to_keep = served, time.monotonic(), True
        self._run_seconds = 0.0
        log.info(
            "a model is ready",
            model=self.name,
            version=served.row.version,
            sha256=served.model.sha256[:12],
            plan=str(served.model.plan),
        )

    def _reduced_model(self) -> DetectionModel | None:
        """The model that stands in now, opened if it is not; None: there is none, or it cannot be run."""
        with self._changed:
            name = self._wanted.reduced
            row = None if name is None else self._settings.models.get(name)
        if name is None or row is None:
            return None
        if row != self._reduced_row and time.monotonic() >= self._reduced_again:
            try:
                self._reduced = self._open_model(name, row)
                self._reduced_row = row
            except ModelError as error:
                # The one that stood in so far, or the full one, still does what it can.
                self._reduced_again = time.monotonic() + RETRY_SECONDS
                log.error("a model cannot stand in for another", model=self.name, reduced=name, reason=str(error))
        return self._reduced

    def _next(self, run: _Run) -> tuple[Sequence[Taken], _Served | None]:
        """The next questions and who answers them; nobody if the thread is to end."""
        with self._changed:
            while self._run is run and self._state is LaneState.READY and self._served is not None:
                self._take_over()
                now = time.monotonic()
                taken = self._slots.take(self._served.model.plan.batch, now)
                if taken:
                    run.busy_since, run.taken = now, taken
                    self._last_wait = max(one.waited_seconds for one in taken)
                    self._counts["heartbeats"] += sum(one.heartbeat for one in taken)
                    return taken, self._served
                self._changed.wait()
            return (), None

    def _take_over(self) -> None:
        """Puts a changed model that has proven itself in the place of the one that serves."""
        change = self._change
        if change is None or change.opened is None:
            return
        self._before, self._change = self._served, None
        self._counts["taken_over"] += 1
        self._serves(_Served(change.opened, change.wanted))

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
            self._take_back(reason)
            self._counts["failed"] += len(lost)
            self._counts["failures"] += 1
            back = self._served is not None
            if not back:
                if self._state is not LaneState.CLOSED:
                    self._state = LaneState.FAILED
                self._reason = reason
                self._failures += 1
            tried = self._wanted
            pause = 0.0 if back else min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(self._failures - 1, 16))
        for source_id in lost:
            self._deliver(source_id, None)
        if back:
            return
        log.error("a model cannot be run, it will be tried again", model=self.name, reason=reason, pause_seconds=pause)
        with self._changed:
            self._changed.wait_for(
                lambda: self._run is not run or self._state is LaneState.CLOSED or self._wanted != tried, pause
            )
            if self._run is run and self._state is LaneState.FAILED:
                self._state = LaneState.OPENING

    def _is_mine(self, run: _Run) -> bool:
        with self._changed:
            return self._run is run and self._state not in (LaneState.CLOSED, LaneState.HANGING)

    def _pin(self) -> None:
        if self._core is not None:
            os.sched_setaffinity(threading.get_native_id(), {self._core})
