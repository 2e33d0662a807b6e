"""From a sensor log's scenario to lines and truth. Same scenario, same bytes.

A line is `{"topic", "payload", "t"}`: `t` is when it is sent, in seconds from the log's start. Times inside payloads
are relative as well, counted from 1970-01-01: the publisher moves them to now. A payload that is text, not an object,
is sent as it is: that is how garbage travels.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from samples.facade.seeding import stream
from samples.sensors.scenario import Channel, Limit, Rise, SensorLog, TimeFormat

Values = NDArray[np.float64]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FINE_SECONDS = 0.01
"""Truth is read off the undisturbed curve at this step (a thousandth of the log where that is more)."""
NOT_NUMBERS: tuple[str | None, ...] = ("NaN", None, "ERR")
GARBAGE = ("\u0000\u0001reset\u0007", '{"ts": "12:00', "level=0.43;bat=3.6")


@dataclass(frozen=True, slots=True)
class HazardSpan:
    """When the undisturbed value is a hazard."""

    hazard: str
    start_seconds: float
    end_seconds: float


def spans(log: SensorLog) -> list[HazardSpan]:
    """The log's true episodes, by start: from crossing `above` to falling below `clear`, or to the log's end."""
    step = max(FINE_SECONDS, log.seconds / 200_000)
    moments = np.arange(0.0, log.seconds, step)
    found = []
    for limit in log.limits:
        channel = next(channel for channel in log.channels if channel.key == limit.channel)
        found += _crossings(limit, moments, undisturbed(channel, log.rises, moments))
    return sorted(found, key=lambda span: span.start_seconds)


def _crossings(limit: Limit, moments: Values, values: Values) -> list[HazardSpan]:
    found, start = [], None
    for moment, value in zip(moments, values, strict=True):
        if start is None and value > limit.above:
            start = float(moment)
        elif start is not None and value < limit.clear:
            found.append(HazardSpan(limit.hazard, round(start, 2), round(float(moment), 2)))
            start = None
    if start is not None:
        found.append(HazardSpan(limit.hazard, round(start, 2), round(float(moments[-1]), 2)))
    return found


def undisturbed(channel: Channel, rises: tuple[Rise, ...], moments: Values) -> Values:
    """The physical value without noise, (n,) at (n,) seconds."""
    values = channel.base + channel.daily * np.sin(2 * pi * moments / channel.daily_seconds)
    for rise in rises:
        if rise.channel != channel.key:
            continue
        up = np.clip((moments - rise.at_seconds) / max(rise.rise_seconds, 1e-9), 0, 1)
        share = up * up * (3 - 2 * up)
        if rise.fall_seconds > 0:
            falling = rise.at_seconds + rise.rise_seconds + rise.hold_seconds
            down = np.clip((moments - falling) / rise.fall_seconds, 0, 1)
            share = share * (1 - down * down * (3 - 2 * down))
        values = values + rise.height * share
    return np.asarray(values, np.float64)


def lines(log: SensorLog) -> list[dict[str, Any]]:
    """The log's lines in the order of sending."""
    rng = stream(log.seed, "sensor", log.source)
    moments = np.arange(0.0, log.seconds, log.period_seconds)
    moments = np.round(moments + rng.uniform(0, 0.02, len(moments)) * log.period_seconds, 3)
    columns = {channel.key: _measured(channel, log, moments, rng) for channel in log.channels}
    _spikes(log, columns, moments, rng)
    payloads = [_payload(log, index, float(moment), columns, rng) for index, moment in enumerate(moments)]
    _break_values(log, payloads, rng)
    sent: list[dict[str, Any]] = [
        {"topic": log.topic, "payload": p, "t": float(m)} for p, m in zip(payloads, moments, strict=True)
    ]
    sent = [line for line in sent if not any(a <= line["t"] < a + length for a, length in log.faults.gaps)]
    _swap(log, sent, rng)
    for index in _places(rng, len(sent), log.faults.duplicates):
        sent.append({**sent[index], "t": round(sent[index]["t"] + 0.1 * log.period_seconds, 3)})
    for _ in range(log.faults.garbage):
        text = str(rng.choice(GARBAGE))
        sent.append({"topic": log.topic, "payload": text, "t": round(float(rng.uniform(0, log.seconds)), 3)})
    return sorted(sent, key=lambda line: float(line["t"]))


def _measured(channel: Channel, log: SensorLog, moments: Values, rng: np.random.Generator) -> Values:
    fresh = rng.normal(0, channel.noise * np.sqrt(1 - channel.carried**2), len(moments))
    noise = np.zeros(len(moments))
    for index in range(1, len(moments)):
        noise[index] = channel.carried * noise[index - 1] + fresh[index]
    values = undisturbed(channel, log.rises, moments) + noise
    return np.asarray(np.clip(values, channel.lowest, channel.highest), np.float64)


def _spikes(log: SensorLog, columns: dict[str, Values], moments: Values, rng: np.random.Generator) -> None:
    """Single wild readings: beyond the limit in calm times, at the channel's lowest during an episode."""
    known = spans(log)
    for index in _places(rng, len(moments), log.faults.spikes):
        moment = float(moments[index])
        for limit in log.limits:
            channel = next(channel for channel in log.channels if channel.key == limit.channel)
            during = any(span.start_seconds <= moment <= span.end_seconds for span in known)
            wild = channel.lowest if during else min(limit.above * float(rng.uniform(1.3, 2.5)), channel.highest)
            columns[limit.channel][index] = wild


def _payload(
    log: SensorLog, index: int, moment: float, columns: dict[str, Values], rng: np.random.Generator
) -> dict[str, Any]:
    stamp: str | int = round(moment * 1000)
    if log.time_format is TimeFormat.ISO:
        stamp = (EPOCH + timedelta(seconds=moment)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    data = {channel.key: round(float(columns[channel.key][index]), channel.decimals) for channel in log.channels}
    units = {channel.key: channel.unit for channel in log.channels}
    battery = round(log.battery - 0.02 * moment / log.seconds + float(rng.normal(0, 0.004)), 2)
    return {"ts": stamp, "data": data, "unit": units, "battery": battery, "seq": index}


def _break_values(log: SensorLog, payloads: list[dict[str, Any]], rng: np.random.Generator) -> None:
    for index in _places(rng, len(payloads), log.faults.not_a_number):
        payloads[index]["data"][log.channels[0].key] = NOT_NUMBERS[int(rng.integers(len(NOT_NUMBERS)))]


def _swap(log: SensorLog, sent: list[dict[str, Any]], rng: np.random.Generator) -> None:
    """Two neighbours exchange their contents: the later reading arrives first."""
    for index in _places(rng, len(sent) - 1, log.faults.swapped):
        here, after = sent[index], sent[index + 1]
        here["payload"], after["payload"] = after["payload"], here["payload"]


def _places(rng: np.random.Generator, size: int, count: int) -> list[int]:
    """`count` different places, at least three apart so that single faults stay single, none among the first four."""
    free = list(range(4, size, 4))
    chosen = rng.permutation(len(free))[:count]
    return sorted(free[int(index)] for index in chosen)


def encode(log: SensorLog) -> str:
    """The log as JSON Lines."""
    return "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines(log))
