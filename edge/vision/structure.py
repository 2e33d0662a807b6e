"""What structure a picture has, block by block, without being fooled by noise.

The measure is the mean product of the gradients of two pictures of the same place: noise is independent in both and
cancels, what stands there adds up. With a stored picture it says how much of that one's structure is still there
(a fog weakens it, a hand removes it, another light bends it); with the previous picture, how much structure there is
at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from edge.vision.arrays import Floats, Grey

ACROSS, DOWN = 16, 9
"""Blocks: small enough that a vehicle fills a few of them, large enough (20-40 pixels) for a mean."""
Blocks = Floats
"""(DOWN, ACROSS)."""


Gradients = Floats
"""(2 height, width): change of brightness in grey levels a pixel, to the right, and below it downwards. One array, for
half as many calls: at this size a call costs as much as its work."""


def gradients(picture: Grey | Floats) -> Gradients:
    """Central differences, smoothed across their direction (Sobel's kernel over eight)."""
    height, width = picture.shape
    found = np.empty((2 * height, width), np.float32)
    cv2.Sobel(picture, cv2.CV_32F, 1, 0, dst=found[:height], ksize=3, scale=0.125)
    cv2.Sobel(picture, cv2.CV_32F, 0, 1, dst=found[height:], ksize=3, scale=0.125)
    return found


def halves(both: Gradients) -> tuple[Floats, Floats]:
    """To the right, and down."""
    height = both.shape[0] // 2
    return both[:height], both[height:]


def common_structure(a: Gradients, b: Gradients) -> Blocks:
    """Per block, the mean product of the gradients of two pictures: noise-free energy if they show the same."""
    means = cv2.resize(cv2.multiply(a, b), (ACROSS, 2 * DOWN), interpolation=cv2.INTER_AREA)
    return np.asarray(means[:DOWN] + means[DOWN:], np.float32)


def coarse(picture: Grey | Floats) -> Floats:
    """The picture at a quarter: what is left of it when it is well out of focus."""
    height, width = picture.shape
    size = (max(1, width // 4), max(1, height // 4))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)


@dataclass(frozen=True, slots=True)
class Tones:
    """How bright a picture is: grey levels that 5, 95 and 99 % of it do not exceed, and the share that is clipped."""

    low: float
    high: float
    top: float
    clipped: float


CLIPPED_FROM = 250


def tones(picture: Grey) -> Tones:
    """Of a (height, width) picture: every second pixel of every second row is enough."""
    some = np.ascontiguousarray(picture[::2, ::2])
    histogram = np.asarray(cv2.calcHist([some], [0], None, [256], [0, 256]), np.float32).ravel()
    total = float(histogram.sum())
    running = np.cumsum(histogram)
    low, high, top = (float(np.searchsorted(running, share * total)) for share in (0.05, 0.95, 0.99))
    return Tones(low, high, top, float(histogram[CLIPPED_FROM:].sum()) / total)
