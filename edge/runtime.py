"""`run`: a thread for each camera, one for all sensors, one for the uplink, and a clean end."""

from __future__ import annotations

import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import FrameType

import structlog

from contract.events import HeartbeatData, event_of
from contract.geometry import LocationMethod, at_point
from contract.ids import uuid7
from contract.keys import load_or_create_key
from edge.assembly import sensor_detectors, tracker_for, writer_for
from edge.camera_worker import CameraWorker, SharedParts, SourceParts
from edge.clock import clock_state
from edge.config.document import EdgeConfig
from edge.config.health import camera_health_settings
from edge.config.sources import CameraSource, SensorSource, SourceSettings, location_of
from edge.episodes.episode import Episode
from edge.episodes.events import EventWriter, software_version
from edge.episodes.tracker import EpisodeTracker
from edge.evidence.store import EvidenceStore
from edge.health import ONLINE, SourceHealth, health_name
from edge.health.camera import CameraHealth, HealthMemory, is_health
from edge.logs import Repeats
from edge.outbox.server_api import ServerApi
from edge.outbox.sink import Commit, CommitError, Sink
from edge.outbox.store import Outbox, StateLock
from edge.outbox.uplink import Uplink
from edge.pipeline import clear_forgotten
from edge.sensor_pipeline import SensorPipeline, state_name
from edge.sensor_worker import Sensor, SensorWorker
from edge.sources.mqtt import MqttReceiver
from edge.status import SourceMeter

log = structlog.get_logger("edge")

KEY_NAME = "device.key"
EVIDENCE_FOLDER = "evidence"
HEARTBEAT_SECONDS = 60.0
FLUSH_SECONDS = 3.0
"""How long a clean end may take to send what is left; the rest waits on the disk."""
COMMIT_RETRY_SECONDS = 2.0
RESTART_SECONDS = 5.0


class PatientSink:
    """Commits, and waits out a disk that refuses: losing an episode is worse than a camera that stands still."""

    def __init__(self, sink: Sink, stopping: threading.Event) -> None:
        self._sink = sink
        self._stopping = stopping
        self._repeats = Repeats()

    def commit(self, commit: Commit) -> None:
        while True:
            try:
                self._sink.commit(commit)
            except (sqlite3.OperationalError, OSError) as error:
                if self._stopping.is_set():
                    raise
                if self._repeats.due("commit") is not None:
                    log.error("cannot write to the outbox, will be tried again", reason=str(error))
                self._stopping.wait(COMMIT_RETRY_SECONDS)
            except CommitError as error:
                # Ours to mend; the state must still advance, or the same event would be tried for ever.
                log.error("an event could not be written and is left out", reason=str(error))
                commit = Commit((), commit.open_episodes, commit.closed_episodes, commit.state)
            else:
                return


@dataclass(slots=True)
class _Part:
    """A thread's work and how to end it."""

    name: str
    run: Callable[[], None]
    stop: Callable[[], None]
    thread: threading.Thread | None = None


