"""Which pictures of a flight show a place, and what of it walls hide from them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from edge.flights.pictured import Views
from edge.vision.arrays import Doubles, Mask
from edge.vision.surface.patches import Glimpse, Patch, Seen, on_level, shows, steepness
from edge.vision.surface.seeing import visible_part, visible_share
from edge.vision.surface.surfaces import Grid, Heights

SHOWN = 3
"""Pictures of each flight in which a change is looked at."""
ASKED, LEAST_VISIBLE, ALL = 8, 0.7, 0.98
"""Of the steepest pictures so many are asked whether walls hide the place from them, by this share of it."""
LEAST_SHOWN = 0.75
"""Of a place, by each picture that it is looked at in."""


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Cells (n, 2) of a grid at a height, in a patch."""

    places: Doubles
    up_m: float
    grid: Grid
    patch: Patch

    @property
    def middle(self) -> Doubles:
        """(2,)."""
        return np.asarray(self.places.mean(axis=0), np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A picture of a place: which, which share of the place nothing hides from it, and what of the patch it sees
    (None: all)."""

    index: int
    seen: Seen
    visible: float
    part: Mask | None

    def on(self, patch: Patch, up_m: float) -> Glimpse:
        """On a level of the patch."""
        return Glimpse(on_level(self.seen, patch, up_m), self.part)


def looks(views: Views, shift: Doubles, place: Place, heights: Heights, highest_m: float) -> tuple[list[Look], int]:
    """The pictures that show a place best, and how many show it: of unhidden ones the steepest first, then those that
    see most of it. `heights` of the flight, none over `highest_m`, hide; `shift` (3,) leads to its metres."""
    middle = place.middle
    corners = cv2.convexHull(place.places.astype(np.float32)).reshape(-1, 2).astype(np.float64)
    near = views.looking_at(middle + shift[:2])
    order = [index for index in near if shows(views.eyes[index], shift, corners, place.up_m, least=LEAST_SHOWN)]
    order.sort(key=lambda index: steepness(views.eyes[index], shift, np.append(middle, place.up_m)))
    cameras = [views.eyes[index].centre - shift for index in order[:ASKED]]
    shares = [visible_share(heights, place.grid, place.places, place.up_m, each, highest_m) for each in cameras]
    ranked = sorted(range(len(cameras)), key=lambda number: -min(shares[number], LEAST_VISIBLE))
    found: list[Look] = []
    for number in ranked:
        picture = views.picture(order[number]) if len(found) < SHOWN else None
        if picture is None:
            continue
        part = None
        if shares[number] < ALL:
            part = visible_part(heights, place.grid, place.patch, place.up_m, cameras[number], highest_m)
        found.append(Look(order[number], Seen(views.eyes[order[number]], picture, shift), shares[number], part))
    return found, len(order)
