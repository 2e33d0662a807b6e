"""Cycles and durations of a phase group, from what it showed while learning."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from edge.calibrate.signals.record import UNKNOWN, Codes, Run, Seconds, bridged, carried, runs
from edge.detectors.traffic_signal.settings import Colour, ColourDurations, GroupPlan

ORDER = tuple(Colour)
"""`shown` codes are places in this plus one: red leads amber, amber green."""
FLASH_GAP_SECONDS = 1.5
"""Dark for no longer than this between two equal colours is a flash: the slowest lawful one is dark for 0.8 s."""
GAP_SAMPLES = 2.2
"""… or for two samples, where pictures come seldom."""
HIDDEN_SECONDS = 5.0
"""A bus that hides a head for no longer, with the same colour before and after, hid no change: green, amber and red
would have had to pass."""
GLIMPSE_SECONDS = 0.5
"""A lamp that nobody saw for no longer than this shows what it showed before, whatever comes after."""
SHORTEST_STATE_SECONDS = 0.7
"""No lawful state is shorter; a bus that passes close makes another one for half a second."""
ADAPTIVE_SPREAD = 0.12
"""Cycles that differ by more than this share of the usual one are those of an adaptive plan."""
FLASHES_ALL_THE_TIME = 6
"""As many short equal lights and nothing else: a night programme."""
SHORTEST_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class GroupCycles:
    """What was learned of one group."""

    plan: GroupPlan | None
    """None: nothing was seen from its beginning to its end."""
    cycles: int
    """Whole ones: from the beginning of a green to the next (without green: of its most frequent colour)."""
    cycle_seconds: float | None
    """The median."""
    adaptive: bool
    flashes: Colour | None
    """It showed nothing but this colour, flashing."""


def smooth(times: Seconds, shown: Codes) -> Codes:
    """Without flashes, short occlusions and what they leave at their edges: for durations, not for judging."""
    usual = _usual(times)
    shown = carried(times, shown, max(GLIMPSE_SECONDS, 1.1 * usual))
    hidden, flash = max(HIDDEN_SECONDS, GAP_SAMPLES * usual), max(FLASH_GAP_SECONDS, GAP_SAMPLES * usual)
    shown = bridged(times, bridged(times, shown, hidden, UNKNOWN), flash, 0)
    shown = _settled(times, shown)
    return bridged(times, bridged(times, shown, hidden, UNKNOWN), flash, 0)


def _settled(times: Seconds, shown: Codes) -> Codes:
    """Without lights of less than SHORTEST_STATE_SECONDS: what was before them goes on, if that is known."""
    result = shown.copy()
    for before, run, after in _threes(runs(times, shown)):
        if run.code > 0 and run.seconds < SHORTEST_STATE_SECONDS:
            hidden = UNKNOWN in {before.code, after.code}
            result[run.first : run.last + 1] = UNKNOWN if hidden else before.code
    return result


def cycles_of(times: Seconds, shown: Codes) -> GroupCycles:
    """Cycles, durations and their spread of one group's `shown` codes."""
    flashing = _flashing(times, shown)
    found = runs(times, smooth(times, shown))
    whole = [run for before, run, after in _threes(found) if UNKNOWN not in (before.code, run.code, after.code)]
    durations = {}
    for number, colour in enumerate(ORDER, start=1):
        lengths = [run.seconds for run in whole if run.code == number]
        if lengths and flashing is None:
            durations[colour] = _durations(lengths)
    # Also at the borders, where the rest of it was not seen: it was dark for so long at least.
    # Shorter ones are the moment between two lamps, or a flash.
    shortest = max(FLASH_GAP_SECONDS, _usual(times))
    dark = max((run.seconds for run in found if run.code == 0 and run.seconds > shortest), default=0.0)
    starts = _starts(found)
    lengths = [later - earlier for earlier, later in pairwise(starts)]
    usual = statistics.median(lengths) if lengths else None
    # Both ends of a cycle are known to a sample.
    spread = (max(lengths) - min(lengths) - 2 * _usual(times)) / usual if usual else 0.0
    lit = any(run.code > 0 for run in found)
    plan = GroupPlan(durations=durations, dark_seconds=_up(dark)) if durations and lit else None
    return GroupCycles(plan, len(lengths), usual, len(lengths) >= 2 and spread > ADAPTIVE_SPREAD, flashing)


def _starts(found: Sequence[Run]) -> list[float]:
    """Where the cycle begins: greens, or else the most frequent colour."""
    began = [run for before, run in pairwise(found) if before.code != UNKNOWN and run.code > 0]
    codes = [run.code for run in began]
    if not codes:
        return []
    green = ORDER.index(Colour.GREEN) + 1
    leading = green if green in codes else max(set(codes), key=codes.count)
    return [run.start for run in began if run.code == leading]


def _flashing(times: Seconds, shown: Codes) -> Colour | None:
    """The colour that flashed all the time, with nothing else lit. Also at rates that cannot tell how fast."""
    found = [run for run in runs(times, shown) if run.code != UNKNOWN]
    lit = {run.code for run in found if run.code > 0}
    if len(lit) != 1 or sum(run.code > 0 for run in found) < FLASHES_ALL_THE_TIME:
        return None
    usual = _usual(times)
    dark = [run.seconds for run in found if run.code == 0]
    # An arrow's dark times are tens of seconds; those of a flash are a beat, or a few samples that missed the beats.
    if not dark or statistics.median(dark) > max(FLASH_GAP_SECONDS, 4 * usual):
        return None
    return ORDER[lit.pop() - 1]


def _usual(times: Seconds) -> float:
    return float(np.median(np.diff(times))) if len(times) > 1 else 1.0


def _durations(lengths: Sequence[float]) -> ColourDurations:
    shortest, typical, longest = min(lengths), statistics.median(lengths), max(lengths)
    rounded = [max(round(value, 1), SHORTEST_SECONDS) for value in (shortest, typical, longest)]
    return ColourDurations(shortest=rounded[0], typical=rounded[1], longest=rounded[2])


def _up(seconds: float) -> float:
    return math.ceil(min(seconds, 3600.0) * 10) / 10


def _threes(found: Sequence[Run]) -> list[tuple[Run, Run, Run]]:
    return list(zip(found, found[1:], found[2:], strict=False))
