"""What speaks for a rise being something built, and how likely that makes it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Doubles, Floats, Mask
from edge.vision.change.candidates import RoofCue
from edge.vision.change.cover import cover_of
from edge.vision.change.cues import roof_cue
from edge.vision.change.radiometry import lab_of
from edge.vision.change.squaring import along_outline
from edge.vision.surface.outlining import Outlined
from edge.vision.surface.patches import Glimpse, likeness, seen_by_all, within
from edge.vision.surface.rising import Rise
from edge.vision.surface.shots import Picture

_STEP_PX, _ALONG_PX, _LEAST_STEP = 3.0, 9, 7.0
_YELLOW, _RED_SHARE = 18.0, 0.9
_AROUND_PX = 11


@dataclass(frozen=True, slots=True)
class RiseCues:
    """Shares are 0-1."""

    gain_m: float
    area_m2: float
    length_m: float
    width_m: float
    known: float
    agreed: float
    steps: float
    rough_m: float
    fit: float
    """Intersection over union of cells and squared outline."""
    alike_top: float
    """Correlation of the newer pictures among each other on the level of the roof: a height that was measured wrongly
    shows other things in each."""
    alike_before: float
    """… of the older pictures on the level of what was there before."""
    growing: float
    growing_before: float
    contrast: float
    """Levels of Lab between the roof and what was there before."""
    edged: float
    """Share of the outline across which the roof's pictures have a straight step of colour: a crown has none there."""
    grain: float
    """Grey levels: how rough the roof is. A crown is rougher than paint and tiles."""
    leafy: float
    """Share in the colours of autumn leaves, and rough."""
    alike_days: float
    """Correlation of both days' pictures on the level of the roof, with what lies around it: what stood before is
    alike."""
    pictures: int
    roof: RoofCue = RoofCue.OTHER
    changed: float | None = None
    """What a learned change model says, 0-1; None where there is none."""


@dataclass(frozen=True, slots=True, eq=False)
class Sights:
    """A place as pictures show it, all in one patch: `tops`, those of what stands there, on the level of its roof;
    `befores`: the other flight's on the level of what was there before (or is now).

    `through`: the other flight's picture that sees the roof's level best, on it. `pictures`: how many show the place
    at all.
    """

    tops: Sequence[Glimpse]
    befores: Sequence[Glimpse]
    through: Glimpse
    pictures: int


def cues_of(rise: Rise, shape: Outlined, cells: Mask, sights: Sights) -> RiseCues:
    """`cells`: the rise in the pixels of the patch."""
    tops, befores, through = sights.tops, sights.befores, sights.through
    top, before = seen_by_all(tops), seen_by_all(befores)
    lab = np.asarray(lab_of(top), np.float32)
    cover, inside = cover_of(top), shape.mask > 0
    # The rim belongs to what is beside it as well.
    inner = cv2.erode(shape.mask, np.ones((7, 7), np.uint8)) > 0
    inner = inner if inner.any() else inside
    around = np.asarray(cv2.dilate(shape.mask, np.ones((_AROUND_PX, _AROUND_PX), np.uint8)), np.uint8)
    return RiseCues(
        gain_m=rise.gain_m,
        area_m2=shape.area_m2,
        length_m=shape.length_m,
        width_m=shape.width_m,
        known=rise.known,
        agreed=rise.agreed,
        steps=rise.steps,
        rough_m=rise.rough_m,
        fit=shape.fit,
        alike_top=pairwise(tops, cells),
        alike_before=pairwise(befores, cells),
        growing=share_of(cover.growing > 0, inside),
        growing_before=share_of(cover_of(before).growing > 0, inside),
        contrast=contrast_of(top, before, shape.mask),
        edged=edged(lab, shape.corners_px),
        grain=float(np.median(cover.roughness[inner])) if inner.any() else 0.0,
        leafy=share_of(_leafy(lab), inner),
        alike_days=likeness(top, through.picture, within(through, around)),
        pictures=sights.pictures,
        roof=roof_cue(np.median(lab[inner], axis=0)) if inner.any() else RoofCue.OTHER,
    )


def edged(lab: Floats, corners: Doubles) -> float:
    """Share of an outline across which the colour steps, averaged along a metre of it."""
    points, normals = along_outline(corners)
    if not len(points):
        return 0.0
    soft = np.asarray(cv2.GaussianBlur(lab, (0, 0), 1.0), np.float32)
    sides = []
    for reach in (-_STEP_PX, _STEP_PX):
        at = (points + reach * normals).astype(np.float32)
        sides.append(
            cv2.remap(soft, at[None, :, 0], at[None, :, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0]
        )
    gaps = np.asarray(sides[1] - sides[0], np.float32)
    kernel = np.ones(_ALONG_PX) / _ALONG_PX
    even = np.stack([np.convolve(gaps[:, axis], kernel, mode="same") for axis in range(3)], axis=1)
    return float((np.linalg.norm(even, axis=1) >= _LEAST_STEP).mean())


def share_of(found: NDArray[np.bool], inside: NDArray[np.bool]) -> float:
    """Of what is inside; 0 if nothing is."""
    return float(found[inside].mean()) if inside.any() else 0.0


def _leafy(lab: Floats) -> NDArray[np.bool]:
    """From yellow-green over yellow to orange: dull paint has less of it, tiles are redder."""
    red, yellow = lab[..., 1] - 128, lab[..., 2] - 128
    return np.asarray((yellow > _YELLOW) & (red < _RED_SHARE * yellow), np.bool)


def pairwise(glimpses: Sequence[Glimpse], mask: Mask) -> float:
    """The best correlation of any two within a mask, of what both see; 0 if there are fewer."""
    found = [
        likeness(one.picture, other.picture, within(other, within(one, mask)))
        for number, one in enumerate(glimpses)
        for other in glimpses[number + 1 :]
    ]
    return max(found, default=0.0)


def contrast_of(one: Picture, other: Picture, mask: Mask) -> float:
    """Distance of the mean colours within a mask, in levels of Lab."""
    if not mask.any():
        return 0.0
    means = [np.asarray(lab_of(each), np.float64)[mask > 0].mean(axis=0) for each in (one, other)]
    return float(math.dist(means[0], means[1]))
