"""The process that watches cameras: one thread each, added, changed and removed while the others go on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import structlog

from edge.camera_worker import CameraWorker, SharedParts, SourceParts
from edge.config.document import EdgeConfig
from edge.config.health import camera_health_settings, flying_health
from edge.config.inputs import patience_seconds
from edge.config.sources import CameraSource
from edge.episodes.clearing import clear_forgotten
from edge.episodes.events import detectors_name
from edge.health.camera import CameraHealth, HealthMemory, is_health
from edge.inference.service import InferenceService
from edge.status import SourceMeter
from edge.streams.ring import RingBudget
from edge.supervisor.messages import Alive, Call, Configure, Report, Witnesses
from edge.supervisor.placement import worker_index
from edge.view import CallError
from edge.witnesses import Sightings
from edge.worker.bell import Bell
from edge.worker.committing import PatientSink
from edge.worker.hosting import Inherited
from edge.worker.progress import Progress
from edge.worker.state import State, new_writer

log = structlog.get_logger("camera")

RESTART_SECONDS = 5.0
"""After a fault of ours that CameraWorker did not catch itself."""

NewWorker = Callable[[str, CameraSource, SourceMeter, PatientSink], CameraWorker]


class CameraSlot:
    """One camera's place in this process, and its thread. Settings may change; None ends it."""

    def __init__(self, source_id: str, settings: CameraSource, sink: PatientSink, new_worker: NewWorker) -> None:
        self.source_id = source_id
        self.meter = SourceMeter(source_id, settings.kind, settings.name)
        self.progress = Progress()
        self._sink = sink
        self._new_worker = new_worker
        self._wanted: CameraSource | None = settings
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._worker: CameraWorker | None = None
        self._thread = threading.Thread(target=self._run, name=f"camera {source_id}"[:60], daemon=True)
        self._thread.start()

    def change(self, settings: CameraSource | None) -> None:
        """Has the camera watched with other settings from now on, or no more. Returns at once."""
        with self._lock:
            self._wanted = settings
            self._changed.set()
            if self._worker is not None:
                self._worker.stop()

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    def call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Runs one of the camera's named calls.

        Raises:
            CallError: there is none of this name now.
        """
        with self._lock:
            worker = self._worker
        calls: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {} if worker is None else worker.calls()
        if name not in calls:
            raise CallError(
                f"{self.source_id}: there is no {name!r} here now, expected one of {', '.join(calls) or 'none'}"
            )
        return calls[name](arguments)

    def stuck_seconds(self, now: float) -> float:
        """For how long the camera has shown no sign of life beyond what its settings allow."""
        with self._lock:
            settings, at_work = self._wanted, self._worker is not None
        if not at_work or self._sink.waiting or settings is None:
            self.progress.forget(now)
        return self.progress.stuck_seconds(self.meter, _patience_seconds(settings), now)

    def _run(self) -> None:
        while True:
            with self._lock:
                self._changed.clear()
                settings = self._wanted
            if settings is None:
                return
            try:
                self._watch(settings)
            except Exception:
                log.exception("a camera's thread broke, it will be started again", source=self.source_id)
                self._changed.wait(RESTART_SECONDS)
            else:
                # A recording that is over, or a camera that is given up: until its settings change.
                self._changed.wait()

    def _watch(self, settings: CameraSource) -> None:
        self.meter.name = settings.name
        worker = self._new_worker(self.source_id, settings, self.meter, self._sink)
        with self._lock:
            if self._changed.is_set():
                return
            self._worker = worker
        try:
            worker.run()
        finally:
            with self._lock:
                self._worker = None


class CameraHost:
    """Hosts cameras, see `edge.worker.hosting.Host`."""

    def __init__(self, inherited: Inherited, stopping: threading.Event) -> None:
        self._bell = Bell(inherited.bell)
        self._stopping = stopping
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="evidence")
        self._slots: dict[str, CameraSlot] = {}
        self._state: State | None = None
        self._config: EdgeConfig | None = None
        self._inference: InferenceService | None = None
        self._rings: RingBudget | None = None
        self._index = worker_index(inherited.name)
        self._own, self._heard = Sightings(), Sightings()

    def configure(self, config: EdgeConfig, order: Configure) -> None:
        if self._state is None:
            self._state = State(config, self._bell, self._stopping)
        if self._inference is None:
            state_dir = config.device.state_dir
            self._inference = InferenceService(config.inference, state_dir, worker_index=self._index)
        elif config.inference != self._inference.settings:
            # More than models starts the process anew, see `edge.supervisor.plan`.
            self._inference.change(config.inference)
        if self._rings is None:
            self._rings = RingBudget(config.evidence.ring_total_bytes)
        self._config = config
        wanted = {source_id: config.sources[source_id] for source_id in order.sources}
        for source_id, slot in list(self._slots.items()):
            if slot.ended:
                del self._slots[source_id]
            elif source_id not in wanted:
                slot.change(None)
        for source_id, settings in wanted.items():
            assert isinstance(settings, CameraSource), "the supervisor sends cameras only"
            present = self._slots.get(source_id)
            if present is None:
                self._slots[source_id] = CameraSlot(source_id, settings, self._state.patient_sink(), self._new_worker)
            elif source_id in order.restart:
                present.change(settings)

    def alive(self, order: Alive) -> None:
        """Nothing: it is for the uplink process."""

    def hear(self, order: Witnesses) -> None:
        self._heard.note(order.sightings)

    def call(self, order: Call) -> Any:
        slot = self._slots.get(order.source_id)
        if slot is None:
            raise CallError(f"{order.source_id}: this process does not serve it")
        return slot.call(order.name, order.arguments)

    def report(self) -> Report:
        now = time.monotonic()
        slots = [slot for slot in tuple(self._slots.values()) if not slot.ended]
        stuck = {slot.source_id: slot.stuck_seconds(now) for slot in slots}
        return Report(
            running=[slot.source_id for slot in slots],
            sources={slot.source_id: dict(slot.meter.snapshot()) for slot in slots},
            stuck={source_id: round(seconds, 1) for source_id, seconds in stuck.items() if seconds > 0},
            inference=[dict(session) for session in self._inference.status()] if self._inference is not None else [],
            events=self._state.recent.take() if self._state is not None else [],
            sightings=self._own.take(),
        )

    def stop(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        slots = list(self._slots.values())
        for slot in slots:
            slot.change(None)
        for slot in slots:
            slot.join(max(0.0, until - time.monotonic()))
        if self._inference is not None:
            self._inference.close(max(0.0, until - time.monotonic()))
        self._executor.shutdown(wait=False, cancel_futures=True)
        if self._state is not None and all(slot.ended for slot in slots):
            self._state.outbox.close()

    def _new_worker(
        self, source_id: str, settings: CameraSource, meter: SourceMeter, sink: PatientSink
    ) -> CameraWorker:
        state, config = self._state, self._config
        assert state is not None and config is not None, "slots are made when both are there"
        parts = source_parts(state, config, settings, meter, sink)
        # Their packets are gone: they end with the evidence that they have.
        clear_forgotten(parts.tracker.left_over(), parts.tracker, parts.writer, sink)
        shared = SharedParts(
            config.evidence,
            state.store,
            self._executor,
            sink,
            self._inference,
            self._rings,
            self._own,
            self._heard,
            config.mqtt,
        )
        return CameraWorker(source_id, settings, parts, shared)


def source_parts(
    state: State, config: EdgeConfig, settings: CameraSource, meter: SourceMeter, sink: PatientSink
) -> SourceParts:
    """What belongs to a camera, taken up where the last process left it."""
    source_id = meter.source_id
    writer = new_writer(config, source_id, settings)
    resumed = state.resumed(source_id)
    own = [episode for episode in resumed if not is_health(episode)]
    watched = camera_health_settings(config.health.cameras, settings.health)
    moves = settings.telemetry is not None
    health = CameraHealth(
        writer,
        sink,
        flying_health(watched) if moves else watched,
        meter,
        HealthMemory(state.outbox.state, resumed),
        store=state.store,
        moves=moves,
    )
    tracker = state.tracker(source_id, settings, writer, own)
    return SourceParts(writer, tracker, health, meter, state.outbox.state(detectors_name(source_id)))


def _patience_seconds(settings: CameraSource | None) -> float:
    """How long opening and reading may block by themselves."""
    address = None if settings is None else settings.input
    return 0.0 if address is None else patience_seconds(address)
