"""The process that owns what is about the outbox: sending, the heartbeat, the box's own health, what sources left."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from contract.events import HeartbeatData, event_of
from contract.geometry import Location, LocationMethod, at_point, distance_m
from contract.ids import uuid7
from contract.keys import KeyFileError, load_or_create_key
from edge.clock import clock_state
from edge.config.document import EdgeConfig
from edge.config.sources import CameraSource, SourceSettings, location_of
from edge.disk import space_at
from edge.episodes.clearing import clear_forgotten
from edge.episodes.episode import Episode
from edge.episodes.events import EventWriter, software_version
from edge.episodes.tracker import EpisodeTracker
from edge.evidence.keeper import EvidenceKeeper
from edge.health import OFFLINE, ONLINE, SourceHealth, health_name
from edge.health.device import Box, DeviceHealth, Probes
from edge.health.thermometer import read_heat
from edge.outbox.report import OutboxReader
from edge.outbox.server_api import ServerApi
from edge.outbox.sink import Commit
from edge.outbox.store import OutboxError
from edge.outbox.uplink import Uplink
from edge.supervisor.messages import Alive, Call, Configure, Report, Witnesses
from edge.supervisor.plan import cameras, watched
from edge.view import CallError
from edge.worker.bell import Bell
from edge.worker.committing import PatientSink, patiently
from edge.worker.guard import guarded
from edge.worker.hosting import FatalError, Inherited
from edge.worker.state import KEY_NAME, State, new_writer

log = structlog.get_logger("uplink")

HEARTBEAT_SECONDS = 60.0
DEVICE_STEP_SECONDS = 1.0
KEEPER_SECONDS = 5.0
"""Sixteen cameras in a storm write some 20 MB of evidence in this time; the keeper leaves far more free than that."""
SUMMARY_SECONDS = 5.0
"""Counting what waits reads an index: 10 ms for the events of a week's outage."""
ANYWHERE_M = 100_000.0
"""The contract's largest accuracy: a box that watches nothing may be anywhere."""
FLUSH_SECONDS = 3.0
"""How long a clean end may take to send what is left; the rest waits on the disk."""


@dataclass(slots=True)
class _Chore:
    """Something to do every so often."""

    name: str
    every_seconds: float
    work: Callable[[], object]
    due: float = 0.0


