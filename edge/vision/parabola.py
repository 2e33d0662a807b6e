"""Falls as parabolas: y = y0 + v t - a t²/2 and x = x0 + u t, in metres and seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.vision.arrays import Doubles


@dataclass(frozen=True, slots=True)
class Fall:
    """A fitted fall. Time counts from `t0`; speeds are positive downward; errors are one standard error."""

    t0: float
    x0_m: float
    sideways_mps: float
    y0_m: float
    down_mps: float
    acceleration_mps2: float
    acceleration_error_mps2: float
    residual_m: float

    def position_m(self, t: float) -> tuple[float, float]:
        """(x, y) in metres."""
        dt = t - self.t0
        return (
            self.x0_m + self.sideways_mps * dt,
            self.y0_m - self.down_mps * dt - self.acceleration_mps2 * dt * dt / 2,
        )

    def speed_mps(self, t: float) -> float:
        """Downward speed."""
        return self.down_mps + self.acceleration_mps2 * (t - self.t0)


def fit_fall(t: Doubles, x_m: Doubles, y_m: Doubles) -> Fall:
    """Least squares through n ≥ 4 points, sorted, at four or more different times.

    The residual is the RMS distance in both directions.

    Raises:
        ValueError: fewer than four points, or fewer than three different times.
    """
    n = len(t)
    if n < 4:
        raise ValueError(f"a fall is fitted through 4 or more points, found {n}")
    t0 = float(t[0])
    span = float(t[-1]) - t0
    u = (t - t0) / max(span, 1e-6)  # well-conditioned: 0 … 1
    design = np.stack((np.ones(n), u, u * u))
    try:
        # The inverse itself is wanted: its last element is the variance of the acceleration.
        inverse = np.linalg.inv(design @ design.T)
    except np.linalg.LinAlgError:
        raise ValueError("the points lie at fewer than three different times") from None
    y_fit = inverse @ (design @ y_m)
    y_left = y_m - y_fit @ design
    u_off = u - u.mean()
    slope = float(u_off @ x_m) / float(u_off @ u_off)
    x0 = float(x_m.mean()) - slope * float(u.mean())
    x_left = x_m - (x0 + slope * u)
    y_squares = float(y_left @ y_left)
    return Fall(
        t0=t0,
        x0_m=x0,
        sideways_mps=slope / span,
        y0_m=float(y_fit[0]),
        down_mps=-float(y_fit[1]) / span,
        acceleration_mps2=-2 * float(y_fit[2]) / span**2,
        acceleration_error_mps2=2 * math.sqrt(max(float(inverse[2, 2]), 0.0) * y_squares / (n - 3)) / span**2,
        residual_m=math.sqrt((y_squares + float(x_left @ x_left)) / n),
    )


@dataclass(frozen=True, slots=True)
class Search:
    """What a sampled fall may be: apparent acceleration (low, high), and how far apart its three points lie."""

    accelerations_mps2: tuple[float, float]
    step_seconds: float
    """From one point to the next, at the most."""
    min_span_seconds: float
    max_span_seconds: float
    trials: int


def sampled_fall(points: Doubles, search: Search, random: np.random.Generator) -> NDArray[np.intp] | None:
    """RANSAC: the points of the parabola that most *times* agree with; one point, the nearest, per time.

    `points` is (n, 4 or more), sorted by time: t, x in metres, y in metres, tolerance in metres. A hypothesis goes
    through three of them that fall, ever faster. None: none had four times agreeing. Cost: O(trials × n).
    """
    if len(points) < 4:
        return None
    t = points[:, 0]
    hypotheses = _hypotheses(points, search, random)
    if hypotheses is None:
        return None
    distance = _distances(points, hypotheses, search.max_span_seconds)
    agrees = distance <= points[None, :, 3]
    times = np.cumsum(np.concatenate(([True], np.diff(t) > 0))) - 1
    votes = np.zeros((len(distance), int(times[-1]) + 1), bool)
    rows, columns = np.nonzero(agrees)
    votes[rows, times[columns]] = True
    counts = votes.sum(axis=1)
    best = int(counts.argmax())
    if int(counts[best]) < 4:
        return None
    nearest = np.where(agrees[best], distance[best], np.inf)
    order = np.lexsort((nearest, times))
    first_of_time = np.concatenate(([True], np.diff(times[order]) > 0))
    chosen = order[first_of_time]
    return np.sort(chosen[np.isfinite(nearest[chosen])])


@dataclass(frozen=True, slots=True)
class _Hypotheses:
    """(k, 1) columns: a point on each parabola, its downward speed there, acceleration and sideways speed."""

    t: Doubles
    x_m: Doubles
    y_m: Doubles
    down: Doubles
    acceleration: Doubles
    sideways: Doubles


def _hypotheses(points: Doubles, search: Search, random: np.random.Generator) -> _Hypotheses | None:
    triple = _triples(points[:, 0], search, random)
    (ta, tb, tc), (xa, _, xc), (ya, yb, yc) = (points[triple, column].T for column in range(3))
    span = tc - ta
    low, high = search.accelerations_mps2
    good = (tb > ta) & (tc > tb) & (span >= search.min_span_seconds) & (span <= search.max_span_seconds)
    good &= (yb < ya) & (yc < yb)
    ta, tb, tc, xa, xc, ya, yb, yc, span = (v[good][:, None] for v in (ta, tb, tc, xa, xc, ya, yb, yc, span))
    first, second = (yb - ya) / (tb - ta), (yc - yb) / (tc - tb)
    acceleration = -2 * (second - first) / span
    sideways = (xc - xa) / span
    possible = (acceleration >= low) & (acceleration <= high) & (np.abs(sideways) <= -second)
    rows = possible[:, 0]
    if not rows.any():
        return None
    down = -first - acceleration * (tb - ta) / 2
    return _Hypotheses(ta[rows], xa[rows], ya[rows], down[rows], acceleration[rows], sideways[rows])


def _triples(t: Doubles, search: Search, random: np.random.Generator) -> NDArray[np.intp]:
    """(trials, 3) numbers of points, each soon after the one before: what belongs together is near in time."""
    n = len(t)
    reach = np.searchsorted(t, t + search.step_seconds, side="right") - 1
    first = random.integers(0, n, search.trials)
    second = first + np.ceil(random.random(search.trials) * (reach[first] - first)).astype(np.intp)
    third = second + np.ceil(random.random(search.trials) * (reach[second] - second)).astype(np.intp)
    return np.stack((first, second, third), axis=1)


def _distances(points: Doubles, hypotheses: _Hypotheses, max_span_seconds: float) -> Doubles:
    """(k, n) distances in metres; infinite on the rising branch and beyond the span."""
    t, x_m, y_m = (points[None, :, column] for column in range(3))
    dt = t - hypotheses.t
    y_off = y_m - (hypotheses.y_m - hypotheses.down * dt - hypotheses.acceleration * dt * dt / 2)
    x_off = x_m - (hypotheses.x_m + hypotheses.sideways * dt)
    impossible = (hypotheses.down + hypotheses.acceleration * dt < 0) | (np.abs(dt) > max_span_seconds)
    return np.where(impossible, np.inf, np.hypot(x_off, y_off))
