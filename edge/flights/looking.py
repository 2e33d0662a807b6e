"""A flight's frames as views to be compared: made when they are asked for, in one plane, the latest few kept.

A flight has more pictures than memory holds. What must be known of all of them at once, where they look, is known
without their pixels.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from edge.flights.flight import Flight
from edge.flights.ground import Ground
from edge.flights.local import LocalPlane
from edge.flights.uncertainty import PoseErrors
from edge.sources.errors import SourceError
from edge.vision.change.features import Features, find_features
from edge.vision.change.views import WORKING_GSD_M, View, view_of

KEPT = 40
"""Views in memory: a pair, what each needs from elsewhere, and the lines beside theirs. A frame of 12 MP at 5 cm has 6
MB at the working scale."""
KEPT_FEATURES = 200
"""0.8 MB each."""


class Placed(Protocol):
    """A flight, what its poses are above, and how far each of them may be off: `edge.flights.ingesting.Ingested`."""

    @property
    def flight(self) -> Flight:
        """Its frames."""

    @property
    def ground(self) -> Ground:
        """In the same heights as the poses."""

    @property
    def errors(self) -> tuple[PoseErrors, ...]:
        """Of each frame."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """A frame that cannot be compared, and why."""

    frame: str
    why: str


class Looks:
    """The views of a flight, in another flight's plane. Not for use by two threads."""

    def __init__(self, ingested: Placed, plane: LocalPlane, gsd_m: float = WORKING_GSD_M) -> None:
        self._gsd_m = gsd_m
        self._own_plane, self._ground = ingested.flight.plane, ingested.ground
        # Two planes that touch the ellipsoid a few hundred metres apart differ by a shift, and a turn of a millionth.
        shift = plane.metres(*self._own_plane.degrees(np.zeros((1, 2))).T)[0]
        self._shift = float(shift[0]), float(shift[1])
        self.unusable: list[Unusable] = []
        self._frames = list(ingested.flight.frames)
        self.numbers: tuple[int, ...] = ()
        """Places in the flight's own list of the frames that can be compared."""
        self._outlines = self._looked_at()
        self._views: OrderedDict[int, View] = OrderedDict()
        self._features: OrderedDict[int, Features] = OrderedDict()

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def outlines(self) -> Sequence[View]:
        """All views without their pixels: black pictures that take no memory."""
        return self._outlines

    def name(self, index: int) -> str:
        """Of the frame."""
        return self._frames[index].name

    def place(self, outlines: Sequence[View]) -> None:
        """Takes over where views look, after they were adjusted."""
        self._outlines = list(outlines)
        self._views.clear()

    def view(self, index: int) -> View | None:
        """One view with its pixels; None, once said among the unusable, where the picture is broken."""
        if index in self._views:
            self._views.move_to_end(index)
            return self._views[index]
        frame, outline = self._frames[index], self._outlines[index]
        try:
            made = view_of(frame.read_bgr(), frame.lens, frame.pose, self._below(index), self._gsd_m)
        except (SourceError, ValueError) as error:
            said = Unusable(frame.name, str(error))
            if said not in self.unusable:
                self.unusable.append(said)
            return None
        self._views[index] = replace(made, to_ground=outline.to_ground, camera=outline.camera)
        while len(self._views) > KEPT:
            self._views.popitem(last=False)
        return self._views[index]

    def features(self, index: int, view: View) -> Features:
        """What can be found again in it. They do not change with its place."""
        if index not in self._features:
            self._features[index] = find_features(view.bgr)
        self._features.move_to_end(index)
        while len(self._features) > KEPT_FEATURES:
            self._features.popitem(last=False)
        return self._features[index]

    def _looked_at(self) -> list[View]:
        found, usable, numbers = [], [], []
        for index, frame in enumerate(self._frames):
            blank = np.zeros((frame.lens.height, frame.lens.width, 3), np.uint8)
            try:
                view = view_of(blank, frame.lens, frame.pose, self._below(index), self._gsd_m)
            except ValueError as error:
                self.unusable.append(Unusable(frame.name, str(error)))
                continue
            moved = np.array(((1, 0, self._shift[0]), (0, 1, self._shift[1]), (0, 0, 1)), np.float64) @ view.to_ground
            camera = view.camera + np.array((*self._shift, 0.0))
            empty = np.broadcast_to(np.uint8(0), view.bgr.shape)
            found.append(View(empty, np.asarray(moved, np.float64), np.asarray(camera, np.float64)))
            usable.append(frame)
            numbers.append(index)
        self._frames, self.numbers = usable, tuple(numbers)
        return found

    def _below(self, index: int) -> float:
        pose = self._frames[index].pose
        return float(self._ground.heights(np.array(((pose.east_m, pose.north_m),)))[0])
