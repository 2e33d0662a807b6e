"""A drill of `threshold`: readings that go beyond one limit for its dwell, and come back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from edge.detectors.canary import SyntheticReading
from edge.detectors.threshold.settings import ThresholdRule, ThresholdSettings

BEYOND_SHARE = 0.1
"""So much of the limit: far enough that no rounding brings it back."""
STEPS = 5
"""Readings within a dwell: an unbroken run, and a curve that can be looked at."""
HELD_SECONDS = 2.0
"""For so long it stays beyond: an operator's list shows it as open for a moment."""


def synthetic_readings(settings: ThresholdSettings, variant: int) -> Sequence[SyntheticReading]:
    """For one of the rules; another one for another `variant`."""
    return tuple(_readings(settings.rules[variant % len(settings.rules)]))


def _readings(rule: ThresholdRule) -> Iterator[SyntheticReading]:
    outward = 1.0 if rule.above is not None else -1.0
    step = max(abs(rule.set_limit), abs(rule.set_limit - rule.clear_limit), 1.0) * BEYOND_SHARE
    beyond, within = rule.set_limit + outward * step, rule.clear_limit - outward * step
    # A little more than the dwell: its end must not depend on the last bit of a sum.
    dwell = rule.dwell_seconds * 1.01
    yield SyntheticReading(rule.channel, within, -dwell - 1.0)
    for number in range(STEPS if dwell else 0):
        yield SyntheticReading(rule.channel, beyond, -dwell * (1 - number / STEPS))
    yield SyntheticReading(rule.channel, beyond, 0.0)
    yield SyntheticReading(rule.channel, within, HELD_SECONDS)
    if rule.clear_dwell_seconds:
        yield SyntheticReading(rule.channel, within, HELD_SECONDS + rule.clear_dwell_seconds * 1.01)
