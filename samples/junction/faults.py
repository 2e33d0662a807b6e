"""Faults of signals: what is true of them, and what they make of what a head would show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.settings import Colour
from samples.junction.plans import HeadSpec

if TYPE_CHECKING:
    from samples.junction.controller import Junction


Lamps = tuple[int, ...]
"""Indices of a head's lamps that are lit."""


class Disorder(StrEnum):
    """How an order of colours is illegal."""

    NO_AMBER = "no_amber"
    """Green, then red at once: the amber time shows red."""
    AMBER_BEFORE_GREEN = "amber_before_green"
    """Red, amber alone, green: the last three seconds of red show amber."""
    RED_AMBER = "red_amber"
    """Red and amber together before green, where that is not lawful."""
    ALL_AT_ONCE = "all_at_once"
    """Red and green together for the first three seconds of green."""


@dataclass(frozen=True, slots=True)
class TrueFault:
    """A fault of `heads` from `start_seconds` until `end_seconds`.

    `scope`: `head`, `approach`, `junction` or `groups`. `lamp`: the lamp that failed. `colour`: which one flashes.
    `groups`: of a conflict: the second one shows green whenever the first one does.
    """

    kind: Fault
    heads: tuple[str, ...]
    start_seconds: float
    end_seconds: float
    scope: str = "head"
    lamp: int | None = None
    colour: Colour = Colour.AMBER
    flash_hz: float = 1.0
    flash_duty: float = 0.5
    groups: tuple[str, ...] = ()
    disorder: Disorder = Disorder.NO_AMBER

    def __post_init__(self) -> None:
        if not self.start_seconds < self.end_seconds:
            raise ValueError(f"{self.kind}: found {self.start_seconds} to {self.end_seconds} s, expected a duration")
        if self.kind is Fault.LAMP and self.lamp is None:
            raise ValueError("signal_lamp: found no lamp, expected its index")
        if self.kind is Fault.CONFLICT and len(self.groups) != 2:
            raise ValueError(f"signal_conflict: found groups {self.groups}, expected two")


@dataclass(frozen=True, slots=True)
class Frozen:
    """A head that shows what it showed at second `since`."""

    since: float


DISORDER_SECONDS = 3.0
"""How long an unlawful state lasts: as long as amber."""


def frozen_heads(active: Sequence[TrueFault]) -> dict[str, Frozen]:
    """Heads that are stuck."""
    return {head: Frozen(fault.start_seconds) for fault in active if fault.kind is Fault.STUCK for head in fault.heads}


def dead_countdowns(active: Sequence[TrueFault]) -> frozenset[str]:
    """Heads whose digits are dark: dead themselves, without power, or not driven by a controller that flashes."""
    kinds = (Fault.COUNTDOWN, Fault.DARK, Fault.FLASHING)
    return frozenset(head for fault in active if fault.kind in kinds for head in fault.heads)


def disturbed(fault: TrueFault, head: HeadSpec, lit: Lamps, t: float, junction: Junction) -> Lamps:
    """The lit lamps of a head as an active fault leaves them."""
    if head.id not in fault.heads:
        return lit
    change = _CHANGES.get(fault.kind)
    return lit if change is None else change(fault, head, lit, t, junction)


def _dark(_fault: TrueFault, _head: HeadSpec, _lit: Lamps, _t: float, _junction: Junction) -> Lamps:
    return ()


def _failed(fault: TrueFault, _head: HeadSpec, lit: Lamps, _t: float, _junction: Junction) -> Lamps:
    return tuple(index for index in lit if index != fault.lamp)


def _flashing(fault: TrueFault, head: HeadSpec, _lit: Lamps, t: float, _junction: Junction) -> Lamps:
    on = ((t - fault.start_seconds) * fault.flash_hz) % 1.0 < fault.flash_duty
    return _of(head, fault.colour) if on else ()


def _of(head: HeadSpec, *colours: Colour) -> Lamps:
    return tuple(index for index, (colour, _) in enumerate(head.lamps) if colour in colours)


def _wired_to(fault: TrueFault, head: HeadSpec, lit: Lamps, t: float, junction: Junction) -> Lamps:
    """The head follows both groups: it shows green with either of them."""
    if head.group == fault.groups[1] and junction.colour(fault.groups[0], t) == "green":
        return _of(head, Colour.GREEN)
    return lit


def _disordered(fault: TrueFault, head: HeadSpec, lit: Lamps, t: float, junction: Junction) -> Lamps:
    span = junction.controller.aspect(head.group, t)
    match fault.disorder:
        case Disorder.NO_AMBER:
            return _of(head, Colour.RED) if span.aspect == "amber" else lit
        case Disorder.ALL_AT_ONCE:
            young = span.aspect == "green" and t - span.start < DISORDER_SECONDS
            return _of(head, Colour.RED, Colour.GREEN) if young else lit
        case _:
            if span.aspect not in ("red", "red_amber"):
                return lit
            after = junction.controller.aspect(head.group, span.end)
            green_at = span.end if after.aspect == "green" else after.end
            if green_at - t > DISORDER_SECONDS:
                return lit
            both = fault.disorder is Disorder.RED_AMBER
            return _of(head, Colour.RED, Colour.AMBER) if both else _of(head, Colour.AMBER)


_CHANGES = {
    Fault.DARK: _dark,
    Fault.LAMP: _failed,
    Fault.FLASHING: _flashing,
    Fault.CONFLICT: _wired_to,
    Fault.SEQUENCE: _disordered,
}
"""Stuck heads and dead countdowns are not here: they do not follow from what is lit at the moment."""
