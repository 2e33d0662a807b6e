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

from edge.flights.flight import KeyFrame
from edge.flights.looking import Looks, Placed
from edge.flights.shots import Progress
from edge.vision.arrays import Doubles
from edge.vision.change.adjusting import Tie, Trust, adjust, tie_of
from edge.vision.change.registering import Found, RegisterSettings, find_ground
from edge.vision.change.views import View, prior_of
from edge.vision.lens import Lens
from edge.vision.pose import Pose

_TIED = RegisterSettings(least_inliers=16)
"""Fewer than for another season's flight: on one day and from one height what matches is mostly right."""
NEIGHBOURS = 5
"""Frames that each is tied to: two along its line, and some beside it."""
_LOOK_PX = 1600
"""Width of the pictures that are tied: more show no more neighbours, and cost their square."""


@dataclass(frozen=True, slots=True, eq=False)
class Agreed:
    """A pose for each frame of the flight, in its order."""

    poses: tuple[Pose, ...]
    before_m: float
    after_m: float
    """Root mean square by which the same ground disagreed between neighbours, before and after."""
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
    """Ties each frame to its neighbours, and moves all poses until they agree about a level ground."""
    frames = placed.flight.frames
    looks = Looks(placed, placed.flight.plane, _look_gsd_m(placed))
    pairs = neighbours([(frames[number].pose.east_m, frames[number].pose.north_m) for number in looks.numbers])
    ties = _ties(looks, pairs, progress)
    moved = adjust(looks.outlines, ties, [_trust(placed, number) for number in looks.numbers])
    poses = [frame.pose for frame in frames]
    if moved.after_m >= moved.before_m:  # nothing was gained
        return Agreed(tuple(poses), moved.before_m, moved.before_m, len(ties))
    for number, before, after in zip(looks.numbers, looks.outlines, moved.views, strict=True):
        poses[number] = _moved(frames[number], before, after)
    return Agreed(tuple(poses), moved.before_m, moved.after_m, len(ties))


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


def _ties(looks: Looks, pairs: Sequence[tuple[int, int]], progress: Progress) -> list[Tie]:
    found: list[Tie] = []
    progress.begins("tied", len(pairs))
    for one, other in pairs:
        progress.advances()
        here, there = looks.view(one), looks.view(other)
        if here is None or there is None:
            continue
        features = looks.features(one, here), looks.features(other, there)
        ground = find_ground(here.bgr, there.bgr, prior_of(here, there), _TIED, *features)
        if isinstance(ground, Found):
            found.append(tie_of(one, other, ground.homography, looks.outlines))
    return found


def _trust(placed: Placed, number: int) -> Trust:
    """What all frames have wrong together stays: it would move the whole flight."""
    values = np.sqrt(np.maximum(np.diagonal(placed.errors[number].own), 1e-8))
    return Trust(float(values[:2].mean()), float(values[2]), float(values[3:].mean()))


def _moved(frame: KeyFrame, before: View, after: View) -> Pose:
    """The frame's pose moved as its view was."""
    shift = after.camera - before.camera
    lens = frame.lens.scaled(before.bgr.shape[1], before.bgr.shape[0])
    change = _turn_of(after, lens) @ _turn_of(before, lens).T
    # The small turns of the adjustment are turns to first order only: the nearest true one.
    left, _, right = np.linalg.svd(change)
    pose, turn = frame.pose, np.asarray(left @ right @ frame.pose.turn, np.float64)
    return Pose(
        pose.east_m + float(shift[0]),
        pose.north_m + float(shift[1]),
        pose.up_m + float(shift[2]),
        turn,
        pose.covariance,
    )


def _turn_of(view: View, lens: Lens) -> Doubles:
    """Out of what takes pixels to the ground: down from the camera, after the turn, after the lens."""
    east, north, above = (float(value) for value in view.camera)
    fall = np.array(((above, 0, -east), (0, above, -north), (0, 0, -1)), np.float64)
    turn = np.linalg.inv(fall) @ view.to_ground @ lens.matrix
    return np.asarray(turn / np.cbrt(np.linalg.det(turn)), np.float64)
