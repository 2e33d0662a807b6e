"""What a survey leaves: findings on a map, chips before and after, a summary, and what the next survey must know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import shapely
from rich.console import Console
from rich.table import Table
from shapely.geometry.base import BaseGeometry

from edge.detectors.illegal_structure import Baseline
from edge.detectors.illegal_structure.survey import Surveyed
from edge.flights.ingesting import Ingested
from edge.flights.local import LocalPlane
from edge.flights.material import shown
from edge.flights.orthophotos.orthophoto import Orthophoto
from edge.flights.surveying import Survey

MEMORY = "structures.json"
CHIPS = "chips"
GIVEN = "given"
"""In the memory: hashes of what the survey that wrote it was given, so that it is known again."""
LEAST_ALONG, LEAST_ACROSS = 0.7, 0.6
"""Overlap below which structures between high houses are missed (docs/decisions/0296)."""


def write_survey(survey: Survey, folder: Path, given: Mapping[str, str] | None = None) -> None:
    """survey.json, findings.geojson, structures.json and chips/KEY-before.jpg, -after.jpg into a folder.

    `given`: hashes of the flights and settings.

    Raises:
        OSError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "survey.json", summary_of(survey))
    _write(folder / "findings.geojson", findings_of(survey))
    (folder / CHIPS).mkdir(exist_ok=True)
    for observation in survey.observations:
        for exhibit in observation.exhibits:
            if not isinstance(exhibit.content, np.ndarray):
                continue
            done, coded = cv2.imencode(".jpg", exhibit.content)
            if done:
                name = f"{observation.key}-{exhibit.kind.value}.jpg"
                (folder / CHIPS / name).write_bytes(coded.tobytes())
    # Last: whoever finds it finds the rest.
    _write(folder / MEMORY, {**survey.memory, **({} if given is None else {GIVEN: dict(given)})})


def summary_of(survey: Survey) -> dict[str, Any]:
    """JSON types: what was compared, how well, and what became of each structure."""
    found, against = survey.differences, survey.against
    return {
        "flight": survey.flight.flight.id,
        "taken_at": survey.taken_at.isoformat(),
        "baseline": against.id,
        "baseline_kind": against.kind,
        "baseline_taken_at": None if against.taken_at is None else against.taken_at.isoformat(),
        "overlap": {name: _overlap(one) for name, one in _flights(survey)},
        "pairs": {"baseline": found.pairs[0], "flight": found.pairs[1]},
        "change_model": None if survey.model is None else survey.model.model_dump(mode="json"),
        "not_compared": [{"frame": each.frame, "why": each.why} for each in found.refused],
        "examined_m2": round(found.examined.area),
        "poses_disagree_px": [[round(value, 2) for value in each] for each in found.agreement_px],
        "heights_differ_m": round(found.residual_m, 3),
        "moved_m": None if found.anchor is None else [round(float(value), 2) for value in found.moved],
        "counts": dict(survey.outcome.counts),
        "structures": [_row(each, survey.flight.flight.plane) for each in survey.outcome.surveyed],
        "removed": [
            {"area_m2": round(finding.area_m2, 1), "order": order} for finding, order in survey.outcome.removed
        ],
        "register_remarks": [str(each) for each in survey.remarks],
    }


def findings_of(survey: Survey) -> dict[str, Any]:
    """GeoJSON (WGS-84): every finding, told or not, with what was said of it."""
    plane = survey.flight.flight.plane
    said = {id(each.finding): each for each in survey.outcome.surveyed if each.finding is not None}
    features = []
    for finding in survey.findings:
        surveyed = said.get(id(finding))
        properties: dict[str, Any] = {
            "change": finding.change.value,
            "area_m2": round(finding.area_m2, 1),
            "confidence": round(finding.confidence, 3),
            "sigma_m": round(finding.sigma_m, 2),
            "frames": finding.frames,
            "frames_visible": finding.frames_visible,
            "cues": list(finding.cues),
        }
        if surveyed is not None:
            properties |= _row(surveyed, plane)
        geometry = shapely.geometry.mapping(_degrees(finding.outline, plane))
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    return {"type": "FeatureCollection", "features": features}


