"""The one writer: requests hand it their batches, it commits them together and answers after the commit."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import structlog

from contract.batch import BatchResult
from server.db import Database
from server.ingest.dead_letters import DeadLetterLimits
from server.ingest.store import Batch, ItemFailedError, store
from server.problems import RETRY_AFTER_SECONDS, ProblemError
from server.routing.context import RoutingContextProvider

_log = structlog.get_logger(__name__)

_MAX_WAITING_BATCHES = 128
"""More are told to come back: a queue that only grows is a memory leak with a delay."""
_MAX_GROUP_ITEMS = 1_000
"""Enough to share the cost of a commit, few enough that nobody waits for long."""


@dataclass(frozen=True, slots=True)
class _Job:
    batch: Batch
    answer: Future[BatchResult] = field(default_factory=Future)

    def is_awaited(self) -> bool:
        """False when the client has gone away: then the future is cancelled and takes no result."""
        return self.answer.set_running_or_notify_cancel()


class Writer:
    """A thread that takes batches in. One commit (and its fsync) serves every request that waits at the time."""

    def __init__(
        self,
        database: Database,
        routing: RoutingContextProvider,
        limits: DeadLetterLimits,
        on_stored: Callable[[set[str]], None],
    ) -> None:
        self._database = database
        self._routing = routing
        self._limits = limits
        self._on_stored = on_stored
        self._jobs: queue.Queue[_Job | None] = queue.Queue(_MAX_WAITING_BATCHES)
        self._thread = threading.Thread(target=self._run, name="ingest-writer", daemon=True)
        self._closing = False

    @property
    def is_alive(self) -> bool:
        """Whether it takes batches in."""
        return self._thread.is_alive() and not self._closing

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Finishes what waits, then ends."""
        self._closing = True
        self._jobs.put(None)
        self._thread.join()

    def submit(self, batch: Batch) -> Future[BatchResult]:
        """Hands a batch over. The future's result means: durably committed.

        Raises:
            ProblemError: 503, too many batches wait or the server is stopping.
        """
        if not self.is_alive:
            raise _try_again("the server is stopping")
        job = _Job(batch)
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            raise _try_again("too many batches are waiting") from None
        return job.answer

    def _run(self) -> None:
        while True:
            group, ends = self._next_group()
            if group:
                self._settle(group)
            if ends:
                return

    def _next_group(self) -> tuple[list[_Job], bool]:
        """Waits for a job, and takes along all that wait behind it."""
        group: list[_Job] = []
        items = 0
        job = self._jobs.get()
        while job is not None:
            group.append(job)
            items += len(job.batch.items)
            if items >= _MAX_GROUP_ITEMS:
                return group, False
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return group, False
        return group, True

    def _settle(self, group: Sequence[_Job]) -> None:
        try:
            results = self._commit([job.batch for job in group])
        except Exception as error:
            # The thread must outlive whatever happens to a group; each request answers with its own problem.
            _log.warning("group_failed", batches=len(group), error=repr(error))
            for job in group:
                if job.is_awaited():
                    job.answer.set_exception(error)
            return
        for job, result in zip(group, results, strict=True):
            if job.is_awaited():
                job.answer.set_result(result)
        self._on_stored({job.batch.device_id for job in group})

    def _commit(self, batches: list[Batch]) -> list[BatchResult]:
        try:
            return self._commit_once(batches, one_by_one=False)
        except ItemFailedError as error:
            _log.warning("group_taken_one_by_one", error=repr(error.__cause__))
            return self._commit_once(batches, one_by_one=True)

    def _commit_once(self, batches: list[Batch], *, one_by_one: bool) -> list[BatchResult]:
        with self._database.write() as connection:
            context = self._routing.current(connection)
            return store(connection, context, batches, self._limits, one_by_one=one_by_one)


def _try_again(detail: str) -> ProblemError:
    return ProblemError(503, f"{detail}; try again", headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