class Runtime:
    """The running edge box.

    Raises:
        OutboxError: the state folder is in use, or its outbox cannot be used.
        KeyFileError, SourceError, OSError: a key, password or folder cannot be read.
    """

    def __init__(self, config: EdgeConfig) -> None:
        self._config = config
        self._stopping = threading.Event()
        state_dir = config.device.state_dir
        self._lock = StateLock(state_dir)
        self._key = load_or_create_key(state_dir / KEY_NAME)
        self._outbox = Outbox(state_dir, config.device.id)
        self._store = EvidenceStore(state_dir / EVIDENCE_FOLDER)
        self._sink = PatientSink(self._outbox, self._stopping)
        self._evidence_thread = ThreadPoolExecutor(1, thread_name_prefix="evidence")
        self._health: list[SourceHealth | CameraHealth] = []
        self._resumed = dict(self._outbox.open_episodes())
        left_behind = self._store.remove_unlisted(self._outbox.kept_evidence())
        if left_behind:
            log.info("removed evidence that no event lists", files=left_behind)
        self._sources = self._source_parts()
        self._clear_departed()
        self._api = None if config.server is None else ServerApi(config.server)
        self._uplink = self._new_uplink()

    def run(self) -> None:
        """Works until SIGINT or SIGTERM, or `stop`."""
        parts = [*self._sources]
        if self._uplink is not None:
            parts.append(_Part("uplink", self._uplink.run, self._uplink.stop))
        else:
            log.warning("no server is configured: events wait in the outbox")
        for part in parts:
            part.thread = threading.Thread(target=_guarded(part, self._stopping), name=part.name, daemon=True)
            part.thread.start()
        log.info("running", device=self._config.device.id, sources=len(self._health), software=software_version())
        next_heartbeat = time.monotonic() + HEARTBEAT_SECONDS
        while not self._stopping.wait(max(0.0, next_heartbeat - time.monotonic())):
            next_heartbeat += HEARTBEAT_SECONDS
            self._heartbeat()
        self._end(parts)

    def stop(self, *_signal: int | FrameType | None) -> None:
        """Makes `run` return soon; from any thread or as a signal handler."""
        self._stopping.set()

    def stop_on_signals(self) -> None:
        """SIGINT and SIGTERM end the program cleanly; a second one at once."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    # ---- building

    def _source_parts(self) -> list[_Part]:
        parts: list[_Part] = []
        sensors: dict[str, Sensor] = {}
        for source_id, settings in self._config.sources.items():
            if settings.input is None:
                log.warning("not watched: it has no input", source=source_id)
                continue
            writer = self._writer(source_id, settings)
            resumed = self._resumed.pop(source_id, ())
            tracker = tracker_for(settings, writer, [episode for episode in resumed if not is_health(episode)])
            if isinstance(settings, CameraSource):
                meter = SourceMeter(source_id, settings.kind, settings.name)
                camera = self._camera_health(settings, writer, meter, resumed)
                self._health.append(camera)
                parts.append(self._camera_part(source_id, settings, SourceParts(writer, tracker, camera, meter)))
            else:
                health = SourceHealth(source_id, writer, self._sink, self._outbox.state(health_name(source_id)))
                self._health.append(health)
                sensors[source_id] = self._sensor(source_id, settings, writer, tracker, health)
        if sensors:
            assert self._config.mqtt is not None, "the configuration was checked"
            receiver = MqttReceiver(self._config.mqtt, [sensor.input.topic for sensor in sensors.values()])
            worker = SensorWorker(receiver, sensors, self._sink)
            parts.append(_Part("sensors", worker.run, worker.stop))
        return parts

    def _writer(self, source_id: str, settings: SourceSettings) -> EventWriter:
        location = location_of(settings)
        assert location is not None, "the configuration was checked"
        device_id, evidence = self._config.device.id, self._config.evidence
        return writer_for(device_id, source_id, settings, evidence, location, new_id=uuid7, clock=clock_state)

    def _camera_part(self, source_id: str, settings: CameraSource, parts: SourceParts) -> _Part:
        # Their packets are gone: they end with the evidence that they have.
        over = parts.tracker.left_over()
        clear_forgotten(over, parts.tracker, parts.writer, self._sink)
        shared = SharedParts(self._config.evidence, self._store, self._evidence_thread, self._sink)
        worker = CameraWorker(source_id, settings, parts, shared)
        return _Part(f"camera {source_id}", worker.run, worker.stop)

    def _camera_health(
        self, settings: CameraSource, writer: EventWriter, meter: SourceMeter, resumed: Sequence[Episode]
    ) -> CameraHealth:
        return CameraHealth(
            writer,
            self._sink,
            camera_health_settings(self._config.health.cameras, settings.health),
            meter,
            HealthMemory(self._outbox.state, resumed),
            store=self._store,
        )

    def _sensor(
        self,
        source_id: str,
        settings: SensorSource,
        writer: EventWriter,
        tracker: EpisodeTracker,
        health: SourceHealth,
    ) -> Sensor:
        assert settings.input is not None, "only sources with an input are run"
        remembered = self._outbox.state(state_name(source_id))
        detectors = sensor_detectors(settings)
        pipeline = SensorPipeline(source_id, detectors, tracker, writer, self._store, remembered)
        clear_forgotten(pipeline.forgotten_episodes(), tracker, writer, self._sink)
        return Sensor(settings.input, pipeline, health)

    def _clear_departed(self) -> None:
        """Ends the episodes of sources that are no longer configured."""
        for source_id, episodes in self._resumed.items():
            count = self._clear(episodes)
            log.warning("cleared episodes of a source that is gone", source=source_id, episodes=count)

    def _clear(self, episodes: Sequence[Episode]) -> int:
        first = episodes[0]
        # Never used for a hazard: each episode carries its own location.
        nowhere = at_point(0, 0, 1, LocationMethod.MANUAL)
        writer = EventWriter(
            device_id=self._config.device.id,
            source=first.source,
            location=nowhere,
            producers={},
            clock=clock_state,
            new_id=uuid7,
        )
        tracker = EpisodeTracker(first.source, nowhere, uuid7, {}, episodes)
        return clear_forgotten(episodes, tracker, writer, self._sink)

    def _new_uplink(self) -> Uplink | None:
        if self._api is None:
            return None
        return Uplink(
            self._config.device.id,
            self._outbox,
            self._store,
            self._api,
            self._key,
            keep_uploaded=timedelta(hours=self._config.evidence.keep_uploaded_hours),
        )

    # ---- running and ending

    def _heartbeat(self) -> None:
        """Says that the box lives, unless the server has not taken the last one: an outage must not fill the disk."""
        waiting = self._outbox.waiting_events()
        if self._outbox.waits("gridsentry.device.heartbeat.v1"):
            return
        data = HeartbeatData(
            software=software_version(),
            sources_online=sum(health.state == ONLINE for health in self._health),
            sources_total=len(self._health),
            outbox_events=waiting,
            outbox_evidence_bytes=self._outbox.waiting_evidence_bytes(),
        )
        now = datetime.now(UTC)
        self._sink.commit(Commit((event_of(data, event_id=uuid7(now), device_id=self._config.device.id, time=now),)))

    def _end(self, parts: Sequence[_Part]) -> None:
        log.info("stopping")
        # Sources first: what they still have to say goes out with the uplink's last words.
        for part in parts:
            if part.name != "uplink":
                part.stop()
        for part in parts:
            if part.name != "uplink" and part.thread is not None:
                part.thread.join(timeout=20)
        self._evidence_thread.shutdown(wait=True)
        for part in parts:
            if part.name == "uplink" and part.thread is not None:
                part.stop()
                part.thread.join(timeout=35)
        if self._uplink is not None and self._api is not None:
            self._uplink.flush(FLUSH_SECONDS)
            self._api.close()
        waiting = self._outbox.waiting_events()
        self._outbox.close()
        self._lock.release()
        log.info("stopped", waiting_events=waiting)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._stopping.is_set():
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        self._stopping.set()


def _guarded(part: _Part, stopping: threading.Event) -> Callable[[], None]:
    """A part that breaks through a fault of ours says so and starts anew; the others go on."""

    def work() -> None:
        while True:
            try:
                part.run()
            except Exception:
                log.exception("a part of the program broke, it will be started again", part=part.name)
                if stopping.wait(RESTART_SECONDS):
                    return
            else:
                return

    return work
