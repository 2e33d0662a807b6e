"""Sightings become tracks: birth from three that agree, prediction with gravity, coasting, death."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from edge.detectors.thrown_object.settings import TrackSettings
from edge.detectors.thrown_object.sightings import Sighting, SightingRing
from edge.vision.arrays import Doubles
from edge.vision.parabola import Fall

GRAVITY_PRIOR_MPS2 = 8.0
"""Assumed until a track shows its own: between the apparent 3.8 and 15.4 of real events, the error in a coast of
0.25 s is < 0.25 m."""
NO_ROWS: Doubles = np.empty((0, 5))
BIRTH_SPEED_MPS = (1.0, 25.0)
"""Downward. Slower things flicker in place (a fall passes 1 m/s in a quarter of a second, and is followed back to its
start afterwards); faster ones are near the lens."""
MAX_SIDEWAYS = 0.6
SIDEWAYS_SLACK_MPS = 0.5
"""Sideways speed at birth: a share of the downward speed, and what a silhouette's flicker looks like."""
MAX_EARLIER = 8
"""Earlier sightings tried in pairs for a birth, newest first: 28 pairs at the most."""
BIRTH_INTERVAL_SECONDS = 0.05
"""Births are looked for in every second frame at 25 fps: a fall needs eight, and half the work is saved."""
PIECE = 15
"""Sightings of a track that may be a piece of a fall: below twice what a fall needs."""
RING_CAPACITY = 600
"""Sightings held: bounds the work of a picture full of leaves."""


@dataclass(slots=True, eq=False)
class Track:
    """Sightings of one thing, in order of time."""

    sightings: list[Sighting]
    down_mps: float = 0.0
    sideways_mps: float = 0.0
    is_fall: bool = False
    """It has passed the gates."""
    is_foreign: bool = False
    """It came from beyond the façade, whatever else it does: rain, birds. Its pieces must not be looked at again."""

    @property
    def last(self) -> Sighting:
        return self.sightings[-1]

    def add(self, sighting: Sighting) -> None:
        """Continues it."""
        self.sightings.append(sighting)
        self.refresh_speed()

    def predict_m(self, t: float) -> tuple[float, float]:
        """Where it should be at time `t`, in metres."""
        dt = t - self.last.t
        down = self.down_mps * dt + GRAVITY_PRIOR_MPS2 * dt * dt / 2
        return self.last.x_m + self.sideways_mps * dt, self.last.y_m - down

    def reach_m(self, t: float) -> float:
        """How far from the prediction a sighting may lie: its own slack, and what speed and gravity leave open."""
        dt = t - self.last.t
        return self.last.slack_m + 0.25 * abs(self.down_mps) * dt + GRAVITY_PRIOR_MPS2 * dt * dt / 2

    def refresh_speed(self) -> None:
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
    """Keeps tracks, and the ring of the latest sightings: those that no track has claimed are loose."""

    def __init__(self, settings: TrackSettings) -> None:
        self._settings = settings
        self.tracks: list[Track] = []
        self.ring = SightingRing(RING_CAPACITY)
        self._born_at = -math.inf

    def step(self, t: float, sightings: Sequence[Sighting]) -> list[Track]:
        """Adds one frame. Returns the tracks that it extended or began."""
        self.ring.forget_before(t - self._settings.ring_seconds)
        self._bury(t)
        touched: list[Track] = []
        left = self._extend(t, sightings, touched) if self.tracks else sightings
        if left:
            touched += self._give_birth(left)
        return touched

    def take(self, sightings: Sequence[Sighting]) -> Track:
        """Makes a track of sightings, loose ones among them."""
        self.ring.claim(sightings)
        track = Track(list(sightings))
        track.refresh_speed()
        self.tracks.append(track)
        return track

    def before(self, track: Track, fall: Fall, seconds: float) -> list[Sighting]:
        """Loose sightings that continue a fall backward, claimed for its track: oldest first.

        It ends where the object was at rest, or was not seen for longer than a track may coast.
        """
        first = track.sightings[0]
        found: list[Sighting] = []
        loose, _ = self.ring.free(self.ring.since(first.t - seconds))
        for sighting in reversed(loose):
            edge = found[-1] if found else first
            if sighting.frame >= edge.frame or fall.speed_mps(sighting.t) < 0:
                continue
            if edge.t - sighting.t > self._settings.coast_seconds:
                break
            x_m, y_m = fall.position_m(sighting.t)
            off = math.hypot(sighting.x_m - x_m, sighting.y_m - y_m)
            if off <= sighting.slack_m and sighting.y_m > edge.y_m:
                found.append(sighting)
        self.ring.claim(found)
        return found[::-1]

    def clear(self) -> None:
        """Forgets everything: time has jumped, or the background was seeded anew."""
        self.tracks.clear()
        self.ring.clear()
        self._born_at = -math.inf

    def _bury(self, t: float) -> None:
        """Ends tracks that are lost. A short one that became no fall may be a piece of one: it is loose again.

        A long one was judged in every frame and never was a fall: in a bird's way any parabola could be found.
        """
        latest = t - self._settings.coast_seconds
        lost = [track for track in self.tracks if track.last.t < latest]
        if lost:
            self.tracks = [track for track in self.tracks if track.last.t >= latest]
            for track in lost:
                if len(track.sightings) <= PIECE and not track.is_fall and not track.is_foreign:
                    self.ring.release(track.sightings)

    def _extend(self, t: float, sightings: Sequence[Sighting], touched: list[Track]) -> list[Sighting]:
        """Nearest pairs first, each track and each sighting once. Returns the sightings that are left."""
        pairs = sorted(self._pairs(t, sightings), key=lambda pair: pair[0])
        used: set[int] = set()
        for _, track, number in pairs:
            if number in used or track.last.t >= t:
                continue
            used.add(number)
            track.add(sightings[number])
            self.ring.append(sightings[number], free=False)
            touched.append(track)
        return [s for number, s in enumerate(sightings) if number not in used]

    def _pairs(self, t: float, sightings: Sequence[Sighting]) -> Iterator[tuple[float, Track, int]]:
        for track in self.tracks:
            x_m, y_m = track.predict_m(t)
            reach = track.reach_m(t)
            for number, sighting in enumerate(sightings):
                off = math.hypot(sighting.x_m - x_m, sighting.y_m - y_m)
                if off <= reach:
                    yield off / reach, track, number

    def _give_birth(self, sightings: Sequence[Sighting]) -> list[Track]:
        born: list[Track] = []
        taken: set[int] = set()
        t = sightings[0].t
        first, before = self.ring.since(t - self._settings.birth_seconds), len(self.ring)
        due = t - self._born_at >= BIRTH_INTERVAL_SECONDS and before - first >= 2
        earlier, rows = self.ring.free(first) if due else ([], NO_ROWS)
        for sighting in sightings:
            self.ring.append(sighting)
        if len(earlier) < 2:
            return born
        self._born_at = t
        for sighting, possible in _falling_toward(sightings, earlier, rows):
            three = _best_three(sighting, [s for s in possible if id(s) not in taken])
            if three is not None:
                taken.update(id(s) for s in three)
                born.append(self.take(three))
        return born


