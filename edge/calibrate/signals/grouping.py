"""Phase groups and conflicts, from what heads showed at the same times."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from edge.calibrate.signals.record import UNKNOWN, Codes, Seconds, runs

TOLERANCE_SECONDS = 0.3
"""Lamps of one group change together but for their afterglow and the flicker memory; at least one sample."""
AGREE_SHARE = 0.97
"""Of the time in which both heads were seen …"""
COLOUR_AGREE_SHARE = 0.8
"""… and of each colour's time: an amber that the other head does not have is 3 s of 100."""
MIN_CHANGES = 2
"""Changes of state that both were seen through: two heads that stay red agree, and that says nothing."""
OVERLAP_SECONDS = 1.0
"""Two greens for less than this are one sample's misreading; the judge of conflicts asks for as much."""
SEEN_SHARE = 0.8
"""Of a green, in which the other group must have been seen for it to count."""
MIN_GREENS = 2
"""Greens of either group without the other: one proves nothing."""
SHIFTS = 240
"""Of the shift test: steps of 0.4 % of the time watched."""
CHANCE_NOTED = 0.3
"""Above this the installer is asked to look at the paths."""
_AUTOMATIC = re.compile(r"group-\d+")


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Two groups that were never green together."""

    groups: tuple[str, str]
    greens: int
    """Of the group that had fewer, each seen to be without the other."""
    chance: float
    """The share of all shifts in time of one group's greens against the other's that would not overlap either: how
    easily two groups that have nothing to do with each other look like this."""


def grouped(times: Seconds, shown: Mapping[str, Codes], colours: Mapping[str, frozenset[str]]) -> list[list[str]]:
    """Heads that agree with every other head of their group, in the order of the heads.

    `shown`: the leading colour a sample, by head; `colours`: what a head's lamps can show.
    """
    groups: list[list[str]] = []
    for head_id in shown:
        for group in groups:
            if all(colours[head_id] == colours[other] for other in group) and all(
                agree(times, shown[head_id], shown[other]) for other in group
            ):
                group.append(head_id)
                break
        else:
            groups.append([head_id])
    return groups


def agree(times: Seconds, one: Codes, other: Codes) -> bool:
    """Whether two heads show the same at the same times, as far as both were seen."""
    known = (one != UNKNOWN) & (other != UNKNOWN)
    if known.sum() < 2:
        return False
    both = known[1:] & known[:-1]
    if min(int(np.sum(both & (codes[1:] != codes[:-1]))) for codes in (one, other)) < MIN_CHANGES:
        return False
    usual = float(np.median(np.diff(times)))
    reach = max(1, round(TOLERANCE_SECONDS / max(usual, 1e-3)))
    same = _near(one, other, reach) & _near(other, one, reach)
    if same[known].mean() < AGREE_SHARE:
        return False
    # Per colour without the tolerance's help: a colour shorter than it would agree with anything.
    for code in np.union1d(one[known], other[known]):
        either = known & ((one == code) | (other == code))
        at_once = known & (one == code) & (other == code)
        edges = reach * sum(run.code == code for codes in (one, other) for run in runs(times, codes))
        if either.sum() > at_once.sum() and at_once.sum() < COLOUR_AGREE_SHARE * max(either.sum() - edges, 1):
            return False
    return True


def _near(one: Codes, other: Codes, reach: int) -> NDArray[np.bool_]:
    """(n,): whether a sample of `one` is found in `other` at most `reach` samples away; unknown is found anywhere."""
    found: NDArray[np.bool_] = (one == UNKNOWN) | (one == other)
    for step in range(1, reach + 1):
        found[step:] |= (one[step:] == other[:-step]) | (other[:-step] == UNKNOWN)
        found[:-step] |= (one[:-step] == other[step:]) | (other[step:] == UNKNOWN)
    return found


def fused(members: Sequence[Codes]) -> Codes:
    """(n,): what most of a group's heads that were seen show; on a tie the first one."""
    stack = np.stack(members)
    result = np.full(stack.shape[1], UNKNOWN, np.int16)
    votes = np.zeros(stack.shape[1], np.int16)
    for codes in members:
        count = np.where(codes == UNKNOWN, 0, (stack == codes).sum(axis=0)).astype(np.int16)
        better = count > votes
        result[better] = codes[better]
        votes[better] = count[better]
    return result


def names(groups: Sequence[Sequence[str]], given: Mapping[str, str]) -> list[str]:
    """A name for each group: the one its heads were given by hand, else `group-1` … in the order of the heads."""
    result: list[str] = []
    number = 0
    for group in groups:
        wanted = [given[head_id] for head_id in group if not _AUTOMATIC.fullmatch(given[head_id])]
        name = max(wanted, key=wanted.count) if wanted else ""
        if not name or name in result:
            number += 1
            while f"group-{number}" in result:
                number += 1
            name = f"group-{number}"
        result.append(name)
    return result


def exclusions(
    times: Seconds, greens: Mapping[str, NDArray[np.bool_]], seen: Mapping[str, NDArray[np.bool_]]
) -> tuple[list[Exclusion], list[tuple[str, str]]]:
    """Pairs of groups that were never green together; and those of which too little was seen to say so."""
    found: list[Exclusion] = []
    unclear: list[tuple[str, str]] = []
    for pair in combinations(greens, 2):
        one, other = (greens[group] for group in pair)
        if _longest(times, one & other) >= OVERLAP_SECONDS:
            continue
        counts = [_witnessed(times, greens[a], seen[b]) for a, b in (pair, pair[::-1])]
        if min(counts) < MIN_GREENS:
            unclear.append(pair)
        else:
            found.append(Exclusion(pair, min(counts), _chance(one, other)))
    return found, unclear


def _longest(times: Seconds, on: NDArray[np.bool_]) -> float:
    # From sample to sample: one sample alone lasts no time, as a misreading should.
    found = runs(times, on.astype(np.int16))
    lengths = [float(times[run.last]) - float(times[run.first]) for run in found if run.code]
    return max(lengths, default=0.0)


def _witnessed(times: Seconds, green: NDArray[np.bool_], seen: NDArray[np.bool_]) -> int:
    return sum(
        bool(run.code) and seen[run.first : run.last + 1].mean() >= SEEN_SHARE
        for run in runs(times, green.astype(np.int16))
    )


def _chance(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """By circular shifts of one record against the other: both keep their own rhythm, only the tie is cut."""
    steps = np.unique(np.linspace(0, len(one) - 1, min(SHIFTS, len(one))).astype(int))
    allowed = max(1, round(0.005 * one.sum()))
    free = sum(int((one & np.roll(other, step)).sum()) <= allowed for step in steps)
    return float(free / len(steps))
