"""An area on a box whose comparisons are written down: which flights are compared when, and what becomes of it.

Flights are read, and judged, remembered and told by the program itself; only what the pictures differ in is stated.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import shapely
import yaml

from contract.evidence import EvidenceKind
from edge.config.document import load_config
from edge.detectors.illegal_structure import Finding, IllegalStructureDetector, SurveyContext
from edge.detectors.interface import Exhibit
from edge.evidence.store import EvidenceStore
from edge.flights.register.index import Register
from edge.flights.survey_settings import SurveySettings
from edge.flights.surveying import against, taken_at_of
from edge.flights.surveys.area import Area, Said
from edge.outbox.store import Outbox

AREA, DEVICE = "west", "box-1"
MUCH_LATER = datetime(2031, 1, 1, tzinfo=UTC)
"""Generated flights have days of their own."""


@dataclass
class Comparisons:
    """Findings by the folders of flight and baseline, or an orthophoto's file; what is not named here finds nothing."""

    found: dict[tuple[str, str], Sequence[Finding]] = field(default_factory=dict)
    made: list[tuple[str, str]] = field(default_factory=list)
    """In their order."""

    def survey(self, flight: Any, baseline: Any, settings: SurveySettings, _base: Path, memory: Any, _progress: Any):
        compared = against(baseline)
        names = tuple(each.rpartition("-")[0] for each in (flight.flight.id, compared.id))
        self.made.append(names)
        findings = self.found.get(names, ())
        if isinstance(findings, Exception):
            raise findings
        detector = IllegalStructureDetector(settings.illegal_structure)
        detector.load(memory)
        taken_at = settings.taken_at or taken_at_of(flight)
        context = SurveyContext(
            flight.flight.id, taken_at, compared, flight.flight.plane, shapely.box(-1e4, -1e4, 1e4, 1e4), Register(())
        )
        observations = detector.survey(findings, context)
        seen = {one.structure.key for one in detector.outcome.surveyed if one.finding is not None}
        told = tuple(
            replace(each, exhibits=chips(len(self.made), taken_at)) if each.key in seen else each
            for each in observations
        )
        return SimpleNamespace(
            taken_at=taken_at, observations=told, outcome=detector.outcome, memory=detector.save(), remarks=()
        )


def chips(number: int, taken_at) -> tuple[Exhibit, ...]:
    """Two pictures that no other comparison has."""
    picture = np.full((80, 80, 3), 40 + 5 * number, np.uint8)
    return (
        Exhibit(EvidenceKind.BEFORE, picture, taken_at),
        Exhibit(EvidenceKind.AFTER, 255 - picture, taken_at),
    )


@dataclass
class Box:
    """A box with one area."""

    folder: Path
    comparisons: Comparisons
    outbox: Outbox
    store: EvidenceStore
    area: Area

    def take(self, path: Path, settings: Mapping[str, Any] | None = None, **more: Any):
        """See `Area.take`."""
        return self.area.take(path, Said(SurveySettings.model_validate(settings or {}), self.folder), **more)

    def events(self) -> list[dict[str, Any]]:
        """What waits, in the order of the chain."""
        return [json.loads(each.content)["data"] for each in self.outbox.next_batch(10_000, 10**9)]

    def phases(self) -> list[tuple[str, str]]:
        """Phase and tier of each."""
        return [(each["phase"], each["tier"]) for each in self.events()]


def scripted_box(folder: Path, monkeypatch: pytest.MonkeyPatch, **area: Any) -> Box:
    """Close `outbox` at the end."""
    comparisons = Comparisons()
    monkeypatch.setattr("edge.flights.surveys.area.survey", comparisons.survey)
    path = folder / "edge.yaml"
    document = {
        "device": {"id": DEVICE, "state_dir": "state"},
        "sources": {},
        "areas": {AREA: {"name": "西片区", **area}},
    }
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    config = load_config(path)
    outbox = Outbox(config.device.state_dir, DEVICE)
    store = EvidenceStore(config.device.state_dir / "evidence")
    return Box(folder, comparisons, outbox, store, Area(AREA, config, outbox, store, now=lambda: MUCH_LATER))
