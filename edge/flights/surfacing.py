"""The surface that a flight's pictures show: poses made to agree, pairs matched, heights put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely

from edge.flights.pictured import Pictured
from edge.flights.placed import Unusable
from edge.flights.shots import Progress
from edge.vision.arrays import Doubles
from edge.vision.surface.bundling import bundle
from edge.vision.surface.stereo import depths_of, matched_points, rectified
from edge.vision.surface.surfaces import Surface, grid_around
from edge.vision.surface.tying import Match, matched, overlapping, tracks_of

REACH_M = 20.0
"""How far from where the ground would be a point is sought: what poses are off by, and how far a roof leans."""
LEAST_POINTS = 12
"""Points that a picture must share with others before heights are taken from it."""
STEREO_OVERLAP = 0.33
"""What overlaps less is seen under too wide an angle: walls hide much, and roofs look different."""
LEAST_ALONE = 0.25
"""Of what such a pair shares, that no other pair shows."""
Pair = tuple[int, int, float]
"""Two pictures and the share of ground that both show."""


@dataclass(frozen=True, slots=True, eq=False)
class Surfaced:
    """A flight with its surface. `agreement_px`: median of what poses disagree by, before and after."""

    pictured: Pictured
    surface: Surface
    agreement_px: tuple[float, float]
    refused: tuple[Unusable, ...]
    pairs: int


def surfaced(pictured: Pictured, folder: Path, name: str, progress: Progress) -> Surfaced | None:
    """None if no two of its pictures show the same ground. Files of `name` in `folder` hold it while it is used."""
    if len(pictured) < 2:
        return None
    matches, points = _matches(pictured, name, progress)
    found = bundle(pictured.eyes, tracks_of(matches, points), pictured.sigmas)
    pictured.place(list(found.eyes))
    loose = [index for index in range(len(pictured)) if found.seen_in[index] < LEAST_POINTS]
    said = {each.frame for each in pictured.unusable}
    refused = tuple(
        Unusable(pictured.name(index), f"shares {found.seen_in[index]} points with other pictures of its flight; "
                 f"{LEAST_POINTS} are needed to measure heights")
        for index in loose if pictured.name(index) not in said
    )  # fmt: skip
    ground = pictured.ground_m
    pairs = _needed(
        [pair for pair in overlapping(pictured.eyes, ground) if not {*pair[:2]} & {*loose}], pictured, ground
    )
    if not pairs:
        return None
    outlines = np.concatenate([pictured.eyes[index].outline(ground) for pair in pairs for index in pair[:2]])
    surface = Surface(grid_around(outlines), ground, folder, name)
    used = _added(pictured, surface, pairs, name, progress)
    return Surfaced(pictured, surface, (found.before_px, found.after_px), refused, used) if used else None


def _needed(pairs: Sequence[Pair], pictured: Pictured, ground_m: float) -> list[Pair]:
    """Pairs that overlap well, and of the others those that alone show some ground."""
    kept = [pair for pair in pairs if pair[2] >= STEREO_OVERLAP]
    outlines = [shapely.make_valid(shapely.Polygon(eye.outline(ground_m))) for eye in pictured.eyes]
    covered = shapely.union_all([outlines[one].intersection(outlines[other]) for one, other, _ in kept])
    for pair in sorted(pairs, key=lambda each: -each[2]):
        if pair[2] < STEREO_OVERLAP:
            shared = outlines[pair[0]].intersection(outlines[pair[1]])
            if shared.difference(covered).area >= LEAST_ALONE * shared.area:
                kept.append(pair)
                covered = covered.union(shared)
    return kept


def _matches(pictured: Pictured, name: str, progress: Progress) -> tuple[list[Match], list[Doubles]]:
    """Of all pictures that may show the same ground, and the points of each."""
    pairs = overlapping(pictured.eyes, pictured.ground_m)
    points: list[Doubles] = [np.empty((0, 2))] * len(pictured)
    found = []
    progress.begins(f"{name}: tied", len(pairs))
    for first, second, _ in sorted(pairs, key=lambda pair: (pair[1], pair[0])):
        progress.advances()
        here, there = pictured.features(first), pictured.features(second)
        if here is None or there is None:
            continue
        points[first], points[second] = here.points, there.points
        ground = float(pictured.grounds_m[[first, second]].mean())
        joined = matched(pictured.eyes[first], pictured.eyes[second], here, there, ground, REACH_M)
        if joined is not None:
            found.append(Match(first, second, joined))
    return found, points


def _added(pictured: Pictured, surface: Surface, pairs: Sequence[Pair], name: str,
           progress: Progress) -> int:  # fmt: skip
    """How many pairs gave heights."""
    progress.begins(f"{name}: measured", len(pairs))
    used = 0
    for first, second, share in sorted(pairs, key=lambda pair: (pair[1], pair[0])):
        progress.advances()
        here, there = pictured.picture(first), pictured.picture(second)
        if here is None or there is None:
            continue
        one, other = pictured.eyes[first], pictured.eyes[second]
        ground = float(pictured.grounds_m[[first, second]].mean())
        depths = depths_of(one, other, (here, there), ground)
        level = None if depths is None else rectified(one, other, (here, there), depths)
        if level is not None:
            surface.add(matched_points(level), share)
            used += 1
    return used
