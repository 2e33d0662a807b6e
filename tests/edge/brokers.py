"""A real MQTT broker on a free port: Debian's mosquitto."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@dataclass
class Broker:
    """One broker; can be stopped and started again on its port."""

    command: list[str]
    port: int
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "broker.log").open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)
        for _ in range(500):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self.process.poll() is None, (self.folder / "broker.log").read_text()
            time.sleep(0.02)
        pytest.fail("the broker does not answer")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None


@contextmanager
def running(folder: Path) -> Iterator[Broker]:
    """A mosquitto that keeps what it has acknowledged; skips where it is not installed."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if found is None:
        pytest.skip("no broker on this machine: install Debian's mosquitto")
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    path = folder / "broker.conf"
    path.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n"
        f"persistence true\npersistence_location {folder}/\nautosave_interval 1\nautosave_on_changes true\n"
    )
    broker = Broker([found, "-c", str(path)], port, folder)
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()
