"""A camera's health: what is wrong with its sight, said as health events and as hazards, and what that inhibits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog

from contract.canonical import canonical_bytes, sha256_hex
from contract.details import MovedDetail, SourceHealthDetail
from contract.events import Event, Producer, Severity, Tier
from contract.evidence import Evidence, EvidenceKind
from edge.config.health import CameraCondition, CameraHealthSettings
from edge.detectors.interface import Frame, Observation, Visibility
from edge.episodes.episode import Episode
from edge.episodes.events import EventWriter, software_version
from edge.episodes.tracker import EpisodeTracker, Moment
from edge.evidence.store import EvidenceStore, NoRoomError
from edge.health.conditions import (
    CAMERA_HAZARDS,
    EVERYTHING,
    HEALTH,
    HEALTH_VERSION,
    HIDES,
    NOTHING,
    SAID,
    SEVERITIES,
    SIGHTLESS,
    AllBut,
)
from edge.health.judge import Look, PictureJudge
from edge.health.latch import Latch
from edge.health.outage import OUTAGE_NAME, outage_sources
from edge.health.pictures import Album, Picture
from edge.health.sight import SightMeter
from edge.health.source import OFFLINE, ONLINE, health_name
from edge.outbox.sink import Commit, Sink
from edge.status import SourceMeter

log = structlog.get_logger("health")

SAMPLE_SECONDS = 0.5
"""Two looks a second find everything in time and cost a thousandth of a core."""
LONGEST_LOOK_SECONDS = 5.0
"""The most that one look stands for: of a stream of key frames alone, and after a pause."""
INHIBIT_AFTER_SECONDS = 3.0
"""Detectors are not believed from here on, long before the condition is said: what covers or turns a camera sweeps
through its picture. Shorter, and every lorry would silence them."""
SAVE_SECONDS = 60.0
"""How often the counters of sight are written: what a power cut takes of them."""
VIEW_SAVE_SECONDS = 900.0
"""A view changes slowly; it is ~60 KB."""
STEADY_SECONDS = 30.0
"""A stream that broke sooner than this is said to be back only when it has held for the time to clear."""


def is_health(episode: Episode) -> bool:
    """Whether an episode belongs to a source's health and not to one of its detectors."""
    return episode.detector == HEALTH


@dataclass(frozen=True, slots=True)
class HealthMemory:
    """What outlives the program: how a name is remembered by the outbox, and the source's own open episodes."""

    recall: Callable[[str], str | None]
    episodes: Iterable[Episode] = ()


