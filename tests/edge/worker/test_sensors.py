"""The sensors' process watches its own thread."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from edge.config.document import load_config
from edge.supervisor.messages import Configure
from edge.worker.bell import new_bell
from edge.worker.hosting import Inherited
from edge.worker.sensors import SensorHost
from tests.edge.brokers import free_port
from tests.edge.supervisor.running import PLACE, configuration, wait_until


def test_a_thread_that_stands_still_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.worker.sensors.STUCK_SECONDS", 0.2)
    hangs, goes_on = threading.Event(), threading.Event()
    address = {"type": "mqtt", "topic": "well", "channels": {"level": {"path": "level", "unit": "m"}}}
    well = {"kind": "sensor", "location": PLACE, "input": address}
    mqtt = {"host": "127.0.0.1", "port": free_port(), "client_id": "box-1"}
    path = configuration(tmp_path, {"well-1": well}, mqtt=mqtt)
    bell, stopping = new_bell(), threading.Event()
    host = SensorHost(Inherited("sensors", bell, log_json=False, log_level="info"), stopping)
    try:
        host.configure(load_config(path), Configure(1, str(path), path.read_text(encoding="utf-8"), ["well-1"]))
        wait_until(lambda: host._worker is not None and host._worker.turns > 1, "it turns")
        assert host.report().running == ["well-1"]

        def drill() -> None:
            hangs.set()
            goes_on.wait()

        assert host._worker is not None
        monkeypatch.setattr(host._worker, "_drill", drill)
        assert hangs.wait(60)
        wait_until(lambda: host.report().stuck.get("well-1", 0) > 0.2, "it is seen to hang")
        goes_on.set()
        wait_until(lambda: host.report().stuck == {}, "and to go on")
    finally:
        goes_on.set()
        stopping.set()
        host.stop(30)
        os.close(bell)
