"""Splitting a standard deviation, and what a pose's errors are made of."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.flights.telemetry import Positioning
from edge.flights.uncertainty import BUDGETS, Split, pose_errors

SIZES = st.floats(0.01, 50)


@given(shared=SIZES, own=SIZES, total=SIZES)
def test_another_total_keeps_the_division(shared: float, own: float, total: float) -> None:
    split = Split(shared, own).scaled(total)
    assert split.total == pytest.approx(total)
    assert split.shared / split.own == pytest.approx(shared / own)


def test_independent_errors_add_in_squares() -> None:
    assert Split(3.0, 4.0).total == 5.0
    assert Split(3.0, 4.0).and_own(3.0) == Split(3.0, 5.0)
    assert Split(3.0, 4.0).and_shared(4.0) == Split(5.0, 4.0)


def test_covariances_have_the_order_of_a_pose() -> None:
    errors = pose_errors(Split(1.0, 2.0), Split(3.0, 4.0), Split(0.5, 0.0), Split(0.0, 2.0))
    radians = math.radians(1.0)
    assert np.diag(errors.shared) == pytest.approx((1, 1, 9, (0.5 * radians) ** 2, (0.5 * radians) ** 2, 0))
    assert np.diag(errors.own) == pytest.approx((4, 4, 16, 0, 0, (2 * radians) ** 2))
    assert errors.total == pytest.approx(errors.shared + errors.own)


def test_every_positioning_has_a_budget_and_better_ones_are_smaller() -> None:
    assert set(BUDGETS) == set(Positioning)
    ordered = [BUDGETS[kind] for kind in (Positioning.RTK_FIXED, Positioning.RTK_FLOAT, Positioning.GNSS)]
    for better, worse in pairwise(ordered):
        assert better.horizontal_m.total < worse.horizontal_m.total
        assert better.absolute_height_m.total < worse.absolute_height_m.total
        assert better.takeoff_height_m.total < worse.takeoff_height_m.total
    assert BUDGETS[Positioning.UNKNOWN] == BUDGETS[Positioning.GNSS]
