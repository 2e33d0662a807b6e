"""What of a difference of two surfaces goes into a finding."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely

from edge.detectors.illegal_structure import Change
from edge.flights.anchoring import Anchor
from edge.flights.differing import ANCHORED_SIGMA_M, Difference, DifferenceKind, Differences
from edge.flights.pictured import Pictured
from edge.flights.surveying import finding_of
from samples.town import Plan, make_pair
from samples.town.evaluate import Flown, placed
from tests.edge.vision.surface.test_likelihood import GOOD

SHED = Difference(
    outline_m=np.array(((0, 0), (6, 0), (6, 5), (0, 5)), np.float64),
    area_m2=30.0,
    kind=DifferenceKind.ROSE,
    confidence=0.9,
    top_m=3.0,
    gain_m=3.0,
    sigma_m=0.25,
    cues=GOOD,
    older=0,
    newer=0,
    on_roof=False,
)


@pytest.fixture(scope="module")
def baseline() -> Flown:
    return placed(make_pair(4, 100.0, plan=Plan(640, 480, 0.15), changes=1).before)


def found(baseline: Flown, anchor: Anchor | None = None) -> Differences:
    pictured = Pictured(baseline, baseline.flight.plane)
    nothing = ((0.0, 0.0), (0.0, 0.0))
    return Differences((SHED,), shapely.Polygon(), (), (0, 0), nothing, 0.0, anchor, pictured, pictured, None)


@pytest.mark.parametrize(
    ("fields", "change"),
    [
        ({}, Change.APPEARED),
        ({"on_roof": True}, Change.RECOVERED),
        ({"kind": DifferenceKind.SANK}, Change.REMOVED),
        ({"kind": DifferenceKind.SANK, "on_roof": True}, Change.REMOVED),
    ],
)
def test_what_grew_on_a_roof_is_told_apart(baseline: Flown, fields: dict[str, object], change: Change) -> None:
    assert finding_of(replace(SHED, **fields), baseline, found(baseline)).change is change  # type: ignore[arg-type]


def test_what_may_drive_away_counts_as_seen_once(baseline: Flown) -> None:
    assert finding_of(SHED, baseline, found(baseline)).frames == 2
    lorry = replace(SHED, cues=replace(GOOD, length_m=7.0, width_m=2.5, gain_m=3.0, steps=1.0))
    assert finding_of(lorry, baseline, found(baseline)).frames == 1


def test_heights_are_those_of_what_rose(baseline: Flown) -> None:
    assert finding_of(SHED, baseline, found(baseline)).height_m == SHED.gain_m
    assert finding_of(replace(SHED, kind=DifferenceKind.SANK), baseline, found(baseline)).height_m is None


def test_known_buildings_say_where_it_is_more_exactly(baseline: Flown) -> None:
    vague = replace(baseline, errors=tuple(replace(each, shared=np.eye(6) * 4.0) for each in baseline.errors))
    assert finding_of(SHED, vague, found(vague)).sigma_m == pytest.approx(np.hypot(0.25, 2.0))
    anchored = finding_of(SHED, vague, found(vague, Anchor(0.5, 0.0, 0.6, 40)))
    assert anchored.sigma_m == pytest.approx(np.hypot(0.25, ANCHORED_SIGMA_M))
