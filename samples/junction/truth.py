"""What an installer would have accepted for a junction: measured on its controller, not on pictures."""

from __future__ import annotations

from datetime import time

from edge.detectors.traffic_signal.settings import Colour, ColourDurations, FlashPeriod, GroupPlan
from samples.junction.controller import Aspect, AspectSpan, Controller
from samples.junction.plans import JunctionSpec

LEARNING_SEED = 4
MERGED = {Aspect.GREEN_FLASH: Aspect.GREEN, Aspect.RED_AMBER: Aspect.RED}
"""Flashing green belongs to green, red and amber to red: nobody accepts them as colours of their own."""
COLOUR = {Aspect.RED: Colour.RED, Aspect.GREEN: Colour.GREEN, Aspect.AMBER: Colour.AMBER}


def accepted_plan(spec: JunctionSpec, hours: float = 26.0, begins: float = 0.0) -> dict[str, GroupPlan]:
    """Durations of every group over `hours` from the second of the day `begins` on, night flash left out.

    A day and a little: what a box knows after its first day, or what the controller's own table says.
    """
    controller = Controller(spec, LEARNING_SEED, begins)
    return {group: _plan(controller, group, hours * 3600) for group in spec.groups}


def flash_periods(spec: JunctionSpec) -> tuple[FlashPeriod, ...]:
    """The timetable of night flash, as settings have it."""
    periods = []
    for place, plan in enumerate(spec.plans):
        if not plan.stages:
            until = spec.plans[(place + 1) % len(spec.plans)].starts
            periods.append(FlashPeriod(start=_clock(plan.starts), end=_clock(until)))
    return tuple(periods)


def _clock(second_of_day: float) -> time:
    minutes = round(second_of_day / 60)
    return time(minutes // 60 % 24, minutes % 60)


def _plan(controller: Controller, group: str, seconds: float) -> GroupPlan:
    lengths: dict[Aspect, list[float]] = {}
    for span in _merged(controller.spans(group, 0.0, seconds))[1:-1]:
        if not controller.is_flash_time(span.start) and not controller.is_flash_time(span.end):
            lengths.setdefault(span.aspect, []).append(span.end - span.start)
    durations = {}
    for aspect, colour in COLOUR.items():
        found = sorted(lengths.get(aspect, ()))
        if found:
            durations[colour] = ColourDurations(
                shortest=round(found[0], 2), typical=round(found[len(found) // 2], 2), longest=round(found[-1], 2)
            )
    return GroupPlan(durations=durations, dark_seconds=round(max(lengths.get(Aspect.OFF, [0.0])), 2))


def _merged(spans: list[AspectSpan]) -> list[AspectSpan]:
    merged: list[AspectSpan] = []
    for span in spans:
        aspect = MERGED.get(span.aspect, span.aspect)
        if merged and merged[-1].aspect is aspect:
            merged[-1] = AspectSpan(merged[-1].start, span.end, aspect)
        else:
            merged.append(AspectSpan(span.start, span.end, aspect))
    return merged
