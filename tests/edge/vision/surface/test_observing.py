"""Observations of points, some at a time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.vision.surface import observing
from edge.vision.surface.observing import in_pieces
from edge.vision.surface.tying import Tracks


@given(st.lists(st.integers(1, 9), max_size=30), st.integers(1, 40))
def test_pieces_are_whole_points_and_as_many_as_there_is_room_for(sizes: list[int], at_once: int) -> None:
    points = np.repeat(np.arange(len(sizes)), sizes)
    rng = np.random.default_rng(1)
    tracks = Tracks(rng.integers(0, 5, len(points)), points, rng.normal(size=(len(points), 2)), len(sizes))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(observing, "AT_ONCE", at_once)
        pieces = list(in_pieces(tracks))
    assert [point for piece in pieces for point in range(len(sizes))[piece.where]] == list(range(len(sizes)))
    assert [eye for piece in pieces for eye in piece.eyes.tolist()] == tracks.eyes.tolist()
    assert [pixel for piece in pieces for pixel in piece.pixels.tolist()] == tracks.pixels.tolist()
    assert [point + piece.where.start for piece in pieces for point in piece.points.tolist()] == points.tolist()
    for piece in pieces:
        assert piece.summed(np.ones(len(piece.eyes))).tolist() == sizes[piece.where]
        assert sum(sizes[piece.where]) <= at_once or piece.where.stop - piece.where.start == 1
    for piece, after in pairwise(pieces):
        assert sum(sizes[piece.where]) + sizes[after.where.start] > at_once, "the next would have had room"
