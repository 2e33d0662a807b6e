"""The evaluation set of illegal structures: towns in which somebody built, and towns in which nobody did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from samples.facade.seeding import stream
from samples.town.changes import Change
from samples.town.flying import GNSS, RTK, Noise, Plan
from samples.town.layout import MIXES
from samples.town.pairs import TownPair, make_pair
from samples.town.visibility import visible_shares

SEED = 20260
STRUCTURES = 150
"""New structures of at least 10 m² that are shown in the end, at least."""
UNCHANGED_KM2 = 50.0
LEAST_AREA_M2 = 10.0
LEAST_SHARE, LEAST_PICTURES = 0.5, 2
CHANGES = 13
"""Structures changed in a town of the first kind, about ten of them new."""
BUILT_M, QUIET_M = 300.0, 1000.0


@dataclass(frozen=True, slots=True)
class Plans:
    """How towns are flown over: plans take turns."""

    built: tuple[Plan, ...]
    quiet: tuple[Plan, ...]

    def overlapping(self, forward: float, side: float) -> Plans:
        """The same pictures, nearer to each other or farther apart; past the edges where somebody built: elsewhere what
        is seen by few is not examined, and that is all."""
        built, quiet = (
            tuple(
                replace(plan, forward_overlap=forward, side_overlap=side, past_edges=plans is self.built)
                for plan in plans
            )
            for plans in (self.built, self.quiet)
        )
        return Plans(built, quiet)


SPARSE = Plans(
    built=(
        Plan(4000, 3000, 0.05, forward_overlap=0.6, side_overlap=0.45),
        Plan(2000, 1500, 0.12, forward_overlap=0.65, side_overlap=0.5),
        Plan(4000, 3000, 0.08, forward_overlap=0.6, side_overlap=0.45),
        Plan(2000, 1500, 0.1, forward_overlap=0.65, side_overlap=0.5),
    ),
    quiet=(
        Plan(2000, 1500, 0.2, forward_overlap=0.55, side_overlap=0.3),
        Plan(2000, 1500, 0.17, forward_overlap=0.55, side_overlap=0.3),
    ),
)
"""Less than half as many pictures as are advised: they show little of what lies between high houses."""
ADVISED = SPARSE.overlapping(0.8, 0.7)
"""What apps that plan flights propose and makers of maps advise for towns: 70 to 80 % both ways, and a line past each
edge."""


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationPair:
    """One town of the set."""

    name: str
    pair: TownPair
    km2: float
    """Surveyed."""
    to_be_found: tuple[Change, ...]
    """New structures of at least 10 m² that the second flight shows: half of their roof in two pictures or more. None
    in a town where nobody built."""


def evaluation_pairs(
    seed: int = SEED,
    *,
    structures: int = STRUCTURES,
    unchanged_km2: float = UNCHANGED_KM2,
    plans: Plans = ADVISED,
    part: tuple[int, int] = (0, 1),
) -> Iterator[EvaluationPair]:
    """Yields towns until both amounts are reached: first those in which somebody built, then the quiet ones.

    Lazy: a town is laid out when it is its turn, its pictures are rendered when they are read. Call
    `EvaluationPair.pair.forget()` when done with one: what is kept does not grow then. Resolutions, positioning (RTK,
    GNSS) and kinds of town take turns. `part` (n, of): only every so many-th town, for several processes. Same
    arguments, same towns.

    Raises ValueError for negative amounts and parts that there are not.
    """
    if structures < 0 or not unchanged_km2 >= 0:
        raise ValueError(f"{structures} structures and {unchanged_km2} km²; expected 0 or more of both")
    mine, parts = part
    if not 0 <= mine < parts:
        raise ValueError(f"part {mine} of {parts}; expected one from 0 to one less than their number")
    shown, number = 0, 0
    while shown < structures:
        town = _town(seed, "built", number, BUILT_M, plans.built)
        shown += len(town.to_be_found)
        if number % parts == mine:
            yield town
        number += 1
    covered, number = 0.0, 0
    while covered < unchanged_km2:
        size_m = min(QUIET_M, max(200.0, 1000 * (unchanged_km2 - covered) ** 0.5))
        if number % parts == mine:
            yield _town(seed, "quiet", number, size_m, plans.quiet)
        covered += (size_m / 1000) ** 2
        number += 1


def _town(seed: int, kind: str, number: int, size_m: float, plans: tuple[Plan, ...]) -> EvaluationPair:
    rng = stream(seed, "suite", kind, number)
    changes = CHANGES if kind == "built" else 0
    noise: Noise = (RTK, GNSS)[number % 2]
    mixes = (None, *MIXES)
    pair = make_pair(
        int(rng.integers(1 << 30)), size_m, plan=plans[number % len(plans)], noise=noise, changes=changes,
        mix=mixes[number % len(mixes)] if changes else None,
    )  # fmt: skip
    found = tuple(
        c for c in pair.truth.changes if c.is_new_structure and c.area_m2 >= LEAST_AREA_M2 and is_shown(pair, c)
    )
    return EvaluationPair(f"{kind}-{number:02d}", pair, (size_m / 1000) ** 2, found)


def is_shown(pair: TownPair, change: Change) -> bool:
    """Whether half of its roof or more is seen in two pictures of the second flight or more."""
    return bool(np.count_nonzero(visible_shares(pair.truth.after, change) >= LEAST_SHARE) >= LEAST_PICTURES)
