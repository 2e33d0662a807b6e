"""Whether a roof of today stood in the orthophoto already, asked of its looks alone.

Roofs lean in orthophotos that are laid on the ground, all to one side where they were in one aerial picture: how far a
metre of height leans is what most roofs around say. Each question is asked at all shifts near to that, and the best
answer counts, for the roof having stood.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge.vision.arrays import Doubles, Floats, Mask
from edge.vision.change.cover import cover_of
from edge.vision.change.radiometry import lab_of
from edge.vision.change.squaring import along_outline
from edge.vision.surface.cues import share_of
from edge.vision.surface.shots import Picture

MOST_LEAN, LEAN_STEP = 0.45, 0.03
"""Metres beside its place, a metre of height: at the edge of an aerial picture of 70° it is 0.7, but orthophotos are
made of the middles."""
OFF_M, OFF_SHARE = 0.6, 0.06
"""How far a roof may be from there: the flight's place against the orthophoto's, and a share of its height."""
MOST_REACH_M = 15.0
"""A tower that leans farther is asked where it is not, and seems to be new."""
NEAR_M = 150.0
"""Roofs so far around say how far they lean: the seams of aerial pictures are farther apart."""
_TALL_M = 2.5
"""What is lower leans by too little to say anything."""
_STEP_M = 0.3
_SIDE_M, _ALONG_M, _LEAST_STEP = 0.35, 0.9, 7.0
"""As `edge.vision.surface.cues.edged` asks: how far beside an outline, along how much of it, levels of Lab."""
_FAINT = 6.0


@dataclass(frozen=True, slots=True)
class RoofCues:
    """Of the orthophoto at the place of a roof; shares are 0-1."""

    edged: float
    """Share of the outline that is an edge, at the best shift."""
    edged_here: float
    """… of it in the flight's own picture."""
    alike: float
    """Correlation of the directions of edges, of the roof and its rim, at the best shift; 1 is the same picture."""
    contrast: float
    """Levels of Lab between both days' roofs at the shift of the best edges."""
    growing: float
    """Share of the place in which plants grow in the orthophoto."""
    grain: float
    """Grey levels: how rough the place is in the orthophoto."""


@dataclass(frozen=True, slots=True, eq=False)
class Roof:
    """A place as both show it: `before` and `after` (rows, columns, 3) are one patch, the latter on the level of the
    roof; `corners_px` (n, 2) of its outline; `height_m` above the ground; `middle` (2,) metres."""

    before: Picture
    after: Picture
    corners_px: Doubles
    texel_m: float
    height_m: float
    middle: Doubles

    @property
    def mask(self) -> Mask:
        """(rows, columns): 255 within the outline."""
        found = np.zeros(self.before.shape[:2], np.uint8)
        cv2.fillPoly(found, [np.rint(self.corners_px).astype(np.int32)], 255)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Lean:
    """What one roof says of how far roofs lean: `scores` (n, n) at leans north and east, by `lean_steps`."""

    middle: Doubles
    scores: Floats


def lean_steps() -> Doubles:
    """(n,) from west to east, and from south to north."""
    count = round(MOST_LEAN / LEAN_STEP)
    return np.asarray(np.arange(-count, count + 1) * LEAN_STEP, np.float64)


def reach_m(height_m: float) -> float:
    """How far beside its place a roof is looked for."""
    return min(OFF_M + (OFF_SHARE + MOST_LEAN) * max(height_m, 0.0), MOST_REACH_M)


def lean_of(roof: Roof) -> Lean | None:
    """None of what is too low to say anything."""
    if roof.height_m < _TALL_M:
        return None
    likeness = _likeness(roof)
    right = np.rint(lean_steps() * roof.height_m / roof.texel_m).astype(int)
    inside = np.abs(right) * roof.texel_m <= reach_m(roof.height_m)
    right = np.where(inside, right, 0)
    found = likeness[-right[:, None], right[None]]
    return Lean(roof.middle, np.where(inside[:, None] & inside[None], found, 0).astype(np.float32))


def lean_at(leans: Sequence[Lean], place: Doubles) -> Doubles:
    """(2,) east and north: what roofs around a place say together; nothing where there are none."""
    if not leans:
        return np.zeros(2)
    away = np.linalg.norm(np.array([each.middle for each in leans]) - place, axis=1)
    weights = np.exp(-0.5 * (away / NEAR_M) ** 2)
    total = np.tensordot(weights, np.stack([each.scores for each in leans]), axes=1)
    north, east = np.unravel_index(int(total.argmax()), total.shape)
    steps = lean_steps()
    return np.array((steps[east], steps[north]))


