"""A small crossroads for tests of the time machine: two groups of two heads, fixed time, 60 s; what a test changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from edge.detectors.traffic_signal.findings import Fault, Finding
from edge.detectors.traffic_signal.machine import TimeMachine
from edge.detectors.traffic_signal.readings import HeadReading, Lit, SceneReading, Unseen
from edge.detectors.traffic_signal.settings import (
    Colour,
    ColourDurations,
    CountdownSettings,
    GroupPlan,
    HeadKind,
    HeadSettings,
    LampSettings,
    TrafficSignalSettings,
)

NOON = datetime(2026, 3, 4, 4, 0, tzinfo=UTC)
"""A Wednesday, 12:00 in Shanghai."""
THREE = (Colour.RED, Colour.AMBER, Colour.GREEN)
CYCLE = 60.0
RED, AMBER, GREEN, DARK = (0,), (1,), (2,), ()
Shown = tuple[int, ...] | Unseen
"""Indices of lit lamps, or why nothing is seen."""
Show = Callable[[float], Mapping[str, Shown]]
PLAN = {
    group: GroupPlan(
        durations={
            colour: ColourDurations(shortest=seconds, typical=seconds, longest=seconds)
            for colour, seconds in ((Colour.RED, 35.0), (Colour.AMBER, 3.0), (Colour.GREEN, 22.0))
        }
    )
    for group in ("a", "b")
}


def head(
    group: str,
    *,
    colours: Sequence[Colour] = THREE,
    kind: HeadKind = HeadKind.VEHICLE,
    approach: str = "",
    countdown: bool = False,
) -> HeadSettings:
    """A head somewhere in the picture."""
    lamps = tuple(
        LampSettings(colour=colour, centre=(10, 10 + 20.0 * i), diameter_px=16) for i, colour in enumerate(colours)
    )
    outline = ((0.0, 0.0), (20.0, 0.0), (20.0, 60.0), (0.0, 60.0))
    digits = CountdownSettings(polygon=outline) if countdown else None
    return HeadSettings(kind=kind, polygon=outline, lamps=lamps, group=group, approach=approach, countdown=digits)


def settings(heads: Mapping[str, HeadSettings] | None = None, **changes: Any) -> TrafficSignalSettings:
    """Heads a1, a2 (north) and b1, b2 (east), whose groups conflict; their cycle is known."""
    four = {
        "a1": head("a", approach="north"),
        "a2": head("a", approach="north"),
        "b1": head("b", approach="east"),
        "b2": head("b", approach="east"),
    }
    values: dict[str, Any] = {"heads": dict(heads or four), "conflicts": (("a", "b"),), "plan": PLAN} | changes
    groups = {one.group for one in values["heads"].values()}
    values["plan"] = {group: plan for group, plan in values["plan"].items() if group in groups}
    values["conflicts"] = tuple(pair for pair in values["conflicts"] if set(pair) <= groups)
    return TrafficSignalSettings(**values)


def phase(t: float, group: str) -> tuple[int, ...]:
    """What a group shows: a is green from 0 to 22 s of the cycle, b from 30 to 52 s."""
    at = (t - (0.0 if group == "a" else 30.0)) % CYCLE
    return GREEN if at < 22 else AMBER if at < 25 else RED


def normal(t: float) -> dict[str, Shown]:
    """All four heads at work."""
    return {"a1": phase(t, "a"), "a2": phase(t, "a"), "b1": phase(t, "b"), "b2": phase(t, "b")}


def during(start: float, end: float, changed: Callable[[float], Mapping[str, Shown]], base: Show = normal) -> Show:
    """Normal operation, but for what `changed` shows from `start` to `end`."""

    def show(t: float) -> Mapping[str, Shown]:
        return {**base(t), **changed(t)} if start <= t < end else base(t)

    return show


def reading(shown: Shown, lamps: int = 3, countdown: Lit | None = None) -> HeadReading:
    """A reading of one head."""
    if isinstance(shown, Unseen):
        return HeadReading((Lit.UNKNOWN,) * lamps, shown)
    return HeadReading(tuple(Lit.ON if i in shown else Lit.OFF for i in range(lamps)), countdown=countdown)


def scene(t: float, heads: Mapping[str, Shown | HeadReading], begins: datetime = NOON) -> SceneReading:
    """A picture at t seconds."""
    readings = {k: shown if isinstance(shown, HeadReading) else reading(shown) for k, shown in heads.items()}
    return SceneReading(t, begins + timedelta(seconds=t), readings)


def times(start: float, end: float, fps: float) -> Iterable[float]:
    """Moments of pictures; not quite regular, as cameras are not."""
    number = 0
    while (t := start + (number + 0.013 * (number % 3)) / fps) < end:
        yield t
        number += 1


@dataclass(frozen=True)
class Run:
    """What a machine said."""

    machine: TimeMachine
    findings: Sequence[Finding]

    @property
    def opened(self) -> list[Finding]:
        """The first finding of each opening, in order."""
        found, now = [], set()
        for finding in self.findings:
            place = finding.fault, finding.key
            if not finding.active:
                now.discard(place)
            elif place not in now:
                now.add(place)
                found.append(finding)
        return found

    @property
    def places(self) -> list[tuple[Fault, str]]:
        return [(finding.fault, finding.key) for finding in self.opened]

    def over(self, fault: Fault, key: str) -> Finding:
        """The first finding that says that it is over."""
        return next(f for f in self.findings if (f.fault, f.key) == (fault, key) and not f.active)


def run(
    show: Callable[[float], Mapping[str, Shown | HeadReading]],
    end: float,
    fps: float = 2.0,
    machine: TimeMachine | None = None,
    start: float = 0.0,
    begins: datetime = NOON,
) -> Run:
    """Runs a machine over what is shown."""
    machine = machine or TimeMachine(settings())
    findings = [f for t in times(start, end, fps) for f in machine.observe(scene(t, show(t), begins))]
    return Run(machine, findings)
