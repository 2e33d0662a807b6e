"""Small pictures of heads while they worked, remembered until they do not: the proof of how it was before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import cv2
import numpy as np

from edge.detectors.interface import Image
from edge.detectors.traffic_signal.readings import Lit, SceneReading

EVERY_SECONDS = 15.0
"""How often the still of one state of a head is taken anew: it costs 0.12 ms."""
OLDER_SECONDS = 120.0
"""How much older the second still of a state is: a fault that is only certain after minutes has been in the newest."""
MOST_STATES = 4
"""Of a head: its three colours and what it shows between."""
MOST_WIDE, MOST_HIGH = 160, 280
"""Pixels: a head that fills a quarter of the picture need not be remembered as large."""

State = tuple[int, ...]
"""Which lamps are lit."""


@dataclass(frozen=True, slots=True, eq=False)
class Still:
    """A head with its surroundings, (height, width, 3) BGR, and which of its lamps were lit."""

    picture: Image
    lit: State
    media_time: float
    wall_time: datetime


@dataclass(slots=True)
class _Kept:
    newest: Still
    older: Still | None = None


class Stills:
    """The latest stills of each head in each of its states, two of each."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[State, _Kept]] = {}

    def keep(self, scene: SceneReading, take: Callable[[str], Image | None]) -> None:
        """Takes one still of the picture at most: of the head whose state was not remembered for longest."""
        due: tuple[float, str, State] | None = None
        for head_id, reading in scene.heads.items():
            lit = tuple(number for number, lamp in enumerate(reading.lamps) if lamp is Lit.ON)
            if not reading.seen or not lit or Lit.UNKNOWN in reading.lamps:
                continue
            kept = self._kept.get(head_id, {}).get(lit)
            age = float("inf") if kept is None else scene.media_time - kept.newest.media_time
            if (age >= EVERY_SECONDS or age < 0) and (due is None or age > due[0]):
                due = age, head_id, lit
        if due is None:
            return
        _, head_id, lit = due
        picture = take(head_id)
        if picture is not None:
            self._remember(head_id, Still(shrunk(picture), lit, scene.media_time, scene.wall_time))

    def _remember(self, head_id: str, still: Still) -> None:
        states = self._kept.setdefault(head_id, {})
        kept = states.get(still.lit)
        if kept is None:
            if len(states) >= MOST_STATES:
                del states[min(states, key=lambda lit: states[lit].newest.media_time)]
            states[still.lit] = _Kept(still)
            return
        if kept.older is None or kept.newest.media_time - kept.older.media_time >= OLDER_SECONDS:
            kept.older = kept.newest
        kept.newest = still

    def before(self, head_id: str, media_time: float, lamp: int | None = None) -> Still | None:
        """The latest still of a head from before a time: with a certain lamp lit, if there is one like that."""
        found = [still for still in self._all(head_id) if still.media_time <= media_time]
        with_lamp = [still for still in found if lamp in still.lit]
        return max(with_lamp or found, key=lambda still: still.media_time, default=None)

    def _all(self, head_id: str) -> Iterator[Still]:
        for kept in self._kept.get(head_id, {}).values():
            yield kept.newest
            if kept.older is not None:
                yield kept.older


def shrunk(picture: Image) -> Image:
    """The picture, no larger than is worth remembering."""
    height, width = picture.shape[:2]
    scale = min(MOST_WIDE / width, MOST_HIGH / height, 1.0)
    if scale == 1.0:
        return picture
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
