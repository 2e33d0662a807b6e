"""The process that listens to sensors: all of them share one session with the broker."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from contract.ids import uuid7
from edge.assembly import sensor_canaries, sensor_detectors
from edge.canary.desk import CanaryDesk
from edge.canary.sensor import SensorDrills
from edge.config.document import EdgeConfig
from edge.config.sources import SensorSource
from edge.episodes.clearing import clear_forgotten
from edge.episodes.episode import Episode
from edge.health import OFFLINE, SourceHealth, health_name
from edge.sensor_pipeline import SensorPipeline, state_name
from edge.sensor_worker import Sensor, SensorWorker
from edge.sources.errors import SourceError
from edge.sources.mqtt import MqttReceiver
from edge.status import SourceMeter
from edge.supervisor.messages import Alive, Call, Configure, Report, Witnesses
from edge.view import CallError
from edge.witnesses import Sightings
from edge.worker.bell import Bell
from edge.worker.committing import PatientSink
from edge.worker.guard import guarded
from edge.worker.hosting import Inherited
from edge.worker.progress import Progress
from edge.worker.state import State, new_writer

STUCK_SECONDS = 5.0
"""Its thread turns twice a second; a batch of messages takes milliseconds."""
RETRY_SECONDS = 10.0
"""A password file that cannot be read may be put right at any time."""


class SensorHost:
    """Hosts the sensors, see `edge.worker.hosting.Host`. It is configured once: a change starts the process anew."""

    def __init__(self, inherited: Inherited, stopping: threading.Event) -> None:
        self._bell = Bell(inherited.bell)
        self._stopping = stopping
        self._sensors: dict[str, tuple[Sensor, SourceMeter]] = {}
        self._desks: dict[str, CanaryDesk] = {}
        self._state: State | None = None
        self._worker: SensorWorker | None = None
        self._sink: PatientSink | None = None
        self._own = Sightings()
        self._thread_progress = Progress()
        self._thread: threading.Thread | None = None

    def configure(self, config: EdgeConfig, order: Configure) -> None:
        assert self._state is None, "the supervisor replaces this process instead"
        self._state = State(config, self._bell, self._stopping)
        sink = self._sink = self._state.patient_sink()
        sensors = {}
        for source_id in order.sources:
            settings = config.sources[source_id]
            assert isinstance(settings, SensorSource), "the supervisor sends sensors only"
            meter = SourceMeter(source_id, settings.kind, settings.name)
            sensors[source_id] = sensor = self._sensor(config, source_id, settings, sink, meter)
            self._sensors[source_id] = (sensor, meter)
        self._thread = guarded("sensors", lambda: self._listen(config, sensors, sink), self._stopping)

    def alive(self, order: Alive) -> None:
        """Nothing: it is for the uplink process."""

    def hear(self, order: Witnesses) -> None:
        """Nothing: sensors judge by what they measure."""

    def call(self, order: Call) -> Any:
        desk = self._desks.get(order.source_id)
        if desk is None or order.name != "canary":
            raise CallError(f"{order.source_id}: sensors have no call {order.name!r}, expected canary")
        try:
            return desk.call(order.arguments)
        except ValueError as error:
            raise CallError(str(error)) from error

    def report(self) -> Report:
        return Report(
            running=list(self._sensors),
            stuck=self._stuck(time.monotonic()),
            sources={source_id: self._snapshot(source_id) for source_id in tuple(self._sensors)},
            events=self._state.recent.take() if self._state is not None else [],
            sightings=self._own.take(),
        )

    def stop(self, seconds: float) -> None:
        if self._worker is not None:
            self._worker.stop()
        if self._thread is not None:
            self._thread.join(seconds)
            if self._state is not None and not self._thread.is_alive():
                self._state.outbox.close()

    def _tell(self, episode: Episode) -> None:
        """A reading that a broker kept while the box was away tells of then, not of now."""
        self._own.tell(episode, (datetime.now(UTC) - episode.observed_at).total_seconds())

    def _stuck(self, now: float) -> dict[str, float]:
        """All sensors, if the thread that serves them stands still for no reason."""
        worker = self._worker
        if worker is None or self._sink is None or self._sink.waiting:
            self._thread_progress.forget(now)
            return {}
        # One thread serves them all: its turns stand for a source's.
        turns = SourceMeter("sensors", "sensor", turns=worker.turns)
        seconds = self._thread_progress.stuck_seconds(turns, 0.0, now)
        return dict.fromkeys(self._sensors, round(seconds, 1)) if seconds > STUCK_SECONDS else {}

    def _snapshot(self, source_id: str) -> dict[str, Any]:
        sensor, meter = self._sensors[source_id]
        meter.state = sensor.health.state or ""
        faults = {} if self._worker is None else dict(self._worker.faults)
        meter.faults = Counter({fault.value: count for (owner, fault), count in faults.items() if owner == source_id})
        return dict(meter.snapshot())

    def _sensor(
        self, config: EdgeConfig, source_id: str, settings: SensorSource, sink: PatientSink, meter: SourceMeter
    ) -> Sensor:
        assert settings.input is not None and self._state is not None, "only sources with an input are run"
        outbox, store = self._state.outbox, self._state.store
        writer = new_writer(config, source_id, settings)
        tracker = self._state.tracker(source_id, settings, writer, self._state.resumed(source_id))
        health = SourceHealth(source_id, writer, sink, outbox.state(health_name(source_id)))
        detectors = sensor_detectors(settings)
        desk = CanaryDesk(source_id, uuid7, meter, settings.canary, now=lambda: datetime.now(UTC))
        units = {name: channel.unit for name, channel in settings.input.channels.items()}
        drills = SensorDrills(source_id, desk, sensor_canaries(settings), units)
        remembered = outbox.state(state_name(source_id))
        pipeline = SensorPipeline(source_id, detectors, tracker, writer, store, remembered, drills, meter)
        pipeline.tell = self._tell
        self._desks[source_id] = desk
        clear_forgotten(pipeline.forgotten_episodes(), tracker, writer, sink)
        return Sensor(settings.input, pipeline, health)

    def _listen(self, config: EdgeConfig, sensors: dict[str, Sensor], sink: PatientSink) -> None:
        assert config.mqtt is not None, "the configuration was checked"
        topics = [sensor.input.topic for sensor in sensors.values()]
        while True:
            try:
                receiver = MqttReceiver(config.mqtt, topics)
            except SourceError as error:
                for sensor in sensors.values():
                    sensor.health.change(OFFLINE, str(error), datetime.now(UTC))
                if self._stopping.wait(RETRY_SECONDS):
                    return
            else:
                break
        self._worker = SensorWorker(receiver, sensors, sink)
        if not self._stopping.is_set():
            self._worker.run()
