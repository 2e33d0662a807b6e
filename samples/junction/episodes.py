"""Fault episodes of a scene: each long enough to be seen for what it is, with normal operation between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.settings import Colour, HeadKind, LawfulOrder
from samples.junction.controller import Controller
from samples.junction.faults import Disorder, TrueFault
from samples.junction.plans import HeadSpec, JunctionSpec
from samples.junction.scenario import Scene
from samples.junction.truth import COLOUR, MERGED, accepted_plan

SHORTEST_SECONDS = 180.0
LONGEST_SECONDS = 720.0
Span = tuple[float, float]
"""From and until, seconds."""
CYCLES = {Fault.LAMP: 5.0, Fault.CONFLICT: 4.0, Fault.SEQUENCE: 5.0, Fault.COUNTDOWN: 5.0}
"""How many cycles such a fault lasts at least: it shows only once in each."""
NORMAL_CYCLES = 4.0
"""Between two faults: the detector wants two to say that one is over."""


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
    span = t, t + seconds
    fault = order.fault
    if fault is Fault.DARK:
        return _dark(order.scope, spec, whole, span, rng)
    if fault is Fault.FLASHING:
        return _flashing(order.scope, whole, span, rng)
    if fault is Fault.CONFLICT:
        return _conflict(spec, span, rng)
    suitable = {
        Fault.SEQUENCE: [head for head in whole if head.kind is HeadKind.VEHICLE],
        Fault.COUNTDOWN: [head for head in whole if head.countdown_seconds is not None],
    }
    head = _one(rng, suitable.get(fault, whole))
    if fault is Fault.STUCK:
        span = _stuck(spec, controller, head, t, rng)
    lamp = _lasting_lamp(head, rng) if fault is Fault.LAMP else None
    return TrueFault(fault, (head.id,), *span, lamp=lamp, disorder=_disorder(spec, rng))


def _one(rng: np.random.Generator, heads: Sequence[HeadSpec]) -> HeadSpec:
    return heads[int(rng.integers(len(heads)))]


def _dark(scope: str, spec: JunctionSpec, whole: list[HeadSpec], span: Span, rng: np.random.Generator) -> TrueFault:
    if scope == "junction":
        return TrueFault(Fault.DARK, tuple(head.id for head in spec.heads), *span, scope)
    arms = {head.approach: tuple(h.id for h in spec.heads if h.approach == head.approach) for head in whole}
    shared = [heads for heads in arms.values() if 2 <= len(heads) < len(spec.heads)]
    if scope == "approach" and shared:
        return TrueFault(Fault.DARK, shared[int(rng.integers(len(shared)))], *span, scope)
    return TrueFault(Fault.DARK, (_one(rng, whole).id,), *span)


def _lasting_lamp(head: HeadSpec, rng: np.random.Generator) -> int:
    """Red or green: amber is too short for a slow camera."""
    lasting = [i for i, (colour, _) in enumerate(head.lamps) if colour in (Colour.RED, Colour.GREEN)]
    return lasting[int(rng.integers(len(lasting)))]


def _stuck(spec: JunctionSpec, controller: Controller, head: HeadSpec, t: float, rng: np.random.Generator) -> Span:
    """Three times what is normal, and some time to say so."""
    aspect = controller.aspect(head.group, t).aspect
    longest = accepted_plan(spec)[head.group].durations[COLOUR[MERGED.get(aspect, aspect)]].longest
    return t, t + max(SHORTEST_SECONDS, 3 * longest) + float(rng.uniform(60, 180))


def _flashing(scope: str, whole: list[HeadSpec], span: Span, rng: np.random.Generator) -> TrueFault:
    vehicles = [head for head in whole if head.kind is HeadKind.VEHICLE]
    heads = tuple(head.id for head in whole) if scope == "junction" else (_one(rng, vehicles).id,)
    return TrueFault(
        Fault.FLASHING,
        heads,
        *span,
        scope=scope,
        colour=Colour.AMBER if rng.random() < 0.6 else Colour.RED,
        flash_hz=float(rng.uniform(0.8, 1.2)),
        flash_duty=float(rng.uniform(0.42, 0.6)),
    )


def _conflict(spec: JunctionSpec, span: Span, rng: np.random.Generator) -> TrueFault:
    first, second = spec.conflicts[int(rng.integers(len(spec.conflicts)))]
    if rng.random() < 0.5:
        first, second = second, first
    heads = tuple(head.id for head in spec.heads if head.group == second)
    return TrueFault(Fault.CONFLICT, heads, *span, scope="groups", groups=(first, second))


def _disorder(spec: JunctionSpec, rng: np.random.Generator) -> Disorder:
    kinds = [Disorder.NO_AMBER, Disorder.ALL_AT_ONCE]
    if spec.order is LawfulOrder.CHINA:
        kinds += [Disorder.RED_AMBER, Disorder.AMBER_BEFORE_GREEN]
    return kinds[int(rng.integers(len(kinds)))]
