"""A junction's controller without pixels: which lamps are lit at any second, in normal operation and with faults.

A pure function of (spec, seed, faults): states may be asked in any order and at any rate.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np

from edge.detectors.traffic_signal.settings import Colour, LawfulOrder
from samples.facade.seeding import stream
from samples.junction.faults import Frozen, TrueFault, dead_countdowns, disturbed, frozen_heads
from samples.junction.plans import DAY_SECONDS, GroupKind, HeadSpec, JunctionSpec, Plan, Stage

AHEAD_SECONDS = 600.0
"""How far the simulation runs before what is asked: countdowns look at the end of a colour."""


class Aspect(StrEnum):
    """What a phase group shows."""

    OFF = "off"
    RED = "red"
    RED_AMBER = "red_amber"
    GREEN = "green"
    GREEN_FLASH = "green_flash"
    AMBER = "amber"
    AMBER_FLASH = "amber_flash"


COLOURS: Mapping[Aspect, tuple[Colour, ...]] = {
    Aspect.OFF: (),
    Aspect.RED: (Colour.RED,),
    Aspect.RED_AMBER: (Colour.RED, Colour.AMBER),
    Aspect.GREEN: (Colour.GREEN,),
    Aspect.GREEN_FLASH: (Colour.GREEN,),
    Aspect.AMBER: (Colour.AMBER,),
    Aspect.AMBER_FLASH: (Colour.AMBER,),
}
FLASHES = (Aspect.GREEN_FLASH, Aspect.AMBER_FLASH)


@dataclass(frozen=True, slots=True)
class HeadTruth:
    """What a head shows. `lit`: indices of its lamps. `countdown`: None where it has no digits."""

    lit: tuple[int, ...]
    countdown: bool | None = None
    digits: int | None = None
    """The number shown, while `countdown` is on."""


@dataclass(frozen=True, slots=True)
class AspectSpan:
    """A group shows one aspect from `start` to `end`, seconds."""

    start: float
    end: float
    aspect: Aspect


@dataclass(slots=True)
class _Track:
    starts: list[float] = field(default_factory=list)
    aspects: list[Aspect] = field(default_factory=list)

    def show(self, at: float, aspect: Aspect) -> None:
        if not self.aspects or self.aspects[-1] is not aspect:
            self.starts.append(at)
            self.aspects.append(aspect)


class Controller:
    """Normal operation: the aspects of groups over time. `begins`: the second of the day at t = 0."""

    def __init__(self, spec: JunctionSpec, seed: int, begins: float = 12 * 3600.0) -> None:
        self.spec = spec
        self.begins = begins
        self._rng = stream(seed, "controller")
        self._tracks = {group: _Track() for group in spec.groups}
        # The first cycle began some time ago, so that second 0 lies in any phase.
        self._now = -float(self._rng.uniform(5, 120))
        for group, track in self._tracks.items():
            track.show(-np.inf, self._idle(group))
        self._skipped: list[Stage] = []
        """In the last cycle: nobody waits for two."""

    def aspect(self, group: str, t: float) -> AspectSpan:
        """What the group shows at t, and from when until when."""
        self._run_until(t + AHEAD_SECONDS)
        track = self._tracks[group]
        place = bisect_right(track.starts, t) - 1
        end = track.starts[place + 1] if place + 1 < len(track.starts) else self._now
        return AspectSpan(track.starts[place], end, track.aspects[place])

    def spans(self, group: str, start: float, end: float) -> list[AspectSpan]:
        """Every aspect of the group that touches [start, end)."""
        found = []
        while start < end:
            span = self.aspect(group, start)
            found.append(span)
            start = span.end
        return found

    def is_flash_time(self, t: float) -> bool:
        """Whether the plan of that time is night flash."""
        return not self.spec.plan_at(self.begins + t).stages

    def _idle(self, group: str) -> Aspect:
        return Aspect.OFF if self.spec.groups[group] is GroupKind.ARROW else Aspect.RED

    def _run_until(self, t: float) -> None:
        while self._now <= t:
            plan = self.spec.plan_at(self.begins + self._now)
            if plan.stages:
                self._cycle(plan)
            else:
                self._flash(plan)

    def _flash(self, plan: Plan) -> None:
        until = next((other.starts for other in self.spec.plans if other.starts > plan.starts), None)
        if until is None:
            until = self.spec.plans[0].starts
        second = (self.begins + self._now) % DAY_SECONDS
        for group, track in self._tracks.items():
            vehicle = self.spec.groups[group] is GroupKind.VEHICLE
            track.show(self._now, Aspect.AMBER_FLASH if vehicle else Aspect.OFF)
        self._now += (until - second) % DAY_SECONDS or DAY_SECONDS
        for group, track in self._tracks.items():
            track.show(self._now, self._idle(group))
        self._now += 5.0  # all red before the first green

    def _cycle(self, plan: Plan) -> None:
        wanted = [self._rng.random() >= stage.skipped or stage in self._skipped for stage in plan.stages]
        stages = [stage for stage, is_wanted in zip(plan.stages, wanted, strict=True) if is_wanted]
        self._skipped = [stage for stage in plan.stages if stage not in stages]
        if len(stages) < 2:
            stages = [*plan.stages]
        for place, stage in enumerate(stages):
            following = stages[(place + 1) % len(stages)]
            self._stage(stage, following)

    def _stage(self, stage: Stage, following: Stage) -> None:
        spec = self.spec
        for group in stage.green:
            self._tracks[group].show(self._now, Aspect.GREEN)
        green = stage.shortest
        if stage.longest > stage.shortest:
            # Demand is low or high for a while, seldom in between: extensions pile up at both ends.
            green += (stage.longest - stage.shortest) * float(self._rng.beta(0.8, 1.0))
        if stage.rests and self._rng.random() < stage.rests:
            green += float(self._rng.uniform(0.2, 1.0)) * stage.rest_seconds
        self._now += green
        ending = [group for group in stage.green if group not in following.green]
        clear_from = self._now
        for group in ending:
            clear_from = max(clear_from, self._end_green(group))
        self._now = clear_from + spec.all_red_seconds
        if spec.order is LawfulOrder.RED_AMBER:
            for group in following.green:
                if group not in stage.green and spec.groups[group] is GroupKind.VEHICLE:
                    self._tracks[group].show(self._now - spec.red_amber_seconds, Aspect.RED_AMBER)

    def _end_green(self, group: str) -> float:
        """Takes a group's green away, beginning now; when it is idle."""
        spec, track, kind = self.spec, self._tracks[group], self.spec.groups[group]
        at = self._now
        flash = spec.pedestrian_flash_seconds if kind is GroupKind.PEDESTRIAN else spec.green_flash_seconds
        if flash and kind is not GroupKind.ARROW:
            track.show(at, Aspect.GREEN_FLASH)
            at += flash
        if kind is GroupKind.VEHICLE:
            track.show(at, Aspect.AMBER)
            at += spec.amber_seconds
        track.show(at, self._idle(group))
        return at


