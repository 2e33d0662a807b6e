"""Learn mode: some minutes of readings become phase groups, conflicts and durations, with every doubt said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.calibrate.signals.cycles import ORDER, GroupCycles, cycles_of, smooth
from edge.calibrate.signals.grouping import CHANCE_NOTED, Exclusion, exclusions, fused, grouped, names
from edge.calibrate.signals.record import UNKNOWN, Codes, SceneRecord, Seconds, runs, shown
from edge.detectors.traffic_signal.readings import SceneReading
from edge.detectors.traffic_signal.settings import (
    Colour,
    GroupPlan,
    HeadKind,
    HeadSettings,
    TrafficSignalSettings,
)

LEARN_SECONDS = 600.0
"""Ten minutes: five cycles of a slow junction (120 s), ten of a usual one."""
ENOUGH_CYCLES = 3
OUTAGE_SECONDS = 8.0
"""All heads dark for longer is no part of a cycle: at the slowest picture rate green flashes and one sample beyond."""
HIDDEN_SHARE = 0.4
"""A head that was hidden for more of the time than this is worth a word."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What an installer is asked to accept."""

    groups: Mapping[str, str]
    """Phase group by head."""
    conflicts: tuple[tuple[str, str], ...]
    plan: Mapping[str, GroupPlan]
    cycles: Mapping[str, int]
    """Whole cycles seen, by group."""
    cycle_seconds: Mapping[str, float]
    exclusions: tuple[Exclusion, ...]
    """Behind `conflicts`: how sure each is."""
    doubts: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """JSON types."""
        return {
            "groups": dict(self.groups),
            "conflicts": [list(pair) for pair in self.conflicts],
            "sureness": [[*found.groups, round(1 - found.chance, 2)] for found in self.exclusions],
            "plan": {group: plan.model_dump(mode="json") for group, plan in self.plan.items()},
            "cycles": dict(self.cycles),
            "doubts": list(self.doubts),
        }


class Learner:
    """Takes readings of given heads and says at any time what they teach."""

    def __init__(self, heads: Mapping[str, HeadSettings]) -> None:
        self.record = SceneRecord(heads)

    def add(self, scene: SceneReading) -> None:
        """The next picture's reading; see `SceneRecord`."""
        self.record.add(scene)

    def copied(self) -> Learner:
        """As it is now, to be asked while the original goes on."""
        twin = Learner({})
        twin.record = self.record.copied()
        return twin

    def learned(self) -> Learned:
        """What the readings so far teach. Takes some milliseconds a minute watched."""
        record = self.record
        times = record.times
        codes = {head_id: record.codes(head_id) for head_id in record.heads}
        order = [colour.value for colour in ORDER]
        colours = {head_id: shown(codes[head_id], head, order) for head_id, head in record.heads.items()}
        steadied = {head_id: smooth(times, values) if len(times) > 2 else values for head_id, values in colours.items()}
        faces = {head_id: frozenset(lamp.colour.value for lamp in head.lamps) for head_id, head in record.heads.items()}
        always_lit = [codes[head_id] for head_id, head in record.heads.items() if head.kind is not HeadKind.ARROW]
        outage = all_dark(times, always_lit)
        for values in (*colours.values(), *steadied.values()):
            values[outage] = UNKNOWN  # what happened then is no part of the cycle
        members = grouped(times, steadied, faces)
        given = {head_id: head.group for head_id, head in record.heads.items()}
        group_names = names(members, given)
        together = dict(zip(group_names, members, strict=True))
        raw = {name: fused([colours[head_id] for head_id in heads]) for name, heads in together.items()}
        smoothed = {name: fused([steadied[head_id] for head_id in heads]) for name, heads in together.items()}
        found = {name: cycles_of(times, values) for name, values in raw.items()}
        green = ORDER.index(Colour.GREEN) + 1
        excluded, unclear = exclusions(
            times,
            {name: values == green for name, values in smoothed.items() if np.any(values == green)},
            {name: values != UNKNOWN for name, values in smoothed.items()},
        )
        doubts = [
            *_outage_doubt(times, outage),
            *_head_doubts(record, codes),
            *_group_doubts(together, found),
            *_conflict_doubts(excluded, unclear),
        ]
        return Learned(
            groups={head_id: name for name, heads in together.items() for head_id in heads},
            conflicts=tuple(exclusion.groups for exclusion in excluded),
            plan={name: cycles.plan for name, cycles in found.items() if cycles.plan is not None},
            cycles={name: cycles.cycles for name, cycles in found.items()},
            cycle_seconds={n: round(c.cycle_seconds, 1) for n, c in found.items() if c.cycle_seconds is not None},
            exclusions=tuple(excluded),
            doubts=tuple(doubts),
        )


