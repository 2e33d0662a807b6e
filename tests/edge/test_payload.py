"""Garbage from a sensor ends in a typed fault, never in a reading and never in a crash."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config.inputs import MqttInput
from edge.sources.payload import MAX_PAYLOAD_BYTES, Fault, readings_of
from tests.edge.parts import T0

INPUT = MqttInput.model_validate(
    {
        "type": "mqtt",
        "topic": "sensors/+",
        "time_path": "ts",
        "channels": {
            "level": {"path": "data.level_m", "unit": "m", "valid_range": [-1, 20]},
            "battery": {"path": "data.cells.1.v", "unit": "V"},
        },
    }
)
NOW = T0 + timedelta(seconds=1)


def read(document: Any, settings: MqttInput = INPUT) -> tuple[dict[str, float], list[Fault]]:
    payload = document if isinstance(document, bytes) else json.dumps(document).encode()
    readings, faults = readings_of("well-12", settings, payload, NOW)
    return {reading.channel: reading.value for reading in readings}, [fault.fault for fault in faults]


def message(level: Any = 1.5, ts: Any = "2026-11-21T08:00:00Z") -> dict[str, Any]:
    return {"ts": ts, "data": {"level_m": level, "cells": [{"v": 1}, {"v": 3.6}]}}


def test_values_are_found_by_their_paths() -> None:
    assert read(message()) == ({"level": 1.5, "battery": 3.6}, [])
    assert read({"ts": T0.timestamp(), "data": {"level_m": 2}}) == ({"level": 2.0}, []), "a channel may be missing"


@pytest.mark.parametrize(
    "ts",
    [
        "2026-11-21T08:00:00Z",
        "2026-11-21T16:00:00.000+08:00",
        T0.timestamp(),
        T0.timestamp() * 1000,
        int(T0.timestamp()),
    ],
)
def test_times_in_the_usual_ways_of_writing(ts: object) -> None:
    readings, _ = readings_of("well-12", INPUT, json.dumps(message(ts=ts)).encode(), NOW)
    assert readings[0].observed_at == T0
    assert readings[0].media_time == T0.timestamp()


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        (b"", Fault.NOT_JSON),
        (b"\xff\xfe\x00", Fault.NOT_JSON),
        (b"{", Fault.NOT_JSON),
        (b"[" * 100_000, Fault.NOT_JSON),
        (b'{"a":' * 20_000, Fault.NOT_JSON),
        (b"1" * 5000, Fault.NOT_JSON),
        (b" " * (MAX_PAYLOAD_BYTES + 1), Fault.TOO_LARGE),
        ({"ts": "2026-11-21T08:00:00Z"}, Fault.NO_CHANNEL),
        ({"ts": "2026-11-21T08:00:00Z", "data": [1, 2]}, Fault.NO_CHANNEL),
        ({"data": {"level_m": 1}}, Fault.BAD_TIME),
        (message(ts="yesterday"), Fault.BAD_TIME),
        (message(ts="2026-11-21T08:00:00"), Fault.BAD_TIME),
        (message(ts=None), Fault.BAD_TIME),
        (message(ts=True), Fault.BAD_TIME),
        (message(ts=1e300), Fault.BAD_TIME),
        (message(ts=math.nan), Fault.BAD_TIME),
        (message(ts=[1]), Fault.BAD_TIME),
        (message(ts="9999-12-31T23:59:59-23:59"), Fault.BAD_TIME),
        (message(ts="2026-11-13T07:54:59Z"), Fault.CLOCK_SKEW),
        (message(ts="2026-11-21T08:06:00Z"), Fault.CLOCK_SKEW),
        (message(level="1.5"), Fault.NOT_A_NUMBER),
        (message(level=True), Fault.NOT_A_NUMBER),
        (message(level=None), Fault.NOT_A_NUMBER),
        (message(level=math.nan), Fault.NOT_A_NUMBER),
        (message(level=-math.inf), Fault.NOT_A_NUMBER),
        (message(level=10**400), Fault.NOT_A_NUMBER),
        (message(level=20.1), Fault.OUT_OF_RANGE),
        (message(level=-1e9), Fault.OUT_OF_RANGE),
    ],
    ids=str,
)
def test_garbage_is_a_fault_and_no_reading_of_that_channel(document: Any, fault: Fault) -> None:
    values, faults = read(document)
    assert faults == [fault]
    assert "level" not in values


def test_one_bad_value_leaves_the_others() -> None:
    assert read(message(level="?")) == ({"battery": 3.6}, [Fault.NOT_A_NUMBER])


def test_what_a_broker_kept_during_an_outage_is_taken() -> None:
    hours_ago = (NOW - timedelta(hours=30)).isoformat()
    assert read(message(ts=hours_ago))[1] == []


@pytest.mark.parametrize(("age", "told"), [(timedelta(days=8), "max_late_seconds"), (timedelta(minutes=-6), "ahead")])
def test_a_clock_that_is_wrong_is_told_which_way(age: timedelta, told: str) -> None:
    readings, faults = readings_of("well-12", INPUT, json.dumps(message(ts=(NOW - age).isoformat())).encode(), NOW)
    assert readings == []
    assert [fault.fault for fault in faults] == [Fault.CLOCK_SKEW]
    assert told in str(faults[0])


def test_without_a_time_path_the_arrival_counts() -> None:
    settings = INPUT.model_copy(update={"time_path": None})
    readings, faults = readings_of("well-12", settings, json.dumps(message(ts=None)).encode(), NOW)
    assert faults == []
    assert {reading.observed_at for reading in readings} == {NOW}


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["ts", "data", "level_m"]), inner),
    max_leaves=12,
)


@given(anything)
def test_any_json_is_read_or_refused(document: Any) -> None:
    readings, faults = readings_of("well-12", INPUT, json.dumps(document).encode(), datetime.now(UTC))
    assert readings or faults
    assert all(math.isfinite(reading.value) for reading in readings)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(payload: bytes) -> None:
    readings, faults = readings_of("well-12", INPUT, payload, datetime.now(UTC))
    assert readings or faults
