"""Makes two pictures of one place comparable: another exposure, white balance, haze and time of day taken out.

The older picture is fitted to the newer one, in Lab: one gain and offset for the pair, fitted to the pixels that agree,
and an offset that varies slowly over the picture. What changed does not agree, and takes no part.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Doubles, Floats, Mask, mask_of
from edge.vision.change.views import Picture

_SAMPLE_STEP = 6
_TILE_PX = 192
"""About 23 m: large against a shed, small against haze and vignetting."""
_LEAST_SAMPLES = 60
_ROUNDS = 6
_MOST_LOCAL = 18.0
"""Levels of Lab that the slow offset may add."""
SHADE_LOW, SHADE_HIGH = -1.35, -0.22
"""Natural logarithm of shade over sun, as pictures show it: a quarter to four fifths."""
_BLUER = (-0.12, 0.42)
"""By how much, in the logarithm, blue loses less than red in the shade: the sky lights it."""
_DEPTH_SLACK, _TINT_SLACK = 0.25, 0.09
_DARK = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """Both pictures in Lab (height, width, 3), OpenCV's bytes as floats; `before` fitted to `after`.

    `gains` (3,), `noise` (3,): what is left between agreeing pixels, as a standard deviation.
    """

    before: Floats
    after: Floats
    gains: Doubles
    noise: Doubles


def lab_of(bgr: Picture) -> Floats:
    """(height, width, 3) float32: L, a, b, each 0-255 as OpenCV has them."""
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2LAB), np.float32)


def match_colours(before: Picture, after: Picture, comparable: Mask) -> Matched:
    """`comparable`: pixels that may be fitted (both pictures valid, nothing that grows)."""
    old, new = lab_of(before), lab_of(after)
    sampled = [_sampled(each) for each in (old, new)]
    use = comparable[::_SAMPLE_STEP, ::_SAMPLE_STEP] > 0
    if np.count_nonzero(use) < _LEAST_SAMPLES:
        return Matched(old, new, np.ones(3), np.full(3, 4.0))
    fits = [_fit(sampled[0][use][:, band], sampled[1][use][:, band]) for band in range(3)]
    gains, offsets = np.array([fit[0] for fit in fits]), np.array([fit[1] for fit in fits])
    matched = old * gains.astype(np.float32) + offsets.astype(np.float32)
    left = sampled[1] - (sampled[0] * gains.astype(np.float32) + offsets.astype(np.float32))
    noise = np.array([_spread(left[use][:, band]) for band in range(3)])
    agreeing = use & (np.abs(left) < 2.5 * noise).all(axis=2)
    matched += _slow(np.asarray(left, np.float32), agreeing, old.shape[1], old.shape[0])
    return Matched(np.asarray(matched, np.float32), new, gains, noise)


def _sampled(lab: Floats) -> Floats:
    return np.asarray(cv2.boxFilter(lab, -1, (5, 5))[::_SAMPLE_STEP, ::_SAMPLE_STEP], np.float32)


def _fit(old: Floats, new: Floats) -> tuple[float, float]:
    """Gain and offset by least squares, trimmed to what agrees. A gain only where there is contrast to measure it."""
    keep = np.ones(len(old), bool)
    gain, offset = 1.0, float(np.median(new - old))
    for _ in range(_ROUNDS):
        left = new - (gain * old + offset)
        keep = np.abs(left - np.median(left)) < max(2.5, 1.8 * _spread(left))
        x, y = old[keep], new[keep]
        variance = float(x.var())
        if len(x) < _LEAST_SAMPLES or variance < 4:
            return 1.0, float(np.median(new - old))
        # Geometric mean of both regressions: noise in x pulls the ordinary one towards zero.
        slope = float(np.cov(x, y)[0, 1]) / variance
        gain = float(np.clip(np.sqrt(max(slope, 0.1) * max(float(y.std()) / float(x.std()), 0.1)), 0.4, 2.5))
        offset = float(np.mean(y) - gain * np.mean(x))
    return gain, offset


def _spread(values: Floats) -> float:
    """A standard deviation from the middle half; at least 1 level, which rounding alone makes."""
    low, high = np.percentile(values, (25, 75))
    return max(1.0, float(high - low) / 1.349)


def _slow(left: Floats, agreeing: NDArray[np.bool_], width: int, height: int) -> Floats:
    """The mean of what is left over agreeing pixels, blurred widely: (height, width, 3)."""
    sigma = _TILE_PX / _SAMPLE_STEP / 2
    weight = agreeing.astype(np.float32)
    share = cv2.GaussianBlur(weight, (0, 0), sigma)
    total = cv2.GaussianBlur(left * weight[..., None], (0, 0), sigma)
    # A few agreeing pixels say little: the offset fades to none with them.
    field = np.clip(total / (share[..., None] + 0.05), -_MOST_LOCAL, _MOST_LOCAL)
    return np.asarray(cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def shade_change(before: Floats, after: Floats, valid: Mask) -> tuple[Mask, Mask]:
    """Masks of pixels that could have come into the shade, and out of it, and otherwise be what they were.

    `before`, `after`: Lab as `match_colours` has them. A shadow dims all colours alike, blue a little less; how much is
    the same all over a picture, and learned from it. Half shade lies on the line between.
    """
    ratio = _log_bgr(after) - _log_bgr(before)
    green, tint = ratio[..., 1], ratio[..., 0] - ratio[..., 2]
    return _dimmed(green, tint, valid), _dimmed(-green, -tint, valid)


def _dimmed(green: Floats, tint: Floats, valid: Mask) -> Mask:
    broad = (green > SHADE_LOW) & (green < SHADE_HIGH) & (tint > _BLUER[0]) & (tint < _BLUER[1])
    some = (broad & (valid > 0))[::_SAMPLE_STEP, ::_SAMPLE_STEP]
    if np.count_nonzero(some) < _LEAST_SAMPLES:
        return mask_of(broad)
    depths, tints = green[::_SAMPLE_STEP, ::_SAMPLE_STEP][some], tint[::_SAMPLE_STEP, ::_SAMPLE_STEP][some]
    histogram, edges = np.histogram(depths, bins=24, range=(SHADE_LOW, SHADE_HIGH))
    peak = int(np.convolve(histogram, (1, 2, 1), mode="same").argmax())
    depth = float(edges[peak] + edges[peak + 1]) / 2
    usual = float(np.median(tints[np.abs(depths - depth) < 0.12]))
    share = np.minimum(green / np.float32(depth), 1.2)
    close = (green > depth - _DEPTH_SLACK) & (np.abs(tint - usual * share) < _TINT_SLACK)
    return mask_of(broad & close)


def _log_bgr(lab: Floats) -> Floats:
    smooth = cv2.boxFilter(lab, -1, (5, 5))
    bgr = cv2.cvtColor(np.clip(smooth, 0, 255).astype(np.uint8), cv2.COLOR_LAB2BGR)
    table = np.log(np.arange(256, dtype=np.float32) + np.float32(_DARK))
    return np.asarray(table[bgr], np.float32)


def shadows(lab: Floats, valid: Mask) -> Mask:
    """Pixels that lie in the shade: much darker than the bright half around them, and not redder.

    `lab` (height, width, 3) as `lab_of` has it.
    """
    light = cv2.boxFilter(lab[..., 0], -1, (5, 5))
    small = cv2.resize(light, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA)
    shown = cv2.resize(valid, (small.shape[1], small.shape[0]), interpolation=cv2.INTER_NEAREST) > 0
    level = float(np.percentile(small[shown], 60)) if shown.any() else 128.0
    bright = np.maximum(small, level * 0.7)
    around = cv2.resize(cv2.GaussianBlur(bright, (0, 0), 24), (light.shape[1], light.shape[0]))
    warm = cv2.boxFilter(lab[..., 2], -1, (5, 5))
    neutral = float(np.median(lab[::8, ::8, 2]))
    dark = (light < 0.62 * around) & (warm < neutral + 6) & (valid > 0)
    return np.asarray(cv2.morphologyEx(dark.view(np.uint8) * 255, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8)
