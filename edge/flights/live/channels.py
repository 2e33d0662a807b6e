"""How a drone's records come: over a broker, inside of the stream, or from a log beside a recording."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import paho.mqtt.client as paho
import structlog
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge.config.device import MqttSettings
from edge.config.telemetry import FileTelemetry, KlvTelemetry, MqttTelemetry
from edge.flights.live.messages import MessageError, record_of
from edge.flights.live.track import RESTART_SECONDS, LiveTrack
from edge.flights.reading.klv import KEY, MAX_PACKET_BYTES, Broken, Scanner, fix_of
from edge.flights.reading.logs import Collected
from edge.flights.reading.sniff import read_telemetry
from edge.flights.telemetry import Fix, TelemetryLog
from edge.logs import Repeats
from edge.sources.mqtt import RECONNECT_SECONDS, password_of
from edge.sources.payload import MAX_PAYLOAD_BYTES, PayloadError
from edge.streams.late import Baseline

log = structlog.get_logger("drone")

MOST_A_SECOND = 100
"""Records: drones send 0.5 to 50. What is more is somebody's mistake, and costs no more than this."""
MOST_BYTES_A_SECOND = 1024 * 1024


class Valve:
    """Lets so much through each second, and no more."""

    def __init__(self, most: float) -> None:
        self._most, self._left, self._at = most, most, 0.0

    def lets(self, amount: float, now: float) -> bool:
        """Whether `amount` may pass `now` (monotonic seconds)."""
        self._left = min(self._most, self._left + max(now - self._at, 0.0) * self._most)
        self._at = now
        if amount > self._left:
            return False
        self._left -= amount
        return True


class MessageClock:
    """From a drone's clock, which may be wrong and may be set, to this box's steady one.

    What counts is the least delay that a message ever had: the others came later than they were sent.
    """

    def __init__(self) -> None:
        self._baseline = Baseline()
        self._last: float | None = None

    def steady(self, sent: float | None, now: float) -> float:
        """When a record was made, by the steady clock; `sent` by the drone's. None: it does not say, then now."""
        if sent is None:
            return now
        if self._last is not None and sent < self._last - RESTART_SECONDS:
            self._baseline = Baseline()
        self._last = sent
        self._baseline.saw(sent, now)
        assert self._baseline.origin is not None, "it saw one"
        return self._baseline.origin + sent


class MqttChannel:
    """Records of one topic, on the axis of the steady clock. Lives as long as its source, whatever the video does.

    Nothing is acknowledged or kept by the broker: telemetry that comes late is worth nothing.
    """

    def __init__(self, source_id: str, settings: MqttTelemetry, broker: MqttSettings, track: LiveTrack) -> None:
        """Raises SourceError: the password file cannot be read."""
        self._source_id, self._settings, self._broker, self._track = source_id, settings, broker, track
        self._clock, self._valve, self._repeats = MessageClock(), Valve(MOST_A_SECOND), Repeats()
        self.trouble = f"the broker at {broker.host}:{broker.port} was not reached yet"
        """Why nothing comes; empty while the topic is subscribed."""
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"{broker.client_id}-{source_id}-telemetry",
            clean_session=True,
            protocol=MQTTProtocolVersion.MQTTv311,
        )
        client.reconnect_delay_set(*RECONNECT_SECONDS)
        if broker.username is not None:
            client.username_pw_set(broker.username, password_of(broker))
        client.on_connect, client.on_connect_fail = self._on_connect, self._on_connect_fail
        client.on_subscribe, client.on_disconnect = self._on_subscribe, self._on_disconnect
        client.on_message = self._on_message
        self._client = client

    def start(self) -> None:
        """Connects, and goes on trying; returns at once."""
        self._client.connect_async(self._broker.host, self._broker.port, self._broker.keepalive_seconds)
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def take(self, payload: bytes, now: float) -> None:
        """Takes in one message at a moment of the steady clock. Never raises for what it holds."""
        if not self._valve.lets(1, now):
            return
        try:
            fix, sent = record_of(self._settings, payload)
        except (MessageError, PayloadError) as error:
            self._refuse(str(error))
            return
        if not self._track.put(replace(fix, media_time=self._clock.steady(sent, now))):
            self._refuse(self._track.latest_fault)

    def _refuse(self, why: str) -> None:
        held_back = self._repeats.due("refused")
        if held_back is not None:
            log.warning("no record of a drone", source=self._source_id, reason=why, repeated=held_back)

    # ---- called by paho, in its own thread

    def _on_connect(
        self, client: paho.Client, _data: Any, _flags: paho.ConnectFlags, reason: ReasonCode, _more: Properties | None
    ) -> None:
        if reason.is_failure:
            self.trouble = f"the broker at {self._broker.host}:{self._broker.port} refuses this client: {reason}"
            return
        client.subscribe(self._settings.topic, 0)

    def _on_subscribe(
        self, _client: paho.Client, _data: Any, _number: int, reasons: list[ReasonCode], _more: Properties | None
    ) -> None:
        refused = any(reason.is_failure for reason in reasons)
        self.trouble = f"the broker refuses the topic {self._settings.topic}" if refused else ""

    def _on_connect_fail(self, _client: paho.Client, _data: Any) -> None:
        self.trouble = f"the broker at {self._broker.host}:{self._broker.port} cannot be reached"

    def _on_disconnect(
        self,
        _client: paho.Client,
        _data: Any,
        _flags: paho.DisconnectFlags,
        reason: ReasonCode,
        _more: Properties | None,
    ) -> None:
        self.trouble = f"the connection to the broker at {self._broker.host}:{self._broker.port} broke: {reason}"

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        if len(message.payload) > MAX_PAYLOAD_BYTES or message.retain:
            return  # what the broker kept is of nobody knows when
        try:
            self.take(bytes(message.payload), time.monotonic())
        except Exception:
            # A fault of ours that one message brings out must not end the thread that hears all others.
            log.exception("a message broke the reading of telemetry", source=self._source_id)


