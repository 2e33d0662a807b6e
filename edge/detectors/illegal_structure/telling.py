"""Structures to observations: what stands in an event."""

from __future__ import annotations

from datetime import datetime

from contract.canonical import canonical_bytes
from contract.details import StructureCover, StructureDetail, StructureSightings, SurveyRef
from edge.detectors.illegal_structure.context import SurveyContext
from edge.detectors.illegal_structure.footprint import CORNER_BYTES, LEAST_CORNERS, MOST_CORNERS, location_of
from edge.detectors.illegal_structure.judging import Judgement
from edge.detectors.illegal_structure.survey import Sight, Surveyed
from edge.detectors.interface import Observation

HAZARD = "illegal_structure"
MOST_BYTES = 40
"""Of an id of the register in an event: thirteen Chinese signs. The register has the whole of it."""
MOST_CUES = 4
ROOM_BYTES = 900
"""For the detail and the corners of the footprint: what else an opened event holds takes 1,150 of its 2,048, with names
of a dozen Chinese signs."""


def observation_of(surveyed: Surveyed, context: SurveyContext) -> Observation:
    """What is said of a structure after a flight. Media time of an area is seconds of the epoch, by flights' clocks:
    so that an episode lasts from one flight to the next."""
    structure, judgement = surveyed.structure, surveyed.judgement
    outline = structure.outline(context.plane)
    now = context.taken_at.timestamp()
    gone = surveyed.sight is Sight.GONE
    detail = _detail(surveyed, context)
    room = (ROOM_BYTES - len(canonical_bytes(detail.as_json()))) // CORNER_BYTES
    corners = min(MOST_CORNERS, max(LEAST_CORNERS, room))
    return Observation(
        hazard=HAZARD,
        key=structure.key,
        media_time=now,
        started_media_time=min(structure.first_seen.timestamp(), now),
        severity=judgement.severity,
        tier=surveyed.tier,
        confidence=round(structure.confidence, 3),
        detail=detail,
        active=not surveyed.is_over,
        location=location_of(outline, structure.sigma_m, context.plane, corners),
        ended_media_time=now if gone else None,
        extent=round(outline.area, 1),
    )


def _detail(surveyed: Surveyed, context: SurveyContext) -> StructureDetail:
    structure, judgement = surveyed.structure, surveyed.judgement
    gone = surveyed.sight is Sight.GONE
    baseline, taken_at = context.baseline, context.baseline.taken_at
    return StructureDetail(
        structure=structure.key,
        change=judgement.verdict.value,
        area_m2=round(structure.outline(context.plane).area, 1),
        exceeded_m2=round(judgement.exceeded_m2, 1),
        cover=_cover(judgement),
        on=tuple(layer.value for layer in judgement.on),
        order_id=None if judgement.order is None else _cut(judgement.order.id),
        rebuilt=structure.rebuilt,
        cues=structure.cues[:MOST_CUES],
        sightings=StructureSightings(
            frames=structure.frames, flights=structure.flights_total, first_seen=_second(structure.first_seen)
        ),
        flight=SurveyRef(id=context.flight, taken_at=_second(context.taken_at)),
        compared_with=SurveyRef(id=baseline.id, kind=baseline.kind, taken_at=taken_at and _second(taken_at)),
        removed_at=context.taken_at if gone else None,
    )


def _cover(judgement: Judgement) -> StructureCover | None:
    approved, permit = judgement.approved, judgement.permit
    if approved is None and permit is None:
        return None
    return StructureCover(
        register_id=None if approved is None else _cut(approved.id),
        permit_id=None if permit is None else _cut(permit.id),
        permit_state=None if judgement.permit_validity is None else judgement.permit_validity.value,
        valid_from=None if permit is None else permit.valid_from,
        valid_until=None if permit is None else permit.valid_until,
    )


def _cut(text: str) -> str:
    return text.encode()[:MOST_BYTES].decode(errors="ignore")


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
