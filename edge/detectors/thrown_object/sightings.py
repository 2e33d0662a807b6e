"""A blob in one frame, and the ring of those that belong to no track."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from edge.vision.arrays import Doubles

MIN_SLACK_M = 0.15
SLACK_PX = 2.0
FREE = 4
"""Column of a row: 1 where no track has claimed the sighting."""


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
    """Sightings in order of time, with their numbers beside them as rows (t, x in metres, y in metres, slack, free).

    Rows are kept because every frame compares with many of them: building an array of objects would cost more than the
    comparison. A track claims its sightings; they stay where they are, so that it can release them. At most `capacity`
    are held: in a picture full of leaves the oldest go first.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._rows: Doubles = np.zeros((2 * capacity, 5))
        self._items: list[Sighting] = []
        self._start = 0

    def __len__(self) -> int:
        return len(self._items)

    def rows(self, first: int = 0) -> Doubles:
        """(n, 5) view of the rows from number `first` on; valid until the ring changes."""
        return self._rows[self._start + first : self._start + len(self._items)]

    def items(self, first: int = 0) -> list[Sighting]:
        """The sightings from number `first` on."""
        return self._items[first:]

    def free(self, first: int = 0) -> tuple[list[Sighting], Doubles]:
        """Those of the sightings from `first` on that no track has claimed, and their rows (copied)."""
        rows = self.rows(first)
        numbers = np.flatnonzero(rows[:, FREE])
        return [self._items[first + int(number)] for number in numbers], rows[numbers]

    def others(self, than: Iterable[Sighting]) -> Doubles:
        """The rows (copied) of all that are not among these."""
        own = {id(s) for s in than}
        return self.rows()[[number for number, s in enumerate(self._items) if id(s) not in own]]

    def since(self, t: float) -> int:
        """The number of the first sighting at or after `t`."""
        return bisect_left(self._items, t, key=_time)

    def append(self, sighting: Sighting, *, free: bool = True) -> None:
        """Adds the newest one."""
        if len(self._items) >= self._capacity:
            self._forget(self._capacity // 4)
        end = self._start + len(self._items)
        if end >= len(self._rows):
            self._rows[: len(self._items)] = self.rows()
            self._start, end = 0, len(self._items)
        self._items.append(sighting)
        self._rows[end] = (sighting.t, sighting.x_m, sighting.y_m, sighting.slack_m, free)

    def forget_before(self, t: float) -> None:
        """Removes what is older than `t`."""
        if self._items and self._items[0].t < t:
            self._forget(self.since(t))

    def claim(self, sightings: Iterable[Sighting]) -> None:
        """They belong to a track now."""
        self._set_free(sightings, free=False)

    def release(self, sightings: Iterable[Sighting]) -> None:
        """Their track is no more; those that are too old are gone."""
        self._set_free(sightings, free=True)

    def clear(self) -> None:
        """Empties it."""
        self._items.clear()
        self._start = 0

    def _forget(self, count: int) -> None:
        del self._items[:count]
        self._start += count

    def _set_free(self, sightings: Iterable[Sighting], *, free: bool) -> None:
        for sighting in sightings:
            number = self.since(sighting.t)
            while number < len(self._items) and self._items[number].t == sighting.t:
                if self._items[number] is sighting:
                    self._rows[self._start + number, FREE] = free
                    break
                number += 1


def _time(sighting: Sighting) -> float:
    return sighting.t
