"""Figures of the comparison on rendered towns: `python -m tests.edge.vision.change.measure_towns [SEED ...]`.

Each town of 300 m is flown twice (RTK noise in the poses); poses are adjusted, every key frame of the second flight is
compared with the baseline's nearest one, and candidates are fused. Counted are places that are new, seen in two pairs
or more, with a confidence of 0.5 or more: found are structures of which a place covers a tenth (intersection over
union), false are places that lie on no change. No register of buildings is subtracted. A town takes minutes.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import cv2
import numpy as np
import shapely

from edge.flights.flight import Flight
from edge.vision.change.adjusting import Trust, adjust, tie_of
from edge.vision.change.candidates import ChangeKind
from edge.vision.change.comparing import Compared, CompareSettings, Elsewhere, compare
from edge.vision.change.features import find_features
from edge.vision.change.fusing import Fused, fuse
from edge.vision.change.registering import Found, find_ground
from edge.vision.change.views import View, prior_of, view_of
from samples.town import TownPair, make_pair

SEEDS = (1, 2, 3)
SIZE_M = 300.0
LIKELY = 0.5
LEAST_SIGHTINGS = 2
LEAST_M2 = 10.0
NEIGHBOURS = 5


@dataclass(frozen=True, slots=True)
class Row:
    """One town."""

    seed: int
    structures: int
    found: int
    false: int
    area_km2: float
    overlaps: tuple[float, ...]
    pairs: int
    refused: int
    seconds_per_pair: float


def views_of(flight: Flight) -> list[View]:
    """All frames, at the working scale."""
    return [view_of(np.asarray(frame.read_bgr(), np.uint8), frame.lens, frame.pose) for frame in flight.frames]


def near(views: list[View], view: View, count: int) -> list[int]:
    """The nearest other views' places in the list."""
    gaps = [float(np.linalg.norm(each.camera[:2] - view.camera[:2])) for each in views]
    return [index for index in np.argsort(gaps) if views[index] is not view][:count]


def adjusted(older: list[View], newer: list[View]) -> tuple[list[View], list[View]]:
    """Both flights' views with poses that agree."""
    views = [*older, *newer]
    features = [find_features(each.bgr) for each in views]
    joined = {(near(older, view, 1)[0], len(older) + index) for index, view in enumerate(newer)}
    for start, flight in ((0, older), (len(older), newer)):
        for index, view in enumerate(flight):
            joined |= {(start + min(index, other), start + max(index, other)) for other in near(flight, view, 3)}
    ties = []
    for one, other in sorted(joined):
        prior = prior_of(views[one], views[other])
        found = find_ground(views[one].bgr, views[other].bgr, prior, None, features[one], features[other])
        if isinstance(found, Found):
            ties.append(tie_of(one, other, found.homography, views))
    moved = adjust(views, ties, Trust(0.6, 0.6, 0.01)).views
    return list(moved[: len(older)]), list(moved[len(older) :])


def measure(seed: int) -> Row:
    """A town from end to end."""
    town = make_pair(seed, SIZE_M)
    older, newer = adjusted(views_of(town.before), views_of(town.after))
    fall = town.truth.after.state.shadow_per_metre
    settings = CompareSettings(sun=(float(fall[0]), float(fall[1])), sigma_m=0.15)
    sightings, looked, refused, spent = [], [], 0, 0.0
    for index, after in enumerate(newer):
        before = older[near(older, after, 1)[0]]
        elsewhere = Elsewhere(
            tuple(newer[other] for other in near(newer, after, NEIGHBOURS)),
            tuple(older[other] for other in near(older, before, NEIGHBOURS)),
            adjusted=True,
        )
        start = time.process_time()
        found = compare(str(index), before, after, settings, elsewhere=elsewhere)
        spent += time.process_time() - start
        if isinstance(found, Compared):
            sightings += found.sightings
            looked.append(found.looked)
        else:
            refused += 1
    town.forget()
    return counted(seed, town, fuse(sightings, looked), [each.outline_m for each in looked], refused, spent)


def counted(
    seed: int, town: TownPair, fused: tuple[Fused, ...], looked: list[np.ndarray], refused: int, spent: float
) -> Row:
    """Against the truth."""
    seen = shapely.union_all([shapely.Polygon(each) for each in looked])
    places = [
        shapely.Polygon(each.outline_m).buffer(0)
        for each in fused
        if each.kind is ChangeKind.NEW and each.confidence >= LIKELY and len(each.sightings) >= LEAST_SIGHTINGS
    ]
    changes = [(change, shapely.Polygon(change.outline)) for change in town.truth.changes]
    wanted = [
        outline for change, outline in changes
        if change.is_new_structure and change.area_m2 >= LEAST_M2 and seen.contains(outline)
    ]  # fmt: skip
    best = [max((overlap(outline, place) for place in places), default=0.0) for outline in wanted]
    false = sum(all(overlap(outline, place) < 0.1 for _, outline in changes) for place in places)
    pairs = len(looked) + refused
    hits = tuple(value for value in best if value >= 0.1)
    return Row(seed, len(wanted), len(hits), false, seen.area / 1e6, hits, pairs, refused, spent / max(1, pairs))


def overlap(one: shapely.Polygon, other: shapely.Polygon) -> float:
    """Intersection over union."""
    return float(one.intersection(other).area / max(one.union(other).area, 1e-9))


def main(seeds: tuple[int, ...] = SEEDS) -> list[Row]:
    """Prints a row a town, and all together."""
    cv2.setNumThreads(1)
    rows = []
    for seed in seeds:
        row = measure(seed)
        rows.append(row)
        print(row, flush=True)
    overlaps = [value for row in rows for value in row.overlaps]
    print(
        f"together: {sum(row.found for row in rows)} of {sum(row.structures for row in rows)} structures, "
        f"{sum(row.false for row in rows)} false in {sum(row.area_km2 for row in rows):.2f} km², "
        f"median overlap {np.median(overlaps) if overlaps else 0:.2f}"
    )
    return rows


if __name__ == "__main__":
    main(tuple(int(each) for each in sys.argv[1:]) or SEEDS)
