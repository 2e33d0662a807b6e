"""Sightings become tracks: birth from three that agree, prediction with gravity, coasting, death."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from edge.detectors.thrown_object.settings import TrackSettings
from edge.vision.arrays import Doubles
from edge.vision.parabola import Fall

GRAVITY_PRIOR_MPS2 = 8.0
"""Assumed until a track shows its own: between the apparent 3.8 and 15.4 of real events, the error in a coast of
0.25 s is < 0.25 m."""
BIRTH_SPEED_MPS = (0.4, 25.0)
"""Downward. Slower things flicker in place; faster ones are near the lens."""
MAX_CANDIDATES = 400
"""Sightings that births look at: bounds the work of a frame full of leaves."""


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
    area: float
    box: tuple[int, int, int, int]

    @property
    def slack_m(self) -> float:
        """How well a blob's centre is known: silhouettes flicker by a pixel or two."""
        return max(0.15, 2.0 * self.per_pixel_m)


@dataclass(slots=True, eq=False)
class Track:
    """Sightings of one thing, in order of time."""

    sightings: list[Sighting]
    down_mps: float = 0.0
    sideways_mps: float = 0.0
    is_fall: bool = False
    """It has passed the gates."""

    @property
    def last(self) -> Sighting:
        return self.sightings[-1]

    def add(self, sighting: Sighting) -> None:
        self.sightings.append(sighting)
        self._refresh_speed()

    def predict_m(self, t: float) -> tuple[float, float]:
        """Where it should be at time `t`, in metres."""
        dt = t - self.last.t
        down = self.down_mps * dt + GRAVITY_PRIOR_MPS2 * dt * dt / 2
        return self.last.x_m + self.sideways_mps * dt, self.last.y_m - down

    def reach_m(self, t: float) -> float:
        """How far from the prediction a sighting may lie: its own slack, and what speed and gravity leave open."""
        dt = t - self.last.t
        return self.last.slack_m + 0.25 * abs(self.down_mps) * dt + GRAVITY_PRIOR_MPS2 * dt * dt / 2

    def _refresh_speed(self) -> None:
        """Slope over the last five sightings, carried from their middle to the last one by gravity."""
        recent = self.sightings[-5:]
        n = len(recent)
        middle = sum(s.t for s in recent) / n
        spread = sum((s.t - middle) ** 2 for s in recent)
        if spread <= 0:
            return
        slope_y = sum((s.t - middle) * s.y_m for s in recent) / spread
        slope_x = sum((s.t - middle) * s.x_m for s in recent) / spread
        self.down_mps = -slope_y + GRAVITY_PRIOR_MPS2 * (recent[-1].t - middle)
        self.sideways_mps = slope_x