def print_survey(console: Console, survey: Survey) -> None:
    """A table of what is told, and a line about the rest."""
    table = Table("structure", "verdict", "m²", "exceeds m²", "tier", "severity", "confidence", "seen")
    table.columns[0].no_wrap = True  # a name that is cut names nothing
    for each in survey.outcome.surveyed:
        if each.is_told or each.is_over:
            row = _row(each, survey.flight.flight.plane)
            table.add_row(
                row["structure"], row["verdict"], f"{row['area_m2']:g}", f"{row['exceeded_m2']:g}", row["tier"],
                row["severity"], f"{row['confidence']:.2f}", row["sight"],
            )  # fmt: skip
    console.print(table)
    found = survey.differences
    older, newer = found.pairs
    anchor = found.anchor
    moved = "placed as the baseline is" if anchor is None else (
        f"moved by {np.hypot(anchor.east_m, anchor.north_m):.2f} m onto {anchor.buildings} approved buildings"
    )  # fmt: skip
    console.print(
        f"{survey.flight.flight.id} against {_named(survey.against)}: heights from {_sources(survey, newer, older)}, "
        f"{len(found.refused)} pictures not used; {found.examined.area / 1e4:.1f} ha examined; heights agree "
        f"to {found.residual_m:.2f} m; {moved}",
        markup=False,  # a folder may have any name
        soft_wrap=True,
    )
    for name, one in _flights(survey):
        if (sparse := little_overlap(one)) is not None:
            console.print(f"{name} {one.flight.id}: {sparse}", style="yellow", markup=False, soft_wrap=True)
    counts = ", ".join(f"{name} {count}" for name, count in survey.outcome.counts.items())
    console.print(f"findings: {counts or 'none'}. A person decides what they are.", soft_wrap=True)


def _flights(survey: Survey) -> list[tuple[str, Ingested]]:
    both = (("baseline", survey.baseline), ("flight", survey.flight))
    return [(name, one) for name, one in both if isinstance(one, Ingested)]


def _overlap(flight: Ingested) -> dict[str, float | None]:
    """Medians, as shares; None where no picture has a neighbour."""
    coverage = flight.report.coverage
    spreads = (("along", coverage.along), ("across", coverage.across))
    return {name: None if spread is None else round(spread.median, 2) for name, spread in spreads}


def little_overlap(flight: Ingested) -> str | None:
    """What to do where pictures overlap too little for what stands between houses; None where they overlap enough."""
    least = {"along": LEAST_ALONG, "across": LEAST_ACROSS}
    found = {name: share for name, share in _overlap(flight).items() if share is not None}
    wanting = [f"{share:.0%} {name}" for name, share in found.items() if share < least[name]]
    if not wanting:
        return None
    return (
        f"its pictures overlap by {' and '.join(wanting)}: what was built between high houses is missed more often, "
        "and more is told that nobody built; fly with 80% along and 70% across"
    )


def _named(against: Baseline) -> str:
    if against.kind == "flight":
        return against.id
    day = "nobody says of when" if against.taken_at is None else f"of {against.taken_at:%Y-%m-%d}"
    return f"the orthophoto {against.id} ({day})"


def _sources(survey: Survey, newer: int, older: int) -> str:
    """What heights were taken from, newer ones first."""
    if not isinstance(survey.baseline, Orthophoto):
        return f"{newer} and {older} pairs of pictures"
    surface = survey.baseline.surface
    return f"{newer} pairs of pictures and {'nothing of before' if surface is None else shown(surface.name)}"


def _row(surveyed: Surveyed, plane: LocalPlane) -> dict[str, Any]:
    structure, judgement = surveyed.structure, surveyed.judgement
    return {
        "structure": structure.key,
        "sight": surveyed.sight.value,
        "verdict": judgement.verdict.value,
        "told": surveyed.is_told,
        "why_not": None if judgement.untold is None else judgement.untold.value,
        "area_m2": round(structure.outline(plane).area, 1),
        "exceeded_m2": round(judgement.exceeded_m2, 1),
        "tier": surveyed.tier.value,
        "severity": judgement.severity.value,
        "confidence": round(structure.confidence, 3),
    }


def _degrees(outline: BaseGeometry, plane: LocalPlane) -> BaseGeometry:
    return shapely.transform(outline, plane.degrees)


def _write(path: Path, document: dict[str, Any]) -> None:
    # Whole or not at all: half a memory would stop the next survey.
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    part.replace(path)
