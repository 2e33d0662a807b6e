"""Points of the ground and of roofs that several pictures of one flight show: what their poses must agree about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from scipy.stats import poisson

from edge.vision.arrays import Doubles
from edge.vision.change.features import Features, matches
from edge.vision.change.views import through
from edge.vision.surface.shots import Eye

Pairs = NDArray[np.int64]
"""(n, 2): places of points among those of the first picture, and of the second."""
LEAST_MATCHES = 24
LEAST_SHARE = 0.3
"""Of what looks alike, that agrees: pictures of other ground kept a quarter, of the same ground two thirds and more;
but a third where lines of a flight overlap by a third, over high houses. Of grass and crowns a quarter does, too: such
pictures show the same ground if what looks alike is moved alike, more often than chance has it."""
_ALIKE = 0.1
"""How far, as a share of the reach, what is moved alike may lie apart."""
_CHANCE = 1e-6
_EPIPOLAR_PX = 2.0
_LEAST_OVERLAP = 0.15


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """The same points in two pictures of a flight."""

    first: int
    second: int
    pairs: Pairs


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """What is seen again: observation n shows point `points[n]` in picture `eyes[n]` at `pixels[n]`."""

    eyes: NDArray[np.int64]
    points: NDArray[np.int64]
    pixels: Doubles
    count: int
    """Of points."""


def overlapping(eyes: Sequence[Eye], up_m: float, least: float = _LEAST_OVERLAP) -> list[tuple[int, int, float]]:
    """Pairs of pictures that show the same ground, and which share of the smaller one's: (first, second, share)."""
    if len(eyes) < 2:
        return []
    outlines = [shapely.make_valid(shapely.Polygon(eye.outline(up_m))) for eye in eyes]
    tree = shapely.STRtree(outlines)
    found = []
    for one, other in tree.query(outlines, predicate="intersects").T:
        if one < other:
            shared = outlines[one].intersection(outlines[other]).area
            share = float(shared / min(outlines[one].area, outlines[other].area))
            if share >= least:
                found.append((int(one), int(other), share))
    return sorted(found)


def matched(one: Eye, other: Eye, here: Features, there: Features, up_m: float, reach_m: float) -> Pairs | None:
    """(n, 2): points of two pictures that agree with one epipolar geometry; None if there are too few.

    `reach_m`: how far the poses, and the height of roofs, may put a point from where the ground at `up_m` would be.
    """
    level, reach_px = _level_map(one, other, up_m), reach_m / other.gsd_m(up_m)
    found = matches(here, there, level, reach_px)
    if len(found[0]) < LEAST_MATCHES:
        return None
    fundamental, inside = cv2.findFundamentalMat(*found, cv2.USAC_MAGSAC, _EPIPOLAR_PX, 0.999, 2000)
    if fundamental is None or inside is None or int(inside.sum()) < LEAST_MATCHES:
        return None
    kept = inside.ravel() > 0
    if kept.mean() < LEAST_SHARE and not moved_alike(found[1] - through(level, found[0]), reach_px):
        return None
    ends = _numbers(here.points, found[0][kept]), _numbers(there.points, found[1][kept])
    # What was described in two directions is one point.
    pairs = np.unique(np.stack(ends, axis=1), axis=0)
    return pairs if len(pairs) >= LEAST_MATCHES else None


def moved_alike(shifts: Doubles, reach_px: float) -> bool:
    """Whether more of `shifts` (n, 2) lie together than chance would put there, were they strewn within the reach.

    A contrario (Desolneux, Moisan and Morel 2000): of all neighbourhoods that were tried, less than one in a million
    would be as full.
    """
    inside = np.asarray(cKDTree(shifts).query_ball_point(shifts, _ALIKE * reach_px, p=np.inf, return_length=True))
    expected = _ALIKE**2 * (len(shifts) - 1)
    # Each neighbourhood is that of one shift, which is in it for certain.
    return bool(len(shifts) * poisson.sf(int(inside.max()) - 2, expected) < _CHANCE)


def tracks_of(found: Sequence[Match], points: Sequence[Doubles]) -> Tracks:
    """Matches joined; `points` (n, 2) of each picture. What would be at two places of one picture is left out."""
    if not found:
        return Tracks(np.empty(0, np.int64), np.empty(0, np.int64), np.empty((0, 2)), 0)
    starts = np.concatenate(([0], np.cumsum([len(each) for each in points]))).astype(np.int64)
    ends = np.concatenate([each.pairs + starts[[each.first, each.second]] for each in found])
    total = int(starts[-1])
    joined = coo_matrix((np.ones(len(ends), np.int8), (ends[:, 0], ends[:, 1])), shape=(total, total))
    _, label = connected_components(joined, directed=False)
    nodes = np.unique(ends)
    eyes = np.searchsorted(starts, nodes, side="right") - 1
    labels = label[nodes]
    order = np.lexsort((eyes, labels))
    nodes, eyes, labels = nodes[order], eyes[order], labels[order]
    twice = np.flatnonzero((np.diff(labels) == 0) & (np.diff(eyes) == 0))
    good = ~np.isin(labels, labels[twice])
    nodes, eyes, labels = nodes[good], eyes[good], labels[good]
    names, numbers = np.unique(labels, return_inverse=True)
    pixels = np.concatenate(points)[nodes]
    return Tracks(eyes.astype(np.int64), numbers.astype(np.int64), np.asarray(pixels, np.float64), len(names))


def _level_map(one: Eye, other: Eye, up_m: float) -> Doubles:
    """(3, 3): pixels of one to those of the other, for a level of height `up_m`."""
    maps = []
    for eye in (one, other):
        turned = eye.matrix @ eye.turn.T
        shift = turned @ (np.array((0.0, 0.0, up_m)) - eye.centre)
        maps.append(np.column_stack((turned[:, 0], turned[:, 1], shift)))
    found = maps[1] @ np.linalg.inv(maps[0])
    return np.asarray(found / found[2, 2], np.float64)


def _numbers(points: Doubles, chosen: Doubles) -> NDArray[np.int64]:
    """Places of `chosen` among `points`: rows of the latter, unchanged."""
    order = np.lexsort((points[:, 1], points[:, 0]))
    keys = points[order, 0] + 1j * points[order, 1]
    return np.asarray(order[np.searchsorted(keys, chosen[:, 0] + 1j * chosen[:, 1])], np.int64)
