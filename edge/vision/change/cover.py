"""What the ground is covered with, as far as colour and texture say: what grows, water, bare soil.

Cues, no classes: each is a mask that asks for doubt. Excess green (Woebbecke et al. 1995) on colours of sum one, and
the green side of Lab, which dry grass and autumn leaves still have in part.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from edge.vision.arrays import Floats, Mask, mask_of
from edge.vision.change.radiometry import lab_of
from edge.vision.change.views import Picture

_EXCESS = 0.06
_GREEN_A = 124.0
_GREEN_B = 131.0
_ROUGH = 7.0
"""Grey levels: a crown is rougher than paint."""
_VIVID_B = 150.0
_SMOOTH = 1.6


@dataclass(frozen=True, slots=True, eq=False)
class Cover:
    """Masks (height, width), 255 where the cue holds."""

    growing: Mask
    water: Mask
    soil: Mask
    roughness: Floats
    """Standard deviation of brightness within half a metre, in grey levels."""


def cover_of(bgr: Picture) -> Cover:
    """At the working scale."""
    lab = lab_of(bgr)
    smooth = np.asarray(cv2.GaussianBlur(bgr, (0, 0), 1.5), np.float32)
    blue, green, red = smooth[..., 0], smooth[..., 1], smooth[..., 2]
    excess = (2 * green - red - blue) / (red + green + blue + np.float32(12))
    tint = cv2.GaussianBlur(lab[..., 1:], (0, 0), 1.5)
    roughness = local_deviation(np.asarray(lab[..., 0], np.float32), 5)
    # Painted steel and nets are greener than leaves and smooth; leaves are yellow-green.
    yellowish = tint[..., 1] > _GREEN_B
    growing = (excess > _EXCESS) & (tint[..., 0] < _GREEN_A) & yellowish
    growing |= (excess > _EXCESS / 2) & (tint[..., 0] < _GREEN_A + 2) & (roughness > _ROUGH) & yellowish
    calm = cv2.boxFilter(roughness, -1, (25, 25)) < _SMOOTH
    bluish = (tint[..., 1] < 128) & (tint[..., 0] < 130) & (lab[..., 0] < 130)
    soil = (tint[..., 1] > 134) & (tint[..., 0] > 127) & (tint[..., 1] < _VIVID_B) & ~growing
    return Cover(mask_of(growing), mask_of(calm & bluish), mask_of(soil), roughness)


def local_deviation(values: Floats, side: int) -> Floats:
    """Standard deviation in a square of `side` pixels around each."""
    mean = cv2.boxFilter(values, -1, (side, side))
    power = cv2.sqrBoxFilter(values, cv2.CV_32F, (side, side))
    return np.asarray(np.sqrt(np.maximum(power - mean * mean, 0)), np.float32)
