"""SEQUENCE: colours follow each other, or stand beside each other, as the law forbids."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from contract.events import Tier
from edge.detectors.traffic_signal.cycles import Change
from edge.detectors.traffic_signal.durations import DARK
from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.heads import Head
from edge.detectors.traffic_signal.junction import Found, Junction, confidence
from edge.detectors.traffic_signal.settings import Colour, LawfulOrder

MAX_INTERVAL_SECONDS = 1.2
"""An amber of 3 s is seen twice at least; with pictures farther apart it may be missed."""
RED_AMBER_INTERVAL_SECONDS = 0.5
"""Red and amber together last one second."""
WITHIN_CYCLES = 3
"""The unlawful order may be missing in as many cycles as it was seen in: a bus hid it."""
APART_SECONDS = 8.0
"""Nothing changes to and fro so fast: what does is misread, and one cycle anyway."""
CHINA = {("red", "green"), ("green", "amber"), ("amber", "red")}
RED_AMBER = {("red", "red+amber"), ("red+amber", "green"), ("green", "amber"), ("amber", "red")}


@dataclass(slots=True)
class _Illegal:
    """One unlawful order of one head."""

    times: deque[float] = field(default_factory=lambda: deque(maxlen=8))
    lawful_since: int = 0
    order: tuple[str, ...] = ()


class SequenceJudge:
    """Looks at each change that was seen without a gap."""

    def __init__(self) -> None:
        self._illegal: dict[str, dict[tuple[str, ...], _Illegal]] = {}

    def changed(self, junction: Junction, head: Head, change: Change) -> None:
        if junction.interval > MAX_INTERVAL_SECONDS or head.flash_allowed is not None:
            return
        illegal = self._judge_change(junction, head, change)
        seen = self._illegal.setdefault(head.id, {})
        if illegal is None:
            if change.after.label == "green":
                for known in seen.values():
                    known.lawful_since += 1
            return
        if junction.open.concerning(head.id, (Fault.CONFLICT, Fault.FLASHING, Fault.DARK, Fault.LAMP)):
            return  # it follows from that
        if junction.open.is_open(Fault.SEQUENCE, f"head:{head.id}"):
            junction.open.abnormal(Fault.SEQUENCE, f"head:{head.id}")
            return
        known = seen.setdefault(illegal, _Illegal(order=illegal))
        if known.times and change.after.start - known.times[-1] < APART_SECONDS:
            return
        if known.lawful_since > WITHIN_CYCLES:
            known.times.clear()
        known.lawful_since = 0
        known.times.append(change.after.start)

    def judge(self, junction: Junction) -> Iterable[Found]:
        found = []
        needed = junction.settings.judge.sequence_cycles
        for head_id, orders in self._illegal.items():
            if junction.open.is_open(Fault.SEQUENCE, f"head:{head_id}"):
                continue
            for known in orders.values():
                if len(known.times) >= needed and junction.heads[head_id].seen:
                    found.append(self._one(junction, junction.heads[head_id], known))
                    orders.clear()  # another unlawful order of the same head is the same fault
                    break
        return found

    def _one(self, junction: Junction, head: Head, known: _Illegal) -> Found:
        return Found(
            Fault.SEQUENCE,
            f"head:{head.id}",
            "head",
            (head.id,),
            known.times[0],
            confidence(1.0, len(known.times) / junction.settings.judge.sequence_cycles),
            1.0,
            tier=Tier.REVIEW,
            approach=head.settings.approach or None,
            groups=(head.group,),
            cycles=len(known.times),
            order=known.order,
        )

    def _judge_change(self, junction: Junction, head: Head, change: Change) -> tuple[str, ...] | None:
        order = (change.before.label, change.after.label)
        if DARK in order or Colour.WHITE in order or not {Colour.RED, Colour.AMBER, Colour.GREEN} <= set(head.colours):
            return None
        recent = head.runs.recent
        if (len(recent) > 1 and recent[-2].label == DARK) or junction.lamp_suspects.get(head.id):
            return None  # a lamp is missing: what is shown is not what is meant
        if not change.seen or change.gap_seconds > max(MAX_INTERVAL_SECONDS, 2.1 * junction.interval):
            return None
        china = junction.settings.order is LawfulOrder.CHINA
        # Red and amber are together for so short a time that slow pictures miss it.
        unsure = not china and order == ("red", "green") and junction.interval > RED_AMBER_INTERVAL_SECONDS
        return None if unsure or order in (CHINA if china else RED_AMBER) else order
