"""A blob in one frame, and the ring of those that belong to no track."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from edge.vision.arrays import Doubles

MIN_SLACK_M = 0.15
SLACK_PX = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """A blob in one frame: seconds, the frame's number among unique frames, pixels, and façade metres."""

    t: float
    frame: int
    x: float
    y: float
    x_m: float
    y_m: float
    per_pixel_m: float
    box: tuple[int, int, int, int]

    @property
    def slack_m(self) -> float:
        """How well a blob's centre is known: silhouettes flicker by a pixel or two."""
        return max(MIN_SLACK_M, SLACK_PX * self.per_pixel_m)


class SightingRing:
    """Sightings in order of time, with their numbers beside them as rows (t, x in metres, y in metres, slack).

    Rows are kept because every frame compares with all of them; building an array of objects would cost more than the
    comparison. At most `capacity` are held: in a frame full of leaves the oldest go first.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._rows: Doubles = np.zeros((2 * capacity, 4))
        self._items: list[Sighting] = []
        self._start = 0

    def __len__(self) -> int:
        return len(self._items)

    def rows(self, first: int = 0) -> Doubles:
        """(n, 4) view of the rows from number `first` on; valid until the ring changes."""
        return self._rows[self._start + first : self._start + len(self._items)]

    def items(self, first: int = 0) -> list[Sighting]:
        """The sightings from number `first` on."""
        return self._items[first:]

    @property
    def oldest(self) -> float:
        """Seconds; infinite where the ring is empty."""
        return self._items[0].t if self._items else math.inf

    def since(self, t: float) -> int:
        """The number of the first sighting at or after `t`."""
        return int(np.searchsorted(self.rows()[:, 0], t))

    def append(self, sighting: Sighting) -> None:
        """Adds the newest one."""
        if len(self._items) >= self._capacity:
            self.forget(len(self._items) // 4)
        end = self._start + len(self._items)
        if end >= len(self._rows):
            self._rows[: len(self._items)] = self.rows()
            self._start, end = 0, len(self._items)
        self._items.append(sighting)
        self._rows[end] = _row(sighting)

    def forget(self, count: int) -> None:
        """Removes the oldest ones."""
        del self._items[:count]
        self._start += count

    def remove(self, sightings: Iterable[Sighting]) -> None:
        """Removes those that have found a track."""
        gone = {id(s) for s in sightings}
        kept = [number for number, s in enumerate(self._items) if id(s) not in gone]
        if len(kept) < len(self._items):
            self._keep(self._items, self.rows(), kept)

    def put_back(self, sightings: Sequence[Sighting]) -> None:
        """Adds older ones again, in order of time."""
        items = [*self._items, *sightings]
        rows = np.concatenate((self.rows(), [_row(s) for s in sightings]))
        order = np.argsort(rows[:, 0], kind="stable")[-self._capacity :]
        self._keep(items, rows, [int(number) for number in order])

    def clear(self) -> None:
        """Empties it."""
        self._items.clear()
        self._start = 0

    def _keep(self, items: Sequence[Sighting], rows: Doubles, numbers: Sequence[int]) -> None:
        chosen = rows[list(numbers)]  # a copy: it may be of the rows it replaces
        self._items = [items[number] for number in numbers]
        self._rows[: len(chosen)] = chosen
        self._start = 0


def _row(sighting: Sighting) -> tuple[float, float, float, float]:
    return sighting.t, sighting.x_m, sighting.y_m, sighting.slack_m
