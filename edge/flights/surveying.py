"""A flight compared with what was before, and judged by the register: what was built, and whether it may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from contract.events import Model
from contract.evidence import EvidenceKind
from edge.detectors.illegal_structure import (
    Baseline,
    Change,
    Finding,
    IllegalStructureDetector,
    SurveyContext,
)
from edge.detectors.illegal_structure.sightings import Structure
from edge.detectors.illegal_structure.survey import Outcome, Surveyed
from edge.detectors.interface import Exhibit, Observation
from edge.flights.differing import (
    ANCHORED_SIGMA_M,
    Difference,
    DifferenceKind,
    Differences,
    differences,
    shared_sigma_m,
)
from edge.flights.ingesting import Ingested
from edge.flights.material import FlightError
from edge.flights.orthophotos.comparing import differences_from
from edge.flights.orthophotos.orthophoto import Orthophoto, not_older
from edge.flights.placed import Placed
from edge.flights.register.errors import Remark
from edge.flights.register.features import Layer
from edge.flights.register.index import Register
from edge.flights.register.reading import read_register
from edge.flights.shots import Progress
from edge.flights.survey_settings import SurveySettings
from edge.inference.changing import ChangeNetwork
from edge.vision.change.candidates import RoofCue
from edge.vision.surface.likelihood import may_drive

CHIP_MARGIN_M = 8.0
"""Around what was built: enough to know the place again."""
REGISTER_MARGIN_M = 500.0
"""Around the places of the drone: what it sees from 500 m and less."""


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """What a survey came to."""

    flight: Ingested
    baseline: Ingested | Orthophoto
    taken_at: datetime
    differences: Differences
    findings: tuple[Finding, ...]
    outcome: Outcome
    observations: tuple[Observation, ...]
    """With chips before and after."""
    remarks: tuple[Remark, ...]
    """About the register's files."""
    memory: Mapping[str, Any]
    """To be given to the next survey of the area."""
    model: Model | None = None
    """A learned one that was asked as well."""

    @property
    def against(self) -> Baseline:
        """What the flight was compared with."""
        return against(self.baseline)


