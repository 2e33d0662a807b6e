"""What speaks for a candidate, measured on both pictures within and around its outline."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from edge.vision.arrays import Doubles, Floats, Mask
from edge.vision.change.candidates import ChangeKind, Cues, RoofCue
from edge.vision.change.cover import Cover
from edge.vision.change.evidence import Evidence
from edge.vision.change.squaring import Squared, along_outline

EDGE_FROM = 5.0
"""Grey levels of Lab over two pixels to each side of an outline."""
_ALONG = 13
"""Points a pixel apart."""
_EVEN, _ROUGH = 3.0, 11.0
"""Standard deviation of brightness in half a metre, of paint and of a crown."""
_VEHICLE_WIDTH_M = (1.4, 2.75)
_VEHICLE_LENGTH_M = (3.0, 13.5)
_VEHICLE_ASPECT = 1.4


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A registered, matched pair: Lab of both days (height, width, 3), their cover, the evidence, metres a pixel.

    `sun` (2,): unit vector in the picture from where the sun shines to where shadows fall; None if unknown.
    """

    before: Floats
    after: Floats
    before_cover: Cover
    after_cover: Cover
    evidence: Evidence
    gsd_m: float
    sun: Doubles | None = None


def cues_of(pair: Pair, shape: Squared, changed: Mask, origin: tuple[int, int]) -> Cues:
    """`shape` and `changed`, its mask, in pixels of a window of the pair that starts at `origin` (column, row)."""
    left, top = origin
    rows, columns = changed.shape
    area = slice(top, top + rows), slice(left, left + columns)
    inside = np.zeros_like(changed)
    cv2.fillPoly(inside, [np.rint(shape.corners).astype(np.int32)], 255)
    core = cv2.erode(inside, np.ones((5, 5), np.uint8))
    use = (core if np.count_nonzero(core) >= 40 else inside) > 0
    evidence = pair.evidence
    shade = evidence.into_shade[area] | evidence.out_of_shade[area]
    outlines = _edge_shares(pair.after[area], pair.before[area], shape.corners)
    length_m, width_m = shape.length_px * pair.gsd_m, shape.width_px * pair.gsd_m
    return Cues(
        contrast=_mean(evidence.colour[area], use),
        rectangularity=shape.fit,
        outline_after=outlines[0],
        outline_before=outlines[1],
        evenness_after=_evenness(pair.after_cover.roughness[area], use),
        evenness_before=_evenness(pair.before_cover.roughness[area], use),
        growing_after=_share(pair.after_cover.growing[area], use),
        growing_before=_share(pair.before_cover.growing[area], use),
        light_only=_share(shade, use),
        texture_kept=texture_kept(pair.before[area][..., 0], pair.after[area][..., 0], use),
        shadow_beside=None,
        vehicle_like=vehicle_like(length_m, width_m, shape.fit),
        length_m=length_m,
        width_m=width_m,
        roof=roof_cue(np.median(pair.after[area][use], axis=0)),
    )


