"""Metric families as all of ours are made."""

from __future__ import annotations

import re
from collections.abc import Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

_SLUG = re.compile(r"[a-z0-9][a-z0-9_.-]{0,47}")


def gauge(name: str, text: str, labels: Sequence[str] = ()) -> GaugeMetricFamily:
    """A gauge of ours."""
    return GaugeMetricFamily(f"gridsentry_{name}", text, labels=list(labels))


def counter(name: str, text: str, labels: Sequence[str] = ()) -> CounterMetricFamily:
    """A counter of ours; its samples end in `_total`."""
    return CounterMetricFamily(f"gridsentry_{name}", text, labels=list(labels))


def bounded(value: object) -> str:
    """A label value from a small set: a slug as it is, anything else (a sentence, an address) as `other`."""
    text = str(value)
    return text if _SLUG.fullmatch(text) else "other"


def number(value: object) -> float | None:
    """A figure as a float; None if it is none."""
    if isinstance(value, bool):
        return float(value)
    return float(value) if isinstance(value, int | float) else None
