"""Points in zones: against a plain rule in whole numbers, and what belongs to whom on a border."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.vision.zones import Anchor, Zones, anchor_points

Corners = list[tuple[int, int]]


def plainly(corners: Corners, x: int, y: int) -> bool:
    """Crossings to the left of the point, in whole numbers: nothing is rounded."""
    inside = False
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        if (y0 <= y) != (y1 <= y):
            (low_x, low_y), (high_x, high_y) = sorted(((x0, y0), (x1, y1)), key=lambda corner: corner[1])
            inside ^= (x - low_x) * (high_y - low_y) >= (y - low_y) * (high_x - low_x)
    return inside


corner = st.tuples(st.integers(0, 16), st.integers(0, 16))


@given(polygons=st.lists(st.lists(corner, min_size=3, max_size=7), min_size=1, max_size=5))
@settings(deadline=None)
def test_as_written_plainly_on_every_pixel(polygons: list[Corners]) -> None:
    """Corners, borders, crossing and flat outlines included: heights are powers of two apart or thirds, all exact."""
    grid = [(x, y) for x in range(-1, 18) for y in range(-1, 18)]
    inside = Zones(polygons).contain(np.array(grid, float))
    for zone, corners in enumerate(polygons):
        for index, (x, y) in enumerate(grid):
            if _on_a_slant(corners, x, y):
                continue  # there the sum is rounded; the next test says what must hold of it
            assert inside[zone, index] == plainly(corners, x, y), (corners, x, y)


def _on_a_slant(corners: Corners, x: int, y: int) -> bool:
    for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
        on_line = (x1 - x0) * (y - y0) == (y1 - y0) * (x - x0)
        if x0 != x1 and y0 != y1 and on_line:
            return True
    return False


@given(
    cut=st.tuples(st.floats(0, 40), st.floats(60, 100)),
    points=st.lists(st.tuples(st.floats(0, 99.9), st.floats(0, 99.9)), min_size=1, max_size=30),
    shares=st.lists(st.floats(0, 0.999), max_size=20),
)
@settings(deadline=None)
def test_neighbours_share_out_every_point(
    cut: tuple[float, float], points: list[tuple[float, float]], shares: list[float]
) -> None:
    """Two zones that meet at a slanted border: every point is in exactly one, also those on the border itself."""
    top, bottom = cut
    left = [(0.0, 0.0), (top, 0.0), (bottom, 100.0), (0.0, 100.0)]
    right = [(100.0, 100.0), (bottom, 100.0), (top, 0.0), (100.0, 0.0)]
    border = [(top + (bottom - top) * share, 100.0 * share) for share in shares]
    inside = Zones([left, right]).contain(np.array(points + border))
    assert (inside.sum(axis=0) == 1).all()


def test_a_border_belongs_to_the_zone_right_and_below() -> None:
    square = Zones([[(10, 10), (20, 10), (20, 20), (10, 20)]])
    points = np.array([(10, 10), (20, 15), (15, 20), (10, 15), (15, 10), (19.99, 19.99)])
    assert square.contain(points)[0].tolist() == [True, False, False, True, True, True]


@pytest.mark.parametrize(
    ("anchor", "point"),
    [(Anchor.CENTRE, (20, 40)), (Anchor.BOTTOM, (20, 60)), (Anchor.TOP_LEFT, (10, 20)), (Anchor.RIGHT, (30, 40))],
)
def test_the_point_that_stands_for_a_box(anchor: Anchor, point: tuple[float, float]) -> None:
    assert anchor_points(np.array([[10, 20, 30, 60]], np.float32), anchor).tolist() == [list(point)]


def test_nothing_to_test() -> None:
    assert Zones([]).contain(np.zeros((3, 2))).shape == (0, 3)
    assert Zones([[(0, 0), (1, 0), (0, 1)]]).contain(np.zeros((0, 2))).shape == (1, 0)


def test_a_zone_needs_corners() -> None:
    with pytest.raises(ValueError, match="zone 1: found 2 corners, expected at least 3"):
        Zones([[(0, 0), (1, 0), (0, 1)], [(0, 0), (1, 1)]])
