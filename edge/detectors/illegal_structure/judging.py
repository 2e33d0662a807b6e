"""What the register says of something built: what of it exceeds everything approved, and what else is against it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import shapely
from shapely.geometry.base import BaseGeometry

from contract.events import Severity
from edge.detectors.illegal_structure.finding import Change, Finding, Outline
from edge.detectors.illegal_structure.settings import IllegalStructureSettings
from edge.flights.register.features import Entry, Layer, Validity
from edge.flights.register.index import Register

LEAST_OVERLAP_M2 = 2.0
LEAST_OVERLAP = 0.1
"""What of a structure must lie on a road, in green or in water, by area and share: its edge may be drawn wrongly."""
EAVES_SHARE = 0.5
"""Of an outline within what is approved: from here on it is that building's roof, which reaches beyond its walls."""
ORDERED_SHARE = 0.3
"""Of the smaller of a structure and a demolition order: orders are drawn by hand."""
MITRE = 2.0
"""Eaves go round corners as corners."""


class Verdict(StrEnum):
    """What has happened there."""

    NEW = "new"
    EXTENDED = "extended"
    HIGHER_UNKNOWN = "higher_unknown"
    REMOVED = "removed"


class Untold(StrEnum):
    """Why nobody is told."""

    APPROVED = "approved"
    PERMITTED = "permitted"
    CHANGED_ROOF = "changed_roof"
    TOO_SMALL = "too_small"
    UNLIKELY = "unlikely"
    MAY_DRIVE = "may_drive"
    """By what flights have seen so far."""


@dataclass(frozen=True, slots=True, eq=False)
class Judgement:
    """What is to be said of a finding, and on what grounds."""

    verdict: Verdict
    exceedance: BaseGeometry
    """What of the outline nothing approves; may be empty."""
    exceeded_m2: float
    severity: Severity
    untold: Untold | None = None
    approved: Entry | None = None
    """The approved building that it touches or contains most of."""
    permit: Entry | None = None
    permit_validity: Validity | None = None
    over_area: bool = False
    """It is larger than its permit says."""
    on: tuple[Layer, ...] = ()
    on_road: float = 0.0
    """Share of it that lies on roads."""
    order: Entry | None = None


def judge(
    finding: Finding,
    register: Register,
    day: date,
    settings: IllegalStructureSettings,
    standing: Sequence[Outline] = (),
) -> Judgement:
    """Judges something built by the register as of a day. `standing` is what was built beside it before.

    Seen once or more, likely or not: that is decided over flights (`sightings`); this is about the place alone.
    """
    outline = finding.outline
    near = register.near(outline, _reach(finding, register, settings))
    approved = [entry for entry in near if entry.layer is Layer.APPROVED]
    permits = [entry for entry in near if entry.layer is Layer.PERMIT]
    valid = [entry for entry in permits if entry.validity(day) is Validity.VALID]
    outside = _outside(outline, approved, finding, settings)
    beyond = _outside(outside, valid, finding, settings)
    over_m2 = _over_area(outside, valid, finding, settings)
    over = over_m2 >= max(settings.min_area_m2, beyond.area)
    exceedance = outside if over else beyond
    exceeded_m2 = over_m2 if over else float(beyond.area)
    permit, validity = _permit(outline, permits, day, finding, settings)
    touched = _touched(outline, approved, finding, settings)
    on = _on(finding, near)
    order = _order(outline, near)
    untold = _untold(finding, exceeded_m2, outside.area, settings)
    return Judgement(
        verdict=_verdict(finding, touched, standing, settings),
        exceedance=exceedance,
        exceeded_m2=exceeded_m2,
        severity=_severity(exceeded_m2, on, order, settings),
        untold=untold,
        approved=touched,
        permit=permit,
        permit_validity=validity,
        over_area=over,
        on=on,
        on_road=_share_on(outline, near, Layer.ROAD),
        order=order,
    )


def margin_m(finding: Finding, entry: Entry, settings: IllegalStructureSettings) -> float:
    """How far beyond an entry's outline it may still be the approved building: eaves, and what both may be off by."""
    return settings.eaves_m + doubt_m(finding, entry, settings)


def doubt_m(finding: Finding, entry: Entry, settings: IllegalStructureSettings) -> float:
    """What the place of a finding and an entry's outline may be off by together."""
    return settings.sigmas * math.hypot(finding.sigma_m, entry.sigma_m)


def touches(first: Outline, second: Outline, sigma_m: float, settings: IllegalStructureSettings) -> bool:
    """Whether no gap between two outlines is certain."""
    return bool(first.distance(second) <= settings.touch_m + settings.sigmas * sigma_m)


def _reach(finding: Finding, register: Register, settings: IllegalStructureSettings) -> float:
    farthest = settings.eaves_m + settings.sigmas * math.hypot(finding.sigma_m, register.worst_sigma_m)
    # A mitred corner lies up to twice as far out as the side.
    return MITRE * farthest + settings.touch_m


