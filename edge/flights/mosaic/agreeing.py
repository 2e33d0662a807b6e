"""Makes the poses of one flight agree before its pictures are laid side by side: a port, and what stands behind it.

What a drone states of two neighbours differs by a metre or so, which a seam would show as a step in every kerb. The
flight as a whole stays where it is said to be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.spatial import cKDTree

from edge.flights.pictured import Pictured
from edge.flights.placed import Placed
from edge.flights.shots import Progress
from edge.vision.arrays import Doubles
from edge.vision.pose import Pose
from edge.vision.surface.bundling import bundle
from edge.vision.surface.tying import Match, matched, overlapping, tracks_of

REACH, LEAST_REACH_M = 0.12, 5.0
"""How far from where the ground would be a point is sought, as a share of the height: what poses of one flight are off
by against each other, and how far crowns lean. Farther off more looks alike than is found."""
LEAST_POINTS = 12
"""That a picture must share with others before its pose is moved."""
NEIGHBOURS = 5
"""Frames that each is tied to: two along its line, and some beside it."""
_LOOK_PX = 1200
"""Width of the pictures that are tied: more show no more neighbours, and cost their square."""


@dataclass(frozen=True, slots=True, eq=False)
class Agreed:
    """A pose for each frame of the flight, in its order."""

    poses: tuple[Pose, ...]
    before_m: float
    after_m: float
    """Median by which the same points disagreed between pictures, before and after; metres on the ground."""
    ties: int
    """Pairs of neighbours that were found to show the same ground."""


class Agree(Protocol):
    """How poses are made to agree."""

    def __call__(self, placed: Placed, progress: Progress) -> Agreed:
        """Never raises for a picture that is broken or shows nothing that can be found again: it keeps its pose."""


def as_stated(placed: Placed, progress: Progress) -> Agreed:
    """The poses as they are."""
    return Agreed(tuple(frame.pose for frame in placed.flight.frames), 0.0, 0.0, 0)


def tied(placed: Placed, progress: Progress) -> Agreed:
    """Bundle adjustment of the flight's own pictures (see `edge.vision.surface.bundling`).

    A picture in which too few points of others are found keeps its pose.
    """
    frames = placed.flight.frames
    gsd_m = _look_gsd_m(placed)
    pictured = Pictured(placed, placed.flight.plane, gsd_m)
    if len(pictured) < 2:
        return as_stated(placed, progress)
    matches, points = _matches(pictured, progress)
    found = bundle(pictured.eyes, tracks_of(matches, points), pictured.sigmas)
    poses = [frame.pose for frame in frames]
    eyes = iter(range(len(pictured)))
    index = next(eyes, None)
    for number, frame in enumerate(frames):
        if index is None or pictured.name(index) != frame.name:
            continue  # it cannot be looked at
        if found.seen_in[index] >= LEAST_POINTS:
            east, north, up = (float(value) for value in found.eyes[index].centre)
            poses[number] = Pose(east, north, up, found.eyes[index].turn, frame.pose.covariance)
        index = next(eyes, None)
    return Agreed(tuple(poses), found.before_px * gsd_m, found.after_px * gsd_m, len(matches))


def neighbours(places: Sequence[tuple[float, float]], count: int = NEIGHBOURS) -> list[tuple[int, int]]:
    """Pairs (smaller, larger) of each place with the `count` nearest to it, in order."""
    if len(places) < 2:
        return []
    at = np.asarray(places, np.float64)
    _, found = cKDTree(at).query(at, k=min(count + 1, len(at)))
    pairs = {(min(one, int(other)), max(one, int(other))) for one, row in enumerate(found) for other in row}
    return sorted(pair for pair in pairs if pair[0] != pair[1])


def _look_gsd_m(placed: Placed) -> float:
    frames = placed.flight.frames
    places = np.array([(frame.pose.east_m, frame.pose.north_m) for frame in frames]).reshape(-1, 2)
    heights = [frame.pose.up_m for frame in frames] - placed.ground.heights(places)
    widths = [height * frame.lens.width / frame.lens.focal_x for height, frame in zip(heights, frames, strict=True)]
    known = [width for width in widths if width > 0]  # NaN is not
    return float(np.median(known)) / _LOOK_PX if known else 1.0


def _matches(pictured: Pictured, progress: Progress) -> tuple[list[Match], list[Doubles]]:
    """Of neighbours, and the points of each picture."""
    near = set(neighbours([(float(eye.centre[0]), float(eye.centre[1])) for eye in pictured.eyes]))
    pairs = [pair[:2] for pair in overlapping(pictured.eyes, pictured.ground_m) if pair[:2] in near]
    points: list[Doubles] = [np.empty((0, 2))] * len(pictured)
    found: list[Match] = []
    progress.begins("tied", len(pairs))
    for first, second in sorted(pairs, key=lambda pair: (pair[1], pair[0])):
        progress.advances()
        here, there = pictured.features(first), pictured.features(second)
        if here is None or there is None:
            continue
        points[first], points[second] = here.points, there.points
        ground = float(pictured.grounds_m[[first, second]].mean())
        one, other = pictured.eyes[first], pictured.eyes[second]
        reach = max(REACH * (float(other.centre[2]) - ground), LEAST_REACH_M)
        joined = matched(one, other, here, there, ground, reach)
        if joined is not None:
            found.append(Match(first, second, joined))
    return found, points
