"""A picture laid on a level of some height: what stands that high is at its place, what is lower or higher leans."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge.vision.arrays import Doubles, Floats, Mask
from edge.vision.surface.shots import Eye, Picture

PATCH_M = 0.1
"""Metres a pixel: an edge lies within one."""
MOST_SIDE_PX = 1500


@dataclass(frozen=True, slots=True)
class Patch:
    """Where a patch lies: west and north edge in metres, pixels down and across."""

    west_m: float
    north_m: float
    rows: int
    columns: int
    texel_m: float = PATCH_M

    def pixels(self, places: Doubles) -> Doubles:
        """(n, 2): of places (n, 2); (0, 0) is the middle of the first pixel."""
        found = np.stack((places[:, 0] - self.west_m, self.north_m - places[:, 1]), axis=1) / self.texel_m
        return np.asarray(found - 0.5, np.float64)

    def metres(self, pixels: Doubles) -> Doubles:
        """The other way about."""
        away = (pixels + 0.5) * self.texel_m
        return np.stack((self.west_m + away[:, 0], self.north_m - away[:, 1]), axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A picture that shows a place: `shift` (3,) leads from the common metres to those of its eye."""

    eye: Eye
    picture: Picture
    shift: Doubles


def patch_around(places: Doubles, margin_m: float) -> Patch | None:
    """None where it would be larger than anything built."""
    low, high = places.min(axis=0) - margin_m, places.max(axis=0) + margin_m
    size = np.ceil((high - low) / PATCH_M).astype(int)
    if size.max() > MOST_SIDE_PX:
        return None
    return Patch(float(low[0]), float(high[1]), int(size[1]), int(size[0]))


def on_level(seen: Seen, patch: Patch, up_m: float) -> Picture:
    """(rows, columns, 3): the picture on a level of height `up_m` of the common metres; black where it ends."""
    across = _to_picture(seen.eye, patch, seen.shift, up_m)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpPerspective(seen.picture, across, (patch.columns, patch.rows), flags=flags), np.uint8)


def shows(eye: Eye, shift: Doubles, places: Doubles, up_m: float, rim_px: float = 4.0, least: float = 1.0) -> bool:
    """Whether places (n, 2) at a height, at least this share of them, lie within the picture."""
    points = np.column_stack((places, np.full(len(places), up_m))) + shift
    if (points[:, 2] >= eye.centre[2] - 1.0).any():
        return False
    pixels = eye.pixels(points)
    inside = ((pixels >= rim_px) & (pixels <= np.array((eye.width, eye.height)) - 1 - rim_px)).all(axis=1)
    return bool(inside.mean() >= least)


def steepness(eye: Eye, shift: Doubles, place: Doubles) -> float:
    """How far beside a place the camera was, over its height above it: 0 is straight above."""
    away = eye.centre - (place + shift)
    return float(np.hypot(away[0], away[1]) / max(float(away[2]), 1.0))


def likeness(one: Picture, other: Picture, mask: Mask) -> float:
    """Correlation of two patches within a mask, of their brightness; 0 where one is even."""
    inside = mask > 0
    if int(inside.sum()) < 16:
        return 0.0
    greys: list[Floats] = []
    for each in (one, other):
        grey = cv2.GaussianBlur(cv2.cvtColor(each, cv2.COLOR_BGR2GRAY), (0, 0), 1.2).astype(np.float32)[inside]
        greys.append(np.asarray(grey - grey.mean(), np.float32))
    power = float(np.linalg.norm(greys[0]) * np.linalg.norm(greys[1]))
    return float(greys[0] @ greys[1]) / power if power > 1e-3 else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Glimpse:
    """A picture of a patch, and what of it the camera sees, 255 (None: all); the rest shows what stands before it."""

    picture: Picture
    part: Mask | None = None


def within(glimpse: Glimpse, mask: Mask) -> Mask:
    """The part of a mask that is seen."""
    return mask if glimpse.part is None else np.asarray(cv2.bitwise_and(mask, glimpse.part), np.uint8)


def seen_by_all(glimpses: Sequence[Glimpse]) -> Picture:
    """The `middling` of several. What one does not see is taken from the first that does; from itself if none does."""
    filled = []
    for glimpse in glimpses:
        picture = glimpse.picture
        if glimpse.part is not None and len(glimpses) > 1:
            picture, wanted = picture.copy(), glimpse.part == 0
            for other in glimpses:
                given = wanted if other.part is None else wanted & (other.part > 0)
                picture[given] = other.picture[given]
                wanted &= ~given
        filled.append(picture)
    return middling(filled)


def middling(patches: Sequence[Picture]) -> Picture:
    """The median of several: what stands at the level is in all of them, what leans is elsewhere in each."""
    if len(patches) == 1:
        return patches[0]
    if len(patches) == 3:
        one, other, third = patches
        return np.asarray(cv2.max(cv2.min(one, other), cv2.min(cv2.max(one, other), third)), np.uint8)
    return np.asarray(np.median(np.stack(patches), axis=0), np.uint8)


def _to_picture(eye: Eye, patch: Patch, shift: Doubles, up_m: float) -> Doubles:
    """(3, 3): pixels of a patch to those of a picture."""
    texel = patch.texel_m
    to_metres = np.array(
        ((texel, 0, patch.west_m + texel / 2 + shift[0]), (0, -texel, patch.north_m - texel / 2 + shift[1]), (0, 0, 1))
    )
    turned = eye.matrix @ eye.turn.T
    level = np.column_stack((turned[:, 0], turned[:, 1], turned @ (np.array((0, 0, up_m + shift[2])) - eye.centre)))
    return np.asarray(level @ to_metres, np.float64)