def _mean(values: Floats, use: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> float:
    return float(values[use].mean()) if use.any() else 0.0


def _share(mask: Mask, use: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> float:
    return float(np.count_nonzero(mask[use])) / max(1, int(np.count_nonzero(use)))


def _evenness(roughness: Floats, use: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> float:
    if not use.any():
        return 0.0
    return float(np.clip((_ROUGH - np.median(roughness[use])) / (_ROUGH - _EVEN), 0, 1))


def _edge_shares(after: Floats, before: Floats, corners: Doubles) -> tuple[float, float]:
    """Shares of the outline across which the colour steps, in the newer and in the older picture.

    A step counts if it is clear, and not small beside the other day's: grain is no edge.
    """
    points, normals = along_outline(corners)
    if not len(points):
        return 0.0, 0.0
    new, old = _steps(after, points, normals), _steps(before, points, normals)
    shares = (new >= np.maximum(EDGE_FROM, 0.45 * old)), (old >= np.maximum(EDGE_FROM, 0.45 * new))
    return float(shares[0].mean()), float(shares[1].mean())


def _steps(lab: Floats, points: Doubles, normals: Doubles) -> Doubles:
    """(n,): how far the colours on both sides of an outline differ, within two pixels of where it is drawn.

    Colours are averaged along the outline before they are held against each other.
    """
    soft = np.asarray(cv2.GaussianBlur(lab, (0, 0), 0.8), np.float32)
    window = np.ones(min(_ALONG, len(points))) / min(_ALONG, len(points))
    steps = []
    for offset in (-2.0, 0.0, 2.0):
        at = points + normals * offset
        gap = sum(_sampled(soft, at + normals * reach) - _sampled(soft, at - normals * reach) for reach in (2.0, 3.5))
        mean = np.stack([np.convolve(band, window, mode="same") for band in np.asarray(gap).T], axis=1) / 2
        steps.append(np.sqrt((0.75 * mean[:, 0]) ** 2 + mean[:, 1] ** 2 + mean[:, 2] ** 2))
    return np.asarray(np.max(steps, axis=0), np.float64)


def _sampled(lab: Floats, points: Doubles) -> Doubles:
    smooth = cv2.remap(
        lab,
        points[:, 0].astype(np.float32),
        points[:, 1].astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(smooth.reshape(-1, 3), np.float64)


def texture_kept(before: Floats, after: Floats, use: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> float:
    """Correlation of the fine grain of two brightnesses over an area, 0-1. Of even areas it is near 0 by noise."""
    grains = [each - cv2.GaussianBlur(each, (0, 0), 3.0) for each in (before, after)]
    one, two = (cv2.GaussianBlur(grain, (0, 0), 0.7)[use] for grain in grains)
    if len(one) < 40:
        return 0.0
    one, two = one - one.mean(), two - two.mean()
    length = math.sqrt(float((one * one).sum()) * float((two * two).sum()))
    return float(np.clip((one * two).sum() / length, 0, 1)) if length > 0 else 0.0


def vehicle_like(length_m: float, width_m: float, fit: float) -> bool:
    """Whether a rectangle has the measures of a car, a van, a lorry or a container."""
    (narrow, wide), (short, long) = _VEHICLE_WIDTH_M, _VEHICLE_LENGTH_M
    aspect = length_m / max(width_m, 0.1)
    return narrow <= width_m <= wide and short <= length_m <= long and aspect >= _VEHICLE_ASPECT and fit > 0.6


_HUES = (
    (0, 55, RoofCue.RED_STEEL),
    (120, 215, RoofCue.GREEN_TARPAULIN),
    (215, 300, RoofCue.BLUE_STEEL),
    (340, 360, RoofCue.RED_STEEL),
)
"""Angles in the plane of a and b, in degrees."""


def roof_cue(lab: Floats | Doubles) -> RoofCue:
    """By the middle colour (3,), in OpenCV's Lab."""
    light, a, b = (float(value) for value in lab)
    a, b = a - 128, b - 128
    strength = math.hypot(a, b)
    hue = math.degrees(math.atan2(b, a)) % 360
    if strength > 11:
        return next((cue for low, high, cue in _HUES if low <= hue < high), RoofCue.OTHER)
    if light > 205:
        return RoofCue.WHITE
    if light > 125:
        return RoofCue.CONCRETE
    return RoofCue.DARK if light < 90 else RoofCue.OTHER


def kind_of(cues: Cues) -> ChangeKind:
    """An outline that only the newer picture has is new, one that only the older has is gone."""
    if cues.outline_after >= 0.5 and cues.outline_after - cues.outline_before >= 0.2:
        return ChangeKind.NEW
    if cues.outline_before >= 0.5 and cues.outline_before - cues.outline_after >= 0.2:
        return ChangeKind.REMOVED
    return ChangeKind.CHANGED_COVER


def confidence_of(kind: ChangeKind, cues: Cues, score: float) -> float:
    """0-1, a logistic of the cues. Weights are set by hand, see docs/decisions/0266."""
    removed = kind is ChangeKind.REMOVED
    outline, other = (cues.outline_before, cues.outline_after) if removed else (cues.outline_after, cues.outline_before)
    even = cues.evenness_before if removed else cues.evenness_after
    growing = cues.growing_before if removed else cues.growing_after
    total = -6.2
    total += 2.2 * min(cues.contrast / 14, 1.5)
    total += 5.0 * (cues.rectangularity - 0.5) - 1.5 * (cues.rectangularity < 0.78)
    total += 2.5 * outline - 1.0 * other
    total += 1.2 * even
    total += 1.0 * score
    total -= 5.0 * growing
    total -= 3.0 * cues.light_only * (0.4 + cues.texture_kept)
    total -= 3.0 * cues.texture_kept
    total -= 3.0 if cues.vehicle_like else 0.0
    if cues.shadow_beside is not None:
        total += 1.5 * (cues.shadow_beside - 0.3)
    if kind is ChangeKind.CHANGED_COVER:
        total -= 1.5
    return 1 / (1 + math.exp(-total))
