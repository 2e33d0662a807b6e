"""LAMP: one colour is missing cycle after cycle: the head is dark where it is due."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from edge.detectors.traffic_signal.cycles import Change, Run
from edge.detectors.traffic_signal.durations import DARK
from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.heads import Head
from edge.detectors.traffic_signal.junction import Found, Junction, confidence
from edge.detectors.traffic_signal.settings import Colour

_BETWEEN = {
    ("red", "amber"): Colour.GREEN,
    ("red", "red"): Colour.GREEN,
    ("red+amber", "amber"): Colour.GREEN,
    ("green", "red"): Colour.AMBER,
    ("amber", "green"): Colour.RED,
    ("amber", "red+amber"): Colour.RED,
    ("amber", "amber"): Colour.RED,
    ("green", "amber"): Colour.RED,
    ("green", "green"): Colour.RED,
}
"""What is missing where a head is dark between two colours."""
MIN_SECONDS = 1.0
MIN_LONG_SECONDS = 5.0
"""Red and green are never shorter; a gap that is may be two beats of an LED."""
MAX_AMBER_SECONDS, MAX_LONG_SECONDS = 12.0, 600.0
BEFORE_SECONDS = 10.0
MATE_SHARE = 0.6
"""Of the darkness, in which another head of the group shows what is due: they change together."""


@dataclass(slots=True)
class _Missing:
    """How often in a row a lamp was missing."""

    cycles: int
    since: float
    witnesses: int
    last: float
    told: bool = False


class LampJudge:
    """Counts the cycles in which a colour is missing."""

    def __init__(self) -> None:
        self._missing: dict[tuple[str, int], _Missing] = {}

    def changed(self, junction: Junction, head: Head, change: Change) -> None:
        self._clear_lit(junction, head, change.before)
        if change.before.label == DARK and change.before.seconds > MIN_LONG_SECONDS:
            for index in range(len(head.colours)):
                junction.open.abnormal(Fault.LAMP, f"head:{head.id}:{index}")
        if change.before.label == DARK and change.before.whole and len(head.runs.recent) >= 2:
            self._dark_between(junction, head, head.runs.recent[-2], change.before, change.after)
        if change.before.whole and change.before.label in set(Colour):
            self._seen_at_mates(junction, head, change.before)

    def judge(self, junction: Junction) -> Iterable[Found]:
        found = []
        for (head_id, index), missing in self._missing.items():
            key = f"head:{head_id}:{index}"
            if missing.cycles < junction.settings.judge.lamp_cycles or junction.open.is_open(Fault.LAMP, key):
                continue
            head = junction.heads[head_id]
            if missing.told or not head.seen or head.flash_allowed is not None:
                continue
            missing.told = True
            known = junction.durations.of(head.group, head.colours[index].value)
            margin = missing.cycles / junction.settings.judge.lamp_cycles
            found.append(
                Found(
                    Fault.LAMP,
                    key,
                    "head",
                    (head_id,),
                    missing.since,
                    confidence(1.0, margin, min(missing.witnesses, 3) + (known is not None)),
                    1.0,
                    approach=head.settings.approach or None,
                    lamp=index,
                    expected_seconds=None if known is None else known.p50,
                    cycles=missing.cycles,
                )
            )
        return found

    def _clear_lit(self, junction: Junction, head: Head, run: Run) -> None:
        """A lamp that was lit for long enough does not fail."""
        if run.seconds < min(MIN_SECONDS, 2 * junction.interval):
            return
        for colour in run.label.split("+"):
            for index, own in enumerate(head.colours):
                if own.value == colour:
                    self._missing.pop((head.id, index), None)
                    junction.lamp_suspects.get(head.id, set()).discard(colour)

    def _dark_between(self, junction: Junction, head: Head, before: Run, dark: Run, after: Run) -> None:
        colour = _BETWEEN.get((before.label, after.label))
        if colour is None or head.may_be_dark or head.colours.count(colour) != 1:
            return
        if (
            dark.last <= dark.start
            or not before.whole_end
            or not after.whole_start
            or not junction.lasts_two_pictures(head, colour)
        ):
            return
        mates = [self._shares(mate, colour, dark) for mate in junction.mates(head)]
        witnesses = sum(shown >= MATE_SHARE for shown, _ in mates)
        if not witnesses and any(other >= MATE_SHARE for _, other in mates):
            return  # nothing of the kind was due
        if witnesses or self._fits(junction, head, colour, dark.seconds):
            self._count(junction, head, head.colours.index(colour), dark, witnesses)

    def _fits(self, junction: Junction, head: Head, colour: Colour, seconds: float) -> bool:
        """Whether a colour lasts about so long."""
        amber = colour is Colour.AMBER
        shortest, longest = (MIN_SECONDS, MAX_AMBER_SECONDS) if amber else (MIN_LONG_SECONDS, MAX_LONG_SECONDS)
        known = junction.durations.of(head.group, colour.value)
        if known is not None:
            shortest = max(shortest, 0.6 * known.usual_shortest - junction.interval)
            longest = 1.5 * known.p99 + 2 * junction.interval
        return shortest <= seconds <= longest

    def _shares(self, mate: Head, colour: Colour, dark: Run) -> tuple[float, float]:
        """Of the time of a darkness, in which another head of the group was seen to show the colour, and others."""
        shown = other = 0.0
        for span in mate.history.spans(dark.start, dark.end or dark.last):
            if any(mate.colours[index] is colour for index in span.lit):
                shown += span.end - span.start
            elif span.lit:
                other += span.end - span.start
        return shown / max(dark.seconds, 1e-3), other / max(dark.seconds, 1e-3)

    def _seen_at_mates(self, junction: Junction, head: Head, run: Run) -> None:
        """A colour of `head` is over: mates that were dark all the while miss it. The only witness for arrows alone."""
        colour = Colour(run.label)
        assert run.end is not None
        for mate in junction.mates(head):
            if mate.colours.count(colour) != 1 or not junction.lasts_two_pictures(mate, colour):
                continue
            index = mate.colours.index(colour)
            dark = lit = 0.0
            for span in mate.history.spans(run.start, run.end):
                if span.dark:
                    dark += span.end - span.start
                elif span.unseen is None:
                    lit += span.end - span.start
            misses = run.seconds >= MIN_SECONDS and dark >= 0.8 * run.seconds and lit <= 0.2 * run.seconds
            if misses and (Colour.RED not in mate.colours or self._works_otherwise(mate, run)):
                self._count(junction, mate, index, run, 1)

    def _works_otherwise(self, head: Head, run: Run) -> bool:
        """Whether a head showed something before a colour that it misses: else it is dark altogether."""
        spans = head.history.spans(run.start - BEFORE_SECONDS, run.start)
        return sum(span.end - span.start for span in spans if span.lit) >= 2.0

    def _count(self, junction: Junction, head: Head, index: int, dark: Run, witnesses: int) -> None:
        if head.flash_allowed is not None or junction.open.concerning(head.id, (Fault.FLASHING, Fault.SEQUENCE)):
            return
        missing = self._missing.setdefault((head.id, index), _Missing(0, dark.start, 0, -1e9))
        if dark.start - missing.last < 3.0:
            return
        missing.cycles += 1
        junction.lamp_suspects.setdefault(head.id, set()).add(head.colours[index].value)
        missing.witnesses += witnesses
        missing.last = dark.end or dark.last
        junction.open.abnormal(Fault.LAMP, f"head:{head.id}:{index}")
