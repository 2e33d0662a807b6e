"""What a survey saw becomes episodes, events and evidence: one commit, as cameras and sensors make them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

import numpy as np
import structlog

from contract.canonical import canonical_bytes, sha256_hex
from contract.events import Clock, Event, Producer, SourceKind, SourceRef
from contract.evidence import Evidence
from contract.geometry import LocationMethod, at_point
from contract.ids import IdFactory
from edge.config.evidence import EvidenceSettings
from edge.detectors.illegal_structure import KIND
from edge.detectors.illegal_structure.saved import loaded
from edge.detectors.interface import Exhibit, Image, Observation
from edge.episodes.episode import Episode
from edge.episodes.events import EventWriter, episodes_name, software_version
from edge.episodes.tracker import EpisodeTracker, Moment
from edge.evidence.exhibits import MAX_EXHIBITS, ExhibitError, best_of, content_of, count_exhibits
from edge.evidence.redaction import Still
from edge.evidence.store import EvidenceStore, NoRoomError
from edge.flights.survey_settings import SurveySettings
from edge.outbox.sink import Commit

log = structlog.get_logger("survey")

Blur = Callable[[Image], Still | None]
"""A picture as it may leave the box; None: it may not."""


class Found(Protocol):
    """What a survey came to: `edge.flights.surveying.Survey`."""

    @property
    def taken_at(self) -> datetime:
        """When the flight was; aware."""

    @property
    def observations(self) -> tuple[Observation, ...]:
        """With their pictures."""

    @property
    def memory(self) -> Mapping[str, Any]:
        """What the detector remembers after it."""


@dataclass(frozen=True, slots=True)
class Teller:
    """What the events of one area are written with."""

    device_id: str
    area: SourceRef
    evidence: EvidenceSettings
    store: EvidenceStore
    clock: Callable[[], Clock]
    new_id: IdFactory
    blur: Blur | None = None
    """None: pictures are as they were taken."""

    def commit_of(
        self, found: Found, settings: SurveySettings, resumed: Sequence[Episode], remembered: str | None
    ) -> Commit:
        """What follows from a survey. `resumed` are the area's open episodes, `remembered` what its tracker saved.

        Pictures are in the store when it returns; events are not sent before the commit is made.
        """
        tracker, writer = self._episodes(settings, resumed, remembered)
        moment = Moment(found.taken_at.timestamp(), found.taken_at)
        events: list[Event] = []
        touched: dict[str, Episode] = {}
        for observation in found.observations:
            for episode in self._followed(tracker, writer, observation, moment, events):
                touched[episode.episode_id] = episode
        for forgotten in _forgotten(tracker.open_episodes, found.memory):
            log.warning("cleared an episode of a structure that is not remembered", structure=forgotten.key)
            events.append(writer.hazard(tracker.clear(forgotten)))
            touched[forgotten.episode_id] = forgotten
        still_open = {episode.episode_id: episode for episode in tracker.open_episodes}
        return Commit(
            events=tuple(events),
            open_episodes=tuple(still_open[key] for key in touched if key in still_open),
            closed_episodes=tuple(key for key in touched if key not in still_open),
            state={episodes_name(self.area.id): tracker.saved()},
        )

    def _episodes(
        self, settings: SurveySettings, resumed: Sequence[Episode], remembered: str | None
    ) -> tuple[EpisodeTracker, EventWriter]:
        # Never used for a hazard: each structure has a place of its own.
        nowhere = at_point(0, 0, 1, LocationMethod.MANUAL)
        tracker = EpisodeTracker(self.area, nowhere, self.new_id, {KIND.name: KIND.episodes}, resumed, remembered)
        producer = Producer(
            software=software_version(),
            detector=f"{KIND.name} {KIND.version}",
            config_sha256=shaping_sha256(settings, self.evidence),
        )
        writer = EventWriter(
            device_id=self.device_id,
            source=self.area,
            location=nowhere,
            producers={KIND.name: producer},
            clock=self.clock,
            new_id=self.new_id,
        )
        return tracker, writer

    def _followed(
        self,
        tracker: EpisodeTracker,
        writer: EventWriter,
        observation: Observation,
        moment: Moment,
        events: list[Event],
    ) -> Sequence[Episode]:
        """Takes in one observation; adds what is to be sent, and returns the episode if there is one."""
        change = tracker.observe(KIND.name, observation, moment)
        if change is None:
            return ()
        episode = change.episode
        shown = self._evidence_of(episode, observation.exhibits)
        if not observation.active:
            events.append(writer.hazard(tracker.joined(episode, shown)))
            return (episode,)
        if change.event_due:
            events.append(writer.hazard(episode))
        if shown:
            # What is new goes out at once; its pictures come behind it, each flight's in an update.
            episode = tracker.attach(episode, shown)
            events.append(writer.hazard(episode))
        return (episode,)

    def _evidence_of(self, episode: Episode, exhibits: Sequence[Exhibit]) -> tuple[Evidence, ...]:
        room = MAX_EXHIBITS - count_exhibits(episode.evidence)
        made = [self._kept(episode, exhibit) for exhibit in best_of(exhibits, room)]
        return tuple(each for each in made if each is not None)

    def _kept(self, episode: Episode, exhibit: Exhibit) -> Evidence | None:
        redacted = False
        if self.blur is not None and isinstance(exhibit.content, np.ndarray):
            still = self.blur(exhibit.content)
            if still is None:
                return None
            exhibit, redacted = replace(exhibit, content=still.picture), still.redacted
        try:
            content, media_type = content_of(exhibit, episode, self.evidence.jpeg_quality)
            return self.store.put(
                content, exhibit.kind, media_type, exhibit.captured_at, label=exhibit.label, redacted=redacted
            )
        except NoRoomError as error:
            return error.evidence  # listed all the same: the uplink reports that it will never come
        except (ExhibitError, OSError) as error:
            # An event never waits for a file: it goes on without this one.
            log.error("evidence could not be made", episode=episode.episode_id, reason=str(error))
            return None


def source_of(area_id: str, name: str) -> SourceRef:
    """The area as events name it."""
    return SourceRef(id=area_id, kind=SourceKind.FLIGHT, name=name)


def shaping_sha256(settings: SurveySettings, evidence: EvidenceSettings) -> str:
    """The hash of what shapes an area's events. Paths are left out, as in `edge.config.sources.config_sha256`."""
    said = settings.model_dump(mode="json", exclude={"taken_at": True, "register_": True, "baseline": True})
    said["flight"]["ground"].pop("elevation", None)
    shaping = {
        "detectors": {KIND.name: {"version": KIND.version, "settings": said["illegal_structure"]}},
        "flight": said["flight"],
        "evidence": evidence.model_dump(mode="json"),
    }
    if said["change_model"] is not None:
        shaping["change_model"] = {key: value for key, value in said["change_model"].items() if key != "path"}
    return sha256_hex(canonical_bytes(shaping))


def _forgotten(open_episodes: Sequence[Episode], memory: Mapping[str, Any]) -> Sequence[Episode]:
    """Open episodes of structures that the memory no longer holds open: nothing would ever end them."""
    known = loaded(memory)
    told = {one.key for one in known.structures if one.told and one.ended is None}
    return [episode for episode in open_episodes if episode.detector == KIND.name and episode.key not in told]
