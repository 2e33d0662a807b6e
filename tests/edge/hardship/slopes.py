"""Whether something grows: a straight line through samples, and how sure its slope is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True, slots=True)
class Slope:
    """Least squares: change a step, with its 95 % interval (Student's t), and the share of variance explained."""

    per_step: float
    low: float
    high: float
    intercept: float
    r_squared: float

    def __str__(self) -> str:
        return f"{self.per_step:+.4g} a step, 95 % {self.low:+.4g} … {self.high:+.4g}"


def slope_of(values: Sequence[float], steps: Sequence[float] | None = None) -> Slope:
    """The slope of three or more samples.

    Raises:
        ValueError: fewer samples.
    """
    if len(values) < 3:
        raise ValueError(f"a slope with an interval needs 3 samples, found {len(values)}")
    x = np.arange(len(values), dtype=float) if steps is None else np.asarray(steps, float)
    if min(values) == max(values):
        return Slope(0.0, 0.0, 0.0, float(values[0]), 1.0)
    fit = stats.linregress(x, np.asarray(values, float))
    reach = float(stats.t.ppf(0.975, len(values) - 2) * fit.stderr)
    slope = float(fit.slope)
    return Slope(slope, slope - reach, slope + reach, float(fit.intercept), float(fit.rvalue) ** 2)
