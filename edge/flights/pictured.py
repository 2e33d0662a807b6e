"""A flight's pictures with the cameras that took them: read when they are asked for, in one plane, the latest few kept.

A flight has more pictures than memory holds. What must be known of all of them at once, where they look, is known
without their pixels.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge.flights.local import LocalPlane
from edge.flights.placed import Placed, Unusable
from edge.flights.shelf import Shelf
from edge.sources.errors import SourceError
from edge.vision.arrays import Doubles
from edge.vision.change.features import Features, find_features
from edge.vision.surface.shots import WORKING_GSD_M, Eye, Picture, eye_of, picture_of

KEPT = 30
"""Pictures in memory: one of 12 MP at 5 cm has 6 MB at the working scale. A line of a flight and the one beside it."""
KEPT_FEATURES = 200
"""0.2 MB each."""
LOOSE_M = 20.0
"""How far beyond what it shows of level ground a picture may show something: slopes, pits."""
_LEAST_VARIANCE = 1e-8


class Views(Protocol):
    """Pictures that places are looked at in: a flight's, or pieces of an orthophoto."""

    eyes: list[Eye]

    def looking_at(self, place: Doubles) -> NDArray[np.intp]:
        """Those that may show a place (2,)."""

    def picture(self, index: int) -> Picture | None:
        """As its eye sees it; None where there is none."""


class Pictured:
    """The pictures of a flight, in another flight's plane. Not for use by two threads.

    `shelf`: where pictures are put that were decoded; absent, each that is not among the latest is decoded anew.
    """

    def __init__(
        self, placed: Placed, plane: LocalPlane, gsd_m: float = WORKING_GSD_M, shelf: Shelf | None = None
    ) -> None:
        # Two planes that touch the ellipsoid a few hundred metres apart differ by a shift, and a turn of a millionth.
        shift = np.append(plane.metres(*placed.flight.plane.degrees(np.zeros((1, 2))).T)[0], 0.0)
        self._shelf = shelf
        self.unusable: list[Unusable] = []
        self._frames = []
        self.eyes: list[Eye] = []
        """Of the frames that can be compared."""
        grounds, sigmas = [], []
        for frame, errors in zip(placed.flight.frames, placed.errors, strict=True):
            below = float(placed.ground.heights(np.array(((frame.pose.east_m, frame.pose.north_m),)))[0])
            own = np.diagonal(errors.own)
            try:
                if not np.isfinite(below):
                    raise ValueError("the height of the ground below it is not known")
                if not np.isfinite(own).all():
                    raise ValueError("pose: how far it may be off is not in finite numbers")
                eye = eye_of(frame.lens, frame.pose, below, gsd_m)
            except ValueError as error:
                self.unusable.append(Unusable(frame.name, str(error)))
                continue
            self._frames.append(frame)
            self.eyes.append(eye.moved(eye.centre + shift, eye.turn))
            grounds.append(below)
            sigmas.append(np.sqrt(np.maximum(own, _LEAST_VARIANCE)))
        self.grounds_m: Doubles = np.array(grounds, np.float64)
        """(n,): of the ground below each, in the heights of the poses."""
        self.sigmas: Doubles = np.array(sigmas, np.float64).reshape(-1, 6)
        """(n, 6): how far each pose may be off from the others."""
        self._circles: tuple[Doubles, Doubles] | None = None
        self._broken: set[int] = set()
        self._pictures: OrderedDict[int, Picture] = OrderedDict()
        self._features: OrderedDict[int, Features] = OrderedDict()

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def ground_m(self) -> float:
        """Of the ground in the middle of the flight."""
        return float(np.median(self.grounds_m))

    def name(self, index: int) -> str:
        """Of the frame."""
        return self._frames[index].name

    def place(self, eyes: list[Eye]) -> None:
        """Takes over where pictures look, after they were adjusted."""
        self.eyes = list(eyes)
        self._circles = None

    def looking_at(self, place: Doubles) -> NDArray[np.intp]:
        """Pictures that may show a place (2,): of a thousand a few, so that not all need be asked."""
        if self._circles is None:
            outlines = np.array([eye.outline(self.ground_m) for eye in self.eyes]).reshape(-1, 4, 2)
            middles = outlines.mean(axis=1)
            self._circles = middles, np.linalg.norm(outlines - middles[:, None], axis=2).max(axis=1, initial=0.0)
        middles, radii = self._circles
        return np.flatnonzero(np.linalg.norm(middles - place, axis=1) <= radii + LOOSE_M)

    def picture(self, index: int) -> Picture | None:
        """As its eye sees it; None, once said among the unusable, where the picture is broken."""
        if index in self._pictures:
            self._pictures.move_to_end(index)
            return self._pictures[index]
        if index in self._broken:
            return None
        made = self._shelf.get(index) if self._shelf is not None else None
        if made is None:
            frame = self._frames[index]
            try:
                made = picture_of(frame.read_bgr(), frame.lens, self.eyes[index])
            except (SourceError, ValueError) as error:
                self._broken.add(index)
                self.unusable.append(Unusable(frame.name, str(error)))
                return None
            if self._shelf is not None:
                self._shelf.put(index, made)
        self._pictures[index] = made
        while len(self._pictures) > KEPT:
            self._pictures.popitem(last=False)
        return made

    def features(self, index: int) -> Features | None:
        """What can be found again in it. They do not change with its place."""
        if index not in self._features:
            picture = self.picture(index)
            if picture is None:
                return None
            self._features[index] = find_features(picture)
        self._features.move_to_end(index)
        while len(self._features) > KEPT_FEATURES:
            self._features.popitem(last=False)
        return self._features[index]

    def forget_features(self) -> None:
        """Gives their memory back, once all pictures are tied together."""
        self._features.clear()