class UplinkHost:
    """Hosts the uplink, see `edge.worker.hosting.Host`. What it uses itself is taken up once."""

    def __init__(self, inherited: Inherited, stopping: threading.Event) -> None:
        self._bell = Bell(inherited.bell)
        self._stopping = stopping
        self._state: State | None = None
        self._sink: PatientSink | None = None
        self._config: EdgeConfig | None = None
        self._uplink: Uplink | None = None
        self._api: ServerApi | None = None
        self._threads: list[threading.Thread] = []
        self._health: DeviceHealth | None = None
        self._summary: dict[str, Any] = {}
        self._unreadable = ""
        self._model_troubles: Mapping[str, str] = {}

    def configure(self, config: EdgeConfig, order: Configure) -> None:
        self._config = config
        if self._state is not None:
            # Only sources have changed: for anything that is used here the supervisor replaces the process.
            self.alive(Alive(order.sources, models=dict(self._model_troubles)))
            if self._health is not None:
                self._health.watch(sorted(cameras(config)))
            return
        state = self._state = State(config, self._bell, self._stopping)
        self._sink = state.patient_sink()
        try:
            key = patiently(lambda: load_or_create_key(config.device.state_dir / KEY_NAME), self._stopping)
        except KeyFileError as error:
            raise FatalError(str(error)) from error
        self.alive(Alive(order.sources, models=dict(self._model_troubles)))
        if config.server is None:
            log.warning("no server is configured: events wait in the outbox")
        else:
            self._api = ServerApi(config.server)
            keep = timedelta(hours=config.evidence.keep_uploaded_hours)
            self._uplink = Uplink(config.device.id, state.outbox, state.store, self._api, key, keep_uploaded=keep)
            self._threads.append(guarded("uplink", self._uplink.run, self._stopping))
            self._threads.append(guarded("bell", self._listen, self._stopping))
        self._threads.append(guarded("chores", self._do_chores, self._stopping))

    def alive(self, order: Alive) -> None:
        """Ends the episodes of sources that are no more, and says which cannot see."""
        assert self._state is not None and self._sink is not None and self._config is not None, "configured first"
        # The box's own episodes are ended by its health, those of areas by `survey`, a program of its own.
        kept = {*order.sources, *self._config.areas, self._config.device.id}
        for source_id, episodes in self._state.outbox.open_episodes().items():
            if source_id not in kept:
                count = self._clear(episodes)
                log.warning("cleared episodes of a source that is gone", source=source_id, episodes=count)
        for source_id, reason in order.offline.items():
            self._say_offline(source_id, reason)
        self._model_troubles = order.models

    def hear(self, order: Witnesses) -> None:
        """Nothing: it watches nothing."""

    def call(self, order: Call) -> Any:
        raise CallError(f"the uplink has no call {order.name!r}")

    def report(self) -> Report:
        events = self._state.recent.take() if self._state is not None else []
        trouble = self._outbox_trouble()
        uplink = self._summary | {"outbox_trouble": trouble} if trouble else self._summary
        return Report(uplink=uplink, events=events)

    def stop(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        if self._uplink is not None:
            self._uplink.stop()
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        if self._uplink is not None and self._api is not None:
            self._uplink.flush(max(0.0, min(FLUSH_SECONDS, until - time.monotonic())))
            self._api.close()
        if self._state is not None:
            log.info("stopped sending", waiting_events=self._state.outbox.waiting_events())
            self._state.outbox.close()

    # ---- threads

    def _listen(self) -> None:
        assert self._uplink is not None, "started with the uplink"
        while not self._stopping.is_set():
            if self._bell.wait(1.0):
                self._uplink.wake()

    def _do_chores(self) -> None:
        chores = [
            _Chore("health", DEVICE_STEP_SECONDS, self._new_device_health().step),
            _Chore("evidence", KEEPER_SECONDS, self._new_keeper().step),
            _Chore("summary", SUMMARY_SECONDS, self._summarise),
            _Chore("heartbeat", HEARTBEAT_SECONDS, self._heartbeat, due=time.monotonic() + HEARTBEAT_SECONDS),
        ]
        while True:
            for chore in chores:
                if time.monotonic() >= chore.due:
                    chore.due = time.monotonic() + chore.every_seconds
                    _do(chore)
            next_due = min(chore.due for chore in chores)
            if self._stopping.wait(max(0.0, next_due - time.monotonic())):
                return

    def _new_keeper(self) -> EvidenceKeeper:
        assert self._state is not None and self._config is not None, "configured first"
        evidence, folder = self._config.evidence, self._config.device.state_dir
        return EvidenceKeeper(self._state.outbox, self._state.store, evidence, folder)

    def _new_device_health(self) -> DeviceHealth:
        assert self._state is not None and self._config is not None, "configured first"
        outbox, folder = self._state.outbox, self._config.device.state_dir
        probes = Probes(
            disk=lambda: space_at(folder),
            heat=read_heat,
            clock=clock_state,
            uplink_trouble=self._trouble,
            model_troubles=lambda: self._model_troubles,
            recall=outbox.state,
        )
        device_id = self._config.device.id
        box = Box(device_id, location_of_box(self._config), tuple(sorted(cameras(self._config))))
        resumed = self._state.resumed(device_id)
        settings = self._config.health.device
        self._health = DeviceHealth(box, settings, self._state.plain_sink, probes, resumed=resumed)
        return self._health

    def _trouble(self) -> tuple[str, datetime] | None:
        """What keeps the uplink from sending, and since when, as of the last summary."""
        message, since = self._summary.get("trouble"), self._summary.get("trouble_since")
        return (str(message), datetime.fromisoformat(str(since))) if message and since else None

    def _summarise(self) -> None:
        assert self._config is not None, "configured first"
        try:
            summary = OutboxReader(self._config.device.state_dir).summary()
        except OutboxError as error:
            self._unreadable = str(error)
            raise
        self._unreadable = ""
        device = {} if self._health is None else dict(self._health.snapshot())
        self._summary = asdict(summary) | {"configured": self._config.server is not None, "device": device}

    def _outbox_trouble(self) -> str:
        """Why events cannot be kept, if so; a box that cannot keep what it finds is not ready."""
        refuses = self._sink is not None and self._sink.waiting
        return "the disk refuses what is to be kept" if refuses else self._unreadable

    def _heartbeat(self) -> None:
        """Says that the box lives, unless the server has not taken the last one: an outage must not fill the disk."""
        assert self._state is not None and self._sink is not None and self._config is not None, "configured first"
        outbox = self._state.outbox
        if outbox.waits("gridsentry.device.heartbeat.v1"):
            return
        sources = watched(self._config)
        data = HeartbeatData(
            software=software_version(),
            sources_online=sum(outbox.state(health_name(source_id)) == ONLINE for source_id in sources),
            sources_total=len(sources),
            outbox_events=outbox.waiting_events(),
            outbox_evidence_bytes=outbox.waiting_evidence_bytes(),
        )
        now = datetime.now(UTC)
        self._state.plain_sink.commit(
            Commit((event_of(data, event_id=uuid7(now), device_id=self._config.device.id, time=now),))
        )

    # ---- what sources leave behind

    def _clear(self, episodes: Sequence[Episode]) -> int:
        assert self._config is not None and self._sink is not None, "configured first"
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

    def _say_offline(self, source_id: str, reason: str) -> None:
        """For a source whose own process cannot say it."""
        assert self._config is not None and self._state is not None and self._sink is not None, "configured first"
        settings: SourceSettings | None = watched(self._config).get(source_id)
        if settings is None:
            return
        if isinstance(settings, CameraSource):
            # Only where it is needed: it brings what judges pictures, of which this process has no other use.
            from edge.worker.absent import say_camera_is_away

            say_camera_is_away(self._state, self._config, source_id, settings, self._sink, reason)
            return
        writer = new_writer(self._config, source_id, settings)
        remembered = self._state.outbox.state(health_name(source_id))
        SourceHealth(source_id, writer, self._sink, remembered).change(OFFLINE, reason, datetime.now(UTC))


def location_of_box(config: EdgeConfig) -> Location:
    """About where the box is: in the middle of what it watches."""
    found = [location_of(source) for source in watched(config).values()]
    places = [place for place in found if place is not None]
    if not places:
        return at_point(0, 0, ANYWHERE_M, LocationMethod.MANUAL)
    longitude = sum(place.point.longitude for place in places) / len(places)
    latitude = sum(place.point.latitude for place in places) / len(places)
    middle = at_point(longitude, latitude, ANYWHERE_M, LocationMethod.MANUAL)
    furthest = max(distance_m(middle.point, place.point) + place.accuracy_m for place in places)
    return at_point(longitude, latitude, min(ANYWHERE_M, furthest), LocationMethod.MANUAL)


def _do(chore: _Chore) -> None:
    """A chore that fails is said and tried again when it is next due."""
    try:
        chore.work()
    except OutboxError as error:
        log.warning("a chore failed", chore=chore.name, reason=str(error))
    except Exception:
        log.exception("a chore broke", chore=chore.name)
