"""All child processes: which there shall be, starting and replacing them, and what they say.

Used by the supervisor's loop alone. Nothing here waits.
"""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import ValidationError

from edge.config.supervision import SupervisionSettings
from edge.logs import LogLevel
from edge.supervisor.board import Board
from edge.supervisor.child import Child, said_exit
from edge.supervisor.messages import (
    Alive,
    Call,
    Configure,
    Fatal,
    MessageError,
    News,
    Order,
    Ready,
    Report,
    Result,
    Stop,
    Witnesses,
)
from edge.supervisor.placement import place, shared_workers, weight_of, worker_apart
from edge.supervisor.plan import Part, cameras, sensors, watched
from edge.supervisor.post import Leaving, Post
from edge.supervisor.reload import Loaded
from edge.supervisor.restarts import RestartLimit, Restarts
from edge.view import CallError, ChildKind, ChildState, ChildView, NotYetError, Plan
from edge.witnesses import Sightings

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

log = structlog.get_logger("supervisor")

UPLINK = "uplink"
SENSORS = "sensors"
UPLINK_SHARE = 1 / 3
UPLINK_SECONDS = 5.0
"""Of the time to drain, what is kept for the uplink's last words: this, or the share of a short time."""
START_SLACK_SECONDS = 10.0
WITNESS_SECONDS = 1.0
"""Between two tellings of who sees what: reports come as often, and what burns burns for longer."""
OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Inherited:
    """Descriptors that every child gets, and how it shall log."""

    bell: int
    lock: int
    log_json: bool = False
    log_level: LogLevel = LogLevel.INFO


@dataclass(slots=True)
class _OpenCall:
    post: str
    answer: Future[Any]