class Tracker:
    """Keeps tracks and the ring of sightings that belong to none."""

    def __init__(self, settings: TrackSettings) -> None:
        self._settings = settings
        self.tracks: list[Track] = []
        self.loose: deque[Sighting] = deque()

    def step(self, t: float, sightings: Sequence[Sighting]) -> list[Track]:
        """Adds one frame. Returns the tracks that it extended or began."""
        self._forget(t)
        left, touched = self._extend(t, sightings)
        if left:
            touched += self._give_birth(left)
        return touched

    def take(self, sightings: Sequence[Sighting]) -> Track:
        """Makes a track of loose sightings found by other means."""
        self._remove_loose(sightings)
        track = Track(list(sightings))
        track._refresh_speed()
        self.tracks.append(track)
        return track

    def before(self, track: Track, fall: Fall, seconds: float) -> list[Sighting]:
        """Loose sightings that continue a fall backward, taken out of the ring: nearest per frame, oldest first.

        It ends where the object was at rest, or was not seen for longer than a track may coast.
        """
        first = track.sightings[0]
        found: list[Sighting] = []
        for sighting in reversed(self.loose):
            if sighting.t >= first.t or fall.speed_mps(sighting.t) < 0:
                continue
            edge = found[-1] if found else first
            if first.t - sighting.t > seconds or edge.t - sighting.t > self._settings.coast_seconds:
                break
            x_m, y_m = fall.position_m(sighting.t)
            off = ((sighting.x_m - x_m) ** 2 + (sighting.y_m - y_m) ** 2) ** 0.5
            if off <= sighting.slack_m and sighting.frame < edge.frame and sighting.y_m > edge.y_m:
                found.append(sighting)
        self._remove_loose(found)
        return found[::-1]

    def clear(self) -> None:
        """Forgets everything: time has jumped, or the background was seeded anew."""
        self.tracks.clear()
        self.loose.clear()

    def _forget(self, t: float) -> None:
        oldest = t - self._settings.ring_seconds
        while self.loose and self.loose[0].t < oldest:
            self.loose.popleft()
        lost = [track for track in self.tracks if t - track.last.t > self._settings.coast_seconds]
        if not lost:
            return
        self.tracks = [track for track in self.tracks if t - track.last.t <= self._settings.coast_seconds]
        # What became no fall may be a piece of one: it is loose again, for a second look.
        returned = [s for track in lost if not track.is_fall for s in track.sightings if s.t >= oldest]
        if returned:
            self.loose = deque(sorted((*self.loose, *returned), key=lambda s: s.t))

    def _extend(self, t: float, sightings: Sequence[Sighting]) -> tuple[list[Sighting], list[Track]]:
        """Nearest pairs first, each track and each sighting once."""
        pairs = sorted(self._pairs(t, sightings), key=lambda pair: pair[0])
        used: set[int] = set()
        touched: list[Track] = []
        for _, track, number in pairs:
            if number in used or track.last.t >= t:
                continue
            used.add(number)
            track.add(sightings[number])
            touched.append(track)
        return [s for number, s in enumerate(sightings) if number not in used], touched

    def _pairs(self, t: float, sightings: Sequence[Sighting]) -> Iterator[tuple[float, Track, int]]:
        for track in self.tracks:
            x_m, y_m = track.predict_m(t)
            reach = track.reach_m(t)
            for number, sighting in enumerate(sightings):
                off = ((sighting.x_m - x_m) ** 2 + (sighting.y_m - y_m) ** 2) ** 0.5
                if off <= reach:
                    yield off / reach, track, number

    def _give_birth(self, sightings: Sequence[Sighting]) -> list[Track]:
        born: list[Track] = []
        recent = list(itertools.islice(reversed(self.loose), MAX_CANDIDATES))
        since = sightings[0].t - self._settings.birth_seconds
        recent = [s for s in recent if s.t >= since]
        if len(recent) >= 2:
            earlier = np.array([(s.t, s.x_m, s.y_m) for s in recent])
            taken: set[int] = set()
            for sighting in sightings:
                found = self._three(sighting, recent, earlier, taken)
                if found is not None:
                    taken.update(found)
                    born.append(self._born(sighting, recent, found))
        newborn = {id(track.last) for track in born}
        self.loose.extend(s for s in sightings if id(s) not in newborn)
        return born

    def _born(self, sighting: Sighting, recent: Sequence[Sighting], found: tuple[int, int]) -> Track:
        older, newer = (recent[number] for number in found)
        self._remove_loose((older, newer))
        track = Track([older, newer, sighting])
        track._refresh_speed()
        self.tracks.append(track)
        return track

    def _remove_loose(self, sightings: Sequence[Sighting]) -> None:
        gone = {id(s) for s in sightings}
        self.loose = deque(s for s in self.loose if id(s) not in gone)

    def _three(
        self, sighting: Sighting, recent: Sequence[Sighting], earlier: Doubles, taken: set[int]
    ) -> tuple[int, int] | None:
        """Two earlier sightings (older, newer) that fall toward this one ever faster: the best such pair."""
        dt = sighting.t - earlier[:, 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            down = (earlier[:, 2] - sighting.y_m) / dt
            sideways = np.abs(earlier[:, 1] - sighting.x_m) / dt
        slowest, fastest = BIRTH_SPEED_MPS
        possible = np.flatnonzero((dt > 0) & (down >= slowest) & (down <= fastest) & (sideways <= 0.6 * down + 0.5))
        best: tuple[float, int, int] | None = None
        for newer, older in itertools.combinations([int(k) for k in possible if int(k) not in taken], 2):
            a, b = recent[older], recent[newer]
            if a.t >= b.t:
                continue
            share = (b.t - a.t) / (sighting.t - a.t)
            # A fall sags below the chord's middle: by a t1 t2 / 2 upward, seen from the chord.
            sag = GRAVITY_PRIOR_MPS2 * (b.t - a.t) * (sighting.t - b.t) / 2
            off_y = b.y_m - (a.y_m + (sighting.y_m - a.y_m) * share) - sag
            off_x = b.x_m - (a.x_m + (sighting.x_m - a.x_m) * share)
            off = (off_x * off_x + off_y * off_y) ** 0.5
            if b.y_m < a.y_m and off <= sighting.slack_m + sag and (best is None or off < best[0]):
                best = (off, older, newer)
        return None if best is None else best[1:]
