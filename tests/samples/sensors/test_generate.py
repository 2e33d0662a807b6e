"""Sensor logs: reproducible, with the faults asked for and episodes where the truth says."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from edge.config.sources import SensorSource
from edge.detectors.interface import Reading
from edge.detectors.threshold import ThresholdDetector, ThresholdSettings
from edge.sources.payload import readings_of
from samples.sensors.__main__ import DEMO_SEED, log_truth, source_settings
from samples.sensors.catalogue import demo_logs, evaluation_logs
from samples.sensors.generate import EPOCH, encode, lines, spans, undisturbed
from samples.sensors.publish import moved_body
from samples.sensors.scenario import Faults, SensorLog

LOGS = demo_logs(DEMO_SEED)


def clean(log: SensorLog) -> SensorLog:
    return replace(log, faults=Faults())


def good(line: dict[str, Any]) -> bool:
    return isinstance(line["payload"], dict)


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.source)
def test_committed_log_is_what_the_generator_makes(root: Path, log: SensorLog) -> None:
    folder = root / "samples" / "sensors"
    assert (folder / f"{log.source}.jsonl").read_text(encoding="utf-8") == encode(log)
    truth = yaml.safe_load((folder / "truth.yaml").read_text(encoding="utf-8"))["logs"]
    assert log_truth(log, spans(log)) in truth
    assert yaml.safe_load((folder / "settings.yaml").read_text(encoding="utf-8"))[log.source] == source_settings(log)


def test_seed_decides() -> None:
    assert encode(LOGS[0]) == encode(demo_logs(DEMO_SEED)[0])
    assert encode(LOGS[0]) != encode(demo_logs(DEMO_SEED + 1)[0])


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.source)
def test_demo_log_is_short_and_its_episode_begins_after_a_calm_start(log: SensorLog) -> None:
    assert log.seconds <= 30
    assert max(line["t"] for line in lines(log)) <= 30
    for span in spans(log):
        assert span.start_seconds >= 3
        assert span.end_seconds - span.start_seconds >= 2 * log.limits[0].dwell_seconds


def test_readings_follow_the_undisturbed_value() -> None:
    log = clean(LOGS[0])
    channel = log.channels[0]
    for line in lines(log):
        expected = undisturbed(channel, log.rises, line["t"])
        assert line["payload"]["data"]["level_m"] == pytest.approx(float(expected), abs=6 * channel.noise)


def test_faults_are_counted_out() -> None:
    calm = replace(LOGS[4], seconds=200.0, faults=Faults())
    plain = lines(calm)
    faulty = lines(replace(calm, faults=Faults(5, ((50.0, 10.0),), duplicates=6, swapped=4, not_a_number=3, garbage=7)))
    assert sum(not good(line) for line in faulty) == 7
    seen = Counter(line["payload"]["seq"] for line in faulty if good(line))
    assert sum(count == 2 for count in seen.values()) == 6
    assert not any(50 <= line["t"] < 60 and good(line) and seen[line["payload"]["seq"]] == 1 for line in faulty)
    assert len(seen) == len(plain) - 20
    values = [line["payload"]["data"]["level_m"] for line in faulty if good(line)]
    wild = [value for value in values if isinstance(value, float) and value > 1.2]
    assert 4 <= len(wild) <= 7  # a spike may be sent twice, or lie in the gap
    assert sum(not isinstance(value, float) for value in values) in (2, 3, 4)
    order = [line["payload"]["seq"] for line in faulty if good(line)]
    assert 3 <= sum(b < a for a, b in pairwise(order)) <= 4


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_spikes_stand_alone(seed: int) -> None:
    log = replace(LOGS[4], seed=seed, seconds=120.0, faults=Faults(spikes=12))
    wild = [line["payload"]["data"]["level_m"] > 1.2 for line in lines(log)]
    assert sum(wild) == 12
    assert not any(a and b for a, b in pairwise(wild))


def test_times_are_relative_in_both_formats() -> None:
    for log in LOGS:
        first = next(line for line in lines(clean(log)))
        stamp = first["payload"]["ts"]
        moment = EPOCH + timedelta(milliseconds=stamp) if isinstance(stamp, int) else datetime.fromisoformat(stamp)
        assert (moment - EPOCH).total_seconds() == pytest.approx(first["t"], abs=0.002)


@pytest.mark.parametrize("log", [*LOGS, *evaluation_logs(5, 6, hours=12)], ids=lambda log: log.source)
def test_the_rules_beside_the_logs_find_the_episodes_and_nothing_else(log: SensorLog) -> None:
    """The settings that are committed, the edge's own payload reader and detector: true episodes, one each."""
    source = SensorSource.model_validate(source_settings(log))
    assert source.input is not None
    rules = ThresholdSettings.model_validate(source_settings(log)["detectors"]["threshold"])
    readings: list[Reading] = []
    start = datetime(2026, 5, 4, tzinfo=UTC)
    for line in lines(log):
        body = moved_body(line["payload"], start, 1.0)
        found, _ = readings_of(log.source, source.input, body, start + timedelta(seconds=line["t"]))
        readings += found
    opened, active = [], False
    unique = {reading.observed_at: reading for reading in readings}
    detector = ThresholdDetector(rules)
    for at in sorted(unique):
        for observation in detector.observe(replace(unique[at], media_time=(at - start).total_seconds())):
            if observation.active and not active:
                opened.append((observation.hazard, observation.started_media_time))
            active = observation.active
    expected = spans(log)
    assert [hazard for hazard, _ in opened] == [span.hazard for span in expected]
    late = max(3 * log.period_seconds, 0.02 * log.seconds)
    for (_, begun), span in zip(opened, expected, strict=True):
        assert span.start_seconds - late <= begun <= span.start_seconds + late
