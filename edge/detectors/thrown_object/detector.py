"""The detector: foreground → sightings → tracks → gates → groups → observations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import numpy as np

from contract.details import Box, FallFit, ThrownObjectDetail, TrackPoint
from contract.events import Severity, Tier
from edge.detectors.interface import Frame, Mark, Observation, Visibility
from edge.detectors.registry import PictureSize
from edge.detectors.thrown_object.foreground import Foreground, Look
from edge.detectors.thrown_object.gates import (
    BirthLimits,
    Evidence,
    FrameClock,
    birth_refusal,
    confidence_of,
    crowd_refusal,
    observations_needed,
    refusal,
    tier_of,
    weigh,
)
from edge.detectors.thrown_object.grouping import FallGroup, Member
from edge.detectors.thrown_object.settings import ThrownObjectSettings
from edge.detectors.thrown_object.sightings import Sighting
from edge.detectors.thrown_object.tracks import Track, Tracker
from edge.vision.blobs import Blob
from edge.vision.parabola import Search, sampled_fall
from edge.vision.regions import polygon_mask, without

NAME = "thrown_object"
VERSION = "1.0.0"
TRACK_POINTS = 12
"""Of a track in an event: with them it stays below 2 KB. The whole track is evidence."""
LOOK_BACK_SECONDS = 1.0
"""How far before its first sighting a fall is followed back: from rest it moves 5 m in that time."""
MAX_LOOSE = 200
"""Sightings that a second look may take: it costs trials × this."""
RANDOM_SEED = 20_261_121
"""Any number: the same frames must give the same falls."""


class ThrownObjectDetector:
    """Sees objects fall past a façade. Deterministic; not for use by two threads."""

    name = NAME
    version = VERSION

    def __init__(self, settings: ThrownObjectSettings, size: PictureSize) -> None:
        facade = settings.facade
        region = polygon_mask(facade.polygon, size.width, size.height)
        self._settings = settings
        self._size = size
        self._plane = facade.plane(size)
        self._foreground = Foreground(without(region, facade.ignore), settings.background)
        self._tracker = Tracker(settings.tracks)
        self._clock = FrameClock()
        self._search = Search(
            accelerations_mps2=settings.gates.acceleration_mps2,
            step_seconds=2 * settings.tracks.birth_seconds,
            min_span_seconds=settings.gates.duration_seconds / 2,
            max_span_seconds=settings.tracks.ring_seconds,
            trials=settings.tracks.trials,
        )
        self._random = np.random.default_rng(RANDOM_SEED)
        self._groups: list[FallGroup] = []
        self._next_second_look = 0.0
        self._visibility = Visibility.UNKNOWN

    @property
    def visibility(self) -> Visibility:
        """Unknown while the frame was busy or the background is new: nothing could have been seen."""
        return self._visibility

    def observe(self, frame: Frame) -> Sequence[Observation]:
        """What the frame adds: an observation of every fall that has passed the gates and is still seen.

        Raises:
            ValueError: the frame's size is not the one that the detector was built for.
        """
        if frame.luma.shape != (self._size.height, self._size.width):
            raise ValueError(
                f"{frame.source_id}: found a frame of {frame.width} x {frame.height}, "
                f"expected {self._size.width} x {self._size.height}"
            )
        look = self._foreground.look(frame.luma, frame.media_time)
        if look.repeated:
            return ()
        self._visibility = Visibility.UNKNOWN if look.busy or look.restarted else Visibility.CLEAR
        if look.restarted:
            self._tracker.clear()
        if look.busy or look.restarted:
            return ()
        return self._follow(frame, look)

    def _follow(self, frame: Frame, look: Look) -> list[Observation]:
        t = frame.media_time
        number = self._clock.tick(t)
        touched = self._tracker.step(t, [self._sighting(t, number, blob) for blob in look.blobs])
        if t >= self._next_second_look:
            self._next_second_look = t + self._settings.tracks.second_look_seconds
            second = self._second_look(t)
            touched += [second] if second is not None else []
        grown: list[FallGroup] = []
        for track in touched:
            group = self._judge(track, frame)
            if group is not None and group not in grown:
                grown.append(group)
        self._groups = [g for g in self._groups if t - g.end <= self._settings.grouping.gap_seconds + 1]
        return [self._observation(group, t) for group in grown]

    def _sighting(self, t: float, number: int, blob: Blob) -> Sighting:
        place = self._plane.at(blob.x, blob.y)
        return Sighting(
            t=t,
            frame=number,
            x=blob.x,
            y=blob.y,
            x_m=place.x_m,
            y_m=place.y_m,
            per_pixel_m=place.per_pixel_m,
            box=(blob.left, blob.top, blob.width, blob.height),
        )

    def _second_look(self, t: float) -> Track | None:
        """A parabola among sightings that made no track, or only pieces of one."""
        ring, tracks = self._tracker.ring, self._settings.tracks
        first = max(len(ring) - MAX_LOOSE, 0)
        known_since = ring.rows()[first, 0] if first else t - tracks.ring_seconds
        loose, rows = ring.free(first)
        needed = observations_needed(self._settings.gates, self._clock.fps)
        if len(loose) < needed or len({s.frame for s in loose}) < needed:
            return None
        chosen = sampled_fall(rows, self._search, self._random)
        if chosen is None:
            return None
        sightings = [loose[int(k)] for k in chosen]
        evidence = self._fall_of(sightings)
        if evidence is None or evidence.sightings[0].t < known_since + tracks.coast_seconds:
            return None  # no fall, or one whose beginning the ring has forgotten: where it came from is unknown
        return self._tracker.take(evidence.sightings)

    def _judge(self, track: Track, frame: Frame) -> FallGroup | None:
        """The group that a track belongs to, if its latest sighting leaves it a fall."""
        dropped = track.sightings[0].y_m - track.last.y_m
        if track.is_foreign or dropped < 0.8 * self._settings.gates.drop_m:  # before the fit, which costs more
            return None
        evidence = self._fall_of(track.sightings)
        if evidence is None:
            return None
        if track.is_fall:
            return self._grown(track, evidence)
        if self._fall_of(track.sightings[:-1]) is None:
            return None  # one frame never raises an alarm: it must have been a fall in the frame before, too
        return self._confirmed(track, self._followed_back(track, evidence), frame)

    def _confirmed(self, track: Track, evidence: Evidence, frame: Frame) -> FallGroup | None:
        """The group of a track that moves like a fall, if it came from the façade and was alone on its way."""
        gates = self._settings.gates
        limits = BirthLimits(gates.border_share * self._size.width, 1 / self._clock.fps)
        if birth_refusal(track.sightings[0], evidence, self._settings.facade.polygon, limits) is not None:
            track.is_foreign = True
            return None
        if crowd_refusal(evidence, self._tracker.ring.others(track.sightings), gates) is not None:
            return None
        track.is_fall = True
        return self._group_of(Member(track, evidence), frame)

    def _fall_of(self, sightings: Sequence[Sighting]) -> Evidence | None:
        """What the sightings show, if they pass the gates."""
        gates, fps = self._settings.gates, self._clock.fps
        if len(sightings) < observations_needed(gates, fps):
            return None
        evidence = weigh(sightings)
        return evidence if refusal(evidence, gates, fps) is None else None

    def _grown(self, track: Track, evidence: Evidence) -> FallGroup | None:
        for group in self._groups:
            for member in group.members:
                if member.track is track:
                    member.evidence = evidence
                    return group
        return None

    def _followed_back(self, track: Track, evidence: Evidence) -> Evidence:
        """The same fall with the loose sightings before it, up to where it was at rest or is lost."""
        earlier = self._tracker.before(track, evidence.fall, LOOK_BACK_SECONDS)
        if not earlier:
            return evidence
        track.sightings[:0] = earlier
        return self._fall_of(track.sightings) or evidence

    def _group_of(self, member: Member, frame: Frame) -> FallGroup:
        for group in self._groups:
            if group.belongs(member, self._settings.grouping):
                group.members.append(member)
                return group
        group = FallGroup(_key(frame.wall_time, member.start - frame.media_time), [member])
        self._groups.append(group)
        return group

    def _observation(self, group: FallGroup, t: float) -> Observation:
        origin = group.origin
        evidence = origin.evidence
        tiers = [tier_of(member.evidence, self._settings.tier, self._clock.fps) for member in group.members]
        tier = Tier.ALARM if Tier.ALARM in tiers else Tier.REVIEW
        sightings = evidence.sightings
        left, top, width, height = sightings[-1].box
        fall = evidence.fall
        detail = ThrownObjectDetail(
            box=Box(x=left, y=top, width=width, height=height),
            track=tuple(
                TrackPoint(t=round(s.t, 3), x=round(s.x, 1), y=round(s.y, 1)) for s in thinned(sightings, TRACK_POINTS)
            ),
            fall=FallFit(
                acceleration_mps2=round(fall.acceleration_mps2, 2),
                acceleration_error_mps2=round(fall.acceleration_error_mps2, 2),
                end_speed_mps=round(evidence.end_speed_mps, 2),
                drop_m=round(evidence.drop_m, 2),
                residual_m=round(fall.residual_m, 3),
                observations=len(sightings),
                coverage=round(min(evidence.coverage, 1.0), 3),
            ),
        )
        return Observation(
            hazard=NAME,
            key=group.key,
            media_time=t,
            started_media_time=group.start,
            severity=Severity.RED,
            tier=tier,
            confidence=max(confidence_of(member.evidence, tier) for member in group.members),
            detail=detail,
            marks=tuple(_marks(group, origin)),
        )


def thinned(sightings: Sequence[Sighting], count: int) -> list[Sighting]:
    """At most `count` of them, evenly spread, the first and the last among them."""
    if len(sightings) <= count:
        return list(sightings)
    step = (len(sightings) - 1) / (count - 1)
    return [sightings[round(k * step)] for k in range(count)]


def _key(wall_time: datetime, offset_seconds: float) -> str:
    """Unique per fall and the same on every replay: when it began."""
    return f"fall-{wall_time + timedelta(seconds=offset_seconds):%Y%m%dT%H%M%S.%f}"


def _marks(group: FallGroup, origin: Member) -> Iterator[Mark]:
    for member in (origin, *(m for m in group.members if m is not origin)):
        sightings = member.evidence.sightings
        left, top, width, height = sightings[-1].box
        yield Mark(
            polyline=tuple((s.t, s.x, s.y) for s in sightings),
            box=(float(left), float(top), float(width), float(height)),
            label="thrown object" if member is origin else "same fall",
        )
