"""CONFLICT: two phase groups that cross each other are green together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from contract.events import Severity
from edge.detectors.traffic_signal.cycles import Change
from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.heads import Head
from edge.detectors.traffic_signal.junction import Found, Junction, confidence

AT_ONCE_SECONDS = 10.0
"""One unbroken overlap of so long is told at once: a life may hang on not waiting for the second cycle, and nothing but
a lens in the sun looks green for so long, which the eye calls glare."""
MAX_INTERVAL_SECONDS = 1.2
"""With pictures farther apart two greens may be neighbours in time and not together."""
APART_SECONDS = 5.0
"""Two overlaps are of two cycles when neither group was green with the other for so long in between."""
FORGET_SECONDS = 1200.0
"""An overlap that was the only one in so long was misread."""


@dataclass(slots=True)
class _Overlap:
    """Two groups over time."""

    since: float | None = None
    last: float = -1e9
    counted: bool = False
    cycles: int = 0
    first: float = 0.0
    ended: float = -1e9
    longest: float = 0.0


class ConflictJudge:
    """Watches every conflicting pair, picture by picture."""

    def __init__(self) -> None:
        self._pairs: dict[tuple[str, str], _Overlap] = {}
        self._together_now = False

    def changed(self, junction: Junction, head: Head, change: Change) -> None:
        """Overlaps are watched picture by picture."""

    def watch(self, junction: Junction) -> None:
        """Takes in one picture."""
        if junction.interval > MAX_INTERVAL_SECONDS:
            return
        green = {head.group for head in junction.heads.values() if head.shows_green}
        if len(green) < 2 and not self._together_now:
            return
        self._together_now = False
        for a, b in junction.settings.conflicts:
            overlap = self._pairs.get((a, b))
            both = a in green and b in green
            self._together_now = self._together_now or both
            if both:
                if overlap is None:
                    overlap = self._pairs[a, b] = _Overlap()
                self._together(junction, a, b, overlap)
            elif overlap is not None and overlap.since is not None:
                overlap.since, overlap.ended = None, overlap.last

    def judge(self, junction: Junction) -> Iterable[Found]:
        found = []
        for pair, overlap in self._pairs.items():
            if overlap.since is None or junction.open.is_open(Fault.CONFLICT, _key(pair)):
                continue
            enough = overlap.cycles >= junction.settings.judge.conflict_cycles
            if enough or overlap.last - overlap.since >= AT_ONCE_SECONDS:
                found.append(self._one(junction, pair, overlap))
        return found

    def _together(self, junction: Junction, a: str, b: str, overlap: _Overlap) -> None:
        now = junction.now
        if now - overlap.ended > FORGET_SECONDS and overlap.since is None:
            overlap.cycles, overlap.longest = 0, 0.0
        if overlap.since is None:
            overlap.counted = overlap.counted and now - overlap.ended < APART_SECONDS
            overlap.since = now
        overlap.last = now
        seconds = now - overlap.since
        overlap.longest = max(overlap.longest, seconds)
        if seconds >= junction.settings.judge.conflict_seconds - 1e-6:
            if not overlap.counted:
                overlap.counted = True
                overlap.cycles += 1
                if overlap.cycles == 1:
                    overlap.first = overlap.since
            junction.open.abnormal(Fault.CONFLICT, _key((a, b)))

    def _one(self, junction: Junction, pair: tuple[str, str], overlap: _Overlap) -> Found:
        heads = tuple(head for group in pair for head in junction.groups[group])
        green = sum(junction.heads[head].shows_green for head in heads)
        margin = max(overlap.cycles / junction.settings.judge.conflict_cycles, overlap.longest / AT_ONCE_SECONDS)
        return Found(
            Fault.CONFLICT,
            _key(pair),
            "groups",
            heads,
            overlap.first or overlap.since or junction.now,
            confidence(1.0, margin, green - 2, base=0.75),
            1.0,
            severity=Severity.RED,
            groups=pair,
            expected_seconds=0.0,
            cycles=max(overlap.cycles, 1),
        )


def _key(pair: tuple[str, str]) -> str:
    return f"groups:{pair[0]}+{pair[1]}"
