"""The box's own health: disk, heat, clock, uplink, and the loss of all cameras at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from contract.canonical import canonical_bytes, sha256_hex
from contract.details import DeviceTroubleDetail
from contract.events import Clock, Event, Producer, Severity, SourceKind, SourceRef, Tier
from contract.geometry import Location
from contract.ids import uuid7
from edge.clock import JUMP_SECONDS
from edge.config.health import DeviceCondition, DeviceHealthSettings
from edge.detectors.interface import Observation
from edge.disk import DiskSpace
from edge.episodes.episode import Episode
from edge.episodes.events import EventWriter, software_version
from edge.episodes.tracker import EpisodeTracker, Moment
from edge.health.conditions import HEALTH, HEALTH_VERSION
from edge.health.latch import Latch
from edge.health.outage import OUTAGE_NAME, OutageWatch, outage_text
from edge.health.source import OFFLINE, ONLINE, health_name
from edge.health.thermometer import Heat
from edge.outbox.sink import Commit, Sink

log = structlog.get_logger("health")

STEP_SECONDS = 1.0
"""Steps that come faster than this do nothing."""
LONGEST_STEP_SECONDS = 5.0
"""The most that one step stands for: a box that stood still for a minute has not seen its disk short for a minute."""
DISK_AGAIN = 1.2
"""Room must grow to this much more than the limit to count as enough: a quota that works at the limit would flicker."""
COOL_KELVIN = 5.0
"""Below the limit by this: a processor that throttles hovers at it."""

HAZARDS: Mapping[DeviceCondition, str] = {
    DeviceCondition.CAMERAS_OFFLINE: "cameras_offline",
    DeviceCondition.DISK_SHORT: "disk_short",
    DeviceCondition.HOT: "device_hot",
    DeviceCondition.CLOCK_WRONG: "clock_wrong",
    DeviceCondition.UPLINK_DOWN: "uplink_down",
    DeviceCondition.MODEL_FAILED: "model_failed",
}


@dataclass(frozen=True, slots=True)
class Box:
    """The box itself, as a source: `cameras` are the ids of those that it watches."""

    device_id: str
    location: Location
    cameras: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Probes:
    """How the box looks at itself. Each may raise OSError: then nothing is known."""

    disk: Callable[[], DiskSpace]
    heat: Callable[[], Sequence[Heat]]
    clock: Callable[[], Clock]
    uplink_trouble: Callable[[], tuple[str, datetime] | None]
    """What keeps the uplink from sending, and since when."""
    recall: Callable[[str], str | None]
    """What is remembered in the outbox under a name."""
    model_troubles: Callable[[], Mapping[str, str]] = dict
    """Models that cannot be run, or whose change was refused: name to reason."""


@dataclass(frozen=True, slots=True)
class _Found:
    bad: bool | None
    reason: str = ""
    measured: Mapping[str, float] | None = None
    sources: Sequence[str] = ()


class DeviceHealth:
    """The health of the box. `step` is called each second, in one thread of the process that owns the outbox."""

    def __init__(
        self,
        box: Box,
        settings: DeviceHealthSettings,
        sink: Sink,
        probes: Probes,
        *,
        resumed: Sequence[Episode] = (),
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        source = SourceRef(id=box.device_id, kind=SourceKind.DEVICE)
        self._settings = settings
        self._sink = sink
        self._probes = probes
        self._monotonic = monotonic
        self._wall = now
        self._writer = EventWriter(
            device_id=box.device_id,
            source=source,
            location=box.location,
            producers={HEALTH: _producer(settings)},
            clock=probes.clock,
            new_id=uuid7,
        )
        self._tracker = EpisodeTracker(source, box.location, uuid7, {}, resumed)
        self._latches = {
            condition: Latch(settings.after_seconds, settings.clear_after_seconds)
            for condition in DeviceCondition
            if condition not in settings.off
        }
        for episode in resumed:
            if (latch := self._latches.get(DeviceCondition(episode.key))) is not None:
                latch.settle(active=True)
        self._cameras = box.cameras
        self._outage = OutageWatch(settings.outage_cameras, settings.outage_window_seconds)
        self._outage_text: str | None = None
        self._unsynced_since: float | None = None
        self._found: dict[DeviceCondition, _Found] = {}
        self._state = probes.recall(health_name(box.device_id))
        self._began = self._last = monotonic()
        self._device_id = box.device_id

    @property
    def conditions(self) -> Sequence[DeviceCondition]:
        """What is wrong, gravest first."""
        return tuple(condition for condition, latch in self._latches.items() if latch.active)

    def watch(self, cameras: Sequence[str]) -> None:
        """Other cameras belong to the box from now on; from any thread."""
        self._cameras = tuple(cameras)

    def snapshot(self) -> Mapping[str, Any]:
        """What the local page and the metrics show: conditions with their reasons, checks that are off, figures."""
        measured = {name: value for found in self._found.values() for name, value in dict(found.measured or {}).items()}
        return {
            "conditions": {condition.value: self._found[condition].reason for condition in self.conditions},
            "unwatched": {condition.value: why for condition, why in self._settings.off.items()},
            "measured": measured,
        }

    def step(self) -> None:
        """Looks at the box and commits what is news.

        Raises:
            OSError, sqlite3.Error: the sink refused; nothing is lost, the next step says it.
        """
        now = self._monotonic()
        passed = now - self._last
        if passed < STEP_SECONDS:
            return
        seconds, self._last = min(passed, LONGEST_STEP_SECONDS), now
        for condition, latch in self._latches.items():
            found = self._found[condition] = self._look(condition, now, latch.active)
            # What has waited long enough by its own measure needs no second dwell.
            weight = max(seconds, latch.on_seconds) if condition in _DWELL_INSIDE and found.bad else seconds
            latch.saw(found.bad, now, weight)
        self._say(now)

    # ---- looking

    def _look(self, condition: DeviceCondition, now: float, active: bool) -> _Found:
        looks: Mapping[DeviceCondition, Callable[[], _Found]] = {
            DeviceCondition.DISK_SHORT: lambda: self._disk(active),
            DeviceCondition.HOT: lambda: self._hot(active),
            DeviceCondition.CLOCK_WRONG: lambda: self._clock(now),
            DeviceCondition.UPLINK_DOWN: self._uplink,
            DeviceCondition.CAMERAS_OFFLINE: lambda: self._lost_cameras(now),
            DeviceCondition.MODEL_FAILED: self._models,
        }
        try:
            return looks[condition]()
        except OSError as error:
            return _Found(None, f"cannot be told: {error.strerror or error}")

    def _disk(self, active: bool) -> _Found:
        space = self._probes.disk()
        limit = max(self._settings.disk_free_bytes, self._settings.disk_free_share * space.total_bytes)
        bad = space.free_bytes < limit * (DISK_AGAIN if active else 1.0)
        share = space.free_bytes / max(1, space.total_bytes)
        reason = f"{space.free_bytes / 1e6:,.0f} MB free ({share:.1%}), expected at least {limit / 1e6:,.0f} MB"
        measured = {"disk_free_bytes": float(space.free_bytes), "disk_total_bytes": float(space.total_bytes)}
        return _Found(bad, reason, measured)

    def _hot(self, active: bool) -> _Found:
        heats = self._probes.heat()
        if not heats:
            return _Found(None, "this machine names no temperature")

        def over(heat: Heat) -> float:
            return heat.celsius - (heat.limit_celsius or self._settings.hot_celsius)

        worst = max(heats, key=over)
        limit = worst.limit_celsius or self._settings.hot_celsius
        reason = f"{worst.name}: {worst.celsius:.0f} °C, expected below {limit:.0f} °C"
        return _Found(over(worst) >= (-COOL_KELVIN if active else 0.0), reason, {"hottest_celsius": worst.celsius})

    def _clock(self, now: float) -> _Found:
        clock = self._probes.clock()
        if clock.synced:
            self._unsynced_since = None
            return _Found(False, measured={"clock_offset_seconds": clock.offset_seconds})
        if self._unsynced_since is None:
            self._unsynced_since = now
        lasted = now - self._unsynced_since
        jumped = abs(clock.offset_seconds) >= JUMP_SECONDS
        reason = (
            f"the clock jumped by {clock.offset_seconds:+.0f} s"
            if jumped
            else f"the clock has not been synchronised for {lasted / 60:.0f} min; see timedatectl or chronyc"
        )
        bad = True if jumped or lasted >= self._settings.unsynced_seconds else None
        return _Found(bad, reason, {"clock_offset_seconds": clock.offset_seconds})

    def _uplink(self) -> _Found:
        trouble = self._probes.uplink_trouble()
        if trouble is None:
            return _Found(False)
        message, since = trouble
        lasted = self._wall() - since
        # A clock that was set back must not make an outage look young for ever; one set ahead only says it sooner.
        bad = lasted >= timedelta(seconds=self._settings.uplink_down_seconds) or lasted < -timedelta(minutes=1)
        return _Found(True if bad else None, f"nothing can be sent: {message}"[:256])

    def _models(self) -> _Found:
        troubles = self._probes.model_troubles()
        reason = "; ".join(f"model {name}: {why}" for name, why in sorted(troubles.items()))
        return _Found(bool(troubles), reason[:256], {"models_failed": float(len(troubles))})

    def _lost_cameras(self, now: float) -> _Found:
        offline = {camera for camera in self._cameras if self._probes.recall(health_name(camera)) == OFFLINE}
        outage = self._outage.step(offline, self._cameras, now)
        text = outage_text(outage.sources)
        if text != (self._outage_text or ""):
            self._sink.commit(Commit(state={OUTAGE_NAME: text}))
        self._outage_text = text
        count = len(outage.sources)
        reason = f"all {count} cameras went offline within {outage.spread_seconds:.0f} s: a switch, a cable, the power?"
        return _Found(bool(outage.sources), reason, {"cameras_offline": float(count)}, outage.sources)

    # ---- saying

    def _say(self, now: float) -> None:
        events: list[Event] = []
        opened: list[Episode] = []
        closed: list[str] = []
        at = self._wall()
        for condition, latch in self._latches.items():
            episode = next((item for item in self._tracker.open_episodes if item.key == condition.value), None)
            if latch.active == (episode is not None):
                continue
            change = self._tracker.observe(HEALTH, self._observation(condition, latch, now), Moment(now, at))
            assert change is not None, "it opens what is not open, or ends what is"
            events.append(self._writer.hazard(change.episode))
            if latch.active:
                opened.append(change.episode)
            else:
                closed.append(change.episode.episode_id)
        for episode in self._tracker.open_episodes:
            if DeviceCondition(episode.key) not in self._latches:
                events.append(self._writer.hazard(self._tracker.clear(episode)))
                closed.append(episode.episode_id)
        state = self.conditions[0].value if self.conditions else ONLINE
        if events or state != self._state:
            events.append(self._health_event(state, at))
            remembered = {health_name(self._device_id): state}
            self._sink.commit(Commit(tuple(events), tuple(opened), tuple(closed), remembered))
            log.log(
                _INFO if state == ONLINE else _WARNING,
                "the box is well" if state == ONLINE else "the box is in trouble",
                conditions=[condition.value for condition in self.conditions],
            )
        self._state = state

    def _observation(self, condition: DeviceCondition, latch: Latch, now: float) -> Observation:
        found = self._found[condition]
        detail = DeviceTroubleDetail(
            reason=found.reason[:256],
            measured=dict(found.measured or {}),
            sources=tuple(found.sources[:32]),
            sources_total=len(found.sources),
        )
        return Observation(
            hazard=HAZARDS[condition],
            key=condition.value,
            media_time=now,
            started_media_time=now if latch.began is None else max(latch.began, self._began),
            # A box that cannot see at all is as grave as a camera that somebody covered.
            severity=Severity.YELLOW if condition is DeviceCondition.CAMERAS_OFFLINE else Severity.BLUE,
            tier=Tier.REVIEW,
            confidence=0.9,
            detail=detail,
            active=latch.active,
        )

    def _health_event(self, state: str, at: datetime) -> Event:
        return self._writer.health(
            state,
            "; ".join(self._found[condition].reason for condition in self.conditions),
            at,
            conditions=[condition.value for condition in self.conditions],
            unwatched={condition.value: why for condition, why in self._settings.off.items()},
        )


_INFO, _WARNING = 20, 30
_DWELL_INSIDE = frozenset({DeviceCondition.CLOCK_WRONG, DeviceCondition.UPLINK_DOWN, DeviceCondition.CAMERAS_OFFLINE})


def _producer(settings: DeviceHealthSettings) -> Producer:
    digest = sha256_hex(canonical_bytes(settings.model_dump(mode="json")))
    return Producer(software=software_version(), detector=f"{HEALTH} {HEALTH_VERSION}", config_sha256=digest)
