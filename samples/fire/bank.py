"""Pictures of simulated fires, made once and drawn from by the thousand.

A flow takes a second of one core; a picture to train on may take a fifteenth. So each of a fixed number of recipes is
simulated when it is first asked for and its pictures are kept. The same number gives the same pictures everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from samples.facade.seeding import stream
from samples.fire.fluid import Flow, Gas
from samples.fire.noise import Field

SEED = 20261122
FLAMES, PLUMES = 28, 28
"""Recipes of each: together under a minute of simulation, about 60 MB."""
PICTURES = 26
"""Kept of each recipe."""
FLAME_WARM_UP, FLAME_APART = 80, 6
PLUME_WARM_UP, PLUME_APART = 60, 14
"""Steps until the gas has risen, and between two pictures: far enough apart to differ. A plume's first pictures are a
young fire's."""

Snapshot = NDArray[np.uint8]


def flame(rng: np.random.Generator) -> Field:
    """(height, width) heat of a burning fire, 0…1, cut to what is hot. The ground is at the bottom."""
    kept = _flame(int(rng.integers(FLAMES)))
    return _cut(kept[int(rng.integers(len(kept)))], 0.12)


def plume(rng: np.random.Generator) -> Field:
    """(height, width) soot of rising smoke, 0…1, cut to where there is some."""
    kept = _plume(int(rng.integers(PLUMES)))
    return _cut(kept[int(rng.integers(len(kept)))], 0.06)


def flame_gas(rng: np.random.Generator) -> Gas:
    """A recipe of flames: from a candle's to a burning fence's."""
    wide = float(rng.choice([0.12, 0.22, 0.35, 0.6, 0.75]))
    return Gas(
        source_width=wide,
        buoyancy=float(rng.uniform(0.12, 0.3)),
        cooling=float(rng.uniform(0.018, 0.06)),
        curl=float(rng.uniform(0.2, 0.5)),
        wind=float(rng.choice([0, 0, 0.5, -0.5]) * rng.uniform(0.5, 1.6)),
        restless=float(rng.uniform(0.04, 0.14)),
        patches=float(rng.uniform(2, 4) + 8 * wide),
    )


def plume_gas(rng: np.random.Generator) -> Gas:
    """A recipe of smoke: cool and lazy, or driven by a fire."""
    return Gas(
        width=112,
        source_width=float(rng.choice([0.06, 0.12, 0.2, 0.4])),
        buoyancy=float(rng.uniform(0.05, 0.3)),
        cooling=float(rng.uniform(0.01, 0.06)),
        fading=float(rng.uniform(0.001, 0.006)),
        curl=float(rng.uniform(0.15, 0.5)),
        wind=float(rng.choice([0, 0.4, -0.4, 0.8, -0.8]) * rng.uniform(0.6, 1.8)),
        restless=float(rng.uniform(0.05, 0.15)),
        patches=float(rng.uniform(2, 6)),
    )


@lru_cache(maxsize=FLAMES)
def _flame(number: int) -> tuple[Snapshot, ...]:
    rng = stream(SEED, "flame", number)
    flow = Flow(flame_gas(rng), rng)
    return tuple(_snapshots(flow, FLAME_WARM_UP, FLAME_APART, lambda gas: gas.heat))


@lru_cache(maxsize=PLUMES)
def _plume(number: int) -> tuple[Snapshot, ...]:
    rng = stream(SEED, "plume", number)
    flow = Flow(plume_gas(rng), rng)
    return tuple(_snapshots(flow, PLUME_WARM_UP, PLUME_APART, lambda gas: gas.soot))


def _snapshots(flow: Flow, warm_up: int, apart: int, of: Callable[[Flow], Field]) -> Iterator[Snapshot]:
    for _ in range(warm_up):
        flow.step()
    for _ in range(PICTURES):
        for _ in range(apart):
            flow.step()
        yield _byte(of(flow))


def _byte(field: Field) -> Snapshot:
    return np.asarray(np.clip(field, 0, 1) * 255, np.uint8)


def _cut(snapshot: Snapshot, least: float) -> Field:
    field = np.asarray(np.asarray(snapshot, np.float32) / 255, np.float32)
    rows = np.flatnonzero(np.count_nonzero(field > least, axis=1) > 1)
    columns = np.flatnonzero(np.count_nonzero(field > least, axis=0) > 1)
    if not rows.size or not columns.size:
        return field
    return field[max(rows[0] - 2, 0) : rows[-1] + 1, max(columns[0] - 2, 0) : columns[-1] + 3]
