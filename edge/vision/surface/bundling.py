"""Poses of a flight's pictures made to agree about the points that several of them show.

Bundle adjustment (Triggs et al. 2000): poses and points at once by Gauss and Newton, points eliminated first, gross
errors weighed down (Huber 1964) and then left out. Each pose is held by how far it may be off; what all have in common
stays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from edge.vision.arrays import Doubles
from edge.vision.surface import normal_equations
from edge.vision.surface.observing import gaps, in_pieces, met, rays_of, stacked
from edge.vision.surface.shots import Eye
from edge.vision.surface.tying import Tracks

_ROUNDS = 8
MOST_STEPS = 3 * _ROUNDS
_GROSS_PX = 3.0
_SETTLED_M = 1e-3
_LEAST_ANGLE = 0.02
"""Radians between the rays to a point: below, its height says nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Bundled:
    """Corrected cameras, the points they agree about, and how well: medians in pixels before and after."""

    eyes: tuple[Eye, ...]
    points: Doubles
    """(n, 3), of those that were kept."""
    seen_in: NDArray[np.int64]
    """(eyes,): how many of them each shows. A picture with none is where its telemetry says."""
    before_px: float
    after_px: float


def bundle(eyes: Sequence[Eye], tracks: Tracks, sigmas: Doubles, stepped: Callable[[], None] = lambda: None) -> Bundled:
    """`sigmas` (n, 6): standard deviations of each pose, of east, north, up in metres and turns in radians.

    `stepped` is called after each step, at most `MOST_STEPS` times; what it raises ends the work.

    Raises:
        ValueError: `sigmas` does not fit the eyes, is not above zero or not finite.
    """
    if sigmas.shape != (len(eyes), 6) or not (np.isfinite(sigmas) & (sigmas > 0)).all():
        raise ValueError(
            f"sigmas: ({len(eyes)}, 6) finite numbers above zero are needed, found {sigmas.shape}, the least "
            f"{np.min(sigmas, initial=np.inf):g}, the greatest {np.max(sigmas, initial=-np.inf):g}"
        )
    nothing = Bundled(tuple(eyes), np.empty((0, 3)), np.zeros(len(eyes), np.int64), 0.0, 0.0)
    if not tracks.count:
        return nothing
    moved = list(eyes)
    values = np.zeros((len(eyes), 6))
    tracks = _usable(moved, _ordered(tracks))
    if not tracks.count:
        return nothing
    points = _met(moved, tracks)
    start = float(np.median(_sizes(moved, tracks, points)))
    for gross in (None, 3 * _GROSS_PX, _GROSS_PX):
        if gross is not None:
            tracks, points = _without_gross(moved, tracks, points, gross)
            if not tracks.count:
                return nothing
        for _ in range(_ROUNDS):
            step, points = normal_equations.step(stacked(moved), tracks, points, values, sigmas)
            stepped()
            values += step
            moved = [_turned(eye, value) for eye, value in zip(eyes, values, strict=True)]
            if float(np.abs(step[:, :3]).max()) < _SETTLED_M:
                break
        # Rays that met nowhere near the ground before may do so now, and the other way about.
        points = _met(moved, tracks)
    seen = np.bincount(tracks.eyes, minlength=len(eyes)).astype(np.int64)
    return Bundled(tuple(moved), points, seen, start, float(np.median(_sizes(moved, tracks, points))))


def _turned(eye: Eye, value: Doubles) -> Eye:
    turn = Rotation.from_rotvec(value[3:]).as_matrix() @ eye.turn
    return eye.moved(eye.centre + value[:3], turn)


def _ordered(tracks: Tracks) -> Tracks:
    """By points, without those that fewer than two pictures show."""
    order = np.argsort(tracks.points, kind="stable")
    ordered = Tracks(tracks.eyes[order], tracks.points[order], tracks.pixels[order], tracks.count)
    return _kept(ordered, np.ones(len(order), bool))[0]


def _met(eyes: Sequence[Eye], tracks: Tracks) -> Doubles:
    """(n, 3): the place nearest to all rays to each point."""
    cameras = stacked(eyes)
    return np.concatenate([met(cameras, piece) for piece in in_pieces(tracks)])


def _usable(eyes: Sequence[Eye], tracks: Tracks) -> Tracks:
    """Without points whose rays are nearly parallel or meet behind a camera."""
    cameras = stacked(eyes)
    usable = np.zeros(tracks.count, bool)
    for piece in in_pieces(tracks):
        rays, points = rays_of(cameras, piece), met(cameras, piece)
        seen = np.diff(piece.starts, append=len(rays))
        # The length of the mean of unit rays falls with the square of the angle between them.
        mean = np.linalg.norm(piece.summed(rays), axis=1) / seen
        spread = np.sqrt(np.maximum(1 - mean**2, 0)) * 2
        ahead = np.einsum("ni,ni->n", points[piece.points] - cameras.centres[piece.eyes], rays) > 0
        usable[piece.where] = (spread > _LEAST_ANGLE) & np.logical_and.reduceat(ahead, piece.starts)
    return _kept(tracks, usable[tracks.points])[0]


def _without_gross(eyes: Sequence[Eye], tracks: Tracks, points: Doubles, most_px: float) -> tuple[Tracks, Doubles]:
    kept, stays = _kept(tracks, _sizes(eyes, tracks, points) <= most_px)
    return kept, points[stays]


def _kept(tracks: Tracks, looks: NDArray[np.bool]) -> tuple[Tracks, NDArray[np.bool]]:
    """Observations that stay, and which points: those that fewer than two pictures still show go."""
    enough = np.bincount(tracks.points[looks], minlength=tracks.count) >= 2
    stays = looks & enough[tracks.points]
    number = np.cumsum(enough) - 1
    kept = Tracks(tracks.eyes[stays], number[tracks.points[stays]].astype(np.int64), tracks.pixels[stays],
                  int(enough.sum()))  # fmt: skip
    return kept, enough


def _sizes(eyes: Sequence[Eye], tracks: Tracks, points: Doubles) -> Doubles:
    """(n,): by how many pixels what is seen lies beside what is expected."""
    cameras = stacked(eyes)
    found = [np.linalg.norm(gaps(cameras, piece, points[piece.where]), axis=1) for piece in in_pieces(tracks)]
    return np.concatenate(found)