def roof_cues(roof: Roof, lean: Doubles) -> RoofCues:
    """`lean` (2,) east and north: metres beside its place, a metre of height."""
    texel = roof.texel_m
    height, most = max(roof.height_m, 0.0), reach_m(roof.height_m)
    reach = min(OFF_M + OFF_SHARE * height, most) / texel
    # Rows count southwards.
    middle = np.clip(lean * height, reach * texel - most, most - reach * texel) / texel * (1, -1)
    shifts = _shifts(reach, _STEP_M / texel) + middle
    old, new = (np.asarray(lab_of(each), np.float32) for each in (roof.before, roof.after))
    steps = _edged(old, roof.corners_px, shifts, texel)
    inner = _inner(roof.mask, texel)
    there = _moved(inner, shifts[int(steps.argmax())])
    cover = cover_of(roof.before)
    likeness = _likeness(roof)
    whole = np.unique(np.rint(_shifts(reach, 1.0) + middle).astype(int), axis=0)
    return RoofCues(
        edged=float(steps.max()),
        edged_here=float(_edged(new, roof.corners_px, np.zeros((1, 2)), texel)[0]),
        alike=float(likeness[whole[:, 1], whole[:, 0]].max()),
        contrast=math.dist(_middle(old, there), _middle(new, inner)),
        growing=share_of(cover.growing > 0, inner > 0),
        grain=float(np.median(cover.roughness[inner > 0])) if inner.any() else 0.0,
    )


def _shifts(reach: float, step: float) -> Doubles:
    """(n, 2) pixels within a circle."""
    line = np.arange(-math.floor(reach / step), math.floor(reach / step) + 1) * step
    grid = np.stack(np.meshgrid(line, line), axis=2).reshape(-1, 2)
    return np.asarray(grid[np.linalg.norm(grid, axis=1) <= reach + 1e-9], np.float64)


def _edged(lab: Floats, corners: Doubles, shifts: Doubles, texel_m: float) -> Doubles:
    """(n,): share of an outline across which the colour steps, at each shift."""
    points, normals = along_outline(corners)
    if not len(points):
        return np.zeros(len(shifts))
    soft = np.asarray(cv2.GaussianBlur(lab, (0, 0), 1.0), np.float32)
    sides = []
    for reach in (-_SIDE_M / texel_m, _SIDE_M / texel_m):
        at = (shifts[:, None] + points[None] + reach * normals[None]).astype(np.float32)
        maps = np.ascontiguousarray(at[..., 0]), np.ascontiguousarray(at[..., 1])
        sides.append(cv2.remap(soft, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
    gaps = np.asarray(sides[1] - sides[0], np.float32)
    along = max(1, round(_ALONG_M / texel_m))
    even = cv2.blur(gaps, (along, 1), borderType=cv2.BORDER_REPLICATE)
    return np.asarray((np.linalg.norm(even, axis=2) >= _LEAST_STEP).mean(axis=1), np.float64)


def _likeness(roof: Roof) -> Floats:
    """(rows, columns): how alike the directions of edges are, 1 at most, when the roof and its rim lie so far down and
    right in the orthophoto; negative shifts count from the end."""
    here, there = (_directions(each) for each in (roof.after, roof.before))
    rim = round(0.6 / roof.texel_m) * 2 + 1
    around = cv2.dilate(roof.mask, np.ones((rim, rim), np.uint8)) > 0
    held = np.where(around, here, 0)
    power = float(np.sqrt((np.abs(held) ** 2).sum()))
    found = np.fft.ifft2(np.fft.fft2(there) * np.conj(np.fft.fft2(held))).real
    norm = np.fft.ifft2(np.fft.fft2(np.abs(there) ** 2) * np.conj(np.fft.fft2(around.astype(np.float32)))).real
    return np.asarray(found / np.maximum(power * np.sqrt(np.maximum(norm, 1e-6)), 1e-3), np.float32)


def _directions(bgr: Picture) -> np.ndarray[tuple[int, ...], np.dtype[np.complex64]]:
    grey = cv2.GaussianBlur(cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY), (0, 0), 1.5).astype(np.float32)
    across, down = (cv2.Sobel(grey, cv2.CV_32F, *order, ksize=3, scale=0.25) for order in ((1, 0), (0, 1)))
    slope = across + 1j * down
    power = np.abs(slope)
    return np.asarray(slope**2 / np.maximum(power**2 + power * _FAINT, 1e-3), np.complex64)


def _inner(mask: Mask, texel_m: float) -> Mask:
    side = 2 * round(0.4 / texel_m) + 1
    inner = np.asarray(cv2.erode(mask, np.ones((side, side), np.uint8)), np.uint8)
    return inner if inner.any() else mask


def _moved(mask: Mask, shift: Doubles) -> Mask:
    across = np.array(((1, 0, shift[0]), (0, 1, shift[1])), np.float64)
    return np.asarray(cv2.warpAffine(mask, across, mask.shape[::-1], flags=cv2.INTER_NEAREST), np.uint8)


def _middle(lab: Floats, mask: Mask) -> list[float]:
    return [float(value) for value in np.median(lab[mask > 0], axis=0)] if mask.any() else [0.0, 0.0, 0.0]
