"""What a flight's cameras see of the points that several of them show, some points at a time.

A long flight has a million observations, and each needs a kilobyte while poses are adjusted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Doubles
from edge.vision.surface.shots import Eye
from edge.vision.surface.tying import Tracks

AT_ONCE = 5_000
"""Observations: a few MB."""


@dataclass(frozen=True, slots=True, eq=False)
class Cameras:
    """Eyes, stacked: from a place beside the centre to a pixel, and back."""

    forward: Doubles
    """(n, 3, 3)."""
    back: Doubles
    """(n, 3, 3)."""
    centres: Doubles
    """(n, 3)."""


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Some points and all their observations, in the order of the points."""

    where: slice
    """Of all points, those of this piece."""
    eyes: NDArray[np.int64]
    points: NDArray[np.int64]
    """Of each observation, counted from the first point of this piece."""
    pixels: Doubles
    starts: NDArray[np.int64]
    """Each point's first observation, counted from the first of this piece."""

    def summed(self, each: Doubles) -> Doubles:
        """(points, …): what observations (n, …) come to."""
        return np.asarray(np.add.reduceat(each, self.starts, axis=0), np.float64)


def stacked(eyes: Sequence[Eye]) -> Cameras:
    """Of at least one eye."""
    matrices, turns, centres = (np.stack([getattr(eye, name) for eye in eyes]) for name in ("matrix", "turn", "centre"))
    return Cameras(matrices @ turns.transpose(0, 2, 1), turns @ np.linalg.inv(matrices), centres)


def in_pieces(tracks: Tracks) -> Iterator[Piece]:
    """Of tracks in the order of their points, each of which is seen: about `AT_ONCE` observations, at least a point."""
    starts = np.flatnonzero(np.diff(tracks.points, prepend=-1))
    ends = np.append(starts[1:], len(tracks.points))
    at = 0
    while at < tracks.count:
        until = max(at + 1, int(np.searchsorted(ends, starts[at] + AT_ONCE, side="right")))
        looks = slice(int(starts[at]), int(ends[until - 1]))
        yield Piece(slice(at, until), tracks.eyes[looks], tracks.points[looks] - at, tracks.pixels[looks],
                    starts[at:until] - starts[at])  # fmt: skip
        at = until


def rays_of(cameras: Cameras, piece: Piece) -> Doubles:
    """(n, 3): where each observation looks, of length 1."""
    whole = np.concatenate((piece.pixels, np.ones((len(piece.pixels), 1))), axis=1)
    rays = np.einsum("nij,nj->ni", cameras.back[piece.eyes], whole)
    return np.asarray(rays / np.linalg.norm(rays, axis=1, keepdims=True), np.float64)


def met(cameras: Cameras, piece: Piece) -> Doubles:
    """(points, 3): the place nearest to all rays to each point."""
    rays = rays_of(cameras, piece)
    across = np.eye(3) - rays[:, :, None] * rays[:, None, :]
    normal = piece.summed(across) + 1e-9 * np.eye(3)
    right = piece.summed(np.einsum("nij,nj->ni", across, cameras.centres[piece.eyes]))
    return np.asarray(np.linalg.solve(normal, right[:, :, None])[:, :, 0], np.float64)


def gaps(cameras: Cameras, piece: Piece, points: Doubles) -> Doubles:
    """(n, 2): seen minus expected, in pixels; `points` (points, 3) of this piece."""
    apart = points[piece.points] - cameras.centres[piece.eyes]
    seen = np.einsum("nij,nj->ni", cameras.forward[piece.eyes], apart)
    return np.asarray(piece.pixels - seen[:, :2] / seen[:, 2:], np.float64)