def _falling_toward(
    sightings: Sequence[Sighting], earlier: Sequence[Sighting], rows: Doubles
) -> list[tuple[Sighting, list[Sighting]]]:
    """For each sighting those earlier ones (two or more, newest first) that something falling was seen as before."""
    now = np.array([(s.t, s.x_m, s.y_m) for s in sightings])
    dt, dx, down = (now[:, None, :] - rows[None, :, :3]).transpose(2, 0, 1)
    down = -down
    slowest, fastest = BIRTH_SPEED_MPS
    possible = (down >= slowest * dt) & (down <= fastest * dt)
    if not possible.any():
        return []
    possible &= np.abs(dx) <= MAX_SIDEWAYS * down + SIDEWAYS_SLACK_MPS * dt
    return [
        (sightings[int(number)], [earlier[int(k)] for k in np.flatnonzero(possible[number])[::-1]])
        for number in np.flatnonzero(possible.sum(axis=1) >= 2)
    ]


def _best_three(sighting: Sighting, earlier: Sequence[Sighting]) -> tuple[Sighting, Sighting, Sighting] | None:
    """The two of `earlier` (newest first) that with this one lie best on a fall; None: no two lie on one."""
    best: tuple[float, Sighting, Sighting] | None = None
    for b, a in itertools.combinations(earlier[:MAX_EARLIER], 2):
        if a.t >= b.t or b.y_m >= a.y_m:
            continue
        share = (b.t - a.t) / (sighting.t - a.t)
        # The middle of a fall lies above the chord of its ends.
        sag = GRAVITY_PRIOR_MPS2 * (b.t - a.t) * (sighting.t - b.t) / 2
        off_y = b.y_m - (a.y_m + (sighting.y_m - a.y_m) * share) - sag
        off_x = b.x_m - (a.x_m + (sighting.x_m - a.x_m) * share)
        off = math.hypot(off_x, off_y)
        if off <= sighting.slack_m + sag and (best is None or off < best[0]):
            best = (off, a, b)
    return None if best is None else (best[1], best[2], sighting)