def applied(settings: TrafficSignalSettings, learned: Learned) -> TrafficSignalSettings:
    """The settings with what was learned: groups, conflicts and plan. The night programme keeps its groups.

    Raises:
        pydantic.ValidationError: the night programme names a group that is no longer there.
    """
    renamed = {head.group: learned.groups[head_id] for head_id, head in settings.heads.items()}
    document = settings.model_dump(mode="json", exclude_defaults=True)
    for head_id, head in document["heads"].items():
        head["group"] = learned.groups[head_id]
    for period in document.get("night_flash", ()):
        if "groups" in period:
            period["groups"] = sorted({renamed.get(group, group) for group in period["groups"]})
    document["conflicts"] = merged_conflicts(settings, learned, renamed)
    document["plan"] = {group: plan.model_dump(mode="json") for group, plan in learned.plan.items()}
    return TrafficSignalSettings.model_validate(document)


def merged_conflicts(
    settings: TrafficSignalSettings, learned: Learned, renamed: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Given by hand first, then those learned. A pair that came to lie in one group is none."""
    pairs = [(renamed.get(a, a), renamed.get(b, b)) for a, b in settings.conflicts]
    pairs += [pair for pair in learned.conflicts if pair not in pairs and pair[::-1] not in pairs]
    return [pair for pair in pairs if pair[0] != pair[1]]


def all_dark(times: Seconds, codes: Sequence[Codes]) -> NDArray[np.bool_]:
    """(n,): when nothing was lit in any head that was seen, for longer than any all-dark moment of a cycle.

    `codes`: of heads that are never all dark in normal operation, at least two.
    """
    if len(codes) < 2 or len(times) < 2:
        return np.zeros(len(times), bool)
    stack = np.stack(codes)
    dark = (np.where(stack == UNKNOWN, 0, stack) == 0).all(axis=0) & ((stack == 0).sum(axis=0) >= 2)
    result = np.zeros(len(times), bool)
    for run in runs(times, dark.astype(np.int16)):
        if run.code == 1 and run.seconds >= OUTAGE_SECONDS:
            result[run.first : run.last + 1] = True
    return result


def _outage_doubt(times: Seconds, outage: NDArray[np.bool_]) -> list[str]:
    spells = [run for run in runs(times, outage.astype(np.int16)) if run.code == 1]
    said = ", ".join(f"{run.start:.0f} to {run.end:.0f} s" for run in spells)
    return [f"all heads were dark from {said}: a power failure? It is left out of the cycle"] if spells else []


def _head_doubts(record: SceneRecord, codes: Mapping[str, Codes]) -> list[str]:
    doubts = []
    for head_id, head in record.heads.items():
        share = record.known_share(head_id)
        if share == 0:
            doubts.append(
                f"{head_id} was never seen ({record.usual_reason(head_id)}): move its outline, or leave the head out"
            )
            continue
        if share < 1 - HIDDEN_SHARE:
            reason = record.usual_reason(head_id)
            doubts.append(f"{head_id} could not be seen for {1 - share:.0%} of the time ({reason})")
        known = codes[head_id][codes[head_id] != UNKNOWN]
        never = [
            f"{lamp.colour.value} {lamp.shape.value}"
            for index, lamp in enumerate(head.lamps)
            if not np.any(known & (1 << index))
        ]
        if len(never) == len(head.lamps):
            doubts.append(f"{head_id} was dark all the time: is it in use?")
        elif never:
            seldom = f"; pictures came every {record.interval:.0f} s" if record.interval > 2 else ""
            doubts.append(f"{head_id}: {', '.join(never)} never lit{seldom}: is the lamp where it is drawn, and whole?")
    return doubts


def _group_doubts(together: Mapping[str, Sequence[str]], found: Mapping[str, GroupCycles]) -> list[str]:
    doubts = []
    few: dict[int, list[str]] = {}
    adaptive = []
    for name, cycles in found.items():
        if cycles.flashes is not None:
            heads = ", ".join(together[name])
            doubts.append(
                f"{name} ({heads}) flashed {cycles.flashes.value} all the time: a night programme? Learn again by day"
            )
        elif cycles.cycles < ENOUGH_CYCLES:
            few.setdefault(cycles.cycles, []).append(name)
        elif cycles.adaptive:
            adaptive.append(name)
    for count, groups in sorted(few.items()):
        times = {0: "no whole cycle", 1: "one whole cycle"}.get(count, f"{count} whole cycles")
        doubts.append(f"{times} of {', '.join(groups)}, expected {ENOUGH_CYCLES}: learn for longer")
    if adaptive:
        doubts.append(
            f"the cycles of {', '.join(adaptive)} differ: an adaptive plan; its durations widen over the first days"
        )
    return doubts


def _conflict_doubts(found: Sequence[Exclusion], unclear: Sequence[tuple[str, str]]) -> list[str]:
    doubts = []
    weak = [exclusion for exclusion in found if exclusion.chance > CHANCE_NOTED]
    if weak:
        pairs = ", ".join(f"{'+'.join(exclusion.groups)} ({exclusion.chance:.0%})" for exclusion in weak)
        doubts.append(f"never green together, but that may be chance: {pairs}; keep those whose paths cross")
    if unclear:
        pairs = ", ".join("+".join(pair) for pair in unclear)
        doubts.append(f"too few greens seen to say whether these exclude each other: {pairs}")
    return doubts
