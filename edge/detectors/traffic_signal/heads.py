"""One head over time: from readings to held states, history, runs and flashes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from edge.detectors.traffic_signal.cycles import Change, Runs
from edge.detectors.traffic_signal.durations import DARK
from edge.detectors.traffic_signal.history import NO_PICTURE, HeadHistory
from edge.detectors.traffic_signal.readings import HeadReading, Lit, Unseen
from edge.detectors.traffic_signal.settings import Colour, FlashPeriod, HeadKind, HeadSettings

HOLD_SECONDS = 0.25
"""A lamp that was lit in any picture of so long ago is lit: LEDs flicker, shutters roll. Only while nothing else of
its head is lit: else red would stay beside green at every change."""
BLINK_SECONDS = 2.0
"""A head that was unseen for no longer than this flashes on, if it flashed."""
_ORDER = (Colour.RED, Colour.AMBER, Colour.GREEN, Colour.WHITE)
_EDGES = 64
RESTLESS_SECONDS = 12.0


@dataclass(frozen=True, slots=True)
class Edge:
    """A lamp went on or off: the first picture that showed it."""

    time: float
    on: bool


class Head:
    """One head. `seen_seconds`: how long it was seen since the beginning, for shares of windows."""

    def __init__(self, head_id: str, settings: HeadSettings) -> None:
        self.id = head_id
        self.settings = settings
        self.group = settings.group
        self.colours = tuple(lamp.colour for lamp in settings.lamps)
        self.kind = settings.kind
        self.history = HeadHistory()
        self.runs = Runs()
        self.seen_seconds = 0.0
        self.watched_seconds = 0.0
        self.seen = False
        self.seen_since = 0.0
        self.lit: tuple[int, ...] = ()
        self.shows_green = False
        """Whether it says go: green, and not red or amber beside it."""
        self.ever_lit = False
        self.flash_allowed: FlashPeriod | None = None
        self.edges: tuple[deque[Edge], ...] = tuple(deque(maxlen=_EDGES) for _ in self.colours)
        self.unchanged_since = 0.0
        """Since when no other label was seen than the current one, whatever was unseen meanwhile."""
        self.unchanged_label: str | None = None
        self.unchanged_seen = 0.0
        """`seen_seconds` then."""
        self.display_on = 0.0
        self.display_off = 0.0
        self.display_at = 0.0
        """How long its digits were seen lit and dark since the run began; the newest picture counted."""
        self._lamps: tuple[Lit, ...] | None = None
        self._unseen: Unseen | None = None
        self._display: Lit | None = None
        self._steady = False
        self._hold_from: float | None = None
        self._seen_at = -1e9
        self._decoded: dict[tuple[Lit, ...], tuple[int, ...] | None] = {}

    @property
    def may_be_dark(self) -> bool:
        """Whether nothing is lit for a part of its normal cycle: arrows alone, heads without red."""
        return self.kind is HeadKind.ARROW or Colour.RED not in self.colours

    @property
    def is_dark(self) -> bool:
        """Whether it is seen, and nothing is lit."""
        return self.seen and not self.lit

    @property
    def label(self) -> str | None:
        """The run it is in."""
        run = self.runs.current
        return None if run is None else run.label

    def take(self, reading: HeadReading, now: float, step: float, interval: float) -> Change | None:
        """What the next picture shows, `step` after the one before it; pictures come every `interval`. Seconds."""
        self.watched_seconds += step
        if (
            self._steady
            and reading.lamps == self._lamps
            and reading.unseen is self._unseen
            and reading.countdown is self._display
        ):
            current = self.history.current
            assert current is not None
            current.last = now
            current.pictures += 1
            if self.seen:
                self.seen_seconds += step
                self.runs.same(now)
                if self._display is not None:
                    self._count_display(now)
            return None
        return self._take(reading, now, step, interval)

    def gap(self, now: float) -> None:
        """No picture came for long, until now."""
        self.history.gap(now)
        self.runs.blind(now)
        self._forget()

    def label_of(self, lit: tuple[int, ...]) -> str:
        """The colours lit, in their order; `dark` for none."""
        shown = {self.colours[index] for index in lit}
        return "+".join(colour.value for colour in _ORDER if colour in shown) or DARK

    def is_restless(self, now: float) -> bool:
        """Whether a lamp of it goes on and off all the time, however irregularly that is seen."""
        return any(len(edges) > 5 and edges[-6].time > now - RESTLESS_SECONDS for edges in self.edges)

    def share_seen_since_change(self, now: float) -> float:
        """Of the time since its label changed, in which it was seen."""
        return min((self.seen_seconds - self.unchanged_seen) / max(now - self.unchanged_since, 1e-3), 1.0)

    def _take(self, reading: HeadReading, now: float, step: float, interval: float) -> Change | None:
        lit = None if reading.unseen is not None else self._decode(reading.lamps)
        if lit is None:
            unseen = reading.unseen or Unseen.OCCLUDED  # some lamps cannot be seen, and no other is lit
            self.history.add(now, (), unseen.value, None)
            self.runs.blind(now)
            self._forget()
            self._lamps, self._unseen, self._display, self._steady = (
                reading.lamps,
                reading.unseen,
                reading.countdown,
                True,
            )
            return None
        if self.seen:
            self.seen_seconds += step
        elif now - self._seen_at > BLINK_SECONDS:
            self.seen_since = now
            for edges in self.edges:
                edges.clear()
        self._mark_edges(lit, now)
        lit = self._held(lit, now)
        self.history.add(now, lit, None, reading.countdown)
        self.seen, self.lit = True, lit
        self.shows_green = bool(lit) and all(self.colours[index] is Colour.GREEN for index in lit)
        self.ever_lit = self.ever_lit or bool(lit)
        label = self.label_of(lit)
        change = self.runs.show(label, now, interval)
        self._note_change(now)
        self._lamps, self._unseen, self._display = reading.lamps, None, reading.countdown
        if reading.countdown is not None:
            self._count_display(now)
        self._steady = self.runs.settled and self._hold_from is None and self.label == label
        return change

    def _note_change(self, now: float) -> None:
        run = self.runs.current
        assert run is not None
        if run.label != self.unchanged_label:
            self.unchanged_label = run.label
            self.unchanged_since = run.start
            # Seen in between, or it would not have been confirmed.
            self.unchanged_seen = self.seen_seconds - (now - run.start)

    def _count_display(self, now: float) -> None:
        step = min(max(now - self.display_at, 0.0), 2.0)
        if self._display is Lit.ON:
            self.display_on += step
        elif self._display is Lit.OFF:
            self.display_off += step
        self.display_at = now

    def _forget(self) -> None:
        if self.seen and self.runs.current is not None:
            self._seen_at = self.runs.current.last
        self.seen, self.lit, self.shows_green = False, (), False
        self._lamps, self._steady, self._hold_from = None, False, None

    def _decode(self, lamps: tuple[Lit, ...]) -> tuple[int, ...] | None:
        if lamps not in self._decoded:
            lit = tuple(index for index, lamp in enumerate(lamps) if lamp is Lit.ON)
            self._decoded[lamps] = None if not lit and Lit.UNKNOWN in lamps else lit
        return self._decoded[lamps]

    def _mark_edges(self, lit: tuple[int, ...], now: float) -> None:
        for index, edges in enumerate(self.edges):
            on = index in lit
            if not edges or edges[-1].on is not on:
                edges.append(Edge(now, on))

    def _held(self, lit: tuple[int, ...], now: float) -> tuple[int, ...]:
        if lit:
            self._hold_from = None
            return lit
        if self._hold_from is None:
            current = self.history.current
            if not self.lit or current is None:
                return lit
            self._hold_from = current.last
        if now - self._hold_from <= HOLD_SECONDS:
            return self.lit
        self._hold_from = None
        return lit


def unseen_reading(head: HeadSettings) -> HeadReading:
    """What is known of a head that nobody looked at."""
    return HeadReading((Lit.UNKNOWN,) * len(head.lamps), Unseen.BROKEN_PICTURE)


__all__ = ["NO_PICTURE", "Edge", "Head", "unseen_reading"]
