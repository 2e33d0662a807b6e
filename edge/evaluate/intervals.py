"""95 % intervals of shares and rates: a figure without one says nothing about ten clips."""

from __future__ import annotations

import math

from scipy.special import gammaincinv

Interval = tuple[float, float]
Z95 = 1.959963984540054


def wilson(successes: int, n: int) -> Interval | None:
    """Of a share. None where nothing was counted. E. B. Wilson, 1927."""
    if n <= 0:
        return None
    p = successes / n
    centre = (p + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 / (1 + Z95**2 / n) * math.sqrt(p * (1 - p) / n + Z95**2 / (4 * n * n))
    low = 0.0 if successes == 0 else max(centre - half, 0.0)
    high = 1.0 if successes == n else min(centre + half, 1.0)
    return low, high


def poisson_rate(count: int, exposure: float) -> Interval | None:
    """Of a rate per unit of exposure, exact. None without exposure. F. Garwood, 1936."""
    if exposure <= 0:
        return None
    low = 0.0 if count == 0 else float(gammaincinv(count, 0.025))
    return low / exposure, float(gammaincinv(count + 1, 0.975)) / exposure
