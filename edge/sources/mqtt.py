"""Sensors that publish JSON over MQTT 3.1.1.

A message is acknowledged only after what follows from it is committed: the broker delivers it again otherwise. It must
do so in order, as MQTT 3.1.1 §4.6 demands; NATS does only with `max_ack_pending: 1` (docs/decisions/0020).
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import paho.mqtt.client as paho
import structlog
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge.config.device import MqttSettings
from edge.logs import Repeats
from edge.sources.errors import SourceError
from edge.sources.payload import MAX_PAYLOAD_BYTES

log = structlog.get_logger("mqtt")

INBOX_MESSAGES = 1000
"""When the disk is slow the network waits, by TCP; nothing is dropped."""
RECONNECT_SECONDS = (1, 60)
_QOS = 1


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it arrived. `oversize_bytes` is set, and `payload` empty, for what is too large to look at."""

    topic: str
    payload: bytes
    arrived_at: datetime
    mid: int
    oversize_bytes: int = 0
    again: bool = False
    """The broker says that it delivers this message once more."""


@dataclass(frozen=True, slots=True)
class LinkChange:
    """The connection to the broker came or went."""

    connected: bool
    reason: str
    at: datetime


Incoming = Message | LinkChange


class MqttReceiver:
    """A session with a broker that outlives reconnects and restarts. Messages come out of `take`.

    Raises:
        SourceError: the password file cannot be read.
    """

    def __init__(self, settings: MqttSettings, topics: Iterable[str]) -> None:
        self._settings = settings
        self._topics = sorted(set(topics))
        self._inbox: queue.Queue[Incoming] = queue.Queue(INBOX_MESSAGES)
        self._stopping = threading.Event()
        self._repeats = Repeats()
        self._connected = False
        self._client = self._new_client(settings)

    def start(self) -> None:
        """Connects, and goes on trying; returns at once."""
        self._client.connect_async(self._settings.host, self._settings.port, self._settings.keepalive_seconds)
        self._client.loop_start()

    def stop(self) -> None:
        """Leaves the broker cleanly; it keeps what is not acknowledged."""
        self._stopping.set()
        self._client.disconnect()
        self._client.loop_stop()

    def take(self, most: int, seconds: float) -> Sequence[Incoming]:
        """What has arrived: waits up to `seconds` for the first, then takes what is there, at most `most`."""
        found: list[Incoming] = []
        try:
            found.append(self._inbox.get(timeout=seconds))
            while len(found) < most:
                found.append(self._inbox.get_nowait())
        except queue.Empty:
            pass  # that is all there is for now
        return found

    def acknowledge(self, messages: Iterable[Message]) -> None:
        """Tells the broker to forget these messages. One whose connection is gone comes again; that is harmless."""
        for message in messages:
            if message.mid:
                self._client.ack(message.mid, _QOS)

    @property
    def address(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    def _new_client(self, settings: MqttSettings) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=settings.client_id,
            # The broker keeps the subscription and what comes in while this program is away.
            clean_session=False,
            protocol=MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
        )
        client.reconnect_delay_set(*RECONNECT_SECONDS)
        if settings.username is not None:
            client.username_pw_set(settings.username, password_of(settings))
        client.on_connect = self._on_connect
        client.on_connect_fail = self._on_connect_fail
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    # ---- called by paho, in its own thread

    def _on_connect(
        self, client: paho.Client, _data: Any, _flags: paho.ConnectFlags, reason: ReasonCode, _more: Properties | None
    ) -> None:
        if reason.is_failure:
            self._lost(f"the broker at {self.address} refuses this client: {reason}")
            return
        client.subscribe([(topic, _QOS) for topic in self._topics])
        self._connected = True
        self._repeats.forget("link")
        log.info("connected to the broker", broker=self.address)

    def _on_subscribe(
        self, _client: paho.Client, _data: Any, _number: int, reasons: list[ReasonCode], _more: Properties | None
    ) -> None:
        # A broker that forbids a topic says so here and nowhere else: the sensor would be silent for ever.
        refused = [topic for topic, reason in zip(self._topics, reasons, strict=True) if reason.is_failure]
        if refused:
            log.error("the broker refuses topics: allow them to this client", broker=self.address, topics=refused)
        log.info("subscribed", broker=self.address, topics=len(self._topics) - len(refused))
        self._put(LinkChange(True, "", datetime.now(UTC)))

    def _on_connect_fail(self, _client: paho.Client, _data: Any) -> None:
        self._lost(f"the broker at {self.address} cannot be reached")

    def _on_disconnect(
        self,
        _client: paho.Client,
        _data: Any,
        _flags: paho.DisconnectFlags,
        reason: ReasonCode,
        _more: Properties | None,
    ) -> None:
        if not self._stopping.is_set() and self._connected:
            self._lost(f"the connection to the broker at {self.address} broke: {reason}")

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        size = len(message.payload)
        too_large = size > MAX_PAYLOAD_BYTES
        # QoS 0 messages (mid 0 in effect) have nothing to acknowledge.
        self._put(
            Message(
                topic=_topic_text(message),
                payload=b"" if too_large else bytes(message.payload),
                arrived_at=datetime.now(UTC),
                mid=message.mid if message.qos else 0,
                oversize_bytes=size if too_large else 0,
                again=bool(message.dup or message.retain),
            )
        )

    def _lost(self, reason: str) -> None:
        self._connected = False
        if self._repeats.due("link") is not None:
            log.warning("no sensor can be heard", reason=reason)
        self._put(LinkChange(False, reason, datetime.now(UTC)))

    def _put(self, item: Incoming) -> None:
        while not self._stopping.is_set():
            try:
                self._inbox.put(item, timeout=0.5)
            except queue.Full:
                continue
            return


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a topic falls under a filter with + and #."""
    return bool(paho.topic_matches_sub(topic_filter, topic))


def password_of(settings: MqttSettings) -> str | None:
    if settings.password_file is None:
        return None
    try:
        return settings.password_file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{settings.password_file}: the broker's password cannot be read: {error}") from error


def _topic_text(message: paho.MQTTMessage) -> str:
    try:
        return str(message.topic)
    except UnicodeDecodeError:
        return ""  # matches no filter, and is counted as a stray