class Junction:
    """A junction with its faults: what every head shows at any second.

    Faults may overlap in time on different heads; of two on one head the later one in `faults` wins.
    """

    def __init__(
        self, spec: JunctionSpec, seed: int, faults: Sequence[TrueFault] = (), begins: float = 12 * 3600.0
    ) -> None:
        self.spec = spec
        self.faults = tuple(faults)
        self.controller = Controller(spec, seed, begins)
        known = {head.id for head in spec.heads}
        for fault in self.faults:
            unknown = sorted(set(fault.heads) - known)
            if unknown:
                raise ValueError(f"fault {fault.kind} names heads {unknown}, expected some of {sorted(known)}")

    def states(self, t: float) -> dict[str, HeadTruth]:
        """What every head shows at t seconds, by its id."""
        active = [fault for fault in self.faults if fault.start_seconds <= t < fault.end_seconds]
        frozen = frozen_heads(active)
        return {head.id: self._state(head, t, active, frozen.get(head.id)) for head in self.spec.heads}

    def normal(self, head: HeadSpec, t: float) -> HeadTruth:
        """What a head would show without faults."""
        span = self.controller.aspect(head.group, t)
        on = True
        if span.aspect in FLASHES:
            # Off first: the flash is seen at once as the end of the steady light.
            on = ((t - span.start) * self.spec.flash_hz) % 1.0 >= 0.5
        wanted = COLOURS[span.aspect] if on else ()
        lit = tuple(index for index, (colour, _) in enumerate(head.lamps) if colour in wanted)
        digits = self._digits(head, t, span)
        countdown = None if head.countdown_seconds is None else digits is not None
        return HeadTruth(lit, countdown, digits)

    def colour(self, group: str, t: float) -> Aspect:
        """The aspect that the controller means the group to show at t."""
        return self.controller.aspect(group, t).aspect

    def _digits(self, head: HeadSpec, t: float, span: AspectSpan) -> int | None:
        if head.countdown_seconds is None or span.aspect not in (Aspect.RED, Aspect.GREEN, Aspect.GREEN_FLASH):
            return None
        end = span.end
        if span.aspect is Aspect.GREEN:
            end = self._end_of_green(head.group, span)
        left = int(np.ceil(end - t))
        return left if 0 < left <= min(head.countdown_seconds, 99) else None

    def _end_of_green(self, group: str, span: AspectSpan) -> float:
        after = self.controller.aspect(group, span.end)
        return after.end if after.aspect is Aspect.GREEN_FLASH else span.end

    def _state(self, head: HeadSpec, t: float, active: Sequence[TrueFault], frozen: Frozen | None) -> HeadTruth:
        if frozen is not None:
            state = self.normal(head, frozen.since)
            aspect = self.colour(head.group, frozen.since)
            if aspect in FLASHES:  # a controller that hangs in a flash stays in the light, not in the gap
                lit = tuple(i for i, (colour, _) in enumerate(head.lamps) if colour in COLOURS[aspect])
                state = HeadTruth(lit, state.countdown, state.digits)
        else:
            state = self.normal(head, t)
        lit = state.lit
        for fault in active:
            lit = disturbed(fault, head, lit, t, self)
        if state.countdown is None:
            return HeadTruth(lit)
        if head.id in dead_countdowns(active):
            return HeadTruth(lit, False, None)
        return HeadTruth(lit, state.countdown, state.digits)
