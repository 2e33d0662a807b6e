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

USED_RUNS = 4
"""Runs of a colour in which digits must have been lit before they can be missed in it."""
SEEN_SECONDS = 4.0
"""Of a run, at the least: digits may begin late and blink."""
MAX_INTERVAL_SECONDS = 1.2


@dataclass(slots=True)
class _Display:
    """One display. By label: runs with digits and without, faded."""

    lit: dict[str, float] = field(default_factory=dict)
    all: dict[str, float] = field(default_factory=dict)
    dead: int = 0
    since: float = 0.0


class CountdownJudge:
    """Counts runs without digits where digits used to be."""

    def __init__(self) -> None:
        self._displays: dict[str, _Display] = {}

    def changed(self, junction: Junction, head: Head, change: Change) -> None:
        on, off = head.display_on, head.display_off
        head.display_on = head.display_off = 0.0
        run = change.before
        if head.settings.countdown is None or run.label == DARK or not run.whole or head.flash_allowed is not None:
            return
        if junction.interval > MAX_INTERVAL_SECONDS:
            return
        if junction.open.concerning(head.id, (Fault.DARK, Fault.FLASHING, Fault.STUCK)):
            return
        display = self._displays.setdefault(head.id, _Display())
        shown = on >= min(1.0, 2 * junction.interval)
        if shown:
            display.dead = 0
        elif on + off < max(SEEN_SECONDS, 0.8 * run.seconds):
            return
        elif self._used(display, run.label):
            if display.dead == 0:
                display.since = run.start
            display.dead += 1
            junction.open.abnormal(Fault.COUNTDOWN, f"head:{head.id}")
            return
        display.all[run.label] = min(display.all.get(run.label, 0.0) * 0.98 + 1, 50.0)
        display.lit[run.label] = min(display.lit.get(run.label, 0.0) * 0.98 + shown, 50.0)

    def judge(self, junction: Junction) -> Iterable[Found]:
        found = []
        for head_id, display in self._displays.items():
            key = f"head:{head_id}"
            needed = junction.settings.judge.countdown_cycles * max(self._labels(display), 1)
            if display.dead < needed or junction.open.is_open(Fault.COUNTDOWN, key):
                continue
            head = junction.heads[head_id]
            if not head.seen:
                continue
            cycles = display.dead // max(self._labels(display), 1)
            found.append(
                Found(
                    Fault.COUNTDOWN,
                    key,
                    "head",
                    (head_id,),
                    display.since,
                    confidence(1.0, display.dead / needed),
                    1.0,
                    severity=Severity.BLUE,
                    tier=Tier.REVIEW,
                    approach=head.settings.approach or None,
                    cycles=cycles,
                )
            )
            display.dead = 0
        return found

    def shown(self, head: Head) -> bool:
        """Whether digits were seen lit in the run that is ending."""
        return head.display_on > 0

    def save(self) -> Mapping[str, Any]:
        """When digits used to be lit, as JSON types."""
        return {
            head: {"lit": {k: round(v, 2) for k, v in d.lit.items()}, "all": {k: round(v, 2) for k, v in d.all.items()}}
            for head, d in self._displays.items()
        }

    def load(self, saved: Mapping[str, Any], junction: Junction) -> None:
        """Takes it up for heads that still have digits."""
        for head_id, parts in saved.items():
            head = junction.heads.get(head_id)
            if head is not None and head.settings.countdown is not None:
                self._displays[head_id] = _Display(dict(parts["lit"]), dict(parts["all"]))

    def _used(self, display: _Display, label: str) -> bool:
        lit = display.lit.get(label, 0.0)
        return lit >= USED_RUNS * 0.9 and lit >= 0.9 * display.all.get(label, 0.0)

    def _labels(self, display: _Display) -> int:
        """Colours of a cycle in which digits are lit."""
        return sum(self._used(display, label) for label in display.all)
