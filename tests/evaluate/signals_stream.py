"""Streams of lamp readings from a simulated junction, without pixels: with reading errors, beats, unknown stretches."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from edge.detectors.traffic_signal.readings import HeadReading, Lit, SceneReading, Unseen
from edge.detectors.traffic_signal.settings import (
    CountdownSettings,
    HeadSettings,
    JudgeSettings,
    LampSettings,
    TrafficSignalSettings,
)
from samples.junction.controller import FLASHES, HeadTruth, Junction
from samples.junction.plans import JunctionSpec
from samples.junction.truth import accepted_plan, flash_periods

NOON = datetime(2026, 3, 4, 4, 0, tzinfo=UTC)
"""A Wednesday, 12:00 in Shanghai."""


@dataclass(frozen=True)
class Errors:
    """How the eye errs. Shares of pictures; stretches a minute, of mean seconds."""

    misread: float = 0.0
    """A lamp of a head is read the wrong way round."""
    unsure: float = 0.0
    """A lamp is unknown."""
    beat: float = 0.0
    """A lit head is caught dark."""
    stutter: float = 0.0
    """Of intervals: the picture is missing."""
    hidden_per_hour: float = 0.0
    hidden_seconds: float = 20.0
    moved_per_hour: float = 0.0
    moved_seconds: float = 60.0
    flicker_seen: float = 0.0
    """Of pictures, in which a head is unseen for this one picture: twigs."""


CLEAN = Errors()
REAL = Errors(0.0005, 0.002, 0.01, 0.01, 6.0, 20.0, 0.2, 60.0, 0.005)


def settings_of(
    spec: JunctionSpec, *, plan: bool = True, judge: JudgeSettings | None = None, learning_hours: float = 26.0
) -> TrafficSignalSettings:
    """Settings as an installer would have written them."""
    heads = {}
    for number, head in enumerate(spec.heads):
        left = 40.0 * number
        lamps = tuple(
            LampSettings(colour=colour, shape=shape, centre=(left + 10, 10 + 20.0 * place), diameter_px=16)
            for place, (colour, shape) in enumerate(head.lamps)
        )
        bottom = 20.0 * len(lamps)
        digits = CountdownSettings(polygon=((left, bottom), (left + 20, bottom), (left + 20, bottom + 20)))
        heads[head.id] = HeadSettings(
            kind=head.kind,
            polygon=((left, 0), (left + 20, 0), (left + 20, bottom), (left, bottom)),
            lamps=lamps,
            group=head.group,
            approach=head.approach,
            countdown=None if head.countdown_seconds is None else digits,
        )
    return TrafficSignalSettings(
        heads=heads,
        conflicts=spec.conflicts,
        order=spec.order,
        night_flash=flash_periods(spec),
        plan=accepted_plan(spec, learning_hours) if plan else {},
        judge=judge or JudgeSettings(),
    )


class Stream:
    """Readings of a junction at `fps` pictures a second from `start` on; `begins`: the wall time of second 0."""

    def __init__(
        self,
        junction: Junction,
        fps: float,
        errors: Errors = CLEAN,
        seed: int = 1,
        begins: datetime = NOON,
        jitter: float = 0.02,
    ) -> None:
        self._junction = junction
        self._step = 1 / fps
        self._errors = errors
        self._rng = random.Random(seed)
        self._begins = begins
        self._jitter = jitter
        self._hidden: dict[str, float] = {}
        self._moved = -1.0
        self._lamps = {head.id: len(head.lamps) for head in junction.spec.heads}
        self._specs = {head.id: head for head in junction.spec.heads}
        self._known: dict[str, tuple[float, HeadTruth]] = {}
        self._clean: dict[tuple[str, tuple[int, ...], bool | None], HeadReading] = {}

    def pictures(self, start: float, end: float) -> Iterator[SceneReading]:
        """Pictures from `start` to `end`, seconds."""
        rng, step, errors = self._rng, self._step, self._errors
        t = start
        while t < end:
            if rng.random() >= errors.stutter:
                yield self.picture(t)
            t += step * (1 + self._jitter * rng.uniform(-1, 1))

    def picture(self, t: float) -> SceneReading:
        """One picture."""
        rng, errors = self._rng, self._errors
        wall = self._begins + timedelta(seconds=t)
        if t >= self._moved and rng.random() < errors.moved_per_hour * self._step / 3600:
            self._moved = t + rng.expovariate(1 / errors.moved_seconds)
        moved = t < self._moved
        states = self._states(t)
        heads = {head: self._reading(head, state, t, moved=moved) for head, state in states.items()}
        return SceneReading(t, wall, heads, moved=moved)

    def _reading(self, head: str, truth: HeadTruth, t: float, *, moved: bool) -> HeadReading:
        rng, errors = self._rng, self._errors
        count = self._lamps[head]
        if t >= self._hidden.get(head, -1.0) and rng.random() < errors.hidden_per_hour * self._step / 3600:
            self._hidden[head] = t + rng.expovariate(1 / errors.hidden_seconds)
        if moved:
            return HeadReading((Lit.UNKNOWN,) * count, Unseen.MOVED)
        if t < self._hidden.get(head, -1.0) or rng.random() < errors.flicker_seen:
            return HeadReading((Lit.UNKNOWN,) * count, Unseen.OCCLUDED)
        if rng.random() >= errors.beat + errors.misread + errors.unsure:
            return self._undisturbed(head, truth)
        return self._disturbed(head, truth)

    def _disturbed(self, head: str, truth: HeadTruth) -> HeadReading:
        """Beaten, misread or unsure: one of them at least, seldom two."""
        rng, errors, count = self._rng, self._errors, self._lamps[head]
        kind = rng.random() * (errors.beat + errors.misread + errors.unsure)
        lit = () if kind < errors.beat else truth.lit
        lamps = [Lit.ON if index in lit else Lit.OFF for index in range(count)]
        if errors.beat <= kind < errors.beat + errors.misread:
            index = rng.randrange(count)
            lamps[index] = Lit.OFF if lamps[index] is Lit.ON else Lit.ON
        if kind >= errors.beat + errors.misread:
            lamps[rng.randrange(count)] = Lit.UNKNOWN
        display = None
        if truth.countdown is not None:
            display = Lit.ON if truth.countdown else Lit.OFF
        return HeadReading(tuple(lamps), countdown=display)

    def _states(self, t: float) -> dict[str, HeadTruth]:
        """What heads show; without faults and flashing it is remembered until it changes."""
        if self._junction.faults:
            return self._junction.states(t)
        states = {}
        for head_id, head in self._specs.items():
            until, truth = self._known.get(head_id, (-1e9, HeadTruth(())))
            if t >= until:
                truth = self._junction.normal(head, t)
                span = self._junction.controller.aspect(head.group, t)
                until = t if span.aspect in FLASHES else span.end
                self._known[head_id] = until if truth.countdown is None else min(until, t + 1), truth
            states[head_id] = truth
        return states

    def _undisturbed(self, head: str, truth: HeadTruth) -> HeadReading:
        key = head, truth.lit, truth.countdown
        if key not in self._clean:
            lamps = tuple(Lit.ON if index in truth.lit else Lit.OFF for index in range(self._lamps[head]))
            display = None if truth.countdown is None else Lit.ON if truth.countdown else Lit.OFF
            self._clean[key] = HeadReading(lamps, countdown=display)
        return self._clean[key]
