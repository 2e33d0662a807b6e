"""COUNTDOWN: the digits beside a head stay dark while the head works."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from contract.events import Severity, Tier
from edge.detectors.traffic_signal.cycles import Change
from edge.detectors.traffic_signal.durations import DARK
from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.heads import Head
from edge.detectors.traffic_signal.junction import Found, Junction, confidence
from edge.detectors.traffic_signal.saved import mapping_of, number_in, unless_damaged

USED_RUNS = 2
"""Runs of a colour in which digits must have been lit before they can be missed in it."""
SEEN_SECONDS = 4.0
"""Of a run, at the least: digits may begin late and blink."""
MAX_INTERVAL_SECONDS = 1.2
MOST_RUNS = 50.0
"""Where the fading count of runs ends."""


@dataclass(slots=True)
class _Display:
    """One display. By label: runs with digits and without, faded."""

    lit: dict[str, float] = field(default_factory=dict)
    all: dict[str, float] = field(default_factory=dict)
    dead: dict[str, int] = field(default_factory=dict)
    """By label: runs in a row without digits."""
    since: float = 0.0


class CountdownJudge:
    """Counts runs without digits where digits used to be."""

    def __init__(self) -> None:
        self._displays: dict[str, _Display] = {}

    def changed(self, junction: Junction, head: Head, change: Change) -> None:
        on, off = head.display_on, head.display_off
        head.display_on = head.display_off = 0.0
        run = change.before
        if head.settings.countdown is None or run.label == DARK or not run.whole_end or head.flash_allowed is not None:
            return
        if junction.interval > MAX_INTERVAL_SECONDS:
            return
        if junction.open.concerning(head.id, (Fault.DARK, Fault.FLASHING, Fault.STUCK)):
            return
        display = self._displays.setdefault(head.id, _Display())
        shown = on >= min(1.0, 2 * junction.interval)
        if shown:
            display.dead.clear()
        elif off < max(SEEN_SECONDS, 0.7 * run.seconds):
            return
        elif self._used(display, run.label):
            if not display.dead:
                display.since = run.start
            display.dead[run.label] = display.dead.get(run.label, 0) + 1
            junction.open.abnormal(Fault.COUNTDOWN, f"head:{head.id}")
            return
        display.all[run.label] = min(display.all.get(run.label, 0.0) * 0.98 + 1, MOST_RUNS)
        display.lit[run.label] = min(display.lit.get(run.label, 0.0) * 0.98 + shown, MOST_RUNS)

    def judge(self, junction: Junction) -> Iterable[Found]:
        found = []
        needed = junction.settings.judge.countdown_cycles
        for head_id, display in self._displays.items():
            cycles = max(display.dead.values(), default=0)
            head = junction.heads[head_id]
            if cycles >= needed and head.seen and not junction.open.is_open(Fault.COUNTDOWN, f"head:{head_id}"):
                found.append(self._one(junction, head, display, cycles))
                display.dead.clear()
        return found

    def _one(self, junction: Junction, head: Head, display: _Display, cycles: int) -> Found:
        return Found(
            Fault.COUNTDOWN,
            f"head:{head.id}",
            "head",
            (head.id,),
            display.since,
            confidence(1.0, cycles / junction.settings.judge.countdown_cycles),
            1.0,
            severity=Severity.BLUE,
            tier=Tier.REVIEW,
            approach=head.settings.approach or None,
            cycles=cycles,
        )

    def save(self) -> Mapping[str, Any]:
        """When digits used to be lit, as JSON types."""
        return {
            head: {"lit": {k: round(v, 2) for k, v in d.lit.items()}, "all": {k: round(v, 2) for k, v in d.all.items()}}
            for head, d in self._displays.items()
        }

    def load(self, saved: Mapping[str, Any], junction: Junction) -> None:
        """Takes it up for heads that still have digits; what is damaged is left."""
        for head_id, parts in mapping_of(saved).items():
            head = junction.heads.get(head_id)
            if head is None or head.settings.countdown is None:
                continue
            with unless_damaged():
                lit, every = (
                    {label: number_in(runs, 0, MOST_RUNS) for label, runs in parts[name].items()}
                    for name in ("lit", "all")
                )
                self._displays[head_id] = _Display(lit, every)

    def _used(self, display: _Display, label: str) -> bool:
        lit = display.lit.get(label, 0.0)
        return lit >= USED_RUNS * 0.95 and lit >= 0.9 * display.all.get(label, 0.0)