class KlvChannel:
    """Records between the pictures of a stream, on the axis of its stamps."""

    def __init__(self, source_id: str, settings: KlvTelemetry, track: LiveTrack) -> None:
        self._source_id, self._settings, self._track = source_id, settings, track
        self._scanner, self._collected = Scanner(), Collected()
        self._valve, self._repeats = Valve(MOST_BYTES_A_SECOND), Repeats()
        self._number = 0
        self.trouble = "the stream has brought no packet of telemetry yet"

    def take(self, content: bytes, seconds: float | None, now: float) -> None:
        """Takes in what lay between the pictures. Never raises for what it holds."""
        if seconds is None or not self._valve.lets(len(content), now):
            return
        if content.startswith(KEY):
            self._scanner = Scanner()  # what was cut short before must not take this one with it
        for at in range(0, len(content), MAX_PACKET_BYTES):
            for found in self._scanner.feed(content[at : at + MAX_PACKET_BYTES]):
                self._number += 1
                if isinstance(found, Broken) or found.checksum_fault:
                    self._refuse(found.why if isinstance(found, Broken) else found.checksum_fault)
                    continue
                fix = fix_of(found, self._number, seconds, self._collected)
                if isinstance(fix, str):
                    self._refuse(fix)
                elif self._track.put(positioned(fix, self._settings)):
                    self.trouble = ""
                else:
                    self._refuse(self._track.latest_fault)

    def _refuse(self, why: str) -> None:
        held_back = self._repeats.due("refused")
        if held_back is not None:
            log.warning("no record of a drone", source=self._source_id, reason=why, repeated=held_back)


def positioned(fix: Fix, settings: KlvTelemetry | FileTelemetry) -> Fix:
    """With the configured kind of positioning, where the record says none."""
    if settings.positioning is None or fix.positioning.value != "unknown":
        return fix
    return replace(fix, positioning=settings.positioning)


def log_of(settings: KlvTelemetry | FileTelemetry, recording: Path) -> TelemetryLog:
    """The log of a recording.

    Raises:
        edge.flights.telemetry.TelemetryError: there is none that can be used.
    """
    if isinstance(settings, KlvTelemetry):
        return read_telemetry(recording)
    zone = None if settings.zone is None else ZoneInfo(settings.zone)
    return read_telemetry(settings.path or recording, near=settings.near, zone=zone)


def fill(track: LiveTrack, found: TelemetryLog, settings: KlvTelemetry | FileTelemetry) -> int:
    """Puts a log's records in the order of their time into a track; how many were left out."""
    timed = [fix for fix in found.fixes if fix.media_time is not None]
    timed.sort(key=lambda fix: fix.media_time or 0.0)
    return len(found.fixes) - sum(track.put(positioned(fix, settings)) for fix in timed)
