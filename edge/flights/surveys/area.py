"""An area and its flights: which are compared, and that each comparison is told exactly once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import structlog

from contract.canonical import sha256_hex
from contract.events import Clock
from contract.ids import uuid7
from edge.clock import clock_state
from edge.config.areas import AreaSettings
from edge.config.document import EdgeConfig
from edge.detectors.illegal_structure.saved import loaded
from edge.detectors.illegal_structure.sightings import Structure
from edge.episodes.events import episodes_name
from edge.evidence.store import EvidenceStore
from edge.flights.ground import GroundError
from edge.flights.ingesting import Ingested, ingest
from edge.flights.material import FlightError, shown
from edge.flights.orthophotos.errors import ElsewhereError
from edge.flights.orthophotos.orthophoto import Orthophoto, is_orthophoto
from edge.flights.orthophotos.settings import OrthophotoSettings
from edge.flights.shots import Progress
from edge.flights.survey_settings import SurveySettings
from edge.flights.survey_telling import little_overlap, write_survey
from edge.flights.surveying import Survey, against, survey, taken_at_of
from edge.flights.surveys.contents import flight_sha256, given_sha256
from edge.flights.surveys.overhead import known_orthophoto, named_orthophoto
from edge.flights.surveys.records import (
    Comparison,
    KnownFlight,
    Records,
    RecordsError,
    earlier,
    known_flight,
    looking_back,
    records_from,
    shows_enough,
)
from edge.flights.surveys.settings import SettingsError
from edge.flights.surveys.telling import Blur, Teller, source_of
from edge.outbox.sink import Commit
from edge.outbox.store import Outbox

log = structlog.get_logger("survey")


AHEAD = timedelta(days=1)
"""A drone's clock may be on another zone's time; one that is further ahead is wrong, and nothing that was seen would
end before its day has come."""


def survey_name(area_id: str) -> str:
    """The name under which the outbox keeps what an area remembers."""
    return f"survey:{area_id}"


class Outcome(StrEnum):
    """What became of a flight."""

    SURVEYED = "surveyed"
    BASELINE = "baseline"
    """Nothing earlier shows its ground: the next flight is compared with it."""
    FINISHED = "finished"
    """It was surveyed before, as it is."""


@dataclass(frozen=True, slots=True, eq=False)
class TakenIn:
    """A flight of an area, with the surveys that were made now."""

    flight: str
    outcome: Outcome
    surveys: tuple[Survey, ...] = ()
    events: int = 0


@dataclass(frozen=True, slots=True)
class Said:
    """Settings of a survey, and the folder that its paths begin at."""

    settings: SurveySettings
    base: Path


class Area:
    """One area on one box. Not for two processes at a time: `edge.outbox.lock.StateLock` keeps a second one out."""

    def __init__(
        self,
        area_id: str,
        config: EdgeConfig,
        outbox: Outbox,
        store: EvidenceStore,
        *,
        out: Path | None = None,
        blur: Blur | None = None,
        clock: Callable[[], Clock] = clock_state,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`out`: a folder for what each survey leaves for people, below it one for each comparison."""
        self.id = area_id
        self.settings: AreaSettings = config.areas[area_id]
        self.device_id = config.device.id
        self._outbox, self._out, self._now = outbox, out, now
        self.source = source_of(area_id, self.settings.name)
        self._teller = Teller(config.device.id, self.source, config.evidence, store, clock, uuid7, blur)

    def records(self) -> Records:
        """What is remembered of the area.

        Raises:
            RecordsError: it is damaged.
        """
        try:
            return records_from(self._outbox.state(survey_name(self.id)))
        except RecordsError as error:
            raise RecordsError(f"{self._outbox.path}: what is remembered of area {self.id!r} {error}") from error

    def take(
        self,
        path: Path,
        said: Said,
        *,
        baseline: Path | None = None,
        again: bool = True,
        progress: Progress | None = None,
    ) -> TakenIn:
        """Surveys a flight: against `baseline`, else against earlier flights of the area, else against the orthophoto
        that its settings name.

        Each comparison is committed with the memory of it: killed anywhere, the next call goes on behind the last
        commit. `again`: False leaves a flight that was ever finished as it is, though settings or register changed.

        Raises:
            FlightError: the flight, or the baseline that was given, cannot be used.
            SettingsError: the orthophoto that the settings name cannot be used.
            GroundError, edge.flights.register.errors.RegisterError: terrain or register cannot be used.
            RecordsError: what is remembered cannot be read.
            OSError, sqlite3.Error: the disk refused.
        """
        contents = flight_sha256(path)
        given = sha256_hex((given_sha256(said.settings, said.base) + contents).encode())
        records = self.records()
        same = records.by_contents(contents)
        if same is not None and same.finished and self._is_done(records, same, baseline, said, given, again=again):
            return TakenIn(same.id, Outcome.FINISHED)
        flight, known = self._ingested(path, contents, said, progress)
        same = same or records.half_of(known)
        if same is not None:
            # It stays one flight under another name, or with more of its pictures: no second sighting, and no baseline.
            known = replace(known, id=same.id)
            flight = _named(flight, known.id)
        work = _Work(self, said, given, flight, known, progress)
        if baseline is None:
            return work.against_earlier()
        if is_orthophoto(baseline):
            return work.against_one(known_orthophoto(baseline, said.settings.orthophoto), None)
        return work.against_one(*self._explicit(baseline, said, progress))

    def _is_done(
        self, records: Records, known: KnownFlight, baseline: Path | None, said: Said, given: str, *, again: bool
    ) -> bool:
        if baseline is not None:
            other = _name_of(baseline, records)
            return other is not None and records.has_compared(known.id, other, given)
        if not again:
            return True
        compared = [each for each in records.comparisons if each.flight == known.id]
        if not compared:
            earlier_ones = any(each.taken_at < known.taken_at for each in records.flights)
            return not earlier_ones and said.settings.orthophoto.path is None
        return all(each.given == given for each in compared)

    def _ingested(
        self, path: Path, contents: str, said: Said, progress: Progress | None
    ) -> tuple[Ingested, KnownFlight]:
        flight = ingest(path, said.settings.flight, progress)
        if not flight.flight.frames:
            raise FlightError(_nothing_usable(path, flight))
        taken_at = said.settings.taken_at or taken_at_of(flight)
        if taken_at is None:
            raise FlightError(f"{shown(path)}: its files do not say when it was; state taken_at")
        if taken_at > self._now() + AHEAD:
            said_day = f"found {taken_at:%Y-%m-%d} as the day of its last picture, which is to come"
            raise FlightError(
                f"{shown(path)}: {said_day}: put the drone's clock right, and state taken_at for this one"
            )
        known = known_flight(flight, str(path.absolute()), contents, taken_at)
        return _named(flight, known.id), known

    def _explicit(self, path: Path, said: Said, progress: Progress | None) -> tuple[Ingested, KnownFlight]:
        contents = flight_sha256(path)
        older = ingest(path, said.settings.baseline or said.settings.flight, progress)
        if not older.flight.frames:
            raise FlightError(_nothing_usable(path, older))
        taken_at = taken_at_of(older)
        if taken_at is None:
            raise FlightError(f"{shown(path)}: its files do not say when it was: it cannot be a baseline of an area")
        known = self.records().by_contents(contents) or replace(
            known_flight(older, str(path.absolute()), contents, taken_at), finished=True
        )
        return _named(older, known.id), known

    def keep(self, records: Records, commit: Commit | None = None) -> None:
        """Commits, in one transaction: events, episodes, and that they were told."""
        commit = commit or Commit()
        state: Mapping[str, str] = {**commit.state, survey_name(self.id): records.as_text()}
        self._outbox.commit(replace(commit, state=state))

    def tell(self, found: Survey, settings: SurveySettings) -> Commit:
        """What follows from a survey, with its pictures in the store; nothing is committed."""
        resumed = self._outbox.open_episodes().get(self.id, ())
        remembered = self._outbox.state(episodes_name(self.id))
        return self._teller.commit_of(found, settings, resumed, remembered)

    def write(self, found: Survey, known: KnownFlight, baseline: str) -> None:
        """What a survey leaves for people, where a folder was given for it."""
        if self._out is not None:
            write_survey(found, self._out / known.id / f"against-{baseline}")


