"""What stands between a place and a camera hides it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.vision.arrays import Doubles
from edge.vision.surface.patches import Patch
from edge.vision.surface.seeing import visible_part, visible_share
from edge.vision.surface.surfaces import Grid, Heights

GRID = Grid(-20.0, 20.0, 160, 160, 0.25)
PLACE = np.array(((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.5, 0.5)))
ABOVE, EAST = np.array((0.0, 0.0, 60.0)), np.array((40.0, 0.0, 40.0))
"""Eastward it looks at the place under 45°."""


def wall(west: float, up: float) -> Heights:
    """A wall of 2 m from there on, along the north, on level ground."""
    heights = np.zeros((160, 160), np.float32)
    column = round((west + 20) / 0.25)
    heights[:, column : column + 8] = up
    return heights


def share(heights: Heights, camera: Doubles, up: float = 0.0, places: Doubles = PLACE) -> float:
    return visible_share(heights, GRID, places, up, camera, float(np.nanmax(heights, initial=up)))


def test_a_wall_hides_what_lies_behind_it_and_nothing_else() -> None:
    high = wall(3.0, 8.0)
    assert share(high, EAST) == 0.0
    assert share(high, ABOVE) == 1.0
    assert share(high, EAST * (-1, 1, 1)) == 1.0, "from the other side"
    assert share(wall(12.0, 8.0), EAST) == 1.0, "too far off to hide it"
    assert share(high, EAST, 9.0) == 1.0, "a roof that is higher is seen over it"


@pytest.mark.parametrize(("up", "seen"), [(1.0, 1.0), (2.0, 1.0), (6.0, 0.0)])
def test_what_is_low_hides_nothing(up: float, seen: float) -> None:
    # 3 m off and 45° steep: from 3 m on it hides.
    assert share(wall(3.0, up), EAST) == seen


def test_a_part_is_a_share() -> None:
    line = np.column_stack((np.linspace(-10.0, 1.5, 24), np.zeros(24)))
    # The wall is 6 m high and begins at 3 m: what lies within some 6 m of it is hidden.
    found = share(wall(3.0, 6.0), EAST, places=line)
    assert 0.3 < found < 0.8


def test_what_is_unknown_and_what_lies_beyond_the_grid_hides_nothing() -> None:
    assert share(np.full((160, 160), np.nan, np.float32), EAST) == 1.0
    assert share(np.where(wall(3.0, 8.0) > 0, np.float32(np.nan), np.float32(0.0)), EAST) == 1.0
    assert share(wall(3.0, 8.0), EAST, places=PLACE + 500.0) == 1.0


def test_many_places_are_thinned_and_say_the_same() -> None:
    places = np.random.default_rng(1).uniform(-1, 1, (5_000, 2))
    assert share(wall(3.0, 8.0), EAST, places=places) == 0.0
    assert share(wall(3.0, 8.0), ABOVE, places=places) == 1.0


@settings(deadline=None, max_examples=60)
@given(
    east=st.floats(-500, 500),
    north=st.floats(-500, 500),
    over=st.floats(-50, 500),
    up=st.floats(-20, 60),
    seed=st.integers(0, 100),
)
def test_whatever_is_looked_at_it_is_a_share(east: float, north: float, over: float, up: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    heights = rng.uniform(-5, 30, (160, 160)).astype(np.float32)
    heights[rng.random(heights.shape) < 0.2] = np.nan
    assert 0.0 <= share(heights, np.array((east, north, over)), up) <= 1.0


def test_the_part_that_is_seen_is_the_share_as_pixels() -> None:
    patch = Patch(-10.0, 2.0, 40, 115, 0.1)
    heights = wall(3.0, 6.0)
    part = visible_part(heights, GRID, patch, 0.0, EAST, 6.0)
    assert part.shape == (40, 115)
    assert set(np.unique(part)) == {0, 255}
    # The wall is 6 m high and begins at 3 m: from 45° it hides what lies within 6 m of it, less half a metre's mercy.
    east = patch.metres(np.column_stack((np.arange(115), np.zeros(115))))[:, 0]
    hidden = east[(part == 0).all(axis=0)]
    assert -4.0 < hidden.min() < -1.5
    assert hidden.max() > 1.0
    assert (visible_part(heights, GRID, patch, 0.0, ABOVE, 6.0) == 255).all()
    assert (visible_part(np.full((160, 160), np.nan, np.float32), GRID, patch, 0.0, EAST, 6.0) == 255).all()
