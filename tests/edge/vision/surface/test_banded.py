"""Equations that tie neighbours: against those solved as they are."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import bsr_matrix

from edge.vision.arrays import Doubles
from edge.vision.surface.banded import solved


def tied(pairs: list[tuple[int, int]], count: int, size: int, seed: int) -> Doubles:
    """(count · size, count · size): pairs of blocks that have to do with each other, and each held a little."""
    rng = np.random.default_rng(seed)
    whole = np.kron(np.diag(10.0 ** rng.uniform(-3, 3, count)), np.eye(size))
    for one, other in pairs:
        across = np.zeros((4, count, size))
        across[:, [one, other]] = rng.normal(0, 10.0 ** rng.uniform(-2, 4), (4, 2, size))
        whole += across.reshape(4, -1).T @ across.reshape(4, -1)
    return np.asarray(whole, np.float64)


def in_blocks(whole: Doubles, size: int) -> bsr_matrix:
    return bsr_matrix(whole, blocksize=(size, size))


@settings(max_examples=60)
@given(
    count=st.integers(1, 12),
    pairs=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=25),
    seed=st.integers(0, 99),
)
def test_they_are_solved(count: int, pairs: list[tuple[int, int]], seed: int) -> None:
    inside = [(one, other) for one, other in pairs if one != other and max(one, other) < count]
    whole = tied(inside, count, 6, seed)
    expected = np.random.default_rng(seed).normal(size=(count, 6))
    found = solved(in_blocks(whole, 6), (whole @ expected.ravel()).reshape(count, 6))
    # What is left over, against what rounding leaves.
    rest = whole @ (found - expected).ravel() / np.sqrt(np.diagonal(whole))
    assert np.abs(rest).max() <= 1e-9 * np.abs(np.sqrt(np.diagonal(whole)) * expected.ravel()).max()


def test_poses_that_hardly_anything_holds_are_solved() -> None:
    rng = np.random.default_rng(1)
    across = rng.normal(size=(3, 18))
    whole = across.T @ across * 1e6 + 1e-12 * np.eye(18)
    found = solved(in_blocks(whole, 6), (whole @ np.ones(18)).reshape(3, 6))
    assert np.isfinite(found).all()
    assert across @ found.ravel() == pytest.approx(across @ np.ones(18), rel=1e-6)


@pytest.mark.parametrize("own", [1.0, -1.0, 0.0])
def test_what_is_not_positive_is_solved_nevertheless(own: float) -> None:
    whole = np.eye(12)
    whole[0, 0] = own
    whole[0, 6] = whole[6, 0] = 3.0
    found = solved(in_blocks(whole, 6), np.ones((2, 6)))
    assert whole @ found.ravel() == pytest.approx(np.ones(12))


def test_memory_is_that_of_neighbours_however_they_are_numbered() -> None:
    count = 600
    numbers = np.random.default_rng(4).permutation(count)
    chain = [(int(numbers[at]), int(numbers[at + step])) for step in (1, 2, 3) for at in range(count - step)]
    rng = np.random.default_rng(5)
    rows, columns, blocks = [], [], []
    own = np.tile(np.eye(6), (count, 1, 1))
    for one, other in chain:
        here, there = rng.normal(size=(2, 4, 6))
        own[one] += here.T @ here
        own[other] += there.T @ there
        for first, second, block in ((one, other, here.T @ there), (other, one, there.T @ here)):
            rows.append(first)
            columns.append(second)
            blocks.append(block)
    order = np.argsort(np.array([*rows, *range(count)]), kind="stable")
    normal = bsr_matrix(
        (
            np.array([*blocks, *own])[order],
            np.array([*columns, *range(count)])[order],
            np.searchsorted(np.sort([*rows, *range(count)]), np.arange(count + 1)),
        ),
        shape=(6 * count, 6 * count),
    )
    expected = rng.normal(size=(count, 6))
    tracemalloc.start()
    found = solved(normal, (normal @ expected.ravel()).reshape(count, 6))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == pytest.approx(expected, abs=1e-8)
    assert peak < 0.1 * (6 * count) ** 2 * 8, "of all by all a tenth"
