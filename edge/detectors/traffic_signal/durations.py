"""How long states last in normal operation: learned by hour of the week, beginning with the accepted plan.

A semi-Markov model: what follows what is the lawful order, how long it lasts is learned. While an hour of the week has
seen little, its part of the day answers, then all that was ever seen, then the plan. Old observations fade with weeks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from edge.detectors.traffic_signal.saved import mapping_of, unless_damaged
from edge.detectors.traffic_signal.settings import Colour, TrafficSignalSettings

SHORTEST_SECONDS = 0.25
_BIN = math.log(1.06)
"""Bins of 6 %: finer than any threshold made of them."""
_BINS = 180
"""Up to 2½ hours."""
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"
PARTS = ((6, "night"), (10, "morning"), (16, "day"), (20, "evening"), (24, "late"))
"""Parts of the day by the hour they end at; working days and weekends apart."""
ENOUGH = 30
"""Observations with which an hour or a part of the day answers by itself: a p99 of fewer is their maximum anyway."""
FEW = 5
"""Fewer observations are none: the first ones may be of a controller that starts."""
PLAN_FADES = 200
"""Observations after which the plan no longer widens what was learned: five hours of cycles."""
_KEEP_ALL, _KEEP_PART, _KEEP_HOUR = 20_000, 4_000, 120
"""Observations that are remembered: about three weeks of cycles of 90 s; older ones lose half their weight."""
_NO_HOUR = "----"
_HOURS = 168
CYCLE, DARK = "cycle", "dark"
"""States beside colours: from green to green, and nothing lit."""


@dataclass(frozen=True, slots=True)
class Quantiles:
    """How long something lasts, seconds. `n`: observations behind it; 0: only the plan."""

    p1: float
    p50: float
    p99: float
    n: float

    @property
    def usual_shortest(self) -> float:
        """The shortest, but for those that a misreading cut short."""
        return max(self.p1, 0.5 * self.p50)

    @property
    def steady(self) -> bool:
        """Whether it hardly varies: fixed-time control."""
        return self.p99 <= 1.35 * self.p50


@dataclass(frozen=True, slots=True)
class LearnedCycle:
    """What is known of a phase group at this hour."""

    group: str
    cycle: Quantiles | None
    states: Mapping[str, Quantiles]
    """By label: `red`, `red+amber`, `dark` …"""


class _Histogram:
    """Durations in bins of equal ratio; halves its weights when it is full, so that it forgets."""

    __slots__ = ("keep", "total", "weights")

    def __init__(self, keep: float) -> None:
        self.keep = keep
        self.total = 0.0
        self.weights: dict[int, float] = {}

    def add(self, seconds: float, weight: float) -> None:
        place = min(max(int(math.log(max(seconds, SHORTEST_SECONDS) / SHORTEST_SECONDS) / _BIN), 0), _BINS - 1)
        self.weights[place] = self.weights.get(place, 0.0) + weight
        self.total += weight
        if self.total > self.keep:
            # What was seen once in weeks is gone after some halvings.
            self.weights = {place: half for place, old in self.weights.items() if (half := old / 2) >= 0.02}
            self.total = sum(self.weights.values())

    def at(self, share: float) -> float:
        wanted, before = share * self.total, 0.0
        place, inside = 0, 1.0
        for place in sorted(self.weights):
            weight = self.weights[place]
            if before + weight >= wanted:
                inside = (wanted - before) / weight
                break
            before += weight
        return SHORTEST_SECONDS * math.exp((place + min(max(inside, 0.0), 1.0)) * _BIN)

    def quantiles(self) -> Quantiles:
        return Quantiles(self.at(0.01), self.at(0.5), self.at(0.99), self.total)

    def save(self) -> str:
        """The first bin in two letters, then a letter a bin: the logarithm of its weight."""
        if not self.weights:
            return ""
        first, last = min(self.weights), max(self.weights)
        weights = (self.weights.get(place, 0.0) for place in range(first, last + 1))
        codes = (1 + min(max(round(3 * math.log2(w / 0.02)), 0), 62) if w > 0 else 0 for w in weights)
        return _ALPHABET[first // 64] + _ALPHABET[first % 64] + "".join(_ALPHABET[code] for code in codes)

    def load(self, saved: str) -> None:
        if len(saved) < 3:
            return
        first = _ALPHABET.index(saved[0]) * 64 + _ALPHABET.index(saved[1])
        if first + len(saved) - 2 > _BINS:
            raise ValueError(f"found bins up to {first + len(saved) - 2}, expected {_BINS} at most")
        codes = (_ALPHABET.index(letter) for letter in saved[2:])
        self.weights = {first + i: 0.02 * 2 ** ((code - 1) / 3) for i, code in enumerate(codes) if code}
        self.total = sum(self.weights.values())


class _Hour:
    """One hour of the week: how often, and about the shortest, the middle and the longest of the last weeks.

    An hour sees 40 cycles a week. Its 1 % and 99 % are therefore its extremes, drawn slowly to the middle.
    """

    __slots__ = ("high", "low", "middle", "n")

    def __init__(self, n: float = 0.0, low: float = 0.0, middle: float = 0.0, high: float = 0.0) -> None:
        self.n, self.low, self.middle, self.high = n, low, middle, high

    def add(self, seconds: float) -> None:
        if self.n < 0.5:
            self.low = self.middle = self.high = seconds
        else:
            step = max(0.5 / (self.n + 1), 0.02)
            self.middle *= math.exp(step * ((seconds > self.middle) - (seconds < self.middle)))
            # One that is far out moves an extreme by half as much again at most: it may be a fault nobody saw.
            drawn = 0.005
            self.low = (
                max(seconds, 0.6 * self.low) if seconds < self.low else self.low * (1 - drawn) + self.middle * drawn
            )
            self.high = (
                min(seconds, 1.5 * self.high) if seconds > self.high else self.high * (1 - drawn) + self.middle * drawn
            )
        self.n = min(self.n + 1, _KEEP_HOUR)

    def save(self) -> str:
        def code(value: float, of: float) -> str:
            return _ALPHABET[min(max(round(63 * math.log(max(value / of, 1.0)) / math.log(40_000)), 0), 63)]

        seconds = (code(value, SHORTEST_SECONDS) for value in (self.low, self.middle, self.high))
        return _ALPHABET[min(round(self.n / 2), 63)] + "".join(seconds)

    @classmethod
    def of(cls, saved: str) -> _Hour:
        count, *rest = (_ALPHABET.index(letter) for letter in saved)
        low, middle, high = (SHORTEST_SECONDS * 40_000 ** (code / 63) for code in rest)
        return cls(2.0 * count, low, middle, high)


class _Learned:
    """One state of one group."""

    __slots__ = ("everything", "hours", "parts", "saved")

    def __init__(self) -> None:
        self.saved: Mapping[str, Any] | None = None
        """As JSON types, until something is added: it is asked for with every event."""
        self.everything = _Histogram(_KEEP_ALL)
        self.parts: dict[str, _Histogram] = {}
        self.hours: dict[int, _Hour] = {}

    def add(self, seconds: float, hour: int, part: str, weight: float) -> None:
        self.saved = None
        self.everything.add(seconds, weight)
        self.parts.setdefault(part, _Histogram(_KEEP_PART)).add(seconds, weight)
        if weight >= 1:
            self.hours.setdefault(hour, _Hour()).add(seconds)

    def save(self) -> Mapping[str, Any]:
        if self.saved is None:
            cells = "".join(cell.save() if (cell := self.hours.get(hour)) else _NO_HOUR for hour in range(_HOURS))
            parts = {part: histogram.save() for part, histogram in self.parts.items()}
            self.saved = {"all": self.everything.save(), "parts": parts, "hours": cells if self.hours else ""}
        return self.saved

    def load(self, saved: Mapping[str, Any]) -> None:
        self.everything.load(saved["all"])
        for part, text in saved["parts"].items():
            histogram = _Histogram(_KEEP_PART)
            histogram.load(text)
            self.parts[part] = histogram
        if len(saved["hours"]) not in (0, 4 * _HOURS):
            raise ValueError(f"found {len(saved['hours'])} letters, expected four for each of {_HOURS} hours")
        cells = (saved["hours"][start : start + 4] for start in range(0, len(saved["hours"]), 4))
        self.hours = {hour: _Hour.of(cell) for hour, cell in enumerate(cells) if cell != _NO_HOUR}

    def quantiles(self, hour: int, part: str) -> Quantiles | None:
        if self.everything.total < 1:
            return None
        whole = self.parts.get(part)
        pooled = whole if whole is not None and whole.total >= ENOUGH else self.everything
        found = pooled.quantiles()
        cell = self.hours.get(hour)
        if cell is None or cell.n < ENOUGH:
            return found
        # Plans do not change at the full hour: the hours beside it may still be at work.
        beside = [
            cell,
            *(c for h in ((hour - 1) % _HOURS, (hour + 1) % _HOURS) if (c := self.hours.get(h)) is not None),
        ]
        return Quantiles(min(c.low for c in beside), cell.middle, max(c.high for c in beside), found.n)


class Durations:
    """What lasts how long, by owner (a phase group, or for dark `@` and a head's id) and state."""

    def __init__(self, settings: TrafficSignalSettings) -> None:
        self._zone = ZoneInfo(settings.timezone)
        self._plan = {
            (group, colour.value): Quantiles(lasts.shortest, lasts.typical, lasts.longest, 0.0)
            for group, plan in settings.plan.items()
            for colour, lasts in plan.durations.items()
        }
        for group, heads in settings.groups.items():
            if group in settings.plan and (seconds := settings.plan[group].dark_seconds):
                for head in heads:
                    self._plan[f"@{head}", DARK] = Quantiles(0.0, seconds, seconds, 0.0)
        self._owners = {*settings.groups, *(f"@{head}" for head in settings.heads)}
        self._learned: dict[tuple[str, str], _Learned] = {}
        self._hour, self._part = 0, "day"
        self._answers: dict[tuple[str, str], Quantiles | None] = {}

    def tell(self, wall_time: datetime) -> None:
        """What time it is: what is asked and learned from now on is of this hour."""
        local = wall_time.astimezone(self._zone)
        week = "week" if local.isoweekday() <= 5 else "weekend"
        self._hour = (local.isoweekday() - 1) * 24 + local.hour
        self._part = f"{week} {next(name for end, name in PARTS if local.hour < end)}"
        self._answers.clear()

    def learn(self, owner: str, state: str, seconds: float, weight: float = 1.0) -> None:
        """Something normal lasted so long. Far beyond what is known it counts little: it may be an unseen fault."""
        known = self.of(owner, state)
        if known is not None and seconds > 3 * known.p99:
            weight *= 0.25
        self._learned.setdefault((owner, state), _Learned()).add(seconds, self._hour, self._part, weight)

    def of(self, owner: str, state: str) -> Quantiles | None:
        """What is normal at this hour; None: nobody knows."""
        key = owner, state
        if key not in self._answers:
            self._answers[key] = self._answer(key)
        return self._answers[key]

    def cycle(self, group: str) -> LearnedCycle:
        """All that is known of a group at this hour."""
        states = {state for owner, state in (*self._plan, *self._learned) if owner == group and state != CYCLE}
        known = {state: found for state in sorted(states) if (found := self.of(group, state)) is not None}
        return LearnedCycle(group, self.cycle_of(group), known)

    def cycle_of(self, group: str) -> Quantiles | None:
        """From green to green; from the plan the sum of its colours."""
        found = self.of(group, CYCLE)
        if found is not None:
            return found
        parts = [q for (owner, state), q in self._plan.items() if owner == group and state in set(Colour)]
        if len(parts) < 2:
            return found
        return Quantiles(sum(q.p1 for q in parts), sum(q.p50 for q in parts), sum(q.p99 for q in parts), 0.0)

    def save(self) -> Mapping[str, Any]:
        """What was learned, as JSON types: about 1 kB a state at most."""
        return {f"{owner} {state}": learned.save() for (owner, state), learned in self._learned.items()}

    def load(self, saved: Mapping[str, Any]) -> None:
        """Takes up what was learned; groups and heads that are gone are left, and what is damaged."""
        for name, parts in mapping_of(saved).items():
            with unless_damaged():
                owner, _, state = name.rpartition(" ")
                if owner in self._owners:
                    learned = _Learned()
                    learned.load(parts)
                    self._learned[owner, state] = learned
        self._answers.clear()

    def _answer(self, key: tuple[str, str]) -> Quantiles | None:
        plan, learned = self._plan.get(key), self._learned.get(key)
        found = None if learned is None else learned.quantiles(self._hour, self._part)
        if found is None or found.n < FEW:
            return plan
        if plan is None or found.n >= PLAN_FADES:
            return found
        return Quantiles(min(plan.p1, found.p1), found.p50, max(plan.p99, found.p99), found.n)
