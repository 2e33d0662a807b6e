"""Playing logs to a real broker."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from samples.sensors.generate import lines
from samples.sensors.publish import SENSORS, PublishError, publish, read_log
from tests.samples.sensors.test_generate import LOGS

MOSQUITTO = shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A mosquitto of our own; its port."""
    if MOSQUITTO is None:
        pytest.skip("no mosquitto on this machine: apt-get install mosquitto")
    port = free_port()
    config = tmp_path_factory.mktemp("broker") / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n")
    process = subprocess.Popen([MOSQUITTO, "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(10)


class Listener:
    """Collects what arrives on `sensors/#`."""

    def __init__(self, port: int) -> None:
        self.messages: list[mqtt.MQTTMessage] = []
        self._ready = threading.Event()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=f"listener-{time.monotonic_ns()}")
        self.client.on_subscribe = lambda *_: self._ready.set()
        self.client.on_message = lambda _client, _userdata, message: self.messages.append(message)
        self.client.connect("127.0.0.1", port)
        self.client.subscribe("sensors/#", qos=1)
        self.client.loop_start()
        assert self._ready.wait(10)

    def wait_for(self, count: int) -> list[mqtt.MQTTMessage]:
        until = time.monotonic() + 10
        while len(self.messages) < count and time.monotonic() < until:
            time.sleep(0.02)
        return self.messages

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def listener(broker: int) -> Iterator[Listener]:
    listening = Listener(broker)
    yield listening
    listening.close()


def test_every_line_arrives_in_order_with_its_time_moved_to_now(broker: int, listener: Listener) -> None:
    log, speed = LOGS[1], 20.0
    start = datetime.now(UTC)
    episodes = publish(SENSORS / f"{log.source}.jsonl", "127.0.0.1", broker, start=start, speed=speed)
    expected = lines(log)
    messages = listener.wait_for(len(expected))
    assert len(messages) == len(expected)
    for line, message in zip(expected, messages, strict=True):
        assert (message.topic, message.qos) == (line["topic"], 1)
        if isinstance(line["payload"], str):
            assert message.payload == line["payload"].encode()
            continue
        sent = json.loads(message.payload)
        moved = (start + timedelta(milliseconds=line["payload"]["ts"] / speed)).timestamp() * 1000
        assert sent.pop("ts") == pytest.approx(moved, abs=1.5)
        assert sent == {key: value for key, value in line["payload"].items() if key != "ts"}
    (episode,) = episodes
    assert (episode.source, episode.hazard) == ("shop-4", "gas")
    assert (episode.started_at - start).total_seconds() == pytest.approx(9.71 / speed, abs=0.01)
    assert datetime.now(UTC) - start >= timedelta(seconds=25 / speed)


def test_text_times_stay_text(broker: int, listener: Listener) -> None:
    start = datetime.now(UTC)
    publish(SENSORS / "well-12.jsonl", "127.0.0.1", broker, start=start, speed=50.0)
    stamps = [datetime.fromisoformat(json.loads(m.payload)["ts"]) for m in listener.wait_for(len(lines(LOGS[0])))]
    assert min(stamps) >= start - timedelta(milliseconds=1)
    assert max(stamps) <= start + timedelta(seconds=1)


def test_stops_when_told(broker: int, listener: Listener) -> None:
    stopping = threading.Event()
    stopping.set()
    later = datetime.now(UTC) + timedelta(hours=1)
    began = time.monotonic()
    publish(SENSORS / "well-12.jsonl", "127.0.0.1", broker, start=later, stopping=stopping)
    assert time.monotonic() - began < 30
    assert not listener.messages


def test_no_broker_is_said_plainly() -> None:
    port = free_port()
    with pytest.raises(PublishError, match=f"no MQTT broker at 127.0.0.1:{port}"):
        publish(SENSORS / "well-12.jsonl", "127.0.0.1", port, start=datetime.now(UTC))


@pytest.mark.parametrize("row", ["{", '{"topic": "a", "t": 1}', "[]", '{"topic": "a", "payload": {}, "t": "soon"}'])
def test_broken_line_is_named_with_file_and_number(tmp_path: Path, row: str) -> None:
    log = tmp_path / "bad.jsonl"
    log.write_text('{"topic": "a", "payload": {}, "t": 0}\n' + row + "\n")
    with pytest.raises(PublishError, match=r"bad\.jsonl:2: found .* expected"):
        list(read_log(log))


def test_missing_log_is_named(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match=r"nowhere\.jsonl: cannot be read"):
        list(read_log(tmp_path / "nowhere.jsonl"))


def test_naive_start_and_standing_speed_are_refused() -> None:
    naive = datetime.now(UTC).replace(tzinfo=None)
    with pytest.raises(ValueError, match="naive"):
        publish(SENSORS / "well-12.jsonl", "127.0.0.1", 1, start=naive)
    with pytest.raises(ValueError, match="speed"):
        publish(SENSORS / "well-12.jsonl", "127.0.0.1", 1, start=datetime.now(UTC), speed=0)


def test_command_plays_and_reports(root: Path, broker: int) -> None:
    command = [sys.executable, "-m", "samples.sensors.publish", "samples/sensors/hall-2.jsonl", "--speed", "50"]
    played = subprocess.run([*command, "--port", str(broker)], cwd=root, capture_output=True, text=True, check=False)
    assert played.returncode == 0, played.stderr
    assert "hall-2 smoke" in played.stderr
    lost = subprocess.run([*command, "--port", str(free_port())], cwd=root, capture_output=True, text=True, check=False)
    assert lost.returncode == 1
    assert "no MQTT broker" in lost.stderr


def test_generator_command_writes_logs(root: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "samples.sensors", "--out", str(tmp_path), "--seed", "3", "--scenario", "pole-31"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"pole-31.jsonl", "truth.yaml", "settings.yaml"}
    wrong = subprocess.run([*command[:-1], "pole-13"], cwd=root, capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "pole-31" in wrong.stderr
