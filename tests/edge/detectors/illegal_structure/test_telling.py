"""What stands in events: through the shared episodes, within their two kilobytes, with a footprint that is one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import affinity

from contract.canonical import canonical_bytes
from contract.details import StructureDetail
from contract.events import ChainLink, Clock, Event, Phase, SourceKind, SourceRef, Tier
from contract.geometry import LocationMethod
from contract.ids import DeterministicIds
from edge.detectors.illegal_structure import KIND, Baseline, Change
from edge.detectors.illegal_structure.footprint import MOST_CORNERS, area_of, location_of
from edge.episodes.episode import Episode
from edge.episodes.events import OPENED_EVENT_BYTES, EventWriter
from edge.episodes.tracker import EpisodeTracker, Moment
from edge.flights.register.features import Layer
from tests.edge.detectors.illegal_structure.ground import (
    NOON,
    PLANE,
    SHED,
    as_baseline,
    box,
    detector,
    entry,
    flight,
    found,
    register,
)

SOURCE = SourceRef(id="district-north", kind=SourceKind.FLIGHT, name="北区")
NOWHERE = location_of(SHED, 1.0, PLANE)


def writer(source: SourceRef = SOURCE) -> EventWriter:
    return EventWriter("box-1", source, NOWHERE, {}, lambda: Clock(synced=True), DeterministicIds("events"))


def tracker(source: SourceRef = SOURCE) -> EpisodeTracker:
    return EpisodeTracker(source, NOWHERE, DeterministicIds("episodes"), {KIND.name: KIND.episodes})


def told(track: EpisodeTracker, eye, findings, context) -> list[Episode]:
    """A flight's observations through the shared episodes: what is due to be sent."""
    moment = Moment(context.taken_at.timestamp(), context.taken_at)
    changes = [track.observe(KIND.name, one, moment) for one in eye.survey(findings, context)]
    return [change.episode for change in changes if change is not None and change.event_due]


def test_one_episode_from_the_first_sighting_to_the_demolition() -> None:
    eye, track = detector(), tracker()
    (opened,) = told(track, eye, [found(SHED)], flight("f1"))
    assert (opened.phase, opened.tier, opened.started_at) == (Phase.OPENED, Tier.REVIEW, NOON)
    second = flight("f2", 30)
    (updated,) = told(track, eye, [found(SHED)], second)
    assert (updated.phase, updated.tier) == (Phase.UPDATED, Tier.ALARM)
    third = flight("f3", 60, as_baseline(second))
    assert told(track, eye, [], third) == [], "it stands there still: nothing new"
    gone = flight("f4", 90, as_baseline(third))
    (cleared,) = told(track, eye, [found(SHED, change=Change.REMOVED)], gone)
    assert (cleared.phase, cleared.ended_at, cleared.episode_id) == (Phase.CLEARED, gone.taken_at, opened.episode_id)
    data = writer().hazard(cleared).data
    assert data.typed_detail().removed_at == gone.taken_at
    assert (data.started_at, data.observed_at) == (NOON, gone.taken_at)
    assert track.open_episodes == ()


