"""Threshold, hysteresis and dwell, in event time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contract.details import SensorDetail
from edge.detectors.interface import Observation, Reading, Visibility
from edge.detectors.threshold.settings import ThresholdRule, ThresholdSettings

NAME = "threshold"
VERSION = "1"


@dataclass(slots=True)
class _RuleState:
    """Where one rule stands; times are media times in seconds."""

    beyond_since: float | None = None
    within_since: float | None = None
    open_since: float | None = None


class ThresholdDetector:
    """Says when a channel has been beyond its limit for the dwell time, and when it has come back.

    An episode opens with the first reading that is beyond the limit at least `dwell_seconds` after the first of an
    unbroken run beyond it, and ends with the first reading back past the clear limit for `clear_dwell_seconds`.
    Between the limit and the clear limit nothing changes (hysteresis).
    """

    name = NAME
    version = VERSION

    def __init__(self, settings: ThresholdSettings) -> None:
        self._rules: dict[str, list[tuple[ThresholdRule, _RuleState]]] = {}
        for rule in settings.rules:
            self._rules.setdefault(rule.channel, []).append((rule, _RuleState()))
        self._visibility = Visibility.UNKNOWN

    @property
    def visibility(self) -> Visibility:
        """CLEAR once a channel with a rule has been read."""
        return self._visibility

    def observe(self, reading: Reading) -> Sequence[Observation]:
        """What the reading says of each rule of its channel. Readings of a channel come in event time."""
        rules = self._rules.get(reading.channel, [])
        if rules:
            self._visibility = Visibility.CLEAR
        observations = []
        for rule, state in rules:
            observation = _judge(rule, state, reading)
            if observation is not None:
                observations.append(observation)
        return observations

    def save(self) -> dict[str, Any]:
        """What must outlive a power cut, as JSON."""
        return {
            _name(rule): [state.beyond_since, state.within_since, state.open_since]
            for rules in self._rules.values()
            for rule, state in rules
            if state != _RuleState()
        }

    def load(self, saved: Mapping[str, Any]) -> None:
        """Takes up what `save` gave. What belongs to rules that are no longer there is left out."""
        for rules in self._rules.values():
            for rule, state in rules:
                times = saved.get(_name(rule), (None, None, None))
                state.beyond_since, state.within_since, state.open_since = times

    def is_open(self, hazard: str, key: str) -> bool:
        """Whether this rule's episode is open."""
        return any(
            state.open_since is not None
            for rules in self._rules.values()
            for rule, state in rules
            if (rule.hazard, rule.slug) == (hazard, key)
        )


def _name(rule: ThresholdRule) -> str:
    return f"{rule.hazard}/{rule.slug}"


def _judge(rule: ThresholdRule, state: _RuleState, reading: Reading) -> Observation | None:
    now = reading.media_time
    sign = 1.0 if rule.above is not None else -1.0
    if sign * reading.value > sign * rule.set_limit:
        state.within_since = None
        if state.beyond_since is None:
            state.beyond_since = now
        if state.open_since is None and now - state.beyond_since >= rule.dwell_seconds:
            state.open_since = state.beyond_since
        return _observation(rule, state, reading, active=True) if state.open_since is not None else None
    state.beyond_since = None
    if state.open_since is None:
        return None
    if sign * reading.value > sign * rule.clear_limit:
        state.within_since = None
        return _observation(rule, state, reading, active=True)
    if state.within_since is None:
        state.within_since = now
    if now - state.within_since < rule.clear_dwell_seconds:
        return _observation(rule, state, reading, active=True)
    observation = _observation(rule, state, reading, active=False)
    state.open_since = state.within_since = None
    return observation


def _observation(rule: ThresholdRule, state: _RuleState, reading: Reading, *, active: bool) -> Observation:
    assert state.open_since is not None
    return Observation(
        hazard=rule.hazard,
        key=rule.slug,
        media_time=reading.media_time,
        started_media_time=state.open_since,
        severity=rule.severity,
        tier=rule.tier,
        confidence=rule.confidence,
        detail=SensorDetail(
            channel=reading.channel,
            value=reading.value,
            unit=reading.unit,
            comparison="above" if rule.above is not None else "below",
            set_limit=rule.set_limit,
            clear_limit=rule.clear_limit,
            rule=rule.slug,
        ),
        active=active,
    )
