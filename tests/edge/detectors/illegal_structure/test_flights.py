"""Structures from flight to flight: when they are told, stay the same, and end."""

from __future__ import annotations

import json
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
from edge.detectors.illegal_structure.sightings import Memory
from edge.detectors.illegal_structure.survey import Sight, survey
from edge.detectors.registry import Resumable
from edge.flights.local import LocalPlane
from edge.flights.register.features import Layer
from tests.edge.detectors.illegal_structure.ground import (
    NOON,
    ORIGIN,
    ORTHOPHOTO,
    PLANE,
    SETTINGS,
    as_baseline,
    box,
    detector,
    entry,
    flight,
    found,
    register,
)

SHED = box(0, 0, 6, 5)


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


def test_what_may_drive_is_an_alarm_one_flight_later_than_what_may_not() -> None:
    eye = detector()
    tiers = [[one.tier for one in eye.survey([found(SHED, frames=1)], flight(f"f{n}", 30 * n))] for n in range(1, 5)]
    assert tiers == [[], [Tier.REVIEW], [Tier.ALARM], [Tier.ALARM]]


@pytest.mark.parametrize("sizes", [(1, 3, 3), (3, 1, 3), (3, 1, 1), (1, 3, 1)])
def test_what_one_of_two_flights_saw_as_a_vehicle_is_told_and_no_alarm_before_the_third(sizes: tuple[int, ...]) -> None:
    """One van drawn with what stands beside it is no shed, though another day shows one there as well."""
    eye = detector()
    told = [eye.survey([found(SHED, frames=each)], flight(f"f{n}", 30 * n)) for n, each in enumerate(sizes)]
    assert [[one.tier for one in each] for each in told[1:]] == [[Tier.REVIEW], [Tier.ALARM]]
    assert bool(told[0]) == (sizes[0] > 1)


def test_a_flight_that_is_surveyed_again_may_see_that_it_is_no_vehicle() -> None:
    eye = detector()
    assert eye.survey([found(SHED, frames=1)], flight("f1")) == []
    (told,) = eye.survey([found(SHED)], flight("f1"))
    assert (told.tier, told.detail.sightings.flights) == (Tier.REVIEW, 1)
    assert [one.firm_flights for one in eye.memory.standing] == [1]


def test_what_may_drive_on_a_road_takes_three_flights_to_be_told() -> None:
    road = register(entry(Layer.ROAD, box(-50, -50, 200, 100)))
    for frames, needed in ((1, 3), (3, 2)):
        eye = detector()
        told = [
            bool(eye.survey([found(SHED, frames=frames)], flight(f"f{n}", 30 * n, register=road))) for n in range(4)
        ]
        assert told.index(True) + 1 == needed


def test_another_van_in_the_bay_is_no_second_sighting() -> None:
    eye = detector()
    assert eye.survey([found(box(0, 0, 6, 2), frames=1)], flight("f1")) == []
    assert eye.survey([found(box(0.8, 0.8, 6, 2.2), frames=1)], flight("f2", 30)) == []
    assert [one.flights_total for one in eye.memory.standing] == [1], "the first has driven off"
    assert eye.survey([], flight("f3", 60)) == []
    assert eye.memory.standing == ()
    # Beside a shed a little further on a shed is the same one.
    eye = detector()
    eye.survey([found(box(0, 0, 6, 2))], flight("f1"))
    (told,) = eye.survey([found(box(0.8, 0.8, 6, 2.2))], flight("f2", 30))
    assert told.tier is Tier.ALARM


@pytest.mark.parametrize(
    ("before", "now", "same"),
    [(2.4, 2.9, True), (2.9, 2.4, True), (3.3, 1.9, False), (1.9, 3.3, False), (None, 3.3, True), (2.4, None, True)],
)
@pytest.mark.parametrize("frames", [1, 3])
def test_a_lorry_where_a_container_stood_is_higher(
    before: float | None, now: float | None, same: bool, frames: int
) -> None:
    """What may not drive is the same at any height: a hall is measured at its eaves once, once at its ridge."""
    eye = detector()
    eye.survey([found(SHED, frames=frames, height_m=before)], flight("f1"))
    eye.survey([found(SHED, frames=frames, height_m=now)], flight("f2", 30))
    (known,) = eye.memory.standing
    assert known.flights_total == (2 if same or frames > 1 else 1)
    assert known.height_m == (before if now is None else now)


def test_outlines_of_what_may_drive_agree_by_six_tenths_of_both() -> None:
    for moved_m, total in ((1.4, 2), (1.6, 1)):  # of 6 by 2 m: 0.62 and 0.58
        eye = detector()
        eye.survey([found(box(0, 0, 6, 2), frames=1)], flight("f1"))
        eye.survey([found(box(moved_m, 0, 6, 2), frames=1)], flight("f2", 30))
        assert [one.flights_total for one in eye.memory.standing] == [total]


@pytest.mark.parametrize(("frames", "sightings"), [(1, [1]), (3, [2, 2])])
def test_vans_within_what_another_vehicle_takes_up_are_not_seen_again(frames: int, sightings: list[int]) -> None:
    """Within something that no vehicle is they are."""
    eye = detector()
    eye.survey([found(box(0.5, 0, 5, 2), frames=1), found(box(7, 0, 6, 2.4), frames=1)], flight("f1"))
    eye.survey([found(box(0, 0, 14, 2.5), frames=frames)], flight("f2", 30))
    assert [one.flights_total for one in eye.memory.standing] == sightings


