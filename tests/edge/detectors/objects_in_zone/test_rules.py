"""Who stays too long, how many, which way: on a made-up street, with the misses and delays of a real model."""

from __future__ import annotations

from typing import Any

import pytest

from contract.details import ObjectsDetail
from edge.detectors.interface import Observation
from tests.edge.detectors.objects_in_zone.street import Actor, TruthPort, moving, rule, settings, standing, watched

PARKED = (280.0, 240.0, 360.0, 300.0)
DWELL = {"dwell": {"seconds": 30, "still": True}, "hazard": "blocked_fire_lane"}


def detail(observation: Observation) -> ObjectsDetail:
    assert isinstance(observation.detail, ObjectsDetail)
    return observation.detail


def active(found: list[Observation]) -> list[Observation]:
    return [one for one in found if one.active]


@pytest.mark.parametrize("fps", [2.0, 5.0, 25.0])
@pytest.mark.parametrize("missed", [0.0, 0.3])
def test_a_parked_car_is_told_after_the_limit_and_once(fps: float, missed: float) -> None:
    port = TruthPort([Actor(standing(PARKED, begin=5))], missed=missed, late_seconds=0.3)
    found = watched(settings(rule(**DWELL)), port, 60, fps)
    first = active(found)[0]
    assert 34.5 <= first.media_time <= 38
    assert first.started_media_time == pytest.approx(35, abs=1.6), "from the limit on, not from its arrival"
    assert {(one.hazard, one.key) for one in found} == {("blocked_fire_lane", "lane/dwell")}
    said = detail(active(found)[-1])
    assert (said.zone, said.rule, said.count, said.limit) == ("lane", "dwell", 1, 30)
    assert said.objects[0].label == "car"
    assert said.objects[0].seconds == pytest.approx(55, abs=2.5)
    assert said.seconds == pytest.approx(25, abs=2.5)
    assert first.model is not None
    assert first.model.name == "things"


def test_nobody_breaks_the_rule_by_passing_through() -> None:
    actors = [Actor(moving((60, 280), (45, 0), begin=begin)) for begin in range(0, 60, 4)]
    assert watched(settings(rule(**DWELL)), TruthPort(actors), 60) == []


def test_other_things_and_other_places_are_not_meant() -> None:
    actors = [
        Actor(standing(PARKED), ("person",)),
        Actor(standing((20, 240, 100, 300))),
        Actor(standing((300, 60, 340, 195))),  # it reaches over the zone's edge, but stands behind it
    ]
    assert watched(settings(rule(**DWELL)), TruthPort(actors), 60) == []


def test_a_queue_that_creeps_is_not_parked() -> None:
    """Each car needs 60 s for the zone: longer than the limit, but it does not stand."""
    actors = [Actor(moving((190 - 90 * number, 280), (4, 0))) for number in range(2)]
    port = TruthPort(actors)
    assert active(watched(settings(rule(dwell={"seconds": 30, "still": True})), port, 90)) == []
    assert active(watched(settings(rule(dwell={"seconds": 30})), TruthPort(actors), 90)), "as long as it is inside"


def hidden(first: float, last: float) -> Any:
    return lambda t: None if first <= t < last else PARKED


@pytest.mark.parametrize(
    ("seconds", "bus", "told"),
    [(6.0, False, 30.0), (20.0, False, 70.0), (20.0, True, 40.0)],
    ids=["missed", "it_left", "behind_a_bus"],
)
def test_what_is_hidden_for_a_while_goes_on_standing(seconds: float, bus: bool, told: float) -> None:
    """Its track is lost after two seconds; it is found again by its place."""
    actors = [Actor(hidden(20.0, 20.0 + seconds))]
    if bus:
        actors.append(Actor(standing((240, 120, 480, 320), 19.5, 40.5), ("bus",)))
    found = active(watched(settings(rule(**DWELL)), TruthPort(actors), 100))
    assert found[0].media_time == pytest.approx(told, abs=2.5)
    assert {detail(one).objects[0].label for one in found} == {"car"}


def test_one_car_after_the_other_at_the_same_kerb_is_not_parked() -> None:
    """Each stays for eight seconds, and another one comes six seconds later and stops a little farther on."""
    left, top, right, bottom = PARKED
    actors = [
        Actor(
            standing(
                (left + 20 * (number % 2), top, right + 20 * (number % 2), bottom), 14.0 * number, 14.0 * number + 8
            )
        )
        for number in range(10)
    ]
    assert active(watched(settings(rule(**DWELL)), TruthPort(actors), 140)) == []


def test_a_van_that_is_called_a_car_and_a_truck_in_turn_is_one_thing() -> None:
    port = TruthPort([Actor(standing(PARKED), ("truck", "car", "truck"))])
    found = active(watched(settings(rule(**DWELL)), port, 60))
    assert found[0].media_time == pytest.approx(30, abs=1)
    assert {detail(one).objects[0].label for one in found} == {"truck"}
    assert {detail(one).count for one in found} == {1}


