"""The line through samples: what the hardship tests judge by must itself be right."""

from __future__ import annotations

import numpy as np
import pytest

from tests.edge.hardship.slopes import slope_of


def test_what_does_not_change_has_no_slope() -> None:
    fit = slope_of([49] * 10)
    assert (fit.per_step, fit.low, fit.high) == (0, 0, 0)


def test_the_interval_holds_the_truth() -> None:
    random = np.random.default_rng(3)
    held = 0
    for _ in range(400):
        fit = slope_of(5 + 0.3 * np.arange(30) + random.normal(0, 2, 30))
        held += fit.low <= 0.3 <= fit.high
    assert 0.92 <= held / 400 <= 0.98


def test_a_straight_line_is_straight() -> None:
    fit = slope_of([7, 9, 13], [1, 2, 4])
    assert fit.per_step == pytest.approx(2)
    assert fit.intercept == pytest.approx(5)
    assert fit.r_squared == pytest.approx(1)
    with pytest.raises(ValueError, match="needs 3 samples"):
        slope_of([1, 2])
