"""Sensors over a real broker: every episode once through kills and redelivery, garbage survived."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest

from contract.events import Phase
from contract.ids import uuid7
from edge.assembly import sensor_detectors, tracker_for, writer_for
from edge.clock import clock_state
from edge.config.device import MqttSettings
from edge.config.evidence import EvidenceSettings
from edge.config.sources import SensorSource, location_of
from edge.detectors.interface import Reading
from edge.evidence.store import EvidenceStore
from edge.health import OFFLINE, ONLINE, SourceHealth, health_name
from edge.outbox.sink import Commit
from edge.outbox.store import Outbox
from edge.sensor_pipeline import SensorPipeline, merged, state_name
from edge.sensor_worker import Sensor, SensorWorker
from edge.sources.mqtt import MqttReceiver, matches
from edge.sources.payload import Fault
from tests.edge.brokers import Broker, running
from tests.edge.parts import T0

SOURCE = SensorSource.model_validate(
    {
        "kind": "sensor",
        "location": {"lon": 113.62, "lat": 34.75, "accuracy_m": 25},
        "input": {
            "type": "mqtt",
            "topic": "sensors/well-12/+",
            "time_path": "ts",
            "channels": {"level": {"path": "level_m", "unit": "m"}},
        },
        "detectors": {},
    }
)
RULE = {"hazard": "water_level", "channel": "level", "above": 1.2, "clear": 1.0, "dwell_seconds": 0}


def source(**rule: Any) -> SensorSource:
    from edge.detectors.threshold import ThresholdSettings

    return SOURCE.model_copy(
        update={"detectors": {"threshold": ThresholdSettings.model_validate({"rules": [{**RULE, **rule}]})}}
    )


def pipeline(outbox: Outbox, folder: Path, settings: SensorSource | None = None) -> SensorPipeline:
    """As a start of the program builds it, from what the outbox remembers."""
    settings = settings or source()
    place = location_of(settings)
    assert place is not None
    writer = writer_for("box-1", "well-12", settings, EvidenceSettings(), place, new_id=uuid7, clock=clock_state)
    tracker = tracker_for(settings, writer, outbox.open_episodes().get("well-12", ()))
    remembered = outbox.state(state_name("well-12"))
    return SensorPipeline(
        "well-12", sensor_detectors(settings), tracker, writer, EvidenceStore(folder / "evidence"), remembered
    )


def reading(seconds: float, value: float) -> Reading:
    at = T0 + timedelta(seconds=seconds)
    return Reading("well-12", "level", value, "m", at, at.timestamp())


def said(outbox: Outbox) -> list[dict[str, Any]]:
    return [json.loads(event.content)["data"] for event in outbox.next_batch(100_000, 2**30)]


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    opened = Outbox(tmp_path, "box-1")
    yield opened
    opened.close()


def test_an_episode_is_opened_shown_and_cleared_with_its_curve(outbox: Outbox, tmp_path: Path) -> None:
    sensor = pipeline(outbox, tmp_path, source(dwell_seconds=2))
    for seconds, value in [(-400, 0.5), (-10, 0.6), (0, 1.3), (2, 1.4), (3, 1.1), (4, 0.9), (5, 0.8)]:
        outbox.commit(sensor.take([reading(seconds, value)]))
    events = said(outbox)
    assert [(event["phase"], event["revision"]) for event in events] == [("opened", 1), ("updated", 2), ("cleared", 3)]
    assert events[0]["evidence"] == []
    assert datetime.fromisoformat(events[0]["started_at"]) == T0
    assert datetime.fromisoformat(events[2]["ended_at"]) == T0 + timedelta(seconds=4)
    assert [item["kind"] for item in events[2]["evidence"]] == ["telemetry", "telemetry"]
    curve = json.loads(EvidenceStore(tmp_path / "evidence").path_of(events[2]["evidence"][1]["sha256"]).read_bytes())
    assert [value for _, value in curve["readings"]] == [0.6, 1.3, 1.4, 1.1, 0.9], "five minutes before, to the end"
    assert curve["complete_from"] is None
    assert (curve["unit"], curve["set_limit"]) == ("m", 1.2)


def test_a_restart_at_any_point_changes_no_episode(tmp_path: Path) -> None:
    """Dwell, hysteresis and the open episode all go on; a repeated reading is left out."""
    values = [0.5, 1.3, 1.4, 1.3, 1.1, 1.3, 0.9, 0.8, 1.5, 1.5, 1.5, 0.2]
    shapes = []
    for cut in range(len(values) + 1):
        folder = tmp_path / str(cut)
        box = Outbox(folder, "box-1")
        sensor = pipeline(box, folder, source(dwell_seconds=2))
        for number, value in enumerate(values):
            if number == cut:
                sensor = pipeline(box, folder, source(dwell_seconds=2))
                if number:
                    box.commit(sensor.take([reading(number - 1, values[number - 1])]))
                    assert sensor.duplicates == 1
            box.commit(sensor.take([reading(number, value)]))
        shapes.append([(event["phase"], event["revision"], event["started_at"]) for event in said(box)])
        box.close()
    assert all(shape == shapes[0] for shape in shapes)
    assert [phase for phase, _, _ in shapes[0]] == ["opened", "updated", "cleared"] * 2


def test_an_episode_whose_rule_is_gone_is_named_for_clearing(outbox: Outbox, tmp_path: Path) -> None:
    outbox.commit(pipeline(outbox, tmp_path).take([reading(0, 1.5)]))
    assert pipeline(outbox, tmp_path).forgotten_episodes() == []
    changed = pipeline(outbox, tmp_path, source(above=2.0))
    assert [episode.hazard for episode in changed.forgotten_episodes()] == ["water_level"]


def test_several_readings_make_one_commit(outbox: Outbox, tmp_path: Path) -> None:
    sensor = pipeline(outbox, tmp_path)
    commit = merged([sensor.take([reading(0, 1.5)]), sensor.take([reading(1, 0.5)]), sensor.take([reading(2, 1.5)])])
    outbox.commit(commit)
    assert [event["phase"] for event in said(outbox)] == ["opened", "updated", "cleared", "opened", "updated"]
    assert len(outbox.open_episodes()["well-12"]) == 1


def test_what_is_older_than_the_latest_is_left_out(outbox: Outbox, tmp_path: Path) -> None:
    sensor = pipeline(outbox, tmp_path)
    sensor.take([reading(10, 0.5), reading(5, 1.5), reading(10, 1.5)])
    assert (sensor.late, sensor.duplicates) == (1, 1)


@pytest.mark.parametrize(
    ("topic_filter", "topic", "expected"),
    [("a/+", "a/b", True), ("a/+", "a/b/c", False), ("a/#", "a/b/c", True), ("a", "b", False), ("a/+", "", False)],
)
def test_topics(topic_filter: str, topic: str, expected: bool) -> None:
    assert matches(topic_filter, topic) is expected


# ---- over a real broker


class Publisher:
    """Publishes at QoS 1 and waits for the broker's word."""

    def __init__(self, port: int) -> None:
        self._client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="test-publisher")
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def send(self, payload: bytes, topic: str = "sensors/well-12/state") -> None:
        message = self._client.publish(topic, payload, qos=1)
        message.wait_for_publish(20)
        assert message.is_published()

    def level(self, value: float, at: datetime) -> None:
        self.send(json.dumps({"ts": at.isoformat(), "level_m": value}).encode())

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


