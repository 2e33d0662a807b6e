"""The lens: to directions and back, and against formulas written the other way round."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.vision.lens import Lens

PLAIN = Lens(1920, 1080, 1400.0, 1390.0, 950.0, 545.0)
BENT = Lens(4000, 3000, 2350.0, 2356.0, 2012.0, 1490.0, (-0.11, 0.05, 0.0006, -0.0004, -0.008))


def test_the_middle_looks_ahead_and_a_focal_length_aside_is_45_degrees() -> None:
    found = PLAIN.directions(np.array([(950.0, 545.0), (2350.0, 545.0), (950.0, 1935.0)]))
    assert found == pytest.approx(np.array([(0, 0, 1), (1, 0, 1), (0, 1, 1)]))


def test_bending_is_browns() -> None:
    """One point by hand: x and y of the straight picture, then the radial and the tangential terms."""
    x, y = 0.3, -0.2
    k1, k2, p1, p2, k3 = BENT.distortion
    square = x * x + y * y
    radial = 1 + k1 * square + k2 * square**2 + k3 * square**3
    bent_x = x * radial + 2 * p1 * x * y + p2 * (square + 2 * x * x)
    bent_y = y * radial + p1 * (square + 2 * y * y) + 2 * p2 * x * y
    seen = BENT.pixels(np.array([(3 * x, 3 * y, 3.0)]))
    assert seen == pytest.approx(np.array([(2012 + 2350 * bent_x, 1490 + 2356 * bent_y)]))


@given(x=st.floats(0, 3999), y=st.floats(0, 2999))
@pytest.mark.parametrize("lens", [PLAIN, BENT], ids=["plain", "bent"])
def test_directions_lead_back_to_their_pixels(lens: Lens, x: float, y: float) -> None:
    pixel = np.array([(x, y)])
    assert lens.pixels(lens.directions(pixel) * 70.0) == pytest.approx(pixel, abs=1e-5)


def test_what_is_behind_is_not_seen() -> None:
    seen = BENT.pixels(np.array([(0.1, 0.1, -1.0), (0.0, 0.0, 0.0), (0.0, 0.0, 5.0)]))
    assert np.isnan(seen[:2]).all()
    assert seen[2] == pytest.approx((2012, 1490))


@pytest.mark.parametrize("lens", [PLAIN, BENT], ids=["plain", "bent"])
def test_no_pixels_have_no_directions(lens: Lens) -> None:
    assert lens.directions(np.empty((0, 2))).shape == (0, 3)
    assert lens.pixels(np.empty((0, 3))).shape == (0, 2)


def test_another_size_shows_the_same() -> None:
    half = BENT.scaled(2000, 1500)
    # Pixel (0, 0) of the half is the middle of a block of two by two.
    assert half.directions(np.array([(0.0, 0.0)])) == pytest.approx(BENT.directions(np.array([(0.5, 0.5)])), abs=1e-9)
    assert half.focal_sigma == BENT.focal_sigma
    assert math.isclose(half.focal_x * 2, BENT.focal_x)
