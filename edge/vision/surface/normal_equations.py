"""One step of Gauss and Newton for poses and points at once, the points eliminated first (Triggs et al. 2000, §6.1).

What is known of a piece of the observations is added up and forgotten; it is worked out once more when the points
follow the poses: that keeps memory from growing with the flight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import bsr_matrix

from edge.vision.arrays import Doubles
from edge.vision.surface.banded import solved
from edge.vision.surface.observing import Cameras, Piece, in_pieces
from edge.vision.surface.tying import Tracks

_PIXEL_SIGMA = 0.5
_HUBER = 2.0


def step(
    cameras: Cameras, tracks: Tracks, points: Doubles, values: Doubles, sigmas: Doubles
) -> tuple[Doubles, Doubles]:
    """What to add to the poses (cameras, 6), and the points' new places.

    `points` (n, 3) in metres; `values` (cameras, 6): what poses were moved by so far, metres and radians; `sigmas`
    (cameras, 6) how far each may be off.
    """
    count = len(sigmas)
    own = np.eye(6) / sigmas[:, :, None] ** 2
    right = -values / sigmas**2
    through_points = bsr_matrix((6 * count, 6 * count), blocksize=(6, 6))
    for piece in in_pieces(tracks):
        part = _part(cameras, piece, points[piece.where])
        _add(own, piece.eyes, np.einsum("n,nci,ncj->nij", part.weight, part.of_eye, part.of_eye))
        _add(right, piece.eyes, np.einsum("n,nci,nc->ni", part.weight, part.of_eye, part.gap))
        share = np.einsum("nij,njk->nik", part.mixed, part.inverse[piece.points])
        _add(right, piece.eyes, -np.einsum("nij,nj->ni", share, part.right[piece.points]))
        through_points = through_points + _by_point(share, piece, count).T @ _by_point(part.mixed, piece, count)
    moved = solved(bsr_matrix((own, np.arange(count), np.arange(count + 1))) - through_points, right)
    places = np.empty_like(points)
    for piece in in_pieces(tracks):
        part = _part(cameras, piece, points[piece.where])
        back = part.right - piece.summed(np.einsum("nij,ni->nj", part.mixed, moved[piece.eyes]))
        places[piece.where] = points[piece.where] + np.einsum("nij,nj->ni", part.inverse, back)
    return moved, places


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """What a piece has to say; its n observations, its points."""

    gap: Doubles
    """(n, 2): seen minus expected."""
    weight: Doubles
    """(n,)"""
    of_eye: Doubles
    """(n, 2, 6): how a pixel moves with the camera."""
    mixed: Doubles
    """(n, 6, 3): what camera and point have to do with each other."""
    inverse: Doubles
    """(points, 3, 3)"""
    right: Doubles
    """(points, 3)"""


def _part(cameras: Cameras, piece: Piece, points: Doubles) -> _Part:
    apart = points[piece.points] - cameras.centres[piece.eyes]
    forward = cameras.forward[piece.eyes]
    turned = np.einsum("nij,nj->ni", forward, apart)
    depth = turned[:, 2]
    seen = turned[:, :2] / depth[:, None]
    gap = piece.pixels - seen
    size = np.linalg.norm(gap, axis=1) / _PIXEL_SIGMA
    weight = np.minimum(1.0, _HUBER / np.maximum(size, 1e-9)) / _PIXEL_SIGMA**2
    down = np.zeros((len(gap), 2, 3))
    down[:, 0, 0] = down[:, 1, 1] = 1 / depth
    down[:, :, 2] = -seen / depth[:, None]
    # How a pixel moves with its point; with the camera the other way; with a turn t about the centre as with t × …
    of_point = np.einsum("nij,njk->nik", down, forward)
    of_turn = -np.cross(apart[:, None, :], of_point)
    of_eye = np.concatenate((-of_point, of_turn), axis=2)
    heavy = weight[:, None, None] * of_point
    normal = piece.summed(np.einsum("nci,ncj->nij", heavy, of_point)) + 1e-6 * np.eye(3)
    right = piece.summed(np.einsum("nci,nc->ni", heavy, gap))
    mixed = np.einsum("nci,ncj->nij", of_eye, heavy)
    inverse = np.asarray(np.linalg.inv(normal), np.float64)
    return _Part(gap, weight, of_eye, mixed, inverse, right)


def _by_point(blocks: Doubles, piece: Piece, cameras: int) -> bsr_matrix:
    """(3 points, 6 cameras), of blocks (n, 6, 3) of each observation."""
    rows = np.append(piece.starts, len(blocks))
    shape = 3 * len(piece.starts), 6 * cameras
    return bsr_matrix((np.ascontiguousarray(blocks.transpose(0, 2, 1)), piece.eyes, rows), shape=shape)


def _add(sums: Doubles, places: NDArray[np.int64], each: Doubles) -> None:
    """As `np.add.at`, which goes number by number."""
    order = np.argsort(places, kind="stable")
    ordered = places[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    sums[ordered[starts]] += np.add.reduceat(each[order], starts, axis=0)