def _outside(
    outline: BaseGeometry, entries: Sequence[Entry], finding: Finding, settings: IllegalStructureSettings
) -> BaseGeometry:
    """What of an outline lies beyond all the entries' margins, without strips too narrow to be built.

    Eaves belong to what mostly lies within: what stands beside a wall has risen since, and old eaves have not.
    """
    if not entries:
        return outline
    within = outline.intersection(shapely.union_all([entry.outline for entry in entries])).area
    margin = margin_m if within >= EAVES_SHARE * outline.area else doubt_m
    allowed = shapely.union_all([_widened(entry, margin(finding, entry, settings)) for entry in entries])
    left = outline.difference(allowed)
    half = settings.min_width_m / 2
    if half == 0 or left.is_empty:
        return left
    wide = left.buffer(-half, join_style="mitre").buffer(half * 1.01, join_style="mitre", mitre_limit=MITRE)
    return left.intersection(wide)


def _widened(entry: Entry, by_m: float) -> BaseGeometry:
    return entry.outline.buffer(by_m, join_style="mitre", mitre_limit=MITRE)


def _over_area(
    outside: BaseGeometry, valid: Sequence[Entry], finding: Finding, settings: IllegalStructureSettings
) -> float:
    """Square metres beyond what a permit allows in its outline, with everything in doubt taken off; 0 if none."""
    limited = [entry for entry in valid if entry.area_m2 is not None]
    if not limited or outside.is_empty:
        return 0.0
    rest = _outside(outside, [entry for entry in valid if entry.area_m2 is None], finding, settings)
    over = 0.0
    for entry in limited:
        sure = rest.buffer(-margin_m(finding, entry, settings)).intersection(entry.outline)
        over = max(over, float(sure.area) - (entry.area_m2 or 0.0))
    return over


def _permit(
    outline: Outline, permits: Sequence[Entry], day: date, finding: Finding, settings: IllegalStructureSettings
) -> tuple[Entry | None, Validity | None]:
    """The permit for most of it: one in force before one that was, the latest of those."""
    least = settings.permit_share * outline.area
    margins = [margin_m(finding, entry, settings) for entry in permits]
    meant = [
        entry
        for entry, margin in zip(permits, margins, strict=True)
        if outline.intersection(_widened(entry, margin)).area >= least
    ]
    order = list(Validity)
    best = min(
        meant,
        key=lambda entry: (order.index(entry.validity(day)), -(entry.valid_until or date.max).toordinal(), entry.id),
        default=None,
    )
    return best, None if best is None else best.validity(day)


def _touched(
    outline: Outline, approved: Sequence[Entry], finding: Finding, settings: IllegalStructureSettings
) -> Entry | None:
    beside = [
        entry
        for entry in approved
        if touches(outline, entry.outline, math.hypot(finding.sigma_m, entry.sigma_m), settings)
    ]
    return max(beside, key=lambda entry: float(outline.intersection(entry.outline).area), default=None)


def _verdict(
    finding: Finding, touched: Entry | None, standing: Sequence[Outline], settings: IllegalStructureSettings
) -> Verdict:
    if finding.change is Change.RECOVERED:
        return Verdict.HIGHER_UNKNOWN
    beside = touched is not None or any(touches(finding.outline, one, finding.sigma_m, settings) for one in standing)
    return Verdict.EXTENDED if beside else Verdict.NEW


def _on(finding: Finding, near: Sequence[Entry]) -> tuple[Layer, ...]:
    found = []
    for layer in (Layer.ROAD, Layer.GREEN, Layer.WATER):
        grounds = [entry for entry in near if entry.layer is layer]
        if not grounds:
            continue
        sigma = math.hypot(finding.sigma_m, max(entry.sigma_m for entry in grounds))
        core = finding.outline.buffer(-2 * sigma)
        ground = shapely.union_all([entry.outline for entry in grounds])
        if core.is_empty:
            # Too small for its uncertainty: where its middle lies is the likeliest.
            lies_on = bool(ground.contains(finding.outline.centroid))
        else:
            lies_on = core.intersection(ground).area >= max(LEAST_OVERLAP_M2, LEAST_OVERLAP * core.area)
        if lies_on:
            found.append(layer)
    return tuple(found)


def _share_on(outline: Outline, near: Sequence[Entry], layer: Layer) -> float:
    grounds = [entry.outline for entry in near if entry.layer is layer]
    return float(outline.intersection(shapely.union_all(grounds)).area / outline.area) if grounds else 0.0


def _order(outline: Outline, near: Sequence[Entry]) -> Entry | None:
    def share(entry: Entry) -> float:
        return float(outline.intersection(entry.outline).area / min(outline.area, entry.outline.area))

    orders = [entry for entry in near if entry.layer is Layer.ORDER and share(entry) >= ORDERED_SHARE]
    return max(orders, key=share, default=None)


def _untold(
    finding: Finding, exceeded_m2: float, outside_m2: float, settings: IllegalStructureSettings
) -> Untold | None:
    if finding.outline.area < settings.min_area_m2:
        return Untold.TOO_SMALL
    if exceeded_m2 >= settings.min_area_m2:
        return None
    if finding.change is Change.RECOVERED:
        return None if settings.changed_roofs == "review" else Untold.CHANGED_ROOF
    # What a permit took away would have been told without it.
    return Untold.PERMITTED if outside_m2 >= settings.min_area_m2 else Untold.APPROVED


def _severity(
    exceeded_m2: float, on: tuple[Layer, ...], order: Entry | None, settings: IllegalStructureSettings
) -> Severity:
    """Yellow where somebody should go this week: it blocks a road or a river, takes green, is large, or was ordered to
    go. Never red: nobody's life is at risk now."""
    grave = bool(on) or order is not None or exceeded_m2 >= settings.large_m2
    return Severity.YELLOW if grave else Severity.BLUE
