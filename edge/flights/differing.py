"""What two flights over the same ground differ in: poses made to agree, pairs compared, candidates put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from edge.flights.looking import Looks, Placed, Unusable
from edge.flights.shots import NoProgress, Progress
from edge.vision.arrays import Doubles
from edge.vision.change.adjusting import Tie, Trust, adjust, tie_of
from edge.vision.change.comparing import Compared, CompareSettings, Elsewhere, compare
from edge.vision.change.fusing import Fused, Looked, Sighting, fuse
from edge.vision.change.registering import Found, Refused, find_ground
from edge.vision.change.views import View, corners_of, prior_of, through

NEIGHBOURS = 3
"""Frames of its own flight that each is tied to."""
ELSEWHERE = 5
"""Frames of each flight in which a candidate's height is measured."""
ADJUSTED_SIGMA_M = 0.15
ADJUSTED_RMS_M = 0.5
"""Ties that disagree by more than this after adjusting: the poses do not agree, and heights are not held against
what stood there before."""
ENOUGH_LOOKS = 2
"""Pairs that must show a place before it counts as examined."""


@dataclass(frozen=True, slots=True, eq=False)
class Differences:
    """All of it in metres of the newer flight's plane, as the baseline's poses have it."""

    fused: tuple[Fused, ...]
    examined: BaseGeometry
    """Ground that at least two pairs show."""
    refused: tuple[Unusable, ...]
    """Frames that were not compared, and why."""
    disagreement_m: tuple[float, float]
    """Root mean square of the ties, before and after the poses were adjusted."""
    older: Looks
    newer: Looks
    pairs_of: Mapping[str, tuple[int, int]]
    """Of each frame that was compared, by name: its place in `newer`, and the baseline frame's in `older`."""


def differences(older: Placed, newer: Placed, progress: Progress | None = None) -> Differences:
    """Compares each frame of the newer flight with the baseline's that was taken from the nearest place.

    A frame that cannot be read or registered costs itself only. Memory does not grow with the flights' pixels.
    """
    progress = progress or NoProgress()
    plane = newer.flight.plane
    before, after = Looks(older, plane), Looks(newer, plane)
    if not len(before) or not len(after):
        return Differences((), shapely.Polygon(), (*before.unusable, *after.unusable), (0.0, 0.0), before, after, {})
    disagreement = _agree(before, after, [*_trust(older, before), *_trust(newer, after, is_newer=True)], progress)
    settings = CompareSettings(sigma_m=ADJUSTED_SIGMA_M)
    sightings: list[Sighting] = []
    looked: list[Looked] = []
    refused: list[Unusable] = []
    pairs: dict[str, tuple[int, int]] = {}
    progress.begins("compared", len(after))
    for index in range(len(after)):
        progress.advances()
        nearest = near(before.outlines, after.outlines[index], 1)[0]
        found = _pair(before, nearest, after, index, settings, adjusted=disagreement[1] <= ADJUSTED_RMS_M)
        if isinstance(found, Compared):
            sightings += found.sightings
            looked.append(found.looked)
            pairs[after.name(index)] = index, nearest
        elif found is not None:
            refused.append(Unusable(after.name(index), f"against {before.name(nearest)}: {found.why}"))
    refused += [*before.unusable, *after.unusable]
    examined = examined_by([each.outline_m for each in looked])
    return Differences(fuse(sightings, looked), examined, tuple(refused), disagreement, before, after, pairs)


def near(views: Sequence[View], view: View, count: int) -> list[int]:
    """Of the views that look at the nearest ground, other than itself."""
    middle = _middle(view)
    gaps = [float(np.linalg.norm(_middle(each) - middle)) for each in views]
    return [int(index) for index in np.argsort(gaps, kind="stable") if views[index] is not view][:count]


def examined_by(outlines: Sequence[Doubles]) -> BaseGeometry:
    """What at least `ENOUGH_LOOKS` outlines (n, 2) hold."""
    places = [shapely.make_valid(shapely.Polygon(each)) for each in outlines if len(each) >= 3]
    if not places:
        return shapely.Polygon()
    tree = shapely.STRtree(places)
    first, second = tree.query(places, predicate="intersects")
    shared = [places[a].intersection(places[b]) for a, b in zip(first, second, strict=True) if a < b]
    return shapely.union_all([each for each in shared if each.area > 0])


def _pair(
    before: Looks, older: int, after: Looks, newer: int, settings: CompareSettings, *, adjusted: bool
) -> Compared | Refused | None:
    then, now = before.view(older), after.view(newer)
    if then is None or now is None:
        return None
    others = [after.view(other) for other in near(after.outlines, after.outlines[newer], ELSEWHERE)]
    olders = [before.view(other) for other in near(before.outlines, before.outlines[older], ELSEWHERE)]
    elsewhere = Elsewhere(
        tuple(each for each in others if each is not None),
        tuple(each for each in olders if each is not None),
        adjusted=adjusted,
    )
    features = before.features(older, then), after.features(newer, now)
    return compare(after.name(newer), then, now, settings, *features, elsewhere=elsewhere)


def _agree(before: Looks, after: Looks, trust: Sequence[Trust], progress: Progress) -> tuple[float, float]:
    """Ties frames of both flights to their neighbours, and moves all poses until they agree about the ground."""
    outlines = [*before.outlines, *after.outlines]
    start = len(before)
    joined = {(near(before.outlines, view, 1)[0], start + index) for index, view in enumerate(after.outlines)}
    for first, flight in ((0, before), (start, after)):
        for index, view in enumerate(flight.outlines):
            for other in near(flight.outlines, view, NEIGHBOURS):
                joined.add((first + min(index, other), first + max(index, other)))
    ties: list[Tie] = []
    progress.begins("tied", len(joined))
    for one, other in sorted(joined, key=lambda pair: (pair[1], pair[0])):
        progress.advances()
        looks = [(before, index) if index < start else (after, index - start) for index in (one, other)]
        here, there = (each.view(index) for each, index in looks)
        if here is None or there is None:
            continue
        known = [each.features(index, view) for (each, index), view in zip(looks, (here, there), strict=True)]
        found = find_ground(here.bgr, there.bgr, prior_of(here, there), None, *known)
        if isinstance(found, Found):
            ties.append(tie_of(one, other, found.homography, outlines))
    moved = adjust(outlines, ties, list(trust))
    before.place(moved.views[:start])
    after.place(moved.views[start:])
    return moved.before_m, moved.after_m


def _trust(ingested: Placed, looks: Looks, *, is_newer: bool = False) -> list[Trust]:
    """How far each pose may be off. The baseline's shared part stays: it is what both flights are then wrong by."""
    errors = (ingested.errors[number] for number in looks.numbers)
    return [Trust(*_sigmas(one.total if is_newer else one.own)) for one in errors]


def _sigmas(covariance: Doubles) -> tuple[float, float, float]:
    values = np.sqrt(np.maximum(np.diagonal(covariance), 1e-8))
    return float(values[:2].mean()), float(values[2]), float(values[3:].mean())


def _middle(view: View) -> Doubles:
    return np.asarray(through(view.to_ground, corners_of(view.bgr).mean(axis=0)[None])[0], np.float64)
