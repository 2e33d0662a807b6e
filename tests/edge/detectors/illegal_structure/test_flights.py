"""Structures from flight to flight: when they are told, stay the same, and end."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import affinity

from contract.events import Severity, Tier
from contract.geometry import offset
from edge.detectors.illegal_structure import KIND, Baseline, Change, IllegalStructureDetector
from edge.detectors.illegal_structure.settings import IllegalStructureSettings
from edge.detectors.illegal_structure.survey import Sight
from edge.flights.local import LocalPlane
from edge.flights.register.features import Layer
from tests.edge.detectors.illegal_structure.ground import (
    NOON,
    ORIGIN,
    ORTHOPHOTO,
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


def test_the_first_flight_asks_for_a_look_the_second_may_alarm() -> None:
    eye = detector()
    (first,) = eye.survey([found(SHED)], flight("f1"))
    assert (first.tier, first.severity, first.active) == (Tier.REVIEW, Severity.BLUE, True)
    assert first.detail.change == "new"
    assert first.detail.sightings.flights == 1
    (second,) = eye.survey([found(affinity.translate(SHED, 0.4, -0.3))], flight("f2", 30))
    assert (second.key, second.tier) == (first.key, Tier.ALARM)
    assert (second.detail.sightings.flights, second.detail.sightings.frames) == (2, 6)
    assert second.detail.sightings.first_seen == NOON
    assert second.started_media_time == first.started_media_time == NOON.timestamp()


def test_the_same_flight_surveyed_again_is_no_second_sighting() -> None:
    eye = detector()
    first = eye.survey([found(SHED)], flight("f1"))
    assert eye.survey([found(SHED)], flight("f1")) == first


def test_no_change_since_a_flight_that_had_it_is_no_second_sighting() -> None:
    """A shadow that was taken for a shed lies there the next day, too: nothing changed, and nothing is proved."""
    eye = detector()
    before = flight("f1")
    eye.survey([found(SHED)], before)
    (still,) = eye.survey([], flight("f2", 30, as_baseline(before)))
    assert (still.tier, still.active, still.detail.sightings.flights) == (Tier.REVIEW, True, 1)


def test_what_one_pair_of_pictures_showed_waits_for_another_flight() -> None:
    eye = detector()
    assert eye.survey([found(SHED, frames=1)], flight("f1")) == []
    assert eye.outcome.counts["may_drive"] == 1
    (told,) = eye.survey([found(SHED, frames=1)], flight("f2", 30))
    assert (told.active, told.detail.sightings.flights) == (True, 2)


HOUSE = entry(Layer.APPROVED, box(-10, 0, 10, 10), "house")
EXTENSION, DRAWN_SMALLER = box(0, 2, 3.6, 5), box(0, 2, 2.1, 5)
"""Of the smaller one less is left beyond the wall and what both may be off by than is told."""


def test_one_smaller_outline_ends_nothing() -> None:
    ground, eye = register(HOUSE), detector()
    (opened,) = eye.survey([found(EXTENSION)], flight("f1", register=ground))
    known = eye.memory.standing[0]
    for name, outline in (("f2", DRAWN_SMALLER), ("f3", EXTENSION), ("f4", DRAWN_SMALLER), ("f4", DRAWN_SMALLER)):
        (told,) = eye.survey([found(outline)], flight(name, 10 * int(name[1:]), register=ground))
        assert (told.key, told.active, told.tier) == (opened.key, True, Tier.ALARM)
        assert told.detail.area_m2 == pytest.approx(18, abs=0.1)
    assert eye.memory.standing[0].ring == known.ring
    assert eye.memory.standing[0].flights_total == 4


def test_two_in_a_row_do() -> None:
    """Most of it was torn down: what stands is approved."""
    ground, eye = register(HOUSE), detector()
    (opened,) = eye.survey([found(EXTENSION)], flight("f1", register=ground))
    eye.survey([found(DRAWN_SMALLER)], flight("f2", 30, register=ground))
    (over,) = eye.survey([found(DRAWN_SMALLER)], flight("f3", 60, register=ground))
    assert (over.key, over.active) == (opened.key, False)


def test_what_was_not_told_yet_is_as_the_newest_flight_has_drawn_it() -> None:
    ground, eye = register(HOUSE), detector()
    for name, outline in (("f1", box(0, 2, 3.4, 5)), ("f2", DRAWN_SMALLER)):
        assert eye.survey([found(outline, frames=1)], flight(name, 10 * int(name[1:]), register=ground)) == []
    assert (eye.outcome.counts["approved"], eye.memory.standing[0].flights_total) == (1, 2)


def test_a_register_that_covers_it_ends_it_at_once() -> None:
    eye = detector()
    (opened,) = eye.survey([found(EXTENSION)], flight("f1", register=register(HOUSE)))
    wider = register(entry(Layer.APPROVED, box(-10, 0, 14, 10), "house"))
    (over,) = eye.survey([found(DRAWN_SMALLER)], flight("f2", 30, register=wider))
    assert (over.key, over.active) == (opened.key, False)


def test_what_is_unlikely_small_or_approved_is_counted_and_forgotten() -> None:
    eye = detector()
    house = entry(Layer.APPROVED, box(100, 0, 10, 10))
    findings = [
        found(box(0, 0, 8, 8), confidence=0.2),
        found(box(50, 0, 2, 2)),
        found(box(100, 0, 10, 10)),
        found(box(100, 0, 10, 10), change=Change.RECOVERED),
        found(box(200, 0, 10, 10)),
    ]
    told = eye.survey(findings, flight(register=register(house)))
    assert len(told) == 1
    counts = {name: eye.outcome.counts[name] for name in ("unlikely", "too_small", "approved", "changed_roof", "told")}
    assert counts == dict.fromkeys(counts, 1)
    assert len(eye.memory.structures) == 1


def test_demolished_it_is_over_by_sight() -> None:
    eye = detector()
    before = flight("f1")
    (opened,) = eye.survey([found(SHED)], before)
    after = flight("f2", 30, as_baseline(before))
    (over,) = eye.survey([found(box(-1, -1, 8, 7), change=Change.REMOVED)], after)
    assert (over.key, over.active, over.ended_media_time) == (opened.key, False, after.taken_at.timestamp())
    assert (over.detail.change, over.detail.removed_at) == ("removed", after.taken_at)
    assert not eye.is_open("illegal_structure", opened.key)
    assert eye.survey([], flight("f3", 60)) == [], "it is said once"


def test_with_a_demolition_order_one_look_at_the_old_ground_is_enough() -> None:
    ground = register(entry(Layer.ORDER, SHED, "order-7"))
    eye = detector()
    (opened,) = eye.survey([found(SHED)], flight("f1", register=ground))
    assert (opened.detail.order_id, opened.severity) == ("order-7", Severity.YELLOW)
    (over,) = eye.survey([], flight("f2", 30, register=ground))
    assert (over.active, over.detail.removed_at) == (False, NOON + timedelta(days=30))


def test_without_an_order_it_takes_two() -> None:
    eye = detector()
    eye.survey([found(SHED)], flight("f1"))
    assert eye.survey([], flight("f2", 30)) == []
    assert eye.outcome.surveyed[0].sight is Sight.MISSED
    assert eye.survey([], flight("f2", 30)) == [], "the same flight counts once"
    (over,) = eye.survey([], flight("f3", 60))
    assert over.active is False
    seen_between = detector()
    seen_between.survey([found(SHED)], flight("f1"))
    seen_between.survey([], flight("f2", 30))
    seen_between.survey([found(SHED)], flight("f3", 60))
    assert seen_between.survey([], flight("f4", 90)) == [], "in a row"


@settings(deadline=None)
@given(st.lists(st.floats(-200, 5.0), min_size=1, max_size=6))
def test_what_was_not_flown_over_is_never_ended(edges) -> None:
    """The flights end at some line; less than nine tenths of the shed lie this side of it."""
    ground = register(entry(Layer.ORDER, SHED, "order-7"))
    eye = detector(gone_flights=1)
    (opened,) = eye.survey([found(SHED)], flight("f0", register=ground))
    for number, edge in enumerate(edges, 1):
        seen = shapely.box(-1000, -1000, edge, 1000)
        assert eye.survey([], flight(f"f{number}", 10 * number, examined=seen, register=ground)) == []
        assert eye.outcome.surveyed[0].sight is Sight.UNKNOWN
    assert eye.is_open("illegal_structure", opened.key)


def test_an_older_flight_that_comes_late_ends_nothing() -> None:
    eye = detector(gone_flights=1)
    (opened,) = eye.survey([found(SHED)], flight("f2", 30))
    assert eye.survey([], flight("f1", 0)) == []
    assert eye.survey([found(SHED, change=Change.REMOVED)], flight("f0", -5)) == []
    assert eye.is_open("illegal_structure", opened.key)


def test_a_permit_that_ends_while_it_stands_is_told_and_one_that_is_granted_ends_it() -> None:
    permit = register(entry(Layer.PERMIT, SHED, "p-1", valid_until=date(2026, 12, 1)))
    eye = detector()
    before = flight("f1", register=permit)
    assert eye.survey([found(SHED)], before) == []
    (told,) = eye.survey([], flight("f2", 30, as_baseline(before), register=permit))
    assert (told.active, told.detail.cover.permit_state) == (True, "expired")
    granted = register(entry(Layer.PERMIT, SHED, "p-2", valid_until=date(2028, 1, 1)))
    (over,) = eye.survey([], flight("f3", 60, as_baseline(before), register=granted))
    assert (over.active, over.detail.removed_at, over.detail.cover.permit_id) == (False, None, "p-2")
    assert over.detail.change == "new", "it still stands"


def test_what_the_register_has_taken_over_is_told_anew_once_it_is_extended() -> None:
    """As an office does with what it has rejected: it enters it as it stands."""
    eye = detector()
    eye.survey([found(SHED)], flight("f1"))
    entered = register(entry(Layer.APPROVED, SHED, "a-1"))
    (over,) = eye.survey([found(SHED)], flight("f2", 30, register=entered))
    assert (over.active, over.detail.removed_at) == (False, None)
    assert eye.survey([found(SHED)], flight("f3", 60, register=entered)) == []
    (again,) = eye.survey([found(box(0, 0, 14, 5))], flight("f4", 90, register=entered))
    assert (again.active, again.detail.change) == (True, "extended")


def test_an_expired_permit_opens_nothing_that_was_not_seen() -> None:
    permit = register(entry(Layer.PERMIT, SHED, "p-1", valid_until=date(2026, 12, 1)))
    eye = detector()
    eye.survey([found(SHED)], flight("f1", register=permit))
    assert eye.survey([], flight("f2", 30, register=permit, examined=box(500, 500, 10, 10))) == []


def test_what_grows_is_an_extension_of_the_same_structure() -> None:
    eye = detector()
    (first,) = eye.survey([found(SHED)], flight("f1"))
    (second,) = eye.survey([found(box(0, 0, 14, 5))], flight("f2", 30))
    assert (second.key, second.detail.change, second.detail.area_m2) == (first.key, "extended", 70.0)
    assert second.extent == 70.0


def test_what_is_built_onto_it_is_one_of_its_own() -> None:
    eye = detector()
    before = flight("f1")
    eye.survey([found(SHED)], before)
    observations = eye.survey([found(box(6.1, 0, 5, 5))], flight("f2", 30, as_baseline(before)))
    assert sorted(one.detail.change for one in observations) == ["extended", "new"]


def test_what_is_built_onto_a_roof_of_the_baseline_is_an_extension() -> None:
    roofs = (box(-30, 0, 10, 10), box(6.4, 0, 10, 10))
    (one,) = detector().survey([found(SHED)], flight(standing=roofs))
    assert (one.detail.change, one.detail.exceeded_m2) == ("extended", 30.0)
    (free,) = detector().survey([found(SHED)], flight(standing=roofs[:1]))
    assert free.detail.change == "new"


def test_what_is_built_again_where_something_was_removed_is_graver() -> None:
    eye = detector()
    before = flight("f1")
    (first,) = eye.survey([found(SHED)], before)
    gone = flight("f2", 30, as_baseline(before))
    eye.survey([found(SHED, change=Change.REMOVED)], gone)
    (again,) = eye.survey([found(SHED)], flight("f3", 60, as_baseline(gone)))
    assert again.key == f"{first.key}-2"
    assert (again.detail.rebuilt, again.severity, again.tier) == (True, Severity.YELLOW, Tier.REVIEW)


def test_two_that_become_one_both_stay() -> None:
    eye = detector()
    eye.survey([found(SHED), found(box(10, 0, 6, 5))], flight("f1"))
    observations = eye.survey([found(box(0, 0, 16, 5))], flight("f2", 30))
    assert [one.active for one in observations] == [True, True]


def test_what_vanished_and_was_none_of_ours_is_listed_with_its_order() -> None:
    eye = detector()
    gone = found(SHED, change=Change.REMOVED)
    assert eye.survey([gone], flight(register=register(entry(Layer.ORDER, SHED, "order-7")))) == []
    ((finding, order),) = eye.outcome.removed
    assert (finding, order) == (gone, "order-7")


def test_an_alarm_needs_confidence_and_more_than_a_roof() -> None:
    for fields in ({"confidence": 0.65}, {"change": Change.RECOVERED}):
        eye = detector()
        eye.survey([found(SHED, **fields)], flight("f1"))
        (second,) = eye.survey([found(SHED, **fields)], flight("f2", 30))
        assert second.tier is Tier.REVIEW


@pytest.mark.parametrize(("road", "flights"), [(box(-50, -50, 100, 100), 2), (box(-50, -50, 52, 100), 1)])
def test_what_stands_on_a_road_is_told_when_it_stays(road: shapely.Polygon, flights: int) -> None:
    """A lorry is a shed until it leaves; what only juts out over a road is built."""
    eye, ground = detector(), register(entry(Layer.ROAD, road))
    told = [bool(eye.survey([found(SHED)], flight(f"f{n}", 30 * n, register=ground))) for n in (1, 2)]
    assert told.index(True) + 1 == flights


def test_another_plane_is_the_same_ground() -> None:
    """Each flight has a plane around its own first picture."""
    eye = detector()
    (first,) = eye.survey([found(SHED)], flight("f1"))
    there = LocalPlane(offset(ORIGIN, 730, -410))
    moved = shapely.transform(SHED, lambda xy: there.metres(*PLANE.degrees(xy).T))
    (second,) = eye.survey([found(moved)], flight("f2", 30, plane=there))
    assert second.key == first.key
    assert second.location.point.longitude == pytest.approx(first.location.point.longitude, abs=2e-7)


@settings(deadline=None)
@given(
    places=st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=1, max_size=8, unique=True),
    sigma=st.floats(0, 1.0),
    shift=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    order=st.randoms(use_true_random=False),
)
def test_names_stay_whatever_the_order_and_the_shift_between_flights(places, sigma, shift, order) -> None:
    """Sheds of five metres, twenty apart; the second flight lies up to a sigma beside the first."""
    outlines = [box(20 * x, 20 * y, 5, 5) for x, y in places]
    findings = [found(outline, sigma) for outline in outlines]
    eye, other = detector(), detector()
    first = eye.survey(findings, flight("f1"))
    shuffled = list(findings)
    order.shuffle(shuffled)
    assert other.survey(shuffled, flight("f1")) == first, "the order of findings does not matter"
    moved = [found(affinity.translate(outline, sigma * shift[0], sigma * shift[1]), sigma) for outline in outlines]
    second = eye.survey(moved, flight("f2", 30))
    assert [one.key for one in second] == [one.key for one in first]
    assert all(one.tier is Tier.ALARM for one in second)


def test_an_orthophoto_whose_day_nobody_knows_had_nothing() -> None:
    eye = detector()
    unknown = Baseline("ortho", "orthophoto", None)
    eye.survey([found(SHED)], flight("f1", against=unknown))
    eye.survey([], flight("f2", 30, unknown))
    assert eye.outcome.surveyed[0].sight is Sight.MISSED


def test_one_picture_without_heights_says_nothing_of_what_is_not_found_against_it() -> None:
    """Four of five new structures are not found against it, and nothing that is gone."""
    eye = detector()
    picture = Baseline("city", "orthophoto", NOON - timedelta(days=400), heights=False)
    eye.survey([found(SHED)], flight("f1"))
    for number in range(2, 6):
        eye.survey([], flight(f"f{number}", 30 * number, picture))
        assert eye.outcome.surveyed[0].sight is Sight.UNKNOWN
    later = Baseline("city", "orthophoto", NOON + timedelta(days=200), heights=False)
    eye.survey([], flight("f9", 300, later))
    assert eye.outcome.surveyed[0].sight is Sight.UNKNOWN, "nor does it say that it stands"
    eye.survey([found(SHED)], flight("f10", 310, picture))
    assert eye.outcome.surveyed[0].sight is Sight.AGAIN


def test_the_kind_says_how_it_is_built() -> None:
    eye = KIND.build(KIND.settings())
    assert isinstance(eye, IllegalStructureDetector)
    assert KIND.episodes.stale_after_seconds is None
    assert KIND.episodes.clear_after_seconds is None, "only a flight says that it is gone"


@pytest.mark.parametrize(
    "fields",
    [{"alarm_flights": 1}, {"min_area_m2": 0}, {"alarm_confidence": 0.2}, {"eaves": 1}, {"sigmas": float("nan")}],
)
def test_settings_that_cannot_be(fields) -> None:
    with pytest.raises(ValueError, match="validation error"):
        IllegalStructureSettings.model_validate(fields)


def test_times_are_the_flights_own() -> None:
    eye = detector()
    moment = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
    context = flight("f1", against=ORTHOPHOTO)
    (one,) = eye.survey([found(SHED)], context)
    assert one.media_time == context.taken_at.timestamp() != moment.timestamp()
    assert one.detail.flight.taken_at == context.taken_at
    assert one.detail.compared_with.kind == "orthophoto"


def test_what_an_old_picture_shows_to_be_missing_is_not_brought_back_by_a_newer_one_without_a_change() -> None:
    """Each flight is compared with the oldest picture first and with the flight before then."""
    eye = detector()
    old, first = ORTHOPHOTO, flight("f1")
    eye.survey([found(SHED)], flight("f1", 0, old))
    assert eye.survey([], flight("f2", 30, old)) == []
    assert eye.outcome.counts["missed"] == 1
    assert eye.survey([], flight("f2", 30, as_baseline(first))) == []
    assert eye.outcome.counts["unknown"] == 1
    (gone,) = eye.survey([], flight("f3", 60, as_baseline(flight("f2", 30))))
    assert not gone.active
    assert gone.detail.removed_at is not None


def test_flights_of_the_same_hours_are_one_sighting() -> None:
    """Batteries are changed, and strips overlap."""
    eye = detector()
    eye.survey([found(SHED)], flight("f1"))
    (told,) = eye.survey([found(SHED)], flight("f2", 1 / 24))
    assert (told.tier, told.detail.sightings.flights, told.detail.sightings.frames) == (Tier.REVIEW, 1, 6)
    (told,) = eye.survey([found(SHED)], flight("f3", 1))
    assert (told.tier, told.detail.sightings.flights) == (Tier.ALARM, 2)


def test_no_change_in_the_morning_does_not_take_the_second_sighting_away() -> None:
    """A flight may be compared with the one before first, and with the picture from before it was built then."""
    eye = detector()
    first = flight("f1")
    eye.survey([found(SHED)], first)
    eye.survey([], flight("f2", 30, as_baseline(first)))
    (told,) = eye.survey([found(SHED)], flight("f2", 30))
    assert told.tier is Tier.ALARM


def test_what_ended_it_by_sight_is_kept_to_be_shown() -> None:
    eye = detector()
    first = flight("f1")
    eye.survey([found(SHED)], first)
    removal = found(SHED, change=Change.REMOVED)
    eye.survey([removal], flight("f2", 30, as_baseline(first)))
    (ended,) = eye.outcome.surveyed
    assert ended.sight is Sight.GONE
    assert ended.removal is removal
