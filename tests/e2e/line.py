"""Broker, server and edge with sensors: the real programs, in a folder of their own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from samples.demo.programs import Program, free_port, installed, listens
from samples.demo.stack import DEVICE_ID, Ports, answers, prepare_server, server_environment, server_program
from tests.e2e.sensors import sensor_source

PLACE = {"lon": 113.64, "lat": 34.742, "accuracy_m": 8}


@dataclass
class Line:
    """Broker, server and edge with a number of sensors; each can be killed and started again."""

    folder: Path
    ports: Ports
    broker: Program
    server: Program
    edge: Program
    environment: dict[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports.http}"

    def server_is_ready(self) -> bool:
        return answers(f"{self.url}/readyz")

    def start(self) -> None:
        self.broker.start()
        self.broker.wait_until(lambda: listens(self.ports.mqtt))
        self.server.start()
        self.server.wait_until(self.server_is_ready)
        self.edge.start()
        # A broker keeps messages for a session that it knows: before the first subscription there is none.
        self.edge.wait_until(self.edge_has_subscribed)

    def edge_has_subscribed(self) -> bool:
        log = self.edge.log_path.read_text(encoding="utf-8", errors="replace")
        return " subscribed " in log

    def stop(self) -> None:
        for program in (self.edge, self.server, self.broker):
            program.stop()


@contextmanager
def prepared_line(folder: Path) -> Iterator[Line]:
    """A line that is set up but not started, with sensors `s-00` … `s-24`; stopped at the end."""
    ports = Ports(http=free_port(), mqtt=free_port(), local=free_port())
    environment = server_environment(folder)
    prepare_server(environment, folder)
    config: dict[str, Any] = {
        "device": {"id": DEVICE_ID, "state_dir": str(folder / "edge")},
        "server": {"url": f"http://127.0.0.1:{ports.http}", "token_file": str(folder / "edge.token")},
        "mqtt": {"host": "127.0.0.1", "port": ports.mqtt, "client_id": DEVICE_ID},
        "sources": {f"s-{number:02}": sensor_source(f"s-{number:02}", PLACE) for number in range(25)},
    }
    config_path = folder / "edge.yaml"
    config_path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    edge = Program("edge", [installed("gridsentry-edge"), "run", "--config", str(config_path)], folder / "edge.log")
    started = Line(
        folder,
        ports,
        mosquitto(ports.mqtt, folder),
        server_program(folder, ports.http, environment),
        edge,
        environment,
    )
    try:
        yield started
    finally:
        started.stop()


def mosquitto(port: int, folder: Path) -> Program:
    """A broker that keeps everything for a subscriber that is away; its own default drops all but 1,000 messages."""
    path = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:" + os.environ.get("PATH", ""))
    if path is None:
        pytest.skip("mosquitto is not installed: run `make test` as root on Debian, or install it")
    config = folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nuser root\n", encoding="utf-8"
    )
    return Program("broker", [path, "-c", str(config)], folder / "mosquitto.log")
