"""What a few seconds of small pictures say: how power is spread over frequencies, and whether places move together."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Doubles

MIN_SAMPLES = 10
"""Of a burst: 2 s at 5 a second. Fewer give no spectrum."""
QUIET = 1.5
"""Standard deviation in levels below which a cell's spectrum is the noise of the camera and its encoder."""
LEAST_LINES = 7
"""Three neighbours of four would always hold nearly everything."""
MOST_CELLS = 64
"""Cells that are transformed, the liveliest first: half a millisecond."""


@dataclass(frozen=True, slots=True)
class Spectrum:
    """How a region's light changes."""

    in_band: float
    """Share of the power at `band` frequencies; the rest is slower."""
    line: float | None
    """Share of the band's power in its strongest line with its neighbours: 1 a beacon, 0.3 a flat spectrum. None where
    the band has too few lines to tell, as at 5 pictures a second."""
    together: float
    """1: all cells change in step, as one lamp does; 0: each for itself, as the tongues of a flame do."""
    deviation: float
    """Levels of grey, of the liveliest quarter of the cells."""

    @property
    def flicker(self) -> float:
        """The part of the deviation that lies in the band, levels of grey."""
        return self.deviation * math.sqrt(self.in_band)


def spectrum_of(
    cells: NDArray[np.floating], times: Doubles, band: tuple[float, float] = (1.0, 12.0)
) -> Spectrum | None:
    """The spectrum of (n, m) levels of m cells at n times in seconds. None: too few, or nothing changes.

    Uneven times are brought to even ones by interpolation. `band` in Hz ends where the rate of the times ends it.
    """
    if len(times) < MIN_SAMPLES or times[-1] - times[0] <= 0:
        return None
    values = np.asarray(cells, np.float64)
    spread = values.std(axis=0)
    lively = np.flatnonzero(spread >= QUIET)
    if not len(lively):
        return None
    chosen = lively[np.argsort(-spread[lively], kind="stable")][:MOST_CELLS]
    even = _evenly(values[:, chosen], times)
    step = (times[-1] - times[0]) / (len(times) - 1)
    transformed = np.fft.rfft(even * np.hanning(len(even) + 2)[1:-1, None], axis=0)
    frequencies = np.fft.rfftfreq(len(even), step)
    power = (transformed.real**2 + transformed.imag**2)[1:]
    inside = (frequencies[1:] >= band[0]) & (frequencies[1:] <= band[1])
    total, banded = float(power.sum()), float(power[inside].sum())
    if total <= 0 or banded <= 0:
        return None
    # Flames have most at the low end: weighted by frequency their spectrum is flat, and a line stays one.
    rows = power[inside].sum(axis=1) * frequencies[1:][inside]
    # A pure line fills three neighbours under this window.
    wide = np.convolve(rows, np.ones(3), mode="same")
    summed = transformed[1:][inside].sum(axis=1)
    apart = float(np.sum(np.sqrt(power[inside]).sum(axis=1) ** 2))
    return Spectrum(
        in_band=banded / total,
        line=min(float(wide.max()) / float(rows.sum()), 1.0) if len(rows) >= LEAST_LINES else None,
        together=float(np.sum(np.abs(summed) ** 2)) / apart if apart > 0 else 0.0,
        deviation=float(np.sort(spread)[-max(len(spread) // 4, 1) :].mean()),
    )


def _evenly(values: Doubles, times: Doubles) -> Doubles:
    """At evenly spaced times, without a linear trend: a slow change would spread over all frequencies."""
    count = len(times)
    wanted = np.linspace(times[0], times[-1], count)
    after = np.clip(np.searchsorted(times, wanted), 1, count - 1)
    span = np.maximum(times[after] - times[after - 1], 1e-9)
    share = np.clip((wanted - times[after - 1]) / span, 0, 1)[:, None]
    even = values[after - 1] * (1 - share) + values[after] * share
    axis = np.linspace(-1, 1, count)
    even -= even.mean(axis=0)
    even -= np.outer(axis, axis @ even / (axis @ axis))
    return np.asarray(even, np.float64)
