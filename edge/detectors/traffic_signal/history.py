"""What each head showed when: spans of one state, for the judges and for the timeline that is evidence."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from edge.detectors.traffic_signal.readings import Lit

KEEP_SECONDS = 2400.0
"""Half an hour for the timeline, and ten minutes more: a fault is told minutes after it began."""
MAX_SPANS = 6000
"""Of one head: 40 minutes of flashing once a second are 4800. More (LEDs that beat) costs the oldest ones."""
NO_PICTURE = "no_picture"
"""Why nothing is known where no picture came."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which a head's state did not change. Seconds of media time, `end` is where the next one begins."""

    start: float
    end: float
    lit: tuple[int, ...] = ()
    """Indices of its lamps; empty: dark, unless `unseen` says that nobody knows."""
    unseen: str | None = None
    """Why nothing is known: an `Unseen`, or `no_picture`."""
    countdown: Lit | None = None

    @property
    def dark(self) -> bool:
        return not self.lit and self.unseen is None


@dataclass(slots=True)
class Stretch:
    """A span as it is being written. `last`: the newest picture that showed it."""

    start: float
    last: float
    lit: tuple[int, ...]
    unseen: str | None
    countdown: Lit | None
    pictures: int = 1

    @property
    def dark(self) -> bool:
        return not self.lit and self.unseen is None


class HeadHistory:
    """The states of one head, in order and without overlap; bounded in time and number."""

    def __init__(self) -> None:
        self._stretches: deque[Stretch] = deque(maxlen=MAX_SPANS)

    @property
    def current(self) -> Stretch | None:
        """What the newest picture showed."""
        return self._stretches[-1] if self._stretches else None

    def add(self, now: float, lit: tuple[int, ...], unseen: str | None, countdown: Lit | None) -> None:
        """What a picture shows."""
        current = self.current
        if current is not None:
            if current.lit == lit and current.unseen == unseen and current.countdown is countdown:
                current.last = now
                current.pictures += 1
                return
            while self._stretches[0].last < now - KEEP_SECONDS and len(self._stretches) > 1:
                self._stretches.popleft()
        self._stretches.append(Stretch(now, now, lit, unseen, countdown))

    def gap(self, now: float) -> None:
        """No picture came since the newest one, until `now`."""
        current = self.current
        if current is None:
            return
        if current.unseen == NO_PICTURE:
            current.last = now
        else:
            self._stretches.append(Stretch(current.last, now, (), NO_PICTURE, None, 0))

    def newest_first(self) -> Iterator[tuple[Stretch, float]]:
        """Stretches back from now, each with its end: where the one after it begins."""
        end = self._stretches[-1].last if self._stretches else 0.0
        for stretch in reversed(self._stretches):
            yield stretch, end
            end = stretch.start

    def spans(self, start: float, end: float) -> tuple[Span, ...]:
        """Spans that touch [start, end], cut to it."""
        found = []
        for stretch, until in self.newest_first():
            if until < start:
                break
            newest = until == stretch.start  # only one picture shows it so far
            if (until > start and stretch.start < end) or (newest and stretch.start <= end):
                begin, stop = max(stretch.start, start), min(until, end)
                found.append(Span(begin, stop, stretch.lit, stretch.unseen, stretch.countdown))
        return tuple(reversed(found))
