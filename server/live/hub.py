"""The hub: reads the feed once for all browsers of this process and wakes them.

A write tells the hub after its commit; the hub reads what is new, encodes each frame once and keeps the last few
thousand. Each stream has only a cursor into them: a slow browser falls behind, catches up from the database, and costs
no memory meanwhile. Changes of one alert that come together are sent as one (the last), so a storm of updates becomes a
few frames a second. Commits of other processes are noticed by asking for the newest number once a second.
"""

from __future__ import annotations

import asyncio
import bisect
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from server.db import Database, DatabaseBusyError
from server.live import feed
from server.live.feed import Change

_log = structlog.get_logger(__name__)

_READ_ROWS = 1_000
"""Rows of one read: about 1.5 MB of payload."""


@dataclass(frozen=True, slots=True)
class LiveTimes:
    """The hub's times in seconds."""

    poll: float = 1.0
    """How soon a commit of another process is noticed."""
    gather: float = 0.1
    """The least time between two reads: what happens within it is sent together. A tenth of a second is not noticed."""
    keep_alive: float = 15.0
    """Silence after which a comment is sent: proxies cut connections after 30 s to 60 s. Sessions are checked then."""
    prune: float = 300.0


@dataclass(frozen=True, slots=True)
class Frame:
    """A change as it goes over the wire."""

    seq: int
    scopes: frozenset[str]
    content: bytes


def encode(changes: Sequence[Change]) -> list[Frame]:
    """Frames of changes, one for each alert: its last change, for everybody whom any of them concerned."""
    last: dict[str, Change] = {}
    scopes: dict[str, frozenset[str]] = {}
    for change in changes:
        last[change.alert_id] = change
        scopes[change.alert_id] = scopes.get(change.alert_id, frozenset()) | change.scopes
    ordered = sorted(last.values(), key=lambda change: change.seq)
    return [Frame(change.seq, scopes[change.alert_id], _frame(change)) for change in ordered]


def _frame(change: Change) -> bytes:
    data = f'{{"seq":{change.seq},"alert":{change.payload}}}'
    return f"id: {change.seq}\nevent: alert\ndata: {data}\n\n".encode()


class LiveHub:
    """Follows the feed for this process. Run it once, inside the event loop that serves the streams."""

    def __init__(self, database: Database, times: LiveTimes | None = None, *, frames_kept: int = 4_000) -> None:
        self._database = database
        self.times = times or LiveTimes()
        self._frames_kept = frames_kept
        self._frames: list[Frame] = []
        self._complete_after = 0
        """Every change beyond this number is in `_frames`."""
        self._last = 0
        self._news = asyncio.Event()
        self._wake = asyncio.Event()
        self._closing = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[LiveHub]:
        """Follows the feed inside the block; streams end with it."""
        self._last = self._complete_after = await run_in_threadpool(self._read_last)
        loop = asyncio.get_running_loop()

        def wake() -> None:
            loop.call_soon_threadsafe(self._wake.set)

        forget = self._database.after_commit(wake)
        tasks = [asyncio.create_task(self._follow_feed()), asyncio.create_task(self._prune_now_and_then())]
        try:
            yield self
        finally:
            forget()
            self.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def close(self) -> None:
        """Ends every stream; call it in the event loop."""
        self._closing = True
        self._tell()

    async def stream(self, after: int | None, scope: Callable[[], Awaitable[str | None]]) -> AsyncIterator[bytes]:
        """Server-sent events from `after` on (None: from now), until the account may see nothing any more.

        `scope` says what the account sees at the moment; None ends the stream. It is asked at the start and after
        each keep-alive interval.
        """
        seen_by = await scope()
        newest = await run_in_threadpool(self._read_last)
        cursor = newest if after is None else after
        yield b"retry: 1000\n: connected\n\n"
        if cursor > newest:
            # From another database, or from before a backup was restored.
            cursor = newest
            yield _reset(cursor)
        checked_at = asyncio.get_running_loop().time()
        while seen_by is not None and not self._closing:
            news = self._news
            frames, cursor = await self._after(cursor)
            if frames is None:
                content = _reset(cursor)
            else:
                content = b"".join(frame.content for frame in frames if seen_by in frame.scopes)
            if content:
                yield content
            elif cursor >= self._last:
                silent_for = asyncio.get_running_loop().time() - checked_at
                if not await _happens(news, self.times.keep_alive - silent_for):
                    # An id without data moves the browser's place on, though nothing here concerned it.
                    yield f": keep-alive\nid: {cursor}\n\n".encode()
            if asyncio.get_running_loop().time() - checked_at >= self.times.keep_alive:
                seen_by = await scope()
                checked_at = asyncio.get_running_loop().time()

    async def _after(self, cursor: int) -> tuple[Sequence[Frame] | None, int]:
        """Frames behind the cursor and where it is then: from memory, or from the database for who is far behind.

        None instead of frames means that some of them were pruned.
        """
        if cursor >= self._complete_after:
            start = bisect.bisect_right(self._frames, cursor, key=lambda frame: frame.seq)
            return self._frames[start:], max(cursor, self._last)
        first, changes = await run_in_threadpool(self._read_kept, cursor)
        if cursor < first - 1 or not changes:
            return None, self._last
        return encode(changes), changes[-1].seq

    async def _follow_feed(self) -> None:
        while not self._closing:
            await _happens(self._wake, self.times.poll)
            self._wake.clear()
            try:
                while len(changes := await run_in_threadpool(self._read, self._last)) > 0:
                    self._add(changes)
                    if len(changes) < _READ_ROWS:
                        break
            except Exception:
                # Whatever it was, the next poll tries again; streams wait meanwhile and miss nothing.
                _log.exception("live_feed_unreadable")
            await asyncio.sleep(self.times.gather)

    def _add(self, changes: Sequence[Change]) -> None:
        self._frames.extend(encode(changes))
        self._last = changes[-1].seq
        surplus = len(self._frames) - self._frames_kept
        if surplus > 0:
            self._complete_after = self._frames[surplus - 1].seq
            del self._frames[:surplus]
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def _prune_now_and_then(self) -> None:
        while not self._closing:
            await asyncio.sleep(self.times.prune)
            try:
                await run_in_threadpool(self._prune)
            except (SQLAlchemyError, DatabaseBusyError) as error:
                _log.warning("live_feed_not_pruned", error=str(error))

    def _prune(self) -> None:
        with self._database.write() as connection:
            feed.prune(connection, datetime.now(UTC))

    def _read(self, after: int) -> Sequence[Change]:
        with self._database.read() as connection:
            return feed.changes_after(connection, after, _READ_ROWS)

    def _read_last(self) -> int:
        with self._database.read() as connection:
            return feed.last_seq(connection)

    def _read_kept(self, after: int) -> tuple[int, Sequence[Change]]:
        """The oldest number that is kept, and what follows `after`, in one snapshot."""
        with self._database.read() as connection:
            return feed.first_seq(connection), feed.changes_after(connection, after, _READ_ROWS)


def _reset(cursor: int) -> bytes:
    return f'id: {cursor}\nevent: reset\ndata: {{"seq":{cursor}}}\n\n'.encode()


async def _happens(event: asyncio.Event, within_seconds: float) -> bool:
    # Not wait_for: before Python 3.12 it swallows a cancellation that comes together with the event.
    try:
        async with asyncio.timeout(max(within_seconds, 0.0)):
            await event.wait()
    except TimeoutError:
        return False
    return True
