"""A flight compared with the one before, and judged by the register: what was built, and whether it may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from contract.evidence import EvidenceKind
from edge.detectors.illegal_structure import (
    Baseline,
    Change,
    Finding,
    IllegalStructureDetector,
    SurveyContext,
)
from edge.detectors.illegal_structure.sightings import Memory
from edge.detectors.illegal_structure.survey import Outcome, Surveyed
from edge.detectors.interface import Exhibit, Image, Observation
from edge.flights.differing import Differences, differences
from edge.flights.ingesting import Ingested
from edge.flights.looking import Looks, Placed
from edge.flights.material import FlightError
from edge.flights.register.errors import Remark
from edge.flights.register.index import Register
from edge.flights.register.reading import read_register
from edge.flights.shots import Progress
from edge.flights.survey_settings import SurveySettings
from edge.vision.change.candidates import ChangeKind, RoofCue
from edge.vision.change.fusing import Fused
from edge.vision.change.views import through

CHANGES = {
    ChangeKind.NEW: Change.APPEARED,
    ChangeKind.REMOVED: Change.REMOVED,
    ChangeKind.CHANGED_COVER: Change.RECOVERED,
}
CHIP_MARGIN_M = 8.0
"""Around what was built: enough to know the place again."""
REGISTER_MARGIN_M = 500.0
"""Around the places of the drone: what it sees from 500 m and less."""
LEAST_CHIP_PX = 64


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """What a survey came to."""

    flight: Ingested
    baseline: Ingested
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


def survey(
    flight: Ingested,
    baseline: Ingested,
    settings: SurveySettings,
    base: Path,
    memory: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Survey:
    """Compares and judges. Paths of the register are relative to `base`; `memory` is an earlier survey's.

    Raises:
        FlightError: a flight has no usable frame, no time, or the two do not share ground.
        edge.flights.register.errors.RegisterError: a file of the register cannot be used.
    """
    for name, one in (("flight", flight), ("baseline", baseline)):
        if not one.flight.frames:
            raise FlightError(
                f"{name} {one.flight.id}: no picture of it can be used; `gridsentry-edge flight` says why"
            )
    taken_at = settings.taken_at or taken_at_of(flight)
    if taken_at is None:
        raise FlightError(f"flight {flight.flight.id}: its files do not say when it was; state taken_at")
    register, remarks = _register(settings, base, flight)
    found = differences(baseline, flight, progress)
    if not found.pairs_of:
        why = found.refused[0].why if found.refused else "they share no ground"
        raise FlightError(f"{flight.flight.id} and {baseline.flight.id}: no pair could be compared; the first: {why}")
    plane = flight.flight.plane
    findings = tuple(finding_of(each, baseline) for each in found.fused)
    context = SurveyContext(
        flight=flight.flight.id,
        taken_at=taken_at,
        baseline=Baseline(baseline.flight.id, "flight", taken_at_of(baseline)),
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
    then = taken_at_of(baseline)
    chips = {
        one.structure.key: _chips(found, fused, taken_at, then)
        for one in outcome.surveyed
        for fused in _shown_by(one, before, found.fused, findings, flight.flight.id)
    }
    told = tuple(replace(each, exhibits=chips.get(each.key, ())) for each in observations)
    return Survey(flight, baseline, taken_at, found, findings, outcome, told, remarks, detector.save())


def taken_at_of(ingested: Ingested) -> datetime | None:
    """When its last picture was taken. None: its files do not say."""
    times = [frame.taken_at for frame in ingested.flight.frames if frame.taken_at is not None]
    return max(times) if times else None


def _register(settings: SurveySettings, base: Path, flight: Ingested) -> tuple[Register, tuple[Remark, ...]]:
    """Around the flight. Read before anything is compared: what is wrong with it is known at once."""
    if settings.register_ is None:
        return Register((), ()), ()
    places = np.array([(frame.pose.east_m, frame.pose.north_m) for frame in flight.flight.frames])
    west, south = (float(value) - REGISTER_MARGIN_M for value in places.min(axis=0))
    east, north = (float(value) + REGISTER_MARGIN_M for value in places.max(axis=0))
    loaded = read_register(settings.register_, base, flight.flight.plane, (west, south, east, north))
    return loaded.register, loaded.remarks


def finding_of(fused: Fused, baseline: Placed) -> Finding:
    """Both flights are placed as the baseline is, so it is wrong by what the baseline's frames share."""
    shared = float(np.sqrt(np.mean(np.diagonal(baseline.errors[0].shared)[:2])))
    outline = shapely.Polygon(fused.outline_m)
    if not outline.is_valid:
        outline = max(shapely.get_parts(shapely.make_valid(outline)), key=lambda part: part.area)
    roof = fused.best.candidate.cues.roof
    return Finding(
        outline=outline,
        sigma_m=float(np.hypot(fused.centre_sigma_m, shared)),
        area_m2=fused.area_m2,
        change=CHANGES[fused.kind],
        confidence=fused.confidence,
        cues=() if roof is RoofCue.OTHER else (roof.value,),
        frames=len(fused.sightings),
        frames_visible=max(fused.chances, len(fused.sightings)),
    )


def _shown_by(
    one: Surveyed, before: Memory, fused: Sequence[Fused], findings: Sequence[Finding], flight: str
) -> Sequence[Fused]:
    """The change whose pictures are to be shown of a structure; none where this flight's were shown already."""
    known = before.find(one.structure.key)
    if one.finding is not None:
        shown = known is not None and known.told and flight in known.flights
        return () if shown else (fused[findings.index(one.finding)],)
    if one.removal is not None:
        return (fused[findings.index(one.removal)],)
    return ()


def _chips(found: Differences, fused: Fused, now: datetime, then: datetime | None) -> tuple[Exhibit, ...]:
    """The place before and after, as the pair shows it that shows it best."""
    newer, older = found.pairs_of[fused.best.frame]
    shown = (
        (EvidenceKind.BEFORE, found.older, older, then or now),
        (EvidenceKind.AFTER, found.newer, newer, now),
    )
    made = ((kind, _cut(looks, index, fused), at) for kind, looks, index, at in shown)
    return tuple(Exhibit(kind, chip, at) for kind, chip, at in made if chip is not None)


def _cut(looks: Looks, index: int, fused: Fused) -> Image | None:
    view = looks.view(index)
    if view is None:
        return None
    height, width = view.bgr.shape[:2]
    pixels = through(np.asarray(np.linalg.inv(view.to_ground), np.float64), fused.outline_m)
    margin = CHIP_MARGIN_M / view.gsd_m
    left, top = (max(int(value - margin), 0) for value in pixels.min(axis=0))
    right, bottom = (int(value + margin) for value in pixels.max(axis=0))
    right, bottom = min(right, width), min(bottom, height)
    if right - left < LEAST_CHIP_PX or bottom - top < LEAST_CHIP_PX:
        return None
    return np.ascontiguousarray(view.bgr[top:bottom, left:right])
