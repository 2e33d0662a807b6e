"""Fault episodes of a scene: each long enough to be seen for what it is, with normal operation between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.settings import Colour, HeadKind, LawfulOrder
from samples.junction.controller import Aspect, Controller
from samples.junction.faults import Disorder, TrueFault
from samples.junction.plans import HeadSpec, JunctionSpec
from samples.junction.scenario import Scene
from samples.junction.truth import COLOUR, accepted_plan

SHORTEST_SECONDS = 180.0
LONGEST_SECONDS = 720.0
CYCLES = {Fault.LAMP: 5.0, Fault.CONFLICT: 4.0, Fault.SEQUENCE: 5.0, Fault.COUNTDOWN: 5.0}
"""How many cycles such a fault lasts at least: it shows only once in each."""
NORMAL_CYCLES = 4.0
"""Between two faults: the detector wants two to say that one is over."""
DARK_ARROW_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Order:
    """A fault that is wanted."""

    fault: Fault
    scope: str = "head"


def faults_of(orders: Sequence[Order], scene: Scene, begin: float, rng: np.random.Generator) -> tuple[TrueFault, ...]:
    """One episode after the other, from second `begin` on."""
    spec = scene.spec
    controller = Controller(spec, scene.seed, scene.second_of_day)
    longest_cycle = cycle_seconds(spec)
    faults = []
    t = begin
    for order in orders:
        t += float(rng.uniform(0, longest_cycle))  # in any phase
        fault = _fault(order, spec, controller, t, rng)
        faults.append(fault)
        t = fault.end_seconds + NORMAL_CYCLES * longest_cycle + 40
    return tuple(faults)


def cycle_seconds(spec: JunctionSpec) -> float:
    """A long cycle of the day's plan."""
    plan = next(plan for plan in spec.plans if plan.stages)
    return sum(0.3 * stage.shortest + 0.7 * stage.longest + 9 for stage in plan.stages)


def _fault(order: Order, spec: JunctionSpec, controller: Controller, t: float, rng: np.random.Generator) -> TrueFault:
    seconds = float(rng.uniform(SHORTEST_SECONDS, LONGEST_SECONDS / 2))
    seconds = max(seconds, CYCLES.get(order.fault, 0.0) * cycle_seconds(spec))
    whole = [head for head in spec.heads if head.kind is not HeadKind.ARROW]
    match order.fault:
        case Fault.DARK:
            return _dark(order.scope, spec, whole, t, seconds, rng)
        case Fault.LAMP:
            head = _one(rng, whole)
            return TrueFault(Fault.LAMP, (head.id,), t, t + seconds, lamp=_lasting_lamp(head, rng))
        case Fault.STUCK:
            return _stuck(spec, controller, _one(rng, whole), t, rng)
        case Fault.FLASHING:
            return _flashing(order.scope, whole, t, seconds, rng)
        case Fault.CONFLICT:
            first, second = _conflict_pair(spec, rng)
            heads = tuple(head.id for head in spec.heads if head.group == second)
            return TrueFault(Fault.CONFLICT, heads, t, t + seconds, "groups", groups=(first, second))
        case Fault.SEQUENCE:
            head = _one(rng, [head for head in whole if head.kind is HeadKind.VEHICLE])
            return TrueFault(Fault.SEQUENCE, (head.id,), t, t + seconds, disorder=_disorder(spec, rng))
        case Fault.COUNTDOWN:
            head = _one(rng, [head for head in whole if head.countdown_seconds is not None])
            return TrueFault(Fault.COUNTDOWN, (head.id,), t, t + seconds)


def _one(rng: np.random.Generator, heads: Sequence[HeadSpec]) -> HeadSpec:
    return heads[int(rng.integers(len(heads)))]


def _dark(
    scope: str, spec: JunctionSpec, whole: list[HeadSpec], t: float, seconds: float, rng: np.random.Generator
) -> TrueFault:
    if scope == "junction":
        return TrueFault(Fault.DARK, tuple(head.id for head in spec.heads), t, t + seconds, "junction")
    arms = {head.approach: tuple(h.id for h in spec.heads if h.approach == head.approach) for head in whole}
    shared = [heads for heads in arms.values() if 2 <= len(heads) < len(spec.heads)]
    if scope == "approach" and shared:
        return TrueFault(Fault.DARK, shared[int(rng.integers(len(shared)))], t, t + seconds, "approach")
    return TrueFault(Fault.DARK, (_one(rng, whole).id,), t, t + seconds)


def _lasting_lamp(head: HeadSpec, rng: np.random.Generator) -> int:
    """Red or green: amber is too short for a slow camera."""
    lasting = [i for i, (colour, _) in enumerate(head.lamps) if colour in (Colour.RED, Colour.GREEN)]
    return lasting[int(rng.integers(len(lasting)))]


def _stuck(spec: JunctionSpec, controller: Controller, head: HeadSpec, t: float, rng: np.random.Generator) -> TrueFault:
    """Three times what is normal, and some time to say so."""
    aspect = controller.aspect(head.group, t).aspect
    merged = Aspect.GREEN if aspect is Aspect.GREEN_FLASH else Aspect.RED if aspect is Aspect.RED_AMBER else aspect
    longest = accepted_plan(spec)[head.group].durations[COLOUR[merged]].longest
    seconds = max(SHORTEST_SECONDS, 3 * longest) + float(rng.uniform(60, 180))
    return TrueFault(Fault.STUCK, (head.id,), t, t + seconds)


def _flashing(scope: str, whole: list[HeadSpec], t: float, seconds: float, rng: np.random.Generator) -> TrueFault:
    vehicles = [head for head in whole if head.kind is HeadKind.VEHICLE]
    heads = tuple(head.id for head in whole) if scope == "junction" else (_one(rng, vehicles).id,)
    return TrueFault(
        Fault.FLASHING,
        heads,
        t,
        t + seconds,
        scope,
        colour=Colour.AMBER if rng.random() < 0.6 else Colour.RED,
        flash_hz=float(rng.uniform(0.8, 1.2)),
        flash_duty=float(rng.uniform(0.42, 0.6)),
    )


def _conflict_pair(spec: JunctionSpec, rng: np.random.Generator) -> tuple[str, str]:
    pair = spec.conflicts[int(rng.integers(len(spec.conflicts)))]
    return pair if rng.random() < 0.5 else (pair[1], pair[0])


def _disorder(spec: JunctionSpec, rng: np.random.Generator) -> Disorder:
    kinds = [Disorder.NO_AMBER, Disorder.ALL_AT_ONCE]
    if spec.order is LawfulOrder.CHINA:
        kinds += [Disorder.RED_AMBER, Disorder.AMBER_BEFORE_GREEN]
    return kinds[int(rng.integers(len(kinds)))]
