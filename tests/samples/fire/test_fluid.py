"""Gas that rises, curls, cools and flickers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from samples.fire.fluid import Flow, Gas

GAS = Gas(width=48, height=72, buoyancy=0.4, cooling=0.06)


def _flowed(gas: Gas, steps: int, seed: int = 1) -> Flow:
    flow = Flow(gas, np.random.default_rng(seed))
    for _ in range(steps):
        flow.step()
    return flow


def test_hot_gas_rises_from_the_source_and_stays_bounded() -> None:
    early, late = _flowed(GAS, 10), _flowed(GAS, 60)
    assert 0 <= late.heat.min() <= late.heat.max() <= 1

    def top(flow: Flow) -> int:
        return int(np.flatnonzero((flow.heat > 0.15).any(axis=1))[0])

    assert top(late) < top(early) - 10  # rows count from above
    assert late.heat[-12:].sum() > late.heat[:12].sum()


def test_same_seed_same_gas_and_another_seed_another() -> None:
    assert np.array_equal(_flowed(GAS, 20).soot, _flowed(GAS, 20).soot)
    assert not np.array_equal(_flowed(GAS, 20).soot, _flowed(GAS, 20, seed=2).soot)


def test_a_shut_source_dies_out() -> None:
    flow = _flowed(replace(GAS, fading=0.05), 40)
    before = float(flow.soot.sum())
    for _ in range(60):
        flow.step(feeding=False)
    assert float(flow.soot.sum()) < 0.2 * before


@pytest.mark.parametrize("wind", [-1.5, 1.5])
def test_wind_carries_it_to_its_side(wind: float) -> None:
    flow = _flowed(replace(GAS, wind=wind), 60)
    columns = np.arange(GAS.width)
    centre = float((flow.soot[:40].sum(axis=0) * columns).sum() / flow.soot[:40].sum())
    assert (centre - GAS.width / 2) * wind > 2