class _Work:
    """One flight's surveys."""

    def __init__(
        self, area: Area, said: Said, given: str, flight: Ingested, known: KnownFlight, progress: Progress | None
    ) -> None:
        self._area, self._said, self._given = area, said, given
        self._flight, self._known, self._progress = flight, known, progress
        self._surveys: list[Survey] = []
        self._events = 0

    def against_one(self, older: Ingested | Orthophoto, baseline: KnownFlight | None) -> TakenIn:
        """Against a baseline that somebody chose; flights belong to the area from then on."""
        records = self._area.records()
        if baseline is not None and records.by_contents(baseline.contents) is None:
            records = records.with_flight(baseline)
        self._compare(records.with_flight(self._known), older, last=True)
        return self._taken(Outcome.SURVEYED)

    def against_earlier(self) -> TakenIn:
        """Against what open structures were found with, if that is another one, and then against the flight before.

        In this order: what the older picture shows to be missing is not brought back by no change since the newer.
        """
        records = self._area.records()
        there = earlier(records, self._known, self._flight.flight.plane)
        if there and not any(Path(each.path).exists() for each in there):
            gone = ", ".join(each.path for each in there[:3])
            log.warning("the files of all earlier flights are gone: nothing is compared", area=self._area.id, gone=gone)
        there = [each for each in there if Path(each.path).exists()]
        while there:
            newest = there[0]
            older = self._baseline(newest)
            if older is None:
                there.remove(newest)
                continue
            fresh = not shows_enough(newest, self._known, self._flight.flight.plane)
            self._look_back([each for each in there if each is not newest], fresh=fresh)
            self._compare(self._area.records().with_flight(self._known), older, last=True)
            return self._taken(Outcome.SURVEYED)
        return self._first(records)

    def _first(self, records: Records) -> TakenIn:
        """No earlier flight shows its ground. An orthophoto may."""
        overhead = self._overhead()
        try:
            if overhead is not None:
                self._compare(records.with_flight(self._known), overhead, last=True)
                return self._taken(Outcome.SURVEYED)
        except ElsewhereError as error:
            log.warning("the orthophoto shows other ground", area=self._area.id, reason=str(error))
        self._area.keep(records.with_flight(replace(self._known, finished=True)))
        return self._taken(Outcome.BASELINE)

    def _overhead(self) -> Orthophoto | None:
        """What the settings name, if it is older."""
        return named_orthophoto(self._said.settings.orthophoto, self._known.id, self._known.taken_at)

    def _look_back(self, among: list[KnownFlight], *, fresh: bool) -> None:
        """`fresh`: no earlier flight shows most of its ground. It is new to the area, as a first flight's is."""
        records = self._area.records()
        older = self._again_with(records, among, fresh=fresh)
        if older is None:
            return
        try:
            self._compare(records.with_flight(self._known), older, last=False)
        except FlightError as error:
            # Years apart, in snow: what it would have confirmed waits, and what is new since is still told.
            log.warning("an old baseline cannot be compared with", area=self._area.id, reason=str(error))

    def _again_with(self, records: Records, among: list[KnownFlight], *, fresh: bool) -> Ingested | Orthophoto | None:
        try:
            overhead = self._overhead()
        except SettingsError as error:
            log.warning("the orthophoto cannot be compared with", area=self._area.id, reason=str(error))
            overhead = None
        if fresh and overhead is not None:
            return overhead
        days = {each.id: each.taken_at for each in among}
        # How old it is does not count: gardens grow from when a flight was first compared with it.
        since = None if overhead is None else records.first_against(overhead.id)
        if overhead is not None and since is not None:
            days[overhead.id] = since
        least = self._said.settings.illegal_structure.min_frames
        standing = [one for one in loaded(records.structures).standing if _is_open(one, least)]
        name = looking_back(records, self._known, standing, days)
        if overhead is not None and name == overhead.id:
            return overhead
        return next((self._baseline(each) for each in among if each.id == name), None)

    def _baseline(self, known: KnownFlight) -> Ingested | None:
        """None: its files have changed, or cannot be used any more; another one is taken then."""
        path = Path(known.path)
        try:
            if flight_sha256(path) != known.contents:
                raise FlightError(f"{shown(path)}: holds another flight by now")
            older = ingest(path, self._said.settings.flight, self._progress)
            if older.flight.frames:
                return _named(older, known.id)
            raise FlightError(f"{shown(path)}: no picture of it can be used any more")
        except (FlightError, GroundError) as error:
            log.warning("an earlier flight cannot be compared with", area=self._area.id, reason=str(error))
            return None

    def _compare(self, records: Records, older: Ingested | Orthophoto, *, last: bool) -> None:
        baseline = against(older).id
        if records.has_compared(self._known.id, baseline, self._given):
            log.info("compared before", area=self._area.id, flight=self._known.id, baseline=baseline)
            commit = Commit()
        else:
            said = self._said
            for what, one in (("baseline", older), ("flight", self._flight)):
                if isinstance(one, Ingested) and (why := little_overlap(one)) is not None:
                    log.warning("pictures overlap little", area=self._area.id, **{what: one.flight.id}, reason=why)
            found = survey(self._flight, older, said.settings, said.base, records.structures, self._progress)
            self._area.write(found, self._known, baseline)
            commit = self._area.tell(found, said.settings)
            seen = tuple(one.structure.key for one in found.outcome.surveyed if one.finding is not None)
            comparison = Comparison(self._known.id, baseline, self._given, seen)
            records = records.with_comparison(comparison, found.memory)
            self._surveys.append(found)
            self._events += len(commit.events)
        if last:
            records = records.with_flight(replace(self._known, finished=True))
        self._area.keep(records, commit)

    def _taken(self, outcome: Outcome) -> TakenIn:
        return TakenIn(self._known.id, outcome, tuple(self._surveys), self._events)


def _name_of(baseline: Path, records: Records) -> str | None:
    """Under which it was compared with, if it ever was."""
    if is_orthophoto(baseline):
        return known_orthophoto(baseline, OrthophotoSettings()).id
    other = records.by_contents(flight_sha256(baseline))
    return None if other is None else other.id


def _nothing_usable(path: Path, flight: Ingested) -> str:
    why = "; ".join(f"{each.count} × {each.reason} ({each.examples[0]})" for each in flight.report.not_used)
    return f"{shown(path)}: no picture of it can be used: {why or 'it has none'}"


def _named(flight: Ingested, name: str) -> Ingested:
    return replace(flight, flight=replace(flight.flight, id=name))


def _is_open(one: Structure, least_frames: int) -> bool:
    """Told, or waiting for a second sighting; what a permit covers is neither."""
    return one.told or one.frames < least_frames
