"""What may drive, from flight to flight: it must agree with itself, and a third flight says that it stays."""

from __future__ import annotations

import pytest

from contract.events import Tier
from edge.detectors.illegal_structure.survey import Sight
from edge.flights.register.features import Layer
from tests.edge.detectors.illegal_structure.ground import (
    SHED,
    box,
    detector,
    entry,
    flight,
    found,
    register,
)


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
