"""What all child processes share: orders come in, a report goes out each second, the end is clean."""

from __future__ import annotations

import gc
import os
import queue
import resource
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec
import structlog

from edge import logs
from edge.config.document import EdgeConfig, config_from_text
from edge.logs import RecentRecords
from edge.outbox.store import OutboxError
from edge.supervisor.messages import (
    READ_BYTES,
    Alive,
    Call,
    Configure,
    Fatal,
    Lines,
    MessageError,
    News,
    Order,
    Ready,
    Report,
    Result,
    Stop,
    Usage,
    Witnesses,
    encoded,
    order_from,
)
from edge.view import CallError, ChildKind

log = structlog.get_logger("worker")

REPORT_SECONDS = 1.0
CALL_THREADS = 2
"""A picture for the local page must not wait for a canary, nor take a core from the cameras."""
SEND_SECONDS = 30.0
"""The supervisor takes what comes at once; one that does not is dead or stopped."""


class Host(Protocol):
    """What a kind of child does."""

    def configure(self, config: EdgeConfig, order: Configure) -> None:
        """Takes up a configuration; the first call starts the work.

        Raises:
            FatalError: nothing will help but a person.
        """

    def alive(self, order: Alive) -> None:
        """Which sources may still commit."""

    def hear(self, order: Witnesses) -> None:
        """What the sources of the box observe. Called where orders come in; must not wait for anything."""

    def call(self, order: Call) -> Any:
        """Answers a call.

        Raises:
            CallError: with the reason.
        """

    def report(self) -> Report:
        """What happened since the last report. Called each second; must not wait for anything."""

    def stop(self, seconds: float) -> None:
        """Ends the work, within so many seconds."""


@dataclass(frozen=True, slots=True)
class Inherited:
    """What a child was given when it was started."""

    name: str
    bell: int
    """A descriptor of an eventfd, see `edge.worker.bell`."""
    log_json: bool
    log_level: str


class FatalError(Exception):
    """The child cannot work before a person has mended something."""


class Link:
    """The child's end of the socket. Safe for several threads."""

    def __init__(self, ours: socket.socket) -> None:
        ours.settimeout(SEND_SECONDS)
        self._socket = ours
        self._sending = threading.Lock()
        self._lines = Lines()

    def send(self, news: News) -> None:
        line = encoded(news)
        with self._sending:
            self._socket.sendall(line)

    def receive(self) -> Sequence[Order]:
        """Waits for orders.

        Raises:
            EOFError: the supervisor is gone.
            MessageError: what came in is no order.
        """
        while True:
            try:
                content = self._socket.recv(READ_BYTES)
            except TimeoutError:
                continue
            if not content:
                raise EOFError
            orders = [order_from(line) for line in self._lines.feed(content)]
            if orders:
                return orders


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[], None]
    last: bool = False


class Hosting:
    """Runs a host behind a link: one thread takes orders, one works them off in turn, the main one reports."""

    def __init__(self, link: Link, host: Host, stopping: threading.Event, recent: RecentRecords) -> None:
        self._link = link
        self._stopping = stopping
        self._host = host
        self._recent = recent
        self._said = 0
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._calls = ThreadPoolExecutor(CALL_THREADS, thread_name_prefix="call")
        self._ended = threading.Event()
        self._exit_code = 0

    def run(self) -> int:
        """Works until it is told to stop. Returns the exit code."""
        for name, work in (("orders", self._take_orders), ("work", self._work_off)):
            threading.Thread(target=work, name=name, daemon=True).start()
        due = time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            self._report()
            due = max(due + REPORT_SECONDS, time.monotonic())
        self._report()
        return self._exit_code

    def _report(self) -> None:
        self._send(msgspec.structs.replace(self._host.report(), usage=usage(), log=self._new_records()))

    def _new_records(self) -> list[dict[str, Any]]:
        records, self._said = self._recent.since(self._said)
        return [dict(record) for record in records]

    def _send(self, news: News) -> None:
        try:
            self._link.send(news)
        except MessageError as error:
            log.error("could not tell the supervisor", reason=str(error))
        except OSError:
            _orphaned()

    def _take_orders(self) -> None:
        while True:
            try:
                orders = self._link.receive()
            except (EOFError, OSError):
                _orphaned()
            for order in orders:
                self._take(order)

    def _take(self, order: Order) -> None:
        match order:
            case Configure():
                self._jobs.put(_Job(lambda: self._configure(order)))
            case Alive():
                self._jobs.put(_Job(lambda: self._host.alive(order)))
            case Witnesses():
                self._host.hear(order)  # at once: behind a job that waits for the disk it would be of no use
            case Stop(seconds=seconds):
                until = time.monotonic() + seconds
                self._stopping.set()  # at once: what waits for the disk would hold up the job below
                self._jobs.put(_Job(lambda: self._host.stop(max(0.0, until - time.monotonic())), last=True))
            case Call():
                self._calls.submit(self._answer, order)

    def _work_off(self) -> None:
        last = False
        while not last:
            job = self._jobs.get()
            last = job.last
            try:
                job.work()
            except FatalError as error:
                log.error("cannot work", reason=str(error))
                self._send(Fatal(str(error)))
                self._exit_code, last = 1, True
            except Exception as error:
                if self._stopping.is_set() and not last:
                    log.warning("left undone at the end", reason=str(error))
                    continue
                log.exception("the process broke, it will be replaced")
                self._exit_code, last = 1, True
        self._ended.set()

    def _configure(self, order: Configure) -> None:
        config = config_from_text(order.text, Path(order.path))
        try:
            self._host.configure(config, order)
        except OutboxError as error:
            raise FatalError(str(error)) from error
        self._send(Ready(order.generation))

    def _answer(self, order: Call) -> None:
        try:
            result = Result(order.number, value=self._host.call(order))
            encoded(result)  # raises: a value that is no JSON must still be answered
        except (CallError, MessageError) as error:
            result = Result(order.number, error=str(error))
        except Exception:
            log.exception("a call broke", call=order.name, source=order.source_id)
            result = Result(order.number, error="internal error, see the log")
        self._send(result)


def _orphaned() -> None:
    """The supervisor is gone: its successor must not meet two processes at one camera."""
    os._exit(1)


def usage() -> Usage:
    """What this process takes now."""
    spent = resource.getrusage(resource.RUSAGE_SELF)
    resident_pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return Usage(
        cpu_seconds=round(spent.ru_utime + spent.ru_stime, 3),
        rss_bytes=resident_pages * resource.getpagesize(),
        open_files=len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - counted, not walked
        threads=len(os.listdir("/proc/self/task")),  # noqa: PTH208
    )


def host(kind: str, link: Link, inherited: Inherited) -> int:
    """Runs a child of the given kind until it is told to stop. Returns the exit code."""
    recent = RecentRecords()
    level = logs.LogLevel(inherited.log_level)
    logs.configure(as_json=inherited.log_json, level=level, process=inherited.name, recent=recent)
    stopping = threading.Event()
    hosting = Hosting(link, _new_host(kind, inherited, stopping), stopping, recent)
    gc.freeze()
    gc.enable()
    return hosting.run()


def _new_host(kind: str, inherited: Inherited, stopping: threading.Event) -> Host:
    # Imported here: a sensor's process needs no decoder, and fifty restarts should not load one.
    if kind == ChildKind.CAMERAS:
        from edge.worker.cameras import CameraHost

        return CameraHost(inherited, stopping)
    if kind == ChildKind.SENSORS:
        from edge.worker.sensors import SensorHost

        return SensorHost(inherited, stopping)
    from edge.worker.uplink import UplinkHost

    return UplinkHost(inherited, stopping)