class CameraHealth:
    """The health of one camera, for as long as the program runs. Used by the camera's own thread.

    `accept_view` and the properties may be used from any thread. `store` is None where no evidence is wanted.
    """

    def __init__(
        self,
        writer: EventWriter,
        sink: Sink,
        settings: CameraHealthSettings,
        meter: SourceMeter,
        memory: HealthMemory,
        *,
        store: EvidenceStore | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        moves: bool = False,
    ) -> None:
        """`moves`: the camera flies; see `flying_health` for what is not watched then."""
        self.source_id = writer.source.id
        self._writer = replace(writer, producers={**writer.producers, HEALTH: _producer(settings)})
        self._sink = sink
        self._settings = settings
        self._meter = meter
        self._recall = memory.recall
        self._store = store
        self._monotonic = monotonic
        resumed = [episode for episode in memory.episodes if is_health(episode)]
        self._tracker = EpisodeTracker(writer.source, writer.location, writer.new_id, {}, resumed)
        self._latches = {
            condition: Latch(settings.after_seconds(condition), settings.clear_after_seconds)
            for condition in CameraCondition
            if condition not in settings.off
        }
        for episode in resumed:
            condition = CameraCondition(episode.key)
            if condition in self._latches:
                self._latches[condition].settle(active=True)
        self._judge = PictureJudge(settings, memory.recall(view_name(self.source_id)), moves=moves)
        self._sight = SightMeter(memory.recall(sight_name(self.source_id)))
        self._album = Album()
        self._state = memory.recall(health_name(self.source_id))
        self._accept = threading.Event()
        self._now = 0.0
        """Seconds on the camera's own axis: media time while pictures come, else the machine's steady clock."""
        self._last_media: float | None = None
        self._idle_since: float | None = monotonic()
        self._offline_reason: str | None = None
        self._online_since = 0.0
        self._steady = True
        """Whether the stream held for long before it broke: then the next picture is believed at once."""
        self._visibility = Visibility.CLEAR
        self._latest = Look()
        self._saved_at = 0.0
        self._view_saved_at = 0.0
        self._show()

    # ---- what others may ask

    @property
    def state(self) -> str | None:
        """`online`, or the gravest condition; None until the first word."""
        return self._state

    @property
    def conditions(self) -> Sequence[CameraCondition]:
        """What is wrong, gravest first."""
        found = [
            condition
            for condition, latch in self._latches.items()
            if latch.active and condition is not CameraCondition.OFFLINE
        ]
        offline = (CameraCondition.OFFLINE,) if self._is_offline() else ()
        return (*offline, *sorted(found, key=_GRAVITY.__getitem__))

    @property
    def inhibits(self) -> Container[str]:
        """The detectors whose observations mean nothing now."""
        if self._offline_reason is not None:
            return EVERYTHING
        grave = {
            condition
            for condition, latch in self._latches.items()
            if condition in SIGHTLESS - {CameraCondition.OFFLINE}
            and (latch.active or (latch.suspected and latch.gathered_seconds >= INHIBIT_AFTER_SECONDS))
        }
        if not grave:
            return NOTHING
        if grave == {CameraCondition.MOVED} and self._settings.moved_spares:
            return AllBut(self._settings.moved_spares)
        return EVERYTHING

    def accept_view(self) -> None:
        """What is seen from now on is the view that the camera is meant to have. From any thread."""
        self._accept.set()

    def calls(self) -> Mapping[str, Callable[[Mapping[str, Any]], Any]]:
        """Named calls for the local page."""

        def accept_view(_arguments: Mapping[str, Any]) -> Mapping[str, Any]:
            self.accept_view()
            return {"source": self.source_id, "learning_seconds": self._settings.learn_seconds}

        return {"accept_view": accept_view}

    # ---- what the camera's thread tells

    def online(self, at: datetime) -> None:
        """Pictures come again, or for the first time."""
        self._pass_idle_time(at)
        self._offline_reason = None
        self._idle_since = None
        self._last_media = None
        self._judge.forget_stream()
        self._online_since = self._now
        self._settle(at)

    def offline(self, reason: str, at: datetime, *, lasting: bool = False) -> None:
        """The stream broke or could not be opened. Said at once; a hazard when it lasts, or if it is known to."""
        self._pass_idle_time(at)
        if self._offline_reason is None:
            self._steady = self._now - self._online_since >= STEADY_SECONDS
        self._offline_reason = reason
        self._idle_since = self._monotonic()
        latch = self._latches.get(CameraCondition.OFFLINE)
        if lasting and latch is not None and not latch.active:
            latch.settle(active=True)
        self._settle(at)

    def tick(self, at: datetime) -> None:
        """Lets time pass while no pictures come; each second or so."""
        if self._idle_since is not None:
            self._pass_idle_time(at)
            self._settle(at)

    def saw(self, visibility: Visibility) -> None:
        """What the detectors say of the latest picture."""
        self._visibility = visibility

    def observe(self, frame: Frame) -> None:
        """Looks at a picture, if it is time for a look."""
        since = None if self._last_media is None else frame.media_time - self._last_media
        if since is not None and 0 <= since < SAMPLE_SECONDS:
            return
        # A recording that begins anew, or the first picture of a stream: no time has passed that we know of.
        seconds = 0.0 if since is None or since < 0 else min(since, LONGEST_LOOK_SECONDS)
        self._last_media = frame.media_time
        self._now += seconds
        if self._accept.is_set():
            self._accept.clear()
            self._judge.forget_view()
            log.info("a new view is learned", source=self.source_id)
        turned = self._latches.get(CameraCondition.MOVED)
        known_moved = turned is not None and (turned.active or turned.suspected)
        look = self._latest = self._judge.look(frame.luma, self._now, moved=known_moved)
        self._count(look, seconds)
        verdicts = dict(look.verdicts)
        verdicts[CameraCondition.OFFLINE] = False
        verdicts[CameraCondition.BLIND] = _blind(self._visibility)
        self._weigh(verdicts, seconds)
        if not self.conditions and look.sees:
            self._album.keep(frame, self._now)
        self._settle(frame.wall_time, frame)

    def close(self, at: datetime) -> None:
        """The program ends: keeps the counters."""
        self._pass_idle_time(at)
        self._sink.commit(Commit(state=self._memory()))

    # ---- inside

    def _is_offline(self) -> bool:
        """No pictures come, or they come and go: a stream that breaks every few seconds must not make a storm."""
        if self._offline_reason is not None:
            return True
        settling = not self._steady and self._now - self._online_since < self._settings.clear_after_seconds
        return settling and self._idle_since is None

    def _pass_idle_time(self, at: datetime) -> None:
        if self._idle_since is None:
            return
        now = self._monotonic()
        seconds = max(0.0, now - self._idle_since)
        self._idle_since = now
        self._now += seconds
        self._sight.add(at, blind=seconds)
        if self._offline_reason is not None and not self._is_explained():
            self._weigh({CameraCondition.OFFLINE: True}, seconds)

    def _is_explained(self) -> bool:
        """Whether the box has said already that its cameras are gone together."""
        return self.source_id in outage_sources(self._recall(OUTAGE_NAME))

    def _weigh(self, verdicts: Mapping[CameraCondition, bool | None], seconds: float) -> None:
        hidden: set[CameraCondition] = set()
        for condition in CameraCondition:
            latch = self._latches.get(condition)
            if latch is None or condition not in verdicts:
                continue
            bad = verdicts[condition]
            latch.saw(None if condition in hidden else bad, self._now, seconds)
            if bad or latch.active:
                hidden |= HIDES.get(condition, frozenset())

    def _count(self, look: Look, seconds: float) -> None:
        at_fault = [condition for condition in self.conditions if condition is not CameraCondition.BLIND]
        if at_fault:
            self._sight.add(None, blind=seconds)
        elif look.sees is None or self._visibility is not Visibility.CLEAR or self._suspects():
            self._sight.add(None, unknown=seconds)
        else:
            self._sight.add(None, sight=seconds)

    def _suspects(self) -> bool:
        return any(latch.suspected for latch in self._latches.values())

    def _settle(self, at: datetime, frame: Frame | None = None) -> None:
        """Says what is news, and keeps what must outlive the program."""
        events: list[Event] = []
        touched: list[Episode] = []
        for condition, latch in self._latches.items():
            episode = self._episode(condition)
            if condition in CAMERA_HAZARDS and latch.active != (episode is not None):
                said = self._hazard(condition, latch, at, frame)
                events += [event for event, _ in said]
                touched += [kept for _, kept in said[-1:]]
        self._clear_unwatched(events, touched)
        state = self.conditions[0].value if self.conditions else ONLINE
        changed = state != self._state or tuple(self._meter.conditions) != tuple(self.conditions)
        if (changed and (state != self._state or events)) or self._sight.day_is_over(at):
            events.append(self._health_event(state, at, news=state != self._state))
        if events or self._now - self._saved_at >= SAVE_SECONDS:
            still_open = {episode.episode_id for episode in self._tracker.open_episodes}
            self._sink.commit(
                Commit(
                    tuple(events),
                    tuple(episode for episode in touched if episode.episode_id in still_open),
                    tuple(episode.episode_id for episode in touched if episode.episode_id not in still_open),
                    {**self._memory(), health_name(self.source_id): state},
                )
            )
        if state != self._state:
            self._log_change(state)
        self._state = state
        self._show()

    def _episode(self, condition: CameraCondition) -> Episode | None:
        return next((item for item in self._tracker.open_episodes if item.key == condition.value), None)

    def _clear_unwatched(self, events: list[Event], touched: list[Episode]) -> None:
        """Ends episodes of conditions that are no longer looked for."""
        for episode in self._tracker.open_episodes:
            if CameraCondition(episode.key) not in self._latches:
                cleared = self._tracker.clear(episode)
                events.append(self._writer.hazard(cleared))
                touched.append(cleared)

    def _hazard(
        self, condition: CameraCondition, latch: Latch, at: datetime, frame: Frame | None
    ) -> list[tuple[Event, Episode]]:
        """The events for a condition that has begun or is over, each with its episode."""
        began = self._now if latch.began is None else latch.began
        observation = Observation(
            hazard=CAMERA_HAZARDS[condition],
            key=condition.value,
            media_time=self._now,
            started_media_time=began,
            severity=SEVERITIES.get(condition, Severity.BLUE),
            tier=Tier.REVIEW,
            confidence=0.9,
            detail=self._detail(condition),
            active=latch.active,
        )
        change = self._tracker.observe(HEALTH, observation, Moment(self._now, at))
        if change is None:
            return []
        said = [(self._writer.hazard(change.episode), change.episode)]
        if change.opened:
            evidence = self._evidence(condition, began, frame)
            if evidence:
                shown = self._tracker.attach(change.episode, evidence)
                said.append((self._writer.hazard(shown), shown))
        return said

    def _detail(self, condition: CameraCondition) -> SourceHealthDetail:
        reason = self._reason(condition)
        if condition is CameraCondition.OFFLINE:
            return SourceHealthDetail(reason=reason)
        measured = dict(self._latest.figures.get(condition, {}))
        if condition is CameraCondition.MOVED:
            shift = self._latest.shift
            x, y = (None, None) if shift is None else shift
            return MovedDetail(reason=reason, measured=measured, shift_x=x, shift_y=y)
        return SourceHealthDetail(reason=reason, measured=measured)

    def _reason(self, condition: CameraCondition) -> str:
        if condition is CameraCondition.OFFLINE and self._offline_reason:
            return self._offline_reason[:256]
        return SAID[condition]

    def _evidence(self, condition: CameraCondition, began: float, frame: Frame | None) -> tuple[Evidence, ...]:
        """A picture of before for what changes the view, and one of now. None of it is waited for or insisted on."""
        if self._store is None:
            return ()
        try:
            return tuple(
                self._put(self._store, kind, picture)
                for kind, picture in self._album.evidence(frame, began)
                if kind is not EvidenceKind.BEFORE or condition in _SHOWN_BEFORE
            )
        except OSError as error:
            log.error("evidence could not be made", source=self.source_id, reason=str(error))
            return ()

    def _put(self, store: EvidenceStore, kind: EvidenceKind, picture: Picture) -> Evidence:
        """Where there is no room for it, a picture is listed all the same: the uplink reports that it is lost."""
        try:
            return store.put(picture.content, kind, "image/jpeg", picture.taken_at)
        except NoRoomError as error:
            log.error("no room for evidence", source=self.source_id, kind=kind.value, bytes=len(picture.content))
            return error.evidence

    def _health_event(self, state: str, at: datetime, *, news: bool) -> Event:
        conditions = self.conditions
        reason = "; ".join(self._reason(condition) for condition in conditions)
        since = at if news else self._sight.state_since(at)
        if news:
            self._sight.state_began(at)
        event = self._writer.health(
            state,
            reason,
            since,
            at=at,
            conditions=[condition.value for condition in conditions],
            unwatched={condition.value: why for condition, why in self._settings.off.items()},
            sight=self._sight.total(at),
        )
        self._sight.day_was_said(at)
        return event

    def _memory(self) -> dict[str, str]:
        self._saved_at = self._now
        kept = {sight_name(self.source_id): self._sight.saved()}
        if self._now - self._view_saved_at >= VIEW_SAVE_SECONDS or self._judge.view_is_new:
            view = self._judge.saved()
            if view is not None:
                kept[view_name(self.source_id)] = view
                self._view_saved_at = self._now
        return kept

    def _log_change(self, state: str) -> None:
        conditions = [condition.value for condition in self.conditions]
        if state == ONLINE:
            log.info("sees", source=self.source_id)
        elif state != OFFLINE:  # whoever called `offline` has said why in its own words
            log.warning("cannot see as it should", source=self.source_id, conditions=conditions)

    def _show(self) -> None:
        meter, sight = self._meter, self._sight
        conditions = self.conditions
        meter.state = self._state or ""
        meter.reason = "; ".join(self._reason(condition) for condition in conditions)
        meter.since = sight.since_text
        meter.conditions = tuple(condition.value for condition in conditions)
        meter.sight_seconds, meter.blind_seconds, meter.unknown_seconds = sight.sight, sight.blind, sight.unknown


_GRAVITY = {condition: rank for rank, condition in enumerate(CameraCondition)}
_SHOWN_BEFORE = frozenset({CameraCondition.COVERED, CameraCondition.MOVED, CameraCondition.DEFOCUSED})


def sight_name(source_id: str) -> str:
    """The name under which a camera's seconds of sight are remembered."""
    return f"sight:{source_id}"


def view_name(source_id: str) -> str:
    """The name under which a camera's reference views are remembered."""
    return f"view:{source_id}"


def _producer(settings: CameraHealthSettings) -> Producer:
    digest = sha256_hex(canonical_bytes(settings.model_dump(mode="json")))
    return Producer(software=software_version(), detector=f"{HEALTH} {HEALTH_VERSION}", config_sha256=digest)


def _blind(visibility: Visibility) -> bool | None:
    return None if visibility is Visibility.UNKNOWN else visibility is Visibility.INVALID
