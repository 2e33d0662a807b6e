"""The surface that a flight's pictures show: poses made to agree, pairs matched, heights put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import shapely

from edge.flights.pictured import Pictured, Views
from edge.flights.placed import Unusable
from edge.flights.shots import Progress
from edge.vision.arrays import Doubles
from edge.vision.surface.bundling import MOST_STEPS, bundle
from edge.vision.surface.stereo import depths_of, matched_points, rectified
from edge.vision.surface.surfaces import KEPT, Surface, grid_around
from edge.vision.surface.tying import Match, Tracks, matched, overlapping, tracks_of

REACH_M = 20.0
"""How far from where the ground would be a point is sought: what poses are off by, and how far a roof leans."""
LEAST_POINTS = 12
"""Points that a picture must share with others before heights are taken from it."""
STEREO_OVERLAP = 0.33
"""What overlaps less is seen under too wide an angle: walls hide much, and roofs look different."""
COVER_CELL_M = 2.0
LEAST_WANTING = 0.2
"""Of what a pair shares, that fewer others show than heights are kept of a place."""
MOST_SCARCE = 0.1
"""Of what another pair shares, that has one height or none: if more, the pair is looked at, too."""
LEAST_ALONE = 0.25
"""Of what such a pair shares, that no other pair shows."""
Pair = tuple[int, int, float]
"""Two pictures and the share of ground that both show."""


@dataclass(frozen=True, slots=True, eq=False)
class Surfaced:
    """A flight with its surface. `agreement_px`: median of what poses disagree by, before and after."""

    pictured: Views
    surface: Surface
    agreement_px: tuple[float, float]
    refused: tuple[Unusable, ...]
    pairs: int


def surfaced(pictured: Pictured, folder: Path, name: str, progress: Progress) -> Surfaced | None:
    """None if no two of its pictures show the same ground. Files of `name` in `folder` hold it while it is used."""
    if len(pictured) < 2:
        return None
    tracks = _tracks(pictured, name, progress)
    progress.begins(f"{name}: adjusted", MOST_STEPS)  # minutes of a long flight: whoever breaks it off does not wait
    found = bundle(pictured.eyes, tracks, pictured.sigmas, progress.advances)
    pictured.place(list(found.eyes))
    loose = [index for index in range(len(pictured)) if found.seen_in[index] < LEAST_POINTS]
    said = {each.frame for each in pictured.unusable}
    refused = tuple(
        Unusable(pictured.name(index), f"shares {found.seen_in[index]} points with other pictures of its flight; "
                 f"{LEAST_POINTS} are needed to measure heights")
        for index in loose if pictured.name(index) not in said
    )  # fmt: skip
    ground = pictured.ground_m
    able = [pair for pair in overlapping(pictured.eyes, ground) if not {*pair[:2]} & {*loose}]
    pairs = _needed(able, pictured, ground)
    if not pairs:
        return None
    outlines = np.concatenate([pictured.eyes[index].outline(ground) for pair in pairs for index in pair[:2]])
    surface = Surface(grid_around(outlines), ground, folder, name)
    used = _added(pictured, surface, pairs, name, progress)
    # Between high houses less is measured than is looked at.
    more = [pair for pair in able if pair[2] >= STEREO_OVERLAP and pair not in pairs]
    more = [pair for pair in more if surface.scarce(_shared(pictured, pair, ground)) >= MOST_SCARCE]
    used += _added(pictured, surface, more, f"{name}, again", progress) if more else 0
    return Surfaced(pictured, surface, (found.before_px, found.after_px), refused, used) if used else None


def _needed(pairs: Sequence[Pair], pictured: Pictured, ground_m: float) -> list[Pair]:
    """The pairs that overlap best, until all ground is shown by three; of those that overlap little, such that alone
    show some."""
    grid = grid_around(np.concatenate([eye.outline(ground_m) for eye in pictured.eyes]), COVER_CELL_M)
    covered = np.zeros((grid.rows, grid.columns), np.uint8)
    kept = []
    for first, second, share in sorted(pairs, key=lambda pair: (-round(pair[2], 2), pair)):
        shown = np.zeros_like(covered)
        corners = grid.cells(_shared(pictured, (first, second, share), ground_m))
        cv2.fillConvexPoly(shown, np.rint(corners).astype(np.int32), 1)
        well = share >= STEREO_OVERLAP
        wanting = (shown > 0) & (covered < (KEPT if well else 1))
        if np.count_nonzero(wanting) >= (LEAST_WANTING if well else LEAST_ALONE) * np.count_nonzero(shown):
            kept.append((first, second, share))
            covered += shown
    return kept


def _shared(pictured: Pictured, pair: Pair, ground_m: float) -> Doubles:
    """(n, 2): corners of the ground that both show."""
    outlines = [shapely.make_valid(shapely.Polygon(pictured.eyes[index].outline(ground_m))) for index in pair[:2]]
    return np.asarray(outlines[0].intersection(outlines[1]).convex_hull.exterior.coords, np.float64)


def _tracks(pictured: Pictured, name: str, progress: Progress) -> Tracks:
    """Of all pictures that may show the same ground; what was needed to find them is given back."""
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
    pictured.forget_features()
    return tracks_of(found, points)


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