def test_two_flights_of_the_same_hour_see_a_parked_lorry_once() -> None:
    eye = detector()
    for name, days in (("f1", 0), ("f2", 0.05)):
        assert eye.survey([found(SHED, frames=1)], flight(name, days)) == []
    assert eye.memory.standing[0].flights_total == 1


@pytest.mark.parametrize("first", [1, 3])
def test_what_nobody_would_be_told_of_is_no_second_sighting(first: int) -> None:
    eye = detector()
    begun = eye.survey([found(SHED, frames=first)], flight("f1"))
    again = eye.survey([found(SHED, confidence=0.4)], flight("f2", 30))
    assert len(begun) == len(again) == (first > 1)
    assert all(one.tier is Tier.REVIEW and one.detail.sightings.flights == 1 for one in again)
    (known,) = eye.memory.standing
    assert (known.flights_total, known.missed) == (1, 0), "it has not been missed either"
    assert eye.outcome.surveyed[0].sight is Sight.STANDING
    (told,) = eye.survey([found(SHED)], flight("f3", 60))
    assert (told.tier, told.detail.sightings.flights) == (Tier.ALARM if first > 1 else Tier.REVIEW, 2)


@pytest.mark.parametrize(("confidence", "sight", "sightings"), [(0.4, "standing", 1), (0.8, "again", 2)])
def test_within_something_larger_it_is_seen_again_where_that_is_likely(
    confidence: float, sight: str, sightings: int
) -> None:
    eye = detector()
    eye.survey([found(SHED), found(box(8, 0, 6, 5))], flight("f1"))
    eye.survey([found(box(-1, -1, 18, 7), confidence=confidence)], flight("f2", 30))
    assert [one.sight.value for one in eye.outcome.surveyed] == [sight] * 2
    assert [(one.flights_total, one.missed) for one in eye.memory.standing] == [(sightings, 0)] * 2


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


def test_what_is_remembered_survives_a_restart() -> None:
    eye = detector()
    eye.survey([found(SHED), found(box(50, 0, 8, 8), frames=1)], flight("f1"))
    content = json.loads(json.dumps(eye.save()))
    other = detector()
    other.load(content)
    assert other.memory == eye.memory
    follow = flight("f2", 30)
    again = [found(SHED), found(box(50, 0, 8, 8))]
    assert other.survey(again, follow) == eye.survey(again, follow)
    assert isinstance(other, Resumable)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=10,
)


@settings(deadline=None)
@given(data=st.data())
def test_a_damaged_memory_costs_what_is_damaged(data) -> None:
    eye = detector()
    eye.survey([found(SHED), found(box(50, 0, 8, 8))], flight("f1"))
    content = json.loads(json.dumps(eye.save()))
    field = data.draw(st.sampled_from(sorted(content["structures"][0])))
    content["structures"][0][field] = data.draw(JSON)
    if data.draw(st.booleans()):
        content["structures"].insert(0, data.draw(JSON))
    other = detector()
    other.load(content)
    assert content["structures"][-1]["key"] in {one.key for one in other.memory.structures}
    for observation in other.survey([found(SHED)], flight("f2", 30)):
        assert observation.location.area is not None


def test_what_was_remembered_before_firm_sightings_were_counted_had_nothing_else() -> None:
    eye = detector()
    for number in range(2):
        eye.survey([found(SHED)], flight(f"f{number}", 30 * number))
    content = json.loads(json.dumps(eye.save()))
    del content["structures"][0]["firm_flights"]
    other = detector()
    other.load(content)
    assert other.memory == eye.memory
    content["structures"][0]["firm_flights"] = 3
    other.load(content)
    assert other.memory == Memory(), "of two flights no three can have seen it"
    content["structures"][0] |= {"firm_flights": 2, "height_m": 1000.0}
    other.load(content)
    assert other.memory == Memory(), "no building is a kilometre high"


@pytest.mark.parametrize("word", ["", "Blue steel", "x" * 65, "蓝色"])
def test_a_cue_that_no_event_can_say_costs_itself(word) -> None:
    eye = detector()
    eye.survey([found(SHED)], flight("f1"))
    content = json.loads(json.dumps(eye.save()))
    content["structures"][0]["cues"] = [word, "colour_steel"]
    other = detector()
    other.load(content)
    assert [one.cues for one in other.memory.structures] == [("colour_steel",)]
    assert [each.key for each in other.survey([found(SHED)], flight("f2", 30))] == [content["structures"][0]["key"]]


@pytest.mark.parametrize("content", [None, [], {}, {"structures": 5}, {"structures": [None, {}]}, "x"])
def test_nothing_is_remembered_of_what_is_no_memory(content) -> None:
    eye = detector()
    eye.load(content)
    assert eye.memory == Memory()


def test_memory_is_bounded(monkeypatch) -> None:
    monkeypatch.setattr("edge.detectors.illegal_structure.sightings.MOST_STRUCTURES", 3)
    memory = Memory()
    outlines = [box(20 * number, 0, 5, 5) for number in range(5)]
    outcome = survey([found(outline) for outline in outlines], flight("f1"), memory, SETTINGS)
    assert len(outcome.memory.structures) == 3


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
