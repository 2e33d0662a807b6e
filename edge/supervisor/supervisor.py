"""The supervisor: one loop that watches the processes, takes up changes, and never waits for a disk or a child."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

import structlog

from edge.config.problems import ConfigError
from edge.logs import LogLevel, RecentRecords
from edge.outbox.lock import WAIT_SECONDS, StateLock
from edge.status import SourceMeter
from edge.supervisor.board import Board
from edge.supervisor.fleet import Fleet, Inherited
from edge.supervisor.notify import Notifier
from edge.supervisor.page import LocalPage
from edge.supervisor.plan import Part, plan_of, refuse_what_needs_a_restart, touched_parts, watched
from edge.supervisor.reload import ConfigWatcher, Loaded, Refused, load, loaded_from
from edge.view import BoxView, CallError, ConfigView, NotYetError, Plan
from edge.worker.bell import new_bell

log = structlog.get_logger("supervisor")

TURN_SECONDS = 0.5
"""Between two looks at the clock where nothing happens."""
VIEW_SECONDS = 1.0
PAUSE_SECONDS = 5.0
"""A turn that took longer was no turn: this process was stopped, or the machine slept."""
CALL_SECONDS = 15.0
"""A picture takes < 1 s on a loaded box; a canary is answered when it has begun."""
STARTING_SECONDS = 5.0
"""For a process that is there but has not reported its camera yet: it does so within a second of opening it."""
ADOPT_SECONDS = 10.0
READY_SECONDS = 30.0
"""A box that waits for room on its disk is as ready as it can be: a service manager that kills it helps nobody."""
LAST_SECONDS = 1.0
"""After the time to drain, and SIGKILL for what is left."""


class StartError(Exception):
    """The program cannot start before a person has mended something."""


class Supervisor:
    """The running box, see `edge.view.Box`.

    Raises:
        ConfigError: the configuration cannot be used.
        StateInUseError: another program works in the state folder.
        OSError: the state folder cannot be used.
    """

    def __init__(
        self,
        path: Path,
        *,
        log_json: bool = False,
        log_level: LogLevel = LogLevel.INFO,
        recent: RecentRecords | None = None,
        lock_wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        from edge.episodes.events import software_version

        self._path = path.absolute()
        self._loaded = load(self._path)
        self._recent = recent or RecentRecords()
        self._said = 0
        self._software = software_version()
        self._started_at = datetime.now(UTC)
        self._loaded_at = self._started_at
        self._refused: tuple[datetime, tuple[str, ...]] | None = None
        self._lock = StateLock(self._loaded.config.device.state_dir, lock_wait_seconds)
        self._bell = new_bell()
        self._selector = selectors.DefaultSelector()
        self._inbox: deque[Callable[[], None]] = deque()
        self._woken, self._waker = socket.socketpair()
        for end in (self._woken, self._waker):
            end.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ, lambda _events: self._drain_wakes())
        self._board = Board()
        self._board.keep_sources(_blank_meters(self._loaded))
        inherited = Inherited(self._bell, self._lock.descriptor, log_json, log_level)
        self._fleet = Fleet(self._selector, inherited, self._board, self._loaded, str(self._path))
        self._watcher = ConfigWatcher(self._path, self._loaded.sha256, self._config_changed)
        self._page = LocalPage(self, self._loaded.config.device.state_dir)
        self._notifier = Notifier()
        self._stopping = threading.Event()
        self._draining = False
        self._began = time.monotonic()
        self._kill_at = float("inf")
        self._ready = False
        self._view = self._new_view(time.monotonic())

    # ---- the loop

    def run(self) -> int:
        """Works until `stop` or a signal. Returns the exit code.

        Raises:
            StartError: a child says that it cannot work, before everything has been started once.
        """
        config = self._loaded.config
        self._fleet.adopt(self._loaded, Plan(), frozenset(), time.monotonic())
        self._watcher.start()
        self._page.show(config.local)
        log.info(
            "running",
            device=config.device.id,
            sources=len(watched(config)),
            software=self._software,
            config=str(self._path),
        )
        try:
            self._turn_until_done()
        finally:
            self._fleet.kill_all()
            self._close()
        if not self._ready and self._fleet.fatal is not None:
            raise StartError(self._fleet.fatal)
        log.info("stopped")
        return 0

    def stop(self) -> None:
        """Makes `run` return soon; from any thread."""
        self._stopping.set()
        self._wake()

    def stop_on_signals(self) -> None:
        """SIGINT and SIGTERM end the program cleanly, a second one at once; SIGHUP has the configuration read again."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGHUP, lambda _number, _frame: self._watcher.look_now())

    def _turn_until_done(self) -> None:
        last = self._began = time.monotonic()
        next_view = last
        next_pet = last
        killed_at: float | None = None
        while not (self._draining and self._fleet.empty):
            for key, events in self._selector.select(TURN_SECONDS):
                key.data(events)
            while self._inbox:
                self._inbox.popleft()()
            now = time.monotonic()
            if now - last > PAUSE_SECONDS:
                self._fleet.allow(now - last)
            last = now
            self._fleet.tick(now)
            self._begin_end(now)
            if self._draining and now > self._kill_at and killed_at is None:
                killed_at = now
                self._fleet.kill_all()
            if killed_at is not None and now > killed_at + LAST_SECONDS:
                return  # one that cannot be killed is the kernel's; it must not hold us
            if now >= next_view:
                next_view = now + VIEW_SECONDS
                self._look_around(now)
            if self._notifier.pet_seconds is not None and now >= next_pet and self._fleet.is_sound(now):
                next_pet = now + self._notifier.pet_seconds / 2
                self._notifier.alive()

    def _begin_end(self, now: float) -> None:
        failed = self._fleet.fatal is not None and not self._ready
        if self._draining or not (self._stopping.is_set() or failed):
            return
        log.info("stopping")
        self._draining = True
        self._kill_at = now + self._loaded.config.supervision.drain_seconds
        self._notifier.stopping()
        self._fleet.begin_draining(now)

    def _look_around(self, now: float) -> None:
        records, self._said = self._recent.since(self._said)
        self._board.note(records)
        self._fleet.forget_calls()
        waited = now - self._began >= READY_SECONDS
        if not self._ready and not self._draining and (self._fleet.started or waited):
            self._ready = True
            self._notifier.ready()
        self._view = self._new_view(now)
        online = sum(meter.state == "online" for meter in self._view.sources.values())
        self._notifier.status(f"{online} of {len(self._view.sources)} sources online")

    def _close(self) -> None:
        self._watcher.stop()
        self._page.close()
        self._selector.close()
        self._woken.close()
        self._waker.close()
        os.close(self._bell)
        self._lock.release()

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._stopping.is_set():
            self._fleet.kill_all()
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self.stop()

    # ---- from other threads

    def view(self) -> BoxView:
        """The box now."""
        return replace(self._view, loop_age_seconds=round(max(0.0, time.monotonic() - self._viewed_at), 1))

    def call(self, source_id: str, name: str, arguments: Mapping[str, Any]) -> Any:
        """Runs a named call in the worker that serves the source; see `edge.view.Box`."""
        patient_until = time.monotonic() + STARTING_SECONDS
        while True:
            try:
                return self._call_once(source_id, name, arguments)
            except NotYetError:
                if time.monotonic() >= patient_until or self._stopping.wait(TURN_SECONDS):
                    raise

    def _call_once(self, source_id: str, name: str, arguments: Mapping[str, Any]) -> Any:
        answer: Future[Any] = Future()
        self._soon(lambda: self._fleet.call(source_id, name, arguments, answer))
        try:
            return answer.result(CALL_SECONDS)
        except FutureTimeoutError:
            answer.cancel()
            raise CallError(f"{source_id}: {name!r} was not answered within {CALL_SECONDS:g} s") from None
        except CancelledError:
            raise CallError(f"{source_id}: the program ends") from None

    def propose(self, text: str) -> Plan:
        """What `apply` would do; see `edge.view.Box`."""
        return self._planned(loaded_from(text, self._path))

    def apply(self, text: str) -> Plan:
        """Makes the text the configuration; see `edge.view.Box`."""
        loaded = loaded_from(text, self._path)
        self._planned(loaded)
        _replace_text(self._path, text)
        adopted: Future[Plan] = Future()
        self._soon(lambda: self._adopt_for(loaded, adopted))
        return adopted.result(ADOPT_SECONDS)

    def _soon(self, work: Callable[[], None]) -> None:
        """Has the loop do something in its next turn."""
        self._inbox.append(work)
        self._wake()

    def _wake(self) -> None:
        try:
            self._waker.send(b"\0")
        except OSError:
            return  # full: it is awake anyway; closed: the loop is over

    def _drain_wakes(self) -> None:
        try:
            while self._woken.recv(4096):
                pass
        except BlockingIOError:
            return

    # ---- changes of the configuration

    def _config_changed(self, found: Loaded | Refused) -> None:
        """Called in the watcher's thread."""
        self._soon(lambda: self._take_up(found))

    def _take_up(self, found: Loaded | Refused) -> None:
        if self._draining:
            return
        if isinstance(found, Refused):
            self._refuse(found.problems)
            return
        try:
            self._adopt(found)
        except ConfigError as error:
            self._refuse(error.problems)

    def _refuse(self, problems: tuple[object, ...]) -> None:
        said = tuple(str(problem) for problem in problems)
        self._refused = (datetime.now(UTC), said)
        log.error("the changed configuration is refused, the present one holds", problems=said)
        self._notifier.reloading()  # whoever asked for it waits for both words
        self._notifier.ready()

    def _adopt_for(self, loaded: Loaded, adopted: Future[Plan]) -> None:
        try:
            adopted.set_result(self._adopt(loaded))
        except ConfigError as error:
            adopted.set_exception(error)

    def _adopt(self, loaded: Loaded) -> Plan:
        plan = self._planned(loaded)
        touched = touched_parts(self._loaded.config, loaded.config)
        self._refused = None
        self._notifier.reloading()
        if loaded.sha256 == self._loaded.sha256 and plan.empty:
            # A text that is the same may still mean something else: rows of the model registry are not in it.
            self._notifier.ready()
            return plan
        self._loaded = loaded
        self._loaded_at = datetime.now(UTC)
        self._board.keep_sources(_blank_meters(loaded))
        self._fleet.adopt(loaded, plan, touched, time.monotonic())
        if Part.LOCAL in touched:
            self._page.show(loaded.config.local)
        log.info(
            "the changed configuration holds",
            starts=plan.starts,
            stops=plan.stops,
            restarts=plan.restarts,
            children=plan.children,
            models=plan.models,
        )
        self._notifier.ready()
        self._view = self._new_view(time.monotonic())
        return plan

    def _planned(self, loaded: Loaded) -> Plan:
        present = self._loaded.config
        refuse_what_needs_a_restart(present, loaded.config, self._path, loaded.parsed)
        return plan_of(present, loaded.config)

    # ---- the view

    def _new_view(self, now: float) -> BoxView:
        self._viewed_at = now
        refused_at, problems = self._refused or (None, ())
        return BoxView(
            device_id=self._loaded.config.device.id,
            software=self._software,
            started_at=self._started_at,
            config=ConfigView(str(self._path), self._loaded.sha256, self._loaded_at, refused_at, problems),
            children=self._fleet.views(now),
            sources=self._board.sources,
            uplink=self._board.uplink,
            inference=self._board.inference,
            log=self._board.log,
            events=self._board.events,
            stopping=self._draining,
        )


def _blank_meters(loaded: Loaded) -> Mapping[str, SourceMeter]:
    return {
        source_id: SourceMeter(source_id, settings.kind, settings.name)
        for source_id, settings in watched(loaded.config).items()
    }


def _replace_text(path: Path, text: str) -> None:
    """Writes a file aside and renames it: a reader finds the old text or the new one."""
    path = path.resolve()  # behind a link: the link stays
    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with aside.open("w", encoding="utf-8", newline="") as file:
            os.fchmod(file.fileno(), path.stat().st_mode & 0o7777)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
