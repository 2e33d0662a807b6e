"""Fits of falls, and the search for one among other points."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.vision.parabola import Search, fit_fall, sampled_fall

SEARCH = Search((2.5, 20), step_seconds=0.6, min_span_seconds=0.13, max_span_seconds=2.5, trials=512)


def fall(t: np.ndarray, a: float, v: float, sideways: float) -> tuple[np.ndarray, np.ndarray]:
    dt = t - t[0]
    return 3 + sideways * dt, 20 - v * dt - a * dt * dt / 2


@given(
    a=st.floats(0, 25),
    v=st.floats(0, 15),
    sideways=st.floats(-3, 3),
    start=st.floats(0, 1e5),
    n=st.integers(4, 40),
    fps=st.sampled_from([10, 25, 60]),
)
def test_an_exact_fall_is_found_exactly(a: float, v: float, sideways: float, start: float, n: int, fps: int) -> None:
    t = start + np.arange(n) / fps
    x, y = fall(t, a, v, sideways)
    fitted = fit_fall(t, x, y)
    assert fitted.acceleration_mps2 == pytest.approx(a, abs=1e-3)
    assert fitted.down_mps == pytest.approx(v, abs=1e-3)
    assert fitted.sideways_mps == pytest.approx(sideways, abs=1e-4)
    assert fitted.residual_m < 1e-6
    assert fitted.position_m(float(t[-1])) == (pytest.approx(x[-1], abs=1e-5), pytest.approx(y[-1], abs=1e-5))
    assert fitted.speed_mps(float(t[-1])) == pytest.approx(v + a * (t[-1] - t[0]), abs=1e-2)


def test_the_standard_error_is_honest() -> None:
    random = np.random.default_rng(1)
    t = np.arange(20) / 25
    x, y = fall(t, 9, 1, 0)
    fits = [fit_fall(t, x, y + random.normal(0, 0.1, 20)) for _ in range(400)]
    spread = np.std([f.acceleration_mps2 for f in fits])
    assert np.median([f.acceleration_error_mps2 for f in fits]) == pytest.approx(spread, rel=0.2)


def test_too_little_to_fit_is_refused() -> None:
    t = np.array([0.0, 0.1, 0.2])
    with pytest.raises(ValueError, match="4 or more points"):
        fit_fall(t, t, t)


def clutter(random: np.random.Generator, t: np.ndarray, per_frame: int) -> np.ndarray:
    times = np.repeat(t, per_frame)
    n = len(times)
    return np.stack((times, random.uniform(-8, 8, n), random.uniform(0, 25, n), np.full(n, 0.15)), axis=1)


@pytest.mark.parametrize("seed", range(10))
def test_a_fall_is_found_among_clutter(seed: int) -> None:
    random = np.random.default_rng(seed)
    t = np.arange(30) / 25
    falling = t[8:22]
    x, y = fall(falling, 9, 2, 0.5)
    true = np.stack((falling, x, y, np.full(len(falling), 0.15)), axis=1)
    points = np.concatenate((clutter(random, t, 2), true))
    points = points[np.argsort(points[:, 0], kind="stable")]
    chosen = sampled_fall(points, SEARCH, np.random.default_rng(0))
    assert chosen is not None
    found = {tuple(row) for row in points[chosen]}
    assert len(found & {tuple(row) for row in true}) >= 12
    assert len(np.unique(points[chosen][:, 0])) == len(chosen), "one point per time"


def test_the_same_seed_finds_the_same() -> None:
    points = clutter(np.random.default_rng(3), np.arange(40) / 25, 3)
    runs = [sampled_fall(points, SEARCH, np.random.default_rng(7)) for _ in range(2)]
    assert (runs[0] is None) == (runs[1] is None)
    if runs[0] is not None and runs[1] is not None:
        assert runs[0].tolist() == runs[1].tolist()


def test_what_rises_is_no_fall() -> None:
    t = np.arange(20) / 25
    x, y = fall(t, 9, 2, 0)
    points = np.stack((t, x, y[::-1], np.full(20, 0.15)), axis=1)
    assert sampled_fall(points, SEARCH, np.random.default_rng(0)) is None
    assert sampled_fall(points[:3], SEARCH, np.random.default_rng(0)) is None
