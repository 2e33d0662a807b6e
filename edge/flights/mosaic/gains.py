"""Brightness and colour of pictures made alike, so that seams do not shout.

Each picture gets one factor for each of its three colours. Where two pictures show the same ground, the median of the
ratios says how they differ: cars, leaves and what leans are outvoted. All factors are then sought at once (as the gain
compensation of Brown and Lowe, "Automatic Panoramic Image Stitching", 2007, but in logarithms and for each colour),
with contradicting pairs weighed down as by Huber (1964).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve

from edge.detectors.interface import Image
from edge.flights.mosaic.agreeing import neighbours
from edge.flights.mosaic.framing import Framed, Heights
from edge.flights.mosaic.pictures import Pictures
from edge.flights.shots import Progress
from edge.vision.arrays import Doubles

NEIGHBOURS = 6
SAMPLE_GSD_M = 0.6
"""Ground of one sample: wider than what is left of a disagreement in place."""
_POINTS_A_SIDE = 14
_LEAST_POINTS = 12
_DARK, _BRIGHT = 12, 243
"""Beyond them a sensor cuts."""
_GAIN_SIGMA = 0.25
"""Logarithm of how much a factor may be by itself: holds those that nothing ties, and slow drifts."""
_PAIR_SIGMA = 0.02
_HUBER = 2.0
_ROUNDS = 8
_MOST = 0.7
"""Of a factor's logarithm: twice as bright. What needs more is another light."""


@dataclass(frozen=True, slots=True)
class Step:
    """How two pictures differ where both show the same ground: logarithms of second through first, blue green red."""

    first: int
    second: int
    logs: tuple[float, float, float]
    points: int


@dataclass(frozen=True, slots=True, eq=False)
class Gains:
    """Factors (n, 3) for blue, green and red of each picture; by how much pictures differed, before and after.

    `before` and `after` are means over pairs and colours of the share by which one is brighter than the other.
    """

    factors: Doubles
    before: float
    after: float
    pairs: int


def no_gains(count: int) -> Gains:
    """Pictures as they are."""
    return Gains(np.ones((count, 3)), 0.0, 0.0, 0)


def even_gains(frames: Sequence[Framed], pictures: Pictures, ground: Heights, progress: Progress) -> Gains:
    """Reads each picture once, in order. One that is broken gets the factor 1."""
    pairs = neighbours([(each.pose.east_m, each.pose.north_m) for each in frames], NEIGHBOURS)
    places = {pair: _shared(frames[pair[0]], frames[pair[1]], ground) for pair in pairs}
    of_frame: dict[int, list[tuple[int, int]]] = {}
    for pair, points in places.items():
        if points is not None:
            for number in pair:
                of_frame.setdefault(number, []).append(pair)
    waiting: dict[tuple[int, int], NDArray[np.uint8]] = {}
    steps: list[Step] = []
    progress.begins("colours", len(frames))
    for number, each in enumerate(frames):
        progress.advances()
        mine = of_frame.get(number)
        picture = pictures.of(each) if mine else None
        if mine is None or picture is None:
            continue
        soft = _soft(picture, each)
        for pair in mine:
            points = places[pair]
            assert points is not None
            here = _sampled(soft, each, points)
            if pair not in waiting:
                waiting[pair] = here
                continue
            step = step_of(pair, waiting.pop(pair), here)
            places[pair] = None
            if step is not None:
                steps.append(step)
    return solved(len(frames), steps)


def step_of(pair: tuple[int, int], first: NDArray[np.uint8], second: NDArray[np.uint8]) -> Step | None:
    """Of the same places (n, 3) in two pictures; 0 in all colours: not shown there."""
    usable = ((first > _DARK) & (first < _BRIGHT) & (second > _DARK) & (second < _BRIGHT)).all(axis=1)
    if int(usable.sum()) < _LEAST_POINTS:
        return None
    logs = np.median(np.log(second[usable].astype(np.float64)) - np.log(first[usable].astype(np.float64)), axis=0)
    return Step(*pair, (float(logs[0]), float(logs[1]), float(logs[2])), int(usable.sum()))


def solved(count: int, steps: Sequence[Step]) -> Gains:
    """Factors that make all steps as small as can be."""
    if not steps or not count:
        return no_gains(count)
    first, second = np.array([each.first for each in steps]), np.array([each.second for each in steps])
    logs = np.array([each.logs for each in steps])
    found = np.zeros((count, 3))
    for colour in range(3):
        found[:, colour] = _solved(count, first, second, logs[:, colour])
    found = np.clip(found, -_MOST, _MOST)
    left = logs + found[second] - found[first]
    return Gains(np.exp(found), _share(logs), _share(left), len(steps))


def _solved(count: int, first: NDArray[np.int64], second: NDArray[np.int64], logs: Doubles) -> Doubles:
    gains = np.zeros(count)
    diagonal = np.arange(count)
    for _ in range(_ROUNDS):
        left = np.abs(logs + gains[second] - gains[first]) / _PAIR_SIGMA
        weights = np.minimum(1.0, _HUBER / np.maximum(left, 1e-9)) / _PAIR_SIGMA**2
        rows = np.concatenate((first, second, first, second, diagonal))
        columns = np.concatenate((first, second, second, first, diagonal))
        entries = np.concatenate((weights, weights, -weights, -weights, np.full(count, 1 / _GAIN_SIGMA**2)))
        right = np.zeros(count)
        np.add.at(right, first, weights * logs)
        np.add.at(right, second, -weights * logs)
        gains = np.atleast_1d(spsolve(coo_matrix((entries, (rows, columns)), shape=(count, count)).tocsc(), right))
    return np.asarray(gains, np.float64)


def _share(logs: Doubles) -> float:
    return float(np.expm1(np.abs(logs)).mean())


def _shared(one: Framed, other: Framed, ground: Heights) -> Doubles | None:
    """(n, 3): a lattice of places that both show."""
    shared = one.footprint.intersection(other.footprint)
    if shared.area <= 0:
        return None
    west, south, east, north = shared.bounds
    easts, norths = np.meshgrid(np.linspace(west, east, _POINTS_A_SIDE), np.linspace(south, north, _POINTS_A_SIDE))
    level = np.stack((easts.ravel(), norths.ravel()), axis=1)
    level = level[shapely.contains_xy(shared, level[:, 0], level[:, 1])]
    points = np.column_stack((level, ground.heights(level)))
    points = points[np.isfinite(points).all(axis=1)]
    return points if len(points) >= _LEAST_POINTS else None


def _soft(picture: Image, framed: Framed) -> Image:
    """Shrunk until a pixel is a sample."""
    lens = framed.frame.lens
    share = min(1.0, framed.gsd_m / SAMPLE_GSD_M)
    size = max(round(lens.width * share), 2), max(round(lens.height * share), 2)
    if size[0] >= picture.shape[1]:
        return picture
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _sampled(soft: Image, framed: Framed, points: Doubles) -> NDArray[np.uint8]:
    lens = framed.frame.lens.scaled(soft.shape[1], soft.shape[0])
    at = np.nan_to_num(framed.seen(points, lens), nan=-100.0).astype(np.float32)
    return np.asarray(
        cv2.remap(soft, at[None, :, 0], at[None, :, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)[0], np.uint8
    )
