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
from scipy.sparse import bsr_matrix
from scipy.sparse.linalg import spsolve
from scipy.spatial.transform import Rotation

from edge.vision.arrays import Doubles
from edge.vision.surface.shots import Eye
from edge.vision.surface.tying import Tracks

_ROUNDS = 8
MOST_STEPS = 3 * _ROUNDS
_PIXEL_SIGMA = 0.5
_HUBER = 2.0
_GROSS_PX = 3.0
_SETTLED_M = 1e-3
_PAIRS_AT_ONCE = 50_000
"""Of observations of one point: 30 MB."""
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
    tracks, points = _usable(moved, tracks)
    if not tracks.count:
        return nothing
    start = float(np.median(np.linalg.norm(_gaps(moved, tracks, points), axis=1)))
    for gross in (None, 3 * _GROSS_PX, _GROSS_PX):
        if gross is not None:
            tracks, points = _without_gross(moved, tracks, points, gross)
            if not tracks.count:
                return nothing
        for _ in range(_ROUNDS):
            step, points = _step(moved, tracks, points, values, sigmas)
            stepped()
            values += step
            moved = [_turned(eye, value) for eye, value in zip(eyes, values, strict=True)]
            if float(np.abs(step[:, :3]).max()) < _SETTLED_M:
                break
        # Rays that met nowhere near the ground before may do so now, and the other way about.
        points = _met(moved, tracks)
    gaps = np.linalg.norm(_gaps(moved, tracks, points), axis=1)
    seen = np.bincount(tracks.eyes, minlength=len(eyes)).astype(np.int64)
    return Bundled(tuple(moved), points, seen, start, float(np.median(gaps)))


def _turned(eye: Eye, value: Doubles) -> Eye:
    turn = Rotation.from_rotvec(value[3:]).as_matrix() @ eye.turn
    return eye.moved(eye.centre + value[:3], turn)


def _looks(eyes: Sequence[Eye], tracks: Tracks) -> tuple[Doubles, Doubles, Doubles, Doubles]:
    matrices, turns, centres = (np.stack([getattr(eye, name) for eye in eyes]) for name in ("matrix", "turn", "centre"))
    whole = np.concatenate((tracks.pixels, np.ones((len(tracks.pixels), 1))), axis=1)
    inverse = np.linalg.inv(matrices)[tracks.eyes]
    rays = np.einsum("nij,njk,nk->ni", turns[tracks.eyes], inverse, whole)
    return matrices, turns, centres, rays / np.linalg.norm(rays, axis=1, keepdims=True)


def _met(eyes: Sequence[Eye], tracks: Tracks) -> Doubles:
    """(n, 3): the place nearest to all rays to each point."""
    _, _, centres, rays = _looks(eyes, tracks)
    across = np.eye(3) - rays[:, :, None] * rays[:, None, :]
    normal = np.zeros((tracks.count, 3, 3))
    right = np.zeros((tracks.count, 3))
    np.add.at(normal, tracks.points, across)
    np.add.at(right, tracks.points, np.einsum("nij,nj->ni", across, centres[tracks.eyes]))
    normal += 1e-9 * np.eye(3)
    return np.asarray(np.linalg.solve(normal, right[:, :, None])[:, :, 0], np.float64)


def _usable(eyes: Sequence[Eye], tracks: Tracks) -> tuple[Tracks, Doubles]:
    """Without points whose rays are nearly parallel or meet behind a camera."""
    _, _, centres, rays = _looks(eyes, tracks)
    points = _met(eyes, tracks)
    mean = np.zeros((tracks.count, 3))
    np.add.at(mean, tracks.points, rays)
    seen = np.bincount(tracks.points, minlength=tracks.count)
    # The length of the mean of unit rays falls with the square of the angle between them.
    spread = np.sqrt(np.maximum(1 - (np.linalg.norm(mean, axis=1) / np.maximum(seen, 1)) ** 2, 0)) * 2
    ahead = np.einsum("ni,ni->n", points[tracks.points] - centres[tracks.eyes], rays) > 0
    bad = np.zeros(tracks.count, bool)
    bad[tracks.points[~ahead]] = True
    return _kept(tracks, points, np.ones(len(tracks.eyes), bool), (spread > _LEAST_ANGLE) & ~bad)


def _without_gross(eyes: Sequence[Eye], tracks: Tracks, points: Doubles, most_px: float) -> tuple[Tracks, Doubles]:
    good = np.linalg.norm(_gaps(eyes, tracks, points), axis=1) <= most_px
    return _kept(tracks, points, good, np.ones(tracks.count, bool))


def _kept(tracks: Tracks, points: Doubles, looks: NDArray[np.bool], whole: NDArray[np.bool]) -> tuple[Tracks, Doubles]:
    """Observations and points that stay; points that fewer than two pictures still show go."""
    stays = looks & whole[tracks.points]
    enough = np.bincount(tracks.points[stays], minlength=tracks.count) >= 2
    stays &= enough[tracks.points]
    number = np.cumsum(enough) - 1
    kept = Tracks(tracks.eyes[stays], number[tracks.points[stays]].astype(np.int64), tracks.pixels[stays],
                  int(enough.sum()))  # fmt: skip
    return kept, points[enough]


def _gaps(eyes: Sequence[Eye], tracks: Tracks, points: Doubles) -> Doubles:
    """(n, 2): seen minus expected, in pixels."""
    seen = np.empty_like(tracks.pixels)
    for number, eye in enumerate(eyes):
        mine = tracks.eyes == number
        if mine.any():
            seen[mine] = eye.pixels(points[tracks.points[mine]])
    return tracks.pixels - seen


