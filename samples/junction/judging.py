"""What was said against what is true: which alarm answers which fault, and what became of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from scipy.optimize import linear_sum_assignment

from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.settings import Colour
from edge.evaluate.matching import EARLY_SECONDS
from samples.junction.controller import Junction
from samples.junction.faults import TrueFault
from samples.junction.running import Said, SceneResult
from samples.junction.scenario import Scene

LATE_SECONDS = 5.0
"""A fault may be told so much after its end: the picture that makes it certain was taken before."""
AFTERMATH_SECONDS = 200.0
"""What is said so long after a fault, of its heads, is about that fault: two cycles."""
TRULY_DARK_SECONDS = 20.0
_IMPOSSIBLE = 1e9


class Verdict(StrEnum):
    """What an alarm that answers no fault is."""

    DUPLICATE = "duplicate"
    """The same kind again, of heads whose fault was told."""
    ALSO_TRUE = "also_true"
    """Another kind, and the heads do show that: a head without its red lamp is dark for as long as red lasts."""
    WRONG_KIND = "wrong_kind"
    """Something is wrong with these heads at that time, but not this."""
    FALSE = "false"


@dataclass(frozen=True, slots=True)
class Answered:
    """A fault and the alarm that told it, or None."""

    scene: str
    fault: TrueFault
    said: Said | None

    @property
    def delay_seconds(self) -> float | None:
        return None if self.said is None else self.said.raised - self.fault.start_seconds

    @property
    def repair_error_seconds(self) -> float | None:
        """How late the repair is dated; None where it was never said."""
        if self.said is None or self.said.repaired is None:
            return None
        return self.said.repaired - self.fault.end_seconds


@dataclass(frozen=True, slots=True)
class Other:
    """An alarm that answers no fault."""

    scene: str
    said: Said
    verdict: Verdict
    truth: str = ""
    """The kind of the fault that it is about."""


@dataclass(slots=True)
class Judged:
    """All scenes together."""

    answered: list[Answered] = field(default_factory=list)
    others: list[Other] = field(default_factory=list)

    def false(self, scenes: set[str]) -> list[Other]:
        return [other for other in self.others if other.verdict is Verdict.FALSE and other.scene in scenes]


def judge(scene: Scene, result: SceneResult) -> Judged:
    """Matches a scene's alarms with its faults, as many as possible, with the least delay."""
    faults, said = scene.faults, result.said
    cost = np.full((len(faults), len(said)), _IMPOSSIBLE)
    for row, fault in enumerate(faults):
        for column, alarm in enumerate(said):
            if answers(fault, alarm):
                # An alarm of more of the heads is the better answer: the approach before one of its heads.
                unnamed = len(set(fault.heads) - set(alarm.heads))
                cost[row, column] = alarm.raised - fault.start_seconds + 60 * unnamed
    pairs = {
        int(row): int(column)
        for row, column in zip(*linear_sum_assignment(cost), strict=True)
        if cost[row, column] < _IMPOSSIBLE
    }
    judged = Judged()
    for row, fault in enumerate(faults):
        judged.answered.append(Answered(scene.name, fault, said[pairs[row]] if row in pairs else None))
    junction = Junction(scene.spec, scene.seed, faults, scene.second_of_day)
    for column, alarm in enumerate(said):
        if column not in pairs.values():
            verdict, truth = _verdict(alarm, faults, junction)
            judged.others.append(Other(scene.name, alarm, verdict, truth))
    return judged


def answers(fault: TrueFault, said: Said) -> bool:
    """Same kind, same heads or some of them, while it lasts."""
    if fault.kind.value != said.hazard or not _concerns(fault, said):
        return False
    return fault.start_seconds - EARLY_SECONDS <= said.raised <= fault.end_seconds + LATE_SECONDS


def _concerns(fault: TrueFault, said: Said) -> bool:
    if fault.kind is Fault.CONFLICT and said.groups:
        return set(fault.groups) <= set(said.groups)  # of three groups that are green together, all are named
    return bool(set(fault.heads) & set(said.heads))


def _verdict(said: Said, faults: Sequence[TrueFault], junction: Junction) -> tuple[Verdict, str]:
    for fault in faults:
        if answers(fault, said):
            return Verdict.DUPLICATE, fault.kind.value
    if _is_so(said, junction):
        return Verdict.ALSO_TRUE, _about(said, faults)
    about = _about(said, faults)
    return (Verdict.WRONG_KIND, about) if about else (Verdict.FALSE, "")


def _about(said: Said, faults: Sequence[TrueFault]) -> str:
    """The kind of the fault that these heads have or had just before."""
    for fault in faults:
        groups = fault.groups and set(fault.groups) & set(said.groups)
        if not groups and not set(fault.heads) & set(said.heads):
            continue
        if fault.start_seconds <= said.raised <= fault.end_seconds + AFTERMATH_SECONDS:
            return fault.kind.value
    return ""


def _is_so(said: Said, junction: Junction) -> bool:
    """Whether the heads truly show what is said, whatever its cause."""
    if said.hazard == Fault.DARK:
        return all(_goes_without(head, said, junction) for head in said.heads)
    if said.hazard == Fault.CONFLICT and len(said.groups) >= 2:
        return len([t for t in np.arange(said.started - 5, said.raised + 1, 1.0) if _both_green(said, junction, t)]) > 1
    return False


def _goes_without(head_id: str, said: Said, junction: Junction) -> bool:
    """Whether a head shows nothing although it was its turn: an arrow between two greens is not dark in this sense."""
    spec = next(head for head in junction.spec.heads if head.id == head_id)
    dark = [float(t) for t in np.arange(said.raised - TRULY_DARK_SECONDS, said.raised, 1.0)]
    missed = [float(t) for t in np.arange(said.started + 1, said.raised, 1.0)]
    if any(junction.controller.is_flash_time(t) or junction.states(t)[head_id].lit for t in dark):
        return False
    return any(junction.normal(spec, t).lit and not junction.states(t)[head_id].lit for t in missed)


def _both_green(said: Said, junction: Junction, t: float) -> bool:
    states = junction.states(float(t))
    green = set()
    for head in junction.spec.heads:
        if any(head.lamps[index][0] is Colour.GREEN for index in states[head.id].lit):
            green.add(head.group)
    return len(set(said.groups) & green) > 1
