"""How likely a rise is something built: cues weighed by a logistic, fitted on towns apart from the evaluation's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from edge.vision.change.candidates import RoofCue
from edge.vision.surface.cues import RiseCues

_WIDE_M, _TWO_WIDE_M, _MEAN_WIDE_M, _LONG_M = 3.05, 5.8, 2.6, 20.0
_HEADROOM_M, _VAN_M, _HIGH_VAN_M, _LORRY_M = 2.0, 2.35, 2.6, 4.3
_ROUGH_ROOFS = frozenset({RoofCue.CONCRETE, RoofCue.WHITE})
"""Stained and weathered. Paint, sheet and tiles are smoother: what is coloured and rough is a crown in blossom."""
_BESIDE, _FREE = 0.3, 0.7
"""Shares of the rim behind which the surface falls."""
_LEARNED, _LEAST_SAID = 0.5, 0.05
"""A model that nobody here has measured may change the odds fourfold at most: it looks at the same pictures."""

WEIGHTS: Mapping[str, float] = MappingProxyType(
    {
        "one": 5.67,
        "low": -2.26,
        "crown": -3.31,
        "leaves": -1.21,
        "blossom": -3.38,
        "plants": -0.59,
        "leafed": -4.0,
        "foliage": -4.68,
        "canopy": -1.97,
        "tall": -3.03,
        "unlike": -0.36,
        "unknown": -2.97,
        "unknown_unlike": -1.75,
        "alone": -0.9,
        "ragged": -1.62,
        "edgeless": -1.85,
        "flush": -2.61,
        "small": -2.59,
        "narrow": -1.52,
        "thin": -1.43,
        "rough_small": -3.06,
        "tall_small": -1.83,
        "stood": -1.7,
    }
)
"""Fitted once with the loss of `samples.town.fitting` on 8,898 rises that have no vehicle's measures, 241 of them
built: twelve built towns of the seeds 777-779, ten quiet square kilometres of nine pairs of seasons, most of them
flown twice, as is advised and sparsely (docs/decisions/0296), and three that came into blossom (0301). The command
fits on fewer, and prints values of the kind."""


def terms_of(cues: RiseCues) -> dict[str, float]:
    """What is weighed: each within 0-1, or nearly."""
    return {
        "one": 1.0,
        "low": _below(cues.gain_m, 1.6, 2.4),
        "crown": _above(cues.grain, 4.0, 6.0),
        "leaves": _above(cues.grain, 6.0, 9.0),
        "blossom": _above(cues.grain, 3.5, 5.0) * (cues.roof not in _ROUGH_ROOFS),
        "plants": cues.growing * _above(cues.grain, 1.8, 2.8),
        "leafed": cues.growing * _above(cues.growing - cues.growing_before, 0.1, 0.5),
        "foliage": _above(cues.leafy, 0.05, 0.4),
        "canopy": max(cues.growing, _above(cues.leafy, 0.05, 0.4)) * _above(cues.grain, 3.0, 4.5),
        "tall": _above(cues.gain_m, 6.0, 14.0),
        "unlike": _below(cues.alike_top, 0.4, 0.8),
        "unknown": _below(cues.known, 0.25, 0.9),
        "unknown_unlike": _below(cues.known, 0.25, 0.9) * _below(cues.alike_before, 0.4, 0.8),
        "alone": _below(cues.agreed, 0.0, 0.7) * (1.0 if cues.pictures > 2 else 0.5),
        "ragged": _below(cues.fit, 0.6, 0.85),
        "edgeless": _below(cues.edged, 0.5, 0.85),
        "flush": _below(cues.steps, 0.1, 0.6),
        "small": _below(cues.area_m2, 6.0, 14.0),
        "narrow": _below(cues.width_m, 1.5, 3.0),
        "thin": _below(cues.area_m2 / cues.length_m, 1.2, 2.4),
        "rough_small": _above(cues.rough_m, 0.05, 0.12) * _below(cues.area_m2, 10.0, 25.0),
        "tall_small": _above(cues.gain_m, 4.0, 7.0) * _below(cues.area_m2, 10.0, 25.0),
        "stood": _above(cues.alike_days, 0.3, 0.8),
    }


def likelihood(cues: RiseCues) -> float:
    """0-1."""
    total = sum(WEIGHTS.get(name, 0.0) * value for name, value in terms_of(cues).items())
    if cues.changed is not None:
        said = min(max(cues.changed, _LEAST_SAID), 1 - _LEAST_SAID)
        total += _LEARNED * math.log(said / (1 - said))
    return 1 / (1 + math.exp(-max(min(total, 30.0), -30.0)))


def may_drive(cues: RiseCues) -> bool:
    """Whether it has a vehicle's measures, or is too low to be gone into: whether it stays, another day tells.

    What has no headroom (codes of building ask for 2.0 m at the least, GB 50352 among them) may be several vehicles
    with all that stands around them.
    """
    return (cues.gain_m < _HEADROOM_M and cues.length_m <= _LONG_M) or has_vehicle_measures(cues)


def has_vehicle_measures(cues: RiseCues) -> bool:
    """Whether it stands free and has a van's, lorry's or container's measures.

    Road vehicles are at most 2.55 m wide and 4 m high (Directive 96/53/EC; GB 1589 allows the same), drawn here to
    0.3 m. What is as low as a van may be two of them side by side, or stand against a wall.
    """
    if cues.length_m > _LONG_M or cues.gain_m > _LORRY_M or cues.steps < _BESIDE:
        return False
    # A lorry with a corner of what stands beside it has a wider rectangle around it, but no larger area.
    mean_m = cues.area_m2 / cues.length_m
    if cues.gain_m <= _VAN_M:
        return cues.width_m <= _TWO_WIDE_M
    if cues.gain_m <= _HIGH_VAN_M:
        return cues.width_m <= _WIDE_M or mean_m <= _MEAN_WIDE_M
    return (cues.width_m <= _WIDE_M or mean_m <= _MEAN_WIDE_M) and cues.steps >= _FREE


def _above(value: float, low: float, high: float) -> float:
    return min(max((value - low) / (high - low), 0.0), 1.0)


def _below(value: float, low: float, high: float) -> float:
    return 1.0 - _above(value, low, high)