def test_a_weak_thing_that_comes_and_goes_is_none() -> None:
    port = TruthPort([Actor(standing(PARKED), score=0.45)], missed=0.75)
    assert active(watched(settings(rule(**DWELL)), port, 120)) == []


def test_several_things_are_one_observation() -> None:
    boxes = [(210 + 55.0 * number, 240.0, 255 + 55.0 * number, 300.0) for number in range(4)]
    port = TruthPort([Actor(standing(box, begin=5.0 * number)) for number, box in enumerate(boxes)])
    found = active(watched(settings(rule(**DWELL)), port, 60))
    said = detail(found[-1])
    assert said.count == 4
    assert [one.seconds for one in said.objects] == pytest.approx([60, 55, 50, 45], abs=1.1)
    assert len(found[-1].marks) == 4


def test_it_is_over_when_it_has_left_and_has_been_looked_for() -> None:
    port = TruthPort([Actor(standing(PARKED, end=50))])
    found = watched(settings(rule(**DWELL)), port, 100)
    (over,) = [one for one in found if not one.active]
    assert over.media_time == pytest.approx(50 + 2 + 20, abs=3)
    assert over.ended_media_time == pytest.approx(51, abs=1.6)
    assert found[-1] is over


def test_nothing_is_over_while_nobody_looks() -> None:
    """The model is away for a minute: that no car was seen proves nothing."""
    port = TruthPort([Actor(standing(PARKED, end=50))], silent=(49.0, 109.0))
    found = watched(settings(rule(**DWELL)), port, 160)
    (over,) = [one for one in found if not one.active]
    assert over.media_time >= 109 + 15


@pytest.mark.parametrize("missed", [0.0, 0.15])
def test_too_many_for_too_long(missed: float) -> None:
    people = [
        Actor(standing((210.0 + 30 * number, 220, 230.0 + 30 * number, 280), begin=10), ("person",))
        for number in range(7)
    ]
    values = settings({"classes": ["person"], "count": {"more_than": 4, "seconds": 15}, "hazard": "crowd"})
    found = active(watched(values, TruthPort(people, missed=missed), 60))
    assert found[0].media_time == pytest.approx(26, abs=3)
    said = detail(found[-1])
    assert (said.rule, said.limit) == ("count", 4)
    assert said.count >= 5
    assert len(said.objects) == min(said.count, 6)
    assert found[-1].hazard == "crowd"


def test_a_group_that_passes_is_no_crowd() -> None:
    people = [Actor(moving((20.0 + 25 * number, 280), (40, 0), size=40), ("person",)) for number in range(6)]
    values = settings({"classes": ["person"], "count": {"more_than": 4, "seconds": 15}})
    assert watched(values, TruthPort(people), 60) == []


def test_nobody_may_be_here_at_all() -> None:
    """`more_than: 0` is an intrusion; somebody who flickers once is none."""
    values = settings({"classes": ["person"], "count": {"more_than": 0, "seconds": 2}, "hazard": "intrusion"})
    someone = Actor(standing((300, 220, 330, 300), begin=10, end=20), ("person",))
    (first, *_) = active(watched(values, TruthPort([someone]), 40))
    assert first.media_time == pytest.approx(12.5, abs=1)
    flicker = Actor(standing((300, 220, 330, 300), begin=10, end=10.6), ("person",))
    assert watched(values, TruthPort([flicker]), 40) == []


DIRECTION = {"direction": {"allowed_degrees": 90}, "hazard": "wrong_way"}


def test_who_comes_against_the_only_way() -> None:
    actors = [Actor(moving((190, 300), (40, 0))), Actor(moving((450, 240), (-30, 0), begin=6))]
    values = settings(rule(**DIRECTION), look_seconds=0.25)
    found = watched(values, TruthPort(actors), 40, fps=10)
    assert {one.key for one in found} == {"lane/direction:1"}
    said = detail(active(found)[0])
    assert said.heading_degrees == pytest.approx(270, abs=12)
    assert said.limit == 100
    assert not found[-1].active, "it has gone"


@pytest.mark.parametrize(
    "actor",
    [Actor(moving((320, 345), (0, -20))), Actor(standing(PARKED)), Actor(moving((205, 300), (25, 15)))],
    ids=["crossing", "standing", "aslant"],
)
def test_crossing_standing_and_going_along_are_not_against_it(actor: Actor) -> None:
    values = settings(rule(**DIRECTION), look_seconds=0.25)
    assert watched(values, TruthPort([actor], noise_px=2), 30, fps=10) == []


def test_two_that_go_the_wrong_way_are_two() -> None:
    actors = [Actor(moving((430, y), (-30, 0), begin=begin)) for y, begin in ((240, 0.0), (320, 10.0))]
    values = settings(rule(**DIRECTION), look_seconds=0.25)
    assert {one.key for one in watched(values, TruthPort(actors), 25, fps=10)} == {
        "lane/direction:1",
        "lane/direction:2",
    }
