"""Kalman filters of boxes that move with constant velocity, all boxes in one sweep of array operations.

Centre and size of a box (x, y, width, height) are followed each by its own filter of position and velocity: with
independent noise, as DeepSORT and ByteTrack have it, the eight-dimensional filter falls apart into four of two
dimensions, whose covariance is three numbers. So predicting and correcting 50 boxes is a handful of operations on
(50, 4) arrays, and nothing has to be inverted.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Doubles

MEASURED = 0.05
"""Scatter of a detector's box, in box heights: 1/20, DeepSORT's value."""
BIRTH_SPEED = 1.5
"""Scatter of a new thing's speed, in box heights a second: a walker does 0.8, a bicycle 2.5, a car at its own height
of 1.5 m and 50 km/h 9, which two looks settle."""
UNREST = 0.5
"""Scatter of the acceleration in box heights a second squared, of position; sizes change slowly."""
UNREST_OF_SIZE = 0.1
MIN_HEIGHT = 4.0
"""Pixels. Boxes of almost nothing would be believed to almost nothing."""


class BoxFilters:
    """n filters. Row i of every array belongs to box i; the caller keeps names beside them."""

    def __init__(self) -> None:
        self._position = np.empty((0, 4))
        self._velocity = np.empty((0, 4))
        self._pp = np.empty((0, 4))
        self._pv = np.empty((0, 4))
        self._vv = np.empty((0, 4))

    def __len__(self) -> int:
        return len(self._position)

    def add(self, measured: Doubles) -> None:
        """New boxes (k, 4: centre x, y, width, height), at rest until more is known."""
        scale = _scale(measured)
        noise, speed = (MEASURED * scale) ** 2, (BIRTH_SPEED * scale) ** 2
        shape = measured.shape
        self._position = np.concatenate((self._position, measured))
        self._velocity = np.concatenate((self._velocity, np.zeros(shape)))
        self._pp = np.concatenate((self._pp, np.broadcast_to(noise, shape)))
        self._pv = np.concatenate((self._pv, np.zeros(shape)))
        self._vv = np.concatenate((self._vv, np.broadcast_to(speed, shape)))

    def keep(self, which: NDArray[np.bool_]) -> None:
        """Forgets the others."""
        self._position, self._velocity = self._position[which], self._velocity[which]
        self._pp, self._pv, self._vv = self._pp[which], self._pv[which], self._vv[which]

    def predict(self, passed_seconds: float) -> None:
        """Moves every box on, as white noise of acceleration has it (Bar-Shalom et al. 2001, section 6.2)."""
        if not len(self) or passed_seconds <= 0:
            return
        t = passed_seconds
        unrest = (_scale(self._position) * np.array((UNREST, UNREST, UNREST_OF_SIZE, UNREST_OF_SIZE))) ** 2
        self._position += t * self._velocity
        # A size that shrinks to nothing is a filter gone wrong: it stays at what can still be matched.
        np.maximum(self._position[:, 2:], 1.0, out=self._position[:, 2:])
        self._pp += t * (2 * self._pv + t * self._vv) + unrest * (t**3 / 3)
        self._pv += t * self._vv + unrest * (t**2 / 2)
        self._vv += unrest * t

    def correct(self, which: NDArray[np.intp], measured: Doubles) -> None:
        """Takes in measurements (k, 4) of the boxes `which` (k,), each at most once."""
        if not len(which):
            return
        pp, pv = self._pp[which], self._pv[which]
        noise = (MEASURED * _scale(measured)) ** 2
        total = pp + noise
        gain, gain_of_speed = pp / total, pv / total
        surprise = measured - self._position[which]
        self._position[which] += gain * surprise
        self._velocity[which] += gain_of_speed * surprise
        self._vv[which] -= gain_of_speed * pv
        self._pv[which] = pv * (1 - gain)
        self._pp[which] = pp * (1 - gain)

    def distances(self, which: NDArray[np.intp], measured: Doubles) -> Doubles:
        """Squared Mahalanobis distance of centres: boxes `which` (k,) against measurements (m, 4) → (k, m)."""
        place = self._position[which, None, :2] - measured[None, :, :2]
        total = self._pp[which, None, :2] + ((MEASURED * _scale(measured)) ** 2)[None]
        np.square(place, out=place)
        place /= total
        distances: Doubles = place.sum(axis=2)
        return distances

    def boxes(self) -> Doubles:
        """(n, 4: left, top, right, bottom)."""
        half = self._position[:, 2:] / 2
        return np.concatenate((self._position[:, :2] - half, self._position[:, :2] + half), axis=1)

    def velocities(self) -> Doubles:
        """(n, 2), pixels a second."""
        return self._velocity[:, :2]


def _scale(boxes: Doubles) -> Doubles:
    """(n, 1): what the scatter of a box is measured in."""
    return np.maximum(boxes[:, 3:4], MIN_HEIGHT)
