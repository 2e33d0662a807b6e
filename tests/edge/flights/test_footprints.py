"""What a flight covered, by squares whose areas are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import Polygon, box

from edge.flights.footprints import coverage_of, footprint_of, overlap


def test_a_strip_with_a_frame_missing() -> None:
    """Ten by ten metres every four, and one frame left out: nothing between 18 and 20 m."""
    strip = [box(x, 0, x + 10, 10) for x in (0, 4, 8, 20, 24)]
    found = coverage_of(strip)
    assert found.area_m2 == pytest.approx(180 + 140)
    assert found.twice_m2 == pytest.approx(100 + 60)
    assert found.forward_overlap == pytest.approx((0.6, 0.6, 0.0, 0.6))
    (gap,) = found.gaps
    assert gap.area_m2 == pytest.approx(20.0)
    assert Polygon(gap.outline).equals(box(18, 0, 20, 10))


def test_a_hole_between_strips() -> None:
    ring = [box(0, 0, 30, 10), box(0, 20, 30, 30), box(0, 0, 10, 30), box(20, 0, 30, 30)]
    found = coverage_of(ring)
    assert [gap.area_m2 for gap in found.gaps] == pytest.approx([100.0])
    assert found.area_m2 == pytest.approx(800.0)
    assert found.twice_m2 == pytest.approx(400.0)


def test_frames_without_ground_count_as_nothing() -> None:
    found = coverage_of([box(0, 0, 10, 10), Polygon(), box(0, 0, 10, 10)])
    assert found.forward_overlap == (0.0, 0.0)
    assert found.twice_m2 == pytest.approx(100.0)
    empty = coverage_of([])
    assert (empty.area_m2, empty.twice_m2, empty.forward_overlap, empty.gaps) == (0.0, 0.0, (), ())
    assert coverage_of([box(0, 0, 1, 1), box(1, 0, 2, 1)]).twice_m2 == 0.0


def test_overlap_is_of_the_smaller_one() -> None:
    assert overlap(box(0, 0, 10, 10), box(0, 0, 2, 2)) == 1.0
    assert overlap(box(0, 0, 10, 10), box(5, 0, 15, 10)) == 0.5
    assert overlap(Polygon(), box(0, 0, 1, 1)) == 0.0


@pytest.mark.parametrize(
    "corners",
    [
        None,
        np.empty((0, 2)),
        np.array([(0.0, 0.0), (1.0, 1.0)]),
        np.array([(0.0, 0.0), (1.0, 1.0), (2.0, 2.0)]),
        np.array([(0.0, 0.0), (np.nan, 1.0), (2.0, 0.0)]),
    ],
)
def test_no_outline_is_an_empty_footprint(corners: np.ndarray | None) -> None:
    assert footprint_of(corners).is_empty


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=3, max_size=8))
def test_any_outline_is_a_valid_footprint(corners: list[tuple[float, float]]) -> None:
    shape = footprint_of(np.array(corners))
    assert shape.is_valid
    found = coverage_of([shape, shape])
    assert found.area_m2 == pytest.approx(shape.area)
    assert found.twice_m2 == pytest.approx(shape.area, rel=1e-6, abs=1e-6)


def test_a_long_flight_is_no_burden() -> None:
    """A thousand frames, each meeting dozens of others; the area of all is the strips' outline."""
    frames = [box(x * 10.0, y * 20.0, x * 10.0 + 50, y * 20.0 + 40) for y in range(20) for x in range(50)]
    found = coverage_of(frames)
    assert found.area_m2 == pytest.approx((49 * 10 + 50) * (19 * 20 + 40))
    assert not found.gaps
    assert found.area_m2 - 2_000 < found.twice_m2 < found.area_m2