def test_an_opened_event_stays_within_two_kilobytes() -> None:
    """Long Chinese names everywhere, a round roof, every cue, and the place in the chain."""
    source = SourceRef(id="district-north-survey-3", kind=SourceKind.FLIGHT, name="城北新区第三网格巡飞")
    round_roof = shapely.Point(0, 0).buffer(9.123, quad_segs=64)
    name = "关于某某街道某某小区违法建设限期拆除的决定书第二〇二六号" * 4
    ground = register(
        entry(Layer.APPROVED, box(8, -20, 9, 40), name),
        entry(Layer.PERMIT, round_roof, name, valid_from=date(2020, 1, 1), valid_until=date(2021, 12, 31)),
        entry(Layer.ORDER, round_roof, name),
        entry(Layer.ROAD, box(-50, -50, 49, 100), name),
        *(entry(layer, box(-50, -50, 100, 100), name) for layer in (Layer.GREEN, Layer.WATER)),
    )
    cues = tuple(f"green_tarpaulin_{number}" for number in range(12))
    flown = "2026-11-22-城北新区-第三架次"
    context = flight(flown, 0.123456, Baseline("2025-" + flown, "orthophoto", NOON), register=ground)
    (opened,) = told(tracker(source), detector(), [found(round_roof, 0.3333333, cues=cues)], context)
    event = writer(source).hazard(opened)
    linked = event.model_copy(
        update={"data": event.data.model_copy(update={"chain": ChainLink(seq=2**53 - 1, prev_sha256="f" * 64)})}
    )
    detail = event.data.typed_detail()
    assert isinstance(detail, StructureDetail)
    assert detail.on == ("road", "green", "water")
    assert detail.order_id is not None
    assert name.startswith(detail.order_id)
    assert len(canonical_bytes(linked.as_json())) <= OPENED_EVENT_BYTES
    assert isinstance(event, Event)


def test_the_place_says_how_sure_it_is_and_by_what() -> None:
    location = location_of(SHED, 0.4, PLANE)
    assert location.accuracy_m == pytest.approx(0.98, abs=0.005)
    assert location.method is LocationMethod.DRONE_RAY
    east, north = PLANE.at(location.point)
    assert (east, north) == (pytest.approx(3, abs=0.02), pytest.approx(2.5, abs=0.02))
    yard = box(0, 0, 20, 20).difference(box(3, 3, 17, 30))
    inside = location_of(yard, 0.4, PLANE).point
    assert yard.contains(shapely.Point(PLANE.at(inside))), "its middle lies in the yard"
    assert location_of(SHED, 0.0, PLANE).accuracy_m > 0


@settings(deadline=None)
@given(
    seed=st.integers(0, 10_000),
    corners=st.integers(3, 300),
    size=st.floats(2, 200),
    turn=st.floats(0, 360),
)
def test_any_outline_becomes_a_closed_ring_of_few_corners(seed, corners, size, turn) -> None:
    random = np.random.default_rng(seed)
    angles = np.sort(random.uniform(0, 2 * np.pi, corners))
    radii = size * random.uniform(0.7, 1.0, corners)
    outline = shapely.Polygon(np.stack((radii * np.cos(angles), radii * np.sin(angles)), axis=1))
    outline = affinity.rotate(shapely.make_valid(outline), turn)
    # What is narrower than a metre is never told.
    if outline.geom_type not in ("Polygon", "MultiPolygon") or outline.buffer(-0.5).is_empty:
        return
    ring = area_of(outline, PLANE).coordinates[0]
    assert 4 <= len(ring) <= MOST_CORNERS + 1
    assert ring[0] == ring[-1]
    back = shapely.Polygon(PLANE.metres(*np.array(ring).T))
    largest = max(shapely.get_parts(outline), key=lambda part: part.area)
    assert back.buffer(0).intersection(largest).area >= 0.6 * largest.area


def test_a_squared_outline_is_told_to_a_decimetre() -> None:
    wing = shapely.union(box(0, 0, 20, 10), box(0, 10, 8, 7))
    ring = np.array(area_of(wing, PLANE).coordinates[0])
    assert len(ring) == 7
    assert shapely.hausdorff_distance(shapely.Polygon(PLANE.metres(*ring.T)), wing) < 0.1


def test_a_cover_names_what_was_found_and_nothing_else() -> None:
    house = entry(Layer.APPROVED, box(6, 0, 10, 10), "B-17")
    (one,) = detector().survey([found(SHED)], flight(register=register(house)))
    assert one.detail.cover.as_json() == {"register_id": "B-17"}
    (free,) = detector().survey([found(SHED)], flight())
    assert free.detail.cover is None
    assert replace(free, key="x").detail is free.detail
