"""What judges see: the heads of a junction at one moment, what is normal there, and which faults are open."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from contract.events import Severity, Tier
from edge.detectors.traffic_signal.cycles import Change
from edge.detectors.traffic_signal.durations import DARK, ENOUGH, Durations
from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.heads import Head
from edge.detectors.traffic_signal.settings import Colour, TrafficSignalSettings
from edge.detectors.traffic_signal.timetable import Timetable

Scope = Literal["head", "approach", "junction", "groups"]
UNKNOWN_DARK_SECONDS = 150.0
"""How long an arrow is dark at most as long as nobody knows: a long cycle."""
UNKNOWN_CYCLE_SECONDS = 120.0
_SERVED = 32


@dataclass(frozen=True, slots=True)
class Found:
    """A judge is certain of a fault. Times are seconds of media time."""

    fault: Fault
    key: str
    scope: Scope
    heads: tuple[str, ...]
    started: float
    confidence: float
    visible_share: float
    severity: Severity = Severity.YELLOW
    tier: Tier = Tier.ALARM
    approach: str | None = None
    groups: tuple[str, ...] = ()
    lamp: int | None = None
    """Of the first head."""
    expected_seconds: float | None = None
    flash_hz: float | None = None
    flash_duty: float | None = None
    cycles: int | None = None
    order: tuple[str, ...] = ()


class OpenFaults(Protocol):
    """What judges ask of the faults that are open."""

    def is_open(self, fault: Fault, key: str) -> bool:
        """Whether this very fault is open."""

    def concerning(self, head: str, faults: Collection[Fault]) -> bool:
        """Whether one of these faults is open and concerns the head."""

    def join(self, fault: Fault, key: str, head: Head) -> None:
        """A fault that is open concerns one more head."""

    def abnormal(self, fault: Fault, key: str, head: str | None = None, until: float | None = None) -> None:
        """A fault that is open showed itself again, at one head or all, until a moment: normal cycles begin anew."""


@dataclass(slots=True)
class Junction:
    """All heads at one moment."""

    settings: TrafficSignalSettings
    heads: Mapping[str, Head]
    durations: Durations
    timetable: Timetable
    open: OpenFaults
    now: float = 0.0
    wall_time: datetime | None = None
    interval: float = 1.0
    """Between pictures, the median of the last ones, seconds."""
    served: dict[str, deque[float]] = field(default_factory=dict)
    """When each group became green."""
    flash_anywhere: bool = False
    """Whether the timetable lets any group flash now."""
    lamp_suspects: dict[str, set[str]] = field(default_factory=dict)
    """By head: colours that were missing at least once since they were lit last."""
    groups: Mapping[str, tuple[str, ...]] = field(init=False)
    """Phase groups with their heads."""

    def __post_init__(self) -> None:
        self.groups = self.settings.groups

    def wall_time_of(self, media_time: float) -> datetime | None:
        """The wall time of another media time."""
        return None if self.wall_time is None else self.wall_time - timedelta(seconds=self.now - media_time)

    def served_since(self, group: str, since: float) -> int:
        """How often a group became green after a moment."""
        return sum(at > since for at in self.served.get(group, ()))

    def note_green(self, group: str, at: float) -> bool:
        """A head of the group became green. Whether it is the first one of the group to do so."""
        times = self.served.setdefault(group, deque(maxlen=_SERVED))
        if times and at - times[-1] < 5.0:
            return False
        times.append(at)
        return True

    def mates(self, head: Head) -> list[Head]:
        """The other heads of its group that are seen."""
        ids = self.groups[head.group]
        return [self.heads[other] for other in ids if other != head.id and self.heads[other].seen]

    def conflicting(self, group: str) -> list[str]:
        """Groups that are never green together with this one."""
        return [b if a == group else a for a, b in self.settings.conflicts if group in (a, b)]

    def group_is_green(self, group: str) -> bool:
        """Whether a head of the group says go."""
        return any(self.heads[head].shows_green for head in self.groups[group])

    def normal_dark_seconds(self, head: Head) -> float:
        """The longest time for which nothing of it is lit in normal operation."""
        known = self.durations.of(f"@{head.id}", DARK)
        if known is not None:
            return known.p99
        return UNKNOWN_DARK_SECONDS if head.may_be_dark else 0.0

    def lasts_two_pictures(self, head: Head, colour: Colour) -> bool:
        """Whether a colour lasts longer than two pictures: else it may be missed without being missing."""
        known = self.durations.of(head.group, colour.value)
        shortest = known.usual_shortest if known is not None else (3.0 if colour is Colour.AMBER else 10.0)
        return shortest >= 2 * self.interval

    def typical_cycle(self) -> float:
        """How long a cycle of the junction lasts, seconds: the longest typical one of its groups."""
        known = (self.durations.cycle_of(group) for group in self.groups)
        return max((cycle.p50 for cycle in known if cycle is not None), default=UNKNOWN_CYCLE_SECONDS)

    def fixed_time(self, group: str) -> bool:
        """Whether all colours of a group hardly vary: nobody is waited for, so that no phase is skipped either."""
        states = self.durations.cycle(group).states
        known = [states[colour] for colour in ("red", "green") if colour in states]
        accepted = group in self.settings.plan
        return len(known) == 2 and all(state.steady and (accepted or state.n >= ENOUGH) for state in known)


class Judge(Protocol):
    """Knows one fault."""

    def changed(self, junction: Junction, head: Head, change: Change) -> None:
        """A head shows another label."""

    def judge(self, junction: Junction) -> Iterable[Found]:
        """What it is certain of now and what is not open yet. Asked about twice a second."""


def confidence(visible_share: float, margin: float, witnesses: int = 0, base: float = 0.7) -> float:
    """How sure a finding is, 0-1; grows with each argument.

    `margin`: the evidence over its threshold, 1 at the threshold. `witnesses`: other heads that tell against chance.
    Not calibrated yet: an order, not a frequency. Verdicts of operators will make it one.
    """
    doubt: float = (1 - base) * 0.6 ** max(margin - 1, 0.0) * 0.75 ** min(witnesses, 6) + 0.4 * (1 - visible_share)
    return round(min(max(1 - doubt, 0.05), 0.99), 3)


def ids_of(heads: Sequence[Head]) -> tuple[str, ...]:
    return tuple(head.id for head in heads)
