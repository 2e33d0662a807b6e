"""By how much a picture is shifted against another one of the same place, whatever the light.

Correlation of orientation: at each pixel the direction of the gradient with its angle doubled, so that an edge counts
the same whether it goes from dark to light or from light to dark, as edges do between day and night; correlated over
all shifts at once by the Fourier transform, with the spectrum flattened part of the way to phase correlation
(Kuglin and Hines 1975; for orientation: Fitch et al. 2002), so that long edges do not smear the peak.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Floats, Grey
from edge.vision.structure import gradients, halves

FLATTENING = 0.6
"""0 correlates as it is, 1 is phase correlation, which drowns in noise at night. On drawn and real pictures the peak
stands 25-100 standard deviations high between 0.5 and 0.7."""
RIVAL_DISTANCE = 4
"""Pixels around the peak that belong to it."""
FAINT = 0.5
"""Gradients below this, in grey levels a pixel, are noise and count little."""

Spectrum = NDArray[np.float32]
"""(rows, columns, 2): real and imaginary."""


@dataclass(frozen=True, slots=True)
class Shift:
    """Where the picture's content went: shares of the width to the right and down.

    `peak` and `rival` are the heights of the best and the second-best answer in standard deviations of all answers.
    """

    x: float
    y: float
    peak: float
    rival: float

    @property
    def size(self) -> float:
        return float(np.hypot(self.x, self.y))


def orientation_spectrum(small: Grey | Floats) -> Spectrum:
    """The Fourier transform of a picture's orientations. The picture is halved first."""
    height, width = small.shape
    half = cv2.resize(small[: height & ~1, : width & ~1], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    right, down = halves(gradients(np.asarray(half, np.float32)))
    squares = cv2.multiply(right, right), cv2.multiply(down, down)
    length = cv2.sqrt(squares[0] + squares[1]) + 1e-3
    # |g|^½ exp(2iφ): strong edges lead without ruling.
    weight = _window(*length.shape) / (length * cv2.sqrt(length + FAINT))
    field = cv2.merge([(squares[0] - squares[1]) * weight, 2 * cv2.multiply(right, down) * weight])
    return np.asarray(cv2.dft(field), np.float32)


def shift_between(reference: Spectrum, picture: Spectrum) -> Shift:
    """How the picture is shifted against the reference, both from `orientation_spectrum` and of one size."""
    cross = cv2.mulSpectrums(picture, reference, 0, conjB=True)
    power = cv2.add(cv2.multiply(cross[..., 0], cross[..., 0]), cv2.multiply(cross[..., 1], cross[..., 1]))
    flattened = cross * cv2.pow(power + 1e-12, -FLATTENING / 2)[..., None]
    answers = cv2.dft(flattened, flags=cv2.DFT_INVERSE | cv2.DFT_SCALE)[..., 0]
    mean, deviation = (float(value.item()) for value in cv2.meanStdDev(answers))
    _, best, _, (column, row) = cv2.minMaxLoc(answers)
    rows, columns = answers.shape
    x = column + _vertex(*(float(answers[row, (column + step) % columns]) for step in (-1, 0, 1)))
    y = row + _vertex(*(float(answers[(row + step) % rows, column]) for step in (-1, 0, 1)))
    near = np.arange(-RIVAL_DISTANCE, RIVAL_DISTANCE + 1)
    answers[np.ix_((row + near) % rows, (column + near) % columns)] = mean
    rival = float(answers.max())
    scale = max(deviation, 1e-12)
    return Shift(
        _around_zero(x, columns) / columns,
        _around_zero(y, rows) / columns,
        (best - mean) / scale,
        (rival - mean) / scale,
    )


def _vertex(before: float, at: float, after: float) -> float:
    """Where between the neighbours a parabola through three values is highest: -0.5 to 0.5."""
    bend = before - 2 * at + after
    return 0.0 if bend >= 0 else float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5))


def _around_zero(place: float, period: int) -> float:
    return place - period if place > period / 2 else place


@lru_cache(maxsize=8)
def _window(rows: int, columns: int) -> Floats:
    """Fades out the borders: the transform takes the picture as endless."""
    window = np.outer(np.hanning(rows + 2)[1:-1], np.hanning(columns + 2)[1:-1]) ** 0.5
    window.flags.writeable = False
    return window.astype(np.float32)
