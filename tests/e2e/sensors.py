"""Sensors whose episodes are known to the test: published over MQTT with acknowledgement."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import paho.mqtt.client as mqtt


def sensor_source(source_id: str, place: Mapping[str, float]) -> dict[str, Any]:
    """The configuration of a level sensor without dwell: each crossing is an event."""
    return {
        "kind": "sensor",
        "name": f"测试井 {source_id}",
        "location": dict(place),
        "input": {
            "type": "mqtt",
            "topic": f"sensors/{source_id}/state",
            "time_path": "ts",
            "channels": {"level": {"path": "data.level_m", "unit": "m"}},
        },
        "detectors": {
            "threshold": {
                "rules": [
                    {
                        "hazard": "water_level",
                        "channel": "level",
                        "above": 1.2,
                        "clear": 1.0,
                        "dwell_seconds": 0,
                        "severity": "red",
                        "tier": "alarm",
                    }
                ]
            }
        },
    }


class Publisher:
    """Publishes readings at QoS 1; each sensor's times grow strictly."""

    def __init__(self, port: int) -> None:
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="test-sensors", clean_session=False)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._last: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def publish(self, source_id: str, level_m: float) -> datetime:
        """Sends one reading, waits for the broker's acknowledgement and returns its time (milliseconds)."""
        with self._lock:
            now = datetime.now(UTC)
            now = now.replace(microsecond=now.microsecond // 1000 * 1000)
            last = self._last.get(source_id)
            at = now if last is None else max(now, last + timedelta(milliseconds=1))
            self._last[source_id] = at
        payload = {"ts": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"), "data": {"level_m": level_m}}
        message = self._client.publish(f"sensors/{source_id}/state", json.dumps(payload), qos=1)
        message.wait_for_publish(30)
        assert message.is_published(), "the broker did not acknowledge a reading within 30 s"
        return at

    def close(self) -> None:
        self._client.loop_stop()
        self._client.disconnect()
