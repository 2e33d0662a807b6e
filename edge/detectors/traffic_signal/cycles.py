"""From states to runs of one label, and from runs to cycles; flicker, beats and single misreadings do not disturb."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass

from edge.detectors.traffic_signal.durations import DARK

CONFIRM_SECONDS = 0.3
"""A new state is believed when it has lasted so long and been seen twice: lamps cross over in less."""
CONFIRM_DARK_SECONDS = 1.0
"""Darkness: the gaps of anything that flashes at 0.7 Hz or more, and of LEDs that beat, are shorter."""
ALIAS_INTERVAL_SECONDS, CONFIRM_ALIAS_SECONDS = 0.65, 6.0
"""With pictures farther apart one may see nothing but the gaps of green that flashes before its end, for five seconds
where people walk."""
CONFIRM_INTERVAL_SECONDS = 1.2
"""With pictures farther apart than this one of a colour is enough: the next one may show the next colour."""
BLIND_SECONDS = 2.0
"""A state that is the same before and after so short a time unseen has not changed in it: no cycle is so short."""


@dataclass(slots=True)
class Run:
    """A time in which a head showed one label, as far as it was seen. Seconds."""

    label: str
    start: float
    """The first picture that showed it."""
    last: float
    """The newest one."""
    whole_start: bool
    """Its beginning was seen: the picture before it showed another label."""
    end: float | None = None
    """The first picture that showed another label."""
    whole_end: bool = False

    @property
    def whole(self) -> bool:
        return self.whole_start and self.whole_end

    @property
    def seconds(self) -> float:
        return (self.last if self.end is None else self.end) - self.start


@dataclass(frozen=True, slots=True)
class Change:
    """One run ended and the next one began. `gap_seconds`: between the last picture of the one and the first of the
    other; `seen`: the head was seen all that time."""

    before: Run
    after: Run
    gap_seconds: float
    seen: bool


class Runs:
    """Makes runs of what pictures show. `recent`: the last ones that ended, the newest last."""

    def __init__(self) -> None:
        self.current: Run | None = None
        self.recent: deque[Run] = deque(maxlen=8)
        self._pending: Run | None = None
        self._pending_pictures = 0
        self._blind_since: float | None = None
        self._blind_between = False

    @property
    def settled(self) -> bool:
        """Whether a picture that shows the same again changes nothing but times."""
        return self._pending is None and self._blind_since is None

    def same(self, now: float) -> None:
        """The current label is shown again; only when `settled`."""
        if self.current is not None:
            self.current.last = now

    def blind(self, now: float) -> None:
        """The head is not seen."""
        if self._blind_since is None:
            self._blind_since = now
        self._blind_between = True

    def show(self, label: str, now: float, interval: float) -> Change | None:
        """The head shows a label; pictures come every `interval` seconds. What changed, once it is certain."""
        current = self.current
        if self._blind_since is not None:
            self._see_again(now, interval)
            current = self.current
        if current is None or current.end is not None:
            self._begin_after_blindness(label, now)
            return None
        seen, self._blind_between = not self._blind_between, False
        if label == current.label:
            current.last = now
            self._pending = None
            return None
        if self._pending is None or self._pending.label != label:
            # What hides the head only while the new state is confirmed hides no change.
            seen = seen and (self._pending is None or self._pending.whole_start)
            self._pending = Run(label, now, now, whole_start=seen)
            self._pending_pictures = 0
        self._pending.last = now
        self._pending_pictures += 1
        if not self._confirmed(interval):
            return None
        return self._turn(self._pending)

    def _confirmed(self, interval: float) -> bool:
        pending = self._pending
        assert pending is not None
        if interval > CONFIRM_INTERVAL_SECONDS:
            # One picture of darkness may be a beat, one of a colour is that colour.
            return pending.label != DARK or self._pending_pictures >= 2
        need = CONFIRM_SECONDS
        if pending.label == DARK:
            current = self.current
            flashes = interval > ALIAS_INTERVAL_SECONDS and current is not None and current.label == "green"
            need = CONFIRM_ALIAS_SECONDS if flashes else CONFIRM_DARK_SECONDS
        return self._pending_pictures >= 2 and pending.last - pending.start >= need - 1e-6

    def _turn(self, after: Run) -> Change:
        before = self.current
        assert before is not None
        gap = after.start - before.last
        before.end = after.start
        before.whole_end = after.whole_start
        self.recent.append(before)
        self.current, self._pending = after, None
        return Change(before, after, gap, after.whole_start)

    def _see_again(self, now: float, interval: float) -> None:
        since = self._blind_since
        self._blind_since = None
        assert since is not None
        current = self.current
        if current is None:
            return
        last_seen = current.last if self._pending is None else max(current.last, self._pending.last)
        if now - last_seen > max(BLIND_SECONDS, 2.5 * interval):
            current.end = current.last
            self.recent.append(current)
            self.current = self._pending = None

    def _begin_after_blindness(self, label: str, now: float) -> None:
        self.current = Run(label, now, now, whole_start=False)
        self._pending = None
        self._blind_between = False


class CycleCount:
    """Counts normal cycles after a fault: from the beginning of a label to its next beginning, with all that must be
    shown in between."""

    def __init__(self) -> None:
        self.count = 0
        self.began: float | None = None
        """When the first of them began, seconds."""
        self.starts: dict[str, float] = {}
        """When its labels began."""
        self.began_seen = False
        """Whether that beginning was seen: else it may be older."""
        self.abnormal_until: float | None = None
        """The last time that the fault showed itself, as far as its judge says so."""
        self._label: str | None = None
        self._since = 0.0
        self._since_seen = False
        self._shown: dict[str, float] = {}
        self._cut = False

    def abnormal(self, until: float | None = None) -> None:
        """The fault showed itself again: what began before `until`, if that is known, is no normal cycle."""
        keep = until is not None and self._label is not None and self._since >= until and not self.count
        self.abnormal_until = until
        if not keep:
            self.count, self.began, self._label, self._shown, self._cut = 0, None, None, {}, False

    def show(self, run: Run, required: Collection[str], *, seen: bool) -> None:
        """A run begins; `seen`: all since the one before it was seen."""
        self._cut = self._cut or not seen
        if run.label not in required:
            return
        if self._label is None:
            self._restart(run)
        elif run.label == self._label:
            if self._shown.keys() >= set(required):
                self.count += 1
                if self.began is None:
                    self.began, self.began_seen, self.starts = self._since, self._since_seen, self._shown
            elif not self._cut:
                # Something that must be shown was not, and nothing hid it: not normal yet.
                self.count, self.began = 0, None
            self._restart(run)
        self._shown.setdefault(run.label, run.start)

    def _restart(self, run: Run) -> None:
        self._label, self._since, self._since_seen = run.label, run.start, run.whole_start
        self._shown, self._cut = {run.label: run.start}, False