class RefusingSink:
    """Commits until told to fail, as a disk does."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox
        self.failing = threading.Event()

    def commit(self, commit: Commit) -> None:
        if self.failing.is_set():
            raise OSError(28, "No space left on device")
        self._outbox.commit(commit)


@contextmanager
def worker(broker: Broker, outbox: Outbox, folder: Path, sink: Any = None) -> Iterator[SensorWorker]:
    settings = MqttSettings(host="127.0.0.1", port=broker.port, client_id="box-1", keepalive_seconds=5)
    built = pipeline(outbox, folder)
    health = SourceHealth("well-12", built._writer, outbox, outbox.state(health_name("well-12")))
    assert SOURCE.input is not None
    sensors = {"well-12": Sensor(SOURCE.input, built, health)}
    running_worker = SensorWorker(MqttReceiver(settings, [SOURCE.input.topic]), sensors, sink or outbox)
    thread = threading.Thread(target=_run_to_failure, args=(running_worker,))
    thread.start()
    try:
        yield running_worker
    finally:
        running_worker.stop()
        thread.join(20)
        assert not thread.is_alive()


def _run_to_failure(running_worker: SensorWorker) -> None:
    try:
        running_worker.run()
    except OSError:
        return  # the test's own full disk


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.01)


def hazards(outbox: Outbox, phase: Phase = Phase.OPENED) -> list[datetime]:
    return [datetime.fromisoformat(event["started_at"]) for event in said(outbox) if event.get("phase") == phase]


def health(outbox: Outbox) -> list[str]:
    return [event["state"] for event in said(outbox) if "state" in event]


def test_what_was_not_committed_comes_again_and_every_episode_once(outbox: Outbox, tmp_path: Path) -> None:
    with running(tmp_path / "broker") as broker:
        with worker(broker, outbox, tmp_path):
            wait_until(lambda: health(outbox) == [ONLINE], "connected")
        publisher = Publisher(broker.port)
        begin = datetime.now(UTC).replace(microsecond=0)
        times = [begin + timedelta(milliseconds=100 * number) for number in range(24)]
        values = [1.5 if number % 2 == 0 else 0.5 for number in range(24)]
        for at, value in list(zip(times, values, strict=True))[:12]:
            publisher.level(value, at)
        # The disk is full when the first comes: nothing is acknowledged, the program dies.
        full = RefusingSink(outbox)
        full.failing.set()
        with worker(broker, outbox, tmp_path, full):
            time.sleep(1)
        assert hazards(outbox) == []
        for at, value in list(zip(times, values, strict=True))[12:]:
            publisher.level(value, at)
        with worker(broker, outbox, tmp_path):
            wait_until(lambda: len(hazards(outbox, Phase.CLEARED)) >= 12, "all episodes")
        publisher.close()
    assert hazards(outbox) == times[::2], "each once, in order"
    assert hazards(outbox, Phase.CLEARED) == times[::2]
    assert outbox.open_episodes() == {}


def test_garbage_and_giants_harm_nobody(outbox: Outbox, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    with running(tmp_path / "broker") as broker, worker(broker, outbox, tmp_path) as sensors:
        wait_until(lambda: health(outbox) == [ONLINE], "connected")
        publisher = Publisher(broker.port)
        for payload in (b"", b"\xff" * 100, b"[" * 50_000, b'{"ts": 1, "level_m": NaN}', bytes(20 * 2**20)):
            publisher.send(payload)
        publisher.send(b"{}", "sensors/well-12/\N{SNOWMAN}")
        publisher.level(9.9, now - timedelta(days=30))
        publisher.level(1.5, now)
        wait_until(lambda: len(hazards(outbox)) == 1, "the one good reading")
        publisher.close()
        counted = {fault: count for (_, fault), count in sensors.faults.items()}
    assert counted[Fault.TOO_LARGE] == 1
    assert counted[Fault.NOT_JSON] == 3
    assert counted[Fault.CLOCK_SKEW] + counted[Fault.BAD_TIME] >= 3
    assert hazards(outbox) == [now]


def test_a_broker_that_goes_away_is_said_and_taken_up_again(outbox: Outbox, tmp_path: Path) -> None:
    with running(tmp_path / "broker") as broker, worker(broker, outbox, tmp_path):
        wait_until(lambda: health(outbox) == [ONLINE], "connected")
        broker.stop()
        wait_until(lambda: health(outbox) == [ONLINE, OFFLINE], "gone")
        reason = next(event["reason"] for event in said(outbox) if event.get("state") == OFFLINE)
        assert str(broker.port) in reason
        broker.start()
        wait_until(lambda: health(outbox) == [ONLINE, OFFLINE, ONLINE], "back")
        publisher = Publisher(broker.port)
        publisher.level(1.5, datetime.now(UTC))
        wait_until(lambda: len(hazards(outbox)) == 1, "a reading after the outage")
        publisher.close()


def test_without_a_broker_the_sensor_is_offline(outbox: Outbox, tmp_path: Path) -> None:
    with running(tmp_path / "broker") as broker:
        pass
    with worker(broker, outbox, tmp_path):
        wait_until(lambda: health(outbox) == [OFFLINE], "said")
    assert "cannot be reached" in said(outbox)[0]["reason"]
