"""Which pictures of a flight are used: by overlap on the ground, and by sharpness against their neighbours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

import cv2
import numpy as np
from shapely import Polygon

from edge.detectors.interface import Image
from edge.flights.footprints import overlap

LONGEST_SIDE = 2_000
"""Pictures are halved until they are no larger: blur that is gone there costs no building."""
NEIGHBOURS = 2
"""On either side."""


def by_overlap(footprints: Sequence[Polygon], target: float) -> list[int]:
    """Indices of those to use, in their order: as far apart as still overlap by `target`, a share from 0 to 1.

    Where the flight has nothing nearer, the next picture is used whatever its overlap. The last one is always used: it
    holds the flight's end.
    """
    if not footprints:
        return []
    chosen = [0]
    while chosen[-1] < len(footprints) - 1:
        here = following = chosen[-1]
        while following + 1 < len(footprints) and overlap(footprints[here], footprints[following + 1]) >= target:
            following += 1
        chosen.append(max(following, here + 1))
    return chosen


def sharpness_of(bgr: Image) -> float:
    """Variance of the Laplacian, in grey levels squared (Pech-Pacheco et al. 2000, "Diatom autofocusing").

    It says something only beside pictures of the same scene by the same camera.
    """
    grey = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), np.uint8)
    while max(grey.shape) > LONGEST_SIDE:
        size = (max(grey.shape[1] // 2, 1), max(grey.shape[0] // 2, 1))
        grey = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.uint8)
    # 16 bits hold it: four times 255 either way.
    return float(cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))[1].item()) ** 2


def blurred(sharpness: Sequence[float], least: float) -> list[bool]:
    """Which are less sharp than `least` times the median of their neighbours, two on either side."""
    found = []
    for index, value in enumerate(sharpness):
        around = [*sharpness[max(index - NEIGHBOURS, 0) : index], *sharpness[index + 1 : index + 1 + NEIGHBOURS]]
        found.append(bool(around) and value < least * median(around))
    return found


Measure = Callable[[int], float | None]
"""Sharpness of the picture of an index; None: it cannot be read."""


def sharp_ones(
    chosen: Sequence[int], total: int, measure: Measure, least: float
) -> tuple[dict[int, float], dict[int, float]]:
    """Of chosen indices out of `total`: those to use and those left out as blurred, each with its sharpness.

    For one that is blurred or cannot be read, the nearest picture between its chosen neighbours stands in, if there is
    one that is sharp: at most two are tried. Every picture is measured at most once.
    """
    measured = {index: value for index in chosen if (value := measure(index)) is not None}
    order = sorted(measured)
    bad = dict(zip(order, blurred([measured[index] for index in order], least), strict=True))
    used = {index: measured[index] for index in order if not bad[index]}
    left = {index: measured[index] for index in order if bad[index]}
    tried = set(chosen)
    for place, index in enumerate(chosen):
        if index in used:
            continue
        low = chosen[place - 1] if place else -1
        high = chosen[place + 1] if place + 1 < len(chosen) else total
        spare = sorted((each for each in range(low + 1, high) if each not in tried), key=lambda each: abs(each - index))
        around = [used[each] for each in chosen[max(place - NEIGHBOURS, 0) : place + NEIGHBOURS + 1] if each in used]
        for each in spare[:2]:
            tried.add(each)
            value = measure(each)
            if value is None:
                continue
            if around and value < least * median(around):
                left[each] = value
                continue
            used[each] = value
            break
    return dict(sorted(used.items())), dict(sorted(left.items()))