class Fleet:
    """The posts and their children. `fatal` is the reason of the first child that says that only a person can help."""

    def __init__(
        self, selector: selectors.BaseSelector, inherited: Inherited, board: Board, loaded: Loaded, path: str
    ) -> None:
        self.fatal: str | None = None
        self._selector = selector
        self._inherited = inherited
        self._board = board
        self._path = path
        self._loaded = loaded
        self._generation = 0
        self._posts: dict[str, Post] = {}
        self._apart: set[str] = set()
        self._calls: dict[int, _OpenCall] = {}
        self._next_call = 1
        self._told_alive: Alive | None = None
        self._sightings = Sightings()
        self._tell_sightings_at = float("-inf")
        self._draining_until: float | None = None

    # ---- what there shall be

    def adopt(self, loaded: Loaded, plan: Plan, touched: frozenset[Part], now: float) -> None:
        """Brings the processes in line with a configuration."""
        self._loaded = loaded
        self._generation += 1
        self._apart &= cameras(loaded.config).keys()
        self._assign()
        for post in self._posts.values():
            changed = set(plan.restarts) & set(post.sources)
            post.to_restart |= changed
            post.models_changed |= bool(plan.models)
            if changed and post.child is None:
                # Somebody has mended something: no reason to wait any longer.
                post.restarts, post.start_at = Restarts(total=post.restarts.total), now
            if Part(post.kind.value) in touched and post.child is not None and post.leaving is None:
                self._tell_to_leave(post, Leaving.REPLACED, self._supervision.drain_seconds, now)
        self.tick(now)

    def _assign(self) -> None:
        """Which post serves which sources; posts come and go with that."""
        config = self._loaded.config
        wanted: dict[str, list[str]] = {UPLINK: []}
        watched_sensors = sorted(sensors(config))
        if watched_sensors:
            wanted[SENSORS] = watched_sensors
        watched_cameras = cameras(config)
        weights = {key: weight_of(source, self._board.meter(key)) for key, source in watched_cameras.items()}
        present = {
            source_id: post.name
            for post in self._posts.values()
            if post.kind is ChildKind.CAMERAS and post.leaving is not Leaving.REMOVED
            for source_id in post.sources
            if post.name != worker_apart(source_id)
        }
        workers = shared_workers(self._supervision.workers or len(os.sched_getaffinity(0)))
        for source_id, name in sorted(place(weights, workers, present, self._apart).items()):
            wanted.setdefault(name, []).append(source_id)
        for name, sources in wanted.items():
            if name not in self._posts:
                self._posts[name] = Post(name, _kind_of(name))
            self._posts[name].sources = tuple(sources)
        for name in [name for name in self._posts if name not in wanted]:
            self._remove(self._posts[name])

    def _remove(self, post: Post) -> None:
        post.sources = ()
        if post.child is None:
            del self._posts[post.name]
        elif post.leaving is None:
            self._tell_to_leave(post, Leaving.REMOVED, self._supervision.drain_seconds, time.monotonic())
        else:
            post.leaving = Leaving.REMOVED

    def _tell_to_leave(self, post: Post, why: Leaving, seconds: float, now: float) -> None:
        assert post.child is not None, "only a child can leave"
        post.leaving = why
        post.state = ChildState.STOPPING
        post.kill_at = now + seconds
        # Less than is given before it is killed: what it does last takes a moment too.
        self._send(post, Stop(0.9 * seconds))

    # ---- the loop's turns

    def tick(self, now: float) -> None:
        """Kills what hangs, fills what is empty, delivers what has changed."""
        self._judge(now)
        if self._draining_until is None:
            for post in list(self._posts.values()):
                if post.child is None and post.start_at <= now:
                    self._spawn(post, now)
                self._deliver(post)
            self._tell_alive()
            self._tell_sightings(now)
        else:
            self._drain(now)

    def allow(self, seconds: float) -> None:
        """The supervisor itself stood still for so long: that is nobody's silence."""
        for post in self._posts.values():
            post.spawned_at += seconds
            if post.heard_at is not None:
                post.heard_at += seconds
            post.kill_at += seconds

    def _judge(self, now: float) -> None:
        limits = self._supervision
        for post in self._posts.values():
            if post.child is None:
                continue
            limit = limits.start_limit_seconds if post.heard_at is None else limits.heartbeat_limit_seconds
            if now >= post.kill_at:
                post.kill("took too long to end", now)
            elif post.silent_seconds(now) > limit:
                post.kill(f"no sign of life for {limit:g} s", now)

    def _spawn(self, post: Post, now: float) -> None:
        arguments = [post.kind.value, "--name", post.name, "--bell", str(self._inherited.bell)]
        arguments += ["--log-level", self._inherited.log_level.value]
        if self._inherited.log_json:
            arguments.append("--log-json")
        try:
            child = Child(arguments, (self._inherited.bell, self._inherited.lock))
        except OSError as error:
            post.spawned_at = now
            post.fell(f"cannot be started: {error}", now, self._restart_limit)
            log.error("a process cannot be started", child=post.name, reason=str(error))
            return
        post.filled_by(child, now)
        self._selector.register(child.socket, selectors.EVENT_READ, lambda events: self._socket_ready(post, events))
        self._selector.register(child.exit_fd, selectors.EVENT_READ, lambda _events: self._has_ended(post))
        if post.kind is ChildKind.UPLINK:
            self._told_alive = None

    def _deliver(self, post: Post) -> None:
        """Tells a child its sources, as far as no other process still has them."""
        if post.child is None or post.leaving is not None:
            return
        if post.kind is ChildKind.UPLINK:
            if post.generation != self._generation:
                self._configure(post, self._alive_sources())
            return
        held = {source_id for other in self._posts.values() if other is not post for source_id in other.running}
        if post.kind is ChildKind.SENSORS and (post.sent is not None or held & set(post.sources)):
            return  # it is told everything, once
        sources = tuple(source_id for source_id in post.sources if source_id not in held)
        if sources == post.sent and not post.to_restart & set(sources) and not post.models_changed:
            return
        restart = sorted(post.to_restart & set(sources))
        post.sent = sources
        post.to_restart -= set(restart)
        post.models_changed = False
        self._configure(post, sources, restart)

    def _configure(self, post: Post, sources: Sequence[str], restart: Sequence[str] = ()) -> None:
        text = self._loaded.text
        post.generation = self._generation
        self._send(post, Configure(self._generation, self._path, text, list(sources), list(restart)))

    def _alive_sources(self) -> list[str]:
        running = {source_id for post in self._posts.values() for source_id in post.running}
        return sorted(running | watched(self._loaded.config).keys())

    def _tell_alive(self) -> None:
        offline = {
            source_id: f"its process {post.reason}, {post.restarts.total} times so far"
            for post in self._posts.values()
            if post.child is None and post.restarts.exceeded
            for source_id in post.sources
        }
        for source_id, reason in offline.items():
            self._board.say_of([source_id], OFFLINE, reason, datetime.now(UTC).isoformat())
        alive = Alive(self._alive_sources(), offline, self._board.model_troubles)
        uplink = self._posts[UPLINK]
        if alive != self._told_alive and uplink.child is not None and uplink.leaving is None:
            self._told_alive = alive
            self._send(uplink, alive)

    def _tell_sightings(self, now: float) -> None:
        """Tells those who watch cameras what all sources observe, where they do not know the latest of it."""
        revision = self._sightings.revision
        behind = [
            post
            for post in self._posts.values()
            if post.kind is ChildKind.CAMERAS and post.sent is not None and post.heard_revision != revision
        ]
        if not behind or now < self._tell_sightings_at:
            return
        self._tell_sightings_at = now + WITNESS_SECONDS
        order = Witnesses(list(self._sightings.recent()))
        for post in behind:
            post.heard_revision = revision
            if post.leaving is None:
                self._send(post, order)

    # ---- what children do

    def _socket_ready(self, post: Post, events: int) -> None:
        if post.child is None:
            return
        if events & selectors.EVENT_WRITE:
            post.child.flush()
            self._watch_socket(post)
        if events & selectors.EVENT_READ:
            try:
                for news in post.child.receive():
                    self._take(post, news)
            except (MessageError, ValidationError) as error:
                log.error("a process sends what is no message", child=post.name, reason=str(error)[:500])
                post.kill("sent what is no message", time.monotonic())
                self._unwatch(post.child.socket)
            if post.child.closed:
                # Level-triggered: a socket at its end would wake the loop for ever. Its process ends, or falls silent.
                self._unwatch(post.child.socket)

    def _take(self, post: Post, news: News) -> None:
        match news:
            case Report():
                self._take_report(post, news)
            case Ready():
                if post.leaving is None:
                    post.state = ChildState.RUNNING
            case Fatal(reason=reason):
                post.why = reason
                self.fatal = self.fatal or reason
            case Result():
                self._answer(news)

    def _take_report(self, post: Post, report: Report) -> None:
        now = time.monotonic()
        post.heard_at = now
        post.usage = report.usage
        post.running = frozenset(report.running)
        self._board.take(post.name, report)
        self._sightings.note(report.sightings)
        limit = self._supervision.source_limit_seconds
        stuck = {source_id: seconds for source_id, seconds in report.stuck.items() if seconds > limit}
        if stuck and post.killed_at is None and post.leaving is None:
            # Who hangs is known: it alone gets a process of its own.
            if post.kind is ChildKind.CAMERAS:
                self._set_apart(post, [source_id for source_id in stuck if source_id in post.sources])
            post.kill(f"{', '.join(sorted(stuck))} made no progress for {limit:g} s", now)

    def _has_ended(self, post: Post) -> None:
        child = post.child
        status = None if child is None else child.poll()
        if child is None or status is None:
            return
        self._unwatch(child.exit_fd)
        self._unwatch(child.socket)
        for news in child.last_words():
            self._take_last(post, news)
        child.close()
        self._fail_calls(post)
        self._board.forget_child(post.name)
        if post.leaving is not None or self._draining_until is not None:
            self._left(post)
            return
        reason = post.why or said_exit(status)
        post.fell(reason, time.monotonic(), self._restart_limit)
        log.error(
            "a process ended and is replaced",
            child=post.name,
            reason=reason,
            restarts=post.restarts.total,
            again_in_seconds=round(max(0.0, post.start_at - time.monotonic()), 1),
        )
        if post.kind is ChildKind.CAMERAS and post.restarts.exceeded and len(post.sources) > 1:
            self._set_apart(post, post.sources)

    def _take_last(self, post: Post, news: News) -> None:
        try:
            self._take(post, news)
        except ValidationError as error:
            log.error("a process sent what is no message", child=post.name, reason=str(error)[:500])

    def _left(self, post: Post) -> None:
        if post.killed_at is not None:
            log.warning("a process was killed at its end", child=post.name, reason=post.why)
        post.emptied()
        if post.leaving is Leaving.REPLACED and self._draining_until is None:
            post.leaving, post.start_at = None, float("-inf")
        else:
            del self._posts[post.name]

    def _set_apart(self, post: Post, source_ids: Sequence[str]) -> None:
        """Gives sources processes of their own, so that who brings its process down is alone."""
        new = [source_id for source_id in source_ids if post.name != worker_apart(source_id)]
        if not new:
            return
        log.warning("cameras get processes of their own: one of them brings its process down", sources=new)
        self._apart.update(new)
        self._assign()

    # ---- calls

    def call(self, source_id: str, name: str, arguments: Mapping[str, Any], answer: Future[Any]) -> None:
        """Passes a call on; the answer comes later, or CallError does."""
        post = next((post for post in self._posts.values() if source_id in post.sources), None)
        if post is None:
            answer.set_exception(CallError(f"{source_id}: there is no such source, or it has no input"))
        elif post.child is None:
            answer.set_exception(CallError(f"{source_id}: its process is not working now"))
        elif source_id not in post.running:
            answer.set_exception(NotYetError(f"{source_id}: its process is starting, try again in a moment"))
        else:
            number, self._next_call = self._next_call, self._next_call + 1
            self._calls[number] = _OpenCall(post.name, answer)
            try:
                self._send(post, Call(number, source_id, name, dict(arguments)))
            except MessageError as error:
                del self._calls[number]
                answer.set_exception(CallError(str(error)))

    def forget_calls(self) -> None:
        """Lets go of calls that nobody waits for any more."""
        self._calls = {number: call for number, call in self._calls.items() if not call.answer.cancelled()}

    def _answer(self, result: Result) -> None:
        call = self._calls.pop(result.number, None)
        if call is None or not call.answer.set_running_or_notify_cancel():
            return
        if result.error is not None:
            call.answer.set_exception(CallError(result.error))
        else:
            call.answer.set_result(result.value)

    def _fail_calls(self, post: Post) -> None:
        for number, call in list(self._calls.items()):
            if call.post == post.name:
                self._answer(Result(number, error="its process has ended"))

    # ---- the end

    def begin_draining(self, now: float) -> None:
        """Tells all but the uplink to end; the uplink follows when it has nobody left to wait for."""
        seconds = self._supervision.drain_seconds
        self._draining_until = now + seconds
        for post in list(self._posts.values()):
            if post.child is None:
                del self._posts[post.name]
            elif post.kind is not ChildKind.UPLINK:
                share = seconds - min(UPLINK_SECONDS, seconds * UPLINK_SHARE)
                self._tell_to_leave(post, Leaving.REMOVED, share, now)

    def _drain(self, now: float) -> None:
        assert self._draining_until is not None, "only while draining"
        uplink = self._posts.get(UPLINK)
        if uplink is not None and len(self._posts) == 1 and uplink.state is not ChildState.STOPPING:
            self._tell_to_leave(uplink, Leaving.REMOVED, max(0.0, self._draining_until - now), now)

    def kill_all(self) -> None:
        """Ends what is left at once."""
        for post in self._posts.values():
            post.kill("the program ends", time.monotonic())

    # ---- how it is

    @property
    def empty(self) -> bool:
        return not self._posts

    @property
    def started(self) -> bool:
        """Whether every process works, or has at least been tried."""
        young = {ChildState.WAITING, ChildState.STARTING}
        return all(post.state not in young or post.restarts.total for post in self._posts.values())

    def is_sound(self, now: float) -> bool:
        """Whether every process lives or waits for its turn: else only the service manager can help."""
        for post in self._posts.values():
            if post.child is None and now > post.start_at + START_SLACK_SECONDS:
                return False
            if post.killed_at is not None and now - post.killed_at > self._supervision.heartbeat_limit_seconds:
                return False  # cannot be ended: it hangs in the kernel
        return True

    def views(self, now: float) -> tuple[ChildView, ...]:
        return tuple(self._posts[name].view(now) for name in sorted(self._posts))

    # ---- inside

    @property
    def _supervision(self) -> SupervisionSettings:
        return self._loaded.config.supervision

    @property
    def _restart_limit(self) -> RestartLimit:
        return RestartLimit(self._supervision.restart_limit, self._supervision.restart_window_seconds)

    def _send(self, post: Post, order: Order) -> None:
        assert post.child is not None, "only a child can be told"
        post.child.send(order)
        self._watch_socket(post)

    def _watch_socket(self, post: Post) -> None:
        if post.child is None or post.child.socket not in self._selector.get_map():
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if post.child.has_unsent else 0)
        key = self._selector.get_key(post.child.socket)
        if key.events != events:
            self._selector.modify(post.child.socket, events, key.data)

    def _unwatch(self, watched_object: FileDescriptorLike) -> None:
        if watched_object in self._selector.get_map():
            self._selector.unregister(watched_object)


def _kind_of(name: str) -> ChildKind:
    if name == UPLINK:
        return ChildKind.UPLINK
    return ChildKind.SENSORS if name == SENSORS else ChildKind.CAMERAS