def survey(
    flight: Ingested,
    baseline: Ingested | Orthophoto,
    settings: SurveySettings,
    base: Path,
    memory: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Survey:
    """Compares and judges. Paths of the register are relative to `base`; `memory` is an earlier survey's.

    Raises:
        FlightError: a flight has no usable frame, no time, or the two do not share ground; the orthophoto cannot be
            used.
        edge.flights.register.errors.RegisterError: a file of the register cannot be used.
        edge.inference.errors.ModelError: the change model cannot be used.
    """
    _with_frames(flight, baseline)
    taken_at = settings.taken_at or taken_at_of(flight)
    if taken_at is None:
        raise FlightError(f"flight {flight.flight.id}: its files do not say when it was; state taken_at")
    if isinstance(baseline, Orthophoto) and (why_not := not_older(baseline, flight.flight.id, taken_at)):
        raise FlightError(why_not)
    register, remarks = _register(settings, base, flight)
    approved = [entry.outline for entry in register.entries if entry.layer is Layer.APPROVED]
    model = None if settings.change_model is None else ChangeNetwork(settings.change_model, base)
    found = (
        differences_from(baseline, flight, progress, approved, model)
        if isinstance(baseline, Orthophoto)
        else differences(baseline, flight, progress, approved, model)
    )
    then = against(baseline)
    if found.shifts is None:
        why = found.refused[0].why if found.refused else "they share no ground"
        raise FlightError(f"{flight.flight.id} and {then.id}: nothing could be compared; the first: {why}")
    plane = flight.flight.plane
    findings = tuple(finding_of(each, baseline, found) for each in found.found)
    context = SurveyContext(
        flight=flight.flight.id,
        taken_at=taken_at,
        baseline=then,
        plane=plane,
        examined=found.examined,
        register=register,
    )
    detector = IllegalStructureDetector(settings.illegal_structure)
    if memory is not None:
        detector.load(memory)
    before = detector.memory
    observations = detector.survey(findings, context)
    outcome = detector.outcome
    assert outcome is not None, "a survey leaves its outcome"
    chips = {
        one.structure.key: _chips(found, found.found[findings.index(seen.finding)], seen.kinds, taken_at, then.taken_at)
        for one in outcome.surveyed
        if (seen := _shown_of(one, before.find(one.structure.key), flight.flight.id, then.id)) is not None
    }
    identity = None if model is None else model.identity
    told = tuple(replace(each, exhibits=chips.get(each.key, ()), model=identity) for each in observations)
    return Survey(flight, baseline, taken_at, found, findings, outcome, told, remarks, detector.save(), identity)


def taken_at_of(ingested: Ingested) -> datetime | None:
    """When its last picture was taken. None: its files do not say."""
    times = [frame.taken_at for frame in ingested.flight.frames if frame.taken_at is not None]
    return max(times) if times else None


def against(baseline: Ingested | Orthophoto) -> Baseline:
    """How events and findings name it."""
    if isinstance(baseline, Orthophoto):
        return Baseline(baseline.id, "orthophoto", baseline.taken_at, heights=baseline.surface is not None)
    return Baseline(baseline.flight.id, "flight", taken_at_of(baseline))


def _with_frames(flight: Ingested, baseline: Ingested | Orthophoto) -> None:
    for name, one in (("flight", flight), ("baseline", baseline)):
        if not isinstance(one, Orthophoto) and not one.flight.frames:
            raise FlightError(
                f"{name} {one.flight.id}: no picture of it can be used; `gridsentry-edge flight` says why"
            )


def _register(settings: SurveySettings, base: Path, flight: Ingested) -> tuple[Register, tuple[Remark, ...]]:
    """Around the flight. Read before anything is compared: what is wrong with it is known at once."""
    if settings.register_ is None:
        return Register((), ()), ()
    places = np.array([(frame.pose.east_m, frame.pose.north_m) for frame in flight.flight.frames])
    west, south = (float(value) - REGISTER_MARGIN_M for value in places.min(axis=0))
    east, north = (float(value) + REGISTER_MARGIN_M for value in places.max(axis=0))
    loaded = read_register(settings.register_, base, flight.flight.plane, (west, south, east, north))
    return loaded.register, loaded.remarks


def finding_of(difference: Difference, baseline: Placed | Orthophoto, found: Differences) -> Finding:
    """Both are placed as the baseline is, so it is wrong by what the baseline's frames share, or its orthophoto is; or,
    where known buildings place them, by what those are."""
    own = baseline.sigma_m if isinstance(baseline, Orthophoto) else shared_sigma_m(baseline)
    shared = ANCHORED_SIGMA_M if found.anchor is not None else own
    outline = shapely.Polygon(difference.outline_m)
    if not outline.is_valid:
        outline = max(shapely.get_parts(shapely.make_valid(outline)), key=lambda part: part.area)
    cues = difference.cues
    return Finding(
        outline=outline,
        sigma_m=float(np.hypot(difference.sigma_m, shared)),
        area_m2=float(outline.area),
        change=_change(difference),
        confidence=difference.confidence,
        cues=() if cues.roof is RoofCue.OTHER else (cues.roof.value,),
        # A height is measured in two pictures. What may drive away is counted as seen once: another flight must see it.
        frames=1 if may_drive(cues) else 2,
        frames_visible=max(cues.pictures, 2),
        height_m=float(difference.gain_m) if difference.kind is DifferenceKind.ROSE else None,
    )


def _change(difference: Difference) -> Change:
    if difference.kind is DifferenceKind.SANK:
        return Change.REMOVED
    return Change.RECOVERED if difference.on_roof else Change.APPEARED


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """Which change's pictures are to be shown of a structure."""

    finding: Finding
    kinds: tuple[EvidenceKind, ...]


_BOTH = (EvidenceKind.BEFORE, EvidenceKind.AFTER)


def _shown_of(one: Surveyed, known: Structure | None, flight: str, baseline: str) -> _Shown | None:
    """What nobody has seen yet: how the place was is shown once, and each flight once."""
    told = known is not None and known.told
    flights = known.flights if known is not None else ()
    if one.finding is not None:
        if told and flight in flights:
            return None
        return _Shown(one.finding, _BOTH[1:] if told else _BOTH)
    if one.removal is not None:
        return _Shown(one.removal, _BOTH[1:] if baseline in flights else _BOTH)
    return None


def _chips(
    found: Differences, change: Difference, kinds: Sequence[EvidenceKind], now: datetime, then: datetime | None
) -> tuple[Exhibit, ...]:
    """The place before and after, as the pictures show it that show it most steeply."""
    times = {EvidenceKind.BEFORE: then or now, EvidenceKind.AFTER: now}
    shown = tuple((kind, kind is EvidenceKind.AFTER, times[kind]) for kind in kinds)
    made = ((kind, found.shown(change, newer=newer, margin_m=CHIP_MARGIN_M), at) for kind, newer, at in shown)
    return tuple(Exhibit(kind, chip, at) for kind, chip, at in made if chip is not None)