def _step(eyes: Sequence[Eye], tracks: Tracks, points: Doubles, values: Doubles,
          sigmas: Doubles) -> tuple[Doubles, Doubles]:  # fmt: skip
    """One step of Gauss and Newton: (eyes, 6) for the poses, and the points' new places."""
    matrices, turns, centres, _ = _looks(eyes, tracks)
    apart = points[tracks.points] - centres[tracks.eyes]
    turned = np.einsum("nij,nj->ni", np.einsum("nij,nkj->nik", matrices, turns)[tracks.eyes], apart)
    depth = turned[:, 2]
    seen = turned[:, :2] / depth[:, None]
    gap = tracks.pixels - seen
    size = np.linalg.norm(gap, axis=1) / _PIXEL_SIGMA
    weight = np.minimum(1.0, _HUBER / np.maximum(size, 1e-9)) / _PIXEL_SIGMA**2
    down = np.zeros((len(gap), 2, 3))
    down[:, 0, 0] = down[:, 1, 1] = 1 / depth
    down[:, :, 2] = -seen / depth[:, None]
    # How a pixel moves with its point; with the camera the other way; with a turn t about the centre as with t × …
    of_point = np.einsum("nij,njk->nik", down, np.einsum("nij,nkj->nik", matrices, turns)[tracks.eyes])
    of_turn = -np.cross(apart[:, None, :], of_point)
    of_eye = np.concatenate((-of_point, of_turn), axis=2)
    return _solved(tracks, points, values, sigmas, gap, weight, of_eye, of_point)


def _solved(
    tracks: Tracks, points: Doubles, values: Doubles, sigmas: Doubles, gap: Doubles, weight: Doubles, of_eye: Doubles,
    of_point: Doubles,
) -> tuple[Doubles, Doubles]:  # fmt: skip
    count = len(sigmas)
    heavy = weight[:, None, None] * of_point
    point_normal = np.zeros((tracks.count, 3, 3))
    point_right = np.zeros((tracks.count, 3))
    np.add.at(point_normal, tracks.points, np.einsum("nci,ncj->nij", heavy, of_point))
    np.add.at(point_right, tracks.points, np.einsum("nci,nc->ni", heavy, gap))
    point_normal += 1e-6 * np.eye(3)
    inverse = np.linalg.inv(point_normal)
    mixed = np.einsum("n,nci,ncj->nij", weight, of_eye, of_point)
    eye_normal = np.zeros((count, 6, 6))
    right = -values / sigmas**2
    np.add.at(eye_normal, tracks.eyes, np.einsum("n,nci,ncj->nij", weight, of_eye, of_eye))
    np.add.at(right, tracks.eyes, np.einsum("n,nci,nc->ni", weight, of_eye, gap))
    share = np.einsum("nij,njk->nik", mixed, inverse[tracks.points])
    np.add.at(right, tracks.eyes, -np.einsum("nij,nj->ni", share, point_right[tracks.points]))
    own = bsr_matrix((eye_normal + np.eye(6) / sigmas[:, :, None] ** 2, np.arange(count), np.arange(count + 1)))
    normal = (own - _through_points(tracks, share, mixed, count)).tocsc()
    step = np.asarray(spsolve(normal, right.ravel()), np.float64).reshape(count, 6)
    back = point_right.copy()
    np.add.at(back, tracks.points, -np.einsum("nij,ni->nj", mixed, step[tracks.eyes]))
    return step, points + np.einsum("nij,nj->ni", inverse, back)


def _through_points(tracks: Tracks, share: Doubles, mixed: Doubles, count: int) -> bsr_matrix:
    """(6 count, 6 count): what poses have to do with each other by the points that both look at.

    Summed up block by block, some at a time: a flight of a quarter of an hour has millions of pairs of observations.
    """
    first, second = _together(tracks.points)
    blocks_of = tracks.eyes[first] * count + tracks.eyes[second]
    order = np.argsort(blocks_of, kind="stable")
    first, second, blocks_of = first[order], second[order], blocks_of[order]
    starts = np.flatnonzero(np.diff(blocks_of, prepend=-1))
    ends = np.append(starts[1:], len(order))
    blocks = np.empty((len(starts), 6, 6))
    at = 0
    while at < len(starts):
        # One block at least, however many pairs it has.
        until = max(at + 1, int(np.searchsorted(ends, starts[at] + _PAIRS_AT_ONCE, side="right")))
        some = np.s_[starts[at] : ends[until - 1]]
        products = np.einsum("nij,nkj->nik", share[first[some]], mixed[second[some]])
        blocks[at:until] = np.add.reduceat(products, starts[at:until] - starts[at], axis=0)
        at = until
    heres, theres = np.divmod(blocks_of[starts], count)
    begins = np.searchsorted(heres, np.arange(count + 1))
    return bsr_matrix((blocks, theres, begins), shape=(6 * count, 6 * count))


def _together(points: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All ordered pairs of observations of one point, each with itself included."""
    order = np.argsort(points, kind="stable")
    ordered = points[order]
    starts = np.searchsorted(ordered, ordered, side="left")
    ends = np.searchsorted(ordered, ordered, side="right")
    sizes = ends - starts
    first = np.repeat(np.arange(len(points)), sizes)
    offset = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return order[first], order[np.repeat(starts, sizes) + offset]
