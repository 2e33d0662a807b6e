"""Works that need nothing of each other, done at the same time: each by a thread of its own.

Decoding, matching and adjusting happen in libraries that let other threads work meanwhile, so that two flights take
two cores little more than half as long. What comes out does not depend on who was faster.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event, Lock, Thread
from typing import Generic, TypeVar

from edge.flights.shots import Progress

Result = TypeVar("Result")
_LOOK_UP_SECONDS = 0.5


class _BrokenOffError(Exception):
    """Nobody waits for the work any more."""


def abreast(works: Sequence[Callable[[Progress], Result]], progress: Progress) -> list[Result]:
    """What each work returns, in their order. Each tells its own progress, which is shown as one.

    Where one raises, or the caller is interrupted, the others end with their next word of progress.

    Raises:
        BaseException: what a work raised; of several the first one's.
    """
    together = _Together(progress, len(works))
    # No executor: an interrupt within one leaves locks behind that its threads then wait for.
    doings = [_Doing(work, _Line(together, number)) for number, work in enumerate(works)]
    try:
        for each in doings:
            each.start()
        together.begin()
        together.wait()
    finally:
        together.break_off()
        for each in doings:
            if each.is_alive():
                each.join()
    for each in doings:
        if each.error is not None and not isinstance(each.error, _BrokenOffError):
            raise each.error
    return [result for each in doings for result in each.result]


class _Doing(Thread, Generic[Result]):
    """One work."""

    def __init__(self, work: Callable[[Progress], Result], line: _Line) -> None:
        super().__init__(name=f"flight-{line.number}")
        self._work, self._line = work, line
        self.result: list[Result] = []
        """One, once it is done."""
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self._line.together.wait_to_begin()
            self.result.append(self._work(self._line))
            self._line.ends()
        except BaseException as error:
            self.error = error
        self._line.together.ended(failed=self.error is not None)


@dataclass(slots=True)
class _Step:
    """What one work does."""

    what: str
    total: int
    done: int = 0


class _Together:
    """Several works' progress as one step: all that they do now, and the sum of their pictures."""

    def __init__(self, progress: Progress, count: int) -> None:
        self._progress, self._lock = progress, Lock()
        self._steps: list[_Step | None] = [None] * count
        self._begun, self._broken_off = Event(), False
        self._endings: SimpleQueue[bool] = SimpleQueue()

    def wait_to_begin(self) -> None:
        """An interrupt while threads are started may lose one: it must not have begun."""
        self._begun.wait()
        self._go_on()

    def wait(self) -> None:
        """Until all have ended, or one has failed."""
        left = len(self._steps)
        while left:
            # A signal that comes just before a wait begins does not end it, and is heeded after it.
            with suppress(Empty):
                if self._endings.get(timeout=_LOOK_UP_SECONDS):
                    return
                left -= 1

    def ended(self, *, failed: bool) -> None:
        self._endings.put(failed)

    def begin(self) -> None:
        self._begun.set()

    def break_off(self) -> None:
        """Whoever tells of progress from now on, or has not begun, is told to end."""
        self._broken_off = True
        self._begun.set()

    def begins(self, number: int, step: _Step | None) -> None:
        """None: this work is done."""
        with self._lock:
            self._go_on()
            self._steps[number] = step
            shown = [each for each in self._steps if each is not None]
            if shown:
                words = dict.fromkeys(each.what for each in shown)
                self._progress.begins("; ".join(words), sum(each.total for each in shown))
                for _ in range(sum(each.done for each in shown)):
                    self._progress.advances()

    def advances(self, number: int) -> None:
        with self._lock:
            self._go_on()
            step = self._steps[number]
            assert step is not None, "a step begins before it advances"
            step.done += 1
            self._progress.advances()

    def _go_on(self) -> None:
        if self._broken_off:
            raise _BrokenOffError


@dataclass(frozen=True, slots=True)
class _Line:
    """As `edge.flights.shots.Progress`, of one work."""

    together: _Together
    number: int

    def begins(self, what: str, total: int) -> None:
        self.together.begins(self.number, _Step(what, total))

    def advances(self) -> None:
        self.together.advances(self.number)

    def ends(self) -> None:
        self.together.begins(self.number, None)
