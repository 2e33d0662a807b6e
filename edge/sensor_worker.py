"""All sensors of `run`: takes what the broker delivers, commits what follows, and only then acknowledges."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from edge.config.inputs import MqttInput
from edge.detectors.interface import Reading
from edge.health import OFFLINE, ONLINE, SourceHealth
from edge.logs import Repeats
from edge.outbox.sink import Commit, CommitError, Sink
from edge.sensor_pipeline import SensorPipeline, merged
from edge.sources.mqtt import LinkChange, Message, MqttReceiver, matches
from edge.sources.payload import MAX_PAYLOAD_BYTES, Fault, PayloadError, readings_of

log = structlog.get_logger("sensor")

COMMIT_MESSAGES = 100
"""Fifty a transaction are seven times as fast as one (25,800/s against 3,600/s)."""
WAIT_SECONDS = 0.5

_OUT_OF_ORDER = "found a reading older than its channel's latest one, expected them in order; it is left out"


@dataclass(frozen=True, slots=True)
class Sensor:
    """One sensor source of the worker."""

    input: MqttInput
    pipeline: SensorPipeline
    health: SourceHealth


class SensorWorker:
    """One thread's work. `faults` counts bad messages by source and fault, for health and tests."""

    def __init__(self, receiver: MqttReceiver, sensors: Mapping[str, Sensor], sink: Sink) -> None:
        self.faults: Counter[tuple[str, Fault]] = Counter()
        self.turns = 0
        """Grows at least twice a second while its thread gets on."""
        self._receiver = receiver
        self._sensors = sensors
        self._sink = sink
        self._stop = threading.Event()
        self._repeats = Repeats()

    def run(self) -> None:
        """Works until `stop`."""
        self._receiver.start()
        try:
            while not self._stop.is_set():
                self._work_off()
        finally:
            self._receiver.stop()

    def stop(self) -> None:
        """Makes `run` return soon; what is not acknowledged stays with the broker."""
        self._stop.set()

    def _work_off(self) -> None:
        self.turns += 1
        incoming = self._receiver.take(COMMIT_MESSAGES, WAIT_SECONDS)
        messages: list[Message] = []
        for item in incoming:
            if isinstance(item, Message):
                messages.append(item)
            else:
                self._link_changed(item)
        if messages:
            commits = [commit for message in messages for commit in self._commits_for(message)]
            if commits:
                self._sink.commit(merged(commits))
            self._receiver.acknowledge(messages)
        self._drill()

    def _drill(self) -> None:
        """Drills go their own way to the outbox: no message waits for them."""
        for source_id, sensor in self._sensors.items():
            try:
                commit = sensor.pipeline.drill(datetime.now(UTC), time.monotonic())
                if commit is not None:
                    self._sink.commit(commit)
                    sensor.pipeline.drill_committed()
            except CommitError:
                log.exception("a drill could not be committed", source=source_id)

    def _commits_for(self, message: Message) -> Iterable[Commit]:
        strays = True
        for source_id, sensor in self._sensors.items():
            if not matches(sensor.input.topic, message.topic):
                continue
            strays = False
            readings, faults = self._read(source_id, sensor, message)
            self._count(source_id, message.topic, faults)
            if not readings:
                continue
            late_before = sensor.pipeline.late
            try:
                yield sensor.pipeline.take(readings)
            except Exception:
                # A fault of ours that one message brings out: left with the broker it would come again for ever.
                log.exception("a message broke the pipeline and is left out", source=source_id, topic=message.topic)
            if sensor.pipeline.late > late_before and not message.again:
                self._count(source_id, message.topic, [PayloadError(Fault.OUT_OF_ORDER, _OUT_OF_ORDER)])
        if strays and self._repeats.due("stray") is not None:
            log.warning("a message that no source is configured for", topic=message.topic[:200])

    def _read(
        self, source_id: str, sensor: Sensor, message: Message
    ) -> tuple[Sequence[Reading], Sequence[PayloadError]]:
        if message.oversize_bytes:
            said = f"found {message.oversize_bytes} bytes, expected at most {MAX_PAYLOAD_BYTES}"
            return [], [PayloadError(Fault.TOO_LARGE, said)]
        return readings_of(source_id, sensor.input, message.payload, message.arrived_at)

    def _count(self, source_id: str, topic: str, faults: Iterable[PayloadError]) -> None:
        for fault in faults:
            self.faults[source_id, fault.fault] += 1
            if self._repeats.due(f"{source_id} {fault.fault}") is not None:
                count = self.faults[source_id, fault.fault]
                log.warning("not a reading", source=source_id, topic=topic[:200], reason=str(fault), count=count)

    def _link_changed(self, change: LinkChange) -> None:
        for sensor in self._sensors.values():
            sensor.health.change(ONLINE if change.connected else OFFLINE, change.reason, change.at)
